//! What operators and programs ask of the server itself: is it alive, is it ready, how much does it do, what does it know.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::endpoint::Endpoint;
use super::extract::Json;
use super::openapi;
use super::problem::{Answer, Problem, ProblemCode};
use crate::base::error_text::chain;
use crate::server::metrics::Metrics;
use crate::server::state::AppState;

/// The state of the server.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
    /// The version of the program.
    version: &'static str,
}

/// Of a process that is well.
pub const HEALTH: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

pub(super) fn endpoints() -> Vec<Endpoint> {
    let area = |endpoint: Endpoint| endpoint.area("operation").public();
    vec![
        area(Endpoint::get("health", "/healthz", health))
            .summary("Is the server alive?")
            .describe("Answers as long as the process does. A restart helps when it does not.")
            .answers::<Health>(200, "it is alive"),
        area(Endpoint::get("ready", "/readyz", ready))
            .summary("Is the server ready for requests?")
            .describe("Asks the store. Callers should be sent elsewhere when it fails; a restart does not help.")
            .answers::<Health>(200, "it is ready")
            .fails(&[ProblemCode::Unavailable]),
        area(Endpoint::get("metrics", "/metrics", metrics)).summary("Counters, for Prometheus.").answers_text(
            200,
            "all counters",
            METRICS_TYPE,
        ),
        area(Endpoint::get("openapi", "/openapi.json", document))
            .summary("This description.")
            .answers::<serde_json::Value>(200, "the description, OpenAPI 3.1"),
    ]
}

async fn health() -> Json<Health> {
    Json(HEALTH)
}

async fn ready(State(state): State<AppState>) -> Answer<Json<Health>> {
    // A reading of one small row: that the file is there, open and not damaged.
    match state.reads().access_changes().await {
        Ok(_) => Ok(Json(HEALTH)),
        Err(error) => {
            let problem = Problem::new(ProblemCode::Unavailable, "the store does not answer");
            Err(problem.caused_by(chain(&error)))
        }
    }
}

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async fn metrics(State(state): State<AppState>) -> Answer<Response> {
    counters(state.metrics())
}

/// All counters, for Prometheus.
///
/// # Errors
/// When one cannot be written down.
pub fn counters(metrics: &Metrics) -> Answer<Response> {
    let text = metrics.text().map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(METRICS_TYPE));
    Ok(response)
}

async fn document() -> Response {
    let mut response = openapi::text().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
