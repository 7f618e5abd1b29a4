//! Live objects that refer to what a plan renames, replaces or removes, and that the plan does not write: they would be
//! left pointing to nothing, so the target would refuse the whole.

use std::collections::{BTreeMap, BTreeSet};

use super::plan_value::Action;
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::desired::{Desired, DesiredObject};
use crate::kinds::Address;
use crate::live::Live;
use crate::object::action::ActionKind;

/// Objects of the manifests that are live and not written, each with what it refers to: they are outside the selection.
pub(super) fn left_behind(actions: &[Action], desired: &Desired, live: &Live) -> Vec<(Address, Address)> {
    let goes = |kind: ActionKind| matches!(kind, ActionKind::Move | ActionKind::Delete | ActionKind::Archive);
    let gone: BTreeSet<&Address> =
        actions.iter().filter(|action| goes(action.action)).map(|action| &action.address).collect();
    let is_live = |object: &&DesiredObject| {
        live.rows.contains_key(&object.address)
            || former_address(object).is_some_and(|former| live.rows.contains_key(&former))
    };
    let written: BTreeSet<&Address> = actions.iter().map(|action| &action.address).collect();
    let is_written = |object: &&DesiredObject| written.contains(&object.address);
    let left = desired.objects.iter().filter(|object| !gone.is_empty() && is_live(object) && !is_written(object));
    left.filter_map(|object| {
        let link = object.links.iter().find(|link| gone.contains(&link.to))?;
        Some((object.address.clone(), link.to.clone()))
    })
    .collect()
}

/// Problems of objects that are nobody's here: orphans, and those made by hand.
pub(super) fn strangers(
    actions: &[Action],
    desired: &Desired,
    live: &Live,
    left_alone: &BTreeSet<Address>,
) -> Vec<Diagnostic> {
    let goes = |kind: ActionKind| {
        matches!(kind, ActionKind::Move | ActionKind::Replace | ActionKind::Delete | ActionKind::Archive)
    };
    let mut gone: BTreeMap<String, &Address> = BTreeMap::new();
    for action in actions.iter().filter(|action| goes(action.action)) {
        let row = live.rows.get(action.from.as_ref().unwrap_or(&action.address));
        gone.extend(row.map(|row| (row.id.to_string(), &action.address)));
    }
    if gone.is_empty() {
        return Vec::new();
    }
    let former: BTreeSet<Address> = desired.objects.iter().filter_map(former_address).collect();
    let written: BTreeSet<&Address> = actions.iter().map(|action| &action.address).collect();
    let waiting = desired.objects.iter().filter(|object| left_alone.contains(&object.address));
    let waiting: BTreeSet<Address> = waiting.filter_map(former_address).collect();
    let is_left_alone = |address: &Address| left_alone.contains(address) || waiting.contains(address);
    let is_own = |address: &Address| {
        !is_left_alone(address)
            && (desired.get(address).is_some() || written.contains(address) || former.contains(address))
    };
    let mut problems = Vec::new();
    for record in live.records.values().filter(|record| !is_own(&record.address)) {
        let references = record.server_set.get("references").and_then(serde_json::Value::as_object);
        let ids = references.into_iter().flat_map(|references| references.values());
        let Some(to) = ids.filter_map(serde_json::Value::as_str).find_map(|id| gone.get(id)) else { continue };
        if is_left_alone(&record.address) {
            let message = format!("{}, which is left alone, refers to {to}", record.address);
            problems.push(Diagnostic::error(Code::OutsideSelection, message).of(to.to_string()));
            continue;
        }
        let (why, help) = if record.managed {
            ("is no longer in the manifests", "remove it with --prune, or bring its manifest back")
        } else {
            ("was made by hand", "take it over with `trueup adopt`, or remove it")
        };
        let message = format!("{}, which {why}, refers to {to}", record.address);
        problems.push(Diagnostic::error(Code::StillReferred, message).of(to.to_string()).help(help));
    }
    problems
}

pub(super) fn former_address(object: &DesiredObject) -> Option<Address> {
    object.former_name.as_ref().map(|name| Address::new(object.address.kind, name.clone()))
}
