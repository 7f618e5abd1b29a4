//! Runs of workflows: starting one, seeing how far it has come, answering what it says.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::endpoint::Endpoint;
use super::events::page_limit;
use super::extract::{Json, Path, Query};
use super::problem::{Answer, Fault, Problem, ProblemCode};
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::named_fields;
use crate::behaviour::hook::identifier::Identifier;
use crate::behaviour::run::data::DataError;
use crate::kinds::Kind;
use crate::object::access::Scope;
use crate::object::run::RunStatus;
use crate::runtime::runner::{RunError, RunPage, RunSummary, RunView, StartRun};
use crate::server::access::Caller;
use crate::server::state::AppState;
use crate::store::RunFilter;

/// Bytes of a request's data: files may be among them.
const DATA_LIMIT: usize = 8 << 20;

/// Runs of a page.
const PAGE_LIMIT: u32 = 500;
const PAGE: u32 = 100;

/// How a run is named.
const RUN: &str = "The run: its `id`, or the `requestId` that an incoming webhook answered.";

/// A run that is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewRun {
    /// Values for the workflow's data, by name.
    #[serde(default)]
    data: Map<String, Value>,
    /// On the version that the test pointer names.
    #[serde(default)]
    is_test: bool,
}

/// Which runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RunQuery {
    /// Only those of the workflow that had this name.
    workflow: Option<Name>,
    /// Only those that have come so far.
    state: Option<RunStatus>,
    /// How many at the most: 1 to 500, 100 when left out.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<Uuid>,
}

/// What somebody answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
struct Input {
    /// What was said; at most 65,536 bytes.
    #[serde(default, deserialize_with = "named_fields::present")]
    #[schemars(with = "String")]
    text: Option<String>,
    /// Nobody answered: `true`.
    #[serde(default, deserialize_with = "named_fields::present")]
    #[schemars(with = "bool", extend("const" = true))]
    no_input: Option<bool>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("start-run", "/v1/workflows/{name}/runs", start)
            .scope(Scope::RunsWrite)
            .area("runtime")
            .summary("Start a run of a workflow.")
            .describe(
                "The run is on disk when this is answered. It stays on the version it begins on; `isTest` takes the one that \
                 the test pointer names.",
            )
            .path_parameter::<Name>("name", "The workflow's name.")
            .json_body::<NewRun>()
            .body_limit(DATA_LIMIT)
            .answers::<RunSummary>(201, "it was started")
            .fails(&[ProblemCode::Conflict, ProblemCode::UnknownOutcome]),
        Endpoint::get("list-runs", "/v1/runs", list)
            .scope(Scope::RuntimeRead)
            .area("runtime")
            .summary("Runs of workflows, the newest first.")
            .query::<RunQuery>()
            .answers::<RunPage>(200, "a page of them"),
        Endpoint::get("get-run", "/v1/runs/{id}", get)
            .scope(Scope::RuntimeRead)
            .area("runtime")
            .summary("A run: its path, variables, tasks, the log of its requests, its e-mails.")
            .path_parameter::<String>("id", RUN)
            .answers::<RunView>(200, "the run"),
        Endpoint::post("answer-run", "/v1/runs/{id}/input", input)
            .scope(Scope::RunsWrite)
            .area("runtime")
            .summary("Answer what a run has said.")
            .describe("A text of nothing but white space, and `noInput`, mean that nobody answered.")
            .path_parameter::<String>("id", RUN)
            .json_body::<Input>()
            .answers::<RunSummary>(200, "the run has gone on")
            .fails(&[ProblemCode::Conflict, ProblemCode::UnknownOutcome]),
    ]
}

async fn start(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<Name>,
    Json(body): Json<NewRun>,
) -> Answer<(StatusCode, Json<RunSummary>)> {
    let NewRun { data, is_test } = body;
    let configuration = state.engine().configurations().of(&caller.project).await?;
    let workflow = configuration.named(Kind::Workflow, &name).ok_or(RunError::UnknownWorkflow)?;
    let wanted = StartRun { data, version: None, is_test, started_by: caller.actor(), started_for: None };
    let run = state.engine().runner().start(&caller.project, workflow, wanted).await?;
    Ok((StatusCode::CREATED, Json(run)))
}

async fn list(State(state): State<AppState>, caller: Caller, Query(query): Query<RunQuery>) -> Answer<Json<RunPage>> {
    let RunQuery { workflow, state: status, limit, cursor } = query;
    let limit = page_limit(limit, PAGE, PAGE_LIMIT)?;
    let filter = RunFilter { workflow, status };
    Ok(Json(state.engine().runner().list(&caller.project, &filter, cursor, limit).await?))
}

/// The run that a path names.
async fn named(state: &AppState, caller: &Caller, text: &str) -> Answer<Uuid> {
    if let Ok(id) = Uuid::parse_str(text) {
        return Ok(id);
    }
    match Identifier::decode(text) {
        Some(Identifier::Request(number)) => Ok(state.engine().runner().numbered(&caller.project, number).await?.id),
        Some(Identifier::User(_) | Identifier::Process(_) | Identifier::Action { .. }) | None => {
            Err(RunError::UnknownRun.into())
        }
    }
}

async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Answer<Json<RunView>> {
    let id = named(&state, &caller, &id).await?;
    Ok(Json(state.engine().runner().view(&caller.project, id).await?))
}

async fn input(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<Input>,
) -> Answer<Json<RunSummary>> {
    let id = named(&state, &caller, &id).await?;
    let text = match (body.text, body.no_input) {
        (Some(text), None) => Some(text),
        (None, Some(true)) => None,
        (Some(_), Some(_)) | (None, Some(false) | None) => {
            let detail = "give either `text` or `noInput: true`";
            return Err(Problem::new(ProblemCode::Invalid, detail));
        }
    };
    Ok(Json(state.engine().runner().input(&caller.project, id, text).await?))
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        let detail = error.to_string();
        match error {
            RunError::UnknownWorkflow | RunError::UnknownRun | RunError::UnknownTask => {
                Self::new(ProblemCode::NotFound, detail)
            }
            RunError::NoVersion { .. } | RunError::TaskEnded | RunError::Unexpected(_) | RunError::Overtaken => {
                Self::new(ProblemCode::Conflict, detail)
            }
            RunError::Data(errors) => {
                let fault = |error: &DataError| {
                    let (code, name) = match error {
                        DataError::Unknown(name) => (Code::UnknownField, Some(name)),
                        DataError::Required(name) => (Code::MissingField, Some(name)),
                        DataError::Type { name, wanted: _ } => (Code::WrongType, Some(name)),
                        DataError::TooLarge => (Code::TooLarge, None),
                    };
                    let place = name.map(|name| format!("data.{name}"));
                    Fault { code: Some(code), place, detail: error.to_string() }
                };
                Self::new(ProblemCode::Invalid, "the data do not fit the workflow").faults(errors.iter().map(fault))
            }
            RunError::TooLong { .. } => Self::new(ProblemCode::Invalid, detail),
            RunError::Ending => Self::new(ProblemCode::Unavailable, detail),
            RunError::Store(error) => error.into(),
        }
    }
}
