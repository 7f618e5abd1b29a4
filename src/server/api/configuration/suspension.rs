//! What `reconcile` leaves alone: the project, or single objects of it, until somebody resumes them.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AREA, address_list, signed};
use crate::object::access::Scope;
use crate::object::suspension::{ResumeScope, SuspendOrder, Suspension};
use crate::object::wire_v1::{SuspendRequest, SuspensionsShape};
use crate::server::access::Caller;
use crate::server::api::endpoint::Endpoint;
use crate::server::api::extract::{Json, Query};
use crate::server::api::problem::{Answer, Problem, ProblemCode};
use crate::server::state::AppState;

const PATH: &str = "/v1/projects/{project}/suspension";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("read-suspension", PATH, read)
            .scope(Scope::ConfigRead)
            .area(AREA)
            .summary("Read what is suspended.")
            .describe(
                "The project itself, which comes first and has no `address`, and objects one by one. One whose end has \
                 passed is not among them.",
            )
            .answers::<SuspensionsShape>(200, "what is suspended"),
        Endpoint::put("suspend", PATH, suspend)
            .scope(Scope::ConfigWrite)
            .area(AREA)
            .summary("Suspend the project, or one object of it.")
            .describe(
                "`trueup reconcile` writes nothing to what is suspended; changesets and changes by hand go on. What is \
                 suspended already gets the new reason and end and keeps its beginning.",
            )
            .json_body::<SuspendRequest>()
            .answers::<Suspension>(200, "it is suspended")
            .fails(&[ProblemCode::UnknownOutcome]),
        Endpoint::delete("resume", PATH, resume)
            .scope(Scope::ConfigWrite)
            .area(AREA)
            .summary("Resume the project, or objects of it.")
            .query::<ResumeParameters>()
            .answers::<SuspensionsShape>(200, "what was suspended until now")
            .fails(&[ProblemCode::UnknownOutcome]),
    ]
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResumeParameters {
    /// These objects in place of the project: `Kind/name`, separated by commas, at most 200.
    #[serde(default)]
    addresses: Option<String>,
    /// The project and all its objects.
    #[serde(default)]
    everything: bool,
}

async fn read(State(state): State<AppState>, caller: Caller) -> Answer<Json<SuspensionsShape>> {
    let suspensions = state.reads().suspensions(&caller.project).await?;
    Ok(Json(SuspensionsShape { suspensions }))
}

async fn suspend(
    State(state): State<AppState>,
    caller: Caller,
    Json(request): Json<SuspendRequest>,
) -> Answer<Json<Suspension>> {
    let SuspendRequest { address, reason, until, actor } = request;
    let actor = signed(&caller, actor.as_deref())?;
    let order = SuspendOrder { address, reason, actor, until };
    Ok(Json(state.store().suspend(&caller.project, &order).await?))
}

async fn resume(
    State(state): State<AppState>,
    caller: Caller,
    Query(ResumeParameters { addresses, everything }): Query<ResumeParameters>,
) -> Answer<Json<SuspensionsShape>> {
    let addresses = address_list(addresses.as_deref())?;
    let scope = match (everything, addresses.is_empty()) {
        (true, true) => ResumeScope::Everything,
        (false, true) => ResumeScope::Project,
        (false, false) => ResumeScope::Objects(addresses),
        (true, false) => {
            let detail = "`everything` leaves nothing for `addresses` to choose";
            return Err(Problem::new(ProblemCode::MalformedRequest, detail));
        }
    };
    let suspensions = state.store().resume(&caller.project, &scope, &caller.actor()).await?;
    Ok(Json(SuspensionsShape { suspensions }))
}
