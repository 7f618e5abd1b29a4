//! Who may do what (domain §4): the rights of a call's user, of whom it is done on behalf, and what the request and the
//! action allow at all.
//!
//! Rights come before states: who may not act learns nothing about how far a request is.

use std::collections::BTreeSet;

use super::call::{Call, Cancellation, CompleteAction, Input};
use super::error::{HookCode, HookError};
use crate::kinds::incoming_webhook::Operation;
use crate::kinds::workflow::Roles;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user whose rights the incoming webhook has: the impersonated one, else the engine's own identity.
    pub user: String,
    /// The user on whose behalf is called.
    pub on_behalf_of: Option<String>,
}

impl Caller {
    /// The user who acts: the one on whose behalf, if there is one.
    #[must_use]
    pub fn acting(&self) -> &str {
        self.on_behalf_of.as_deref().unwrap_or(&self.user)
    }
}

/// A request as rights see it.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'r> {
    /// Users with system access everywhere.
    pub system_users: &'r BTreeSet<String>,
    /// The roles that its workflow has now, not when the request was started.
    pub roles: &'r Roles,
    /// Who started it, and on whose behalf.
    pub requesters: &'r [String],
    /// Everybody to whom one of its actions is assigned, and who has ended one.
    pub participants: &'r [String],
    /// Whether it has not ended.
    pub open: bool,
    /// Whether it was started as a test.
    pub is_test: bool,
}

/// An action as rights see it.
#[derive(Clone, Copy, Debug)]
pub struct ActionView<'a> {
    /// The name of its step.
    pub activity: &'a str,
    /// Whether it waits.
    pub open: bool,
    /// Who has to act.
    pub assignee: Option<&'a str>,
    /// Whether its step routes `cancelled`.
    pub can_be_cancelled: bool,
    /// Whether its step routes `error`.
    pub can_fail: bool,
}

impl RequestView<'_> {
    /// Whether a user has system access to it: an administrator of its workflow, or a system user of the engine.
    #[must_use]
    pub fn system_access(&self, user: &str) -> bool {
        self.system_users.contains(user) || self.roles.administrators.iter().any(|name| name == user)
    }

    fn supervised_by(&self, user: &str) -> bool {
        self.roles.supervisors.iter().any(|name| name == user)
    }

    fn requested_by(&self, user: &str) -> bool {
        self.requesters.iter().any(|name| name == user)
    }

    /// Whether a user has access to it at all.
    #[must_use]
    pub fn access(&self, user: &str) -> bool {
        self.system_access(user)
            || self.supervised_by(user)
            || self.requested_by(user)
            || self.participants.iter().any(|name| name == user)
    }
}

/// Whether a call may be carried out on a request and, for the operations on one, its action.
///
/// Starting a request needs no right of a user's: access to the workflow is public, or it cannot be started.
///
/// # Errors
/// The first rule that is broken: a right of the caller's, then one of the user's on whose behalf is called, then what
/// request and action are in no state for.
pub fn check(
    call: &Call,
    caller: &Caller,
    request: &RequestView<'_>,
    action: Option<&ActionView<'_>>,
) -> Result<(), HookError> {
    let operation = call.input.operation();
    let assignee = action.and_then(|action| action.assignee);
    check_user(operation, &caller.user, Side::Caller { acts: caller.on_behalf_of.is_none() }, request, assignee)?;
    if let Some(user) = &caller.on_behalf_of {
        check_user(operation, user, Side::OnBehalfOf, request, assignee)?;
    }
    check_state(call, request, action)
}

/// In which part a user stands in a call.
#[derive(Clone, Copy)]
enum Side {
    /// The caller's own user, who acts when nobody is acted for.
    Caller { acts: bool },
    /// Whom is acted for.
    OnBehalfOf,
}

fn check_user(
    operation: Operation,
    user: &str,
    side: Side,
    request: &RequestView<'_>,
    assignee: Option<&str>,
) -> Result<(), HookError> {
    let system = request.system_access(user);
    let supervisor = request.supervised_by(user);
    let assigned = assignee == Some(user);
    let (may, needs) = match operation {
        Operation::CreateRequest => (true, ""),
        Operation::UpdateRequestDataset => (system, "system access"),
        Operation::CancelRequest => (
            system || supervisor || request.requested_by(user),
            "to have requested it, to be a supervisor, or system access",
        ),
        Operation::CompleteAction | Operation::CompleteFormAction => {
            (system || assigned, "to be the action's assignee, or system access")
        }
        Operation::CancelAction => match side {
            Side::Caller { .. } if !system => (false, "system access"),
            Side::Caller { acts: false } => (request.access(user), "access to the request"),
            Side::Caller { acts: true } | Side::OnBehalfOf => (
                request.access(user) && (system || supervisor || assigned),
                "to be an administrator, a supervisor or the action's assignee",
            ),
        },
        Operation::AssignAction | Operation::CancelActionAssignment => {
            (system || supervisor || assigned, "to be an administrator, a supervisor or the action's assignee")
        }
    };
    if may {
        return Ok(());
    }
    let who = match side {
        Side::Caller { .. } => "the incoming webhook's user",
        Side::OnBehalfOf => "the user on whose behalf is called",
    };
    let message = format!("`{}` is not allowed: {who} needs {needs}", operation.as_str());
    Err(HookError::new(HookCode::SecurityError, message))
}

fn check_state(call: &Call, request: &RequestView<'_>, action: Option<&ActionView<'_>>) -> Result<(), HookError> {
    let refused = |code, message: &str| Err(HookError::new(code, message));
    if let Input::CreateRequest(_) = call.input {
        return Ok(());
    }
    if let (Input::CompleteAction(input) | Input::CompleteFormAction(input), Some(action)) = (&call.input, action) {
        check_said(input, request, action)?;
    }
    if let Some(action) = action
        && !(action.open && request.open)
    {
        return refused(HookCode::ActionClosed, "the action is not open any more");
    }
    if !request.open {
        return refused(HookCode::RequestClosed, "the request has ended");
    }
    match (&call.input, action) {
        (Input::CancelAction(input), Some(action)) => {
            let routed = match input.cancellation {
                Cancellation::Cancel => action.can_be_cancelled,
                Cancellation::Error => action.can_fail,
            };
            if !routed {
                let exit = input.cancellation.exit();
                return refused(HookCode::NotCancellable, &format!("the action's step has no route `{exit}`"));
            }
            Ok(())
        }
        (Input::CancelActionAssignment(_), Some(ActionView { assignee: None, .. })) => {
            refused(HookCode::NotAssigned, "the action is assigned to nobody")
        }
        (_, _) => Ok(()),
    }
}

/// Checks what a call says about the action that it names.
fn check_said(input: &CompleteAction, request: &RequestView<'_>, action: &ActionView<'_>) -> Result<(), HookError> {
    if input.activity_name.as_deref().is_some_and(|name| name != action.activity) {
        return Err(HookError::new(HookCode::WrongActivity, "the action belongs to another activity"));
    }
    match input.is_test {
        Some(is_test) if is_test != request.is_test => {
            let is = if request.is_test { "is a test" } else { "is no test" };
            Err(HookError::new(HookCode::TestMismatch, format!("the request {is}")))
        }
        Some(_) | None => Ok(()),
    }
}
