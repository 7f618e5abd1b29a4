//! From a plan to its document: every field is named, so that none is forgotten.

use serde_json::Value;

use super::guarded::{self, Side};
use super::{ActionV1, ChangeV1, DriftByV1, DriftV1, OriginV1, RefusalV1, UnknownSecretV1};
use crate::plan::plan_value::{Action, Change, Drift, Origin, Refusal, UnknownSecret};
use crate::plan::reason::Reason;
use crate::plan::shown::Shown;

/// The changes of a list.
pub(super) fn written(list: &[Change], show_personal: bool) -> Vec<ChangeV1> {
    list.iter().map(|change| ChangeV1::new(change, show_personal)).collect()
}

impl ActionV1 {
    pub(super) fn new(action: &Action, show_personal: bool) -> Self {
        let Action { address, action, reason, changes, expected, from, version, archives, sends, keeps } = action;
        Self {
            address: address.clone(),
            action: *action,
            reason: reason.to_string(),
            changes: written(changes, show_personal),
            expected_generation: *expected,
            from: from.clone(),
            version: *version,
            archives: *archives,
            sends: sends.clone(),
            keeps: keeps.iter().map(ToString::to_string).collect(),
        }
    }
}

impl ChangeV1 {
    fn new(change: &Change, show_personal: bool) -> Self {
        let Change { path, before, after, kind, overwrites, is_text, order_only, forces_replacement, origin } = change;
        let mut guarded = Vec::new();
        let mut value = |side, shown: &Option<Shown>| {
            shown.as_ref().map_or(Value::Null, |shown| guarded::write(shown, side, show_personal, &mut guarded))
        };
        Self {
            path: path.to_string(),
            before: value(Side::Before, before),
            after: value(Side::After, after),
            overwrites: value(Side::Overwrites, overwrites),
            kind: *kind,
            forces_replacement: *forces_replacement,
            origin: origin.as_ref().map(OriginV1::new),
            order_only: *order_only,
            is_text: *is_text,
            guarded,
        }
    }
}

impl OriginV1 {
    fn new(origin: &Origin) -> Self {
        let Origin { location, note, blame } = origin;
        let (note, blame) = (note.clone(), blame.clone());
        Self { file: location.file.to_string(), line: location.line, column: location.column, note, blame }
    }
}

impl DriftV1 {
    pub(super) fn new(drift: &Drift, show_personal: bool) -> Self {
        let Drift { address, action, changes, by } = drift;
        Self {
            address: address.clone(),
            action: *action,
            reason: Reason::Drift.to_string(),
            changes: written(changes, show_personal),
            by: by.as_ref().map(|(actor, at)| DriftByV1 { actor: actor.clone(), at: *at }),
        }
    }
}

impl UnknownSecretV1 {
    pub(super) fn new(secret: &UnknownSecret) -> Self {
        let UnknownSecret { address, path, expected } = secret;
        Self { address: address.clone(), path: path.to_string(), expected_generation: *expected }
    }
}

impl RefusalV1 {
    pub(super) fn new(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::TooManyDeletes { planned, allowed } => {
                Self::TooManyDeletes { planned: *planned, allowed: *allowed }
            }
            Refusal::TooMuchChanged { planned, managed, allowed } => {
                Self::TooMuchChanged { planned: *planned, managed: *managed, allowed: *allowed }
            }
            Refusal::Protected(address) => Self::Protected { address: address.clone() },
            Refusal::Sends { addresses } => Self::Sends { addresses: addresses.clone() },
            Refusal::Policy { errors } => Self::Policy { errors: *errors },
            Refusal::FailOn { reason, count } => Self::FailOn { reason: *reason, count: *count },
        }
    }
}
