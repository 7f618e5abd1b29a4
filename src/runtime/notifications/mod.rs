//! Notifications: what calls send and manifests say, and what end users find in their inboxes.
//!
//! Nothing is sent out and no clock is waited on: a notification is in an inbox while it is active, and an inbox is what
//! follows from the configuration, the calls and the attributes **at the moment it is read**. So a new attribute, a
//! changed audience or an edited manifest counts at once, no list of members is kept anywhere that could be out of date,
//! and a notification costs nothing until somebody looks. The price is paid by reading: it grows with the manifests'
//! active notifications and with the calls that name audiences, not with calls that name others.

mod accept;
mod inbox;
mod manifests;
mod step;
mod table;
mod upload;

use std::sync::Arc;

use self::manifests::Manifests;
use super::configuration::{Configuration, Configurations, LiveObject};
use super::prepared::{Prepared, Secrets};
use super::timer::Timer;
use crate::base::ident::{Name, ObjectId};
use crate::behaviour::end_user::{EndUserIds, SALT_PATH};
use crate::behaviour::fault::Fault;
use crate::kinds::system::{Platform, SystemSpec};
use crate::kinds::template::TemplateSpec;
use crate::kinds::{Kind, Spec};
use crate::store::{Store, StoreError};

pub use accept::Sender;

/// Bytes of an end user's id.
const ID_LIMIT: usize = 255;

/// Sends notifications and reads inboxes.
pub struct Notifications {
    store: Arc<Store>,
    configurations: Arc<Configurations>,
    prepared: Arc<Prepared>,
    timer: Timer,
    manifests: Manifests,
}

/// Why something about notifications was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// It breaks rules: all of them.
    #[error("the notification breaks {} rules", .0.len())]
    Invalid(Vec<Fault>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A workstation system of a project.
#[derive(Clone, Copy)]
struct Workstation<'c> {
    object: &'c LiveObject,
    spec: &'c SystemSpec,
}

impl<'c> Workstation<'c> {
    fn of(object: &'c LiveObject) -> Option<Self> {
        match &object.spec {
            Spec::System(spec) if spec.platform == Platform::Workstation => Some(Self { object, spec }),
            _ => None,
        }
    }

    fn all(configuration: &'c Configuration) -> impl Iterator<Item = Self> {
        configuration.of_kind(Kind::System).filter_map(|object| Self::of(object))
    }

    fn system_id(self) -> &'c str {
        self.object.server_set.get("systemId").and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// What is needed to turn ids of a system's end users into what is kept of them.
struct Ids<'c>(&'c SystemSpec, Option<Secrets>);

impl Ids<'_> {
    fn kept(&self, id: &str) -> Result<String, StoreError> {
        let salt = self.1.as_ref().and_then(|secrets| secrets.get(SALT_PATH));
        let salt = salt.map(|salt| salt.expose_to_target().as_bytes());
        let ids = EndUserIds::of(self.0, salt).map_err(|error| StoreError::Corrupt {
            what: "the secrets of a system".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(ids.kept(id).into_owned())
    }
}

/// A template, live or archived.
enum Template {
    Live(Arc<LiveObject>),
    Archived(ObjectId, Box<TemplateSpec>),
}

impl Template {
    fn id(&self) -> ObjectId {
        match self {
            Self::Live(object) => object.id,
            Self::Archived(id, _) => *id,
        }
    }

    fn spec(&self) -> Option<&TemplateSpec> {
        match self {
            Self::Live(object) => match &object.spec {
                Spec::Template(spec) => Some(spec),
                _ => None,
            },
            Self::Archived(_, spec) => Some(spec),
        }
    }
}

impl Notifications {
    pub(super) fn new(
        store: Arc<Store>,
        configurations: Arc<Configurations>,
        prepared: Arc<Prepared>,
        timer: Timer,
    ) -> Self {
        Self { store, configurations, prepared, timer, manifests: Manifests::default() }
    }

    async fn ids<'c>(&self, project: &Name, system: Workstation<'c>) -> Result<Ids<'c>, StoreError> {
        let secrets = match &system.spec.end_user_id {
            Some(_) => Some(self.prepared.secrets(project, system.object).await?),
            None => None,
        };
        Ok(Ids(system.spec, secrets))
    }

    /// The template with this id: archived ones keep answering.
    async fn template(
        &self,
        project: &Name,
        configuration: &Configuration,
        id: ObjectId,
    ) -> Result<Option<Template>, StoreError> {
        if let Some(live) = configuration.by_id(id) {
            return Ok(Some(Template::Live(Arc::clone(live))).filter(|template| template.spec().is_some()));
        }
        let Some(record) = self.store.reads().read_by_id(project, id).await? else { return Ok(None) };
        let spec = record
            .address
            .kind
            .read_spec(&record.spec)
            .map_err(|error| StoreError::Corrupt { what: record.address.to_string(), reason: error.to_string() })?;
        Ok(match spec {
            Spec::Template(spec) => Some(Template::Archived(id, spec)),
            _ => None,
        })
    }
}
