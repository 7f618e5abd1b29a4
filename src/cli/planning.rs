//! From arguments to a plan: shared by every verb that plans.

use jiff::Timestamp;
use uuid::Uuid;

use super::Context;
use super::arguments::{LimitArguments, PlanArguments, ProjectArguments, SecretArguments};
use super::exit::{self, Exit};
use super::project;
use super::replaying::{self, ReplayArguments};
use super::secret_source::GuardedSource;
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::diagnostic_record::records;
use crate::base::ident::PlanId;
use crate::desired::Desired;
use crate::desired::load::LoadedProject;
use crate::desired::secrets::Secrets;
use crate::kinds::Address;
use crate::live::{self, Live};
use crate::plan::wanted::wanted;
use crate::plan::{Plan, PlanOptions};
use crate::provider::Reader;
use crate::review::complete::complete;

/// A project with its secrets: what plan and apply start from.
pub struct Prepared {
    /// The project, free of errors.
    pub loaded: LoadedProject,
    /// The contents of its secrets, as far as they are available.
    pub secrets: Secrets,
    /// Which secrets may be read.
    pub allowed: SecretArguments,
}

/// Loads a project and reads its secrets.
///
/// # Errors
/// When anything is wrong with its manifests, which is said on standard error.
pub fn prepare(context: &Context, project: &ProjectArguments, secrets: &SecretArguments) -> Result<Prepared, Exit> {
    Ok(with_secrets(context, project::load_sound(context, project)?, secrets))
}

/// Reads the secrets of a project that is free of errors.
#[must_use]
pub fn with_secrets(context: &Context, loaded: LoadedProject, secrets: &SecretArguments) -> Prepared {
    let allowed = secrets.clone();
    let source = GuardedSource::new(&loaded.desired.project.root, &context.working_folder, secrets);
    let references = loaded.desired.objects.iter().flat_map(|object| &object.secrets).map(|secret| &secret.reference);
    let secrets = Secrets::read(&source, references);
    Prepared { loaded, secrets, allowed }
}

/// What a verb asks of a plan.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// The flags.
    pub arguments: &'a PlanArguments,
    /// Remove everything that is managed.
    pub destroy: bool,
}

/// Reads live state, plans, and adds what reviewers are told: for a plan that is shown.
///
/// # Errors
/// As [`plan`], and when what is asked for cannot be replayed, which is said on standard error.
pub async fn reviewed(
    context: &Context,
    prepared: &Prepared,
    reader: &dyn Reader,
    wish: &Wish<'_>,
    replay: Option<&ReplayArguments>,
) -> Result<Plan, Exit> {
    let desired = &prepared.loaded.desired;
    let (mut plan, live) = plan(context, prepared, reader, wish).await?;
    let states = complete(&mut plan, desired, &live).map_err(|error| exit::failed(format!("failed to {error}")))?;
    if let Some(arguments) = replay {
        let sources = replaying::Sources { context, reader, desired };
        replaying::replay(&sources, arguments, &mut plan, &live, &states).await?;
    }
    Ok(plan)
}

/// Reads live state and plans.
///
/// # Errors
/// When the target cannot be read or no plan is possible, which is said on standard error.
pub async fn plan(
    context: &Context,
    prepared: &Prepared,
    reader: &dyn Reader,
    wish: &Wish<'_>,
) -> Result<(Plan, Live), Exit> {
    let desired = &prepared.loaded.desired;
    let mut wanted = wanted(desired, &prepared.secrets, &wish.arguments.replace);
    if wish.destroy {
        // What is removed is shown, and its metadata says whether it is protected.
        wanted.in_full.extend(desired.objects.iter().map(|object| object.address.clone()));
    }
    let live = live::read(reader, &wanted).await.map_err(|error| exit::provider(&error))?;
    check_named(desired, &live, wish)?;
    match crate::plan::build(desired, &live, &options(prepared, wish)) {
        Ok(mut plan) => {
            plan.diagnostics = records(&prepared.loaded.diagnostics, &desired.sources);
            Ok((plan, live))
        }
        Err(problems) => {
            project::tell(context, &problems, &desired.sources, prepared.loaded.manifests, &desired.project.root);
            let conflict = |problem: &Diagnostic| matches!(problem.code, Code::Unmanaged | Code::StillReferred);
            Err(if problems.iter().any(conflict) { Exit::Conflict } else { Exit::InvalidInput })
        }
    }
}

/// A slip in an address would otherwise silently select nothing, or, where it excludes, everything.
fn check_named(desired: &Desired, live: &Live, wish: &Wish<'_>) -> Result<(), Exit> {
    let PlanArguments { replace, selection, .. } = wish.arguments;
    let in_manifests = |address: &&Address| desired.get(address).is_some();
    // What is only on the target can be kept from being removed, and in `destroy` be chosen.
    let is_known = |address: &&Address| in_manifests(address) || live.rows.contains_key(*address);
    let only = selection.only.iter().filter(|address| !(in_manifests(address) || wish.destroy && is_known(address)));
    let exclude = selection.exclude.iter().filter(|address| !is_known(address));
    let unknown: Vec<&Address> =
        replace.iter().filter(|address| !in_manifests(address)).chain(only).chain(exclude).collect();
    let names: Vec<String> = desired.objects.iter().map(|object| object.address.to_string()).collect();
    for address in &unknown {
        let near = crate::base::diagnostic::nearest(&address.to_string(), names.iter().map(String::as_str))
            .map(|near| format!("did you mean {near}?"));
        exit::say_error(&format!("{address} is not in the manifests"), near.as_deref());
    }
    let chosen = selection.selection();
    let left_out: Vec<&Address> = replace
        .iter()
        .filter_map(|address| desired.get(address))
        .filter(|object| !desired.is_asked(object) || !chosen.contains(&object.address, &object.metadata.labels))
        .map(|object| &object.address)
        .collect();
    for address in &left_out {
        exit::say_error(
            &format!("--replace {address} is outside the selection"),
            Some("select it too, or leave it out"),
        );
    }
    if unknown.is_empty() && left_out.is_empty() { Ok(()) } else { Err(Exit::InvalidInput) }
}

fn options(prepared: &Prepared, wish: &Wish<'_>) -> PlanOptions {
    let desired = &prepared.loaded.desired;
    let references = desired.objects.iter().flat_map(|object| &object.secrets).map(|secret| &secret.reference);
    let unavailable = references.filter(|reference| prepared.secrets.problem(reference).is_some());
    let PlanArguments { prune, allow_empty, adopt, allow_send, replace, limits, selection } = wish.arguments;
    let (max_deletes, max_changed_percent) = limits_of(desired, limits);
    PlanOptions {
        plan_id: PlanId(Uuid::new_v4()),
        now: Timestamp::now(),
        trueup_version: env!("CARGO_PKG_VERSION").to_owned(),
        adopt: *adopt,
        prune: *prune,
        allow_empty: *allow_empty,
        destroy: wish.destroy,
        unavailable_secrets: unavailable.cloned().collect(),
        allow_send: *allow_send,
        max_deletes,
        max_changed_percent,
        selection: selection.selection(),
        left_alone: std::collections::BTreeSet::new(),
        replace: replace.clone(),
    }
}

/// Flags before the project's limits.
#[must_use]
pub fn limits_of(desired: &Desired, limits: &LimitArguments) -> (usize, Option<f64>) {
    let project = &desired.project.limits;
    let deletes = limits.max_deletes.unwrap_or_else(|| usize::try_from(project.max_deletes).unwrap_or(usize::MAX));
    (deletes, limits.max_changed_percent.or(project.max_changed_percent))
}
