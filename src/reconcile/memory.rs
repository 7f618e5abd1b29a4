//! What one tick leaves to the next: the state of source and target that was looked at, and what came of it.

use std::sync::Arc;

use super::outcome::Outcome;
use crate::base::digest::Digest;
use crate::base::ident::Revision;

/// What was looked at and settled; as long as neither moves, looking again would say the same.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The state of the source.
    pub source: Digest,
    /// The revision of the target; `None` when the manifests alone settled it, whatever the target has.
    pub revision: Option<Revision>,
    /// What came of it.
    pub outcome: Arc<Outcome>,
}

/// What a tick asks before it looks.
#[derive(Clone, Debug)]
pub enum Question {
    /// Nothing was settled, or the source moved: look.
    Look,
    /// The manifests alone settled it, and they are as they were: rest.
    Rest(Arc<Outcome>),
    /// Ask the target whether it is still at this revision.
    Ask(Revision, Arc<Outcome>),
}

/// What is remembered of earlier ticks.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    seen: Option<Seen>,
    failures: u32,
    outages: u32,
}

impl Memory {
    /// What is to be asked, the source being in this state.
    #[must_use]
    pub fn question(&self, source: Digest) -> Question {
        match self.seen.as_ref().filter(|seen| seen.source == source) {
            None => Question::Look,
            Some(Seen { revision: None, outcome, .. }) => Question::Rest(Arc::clone(outcome)),
            Some(Seen { revision: Some(revision), outcome, .. }) => Question::Ask(*revision, Arc::clone(outcome)),
        }
    }

    /// Notes what came of a look. What may pass by itself is not settled by it.
    pub fn settle(&mut self, source: Digest, revision: Option<Revision>, outcome: &Arc<Outcome>) {
        self.seen = (!outcome.is_passing()).then(|| Seen { source, revision, outcome: Arc::clone(outcome) });
    }

    /// Counts what came of a tick.
    pub fn count(&mut self, outcome: &Outcome) {
        let next = |count: u32, counts: bool| if counts { count.saturating_add(1) } else { 0 };
        self.failures = next(self.failures, outcome.is_failure());
        self.outages = next(self.outages, outcome.is_failure() && outcome.is_passing());
    }

    /// Ticks in a row that failed.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Ticks in a row that failed because the source, the target or this machine did: what may be well again by itself,
    /// and is not made better by asking often.
    #[must_use]
    pub fn outages(&self) -> u32 {
        self.outages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_moved_is_looked_at_again() {
        let (one, two) = (Digest::of_bytes(b"1"), Digest::of_bytes(b"2"));
        let mut memory = Memory::default();
        assert!(matches!(memory.question(one), Question::Look));
        let in_sync = Arc::new(Outcome::InSync);
        memory.settle(one, Some(Revision(7)), &in_sync);
        assert!(matches!(memory.question(one), Question::Ask(Revision(7), _)));
        assert!(matches!(memory.question(two), Question::Look));
        memory.settle(one, None, &in_sync);
        assert!(matches!(memory.question(one), Question::Rest(_)));
        memory.settle(one, Some(Revision(7)), &Arc::new(Outcome::Interrupted));
        assert!(matches!(memory.question(one), Question::Look), "an interruption settles nothing");
    }
}
