//! Who changed what, and when.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wire_v1::schema::{AddressForm, CounterForm, DigestForm, TimeForm, UuidForm};
use crate::base::digest::Digest;
use crate::base::ident::{Name, PlanId, Revision};
use crate::kinds::Address;

/// One entry. Entries are only added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Rises with every entry of the target.
    #[schemars(with = "CounterForm")]
    pub sequence: u64,
    /// When.
    #[schemars(with = "TimeForm")]
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What: an action of a plan, `put` or `remove` for a change by hand, `rotate`, `unlock`, `mark-used`, `halt`,
    /// `resume` (of a halted destination), `suspend-reconcile`, `resume-reconcile`, `key-create`, `key-revoke`,
    /// `login-failure`.
    pub action: String,
    /// What it was about, when that is no object: the client id of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The object, if it was about one.
    #[schemars(with = "Option<AddressForm>")]
    pub address: Option<Address>,
    /// The project's revision after it.
    #[schemars(with = "CounterForm")]
    pub revision: Revision,
    /// The plan, if it was an apply.
    #[schemars(with = "Option<UuidForm>")]
    pub plan_id: Option<PlanId>,
    /// The commit the manifests came from.
    pub commit: Option<String>,
    /// Digest before; `None` where there was nothing.
    #[schemars(with = "Option<DigestForm>")]
    pub before: Option<Digest>,
    /// Digest after; `None` where there is nothing.
    #[schemars(with = "Option<DigestForm>")]
    pub after: Option<Digest>,
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only these objects; all when empty.
    pub addresses: Vec<Address>,
    /// Of each object only the newest entry that changed its content (`before` and `after` differ): who made it what it is.
    pub latest_only: bool,
    /// Only what was done to this System, or to objects that belonged to it when it was done.
    pub system: Option<Name>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// At most so many; no limit when `None`.
    pub limit: Option<u32>,
    /// After leaving out so many.
    pub offset: u32,
}
