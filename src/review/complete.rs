//! From a plan to what reviewers are told of it: which data goes where, what the policies say, what recorded events tell.

use super::data_flow::Flows;
use super::states::{States, UnreadableObject};
use super::{links, lost_listener, policy};
use crate::base::diagnostic_record::records;
use crate::desired::Desired;
use crate::live::Live;
use crate::plan::Plan;

/// Fills in the plan's review, the preview apart, which needs events. Answers the states before and after the plan.
///
/// # Errors
/// When a live object cannot be looked at.
pub fn complete(plan: &mut Plan, desired: &Desired, live: &Live) -> Result<States, UnreadableObject> {
    let states = States::of(plan, desired, live)?;
    plan.review.links = links::around(plan, desired, live);
    let lost = lost_listener::check(plan, &states, desired);
    plan.diagnostics.extend(records(&lost, &desired.sources));
    plan.review.data_flow = Flows::new(&states).of_plan(plan);
    plan.review.policies = policy::of_plan(plan, desired, &states, policy::Limits::default());
    plan.refusals.extend(policy::refusal(&plan.review.policies));
    Ok(states)
}
