//! What varies from one plan to the next, as arguments.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::selection::Selection;
use crate::base::ident::PlanId;
use crate::base::secret::SecretRef;
use crate::kinds::Address;

/// How to plan.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// The plan's id.
    pub plan_id: PlanId,
    /// The time the plan is made at.
    pub now: Timestamp,
    /// The program's version.
    pub trueup_version: String,
    /// Take over objects that were made by hand.
    pub adopt: bool,
    /// Remove managed objects that are no longer in the manifests.
    pub prune: bool,
    /// Let pruning empty a project.
    pub allow_empty: bool,
    /// Remove everything that is managed.
    pub destroy: bool,
    /// Secrets whose contents are not available to the plan.
    pub unavailable_secrets: BTreeSet<SecretRef>,
    /// Let notifications be sent.
    pub allow_send: bool,
    /// Most deletes and archives.
    pub max_deletes: usize,
    /// Largest share of managed objects that may change, in percent; no limit when `None`.
    pub max_changed_percent: Option<f64>,
    /// Which objects.
    pub selection: Selection,
    /// Objects that nothing is done to, though the plan is about the whole project.
    pub left_alone: BTreeSet<Address>,
    /// Objects to replace even so.
    pub replace: Vec<Address>,
}
