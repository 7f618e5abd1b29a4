//! The secrets that an apply needs: each that it writes or compares.

use crate::base::diagnostic::Diagnostic;
use crate::desired::Desired;
use crate::desired::secrets::Secrets;
use crate::object::action::ActionKind;
use crate::plan::{Action, Plan};

/// What is wrong with the secrets that carrying out a plan needs. Empty when it can begin.
#[must_use]
pub fn unavailable(plan: &Plan, desired: &Desired, secrets: &Secrets) -> Vec<Diagnostic> {
    let content = |action: &&Action| match action.action {
        ActionKind::Create
        | ActionKind::Update
        | ActionKind::Replace
        | ActionKind::NewVersion
        | ActionKind::MakeCurrent
        | ActionKind::Restore => true,
        ActionKind::Move | ActionKind::Adopt => !action.changes.is_empty(),
        ActionKind::Delete | ActionKind::Archive | ActionKind::PublishSettings => false,
    };
    let mut addresses: Vec<_> = plan.actions.iter().filter(content).map(|action| &action.address).collect();
    addresses.extend(plan.unknown_secrets.iter().map(|secret| &secret.address));
    addresses.sort();
    addresses.dedup();
    let mut problems = Vec::new();
    for object in addresses.into_iter().filter_map(|address| desired.get(address)) {
        for secret in &object.secrets {
            let Some(problem) = secrets.problem(&secret.reference) else { continue };
            let mut found = Diagnostic::error(problem.code(), problem.to_string()).of(object.address.to_string());
            found.span = object.positions.find(&secret.path).map(|place| place.value);
            problems.push(found.path(secret.path.clone()).help("apply needs every secret that it writes or compares"));
        }
    }
    problems
}
