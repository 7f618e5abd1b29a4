//! Changesets: the writes of one plan, all or none, once.

use axum::extract::State;

use super::{AREA, CHANGESET_LIMIT, check, json, signed};
use crate::base::code::Code;
use crate::base::ident::PlanId;
use crate::base::secret::looks_masked;
use crate::object::access::Scope;
use crate::object::changeset::AppliedPlan;
use crate::object::wire_v1::{ChangesetAnswer, ChangesetRequest, ContentShape, Outputs, TokenShape};
use crate::server::access::Caller;
use crate::server::api::endpoint::Endpoint;
use crate::server::api::extract::{Json, Path, RawBody};
use crate::server::api::problem::{Answer, FAULTS_LISTED, Fault, Problem, ProblemCode};
use crate::server::state::AppState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("apply-changeset", "/v1/projects/{project}/changesets", apply)
            .scope(Scope::ConfigWrite)
            .may_need(
                Scope::Publish,
                "a write publishes settings, makes a version of a Workflow (its first one, too) or makes one current",
            )
            .area(AREA)
            .summary("Write all of a plan or nothing.")
            .describe(
                "One transaction. Sent again, a plan that was applied is answered so and changes nothing; the same id \
                 with another digest is refused. Every precondition is looked at before anything is written, and all \
                 that fail are listed.",
            )
            .json_body::<ChangesetRequest>()
            .body_limit(CHANGESET_LIMIT)
            .answers::<ChangesetAnswer>(200, "what became of it")
            .fails(&[
                ProblemCode::Stale,
                ProblemCode::LeaseLost,
                ProblemCode::PlanReused,
                ProblemCode::Suspended,
                ProblemCode::UnknownOutcome,
                ProblemCode::NotFound,
            ]),
        Endpoint::get("get-applied-plan", "/v1/projects/{project}/applied-plans/{plan}", applied)
            .scope(Scope::ConfigRead)
            .area(AREA)
            .summary("Learn whether and when a plan was applied.")
            .path_parameter::<uuid::Uuid>("plan", "The plan's id.")
            .answers::<Option<AppliedPlan>>(200, "the plan; null when it was not applied"),
        Endpoint::get("get-outputs", "/v1/projects/{project}/outputs", outputs)
            .scope(Scope::ConfigWrite)
            .area(AREA)
            .summary("Read secrets that the server made.")
            .answers::<Outputs>(200, "the tokens of IncomingWebhooks"),
    ]
}

async fn apply(State(state): State<AppState>, caller: Caller, body: RawBody) -> Answer<Json<ChangesetAnswer>> {
    let request: ChangesetRequest = json(&body)?;
    if request.writes.iter().any(|write| write.operation.publishes(write.address.kind)) {
        caller.require(Scope::Publish)?;
    }
    let actor = signed(&caller, request.actor.as_deref())?;
    if request.commit.as_ref().is_some_and(|commit| commit.len() > 255 || commit.chars().any(char::is_control)) {
        return Err(Problem::new(
            ProblemCode::Invalid,
            "`commit` has at most 255 characters, none a control character",
        ));
    }
    check::refuse(faults(&request)?)?;
    let changeset = request.into_changeset(caller.project, actor);
    Ok(Json(state.store().changeset(&changeset).await?.into()))
}

fn faults(request: &ChangesetRequest) -> Answer<Vec<Fault>> {
    let mut faults = Vec::new();
    for write in &request.writes {
        if write.action != write.operation.action() {
            let detail = format!("it is called {} and does {}", write.action, write.operation.action());
            faults.push(Fault { code: Some(Code::InvalidValue), place: Some(write.address.to_string()), detail });
        }
        let Some(body) = write.operation.body() else { continue };
        faults.extend(check::faults(&write.address, &body.metadata, &body.spec)?);
        for secret in &body.secrets {
            if looks_masked(secret.content.0.expose_to_target()) {
                let place = Some(format!("{} {}", write.address, secret.path));
                let detail = "the content is what consoles show in place of a secret".to_owned();
                faults.push(Fault { code: Some(Code::SecretMasked), place, detail });
            }
        }
        if faults.len() > FAULTS_LISTED {
            break;
        }
    }
    Ok(faults)
}

async fn applied(
    State(state): State<AppState>,
    caller: Caller,
    Path((_, plan)): Path<(String, uuid::Uuid)>,
) -> Answer<Json<Option<AppliedPlan>>> {
    let applied = state.reads().applied(&caller.project, PlanId(plan)).await?;
    Ok(Json(applied))
}

async fn outputs(State(state): State<AppState>, caller: Caller) -> Answer<Json<Outputs>> {
    let tokens = state.store().tokens(&caller.project).await?.into_iter();
    let tokens = tokens.map(|(address, id, token)| TokenShape { address, id, token: ContentShape(token) });
    Ok(Json(Outputs { tokens: tokens.collect() }))
}
