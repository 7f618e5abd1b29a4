//! Reading a call: `{"operation": "<name>", "args": {"input": {…}}}` into one of eight typed operations (domain §4).

use serde_json::Value;

use super::error::{HookCode, HookError};
use super::identifier::Identifier;
use super::parameter::{self, Parameter};
use super::reader::Fields;
use crate::kinds::incoming_webhook::Operation;

/// Bytes of an exception's texts, at most.
const EXCEPTION_LIMIT: usize = 4_096;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Chosen by the caller, echoed in the answer.
    pub client_mutation_id: Option<String>,
    /// What is to be done.
    pub input: Input,
}

/// What is to be done, with what the operation takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Start a request.
    CreateRequest(CreateRequest),
    /// Set data of a request.
    UpdateRequestDataset(UpdateRequestDataset),
    /// Cancel a request.
    CancelRequest(CancelRequest),
    /// Complete an action.
    CompleteAction(CompleteAction),
    /// Complete an action with a form's values.
    CompleteFormAction(CompleteAction),
    /// Cancel an action.
    CancelAction(CancelAction),
    /// Assign an action.
    AssignAction(AssignAction),
    /// Take an assignment back.
    CancelActionAssignment(CancelActionAssignment),
}

impl Input {
    /// Its operation.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::CreateRequest(_) => Operation::CreateRequest,
            Self::UpdateRequestDataset(_) => Operation::UpdateRequestDataset,
            Self::CancelRequest(_) => Operation::CancelRequest,
            Self::CompleteAction(_) => Operation::CompleteAction,
            Self::CompleteFormAction(_) => Operation::CompleteFormAction,
            Self::CancelAction(_) => Operation::CancelAction,
            Self::AssignAction(_) => Operation::AssignAction,
            Self::CancelActionAssignment(_) => Operation::CancelActionAssignment,
        }
    }

    /// The user on whose behalf it is to be done.
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<&UserReference> {
        match self {
            Self::CreateRequest(input) => input.on_behalf_of.as_ref(),
            Self::CancelRequest(input) => input.on_behalf_of.as_ref(),
            Self::CompleteAction(input) | Self::CompleteFormAction(input) => input.on_behalf_of.as_ref(),
            Self::CancelAction(input) => input.on_behalf_of.as_ref(),
            Self::AssignAction(input) => input.on_behalf_of.as_ref(),
            Self::UpdateRequestDataset(_) | Self::CancelActionAssignment(_) => None,
        }
    }
}

impl Input {
    /// The action it names; none for the operations on requests.
    #[must_use]
    pub fn action(&self) -> Option<ActionReference> {
        match self {
            Self::CreateRequest(_) | Self::UpdateRequestDataset(_) | Self::CancelRequest(_) => None,
            Self::CompleteAction(input) | Self::CompleteFormAction(input) => Some(input.action),
            Self::CancelAction(input) => Some(input.action),
            Self::AssignAction(input) => Some(input.action),
            Self::CancelActionAssignment(input) => Some(input.action),
        }
    }
}

/// A user, by id, by name, or by both, which must then agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserReference {
    /// The number of a user that is known.
    Id(u64),
    /// A name; a user of a new name comes into being.
    Name(String),
    /// Both.
    Both(u64, String),
}

/// A request to start.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateRequest {
    /// The workflow's display name.
    pub process_name: Option<String>,
    /// The workflow's number.
    pub process_id: Option<u64>,
    /// The version to run; the released one if absent.
    pub process_version: Option<u64>,
    /// Whether to run the test version.
    pub is_test: bool,
    /// What it starts with.
    pub parameters: Vec<Parameter>,
    /// Delegation.
    pub on_behalf_of: Option<UserReference>,
}

/// Data to set.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRequestDataset {
    /// The request's number.
    pub request: u64,
    /// The new values; at least one.
    pub parameters: Vec<Parameter>,
}

/// A request to cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelRequest {
    /// The request's number.
    pub request: u64,
    /// Delegation.
    pub on_behalf_of: Option<UserReference>,
}

/// An action to complete.
#[derive(Clone, Debug, PartialEq)]
pub struct CompleteAction {
    /// The action.
    pub action: ActionReference,
    /// The activity it must belong to: the step's name.
    pub activity_name: Option<String>,
    /// Whether its request must be a test.
    pub is_test: Option<bool>,
    /// Data to set before the request goes on.
    pub parameters: Vec<Parameter>,
    /// Delegation.
    pub on_behalf_of: Option<UserReference>,
}

/// An action to cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelAction {
    /// The action.
    pub action: ActionReference,
    /// By which of its step's two exits.
    pub cancellation: Cancellation,
    /// Why.
    pub exception: Option<Exception>,
    /// Delegation.
    pub on_behalf_of: Option<UserReference>,
}

/// An action to assign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignAction {
    /// The action.
    pub action: ActionReference,
    /// Who is to act.
    pub assignee: UserReference,
    /// Delegation.
    pub on_behalf_of: Option<UserReference>,
}

