//! Plans for tests: one with every action, arbitrary ones, and hostile ones. Here is what they are made of.

mod arbitrary;
mod every_action;
mod hostile;

use std::sync::Arc;

use serde_json::Value;

use super::plan_value::{Action, Change, Origin, Plan, Summary};
use super::reason::Reason;
use super::review::Review;
use super::shown::{SecretState, Shown};
use crate::base::digest::Digest;
use crate::base::ident::{Generation, Revision};
use crate::base::source::Location;
use crate::kinds::Address;
use crate::object::action::ActionKind;

pub(crate) use arbitrary::any_plan;
pub(crate) use every_action::every_action;
pub(crate) use hostile::{NEEDLE, every_action_with, hostile_plan};

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// A plan without anything in it.
pub(crate) fn empty() -> Plan {
    Plan {
        plan_id: "0192d3f0-0000-7000-8000-000000000001".parse().unwrap(),
        trueup_version: "0.1.0".into(),
        created_at: "2026-11-22T08:30:00Z".parse().unwrap(),
        project: "acme-adoption".parse().unwrap(),
        target: "production".parse().unwrap(),
        desired: Digest::of_bytes(b"desired"),
        revision: Revision(41),
        complete: true,
        selection: None,
        actions: Vec::new(),
        drift: Vec::new(),
        orphans: Vec::new(),
        unknown_secrets: Vec::new(),
        refresh: Vec::new(),
        suspensions: Vec::new(),
        suspended: Vec::new(),
        warnings: Vec::new(),
        diagnostics: Vec::new(),
        refusals: Vec::new(),
        summary: Summary::default(),
        review: Review::default(),
    }
}

/// Sets the summary as the planner does.
pub(crate) fn counted(mut plan: Plan, unchanged: usize) -> Plan {
    plan.summary = Summary::count(plan.actions.iter().map(|action| &action.action), unchanged);
    plan
}

pub(crate) fn action(kind: ActionKind, at: &str, reason: Reason, changes: Vec<Change>) -> Action {
    Action {
        address: address(at),
        action: kind,
        reason,
        changes,
        expected: (kind != ActionKind::Create).then_some(Generation(7)),
        from: None,
        version: None,
        archives: false,
        sends: None,
        keeps: Vec::new(),
    }
}

pub(crate) fn shown(value: &Value) -> Shown {
    Shown::new(None, value, SecretState::Unchanged)
}

pub(crate) fn change(path: &str, before: Option<Shown>, after: Option<Shown>) -> Change {
    Change::new(path.parse().unwrap(), before, after)
}

pub(crate) fn origin(file: &str, line: u32, column: u32, note: Option<&str>) -> Origin {
    let location = Location { file: Arc::from(file), line, column, end_line: line, end_column: column + 1 };
    Origin { location, note: note.map(str::to_owned), blame: None }
}
