//! From desired and live state to the plan.

use std::collections::{BTreeMap, BTreeSet};

use super::content::{self, Comparison, Content, Needed};
use super::options::PlanOptions;
use super::plan_value::{Action, Change, ChangeKind, Drift, Plan, Summary, UnknownSecret};
use super::reason::Reason;
use super::shown::{SecretState, Shown};
use super::{changes, limits, order, orphans, publish, referrers};
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::Path;
use crate::base::source::Span;
use crate::desired::{Desired, DesiredObject};
use crate::kinds::managed::Before;
use crate::kinds::{Address, LifeCycle, Spec};
use crate::live::Live;
use crate::object::action::ActionKind;
use crate::object::record::{DigestRow, ObjectRecord};
use crate::object::secret_comparison::SecretAnswer;

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
    builder.problems.extend(referrers::strangers(&builder.actions, desired, live));
    builder.finish()
}

struct Builder<'a> {
    desired: &'a Desired,
    live: &'a Live,
    options: &'a PlanOptions,
    actions: Vec<Action>,
    problems: Vec<Diagnostic>,
    orphans: Vec<Address>,
    unknown_secrets: Vec<UnknownSecret>,
    refresh: Vec<(Address, crate::base::ident::Generation)>,
    warnings: Vec<String>,
    unchanged: usize,
    /// Former addresses of objects that move.
    moved_from: BTreeSet<Address>,
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
            self.desired.is_asked(object) && selection.contains(&object.address, &object.metadata.labels)
        };
        self.desired.objects.iter().filter(contains).collect()
    }

    fn object(&mut self, object: &'a DesiredObject) {
        if !self.supported(object) {
            return;
        }
        let address = &object.address;
        let former = object.former_name.as_ref().map(|name| Address::new(address.kind, name.clone()));
        if let Some(row) = self.live.rows.get(address) {
            return self.live_object(object, row, None);
        }
        if let Some(row) = former.as_ref().and_then(|former| self.live.rows.get(former)) {
            self.moved_from.insert(row.address.clone());
            return self.live_object(object, row, Some(ActionKind::Move));
        }
        if let Some(record) = self.live.restorable.get(address) {
            return self.restore(object, record);
        }
        self.create(object);
    }

    fn supported(&mut self, object: &DesiredObject) -> bool {
        let capabilities = &self.live.capabilities;
        if !capabilities.kinds.contains(&object.address.kind) {
            let message = format!("the target {} has no {}", self.desired.project.target.name, object.address.kind);
            self.problems.push(content::problem(object, Code::NotSupported, message));
            return false;
        }
        let mut missing =
            capabilities.missing_fields.iter().filter(|(kind, _)| *kind == object.address.kind).peekable();
        if missing.peek().is_none() {
            return true;
        }
        let Ok(canonical) = object.canonical() else { return true };
        for (_, missing) in missing {
            let path = Path::keys(missing);
            if path.of(&canonical).is_some() {
                let message = format!("the target {} has no field {path}", self.desired.project.target.name);
                let mut found = content::problem(object, Code::NotSupported, message);
                found.span = object.positions.find(&path).map(|place| place.value).or(found.span);
                self.problems.push(found.path(path));
            }
        }
        true
    }

    fn create(&mut self, object: &'a DesiredObject) {
        self.check_time(object);
        let Ok(canonical) = object.canonical() else { return };
        let changes = changes::whole(object, &canonical, SecretState::Changed, &self.desired.sources);
        let mut action = plain_action(object.address.clone(), ActionKind::Create, Reason::New, changes);
        action.sends = self.sends(object, None);
        if self.live.archived.contains(&object.address) {
            self.warnings.push(format!(
                "{} was archived before: it is made anew with a new id, and outside callers of the old id keep the old text",
                object.address
            ));
        }
        self.actions.push(action);
    }

    /// What would be without effect the moment it is written.
    fn check_time(&mut self, object: &DesiredObject) {
        if let Some(path) = object.spec.already_past(self.options.now) {
            let mut found =
                content::problem(object, Code::TimePast, format!("{path} of {} is already past", object.address));
            found.span = object.positions.find(&path).map(|place| place.value).or(found.span);
            self.problems.push(found.path(path).help("choose a later time, or remove the manifest"));
        }
    }

    /// An object that is live at its address, or, with `claim` a move, at its former one.
    fn live_object(&mut self, object: &'a DesiredObject, row: &'a DigestRow, claim: Option<ActionKind>) {
        if !row.managed && !self.options.adopt {
            let message = format!("{} is on the target and was made by hand", row.address);
            let found = content::problem(object, Code::Unmanaged, message);
            self.problems.push(found.help("take it over with --adopt, or give the manifest another name"));
            return;
        }
        let claim = claim.or((!row.managed).then_some(ActionKind::Adopt));
        let secrets = self.secret_states(object, row);
        let record = self.live.records.get(&row.address);
        let comparison = Comparison {
            object,
            row,
            record,
            sources: &self.desired.sources,
            now: self.options.now,
            secrets: &secrets,
            replace_asked: self.options.replace.contains(&object.address),
        };
        let content = content::decide(&comparison, &mut self.problems);
        self.unknown(object, &secrets, Some(row.generation));
        match (claim, content) {
            (None, Content::Alike) => {
                self.unchanged += 1;
                if row.last_applied_digest != Some(object.digest) && row.digest == object.digest {
                    self.refresh.push((row.address.clone(), row.generation));
                }
            }
            (claim, content) => self.claim_and_change(object, row, record, claim, content),
        }
    }

    fn claim_and_change(
        &mut self,
        object: &'a DesiredObject,
        row: &DigestRow,
        record: Option<&ObjectRecord>,
        claim: Option<ActionKind>,
        content: Content,
    ) {
        let needed = match content {
            Content::Alike => None,
            Content::Differs(needed) => Some(needed),
        };
        if needed.is_some() {
            self.check_time(object);
        }
        let sends = needed.as_ref().and_then(|_| self.sends(object, record));
        let mut changed = false;
        if let Some(claim) = claim {
            let reason = match claim {
                ActionKind::Move => Reason::RenamedFrom(row.address.clone()),
                _ => Reason::Adopted,
            };
            let mut action = plain_action(object.address.clone(), claim, reason, Vec::new());
            action.expected = Some(row.generation);
            action.from = (claim == ActionKind::Move).then(|| row.address.clone());
            // What can be changed in place goes along with the claim.
            if let Some(Needed { action: ActionKind::Update, changes, keeps, .. }) = &needed {
                action.changes.clone_from(changes);
                action.keeps.clone_from(keeps);
                action.sends.clone_from(&sends);
                changed = true;
            }
            self.actions.push(action);
        }
        if let Some(needed) = needed.filter(|_| !changed) {
            if needed.action == ActionKind::Replace && needed.archives {
                self.warnings.push(format!(
                    "{} is replaced: outside callers of the old id {} keep the old text",
                    object.address, row.id
                ));
            }
            let mut action = content_action(object.address.clone(), needed);
            action.expected = claim.is_none().then_some(row.generation);
            action.sends = sends;
            self.actions.push(action);
        }
    }

    fn restore(&mut self, object: &'a DesiredObject, record: &'a ObjectRecord) {
        let row = DigestRow {
            address: record.address.clone(),
            id: record.id,
            generation: record.generation,
            digest: record.digest,
            last_applied_digest: None,
            managed: true,
            used: record.used,
            archived: true,
            published: None,
            halted: None,
            secrets: Vec::new(),
        };
        let secrets: Vec<_> = object.secrets.iter().map(|secret| (secret.path.clone(), SecretState::Changed)).collect();
        let comparison = Comparison {
            object,
            row: &row,
            record: Some(record),
            sources: &self.desired.sources,
            now: self.options.now,
            secrets: &secrets,
            replace_asked: false,
        };
        let content = content::decide(&comparison, &mut self.problems);
        let mut action = plain_action(object.address.clone(), ActionKind::Restore, Reason::CameBack, Vec::new());
        action.expected = Some(record.generation);
        if let Content::Differs(needed) = content {
            if needed.action == ActionKind::Update {
                action.changes = needed.changes;
                self.actions.push(action);
            } else {
                self.actions.push(action);
                self.actions.push(content_action(object.address.clone(), needed));
            }
        } else {
            self.actions.push(action);
        }
    }

    fn secret_states(&self, object: &DesiredObject, row: &DigestRow) -> Vec<(Path, SecretState)> {
        object
            .secrets
            .iter()
            .map(|secret| {
                let path = secret.path.to_string();
                let held = row.secrets.iter().any(|slot| slot.path == path);
                let answer = self.live.secrets.get(&(row.address.clone(), path));
                let state = match (held, answer) {
                    (false, _) | (true, Some(SecretAnswer::Different)) => SecretState::Changed,
                    (true, Some(SecretAnswer::Same)) => SecretState::Unchanged,
                    (true, Some(SecretAnswer::Unknown) | None) => SecretState::Unknown,
                };
                (secret.path.clone(), state)
            })
            .collect()
    }

    fn unknown(
        &mut self,
        object: &DesiredObject,
        secrets: &[(Path, SecretState)],
        expected: Option<crate::base::ident::Generation>,
    ) {
        for (path, _) in secrets.iter().filter(|(_, state)| *state == SecretState::Unknown) {
            self.unknown_secrets.push(UnknownSecret { address: object.address.clone(), path: path.clone(), expected });
        }
    }

    fn sends(&self, object: &DesiredObject, record: Option<&ObjectRecord>) -> Option<String> {
        let before: Option<Spec> = record.and_then(|record| record.address.kind.read_spec(&record.spec).ok());
        let before = before.as_ref().zip(record).map(|(spec, record)| Before { spec, server_set: &record.server_set });
        object.spec.reach(before, self.options.now).map(|reach| reach.recipients)
    }

    /// What refers to a replaced object is written again, so that it points to the new one.
    fn re_point(&mut self) {
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
            let Some(row) = self.live.rows.get(&object.address) else { continue };
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
            path: path.clone(),
            before: old,
            after: Some(Shown::KnownAfterApply),
            kind: ChangeKind::Change,
            overwrites: None,
            is_text: false,
            order_only: false,
            forces_replacement: false,
            origin: changes::origin(object, path, &self.desired.sources),
        }
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
            names.chain(self.moved_from.iter().cloned()).collect()
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
            if removes {
                self.actions.push(orphans::removal(row, self.live, self.options.destroy));
            } else if whole {
                self.orphans.push(row.address.clone());
            }
        }
    }

    /// With a selection, an action must not need a write outside it.
    fn check_selection(&mut self) {
        if self.options.selection.is_everything() && self.desired.is_whole() {
            return;
        }
        let written: BTreeSet<&Address> = self.actions.iter().map(|action| &action.address).collect();
        let selected: BTreeSet<&Address> = self.selected().into_iter().map(|object| &object.address).collect();
        let mut missing: BTreeMap<Address, (Address, Option<Span>)> = BTreeMap::new();
        for action in &self.actions {
            if !selected.contains(&action.address) && !self.options.destroy {
                missing.insert(action.address.clone(), (needing(action), None));
            }
            let Some(object) = self.desired.get(&action.address) else { continue };
            if matches!(action.action, ActionKind::Delete | ActionKind::Archive) {
                continue;
            }
            for link in &object.links {
                let there = self.live.rows.contains_key(&link.to) || written.contains(&link.to);
                let is_event = crate::kinds::catalogue::EVENTS.contains_key(link.to.name.as_str());
                if !there && !is_event {
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
            let desired = self.desired.get(address).map(|object| &object.metadata);
            let was = live.records.get(address).map(|record| &record.metadata);
            desired.is_some_and(crate::kinds::Metadata::is_protected)
                || was.is_some_and(crate::kinds::Metadata::is_protected)
        };
        let refusals = limits::refusals(&self.actions, managed, &protected, self.options);
        let drift = self.drift();
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
            warnings: self.warnings,
            diagnostics: Vec::new(),
            refusals,
        })
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

fn plain_action(address: Address, action: ActionKind, reason: Reason, changes: Vec<Change>) -> Action {
    Action {
        address,
        action,
        reason,
        changes,
        expected: None,
        from: None,
        version: None,
        archives: false,
        sends: None,
        keeps: Vec::new(),
    }
}

fn content_action(address: Address, needed: Needed) -> Action {
    let Needed { action, reason, changes, version, archives, keeps } = needed;
    Action { version, archives, keeps, ..plain_action(address, action, reason, changes) }
}
