//! One object at a time: what a person changes by hand. On a managed object that is drift.

use axum::extract::State;
use axum::http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::objects::entity_tag;
use super::{AREA, check};
use crate::base::ident::{Generation, Name, Revision};
use crate::base::secret::looks_masked;
use crate::kinds::{Address, Kind, LifeCycle};
use crate::object::access::Scope;
use crate::object::changeset::SecretWrite;
use crate::object::wire_v1::{ContentShape, PutRequest, RecordLine, TokenValue};
use crate::server::access::Caller;
use crate::server::api::endpoint::Endpoint;
use crate::server::api::extract::{Json, Path};
use crate::server::api::problem::{Answer, Problem, ProblemCode};
use crate::server::state::AppState;
use crate::store::{IfMatch, Put, PutOutcome};

const PATH: &str = "/v1/projects/{project}/objects/{kind}/{name}";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let described = |endpoint: Endpoint| {
        endpoint
            .area(AREA)
            .path_parameter::<String>("kind", "The kind as in manifests: `Webhook`.")
            .path_parameter::<Name>("name", "The name as in manifests.")
    };
    vec![
        described(Endpoint::get("get-object", PATH, get))
            .scope(Scope::ConfigRead)
            .summary("Read one object.")
            .answers::<RecordLine>(200, "the object")
            .answer_header("ETag", "Its generation, in quotes."),
        described(Endpoint::put("put-object", PATH, put))
            .scope(Scope::ConfigWrite)
            .may_need(Scope::Publish, "the object is a Workflow, whose change is a new version")
            .summary("Make an object by hand, or give one this content.")
            .describe(
                "The body is the whole content: what is left out gets its default. A new object is not managed; a change \
                 to a managed one is drift. Contents of secrets are given by path in `secrets`; those not given stay.",
            )
            .header("If-Match", "The `ETag` the object must have; `*`: there must be such an object.")
            .header("If-None-Match", "`*`: there must be no such object.")
            .json_body::<PutRequest>()
            .body_limit(4 * 1024 * 1024)
            .answers::<RecordLine>(200, "it has this content")
            .answer_header("ETag", "Its generation, in quotes.")
            .answers::<RecordLine>(201, "it was made")
            .answer_header("ETag", "Its generation, in quotes.")
            .fails(&[ProblemCode::Stale, ProblemCode::UnknownOutcome]),
        described(Endpoint::delete("delete-object", PATH, delete))
            .scope(Scope::ConfigWrite)
            .summary("Remove an object by hand.")
            .describe("What has to be kept, because it was used or has versions, is archived. Refused while something live refers to it.")
            .header("If-Match", "The `ETag` the object must have; `*`: there must be such an object.")
            .answers_nothing(204, "it is gone")
            .fails(&[ProblemCode::Stale, ProblemCode::Invalid, ProblemCode::UnknownOutcome]),
        described(Endpoint::post("rotate-token", "/v1/projects/{project}/objects/{kind}/{name}/rotate", rotate))
            .scope(Scope::ConfigWrite)
            .summary("Make the token of an object anew.")
            .describe("For an IncomingWebhook: the URL with the old token answers no more.")
            .answers::<TokenValue>(200, "the new token")
            .fails(&[ProblemCode::Invalid, ProblemCode::UnknownOutcome]),
    ]
}

type ObjectPath = Path<(String, String, String)>;

fn address(Path((_, kind, name)): &ObjectPath) -> Answer<Address> {
    let kind: Kind = kind.parse().map_err(|()| {
        Problem::new(ProblemCode::NotFound, "there is no such kind; kinds are written as in manifests")
    })?;
    let name = name.parse().map_err(|_| Problem::new(ProblemCode::NotFound, "there is no such object"))?;
    Ok(Address::new(kind, name))
}