/// An assignment to take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelActionAssignment {
    /// The action.
    pub action: ActionReference,
}

/// An action by its request's number and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionReference {
    /// The request's number.
    pub request: u64,
    /// The action's number within the request.
    pub action: u64,
}

/// How an action is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// `CANCEL`: the request goes on by the step's `cancelled` route.
    Cancel,
    /// `ERROR`: it goes on by the step's `error` route.
    Error,
}

impl Cancellation {
    /// As written in calls.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "CANCEL",
            Self::Error => "ERROR",
        }
    }

    /// The exit of the task's step that it leads to.
    #[must_use]
    pub fn exit(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::Error => "error",
        }
    }
}

/// Why an action is cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// What happened.
    pub message: Option<String>,
    /// Where.
    pub source: Option<String>,
}

/// Reads a call's body.
///
/// # Errors
/// All that is wrong with it. Nothing of the input is looked at when the operation is not known.
pub fn parse(body: &Value) -> Result<Call, Vec<HookError>> {
    let malformed = |message: &str| vec![HookError::new(HookCode::MalformedCall, message)];
    let form = "a call is {\"operation\": \"<name>\", \"args\": {\"input\": {…}}}";
    let mut call = Fields::new(body.as_object().ok_or_else(|| malformed(form))?, "");
    let operation = call.long_text("operation");
    let args = call.object("args");
    let errors = call.finish("a call");
    if !errors.is_empty() {
        return Err(errors);
    }
    let (Some(operation), Some(args)) = (operation, args) else { return Err(malformed(form)) };
    let mut args = Fields::new(args, "args.");
    let input = args.object("input");
    let errors = args.finish("args");
    if !errors.is_empty() {
        return Err(errors);
    }
    let operation = Operation::ALL.iter().find(|known| known.as_str() == operation).ok_or_else(|| {
        let known: Vec<&str> = Operation::ALL.iter().map(|operation| operation.as_str()).collect();
        let shown: String = operation.chars().take(60).collect();
        let message = format!("`{shown}` is no operation: there are {}", known.join(", "));
        vec![HookError::new(HookCode::UnknownOperation, message)]
    })?;
    read_input(*operation, Fields::new(input.ok_or_else(|| malformed(form))?, ""))
}

/// Reads an operation's input. A reader that finds nothing has said why, so that no field is given up silently.
fn read_input(operation: Operation, mut fields: Fields<'_>) -> Result<Call, Vec<HookError>> {
    let client_mutation_id = fields.text("clientMutationId");
    let read = &mut fields;
    let input = match operation {
        Operation::CreateRequest => Some(Input::CreateRequest(create_request(read))),
        Operation::UpdateRequestDataset => update_request_dataset(read).map(Input::UpdateRequestDataset),
        Operation::CancelRequest => cancel_request(read).map(Input::CancelRequest),
        Operation::CompleteAction => complete_action(read).map(Input::CompleteAction),
        Operation::CompleteFormAction => complete_action(read).map(Input::CompleteFormAction),
        Operation::CancelAction => cancel_action(read).map(Input::CancelAction),
        Operation::AssignAction => assign_action(read).map(Input::AssignAction),
        Operation::CancelActionAssignment => {
            action_reference(read).map(|action| Input::CancelActionAssignment(CancelActionAssignment { action }))
        }
    };
    let errors = fields.finish(operation.as_str());
    match input {
        Some(input) if errors.is_empty() => Ok(Call { client_mutation_id, input }),
        Some(_) | None => Err(errors),
    }
}

fn create_request(fields: &mut Fields<'_>) -> CreateRequest {
    let process_name = fields.text("processName");
    let process_id = fields.id("processId", Identifier::process);
    if !fields.has("processName") && !fields.has("processId") {
        fields.error(HookCode::MissingField, "`processName` or `processId` is needed".to_owned());
    }
    CreateRequest {
        process_name,
        process_id,
        process_version: fields.counted("processVersion"),
        is_test: is_test(fields).unwrap_or(false),
        parameters: parameter::read_all(fields),
        on_behalf_of: on_behalf_of(fields),
    }
}

fn update_request_dataset(fields: &mut Fields<'_>) -> Option<UpdateRequestDataset> {
    let request = request_number(fields);
    if !fields.has("parameters") {
        fields.error(HookCode::MissingField, "`parameters` is needed".to_owned());
    } else if fields.is_empty_list("parameters") {
        fields.error(HookCode::InvalidValue, "`parameters` must not be empty".to_owned());
    }
    let parameters = parameter::read_all(fields);
    Some(UpdateRequestDataset { request: request?, parameters })
}

fn cancel_request(fields: &mut Fields<'_>) -> Option<CancelRequest> {
    let request = request_number(fields);
    // Accepting it and telling nobody would be worse than saying so.
    if fields.boolean("notifyParticipant") == Some(true) {
        let message = "`notifyParticipant` must be false: this server has no way to tell participants".to_owned();
        fields.error(HookCode::InvalidValue, message);
    }
    let on_behalf_of = on_behalf_of(fields);
    Some(CancelRequest { request: request?, on_behalf_of })
}

