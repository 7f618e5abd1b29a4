//! How things stand: what ticks have told so far, for whoever asks in between.

mod project;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::reconcile::outcome::Tick;

pub use project::{Commit, Last, LeaseState, ProjectStanding};

/// Beyond the time when a tick should have ended: so long it may take before the loop counts as dead. A git command may
/// take five minutes, and so may a large changeset.
const LONGEST_TICK: Duration = Duration::from_mins(15);
/// And so long before it is not ready, beside two intervals.
const SLACK: Duration = Duration::from_mins(1);

/// What a service is about; it does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// `report` or `heal`.
    pub mode: &'static str,
    /// The folder, or the repository's address without user and password.
    pub source: String,
    /// The whole ref that is followed, in a repository.
    pub reference: Option<String>,
    /// From tick to tick.
    pub interval: Duration,
    /// When it started.
    pub started_at: Timestamp,
}

/// What is known of a loop and its projects. Shared by the loop, which writes, and those who answer.
#[derive(Debug)]
pub struct Standing {
    about: About,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// When the next tick should be over.
    due: Instant,
    /// Whether the loop has come to its end.
    ended: bool,
    projects: Vec<ProjectStanding>,
}

impl Standing {
    /// Nothing is known yet of the projects: each with its way in the source, and with whether it applies just now.
    #[must_use]
    pub fn new(about: About, projects: Vec<(String, Arc<AtomicBool>)>, now: Instant) -> Self {
        let projects = projects.into_iter().map(|(path, applying)| ProjectStanding::new(path, applying)).collect();
        Self { about, inner: Mutex::new(Inner { due: now, ended: false, projects }) }
    }

    /// What the service is about.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What a panicking writer left is a number or a text, never half of one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a tick. `reasons` are why it failed or was refused, a sentence each.
    pub fn note(&self, tick: &Tick, reasons: Vec<String>) {
        let mut inner = self.inner();
        if let Some(project) = inner.projects.iter_mut().find(|project| project.path == tick.path) {
            project.note(tick, reasons);
        }
    }

    /// Notes that the next tick begins after this time.
    pub fn waits(&self, time: Duration, now: Instant) {
        self.inner().due = now + time;
    }

    /// Notes that the loop has come to its end.
    pub fn end(&self) {
        self.inner().ended = true;
    }

    /// Whether the loop lives.
    #[must_use]
    pub fn lives(&self, now: Instant) -> bool {
        let inner = self.inner();
        !inner.ended && now <= inner.due + LONGEST_TICK
    }

    /// Why it is not ready: a project that could never be looked at, a loop that is late.
    #[must_use]
    pub fn unready(&self, now: Instant) -> Option<String> {
        let inner = self.inner();
        let unknown: Vec<&str> =
            inner.projects.iter().filter(|one| !one.was_looked_at()).map(|one| &*one.path).collect();
        if let Some(first) = unknown.first() {
            let place = if first.is_empty() { "the source".to_owned() } else { format!("{first} in the source") };
            return Some(format!("the project of {place} was not looked at yet"));
        }
        let late = inner.ended || now > inner.due + self.about.interval * 2 + SLACK;
        late.then(|| "the last tick is too long ago".to_owned())
    }

    /// What is known of each project.
    #[must_use]
    pub fn projects(&self) -> Vec<ProjectStanding> {
        self.inner().projects.clone()
    }
}

#[cfg(test)]
mod tests;