/// What `If-Match` and `If-None-Match` ask for.
fn precondition(headers: &HeaderMap) -> Answer<Option<IfMatch>> {
    let text = |name: &HeaderName| -> Answer<Option<String>> {
        let Some(value) = headers.get(name) else { return Ok(None) };
        let malformed = || Problem::new(ProblemCode::MalformedRequest, format!("{name} cannot be read"));
        value.to_str().map(|text| Some(text.trim().to_owned())).map_err(|_| malformed())
    };
    match (text(&IF_MATCH)?, text(&IF_NONE_MATCH)?) {
        (None, None) => Ok(None),
        (None, Some(star)) if star == "*" => Ok(Some(IfMatch::Absent)),
        (Some(star), None) if star == "*" => Ok(Some(IfMatch::Exists)),
        (Some(tag), None) => {
            let generation = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')?.parse().ok());
            let detail = "If-Match takes one ETag as an object's answer gives it (\"7\"), or `*`";
            let malformed = || Problem::new(ProblemCode::MalformedRequest, detail);
            generation.map(|generation| Some(IfMatch::Generation(Generation(generation)))).ok_or_else(malformed)
        }
        (_, Some(_)) => {
            let detail = "If-None-Match takes `*` here, and not together with If-Match";
            Err(Problem::new(ProblemCode::MalformedRequest, detail))
        }
    }
}

async fn record(state: &AppState, project: &Name, address: &Address) -> Answer<RecordLine> {
    let mut found = state.reads().read(project, Some(std::slice::from_ref(address))).await?;
    let record = found.pop().ok_or_else(|| Problem::new(ProblemCode::NotFound, format!("there is no {address}")))?;
    Ok(record.into())
}

fn answer(status: StatusCode, record: RecordLine) -> Response {
    let tag = entity_tag(Revision(record.record.generation.0));
    (status, [(ETAG, tag)], Json(record)).into_response()
}

async fn get(State(state): State<AppState>, caller: Caller, path: ObjectPath) -> Answer<Response> {
    let record = record(&state, &caller.project, &address(&path)?).await?;
    Ok(answer(StatusCode::OK, record))
}

async fn put(
    State(state): State<AppState>,
    caller: Caller,
    path: ObjectPath,
    headers: HeaderMap,
    Json(request): Json<PutRequest>,
) -> Answer<Response> {
    let address = address(&path)?;
    let if_match = precondition(&headers)?;
    if address.kind.life_cycle() == LifeCycle::VersionsGrow {
        caller.require(Scope::Publish)?;
    }
    let PutRequest { metadata, spec, secrets } = request;
    check::refuse(check::faults(&address, &metadata, &spec)?)?;
    let configuration = state.engine().configurations().of(&caller.project).await?;
    check::refuse(check::faults_among(&address, &spec, &configuration))?;
    let mut writes = Vec::with_capacity(secrets.len());
    for (path, ContentShape(content)) in secrets {
        if looks_masked(content.expose_to_target()) {
            let detail = format!("the content of {path} is what consoles show in place of a secret");
            return Err(Problem::new(ProblemCode::Invalid, detail));
        }
        writes.push(SecretWrite { path, content });
    }
    let spec: Value = spec;
    let Put { outcome, record } =
        state.store().put_by_hand(&caller.project, &address, metadata, spec, writes, &caller.actor(), if_match).await?;
    let status = match outcome {
        PutOutcome::Created => StatusCode::CREATED,
        PutOutcome::Updated | PutOutcome::Unchanged => StatusCode::OK,
    };
    Ok(answer(status, record.into()))
}

async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    path: ObjectPath,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let address = address(&path)?;
    let if_match = precondition(&headers)?;
    state.store().delete_by_hand(&caller.project, &address, &caller.actor(), if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(State(state): State<AppState>, caller: Caller, path: ObjectPath) -> Answer<Json<TokenValue>> {
    let address = address(&path)?;
    let (_, token) = state.store().rotate_token(&caller.project, &address, &caller.actor()).await?;
    Ok(Json(TokenValue { token: ContentShape(token) }))
}
