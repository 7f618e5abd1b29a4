//! `POST /hooks/{token}`: applications outside start requests and act on them (domain §4). Failures are told as
//! `{"errors": [{"code", "message"}]}`.
//!
//! The token is the only credential. It is read before the body, so that who has none learns nothing and sends nothing.

use axum::Extension;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::extract::{Json, Path, RawBody};
use super::problem::{FAULTS_LISTED, Problem, ProblemCode};
use crate::base::secret::SecretText;
use crate::behaviour::hook::answer::Answer;
use crate::behaviour::hook::schema::CallBody;
use crate::behaviour::hook::{HookCode, HookError};
use crate::runtime::hooks::HookFailure;
use crate::server::access::ClientAddress;
use crate::server::state::AppState;

/// Bytes of a call: its files in base64, and room for the rest.
const CALL_LIMIT: usize = 4 << 20;
/// Bytes of a token, at most; ours have fewer.
const TOKEN_LIMIT: usize = 128;

/// The member of a problem that holds a call's errors.
const ERRORS: &str = "hookErrors";

/// A call that was not carried out.
#[derive(Debug, Serialize, JsonSchema)]
struct Failures {
    /// What is wrong; at least one.
    #[schemars(length(min = 1))]
    errors: Vec<Failure>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct Failure {
    /// For programs.
    code: String,
    /// For people.
    message: String,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("call-hook", "/hooks/{token}", call)
            .area("runtime")
            .public()
            .summary("Call an incoming webhook.")
            .describe(
                "One of the eight operations on requests and actions, with the rights of the user that the incoming \
                 webhook impersonates. `trueup outputs` prints the token, `trueup rotate` renews it. Errors of a call \
                 have codes of their own, which `docs/behaviour-hooks.md` lists.",
            )
            .path_parameter::<String>("token", "The secret token of an incoming webhook.")
            .json_body::<CallBody>()
            .body_limit(CALL_LIMIT)
            .answers::<Answer>(200, "it was carried out")
            .fails(&[ProblemCode::NotAllowed, ProblemCode::Conflict, ProblemCode::RateLimited])
            .failures_as::<Failures>("application/json", render),
    ]
}

/// A problem, said as incoming webhooks say it.
fn render(problem: Problem) -> Response {
    let errors = problem.member(ERRORS).cloned();
    let errors = errors.unwrap_or_else(|| json!([{ "code": problem.code().as_str(), "message": problem.detail() }]));
    problem.respond_with("application/json", &json!({ "errors": errors }))
}

async fn call(
    State(state): State<AppState>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let guesses = &state.access().guesses;
    if let Some(wait) = guesses.closed(address) {
        return Err(Problem::rate_limited("too many calls with unknown tokens", wait));
    }
    let hooks = state.engine().hooks();
    // Longer ones are not even looked up.
    let token = Some(SecretText::new(token)).filter(|token| token.expose_to_target().len() <= TOKEN_LIMIT);
    let hook = match &token {
        Some(token) => hooks.open(token).await?,
        None => None,
    };
    let Some(hook) = hook else {
        guesses.failed(address);
        tracing::warn!(address = address.to_string(), "a call with an unknown token");
        return Err(Problem::new(ProblemCode::NotFound, "there is nothing at this address"));
    };
    let body = RawBody::from_request(request, &state).await?;
    body.expect("application/json")?;
    let body: Value = serde_json::from_slice(&body.bytes).map_err(|error| {
        refused(&[HookError::new(HookCode::MalformedCall, format!("the body is not JSON: {error}"))])
    })?;
    match hooks.call(&hook, &body).await {
        Ok(answer) => Ok(Json(answer).into_response()),
        Err(HookFailure::Refused(errors)) => Err(refused(&errors)),
        Err(HookFailure::Store(error)) => Err(error.into()),
    }
}

/// A refused call: the first error decides the status.
fn refused(errors: &[HookError]) -> Problem {
    let (code, detail) = match errors.first() {
        Some(error) => (status(error.code), error.to_string()),
        None => (ProblemCode::Invalid, "the call is refused".to_owned()),
    };
    let listed = errors.get(..FAULTS_LISTED).unwrap_or(errors);
    Problem::new(code, detail).with(ERRORS, json!(listed))
}

fn status(code: HookCode) -> ProblemCode {
    match code {
        HookCode::MalformedCall
        | HookCode::UnknownOperation
        | HookCode::UnknownField
        | HookCode::MissingField
        | HookCode::WrongType => ProblemCode::MalformedBody,
        HookCode::InvalidValue
        | HookCode::InvalidId
        | HookCode::ConflictingFields
        | HookCode::UnknownData
        | HookCode::WrongDataType
        | HookCode::MissingData
        | HookCode::DuplicateParameter
        | HookCode::UploadRefused
        | HookCode::FileNotAllowed
        | HookCode::FileUnreadable => ProblemCode::Invalid,
        HookCode::FileTooLarge | HookCode::DataTooLarge => ProblemCode::TooLarge,
        HookCode::OperationNotAllowed
        | HookCode::WorkflowNotAllowed
        | HookCode::ProcessNotPublic
        | HookCode::SecurityError => ProblemCode::NotAllowed,
        HookCode::UnknownProcess
        | HookCode::UnknownVersion
        | HookCode::UnknownRequest
        | HookCode::UnknownAction
        | HookCode::UnknownUser => ProblemCode::NotFound,
        HookCode::AmbiguousProcess
        | HookCode::RequestClosed
        | HookCode::ActionClosed
        | HookCode::NotCancellable
        | HookCode::NotAssigned
        | HookCode::WrongActivity
        | HookCode::TestMismatch => ProblemCode::Conflict,
    }
}
