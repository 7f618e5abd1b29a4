//! Carries out calls to incoming webhooks: what a call means and who may make it is decided by `behaviour::hook`; here the
//! objects it names are looked up, files are read, and the runner is told.

pub mod files;
mod perform;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::configuration::{Configuration, Configurations, LiveObject};
use crate::base::ident::Name;
use crate::base::secret::SecretText;
use crate::behaviour::hook::answer::Answer;
use crate::behaviour::hook::call::{self, UserReference};
use crate::behaviour::hook::dataset::Fitted;
use crate::behaviour::hook::file::{FILES_LIMIT, FileSource};
use crate::behaviour::hook::rights::Caller;
use crate::behaviour::hook::{HookCode, HookError, process};
use crate::kinds::Spec;
use crate::runtime::runner::Runner;
use crate::store::{Store, StoreError};
use files::{AllowedFolders, FileRefused};

/// What can be set about incoming webhooks.
#[derive(Clone, Debug)]
pub struct HookSettings {
    /// The user whose rights calls have where the incoming webhook impersonates nobody.
    pub engine_identity: String,
    /// Users with system access to all requests.
    pub system_users: BTreeSet<String>,
    /// Folders that files of calls may be read from.
    pub allowed_folders: AllowedFolders,
}

impl HookSettings {
    /// The engine's identity where nothing else is said.
    pub const ENGINE_IDENTITY: &str = "trueup";
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            engine_identity: Self::ENGINE_IDENTITY.to_owned(),
            system_users: BTreeSet::new(),
            allowed_folders: AllowedFolders::default(),
        }
    }
}

/// Incoming webhooks.
pub struct Hooks {
    store: Arc<Store>,
    configurations: Arc<Configurations>,
    runner: Arc<Runner>,
    settings: HookSettings,
}

/// An incoming webhook that a token has opened.
#[derive(Clone, Debug)]
pub struct OpenHook {
    /// Its project.
    pub project: Name,
    object: Arc<LiveObject>,
    configuration: Arc<Configuration>,
}

impl OpenHook {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.object.address.name
    }
}

/// Why a call is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum HookFailure {
    /// The call is at fault.
    #[error("carry out a call: {}", first(.0))]
    Refused(Vec<HookError>),
    /// The engine is.
    #[error("carry out a call")]
    Store(#[from] StoreError),
}

fn first(errors: &[HookError]) -> String {
    errors.first().map(ToString::to_string).unwrap_or_default()
}

impl From<HookError> for HookFailure {
    fn from(error: HookError) -> Self {
        Self::Refused(vec![error])
    }
}

impl From<Vec<HookError>> for HookFailure {
    fn from(errors: Vec<HookError>) -> Self {
        Self::Refused(errors)
    }
}

impl Hooks {
    /// Over a store, its configurations and a runner.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        configurations: Arc<Configurations>,
        runner: Arc<Runner>,
        settings: HookSettings,
    ) -> Self {
        Self { store, configurations, runner, settings }
    }

    /// The live incoming webhook that a token belongs to.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(&self, token: &SecretText) -> Result<Option<OpenHook>, StoreError> {
        let Some(owner) = self.store.reads().by_token(token).await? else { return Ok(None) };
        let configuration = self.configurations.of(&owner.project).await?;
        // Removed in this very moment, it opens nothing any more.
        let object = configuration.by_id(owner.id).cloned();
        Ok(object.map(|object| OpenHook { project: owner.project, object, configuration }))
    }

    /// Carries out a call, whole or not at all.
    ///
    /// # Errors
    /// All that is wrong with the call, in the stages of `docs/behaviour-hooks.md`; or a failure of the store.
    pub async fn call(&self, hook: &OpenHook, body: &Value) -> Result<Answer, HookFailure> {
        let call = call::parse(body)?;
        let Spec::IncomingWebhook(spec) = &hook.object.spec else {
            return Err(StoreError::Corrupt {
                what: hook.object.address.to_string(),
                reason: "it has a token and is no incoming webhook".to_owned(),
            }
            .into());
        };
        process::offers(spec, call.input.operation())?;
        let on_behalf_of = match call.input.on_behalf_of() {
            Some(reference) => Some(self.user(&hook.project, reference).await?),
            None => None,
        };
        let user = spec.impersonate.as_deref().unwrap_or(&self.settings.engine_identity).to_owned();
        let caller = Caller { user, on_behalf_of };
        let operation = call.input.operation().as_str();
        let answer = self.perform(hook, spec, call, &caller).await?;
        tracing::info!(project = %hook.project, hook = %hook.name(), operation, "a call was carried out");
        Ok(answer)
    }

    /// The name of the user that is meant. A name alone may be of nobody who was mentioned before.
    async fn user(&self, project: &Name, reference: &UserReference) -> Result<String, HookFailure> {
        let (number, name) = match reference {
            UserReference::Name(name) => return Ok(name.clone()),
            UserReference::Id(number) => (*number, None),
            UserReference::Both(number, name) => (*number, Some(name)),
        };
        let known = self.store.reads().user_name(project, number).await?;
        let known = known.ok_or_else(|| HookError::new(HookCode::UnknownUser, "no user has this id"))?;
        match name {
            Some(name) if *name != known => {
                let message = "the id and the name of a user name two users";
                Err(HookError::new(HookCode::ConflictingFields, message).into())
            }
            Some(_) | None => Ok(known),
        }
    }

    /// The values of a call with the bytes of their files.
    async fn with_files(&self, fitted: Fitted) -> Result<Map<String, Value>, HookFailure> {
        let Fitted { mut values, files } = fitted;
        let mut left = FILES_LIMIT;
        let too_large = |name: &str| {
            let message = format!(
                "the file of `{name}` is larger than what is left of the {FILES_LIMIT} bytes that all files of a call may have"
            );
            HookFailure::from(HookError::new(HookCode::FileTooLarge, message))
        };
        // What came with the call is measured before anything is read.
        for (name, file) in &files {
            if let FileSource::Content(bytes) = &file.source {
                left = left.checked_sub(bytes.len()).ok_or_else(|| too_large(name))?;
            }
        }
        for (name, file) in files {
            let value = match &file.source {
                FileSource::Content(bytes) => file.to_value(bytes, None)?,
                FileSource::Url(url) => {
                    let read = self.settings.allowed_folders.read(url, left).await;
                    let read = read.map_err(|refused| match refused {
                        FileRefused::NotAllowed => {
                            HookError::new(HookCode::FileNotAllowed, format!("`{name}`: {refused}")).into()
                        }
                        FileRefused::Unreadable => {
                            HookError::new(HookCode::FileUnreadable, format!("`{name}`: {refused}")).into()
                        }
                        FileRefused::TooLarge(_) => too_large(&name),
                    })?;
                    left = left.saturating_sub(read.bytes.len());
                    file.to_value(&read.bytes, read.modified)?
                }
            };
            values.insert(name, value);
        }
        Ok(values)
    }
}
