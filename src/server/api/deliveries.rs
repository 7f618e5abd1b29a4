//! Deliveries: what became of each, and beginning one anew.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::endpoint::Endpoint;
use super::events::page_limit;
use super::extract::{Json, Path, Query};
use super::problem::{Answer, Problem, ProblemCode};
use crate::base::ident::Name;
use crate::object::access::Scope;
use crate::object::delivery::{DeliveryPage, DeliveryRecord, DeliveryState};
use crate::server::access::Caller;
use crate::server::state::AppState;
use crate::store::DeliveryFilter;

/// Deliveries of a page.
const PAGE_LIMIT: u32 = 500;
const PAGE: u32 = 100;

/// Which deliveries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeliveryQuery {
    /// Only those of the webhook that had this name.
    webhook: Option<Name>,
    /// Only those in this state.
    state: Option<DeliveryState>,
    /// Only those of this event.
    event_id: Option<String>,
    /// How many at the most: 1 to 500, 100 when left out.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<Uuid>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("list-deliveries", "/v1/deliveries", list)
            .scope(Scope::RuntimeRead)
            .area("runtime")
            .summary("Deliveries with their attempts, the newest first.")
            .query::<DeliveryQuery>()
            .answers::<DeliveryPage>(200, "a page of them"),
        Endpoint::post("redeliver", "/v1/deliveries/{id}/redeliver", redeliver)
            .scope(Scope::EventsWrite)
            .area("runtime")
            .summary("Begin a delivery anew.")
            .describe(
                "Whatever its state, it is due now and has its whole retry schedule before it; it is shaped by the \
                 webhook and the destination as they are now. A halt of its destination is lifted.",
            )
            .path_parameter::<Uuid>("id", "The delivery.")
            .answers::<DeliveryRecord>(202, "it is due")
            .fails(&[ProblemCode::UnknownOutcome]),
    ]
}

async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<DeliveryQuery>,
) -> Answer<Json<DeliveryPage>> {
    let DeliveryQuery { webhook, state: in_state, event_id, limit, cursor } = query;
    let limit = page_limit(limit, PAGE, PAGE_LIMIT)?;
    let filter = DeliveryFilter { webhook, state: in_state, event_id };
    // One more than wanted tells whether there are more.
    let mut deliveries = state.reads().deliveries(&caller.project, &filter, cursor, limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = deliveries.len() > wanted;
    deliveries.truncate(wanted);
    let next = deliveries.last().filter(|_| has_more).map(|last| last.id);
    Ok(Json(DeliveryPage { deliveries, next }))
}

async fn redeliver(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Answer<(StatusCode, Json<DeliveryRecord>)> {
    let absent = || Problem::new(ProblemCode::NotFound, "the project has no such delivery");
    if !state.engine().deliveries().redeliver(&caller.project, id, &caller.actor()).await? {
        return Err(absent());
    }
    let record = state.reads().delivery(&caller.project, id).await?.ok_or_else(absent)?;
    Ok((StatusCode::ACCEPTED, Json(record)))
}
