//! Configuration over HTTP: reading a project's objects, changing them by changeset or by hand, the lease, the audit.
//!
//! What is sent is checked by the kind's JSON Schema before the store sees it; the store holds the kinds' own rules.

mod audit;
mod changesets;
mod check;
mod lease;
mod objects;
mod single;
mod suspension;

use super::endpoint::Endpoint;
use super::extract::RawBody;
use super::problem::{Answer, Problem, ProblemCode};
use crate::kinds::Address;

/// The area's name in the description.
const AREA: &str = "configuration";
/// The largest body of a changeset: 100,000 objects of a kilobyte each.
const CHANGESET_LIMIT: usize = 256 * 1024 * 1024;
/// The longest name of who applies that goes into the audit.
const ACTOR_LIMIT: usize = 255;
/// The most addresses of one query.
const ADDRESSES: usize = 200;

pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        objects::endpoints(),
        single::endpoints(),
        changesets::endpoints(),
        lease::endpoints(),
        suspension::endpoints(),
        audit::endpoints(),
    ]
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
        Some(name) => Ok(format!("{name} via {}", caller.actor())),
    }
}

/// Addresses of a query, separated by commas.
fn address_list(list: Option<&str>) -> Answer<Vec<Address>> {
    let invalid = |detail: String| Problem::new(ProblemCode::MalformedRequest, detail);
    let Some(list) = list.filter(|list| !list.is_empty()) else { return Ok(Vec::new()) };
    let read = list.split(',').map(|address| address.parse::<Address>().map_err(|error| invalid(error.to_string())));
    let addresses: Vec<Address> = read.collect::<Answer<_>>()?;
    if addresses.len() > ADDRESSES {
        return Err(invalid(format!("at most {ADDRESSES} addresses at once")));
    }
    Ok(addresses)
}

/// Reads a body of JSON that may be large.
fn json<T: serde::de::DeserializeOwned>(body: &RawBody) -> Answer<T> {
    body.expect("application/json")?;
    body.json()
}
