//! What is known of one project: what its ticks have told, and what follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::error_text::chain;
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::suspension::Suspension;
use crate::reconcile::fight;
use crate::reconcile::outcome::{Drifted, Findings, Outcome, Tick};

/// A commit and when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// As its committer says, where the source knows it.
    pub at: Option<Timestamp>,
}

/// What is known of one project.
#[derive(Clone, Debug)]
pub struct ProjectStanding {
    /// The way to it in the source.
    pub path: String,
    /// Its name, once it could be loaded.
    pub project: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// Whether it applies just now.
    applying: Arc<AtomicBool>,
    /// The last tick and what came of it.
    pub last: Option<Last>,
    /// When anything had moved last, so that it was looked at.
    pub looked_at: Option<Timestamp>,
    /// When a tick last ended well.
    pub succeeded_at: Option<Timestamp>,
    /// The last failure: when, and what was said.
    pub last_error: Option<(Timestamp, String)>,
    /// The newest commit that was seen.
    pub seen: Option<Commit>,
    /// The newest commit that live state is known to agree with.
    pub applied: Option<Commit>,
    /// The target's revision as far as it was learnt.
    pub revision: Option<u64>,
    /// What came of the last look that learnt what differs.
    pub known: Option<Arc<Outcome>>,
    /// What is suspended on the target.
    pub suspensions: Arc<[Suspension]>,
    /// Objects that are suspended on the target, or that differ and are left alone.
    pub suspended_objects: usize,
    /// Managed objects that are no longer in the manifests and stay.
    pub orphans: Arc<[Address]>,
    /// Actions by kind of object, action, and whether they were done.
    pub actions: BTreeMap<(&'static str, ActionKind, bool), u64>,
    /// Ticks by outcome.
    pub ticks: BTreeMap<&'static str, u64>,
    /// How long ticks took, in seconds.
    pub durations: Histogram,
}

/// The last tick.
#[derive(Clone, Debug)]
pub struct Last {
    /// When it ended.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Arc<Outcome>,
    /// Why it failed or was refused: a sentence each.
    pub reasons: Vec<String>,
    /// Why the source could not be brought up to date.
    pub source_error: Option<String>,
    /// Ticks in a row that failed.
    pub failures: u32,
}

/// Who may write just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// Nobody that is known of.
    Free,
    /// This process.
    Held,
    /// Another, so that the last tick waited.
    Waiting,
}

impl LeaseState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Free, Self::Held, Self::Waiting];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Held => "held",
            Self::Waiting => "waiting",
        }
    }
}

impl ProjectStanding {
    pub(super) fn new(path: String, applying: Arc<AtomicBool>) -> Self {
        Self {
            path,
            project: None,
            target: None,
            applying,
            last: None,
            looked_at: None,
            succeeded_at: None,
            last_error: None,
            seen: None,
            applied: None,
            revision: None,
            known: None,
            suspensions: Arc::new([]),
            suspended_objects: 0,
            orphans: Arc::new([]),
            actions: BTreeMap::new(),
            ticks: BTreeMap::new(),
            durations: durations(),
        }
    }

    /// Forgets what is known of another project or target than this tick's, which is now the one of the path.
    fn follow(&mut self, tick: &Tick) {
        let Some(project) = &tick.project else { return };
        let (project, target) = (Some(project.to_string()), tick.target.as_ref().map(ToString::to_string));
        if self.project.is_some() && (&self.project, &self.target) != (&project, &target) {
            let (path, applying) = (std::mem::take(&mut self.path), Arc::clone(&self.applying));
            // That the service runs, and what the source says, is as it was.
            let (looked_at, seen) = (self.looked_at, self.seen.take());
            *self = Self { looked_at, seen, ..Self::new(path, applying) };
        }
        (self.project, self.target) = (project, target);
    }

    /// Whether anything but a failure ever came of it.
    pub(super) fn was_looked_at(&self) -> bool {
        self.looked_at.is_some()
    }

