//! A failure as a caller reads it: `application/problem+json` (RFC 9457), of which the members that matter are kept.

use serde::Deserialize;

use crate::kinds::Address;
use crate::object::changeset::Stale;
use crate::object::lease::LeaseHolder;

/// A failure. Everything may be missing: between caller and server others may answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProblemV1 {
    /// What went wrong, for programs: see the codes below.
    pub code: String,
    /// What went wrong, for people.
    pub detail: String,
    /// Objects that are not in the state the request expects.
    pub stale: Vec<Stale>,
    /// Who holds the lease.
    pub holder: Option<LeaseHolder>,
    /// The scope that the key lacks.
    pub scope: Option<String>,
    /// Every fault, where there are several.
    pub errors: Vec<FaultV1>,
}

/// One of several faults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FaultV1 {
    /// An address, or an address and a path in it.
    pub place: Option<String>,
    /// What is wrong.
    pub detail: String,
}

impl FaultV1 {
    /// The object it is about, when its place begins with an address.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.place.as_deref()?.split(' ').next()?.parse().ok()
    }
}

/// Another plan holds the lease.
pub const LEASE_HELD: &str = "lease-held";
/// The lease was lost; nothing was done.
pub const LEASE_LOST: &str = "lease-lost";
/// Another plan was applied under the same id; nothing was done.
pub const PLAN_REUSED: &str = "plan-reused";
/// Objects are not as expected; nothing was done.
pub const STALE: &str = "stale";
/// The write may or may not have happened.
pub const UNKNOWN_OUTCOME: &str = "unknown-outcome";
