//! Who changed what, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::ident::{PlanId, Revision};
use crate::kinds::Address;

/// One entry. Entries are only added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Rises with every entry of the target.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What: an action of a plan, `put` or `remove` for a change by hand, `unlock`, `mark-used`, `halt`, `resume`,
    /// `key-create`, `key-revoke`, `login-failure`.
    pub action: String,
    /// What it was about, when that is no object: the client id of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The object, if it was about one.
    pub address: Option<Address>,
    /// The project's revision after it.
    pub revision: Revision,
    /// The plan, if it was an apply.
    pub plan_id: Option<PlanId>,
    /// The commit the manifests came from.
    pub commit: Option<String>,
    /// Digest before; `None` where there was nothing.
    pub before: Option<Digest>,
    /// Digest after; `None` where there is nothing.
    pub after: Option<Digest>,
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only these objects; all when empty.
    pub addresses: Vec<Address>,
    /// Of each object only the newest entry that changed its content (`before` and `after` differ): who made it what it is.
    pub latest_only: bool,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// At most so many; no limit when `None`.
    pub limit: Option<u32>,
    /// After leaving out so many.
    pub offset: u32,
}
