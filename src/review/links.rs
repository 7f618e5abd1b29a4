//! What refers to what around a plan: the objects it touches, what they refer to, and what refers to them.
//!
//! A plan says what becomes of objects one by one; where they stand among the others is told by their references, which
//! a saved plan could not look up again.

use std::collections::BTreeSet;

use crate::desired::document::links as links_of;
use crate::desired::{Desired, Link};
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
    let ends = |from: &Address, to: &Address| usize::from(touched.contains(from)) + usize::from(touched.contains(to));
    let mut links = BTreeSet::new();
    let mut note = |from: &Address, of_it: &[Link]| {
        for Link { to, .. } in of_it.iter().filter(|link| ends(from, &link.to) > 0) {
            links.insert(PlanLink { from: from.clone(), to: to.clone() });
        }
    };
    for object in &desired.objects {
        note(&object.address, &object.links);
    }
    // What goes away is in no manifest any more: its references are those it has.
    for address in touched.iter().filter(|address| desired.get(address).is_none()) {
        let Some(record) = live.records.get(address) else { continue };
        let whole = serde_json::json!({ "spec": record.spec });
        note(address, &links_of(address.kind, &whole).0);
    }
    let mut around: Vec<PlanLink> = links.into_iter().collect();
    around.sort_by_key(|link| std::cmp::Reverse(ends(&link.from, &link.to)));
    around.truncate(LINKS);
    around.sort();
    around
}
