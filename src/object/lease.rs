//! One applier at a time per project and target.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wire_v1::schema::{CounterForm, TimeForm, UuidForm};
use crate::base::ident::{FencingToken, PlanId};

/// How long a lease lasts unless it is renewed (design §8).
pub const LEASE_TERM: Duration = Duration::from_mins(1);
/// How often the holder renews it.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(20);

/// The right to write until `expires_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseGrant {
    /// Rises with every change of holder; every write carries it.
    #[schemars(with = "CounterForm")]
    pub token: FencingToken,
    /// End of the term.
    #[schemars(with = "TimeForm")]
    pub expires_at: Timestamp,
}

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseHolder {
    /// The plan being applied; the same plan may take the lease again after a kill.
    #[schemars(with = "UuidForm")]
    pub owner: PlanId,
    /// Who applies it.
    pub actor: String,
    /// Since when.
    #[schemars(with = "TimeForm")]
    pub since: Timestamp,
    /// Until when, unless renewed.
    #[schemars(with = "TimeForm")]
    pub expires_at: Timestamp,
    /// Whether it ends with the process that took it: who can tell that no such process runs may take it over.
    #[serde(default)]
    pub ends_with_process: bool,
}