fn complete_action(fields: &mut Fields<'_>) -> Option<CompleteAction> {
    let action = action_reference(fields);
    let activity_name = fields.text("activityName");
    let is_test = is_test(fields);
    let parameters = parameter::read_all(fields);
    let on_behalf_of = on_behalf_of(fields);
    Some(CompleteAction { action: action?, activity_name, is_test, parameters, on_behalf_of })
}

fn cancel_action(fields: &mut Fields<'_>) -> Option<CancelAction> {
    let action = action_reference(fields);
    let cancellation = match fields.long_text("type") {
        None | Some("CANCEL") => Cancellation::Cancel,
        Some("ERROR") => Cancellation::Error,
        Some(_) => {
            fields.error(HookCode::InvalidValue, "`type` must be CANCEL or ERROR".to_owned());
            Cancellation::Cancel
        }
    };
    let exception = fields.object("exception").map(|exception| {
        let mut inner = Fields::new(exception, "exception.");
        let [message, source] = ["message", "source"].map(|name| {
            let text = inner.long_text(name)?;
            if text.len() > EXCEPTION_LIMIT {
                let place = inner.place(name);
                inner.error(
                    HookCode::InvalidValue,
                    format!("`{place}` must not be longer than {EXCEPTION_LIMIT} bytes"),
                );
            }
            Some(text.to_owned())
        });
        fields.errors(inner.finish("an exception"));
        Exception { message, source }
    });
    let on_behalf_of = on_behalf_of(fields);
    Some(CancelAction { action: action?, cancellation, exception, on_behalf_of })
}

fn assign_action(fields: &mut Fields<'_>) -> Option<AssignAction> {
    let action = action_reference(fields);
    let assignee = user_reference(fields, "assigneeId", "assigneeUserName");
    if !fields.has("assigneeId") && !fields.has("assigneeUserName") {
        fields.error(HookCode::MissingField, "`assigneeUserName` or `assigneeId` is needed".to_owned());
    }
    let on_behalf_of = on_behalf_of(fields);
    Some(AssignAction { action: action?, assignee: assignee?, on_behalf_of })
}

/// The source's text writes `isTest` here and `inTest` there: both are taken (domain §4).
fn is_test(fields: &mut Fields<'_>) -> Option<bool> {
    let (one, other) = (fields.boolean("isTest"), fields.boolean("inTest"));
    if let (Some(one), Some(other)) = (one, other)
        && one != other
    {
        fields.error(HookCode::ConflictingFields, "`isTest` and `inTest` do not agree".to_owned());
    }
    one.or(other)
}

fn on_behalf_of(fields: &mut Fields<'_>) -> Option<UserReference> {
    user_reference(fields, "onBehalfOf", "onBehalfOfUserName")
}

fn user_reference(fields: &mut Fields<'_>, id: &'static str, name: &'static str) -> Option<UserReference> {
    match (fields.user_id(id), fields.text(name)) {
        (Some(id), Some(name)) => Some(UserReference::Both(id, name)),
        (Some(id), None) => Some(UserReference::Id(id)),
        (None, Some(name)) => Some(UserReference::Name(name)),
        (None, None) => None,
    }
}

/// The request that `number` or `id` names.
fn request_number(fields: &mut Fields<'_>) -> Option<u64> {
    let number = fields.counted("number");
    let id = fields.id("id", Identifier::request);
    if !fields.has("number") && !fields.has("id") {
        fields.error(HookCode::MissingField, "`number` or `id` is needed".to_owned());
    }
    if let (Some(number), Some(id)) = (number, id)
        && number != id
    {
        fields.error(HookCode::ConflictingFields, "`number` and `id` name two requests".to_owned());
    }
    number.or(id)
}

/// The action that `requestNumber` and `number`, or `id`, name.
fn action_reference(fields: &mut Fields<'_>) -> Option<ActionReference> {
    let request = fields.counted("requestNumber");
    let action = fields.counted("number");
    let id = fields.id("id", Identifier::action);
    let missing: &[&str] = match (fields.has("requestNumber"), fields.has("number"), fields.has("id")) {
        (false, false, false) => &["`requestNumber` and `number`, or `id`,"],
        (true, false, false) => &["`number`"],
        (false, true, false) => &["`requestNumber`"],
        (_, _, true) | (true, true, false) => &[],
    };
    for what in missing {
        fields.error(HookCode::MissingField, format!("{what} must be given"));
    }
    if let Some((of_request, of_action)) = id {
        if request.is_some_and(|request| request != of_request) || action.is_some_and(|action| action != of_action) {
            let message = "`requestNumber` and `number` name another action than `id`";
            fields.error(HookCode::ConflictingFields, message.to_owned());
        }
        return Some(ActionReference { request: of_request, action: of_action });
    }
    Some(ActionReference { request: request?, action: action? })
}
