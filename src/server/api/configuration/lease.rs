//! The lease: one plan at a time is applied to a project.

use axum::extract::State;
use axum::http::StatusCode;

use super::{AREA, signed};
use crate::object::access::Scope;
use crate::object::lease::LeaseGrant;
use crate::object::wire_v1::{LeaseBroken, LeaseRelease, LeaseRequest, LeaseShape};
use crate::server::access::Caller;
use crate::server::api::endpoint::Endpoint;
use crate::server::api::extract::Json;
use crate::server::api::problem::{Answer, ProblemCode};
use crate::server::state::AppState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("read-lease", "/v1/projects/{project}/lease", read)
            .scope(Scope::ConfigRead)
            .area(AREA)
            .summary("Read who holds the lease.")
            .answers::<LeaseShape>(200, "the holder, if there is one"),
        Endpoint::post("take-lease", "/v1/projects/{project}/lease", take)
            .scope(Scope::ConfigWrite)
            .area(AREA)
            .summary("Take the lease, or renew it for the plan that holds it.")
            .describe("It lasts 60 seconds unless it is renewed. `token` rises with every change of holder.")
            .json_body::<LeaseRequest>()
            .answers::<LeaseGrant>(200, "it is held")
            .fails(&[ProblemCode::LeaseHeld, ProblemCode::UnknownOutcome]),
        Endpoint::post("release-lease", "/v1/projects/{project}/lease/release", release)
            .scope(Scope::ConfigWrite)
            .area(AREA)
            .summary("Give the lease back.")
            .describe("Does nothing when it has passed to another.")
            .json_body::<LeaseRelease>()
            .answers_nothing(204, "it is not held by that plan any more")
            .fails(&[ProblemCode::UnknownOutcome]),
        Endpoint::delete("break-lease", "/v1/projects/{project}/lease", break_lease)
            .scope(Scope::ConfigWrite)
            .area(AREA)
            .summary("Take the lease away from whoever holds it.")
            .answers::<LeaseBroken>(200, "who held it")
            .fails(&[ProblemCode::UnknownOutcome]),
    ]
}

async fn read(State(state): State<AppState>, caller: Caller) -> Answer<Json<LeaseShape>> {
    let holder = state.reads().lease_holder(&caller.project).await?;
    Ok(Json(LeaseShape { holder }))
}

async fn take(
    State(state): State<AppState>,
    caller: Caller,
    Json(LeaseRequest { owner, actor }): Json<LeaseRequest>,
) -> Answer<Json<LeaseGrant>> {
    let actor = signed(&caller, actor.as_deref())?;
    let grant = state.store().take_lease(&caller.project, owner, &actor).await?;
    Ok(Json(grant))
}

async fn release(
    State(state): State<AppState>,
    caller: Caller,
    Json(LeaseRelease { owner, token }): Json<LeaseRelease>,
) -> Answer<StatusCode> {
    state.store().release_lease(&caller.project, owner, token).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn break_lease(State(state): State<AppState>, caller: Caller) -> Answer<Json<LeaseBroken>> {
    let holder = state.store().break_lease(&caller.project, &caller.actor()).await?;
    Ok(Json(LeaseBroken { holder }))
}
