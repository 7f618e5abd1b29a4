//! The audit: `GET …/audit`, and `POST …/audit/latest` for who made objects what they are.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{AddressForm, CounterForm, TimeForm};
use crate::base::ident::Name;
use crate::kinds::Address;
use crate::object::audit::AuditEntry;

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AuditParameters")]
pub struct AuditParametersV1 {
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TimeForm")]
    pub from: Option<Timestamp>,
    /// Before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TimeForm")]
    pub to: Option<Timestamp>,
    /// Only what was done to this System or to objects that belonged to it when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Name")]
    pub system: Option<Name>,
    /// At most so many entries: 100 when absent, 10,000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 10_000))]
    pub limit: Option<u32>,
    /// After leaving out so many, oldest first.
    #[serde(default)]
    #[schemars(with = "CounterForm")]
    pub offset: u32,
}

/// A page of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AuditPage")]
pub struct AuditPageV1 {
    /// Oldest first.
    pub entries: Vec<AuditEntry>,
}

/// Objects whose makers are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "LatestAuditRequest")]
pub struct LatestAuditV1 {
    /// At most 1,000.
    #[schemars(with = "Vec<AddressForm>", length(max = 1_000))]
    pub addresses: Vec<Address>,
}
