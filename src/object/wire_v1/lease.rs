//! The lease: `POST …/lease` takes or renews it, `DELETE …/lease` gives it back, `POST …/lease/break` takes it away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{ActorForm, CounterForm, UuidForm};
use crate::base::ident::{FencingToken, PlanId};
use crate::object::lease::LeaseHolder;

/// Who wants the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "LeaseRequest")]
pub struct TakeLeaseV1 {
    /// The plan to be applied; the plan that holds the lease renews it so.
    #[schemars(with = "UuidForm")]
    pub owner: PlanId,
    /// Who applies it, shown to others who want the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ActorForm")]
    pub actor: Option<String>,
}

/// The lease that is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "LeaseRelease")]
pub struct ReleaseLeaseV1 {
    /// The plan that holds it.
    #[schemars(with = "UuidForm")]
    pub owner: PlanId,
    /// The token it was given with.
    #[schemars(with = "CounterForm")]
    pub token: FencingToken,
}

/// Who takes the lease away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "LeaseBreak")]
pub struct BreakLeaseV1 {
    /// Who takes it away, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ActorForm")]
    pub actor: Option<String>,
}

/// Whom the lease was taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BrokenLease")]
pub struct BrokenLeaseV1 {
    /// Its holder; absent when nobody held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<LeaseHolder>,
}
