//! Replaced objects: what refers to one is written again, so that it points to the new one.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Builder;
use super::changes;
use super::per_object::plain_action;
use super::plan_value::Change;
use super::reason::Reason;
use super::shown::Shown;
use crate::base::path::Path;
use crate::desired::DesiredObject;
use crate::kinds::{Address, LifeCycle};
use crate::object::action::ActionKind;

impl Builder<'_> {
    /// What refers to a replaced object is written again, so that it points to the new one.
    pub(super) fn re_point(&mut self) {
        let replaced: BTreeSet<Address> = self
            .actions
            .iter()
            .filter(|action| action.action == ActionKind::Replace)
            .map(|action| action.address.clone())
            .collect();
        if replaced.is_empty() {
            return;
        }
        // Each object is looked at once, so what is added on the way need not be known.
        let mut claimed: BTreeSet<Address> = BTreeSet::new();
        let mut writing: BTreeMap<Address, usize> = BTreeMap::new();
        for (at, action) in self.actions.iter().enumerate() {
            claimed.insert(action.address.clone());
            if !matches!(action.action, ActionKind::PublishSettings | ActionKind::Move | ActionKind::Adopt) {
                writing.entry(action.address.clone()).or_insert(at);
            }
        }
        let mut re_written: BTreeSet<&Address> = BTreeSet::new();
        for object in &self.desired.objects {
            let Some(link) = object.links.iter().find(|link| replaced.contains(&link.to)) else { continue };
            let former = object.former_name.as_ref().map(|name| Address::new(object.address.kind, name.clone()));
            let rows = &self.live.rows;
            let row = rows.get(&object.address).or_else(|| former.as_ref().and_then(|former| rows.get(former)));
            let Some(row) = row else { continue };
            let grows = object.address.kind.life_cycle() == LifeCycle::VersionsGrow;
            let change = self.re_pointed(object, &link.path, &link.to);
            let known = writing.get(&object.address).and_then(|at| self.actions.get_mut(*at));
            if let Some(action) = known {
                // A version is frozen with the objects it refers to: an older one would still point to the old object.
                if grows && matches!(action.action, ActionKind::Update | ActionKind::MakeCurrent) {
                    action.action = ActionKind::NewVersion;
                    action.version = None;
                    action.reason = Reason::RePointed(link.to.clone());
                }
                action.changes.push(change);
                continue;
            }
            let kind = if grows { ActionKind::NewVersion } else { ActionKind::Update };
            let reason = Reason::RePointed(link.to.clone());
            let mut action = plain_action(object.address.clone(), kind, reason, vec![change]);
            let claimed = claimed.contains(&object.address);
            action.expected = (!claimed).then_some(row.generation);
            self.actions.push(action);
            if !claimed {
                self.unchanged = self.unchanged.saturating_sub(1);
                re_written.insert(&object.address);
            }
        }
        self.refresh.retain(|(address, _)| !re_written.contains(address));
    }

    fn re_pointed(&self, object: &DesiredObject, path: &Path, to: &Address) -> Change {
        let old = self.live.rows.get(to).map(|row| Shown::Plain(row.id.to_string().into()));
        Change {
            origin: changes::origin(object, path, &self.desired.sources),
            ..Change::new(path.clone(), old, Some(Shown::KnownAfterApply))
        }
    }
}
