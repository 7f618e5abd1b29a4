//! `GET /status`: how things stand, as JSON.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::standing::{About, Commit, Last, ProjectStanding, Standing};
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::schema::published;
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::suspension::Suspension;
use crate::object::wire_v1::schema::TimeForm;
use crate::reconcile::outcome::Findings;

/// Entries of a list that are told; how many there are stands beside it.
pub const LISTED: usize = 1_000;

/// How a reconcile that runs as a service stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StatusV1 {
    /// `1.0`. Fields may be added; none is taken away or changes its meaning under the same first number.
    pub format_version: String,
    /// The version of the program.
    pub version: String,
    /// `report` or `heal`.
    pub mode: String,
    /// The folder, or the repository's address without user and password.
    pub source: String,
    /// The whole ref that is followed, in a repository.
    pub reference: Option<String>,
    /// Seconds from tick to tick.
    pub interval_seconds: f64,
    /// When it started.
    #[schemars(with = "TimeForm")]
    pub started_at: Timestamp,
    /// Each project.
    pub projects: Vec<ProjectStatusV1>,
}

/// How one project on its target stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ProjectStatusV1 {
    /// The project's folder in the repository; empty for the source itself.
    pub path: String,
    /// The project, once it could be loaded.
    pub project: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// The outcome of the last tick, as a tick's own document says it.
    pub outcome: Option<String>,
    /// Why the last tick failed or was refused, or who holds the lease: a sentence each.
    pub reasons: Vec<String>,
    /// What was wrong with the manifests at the last tick.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// Why the source could not be brought up to date at the last tick.
    pub source_error: Option<String>,
    /// When the last tick ended.
    #[schemars(with = "Option<TimeForm>")]
    pub ticked_at: Option<Timestamp>,
    /// When anything had moved last, so that it was looked at, and something came of it.
    #[schemars(with = "Option<TimeForm>")]
    pub looked_at: Option<Timestamp>,
    /// When a tick last ended well.
    #[schemars(with = "Option<TimeForm>")]
    pub succeeded_at: Option<Timestamp>,
    /// Ticks in a row that failed.
    pub failures: u32,
    /// The last failure, whether it is over or not.
    pub last_error: Option<LastErrorV1>,
    /// The newest commit that was seen.
    pub commit_seen: Option<CommitV1>,
    /// The newest commit that live state is known to agree with.
    pub commit_applied: Option<CommitV1>,
    /// The target's revision.
    pub revision: Option<u64>,
    /// How many objects differ and were not written, as of the last look that learnt it; `null` before the first.
    pub differences_total: Option<usize>,
    /// The first thousand of them.
    pub differences: Vec<DifferenceV1>,
    /// How many objects were changed outside the manifests and are not healed; `null` before the first look.
    pub drift_total: Option<usize>,
    /// The first thousand of them.
    pub drift: Vec<DriftV1>,
    /// Managed objects that are no longer in the manifests and stay: the first thousand.
    pub orphans: Vec<String>,
    /// Objects that differ and are left alone: the first thousand.
    pub left_alone: Vec<String>,
    /// Objects that are left alone because of a fight.
    pub fights: usize,
    /// What is suspended on the target, the project itself first: the first thousand.
    pub suspensions: Vec<Suspension>,
    /// `free`, `held` (this process applies just now) or `waiting` (for another).
    pub lease: String,
}

/// A commit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct CommitV1 {
    /// Its id; with a `+` where the folder holds what is not committed.
    pub id: String,
    /// When it was made, where the source knows it.
    #[schemars(with = "Option<TimeForm>")]
    pub at: Option<Timestamp>,
}

/// A failure.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct LastErrorV1 {
    /// When it was.
    #[schemars(with = "TimeForm")]
    pub at: Timestamp,
    /// What was said.
    pub message: String,
}

/// An object that differs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DifferenceV1 {
    /// `Kind/name`.
    pub address: String,
    /// What would be done to it; absent where it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionKind>,
}

/// A drifted object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DriftV1 {
    /// `Kind/name`.
    pub address: String,
    /// The changed fields.
    pub fields: Vec<String>,
    /// Who changed it last, where the audit may be read.
    pub by: Option<String>,
    /// When.
    #[schemars(with = "Option<TimeForm>")]
    pub at: Option<Timestamp>,
}

/// The JSON Schema of the document.
#[must_use]
pub fn status_schema() -> Value {
    let schema = schemars::schema_for!(StatusV1).to_value();
    published(schema, "reconcile-status.schema.json", "trueup reconcile status")
}

impl StatusV1 {
    /// The document of a standing.
    #[must_use]
    pub fn new(standing: &Standing) -> Self {
        let About { mode, source, reference, interval, started_at } = standing.about();
        Self {
            format_version: "1.0".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: (*mode).to_owned(),
            source: source.clone(),
            reference: reference.clone(),
            interval_seconds: interval.as_secs_f64(),
            started_at: *started_at,
            projects: standing.projects().iter().map(ProjectStatusV1::new).collect(),
        }
    }
}

impl ProjectStatusV1 {
    fn new(project: &ProjectStanding) -> Self {
        let nothing = Findings::default();
        let Findings { left_alone, .. } = project.findings().unwrap_or(&nothing);
        let (differences, drift) = (project.differences(), project.drift());
        let known = project.known.is_some();
        let last = project.last.as_ref();
        let diagnostics = last.map(|last| last.outcome.diagnostics()).unwrap_or_default();
        Self {
            path: project.path.clone(),
            project: project.project.clone(),
            target: project.target.clone(),
            outcome: last.map(|last| last.outcome.as_str().to_owned()),
            reasons: last.map(|last| last.reasons.iter().take(LISTED).cloned().collect()).unwrap_or_default(),
            diagnostics: diagnostics.iter().take(LISTED).cloned().collect(),
            source_error: last.and_then(|Last { source_error, .. }| source_error.clone()),
            ticked_at: last.map(|last| last.at),
            looked_at: project.looked_at,
            succeeded_at: project.succeeded_at,
            failures: last.map_or(0, |last| last.failures),
            last_error: project.last_error.clone().map(|(at, message)| LastErrorV1 { at, message }),
            commit_seen: project.seen.as_ref().map(CommitV1::new),
            commit_applied: project.applied.as_ref().map(CommitV1::new),
            revision: project.revision,
            differences_total: known.then_some(differences.len()),
            differences: differences
                .into_iter()
                .take(LISTED)
                .map(|(address, action)| DifferenceV1 { address: address.to_string(), action })
                .collect(),
            drift_total: known.then_some(drift.len()),
            drift: drift
                .into_iter()
                .take(LISTED)
                .map(|drifted| DriftV1 {
                    address: drifted.address.to_string(),
                    fields: drifted.fields.clone(),
                    by: drifted.by.as_ref().map(|(actor, _)| actor.clone()),
                    at: drifted.by.as_ref().map(|(_, at)| *at),
                })
                .collect(),
            orphans: names(&project.orphans),
            left_alone: names(left_alone),
            fights: project.fights(),
            suspensions: project.suspensions.iter().take(LISTED).cloned().collect(),
            lease: project.lease().as_str().to_owned(),
        }
    }
}

impl CommitV1 {
    fn new(commit: &Commit) -> Self {
        Self { id: commit.id.clone(), at: commit.at }
    }
}

fn names(addresses: &[Address]) -> Vec<String> {
    addresses.iter().take(LISTED).map(ToString::to_string).collect()
}
