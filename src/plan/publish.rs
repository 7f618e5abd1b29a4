//! Publishing a system's settings: needed by the first webhook of each system, never undone (domain §2).

use std::collections::{BTreeMap, BTreeSet};

use super::plan_value::Action;
use super::reason::Reason;
use crate::desired::DesiredObject;
use crate::kinds::Address;
use crate::live::Live;
use crate::object::action::ActionKind;

/// One action for each object that must be published and is not. `objects` are the selected ones.
pub(super) fn publications<'o>(
    objects: impl IntoIterator<Item = &'o DesiredObject>,
    live: &Live,
    made_anew: &BTreeSet<Address>,
) -> Vec<Action> {
    let mut needed: BTreeMap<&Address, &Address> = BTreeMap::new();
    for object in objects {
        for link in object.links.iter().filter(|link| link.needs_published) {
            needed.entry(&link.to).or_insert(&object.address);
        }
    }
    needed
        .into_iter()
        .filter(|(to, _)| made_anew.contains(*to) || live.rows.get(*to).is_none_or(|row| row.published != Some(true)))
        .map(|(to, by)| Action {
            address: to.clone(),
            action: ActionKind::PublishSettings,
            reason: Reason::NeededBy(by.clone()),
            changes: Vec::new(),
            expected: live.rows.get(to).filter(|_| !made_anew.contains(to)).map(|row| row.generation),
            from: None,
            version: None,
            archives: false,
            sends: None,
            keeps: Vec::new(),
        })
        .collect()
}
