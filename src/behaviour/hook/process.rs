//! Which workflow a call means, whether the incoming webhook reaches it, and which of its versions a request runs on.

use serde_json::Value;

use super::error::{HookCode, HookError};
use crate::base::ident::Name;
use crate::kinds::incoming_webhook::{IncomingWebhookSpec, Operation};
use crate::kinds::workflow::Access;

/// A workflow that a call could mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'c> {
    /// Its name within the project.
    pub name: &'c Name,
    /// What callers see: its display name, or else its name.
    pub display_name: &'c str,
    /// Its number, once it has one.
    pub number: Option<u64>,
}

/// The workflow that a call names by display name, by id, or by both.
///
/// # Errors
/// When there is none, when there are several of the name, or when name and id do not agree.
pub fn pick<'c>(
    candidates: impl Iterator<Item = Candidate<'c>> + Clone,
    display_name: Option<&str>,
    number: Option<u64>,
) -> Result<Candidate<'c>, HookError> {
    let unknown = |what: &str| HookError::new(HookCode::UnknownProcess, format!("no live workflow has this {what}"));
    let by_number = match number {
        None => None,
        Some(_) => {
            let found = candidates.clone().find(|candidate| candidate.number == number);
            Some(found.ok_or_else(|| unknown("processId"))?)
        }
    };
    let Some(display_name) = display_name else { return by_number.ok_or_else(|| unknown("processId")) };
    let mut named = candidates.filter(|candidate| candidate.display_name == display_name);
    match by_number {
        Some(found) if found.display_name == display_name => Ok(found),
        Some(_) => Err(HookError::new(HookCode::ConflictingFields, "`processName` and `processId` name two workflows")),
        None => {
            let found = named.next().ok_or_else(|| unknown("processName"))?;
            if named.next().is_some() {
                let message = "several workflows have this processName: give `processId`";
                return Err(HookError::new(HookCode::AmbiguousProcess, message));
            }
            Ok(found)
        }
    }
}

/// Whether an incoming webhook offers an operation.
///
/// # Errors
/// When it does not.
pub fn offers(hook: &IncomingWebhookSpec, operation: Operation) -> Result<(), HookError> {
    if hook.operations.contains(&operation) {
        return Ok(());
    }
    let message = format!("this incoming webhook does not offer `{}`", operation.as_str());
    Err(HookError::new(HookCode::OperationNotAllowed, message))
}

/// Whether an incoming webhook reaches a workflow with an operation: one of its `workflows`, or with none given any with
/// public access; and to start one it must be a sub-process with public access (domain §4).
///
/// # Errors
/// When it does not.
pub fn reaches(
    hook: &IncomingWebhookSpec,
    operation: Operation,
    workflow: &Name,
    access: Access,
) -> Result<(), HookError> {
    let listed = if hook.workflows.is_empty() { access.public } else { hook.workflows.contains(workflow) };
    if !listed {
        let message = "this incoming webhook does not reach the workflow";
        return Err(HookError::new(HookCode::WorkflowNotAllowed, message));
    }
    if operation == Operation::CreateRequest && !access.can_be_started_from_outside() {
        let message = "the workflow cannot be started from outside: it is no sub-process with public access";
        return Err(HookError::new(HookCode::ProcessNotPublic, message));
    }
    Ok(())
}

/// The versions of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// All.
    pub all: Vec<u64>,
    /// What requests run on.
    pub current: Option<u64>,
    /// What test requests run on.
    pub test: Option<u64>,
}

