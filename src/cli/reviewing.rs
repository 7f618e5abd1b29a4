//! From a plan to what reviewers are told of it: which data goes where, what the policies say, what recorded events tell.

use super::exit::{self, Exit};
use crate::desired::Desired;
use crate::live::Live;
use crate::plan::Plan;
use crate::review::links;
use crate::review::policy;
use crate::review::states::States;

/// Fills in the plan's review.
///
/// # Errors
/// When a live object cannot be looked at, which is said on standard error.
pub fn complete(plan: &mut Plan, desired: &Desired, live: &Live) -> Result<(), Exit> {
    let states = States::of(plan, desired, live).map_err(|error| exit::failed(format!("failed to {error}")))?;
    plan.review.links = links::around(plan, desired, live);
    tracing::debug!(before = states.before.objects.len(), after = states.after.objects.len(), "states");
    plan.review.policies = policy::of_plan(plan, desired, &states, policy::Limits::default());
    plan.refusals.extend(policy::refusal(&plan.review.policies));
    Ok(())
}
