//! The status of a commit: whether live state is as it says, in the words of GitHub's API.
//!
//! A commit is given a state when it is another than the last one that it was given.

use serde::{Deserialize, Serialize};

use super::event_v1::cut_to;
use super::notes::{ProjectNotes, StatusNote};
use super::reason;
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::reconcile::outcome::{Findings, Outcome, Tick};
use crate::reconcile::source::SourceError;
use crate::reconcile::wish::Mode;

/// Characters of a description that GitHub takes.
const DESCRIPTION: usize = 140;

/// The state of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommitState {
    /// It is not in place yet.
    Pending,
    /// Live is as it says.
    Success,
    /// It cannot be put in place as it is.
    Failure,
    /// Something else failed, several times in a row.
    Error,
}

impl CommitState {
    /// As GitHub's API has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

/// What a commit is to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStatus {
    /// The commit.
    pub commit: String,
    /// Its state.
    pub state: CommitState,
    /// A sentence, at most 140 characters.
    pub description: String,
}

/// The status that is due after a tick. The notes then know of it; [`super::news::due`] has counted the failures.
pub fn due(notes: &mut ProjectNotes, tick: &Tick, mode: Mode, failing_after: u32) -> Option<CommitStatus> {
    let (commit, state, description) = refused_commit(tick).or_else(|| {
        // Files that differ from their commit are of no commit.
        let commit = tick.commit.clone().filter(|commit| !commit.ends_with('+'))?;
        let known = notes.status.as_ref().is_some_and(|note| note.commit == commit);
        let (state, description) = of_outcome(&tick.outcome, mode, known, notes.failures >= failing_after)?;
        Some((commit, state, description))
    })?;
    let note = StatusNote { commit: commit.clone(), state };
    if notes.status.as_ref() == Some(&note) {
        return None;
    }
    notes.status = Some(note);
    // A line break in the name of a test case would make a second line of it.
    let line: String = description.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some(CommitStatus { commit, state, description: cut_to(&line, DESCRIPTION) })
}

/// A commit that is not taken for what it is: it is the one that people wait for, not the one in use.
fn refused_commit(tick: &Tick) -> Option<(String, CommitState, String)> {
    let error = tick.source_error.as_deref()?;
    let commit = match error {
        SourceError::Rewritten { old: _, new, accept: _ } => new,
        SourceError::Unsigned { commit, said: _ } => commit,
        SourceError::File { .. }
        | SourceError::NoGit(_)
        | SourceError::Git { .. }
        | SourceError::TooSlow { .. }
        | SourceError::Interrupted { .. }
        | SourceError::NoRef(_)
        | SourceError::NoFolder(_)
        | SourceError::NoProject(_)
        | SourceError::Held(_) => return None,
    };
    Some((commit.clone(), CommitState::Failure, reason::of_source(error)))
}

/// `known` says whether the commit has a state already: what may pass by itself takes none away. `failing`, whether it
/// failed so often that people are to know.
fn of_outcome(outcome: &Outcome, mode: Mode, known: bool, failing: bool) -> Option<(CommitState, String)> {
    let reasons = || reason::of(outcome).into_iter().next().unwrap_or_default();
    let passing = |text: String| (!known).then_some((CommitState::Pending, text));
    match outcome {
        Outcome::InSync => Some((CommitState::Success, "in sync".to_owned())),
        Outcome::Differs(findings) if findings.actions.is_empty() => {
            Some((CommitState::Success, format!("in sync{}", left_alone(findings))))
        }
        Outcome::Differs(findings) => {
            let why = match mode {
                Mode::Report => "reconcile only reports",
                Mode::Heal => "left alone",
            };
            Some((CommitState::Pending, format!("{}: {why}", differ(findings))))
        }
        Outcome::Applied { findings, totals } => {
            let done = format!("{} added, {} changed, {} destroyed", totals.add, totals.change, totals.destroy);
            Some((CommitState::Success, format!("applied: {done}{}", left_alone(findings))))
        }
        Outcome::Refused { .. } => Some((CommitState::Failure, format!("refused: {}", reasons()))),
        Outcome::Invalid { diagnostics, .. } => Some((CommitState::Failure, invalid(diagnostics))),
        Outcome::TestsFailed { cases } => {
            let number = cases.len();
            let first = cases.first().map(|case| format!(", the first is {case}")).unwrap_or_default();
            Some((CommitState::Failure, format!("{number} test case{} did not pass{first}", plural(number))))
        }
        Outcome::Suspended { findings, .. } if findings.actions.is_empty() => {
            Some((CommitState::Success, "in sync; the project is suspended".to_owned()))
        }
        Outcome::Suspended { suspension, findings } => {
            let text = format!("{}: suspended by {}", differ(findings), suspension.actor);
            Some((CommitState::Pending, text))
        }
        Outcome::Failed(_) if failing => Some((CommitState::Error, format!("keeps failing: {}", reasons()))),
        Outcome::Failed(_) => passing(format!("tried again: {}", reasons())),
        Outcome::Waiting(_) => passing(format!("waiting: {}", reasons())),
        Outcome::Interrupted => None,
    }
}

fn differ(findings: &Findings) -> String {
    match findings.actions.len() {
        1 => "1 object differs".to_owned(),
        number => format!("{number} objects differ"),
    }
}

fn left_alone(findings: &Findings) -> String {
    match findings.left_alone.len() {
        0 => String::new(),
        number => format!("; {number} object{} left alone", plural(number)),
    }
}

fn invalid(diagnostics: &[DiagnosticRecord]) -> String {
    let number = diagnostics.len();
    let first = diagnostics.first().map(|first| {
        let place = match (&first.file, first.line) {
            (Some(file), Some(line)) => format!(" at {file}:{line}"),
            (Some(file), None) => format!(" in {file}"),
            (None, _) => String::new(),
        };
        format!(", the first is {}{place}", first.code)
    });
    format!("{number} problem{} in the manifests{}", plural(number), first.unwrap_or_default())
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests;