impl Versions {
    /// From what the target has set on the workflow.
    #[must_use]
    pub fn of(server_set: &Value) -> Self {
        let rows = server_set.get("versions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let pointer = |name: &str| server_set.get(name).and_then(Value::as_u64);
        Self {
            all: rows.iter().filter_map(|row| row.get("version")?.as_u64()).collect(),
            current: pointer("current"),
            test: pointer("test"),
        }
    }

    /// The version a request runs on: the one that is wanted, else the test version for a test, else the current one.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn choose(&self, wanted: Option<u64>, is_test: bool) -> Result<u64, HookError> {
        let (chosen, missing) = match wanted {
            Some(wanted) => (self.all.contains(&wanted).then_some(wanted), format!("no version {wanted}")),
            None if is_test => (self.test, "no test version".to_owned()),
            None => (self.current, "no current version".to_owned()),
        };
        chosen.ok_or_else(|| HookError::new(HookCode::UnknownVersion, format!("the workflow has {missing}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn candidates() -> Vec<(Name, &'static str, Option<u64>)> {
        let name = |text: &str| Name::from_any(text);
        vec![
            (name("newsletter"), "newsletter", Some(1)),
            (name("orders"), "Orders", None),
            (name("old-orders"), "Twice", Some(3)),
            (name("new-orders"), "Twice", Some(4)),
        ]
    }

    fn picked(display_name: Option<&str>, number: Option<u64>) -> Result<String, HookCode> {
        let all = candidates();
        let candidates =
            all.iter().map(|(name, display_name, number)| Candidate { name, display_name, number: *number });
        pick(candidates, display_name, number).map(|found| found.name.to_string()).map_err(|error| error.code)
    }

    #[test]
    fn a_workflow_is_named_by_its_display_name_or_its_id() {
        assert_eq!(picked(Some("newsletter"), None), Ok("newsletter".into()));
        assert_eq!(picked(Some("Orders"), None), Ok("orders".into()));
        assert_eq!(picked(Some("orders"), None), Err(HookCode::UnknownProcess));
        assert_eq!(picked(Some("Twice"), None), Err(HookCode::AmbiguousProcess));
        assert_eq!(picked(Some("Twice"), Some(4)), Ok("new-orders".into()));
        assert_eq!(picked(Some("Orders"), Some(4)), Err(HookCode::ConflictingFields));
        assert_eq!(picked(None, Some(1)), Ok("newsletter".into()));
        assert_eq!(picked(None, Some(2)), Err(HookCode::UnknownProcess));
    }

    #[test]
    fn a_webhook_reaches_what_it_lists_or_what_is_public() {
        let hook = |spec: Value| serde_json::from_value::<IncomingWebhookSpec>(spec).expect("a webhook");
        let access = |sub_process, public| Access { sub_process, public };
        let newsletter = Name::from_any("newsletter");
        let code = |hook: &IncomingWebhookSpec, operation, access| {
            reaches(hook, operation, &newsletter, access).err().map(|error| error.code)
        };
        let (any, listed, other) =
            (hook(json!({})), hook(json!({"workflows": ["newsletter"]})), hook(json!({"workflows": ["orders"]})));
        let (start, cancel) = (Operation::CreateRequest, Operation::CancelRequest);
        assert_eq!(code(&any, start, access(true, true)), None);
        assert_eq!(code(&any, start, access(false, true)), Some(HookCode::ProcessNotPublic));
        assert_eq!(code(&any, start, access(true, false)), Some(HookCode::WorkflowNotAllowed));
        assert_eq!(code(&any, cancel, access(false, true)), None);
        assert_eq!(code(&listed, start, access(true, false)), Some(HookCode::ProcessNotPublic));
        assert_eq!(code(&listed, cancel, access(false, false)), None);
        assert_eq!(code(&other, cancel, access(true, true)), Some(HookCode::WorkflowNotAllowed));
        let narrow = hook(json!({"operations": ["cancelRequest"]}));
        assert_eq!(offers(&narrow, cancel), Ok(()));
        assert_eq!(offers(&narrow, start).map_err(|error| error.code), Err(HookCode::OperationNotAllowed));
        assert!(Operation::ALL.iter().all(|operation| offers(&any, *operation).is_ok()));
    }

    #[test]
    fn requests_run_on_the_released_version_or_the_one_that_is_wanted() {
        let versions = Versions::of(&json!({"versions": [{"version": 1}, {"version": 2}], "current": 1, "test": null}));
        let chosen = |wanted, is_test| versions.choose(wanted, is_test).map_err(|error| error.code);
        assert_eq!(chosen(None, false), Ok(1));
        assert_eq!(chosen(Some(2), false), Ok(2));
        assert_eq!(chosen(Some(2), true), Ok(2));
        assert_eq!(chosen(Some(3), false), Err(HookCode::UnknownVersion));
        assert_eq!(chosen(None, true), Err(HookCode::UnknownVersion));
        assert_eq!(Versions::of(&json!({})).choose(None, false).map_err(|e| e.code), Err(HookCode::UnknownVersion));
    }
}