    pub(super) fn note(&mut self, tick: &Tick, reasons: Vec<String>) {
        let outcome = &tick.outcome;
        self.follow(tick);
        let source_error = tick.source_error.as_ref().map(|error| format!("failed to {}", chain(&**error)));
        if tick.looked && !matches!(**outcome, Outcome::Failed(_) | Outcome::Interrupted) {
            self.looked_at = Some(tick.at);
        }
        let waits = matches!(**outcome, Outcome::Waiting(_) | Outcome::Interrupted);
        if source_error.is_some() || outcome.is_failure() {
            let said = if outcome.is_failure() { error_of(outcome, &reasons) } else { None };
            self.last_error = said.or_else(|| source_error.clone()).map(|text| (tick.at, text));
        } else if !waits {
            self.succeeded_at = Some(tick.at);
        }
        if let Some(id) = &tick.commit {
            let commit = Commit { id: id.clone(), at: tick.committed_at };
            if agrees(outcome) {
                self.applied = Some(commit.clone());
            }
            self.seen = Some(commit);
        }
        if let Some(revision) = tick.revision {
            self.revision = Some(revision.0);
        }
        let learnt = matches!(**outcome, Outcome::InSync) || outcome.findings().is_some();
        if learnt {
            self.known = Some(Arc::clone(outcome));
        }
        self.suspensions = Arc::clone(&tick.suspensions);
        self.suspended_objects = tick.suspended_objects;
        self.orphans = Arc::clone(&tick.orphans);
        self.count(tick);
        self.last =
            Some(Last { at: tick.at, outcome: Arc::clone(outcome), reasons, source_error, failures: tick.failures });
    }

    fn count(&mut self, tick: &Tick) {
        *self.ticks.entry(tick.outcome.as_str()).or_default() += 1;
        self.durations.observe(tick.took.as_secs_f64());
        // A tick that did not look repeats what came of the last look.
        let done = if tick.looked { tick.outcome.written() } else { &[] };
        for (list, is_done) in [(done, true), (&tick.failed[..], false)] {
            for (address, action) in list {
                *self.actions.entry((address.kind.as_str(), *action, is_done)).or_default() += 1;
            }
        }
    }

    /// What the last look that learnt it found.
    #[must_use]
    pub fn findings(&self) -> Option<&Findings> {
        self.known.as_deref().and_then(Outcome::findings)
    }

    /// Objects that differ and were not written, each with what would be done to it where that is known.
    #[must_use]
    pub fn differences(&self) -> BTreeMap<&Address, Option<ActionKind>> {
        let Some((outcome, findings)) = self.known.as_deref().zip(self.findings()) else { return BTreeMap::new() };
        let mut all: BTreeMap<&Address, Option<ActionKind>> =
            findings.left_alone.iter().map(|address| (address, None)).collect();
        if !matches!(outcome, Outcome::Applied { .. }) {
            all.extend(findings.actions.iter().map(|(address, action)| (address, Some(*action))));
        }
        all
    }

    /// What was changed outside the manifests and is not healed.
    #[must_use]
    pub fn drift(&self) -> Vec<&Drifted> {
        self.known.as_deref().into_iter().flat_map(Outcome::unhealed).collect()
    }

    /// Suspensions that stop a fight.
    #[must_use]
    pub fn fights(&self) -> usize {
        self.suspensions.iter().filter(|suspension| fight::is_stopped_by(suspension)).count()
    }

    /// The suspension of the project.
    #[must_use]
    pub fn suspension(&self) -> Option<&Suspension> {
        self.suspensions.iter().find(|suspension| suspension.address.is_none())
    }

    /// Who may write just now.
    #[must_use]
    pub fn lease(&self) -> LeaseState {
        if self.applying.load(Ordering::Relaxed) {
            return LeaseState::Held;
        }
        let waits = self.last.as_ref().is_some_and(|last| matches!(*last.outcome, Outcome::Waiting(_)));
        if waits { LeaseState::Waiting } else { LeaseState::Free }
    }
}

/// From five milliseconds to two minutes.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.005, 2.5, 12))
}

/// Whether live state agrees with the manifests after this, as far as it is not left alone on purpose.
fn agrees(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::InSync | Outcome::Applied { .. } => true,
        Outcome::Differs(findings) | Outcome::Suspended { findings, .. } => findings.actions.is_empty(),
        Outcome::Refused { .. }
        | Outcome::Invalid { .. }
        | Outcome::TestsFailed { .. }
        | Outcome::Waiting(_)
        | Outcome::Interrupted
        | Outcome::Failed(_) => false,
    }
}

/// What is wrong with the manifests, and where.
fn sentence(found: &DiagnosticRecord) -> String {
    match (&found.file, found.line, found.column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: {}", found.message),
        (Some(file), _, _) => format!("{file}: {}", found.message),
        (None, _, _) => found.message.clone(),
    }
}

/// What is wrong, in a sentence or a few.
fn error_of(outcome: &Outcome, reasons: &[String]) -> Option<String> {
    /// So many sentences say enough.
    const SENTENCES: usize = 3;
    let faults = outcome.diagnostics();
    let sentences: Vec<String> =
        if faults.is_empty() { reasons.to_vec() } else { faults.iter().map(sentence).collect() };
    let more = sentences.len().saturating_sub(SENTENCES);
    let mut text = sentences.into_iter().take(SENTENCES).collect::<Vec<_>>().join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    (!text.is_empty()).then_some(text)
}
