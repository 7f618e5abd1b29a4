//! Around every request: its id, its line in the log, its count, and the end of a panic.
//!
//! A line holds the path as declared and never as it came, no query, no header and no body: neither a token nor a
//! person's id gets into the log. Only the request id may come from outside, and only when it is harmless.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::api::problem::Problem;
use super::metrics::{Metrics, RequestLabels};

/// Names a request in the log and in its answer.
pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request at hand, for handlers that start something which is logged later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// What probes and collectors of metrics ask for.
const WATCHED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Runs a request with all that.
pub(super) async fn trace(State(metrics): State<Arc<Metrics>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request.headers().get(&REQUEST_ID).and_then(harmless).unwrap_or_else(|| Uuid::now_v7().to_string());
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = method_name(request.method());
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let run = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match run.await {
        Ok(response) => response,
        Err(panic) => Problem::internal(format!("a handler panicked: {}", panic_text(panic.as_ref()))).into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    let problem = response.extensions().get::<Problem>();
    let code = problem.map(|problem| problem.code().as_str());
    // To the microsecond: more digits would be those of the conversion.
    let milliseconds = (elapsed.as_secs_f64() * 1e6).round() / 1e3;
    if let Some(cause) = problem.and_then(Problem::cause) {
        tracing::error!(request_id = id, method, path, status, code, cause, "a request failed");
    }
    // Whoever watches asks every few seconds; what they are told of is told them.
    if status < 400 && WATCHED.contains(&&*path) {
        tracing::debug!(request_id = id, method, path, status, code, milliseconds, "request");
    } else {
        tracing::info!(request_id = id, method, path, status, code, milliseconds, "request");
    }
    metrics.answered(&RequestLabels { method, path, status }, elapsed.as_secs_f64());
    response
}

/// An id from outside: short and of characters that mean nothing to a log, a header or a terminal.
fn harmless(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&text.len()).then_some(text).filter(|text| text.chars().all(fits)).map(str::to_owned)
}

/// The few methods there are, so that nobody can make labels.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it says nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_ids_are_taken_from_outside() {
        assert_eq!(harmless(&HeaderValue::from_static("a-1.B_2")).as_deref(), Some("a-1.B_2"));
        for bad in ["", "a b", "a\"b", &"a".repeat(65)] {
            assert_eq!(harmless(&HeaderValue::from_str(bad).expect("a header")), None, "{bad}");
        }
        assert_eq!(harmless(&HeaderValue::from_bytes(b"a\xff").expect("a header")), None);
    }
}
