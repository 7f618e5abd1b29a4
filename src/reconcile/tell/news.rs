//! What is new in a tick: from the sequence of ticks of a project to the events that are due.
//!
//! Each is due once: drift when something drifted that was not told yet, a refusal when its reasons are others, a failure
//! after so many ticks in a row, and its end once. What a tick does not know (because it failed, or waited) it does not
//! change: drift that was told stays told while the target cannot be asked.

use std::collections::{BTreeMap, BTreeSet};

use super::notes::ProjectNotes;
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::digest::Digest;
use crate::reconcile::fight::Fight;
use crate::reconcile::outcome::{Drifted, Outcome, Tick};
use crate::reconcile::source::SourceError;

/// Something that people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody suspended the project.
    Suspended,
    /// It is suspended no longer.
    Resumed,
    /// Objects were changed outside the manifests, and were not put right.
    DriftFound,
    /// Drift comes back after every correction: healing of these objects was stopped.
    FightFound(Vec<Fight>),
    /// Drifted objects were put right.
    DriftHealed,
    /// Differences were written.
    Applied,
    /// A limit, a policy, a failing test or a fault of the manifests: nothing is written until a person looks.
    Refused,
    /// So many ticks in a row failed.
    Failing(u32),
    /// What was told as failing or refused is over.
    Recovered(Vec<Trouble>),
}

/// What a project recovers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// [`News::Failing`].
    Failing,
    /// [`News::Refused`].
    Refused,
}

impl News {
    /// The last part of the event's type.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::DriftFound => "drift-found",
            Self::FightFound(_) => "fight-found",
            Self::DriftHealed => "drift-healed",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Failing(_) => "failing",
            Self::Recovered(_) => "recovered",
        }
    }
}

impl Trouble {
    /// As the news that told it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Refused => "refused",
        }
    }
}

/// What is due after a tick, in the order in which it is told. The notes then know of it.
pub fn due(notes: &mut ProjectNotes, tick: &Tick, failing_after: u32) -> Vec<News> {
    remember_names(notes, tick);
    let mut news = Vec::new();
    suspension(notes, &tick.outcome, &mut news);
    // A tick that did not look repeats the outcome of the last look, of which everything was told.
    if tick.looked {
        found(notes, tick, &mut news);
    }
    trouble(notes, tick, failing_after, &mut news);
    news
}

fn remember_names(notes: &mut ProjectNotes, tick: &Tick) {
    if let (Some(project), Some(target)) = (&tick.project, &tick.target) {
        let (project, target) = (project.to_string(), target.to_string());
        if notes.project.as_ref().is_some_and(|known| *known != project)
            || notes.target.as_ref().is_some_and(|known| *known != target)
        {
            // Another project: nothing was told of it.
            *notes = ProjectNotes::default();
        }
        (notes.project, notes.target) = (Some(project), Some(target));
    }
}

fn suspension(notes: &mut ProjectNotes, outcome: &Outcome, news: &mut Vec<News>) {
    match outcome {
        Outcome::Suspended { suspension, .. } => {
            let until = suspension.until.map(|until| until.to_string()).unwrap_or_default();
            let since = suspension.since.to_string();
            let key = digest([since.as_str(), &until, &suspension.actor, &suspension.reason]);
            if notes.suspension.replace(key) != Some(key) {
                news.push(News::Suspended);
            }
        }
        Outcome::InSync | Outcome::Differs(_) | Outcome::Applied { .. } | Outcome::Refused { .. } => {
            if notes.suspension.take().is_some() {
                news.push(News::Resumed);
            }
        }
        Outcome::Invalid { .. }
        | Outcome::TestsFailed { .. }
        | Outcome::Waiting(_)
        | Outcome::Interrupted
        | Outcome::Failed(_) => {}
    }
}

/// What a look found and did.
fn found(notes: &mut ProjectNotes, tick: &Tick, news: &mut Vec<News>) {
    let outcome = &*tick.outcome;
    let learnt = matches!(outcome, Outcome::InSync) || outcome.findings().is_some();
    if learnt {
        let drift: BTreeSet<Digest> = outcome.unhealed().map(drift_key).collect();
        if !drift.is_subset(&notes.drift) {
            news.push(News::DriftFound);
        }
        notes.drift = drift;
    }
    fights(notes, tick, learnt, news);
    if let Outcome::Applied { .. } = outcome
        && (tick.revision.is_none() || tick.revision != notes.applied)
    {
        notes.applied = tick.revision;
        if outcome.healed().next().is_some() {
            news.push(News::DriftHealed);
        }
        news.push(News::Applied);
    }
}

