//! From desired and live state to the plan.

use std::collections::{BTreeMap, BTreeSet};

use super::options::PlanOptions;
use super::plan_value::{Action, Change, ChangeKind, Drift, Plan, Summary, UnknownSecret};
use super::reason::Reason;
use super::review::Review;
use super::{limits, order, orphans, publish, referrers, suspended};
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::desired::{Desired, DesiredObject};
use crate::kinds::Address;
use crate::live::Live;
use crate::object::action::ActionKind;

/// Plans.
///
/// # Errors
/// What no action can solve, all of it: objects made by hand that the manifests name (`unmanaged`), changes the target
/// or the life cycle does not allow, actions that would have to write outside the selection.
pub fn build(desired: &Desired, live: &Live, options: &PlanOptions) -> Result<Plan, Vec<Diagnostic>> {
    let mut builder = Builder::new(desired, live, options);
    if !options.destroy {
        for object in builder.selected() {
            builder.object(object);
        }
        builder.re_point();
        builder.publish();
    }
    builder.orphans();
    builder.check_selection();
    builder.problems.extend(referrers::strangers(&builder.actions, desired, live, &options.left_alone));
    builder.finish()
}

pub(super) struct Builder<'a> {
    pub(super) desired: &'a Desired,
    pub(super) live: &'a Live,
    pub(super) options: &'a PlanOptions,
    pub(super) actions: Vec<Action>,
    pub(super) problems: Vec<Diagnostic>,
    pub(super) orphans: Vec<Address>,
    pub(super) unknown_secrets: Vec<UnknownSecret>,
    pub(super) refresh: Vec<(Address, crate::base::ident::Generation)>,
    pub(super) warnings: Vec<String>,
    pub(super) unchanged: usize,
    /// Former addresses of objects that move.
    pub(super) moved_from: BTreeSet<Address>,
}

impl<'a> Builder<'a> {
    fn new(desired: &'a Desired, live: &'a Live, options: &'a PlanOptions) -> Self {
        Self {
            desired,
            live,
            options,
            actions: Vec::new(),
            problems: Vec::new(),
            orphans: Vec::new(),
            unknown_secrets: Vec::new(),
            refresh: Vec::new(),
            warnings: Vec::new(),
            unchanged: 0,
            moved_from: BTreeSet::new(),
        }
    }

