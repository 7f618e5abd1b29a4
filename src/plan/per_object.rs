//! What one manifest needs: a create, a claim (move, adopt, restore), a change, or nothing.

use super::build::Builder;
use super::changes;
use super::content::{self, Comparison, Content, Needed};
use super::plan_value::{Action, Change, UnknownSecret};
use super::reason::Reason;
use super::shown::SecretState;
use crate::base::code::Code;
use crate::base::path::Path;
use crate::base::secret::SecretRef;
use crate::desired::DesiredObject;
use crate::kinds::managed::Before;
use crate::kinds::{Address, Spec};
use crate::object::action::ActionKind;
use crate::object::record::{DigestRow, ObjectRecord};
use crate::object::secret_comparison::SecretAnswer;

impl<'a> Builder<'a> {
    pub(super) fn object(&mut self, object: &'a DesiredObject) {
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
        let changes =
            changes::whole(object, &canonical, &|reference| self.state_of_new(reference), &self.desired.sources);
        let states: Vec<(Path, SecretState)> = object
            .secrets
            .iter()
            .map(|secret| (secret.path.clone(), self.state_of_new(Some(&secret.reference))))
            .collect();
        self.unknown(object, &states, None);
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

    /// A secret the target does not hold: it will be written, if its content is there by then.
    fn state_of_new(&self, reference: Option<&SecretRef>) -> SecretState {
        let unavailable = |reference: &SecretRef| self.options.unavailable_secrets.contains(reference);
        if reference.is_some_and(unavailable) { SecretState::Unknown } else { SecretState::Changed }
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
}

/// An action with nothing particular about it.
pub(super) fn plain_action(address: Address, action: ActionKind, reason: Reason, changes: Vec<Change>) -> Action {
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
