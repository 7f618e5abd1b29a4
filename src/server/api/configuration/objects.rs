//! Reading many objects: a small row of each, the whole of all or of some, and comparing their secrets.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AREA;
use crate::base::ident::{ObjectId, Revision};
use crate::object::access::Scope;
use crate::object::record::DigestRow;
use crate::object::record::ObjectRecord;
use crate::object::secret_comparison::SecretAnswer;
use crate::object::wire_v1::{CompareAnswer, CompareRequest, QuestionShape, ReadRequest, RecordLine};
use crate::server::access::Caller;
use crate::server::api::endpoint::Endpoint;
use crate::server::api::extract::{Json, Query};
use crate::server::api::problem::{Answer, Problem, ProblemCode};
use crate::server::state::AppState;
use crate::store::StoreError;

const LINES: &str = "application/x-ndjson";
/// Objects that are read and sent at once, so that a large project is never in memory as a whole.
const AT_ONCE: usize = 500;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("list-objects", "/v1/projects/{project}/objects", list)
            .scope(Scope::ConfigRead)
            .area(AREA)
            .summary("List the objects of a project.")
            .describe(
                "`view=digest` is one line per object, archived ones included, with its digest, and an `ETag` that is the \
                 project's revision. `view=full` is one line per live object with everything there is, in the order of \
                 their addresses, and of the shape that a single object is answered in. All lines of `digest` belong to \
                 one revision; of `full` each line is right at the time it is sent.",
            )
            .query::<ListQuery>()
            .header("If-None-Match", "The `ETag` of an earlier answer: 304 while the revision is the same.")
            .answers_lines::<DigestRow>(200, "one object a line")
            .answer_header("ETag", "The project's revision, in quotes.")
            .answers_nothing(304, "the revision is the same"),
        Endpoint::post("read-objects", "/v1/projects/{project}/objects/read", read)
            .scope(Scope::ConfigRead)
            .area(AREA)
            .summary("Read many objects in full.")
            .describe("One that does not exist is left out.")
            .json_body::<ReadRequest>()
            .answers_lines::<RecordLine>(200, "one object a line"),
        Endpoint::post("compare-secrets", "/v1/projects/{project}/objects/compare-secrets", compare)
            .scope(Scope::ConfigRead)
            .area(AREA)
            .summary("Compare contents of secrets with those that are held.")
            .describe(
                "A question carries HMAC-SHA-256 of the content under the salt that `view=digest` gives. At most 60,000 \
                 questions a minute.",
            )
            .json_body::<CompareRequest>()
            .body_limit(8 * 1024 * 1024)
            .answers::<CompareAnswer>(200, "an answer to each question, in order")
            .fails(&[ProblemCode::RateLimited]),
    ]
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum View {
    /// A small row of each object.
    #[default]
    Digest,
    /// The whole of each live object.
    Full,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// `digest` (default) or `full`.
    #[serde(default)]
    view: View,
}

async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(ListQuery { view }): Query<ListQuery>,
    headers: HeaderMap,
) -> Answer<Response> {
    let asked = headers.get(IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if let Some(asked) = asked {
        let revision = state.reads().revision(&caller.project).await?;
        if asked.split(',').any(|tag| tag.trim() == entity_tag(revision)) {
            return Ok((StatusCode::NOT_MODIFIED, [(ETAG, entity_tag(revision))]).into_response());
        }
    }
    let snapshot = state.reads().digests(&caller.project).await?;
    let revision = snapshot.revision;
    let body = match view {
        View::Digest => {
            let mut lines = Vec::with_capacity(snapshot.rows.len() * 320);
            for row in snapshot.rows {
                write_line(&mut lines, &row)?;
            }
            Body::from(lines)
        }
        View::Full => {
            // By id: an object that is renamed meanwhile comes once, under one of its names.
            let live: Vec<ObjectId> = snapshot.rows.into_iter().filter(|row| !row.archived).map(|row| row.id).collect();
            stream_records(&live, move |ids| {
                let (state, project) = (state.clone(), caller.project.clone());
                async move { state.reads().read_ids(&project, &ids).await }
            })
        }
    };
    Ok(([(CONTENT_TYPE, LINES.to_owned()), (ETAG, entity_tag(revision))], body).into_response())
}

/// A revision or generation as `ETag`.
pub(super) fn entity_tag(revision: Revision) -> String {
    format!("\"{revision}\"")
}

/// Objects in full, some at a time. A failure on the way cuts the answer off, which whoever reads it can tell.
fn stream_records<T, F>(asked: &[T], read: impl Fn(Vec<T>) -> F + Send + 'static) -> Body
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<Vec<ObjectRecord>, StoreError>> + Send + 'static,
{
    let chunks: Vec<Vec<T>> = asked.chunks(AT_ONCE).map(<[T]>::to_vec).collect();
    let lines = stream::iter(chunks).then(move |chunk| {
        let records = read(chunk);
        async move {
            let records = records.await.map_err(|error| error.to_string())?;
            let mut lines = Vec::new();
            for record in records {
                write_line(&mut lines, &RecordLine::from(record)).map_err(|problem| problem.detail().to_owned())?;
            }
            Ok::<Bytes, String>(lines.into())
        }
    });
    Body::from_stream(lines)
}

fn write_line<T: Serialize>(lines: &mut Vec<u8>, line: &T) -> Answer<()> {
    serde_json::to_writer(&mut *lines, line).map_err(|error| Problem::internal(error.to_string()))?;
    lines.push(b'\n');
    Ok(())
}

async fn read(State(state): State<AppState>, caller: Caller, Json(request): Json<ReadRequest>) -> Answer<Response> {
    let ReadRequest { addresses, archived } = request;
    if addresses.len() > 1_000 {
        return Err(Problem::new(ProblemCode::Invalid, "at most 1,000 addresses at once"));
    }
    let body = stream_records(&addresses, move |some| {
        let (state, project) = (state.clone(), caller.project.clone());
        async move {
            if archived {
                state.reads().read_archived(&project, &some).await
            } else {
                state.reads().read(&project, Some(&some)).await
            }
        }
    });
    Ok(([(CONTENT_TYPE, LINES)], body).into_response())
}

async fn compare(
    State(state): State<AppState>,
    caller: Caller,
    Json(CompareRequest { questions }): Json<CompareRequest>,
) -> Answer<Json<CompareAnswer>> {
    if questions.len() > 10_000 {
        return Err(Problem::new(ProblemCode::Invalid, "at most 10,000 questions at once"));
    }
    let asked: Vec<_> = questions
        .iter()
        .map(|QuestionShape { address, path, fingerprint }| (address, path.as_str(), fingerprint.as_str()))
        .collect();
    let answers = state.reads().compare_secrets(&caller.project, &asked).await?;
    let answer = |same| match same {
        Some(true) => SecretAnswer::Same,
        Some(false) => SecretAnswer::Different,
        None => SecretAnswer::Unknown,
    };
    Ok(Json(CompareAnswer { answers: answers.into_iter().map(answer).collect() }))
}