    fn selected(&self) -> Vec<&'a DesiredObject> {
        let selection = &self.options.selection;
        let contains = |object: &&DesiredObject| {
            self.desired.is_asked(object)
                && selection.contains(&object.address, &object.metadata.labels)
                && !self.options.left_alone.contains(&object.address)
        };
        self.desired.objects.iter().filter(contains).collect()
    }

    fn publish(&mut self) {
        let anew = |action: &&Action| matches!(action.action, ActionKind::Create | ActionKind::Replace);
        let made_anew: BTreeSet<Address> =
            self.actions.iter().filter(anew).map(|action| action.address.clone()).collect();
        let blocked: BTreeSet<Option<&str>> = self.problems.iter().map(|found| found.address.as_deref()).collect();
        let usable = |object: &&DesiredObject| !blocked.contains(&Some(object.address.to_string().as_str()));
        let objects: Vec<&DesiredObject> = self.selected().into_iter().filter(usable).collect();
        let publications = publish::publications(objects, self.live, &made_anew);
        let touched: BTreeSet<&Address> = self.actions.iter().map(|action| &action.address).collect();
        let selected: BTreeSet<&Address> = self.selected().into_iter().map(|object| &object.address).collect();
        let newly_touched: BTreeSet<&Address> = publications
            .iter()
            .filter(|publication| publication.expected.is_some() && !touched.contains(&publication.address))
            .map(|publication| &publication.address)
            .collect();
        // They were counted as unchanged, and now something is done to them.
        let counted = newly_touched.intersection(&selected).count();
        self.unchanged = self.unchanged.saturating_sub(counted);
        self.refresh.retain(|(address, _)| !newly_touched.contains(address));
        self.actions.extend(publications);
    }

    fn orphans(&mut self) {
        let kept: BTreeSet<Address> = if self.options.destroy {
            BTreeSet::new()
        } else {
            let names = self.desired.objects.iter().map(|object| object.address.clone());
            let waiting =
                self.desired.objects.iter().filter(|object| self.options.left_alone.contains(&object.address));
            // Still there under its former name, as it is left alone.
            let waiting = waiting.filter_map(referrers::former_address);
            names.chain(self.moved_from.iter().cloned()).chain(waiting).collect()
        };
        let mut orphans = orphans::orphans(self.live, &kept);
        if self.options.destroy {
            let selection = &self.options.selection;
            orphans.retain(|row| {
                let labels = self.live.records.get(&row.address).map(|record| &record.metadata.labels);
                let asked = self.desired.is_whole()
                    || self.desired.get(&row.address).is_some_and(|object| self.desired.is_asked(object));
                asked && selection.contains(&row.address, labels.unwrap_or(&BTreeMap::new()))
            });
        }
        let whole = self.options.selection.is_everything() && self.desired.is_whole();
        let empty = self.desired.objects.is_empty() && !self.options.allow_empty && !orphans.is_empty();
        if self.options.prune && !self.options.destroy && !orphans.is_empty() {
            if !whole {
                self.warnings.push("nothing is pruned, because only a part of the project is planned".to_owned());
            } else if empty {
                self.warnings.push(
                    "nothing is pruned, because there are no manifests at all; --allow-empty removes everything"
                        .to_owned(),
                );
            }
        }
        let removes = self.options.destroy || self.options.prune && whole && !empty;
        for row in orphans {
            if removes && !self.options.left_alone.contains(&row.address) {
                self.actions.push(orphans::removal(row, self.live, self.options.destroy));
            } else if whole {
                self.orphans.push(row.address.clone());
            }
        }
    }

    /// With a selection, an action must not need a write outside it.
    fn check_selection(&mut self) {
        let whole = self.options.selection.is_everything() && self.desired.is_whole();
        if whole && self.options.left_alone.is_empty() {
            return;
        }
        let written: BTreeSet<&Address> = self.actions.iter().map(|action| &action.address).collect();
        let selected: BTreeSet<&Address> = self.selected().into_iter().map(|object| &object.address).collect();
        let mut missing: BTreeMap<Address, (Address, Option<Span>)> = BTreeMap::new();
        for action in &self.actions {
            // Of a whole project what is not in the manifests is removed.
            let is_removal = whole && self.desired.get(&action.address).is_none();
            if !selected.contains(&action.address) && !self.options.destroy && !is_removal {
                missing.insert(action.address.clone(), (needing(action), None));
            }
            let Some(object) = self.desired.get(&action.address) else { continue };
            if matches!(action.action, ActionKind::Delete | ActionKind::Archive) {
                continue;
            }
            for link in &object.links {
                let there = self.live.rows.contains_key(&link.to) || written.contains(&link.to);
                if !there {
                    let place = object.positions.find(&link.path).map(|place| place.value);
                    missing.insert(link.to.clone(), (action.address.clone(), place));
                }
            }
        }
        for (address, by) in referrers::left_behind(&self.actions, self.desired, self.live) {
            missing.entry(address).or_insert((by, None));
        }
        for (address, (by, place)) in missing {
            let message = format!("{by} needs a write to {address}, which is outside the selection");
            let mut problem = Diagnostic::error(Code::OutsideSelection, message)
                .of(by.to_string())
                .help(format!("{}, or plan the whole project", self.options.selection.how_to_include(&address)));
            problem.span = place;
            self.problems.push(problem);
        }
    }

    fn finish(mut self) -> Result<Plan, Vec<Diagnostic>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        order::sort(&mut self.actions);
        let managed = self.live.rows.values().filter(|row| row.managed).count();
        let live = self.live;
        let protected = |address: &Address| {
            let desired = self.desired.get(address).map(|object| &*object.metadata);
            let was = live.records.get(address).map(|record| &record.metadata);
            desired.is_some_and(crate::kinds::Metadata::is_protected)
                || was.is_some_and(crate::kinds::Metadata::is_protected)
        };
        let refusals = limits::refusals(&self.actions, managed, &protected, self.options);
        let drift = self.drift();
        let suspended = self.suspended();
        self.warnings.extend(suspended::sentences(&live.suspensions, &suspended));
        let kinds: Vec<ActionKind> = self.actions.iter().map(|action| action.action).collect();
        let options = self.options;
        let narrowed = !options.selection.is_everything() || !self.desired.is_whole();
        let selection = options
            .selection
            .banner()
            .or_else(|| (!self.desired.is_whole()).then(|| "only the manifests under the given path".to_owned()));
        Ok(Plan {
            plan_id: options.plan_id,
            trueup_version: options.trueup_version.clone(),
            created_at: options.now,
            project: self.desired.project.name.clone(),
            target: self.desired.project.target.name.clone(),
            desired: self.desired.digest,
            revision: live.revision,
            complete: !narrowed && self.unknown_secrets.is_empty(),
            selection,
            summary: Summary::count(&kinds, self.unchanged),
            drift,
            actions: self.actions,
            orphans: self.orphans,
            unknown_secrets: self.unknown_secrets,
            refresh: self.refresh,
            suspensions: live.suspensions.clone(),
            suspended,
            warnings: self.warnings,
            diagnostics: Vec::new(),
            refusals,
            review: Review::default(),
        })
    }

    /// The addresses that something is done to and whose manifest says that `reconcile` does not.
    fn suspended(&self) -> Vec<Address> {
        let addresses: BTreeSet<&Address> = self.actions.iter().map(|action| &action.address).collect();
        let is_suspended =
            |address: &&&Address| self.desired.get(address).is_some_and(|object| object.reconcile_suspended);
        addresses.iter().filter(is_suspended).map(|address| (*address).clone()).collect()
    }

    fn drift(&self) -> Vec<Drift> {
        self.actions
            .iter()
            .filter_map(|action| {
                let drifted = |change: &&Change| change.kind == ChangeKind::Drift || change.overwrites.is_some();
                let changes: Vec<Change> = action.changes.iter().filter(drifted).cloned().collect();
                let by = self.live.audit.get(&action.address).map(|entry| (entry.actor.clone(), entry.at));
                (!changes.is_empty()).then(|| Drift {
                    address: action.address.clone(),
                    action: Some(action.action),
                    changes,
                    by,
                })
            })
            .collect()
    }
}

fn needing(action: &Action) -> Address {
    match &action.reason {
        Reason::RePointed(by) | Reason::NeededBy(by) => by.clone(),
        Reason::New
        | Reason::ManifestChanged
        | Reason::Drift
        | Reason::ChangedOverDrift
        | Reason::SecretChanged
        | Reason::Frozen(_)
        | Reason::ReplaceAsked
        | Reason::EqualsVersion(_)
        | Reason::RenamedFrom(_)
        | Reason::CameBack
        | Reason::Adopted
        | Reason::Orphan { .. }
        | Reason::Destroyed
        | Reason::Stated(_) => action.address.clone(),
    }
}
