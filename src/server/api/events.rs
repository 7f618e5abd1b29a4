//! Events: taking them in, and reading what was recorded.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::extract::{Json, Query, RawBody};
use super::problem::{Answer, FAULTS_LISTED, Fault, Problem, ProblemCode};
use crate::base::error_text::chain;
use crate::behaviour::event::RawEvent;
use crate::object::access::Scope;
use crate::object::delivery::{AcceptedEvent, AcceptedEvents, EventPage};
use crate::runtime::events::{EventFault, EventsError};
use crate::server::access::Caller;
use crate::server::state::AppState;
use crate::store::{EventPlace, StoreError};

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
/// Bytes of a body.
const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// Events of a batch.
const BATCH_LIMIT: usize = 1_000;
/// Events of a page.
const PAGE_LIMIT: u32 = 1_000;
const PAGE: u32 = 100;

/// What was accepted.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Accepted {
    /// The one event of a JSON body.
    One(AcceptedEvent),
    /// The events of a batch.
    Many(AcceptedEvents),
}

/// Which events.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    /// Only those accepted at this time (RFC 3339) or later.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    since: Option<jiff::Timestamp>,
    /// How many at the most: 1 to 1,000, 100 when left out.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("send-events", "/v1/events", send)
            .scope(Scope::EventsWrite)
            .area("runtime")
            .summary("Send one event, or a batch of up to 1,000 as lines of JSON.")
            .describe(
                "They are on the disk, with the deliveries that come of them, before the answer. All of a batch is \
                 accepted or nothing: `errors` then lists every fault by line. An event whose `eventId` is known is \
                 accepted and does nothing, so that a batch can be sent again.",
            )
            .body::<RawEvent>(JSON)
            .body::<RawEvent>(LINES)
            .body_limit(BODY_LIMIT)
            .answers::<Accepted>(202, "they were accepted")
            .fails(&[ProblemCode::UnknownOutcome]),
        Endpoint::get("list-events", "/v1/events", list)
            .scope(Scope::RuntimeRead)
            .area("runtime")
            .summary("Recorded events, as they were stored.")
            .query::<EventQuery>()
            .answers::<EventPage>(200, "a page of them"),
    ]
}

async fn send(State(state): State<AppState>, caller: Caller, body: RawBody) -> Answer<(StatusCode, Json<Accepted>)> {
    let is_batch = body.content_type == LINES;
    let lines: Vec<(usize, &[u8])> = if is_batch {
        let lines = body.bytes.split(|byte| *byte == b'\n').enumerate().map(|(n, line)| (n + 1, line.trim_ascii()));
        lines.filter(|(_, line)| !line.is_empty()).collect()
    } else {
        body.expect(JSON).map_err(|_| {
            Problem::new(ProblemCode::UnsupportedMediaType, format!("the body must be of type {JSON} or {LINES}"))
        })?;
        vec![(1, &body.bytes)]
    };
    if lines.is_empty() {
        return Err(Problem::new(ProblemCode::Invalid, "the body has no event"));
    }
    if lines.len() > BATCH_LIMIT {
        let detail = format!("a batch has at most {BATCH_LIMIT} events, not {}", lines.len());
        return Err(Problem::new(ProblemCode::Invalid, detail).with("limit", BATCH_LIMIT));
    }
    let texts: Vec<&[u8]> = lines.iter().map(|(_, line)| *line).collect();
    let accepted = state.engine().events().accept(&caller.project, &texts).await;
    let numbers: Vec<usize> = lines.iter().map(|(number, _)| *number).collect();
    let ids = accepted.map_err(|error| refused(error, is_batch.then_some(numbers.as_slice())))?;
    let mut events = ids.into_iter().map(|event_id| AcceptedEvent { event_id });
    let accepted = match (is_batch, events.next()) {
        (false, Some(event)) => Accepted::One(event),
        (_, first) => Accepted::Many(AcceptedEvents { events: first.into_iter().chain(events).collect() }),
    };
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

/// What is said of events that were not accepted. `lines` are the numbers of the lines of a batch.
fn refused(error: EventsError, lines: Option<&[usize]>) -> Problem {
    match error {
        EventsError::Invalid(faults) => {
            let place = |fault: &EventFault| {
                let line = lines.and_then(|lines| lines.get(fault.index)).map(|line| format!("line {line}"));
                let field = Some(fault.fault.field.clone()).filter(|field| !field.is_empty());
                match (line, field) {
                    (Some(line), Some(field)) => Some(format!("{line}: {field}")),
                    (line, field) => line.or(field),
                }
            };
            let detail = |fault: &EventFault| match lines {
                Some(_) => fault.fault.clone().of_a_line().message,
                None => fault.fault.message.clone(),
            };
            let listed = faults.iter().take(FAULTS_LISTED);
            let listed =
                listed.map(|fault| Fault { code: Some(fault.fault.code), place: place(fault), detail: detail(fault) });
            let listed: Vec<Fault> = listed.collect();
            let detail = match (faults.as_slice(), listed.as_slice()) {
                ([_], [only]) => {
                    only.place.as_ref().map_or_else(|| only.detail.clone(), |place| format!("{place}: {}", only.detail))
                }
                _ => format!("{} faults; nothing was accepted", faults.len()),
            };
            Problem::new(ProblemCode::Invalid, detail).faults(listed)
        }
        EventsError::Store(error) => of_shared(error),
    }
}

/// What the store said to all whose events were in the same write.
fn of_shared(error: Arc<StoreError>) -> Problem {
    match Arc::try_unwrap(error) {
        Ok(error) => error.into(),
        Err(shared) => match &*shared {
            StoreError::Full => StoreError::Full.into(),
            StoreError::Busy => StoreError::Busy.into(),
            StoreError::Closed => StoreError::Closed.into(),
            StoreError::UnknownOutcome(_) => {
                let detail = "it is not known whether they were written; sending them again with their ids is safe";
                Problem::new(ProblemCode::UnknownOutcome, detail).caused_by(chain(&*shared))
            }
            other => Problem::internal(chain(other)),
        },
    }
}

async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<EventQuery>,
) -> Answer<Json<EventPage>> {
    let EventQuery { since, limit, cursor } = query;
    let limit = page_limit(limit, PAGE, PAGE_LIMIT)?;
    let behind: Result<Option<EventPlace>, _> = cursor.as_deref().map(str::parse).transpose();
    let behind = behind.map_err(|_| {
        Problem::new(ProblemCode::MalformedRequest, "`cursor` is `next` of the page before, and this is none")
    })?;
    Ok(Json(state.reads().event_page(&caller.project, since, behind, limit).await?))
}

/// How many items of a page are wanted.
pub(super) fn page_limit(wanted: Option<u32>, usual: u32, most: u32) -> Answer<u32> {
    match wanted {
        None => Ok(usual),
        Some(wanted) if (1..=most).contains(&wanted) => Ok(wanted),
        Some(_) => Err(Problem::new(ProblemCode::MalformedRequest, format!("`limit` is from 1 to {most}"))),
    }
}
