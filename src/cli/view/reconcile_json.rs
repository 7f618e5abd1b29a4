//! `reconcile -o json`: one JSON document a line for each tick.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::error_text::chain;
use crate::base::schema::published;
use crate::object::action::ActionKind;
use crate::object::suspension::Suspension;
use crate::reconcile::outcome::{Findings, Outcome, Tick};
use crate::reconcile::wish::Mode;

/// One tick of one project.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TickV1 {
    /// `1.0`.
    pub format_version: String,
    /// When it ended.
    pub at: String,
    /// `report` or `heal`.
    pub mode: String,
    /// The project's folder in the repository; empty for the source itself.
    pub path: String,
    /// The project, once it could be loaded.
    pub project: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// The commit that was seen; of a folder only where it was looked at.
    pub commit: Option<String>,
    /// The target's revision.
    pub revision: Option<u64>,
    /// Whether anything had moved, so that it was looked at; otherwise the outcome is that of the last look.
    pub looked: bool,
    /// What came of it.
    #[schemars(extend("enum" = Outcome::NAMES))]
    pub outcome: String,
    /// Ticks in a row that failed, this one included.
    pub failures: u32,
    /// Why it failed or was refused, or who holds the lease: a sentence each.
    pub reasons: Vec<String>,
    /// Why the repository could not be asked; the commit in use was gone on with.
    pub source_error: Option<String>,
    /// What to do about it, where that is known: of a rewritten branch the command that accepts it.
    pub source_help: Option<String>,
    /// What was done (`applied`), or would be.
    pub actions: Vec<TickActionV1>,
    /// Objects that were changed outside the manifests.
    pub drift: Vec<TickDriftV1>,
    /// Managed objects that are no longer in the manifests and stay, as of the last look that learnt it.
    pub orphans: Vec<String>,
    /// Objects that are left alone because they are suspended or fought over.
    pub left_alone: Vec<String>,
    /// Fights that were found now.
    pub fights: Vec<FightV1>,
    /// The suspension of the project.
    pub suspension: Option<Suspension>,
    /// What is wrong with the manifests.
    pub diagnostics: Vec<DiagnosticRecord>,
}

/// An action.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct TickActionV1 {
    /// `Kind/name`.
    pub address: String,
    /// What.
    pub action: ActionKind,
}

/// A drifted object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct TickDriftV1 {
    /// `Kind/name`.
    pub address: String,
    /// The changed fields.
    pub fields: Vec<String>,
    /// Who changed it last, where the audit may be read.
    pub by: Option<String>,
    /// When.
    pub at: Option<String>,
}

/// Drift that comes back after every correction.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct FightV1 {
    /// `Kind/name`.
    pub address: String,
    /// Who changed it last.
    pub by: String,
    /// When.
    pub at: String,
    /// Corrections in a row.
    pub corrections: usize,
}

/// Writes one tick.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, tick: &Tick, mode: Mode) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &TickV1::new(tick, mode))?;
    writeln!(out)
}

/// The JSON Schema of the document.
#[must_use]
pub fn tick_schema() -> Value {
    published(schemars::schema_for!(TickV1).to_value(), "reconcile-tick.schema.json", "trueup reconcile tick")
}

impl TickV1 {
    /// The document of a tick.
    #[must_use]
    pub fn new(tick: &Tick, mode: Mode) -> Self {
        let Tick {
            at,
            path,
            project,
            target,
            commit,
            revision,
            looked,
            outcome,
            source_error,
            failures,
            committed_at: _,
            failed: _,
            suspensions: _,
            suspended_objects: _,
            orphans,
            took: _,
        } = tick;
        let nothing = Findings::default();
        let Findings { actions, drift, orphans: _, left_alone, fights } = outcome.findings().unwrap_or(&nothing);
        let names = |list: &[crate::kinds::Address]| list.iter().map(ToString::to_string).collect();
        let actions =
            actions.iter().map(|(address, action)| TickActionV1 { address: address.to_string(), action: *action });
        let drift = drift.iter().map(|drifted| TickDriftV1 {
            address: drifted.address.to_string(),
            fields: drifted.fields.clone(),
            by: drifted.by.as_ref().map(|(actor, _)| actor.clone()),
            at: drifted.by.as_ref().map(|(_, at)| at.to_string()),
        });
        let fights = fights.iter().map(|fight| FightV1 {
            address: fight.address.to_string(),
            by: fight.actor.clone(),
            at: fight.at.to_string(),
            corrections: fight.corrections,
        });
        Self {
            format_version: "1.0".to_owned(),
            at: at.to_string(),
            mode: mode.as_str().to_owned(),
            path: path.clone(),
            project: project.as_ref().map(ToString::to_string),
            target: target.as_ref().map(ToString::to_string),
            commit: commit.clone(),
            revision: revision.map(|revision| revision.0),
            looked: *looked,
            outcome: outcome.as_str().to_owned(),
            failures: *failures,
            reasons: reasons(outcome),
            source_error: source_error.as_ref().map(|error| format!("failed to {}", chain(&**error))),
            source_help: source_error.as_ref().and_then(|error| error.help()),
            actions: actions.collect(),
            drift: drift.collect(),
            orphans: names(orphans),
            left_alone: names(left_alone),
            fights: fights.collect(),
            suspension: outcome.suspension().cloned(),
            diagnostics: outcome.diagnostics().to_vec(),
        }
    }
}

/// Why it failed or was refused, or who holds the lease: a sentence each.
#[must_use]
pub fn reasons(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Refused { refusals, .. } => refusals.iter().map(ToString::to_string).collect(),
        Outcome::TestsFailed { cases } => cases.iter().map(|case| format!("{case} did not pass")).collect(),
        Outcome::Waiting(holder) => vec![format!("{} holds the lease until {}", holder.actor, holder.expires_at)],
        Outcome::Failed(failure) => vec![format!("failed to {}", chain(failure))],
        Outcome::InSync
        | Outcome::Differs(_)
        | Outcome::Applied { .. }
        | Outcome::Invalid { .. }
        | Outcome::Suspended { .. }
        | Outcome::Interrupted => Vec::new(),
    }
}
