//! `apply -o json`: one JSON document a line: a version, one per action, a summary.

use std::io::{self, BufWriter, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::apply::report::{ActionReport, ActionState, Report};
use crate::base::diagnostic::Diagnostic;
use crate::base::diagnostic_record::{DiagnosticRecord, records};
use crate::base::source::SourceMap;
use crate::object::action::ActionKind;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ApplyLineV1 {
    /// The first.
    Version {
        /// `1.0`.
        format_version: String,
        /// The program.
        trueup_version: String,
    },
    /// An action with its final state.
    Action {
        /// `Kind/name`.
        address: String,
        /// What was to be done.
        action: ActionKind,
        /// `done`, `failed`, `stale`, `not started` or `unknown`.
        state: String,
        /// The object's id afterwards.
        id: Option<String>,
        /// Why it failed.
        error: Option<String>,
    },
    /// A problem that kept anything from being done; then there is no summary.
    Diagnostic(DiagnosticRecord),
    /// The last.
    Summary {
        /// The plan.
        plan_id: String,
        /// Objects added.
        added: usize,
        /// Objects changed.
        changed: usize,
        /// Objects destroyed.
        destroyed: usize,
        /// The project's revision afterwards; `null` when nothing was written.
        revision: Option<u64>,
        /// How many actions ended in each state.
        states: StateCountsV1,
        /// Set when the plan had been applied before, and nothing was written now.
        applied_before: Option<AppliedBeforeV1>,
    },
}

/// How many actions ended in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct StateCountsV1 {
    /// Carried out.
    pub done: usize,
    /// Refused or broken.
    pub failed: usize,
    /// The object had changed since the plan.
    pub stale: usize,
    /// Not begun.
    #[serde(rename = "not started")]
    pub not_started: usize,
    /// It is not known whether it happened.
    pub unknown: usize,
}

/// When and by whom a plan was applied before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct AppliedBeforeV1 {
    /// When.
    pub at: String,
    /// By whom.
    pub by: String,
}

/// Writes the lines of a report.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, report: &Report, trueup_version: &str) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for line in lines(report, trueup_version) {
        serde_json::to_writer(&mut out, &line)?;
        writeln!(out)?;
    }
    out.flush()
}

/// Writes the version and one line per problem: the apply ended before anything was done.
///
/// # Errors
/// When the writer fails.
pub fn write_problems(
    out: &mut dyn Write,
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    trueup_version: &str,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let problems = records(diagnostics, sources).into_iter().map(ApplyLineV1::Diagnostic);
    for line in std::iter::once(version(trueup_version)).chain(problems) {
        serde_json::to_writer(&mut out, &line)?;
        writeln!(out)?;
    }
    out.flush()
}

fn version(trueup_version: &str) -> ApplyLineV1 {
    ApplyLineV1::Version { format_version: "1.0".to_owned(), trueup_version: trueup_version.to_owned() }
}

/// The lines of a report.
#[must_use]
pub fn lines(report: &Report, trueup_version: &str) -> Vec<ApplyLineV1> {
    let Report { plan_id, actions, revision, totals, applied_before } = report;
    let mut lines = vec![version(trueup_version)];
    let mut states = StateCountsV1::default();
    for ActionReport { address, action, state, id } in actions {
        let (count, error) = match state {
            ActionState::Done => (&mut states.done, None),
            ActionState::Failed(why) => (&mut states.failed, Some(why.clone())),
            ActionState::Stale => (&mut states.stale, None),
            ActionState::NotStarted => (&mut states.not_started, None),
            ActionState::Unknown => (&mut states.unknown, None),
        };
        *count += 1;
        lines.push(ApplyLineV1::Action {
            address: address.to_string(),
            action: *action,
            state: state.as_str().to_owned(),
            id: id.as_ref().map(ToString::to_string),
            error,
        });
    }
    // What an earlier apply did is not done again, whatever the report of it says.
    let now = |number: usize| if applied_before.is_some() { 0 } else { number };
    lines.push(ApplyLineV1::Summary {
        plan_id: plan_id.to_string(),
        added: now(totals.add),
        changed: now(totals.change),
        destroyed: now(totals.destroy),
        revision: revision.map(|revision| revision.0),
        states,
        applied_before: applied_before.as_ref().map(|(at, by)| AppliedBeforeV1 { at: at.to_string(), by: by.clone() }),
    });
    lines
}
