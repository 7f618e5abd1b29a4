//! What a policy says about a plan: a part of the plan that `review` fills in and every view shows.

use crate::base::ident::Name;
use crate::base::source::Location;
use crate::kinds::Address;
use crate::kinds::policy::RuleSeverity;

/// One object that breaks one rule, or on which a rule could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFinding {
    /// The policy's name.
    pub policy: Name,
    /// The object that breaks it.
    pub address: Address,
    /// Whether it refuses the plan.
    pub severity: RuleSeverity,
    /// What the rule says; one line.
    pub message: String,
    /// Where the object stands; `None` for one that is only live.
    pub location: Option<Location>,
}
