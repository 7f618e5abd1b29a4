//! What can go wrong with a target, told apart by what can be done about it.

use crate::kinds::Address;
use crate::object::changeset::Stale;
use crate::object::lease::LeaseHolder;
use crate::object::suspension::Suspension;

/// A failed request to a target.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The object is not there.
    #[error("find {0}: the target does not have it")]
    Absent(Address),
    /// Objects are not as the plan expected. Nothing was written.
    #[error("write: {} changed since the plan was made", list(.0))]
    Conflict(Vec<Stale>),
    /// The same plan id came with another content. Nothing was written.
    #[error("write: the target has applied another plan under the same id")]
    PlanReused,
    /// The target refuses the content. Nothing was written.
    #[error("write {}: {reason}", .address.as_ref().map_or_else(|| "the changeset".to_owned(), ToString::to_string))]
    Rejected {
        /// The object at fault, if it is one.
        address: Option<Address>,
        /// Why.
        reason: String,
    },
    /// Not authenticated, or not allowed.
    #[error("{0}")]
    Unauthorised(String),
    /// Another plan holds the lease.
    #[error("take the lease: {} holds it for plan {} since {} (until {})", .0.actor, .0.owner, .0.since, .0.expires_at)]
    LeaseHeld(LeaseHolder),
    /// What was to be written is suspended, and the changeset heeds that. Nothing was written.
    #[error("write: it is suspended: {}", .0.reason)]
    Suspended(Box<Suspension>),
    /// The lease passed to another while it was being used. Nothing was written.
    #[error("write: the lease was lost to another")]
    LeaseLost,
    /// The target cannot be reached, opened or read.
    #[error("{context}")]
    Unavailable {
        /// What was tried: completes "failed to …".
        context: String,
        /// Why it failed.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Whether the write happened is not known.
    #[error("learn whether the write happened")]
    UnknownOutcome {
        /// Why it failed.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

fn list(stale: &[Stale]) -> String {
    stale.iter().map(|s| s.address.to_string()).collect::<Vec<_>>().join(", ")
}
