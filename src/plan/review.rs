//! What reviewers are told beside the actions: filled in by the stage `review`, shown by every view.

use super::data_flow::DataFlow;
use super::policy_finding::PolicyFinding;
use super::preview::Preview;

/// What the change does, and what the policies say of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Review {
    /// Difference in behaviour; `None` where no events were replayed.
    pub preview: Option<Preview>,
    /// Which data reaches which host, sorted by [`DataFlow::rank`].
    pub data_flow: Vec<DataFlow>,
    /// What the policies object to: errors first, then by address.
    pub policies: Vec<PolicyFinding>,
}
