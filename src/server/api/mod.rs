//! Every endpoint by area, and the router made of them.
//!
//! # Adding an endpoint
//!
//! An area is a file `src/server/api/<area>.rs` with `pub(super) fn endpoints() -> Vec<Endpoint>`, named once in
//! [`endpoints`] below. An endpoint is declared once, with everything there is to know of it:
//!
//! ```text
//! Endpoint::post("send-thing", "/v1/projects/{project}/things", send_thing)   // the name is its operationId
//!     .scope(Scope::ConfigWrite)            // or .public(); .may_need(Scope::Publish, "when …") for Caller::require
//!     .area("configuration").summary("Send a thing.").describe("…")
//!     .path_parameter("name", "…")          // `project` is known and checked against the key by the gate
//!     .query::<ThingQuery>()                // Deserialize + JsonSchema, deny_unknown_fields; read with Query<ThingQuery>
//!     .json_body::<Thing>()                 // likewise; read with Json<Thing>; .body_limit(bytes), default 1 MiB
//!     .answers::<Sent>(201, "it was sent")  // Serialize + JsonSchema; return (StatusCode, Json(sent))
//!     .fails(&[ProblemCode::Conflict])      // beyond those that follow from the lines above
//! ```
//!
//! From the declaration follow the route, the check of token, scope, project and size (before the handler runs), the
//! description in `/openapi.json`, and the test that no endpoint answers without its scope. A handler is an async
//! function over the extractors of [`extract`] and [`Caller`](crate::server::access::Caller) that returns
//! [`Answer`](problem::Answer).

pub mod configuration;
pub mod deliveries;
pub mod endpoint;
pub mod events;
pub mod extract;
pub mod gate;
pub mod hooks;
pub mod notifications;
pub mod openapi;
pub mod operation;
pub mod problem;
pub mod problem_reference;
pub mod runs;
pub mod token;

use std::sync::Arc;

use axum::Router;

use super::metrics::Metrics;
use super::state::AppState;
use endpoint::Endpoint;
use problem::{Problem, ProblemCode};

/// All endpoints, area by area.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let areas = [
        token::endpoints(),
        configuration::endpoints(),
        events::endpoints(),
        deliveries::endpoints(),
        notifications::endpoints(),
        runs::endpoints(),
        hooks::endpoints(),
        operation::endpoints(),
    ];
    areas.into_iter().flatten().collect()
}

/// The router of all endpoints.
pub fn router(state: &AppState) -> Router {
    route(endpoints(), state)
}

fn route(endpoints: Vec<Endpoint>, state: &AppState) -> Router {
    let mut router = Router::new();
    for endpoint in endpoints {
        let (path, method_router) = endpoint.into_route(state);
        router = router.route(path, method_router);
    }
    framed(router, state.metrics()).with_state(state.clone())
}

/// A router whose every request is traced, and which says so where there is nothing.
pub fn framed<S: Clone + Send + Sync + 'static>(router: Router<S>, metrics: &Arc<Metrics>) -> Router<S> {
    router
        .fallback(async || Problem::new(ProblemCode::NotFound, "there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            Problem::new(ProblemCode::MethodNotAllowed, "this address does not know the method; see the header Allow")
        })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(metrics), super::trace::trace))
}

#[cfg(test)]
mod tests;