/// Fights that were found now, and those that the target has stopped: healing stops before the rest is written, and what
/// comes of that (a lease that another holds, a target that fails) must not keep the fight from being told.
fn fights(notes: &mut ProjectNotes, tick: &Tick, learnt: bool, news: &mut Vec<News>) {
    let found = tick.outcome.findings().into_iter().flat_map(|findings| findings.fights.iter().cloned());
    let stopped = tick.suspensions.iter().filter_map(Fight::stopped_by);
    let standing: BTreeMap<String, Fight> =
        stopped.chain(found).map(|fight| (fight.address.to_string(), fight)).collect();
    if learnt {
        notes.fights.retain(|address, _| standing.contains_key(address));
    }
    let mut new = Vec::new();
    for (address, fight) in standing {
        let key = digest([address.as_str(), &fight.reason()]);
        if notes.fights.insert(address, key) != Some(key) {
            new.push(fight);
        }
    }
    if !new.is_empty() {
        news.push(News::FightFound(new));
    }
}

/// What a tick says of failures.
enum Health {
    /// It failed.
    Failed,
    /// Source and target are as they should be, and the plan could be gone on with or was refused.
    Well,
    /// The manifests alone settled it: whether the target is there again is not known, but the row of failures ended.
    Unasked,
    /// It says nothing.
    Unknown,
}

fn health(tick: &Tick) -> Health {
    match tick.source_error.as_deref() {
        Some(SourceError::Interrupted { .. }) => return Health::Unknown,
        Some(_) => return Health::Failed,
        None => {}
    }
    match *tick.outcome {
        Outcome::Failed(_) => Health::Failed,
        Outcome::InSync
        | Outcome::Differs(_)
        | Outcome::Applied { .. }
        | Outcome::Refused { .. }
        | Outcome::Suspended { .. } => Health::Well,
        Outcome::Invalid { .. } | Outcome::TestsFailed { .. } => Health::Unasked,
        Outcome::Waiting(_) | Outcome::Interrupted => Health::Unknown,
    }
}

fn trouble(notes: &mut ProjectNotes, tick: &Tick, failing_after: u32, news: &mut Vec<News>) {
    let mut over = Vec::new();
    match health(tick) {
        Health::Failed => notes.failures = notes.failures.saturating_add(1),
        Health::Unasked => notes.failures = 0,
        Health::Well => {
            notes.failures = 0;
            if std::mem::take(&mut notes.failing) {
                over.push(Trouble::Failing);
            }
        }
        Health::Unknown => {}
    }
    match refusal_key(&tick.outcome) {
        Refusal::Of(key) => {
            if notes.refused.replace(key) != Some(key) {
                news.push(News::Refused);
            }
        }
        Refusal::None => over.extend(notes.refused.take().map(|_| Trouble::Refused)),
        Refusal::Unknown => {}
    }
    if notes.failures >= failing_after && !notes.failing {
        notes.failing = true;
        news.push(News::Failing(notes.failures));
    }
    if !over.is_empty() {
        news.push(News::Recovered(over));
    }
}

/// Whether a tick was refused.
enum Refusal {
    /// For these reasons.
    Of(Digest),
    /// It was not.
    None,
    /// It did not come so far; a suspension goes before a refusal.
    Unknown,
}

fn refusal_key(outcome: &Outcome) -> Refusal {
    let texts: Vec<String> = match outcome {
        Outcome::Refused { refusals, .. } => refusals.iter().map(ToString::to_string).collect(),
        Outcome::TestsFailed { cases } => cases.clone(),
        Outcome::Invalid { diagnostics, .. } => diagnostics.iter().flat_map(diagnostic_key).collect(),
        Outcome::InSync | Outcome::Differs(_) | Outcome::Applied { .. } => return Refusal::None,
        Outcome::Suspended { .. } | Outcome::Waiting(_) | Outcome::Interrupted | Outcome::Failed(_) => {
            return Refusal::Unknown;
        }
    };
    Refusal::Of(digest(std::iter::once(outcome.as_str()).chain(texts.iter().map(String::as_str))))
}

/// What makes a problem another one. A line that moved does not.
fn diagnostic_key(record: &DiagnosticRecord) -> [String; 5] {
    let DiagnosticRecord { code, message, file, address, path, .. } = record;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [code.clone(), message.clone(), text(file), text(address), text(path)]
}

fn drift_key(drifted: &Drifted) -> Digest {
    let Drifted { address, fields, by } = drifted;
    let (actor, at) = by.as_ref().map(|(actor, at)| (actor.clone(), at.to_string())).unwrap_or_default();
    let head = [address.to_string(), actor, at];
    digest(head.iter().chain(fields).map(String::as_str))
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> Digest {
    Digest::of_parts(parts.into_iter().map(str::as_bytes))
}

#[cfg(test)]
mod tests;
