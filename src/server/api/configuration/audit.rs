//! The audit: who changed what, and when.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AREA, address_list};
use crate::base::ident::Name;
use crate::object::access::Scope;
use crate::object::audit::AuditQuery;
use crate::object::wire_v1::AuditShape;
use crate::server::access::Caller;
use crate::server::api::endpoint::Endpoint;
use crate::server::api::extract::{Json, Query};
use crate::server::api::problem::{Answer, Problem, ProblemCode};
use crate::server::state::AppState;

/// Entries of one answer where none, or more, are asked for.
const LIMIT: u32 = 1_000;
/// The most entries of one answer.
const MOST: u32 = 10_000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("read-audit", "/v1/projects/{project}/audit", read)
            .scope(Scope::AuditRead)
            .area(AREA)
            .summary("Read who changed what, and when; oldest first.")
            .describe(
                "Every create, change, removal and publishing of an object, every key made or revoked, every failed \
                 log-in with one of the project's keys. With `Accept: application/x-ndjson` one entry a line.",
            )
            .query::<AuditParameters>()
            .answers::<AuditShape>(200, "the entries"),
    ]
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditParameters {
    /// Not before: RFC 3339.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    from: Option<Timestamp>,
    /// Before: RFC 3339.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    to: Option<Timestamp>,
    /// Only what is about this system or about an object that belongs to it.
    #[serde(default)]
    system: Option<Name>,
    /// At most so many entries: 1,000 when absent, at most 10,000.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u32>,
    /// After leaving out so many.
    #[serde(default)]
    offset: u32,
    /// Only these objects: `Kind/name`, separated by commas, at most 200.
    #[serde(default)]
    addresses: Option<String>,
    /// Of each object only the newest entry that changed its content.
    #[serde(default)]
    latest: bool,
}

async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Query(parameters): Query<AuditParameters>,
    headers: HeaderMap,
) -> Answer<Response> {
    let AuditParameters { from, to, system, limit, offset, addresses, latest } = parameters;
    let invalid = |detail: String| Problem::new(ProblemCode::MalformedRequest, detail);
    let addresses = address_list(addresses.as_deref())?;
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(invalid(format!("`limit` is 1 to {MOST}")));
    }
    let query = AuditQuery { addresses, latest_only: latest, system, from, to, limit: Some(limit), offset };
    let entries = state.reads().audit(&caller.project, &query).await?;
    let wants_lines = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| {
        // What is named first is wanted most; the client of the command line names both.
        accept.trim_start().starts_with("application/x-ndjson") && !accept.contains("application/json")
    });
    if !wants_lines {
        return Ok(Json(AuditShape { entries }).into_response());
    }
    let mut lines = Vec::new();
    for entry in &entries {
        serde_json::to_writer(&mut lines, entry).map_err(|error| Problem::internal(error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}
