//! What refers to what around a plan: the objects it touches, what they refer to, and what refers to them.
//!
//! A plan says what becomes of objects one by one; where they stand among the others is told by their references, which
//! a saved plan could not look up again.

use std::collections::BTreeSet;

use crate::desired::Desired;
use crate::kinds::Address;
use crate::live::Live;
use crate::plan::plan_value::Plan;
use crate::plan::review::{LINKS, PlanLink};

/// The references of which at least one end is touched by the plan. Those between two touched objects come first where
/// not all can be kept.
#[must_use]
pub fn around(plan: &Plan, desired: &Desired, live: &Live) -> Vec<PlanLink> {
    let touched: BTreeSet<&Address> = plan.actions.iter().map(|action| &action.address).collect();
    if touched.is_empty() {
        return Vec::new();
    }
    let mut links = BTreeSet::new();
    for object in &desired.objects {
        for link in &object.links {
            links.insert(PlanLink { from: object.address.clone(), to: link.to.clone() });
        }
    }
    // What goes away is in no manifest any more: its references are those it has.
    for address in touched.iter().filter(|address| desired.get(address).is_none()) {
        let Some(record) = live.records.get(address) else { continue };
        let whole = serde_json::json!({ "spec": record.spec });
        address.kind.field_tree().visit_links(&whole, &mut |field, _, value| {
            let name = value.as_str().and_then(|name| name.parse().ok());
            if let (Some(kind), Some(name)) = (field.reference, name) {
                links.insert(PlanLink { from: (*address).clone(), to: Address::new(kind, name) });
            }
        });
    }
    let ends = |link: &PlanLink| usize::from(touched.contains(&link.from)) + usize::from(touched.contains(&link.to));
    let mut around: Vec<PlanLink> = links.into_iter().filter(|link| ends(link) > 0).collect();
    around.sort_by_key(|link| std::cmp::Reverse(ends(link)));
    around.truncate(LINKS);
    around.sort();
    around
}
