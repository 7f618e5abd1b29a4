//! What reviewers are told beside the actions: filled in by the stage `review`, shown by every view.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data_flow::DataFlow;
use super::policy_finding::PolicyFinding;
use super::preview::Preview;
use crate::kinds::Address;

/// What the change does, and what the policies say of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Review {
    /// Difference in behaviour; `None` where no events were replayed.
    pub preview: Option<Preview>,
    /// Which data reaches which host, sorted by [`DataFlow::rank`].
    pub data_flow: Vec<DataFlow>,
    /// What the policies object to: errors first, then by address.
    pub policies: Vec<PolicyFinding>,
    /// What refers to what among the objects the plan touches and their neighbours, sorted; at most [`LINKS`].
    pub links: Vec<PlanLink>,
}

/// The most references that a plan lists: more than anybody can look at.
pub const LINKS: usize = 1_000;

/// One object refers to another, and the plan touches at least one of the two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PlanLink {
    /// What refers.
    #[schemars(with = "String")]
    pub from: Address,
    /// What is referred to.
    #[schemars(with = "String")]
    pub to: Address,
}
