//! Managed objects that are no longer in the manifests.

use std::collections::BTreeSet;

use super::plan_value::{Action, Change};
use super::reason::Reason;
use super::shown::{SecretState, Shown};
use crate::base::path::Path;
use crate::kinds::{Address, LifeCycle};
use crate::live::Live;
use crate::object::action::ActionKind;
use crate::object::record::DigestRow;

/// The orphans: managed, in use, and neither wanted nor moved from.
pub(super) fn orphans<'l>(live: &'l Live, kept: &BTreeSet<Address>) -> Vec<&'l DigestRow> {
    live.rows.values().filter(|row| row.managed && !kept.contains(&row.address)).collect()
}

/// The action that removes an object: a delete, or an archive where the life cycle keeps it.
pub(super) fn removal(row: &DigestRow, live: &Live, destroy: bool) -> Action {
    let archives = match row.address.kind.life_cycle() {
        LifeCycle::Mutable => false,
        LifeCycle::FrozenOnceUsed => row.used,
        LifeCycle::VersionsGrow => true,
    };
    let before = live.records.get(&row.address).map(|record| {
        Shown::new(row.address.kind.field_tree().below_key("spec"), &record.spec, SecretState::Unchanged)
    });
    Action {
        address: row.address.clone(),
        action: if archives { ActionKind::Archive } else { ActionKind::Delete },
        reason: if destroy { Reason::Destroyed } else { Reason::Orphan { used: row.used } },
        changes: vec![Change::new(Path::keys("spec"), before, None)],
        expected: Some(row.generation),
        from: None,
        version: None,
        archives,
        sends: None,
        keeps: Vec::new(),
    }
}
