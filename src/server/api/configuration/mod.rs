//! Configuration over HTTP: reading a project's objects, changing them by changeset or by hand, the lease, the audit.
//!
//! What is sent is checked by the kind's JSON Schema before the store sees it; the store holds the kinds' own rules.

mod audit;
mod changesets;
mod check;
mod lease;
mod objects;
mod single;

use super::endpoint::Endpoint;
use super::extract::RawBody;
use super::problem::{Answer, Problem, ProblemCode};

/// The area's name in the description.
const AREA: &str = "configuration";
/// The largest body of a changeset: 100,000 objects of a kilobyte each.
const CHANGESET_LIMIT: usize = 256 * 1024 * 1024;
/// The longest name of who applies that goes into the audit.
const ACTOR_LIMIT: usize = 255;

pub(super) fn endpoints() -> Vec<Endpoint> {
    [objects::endpoints(), single::endpoints(), changesets::endpoints(), lease::endpoints(), audit::endpoints()]
        .into_iter()
        .flatten()
        .collect()
}

/// How a change is signed in the audit: who the caller says applies, and the key that proves whose request it is.
fn signed(caller: &crate::server::access::Caller, claimed: Option<&str>) -> Answer<String> {
    match claimed {
        None => Ok(caller.actor()),
        Some(name) if name.chars().count() > ACTOR_LIMIT || name.chars().any(char::is_control) => {
            let detail = format!("`actor` has at most {ACTOR_LIMIT} characters and no control characters");
            Err(Problem::new(ProblemCode::Invalid, detail))
        }
        Some(name) => Ok(format!("{name} by {}", caller.actor())),
    }
}

/// Reads a body of JSON that may be large.
fn json<T: serde::de::DeserializeOwned>(body: &RawBody) -> Answer<T> {
    body.expect("application/json")?;
    body.json()
}
