//! One receiver's lane: what is to be sent waits in a bounded queue, is sent one after another, and again until it
//! arrived or its time is over. Whoever puts something in never waits.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::reconcile::backoff;

/// The most that waits for one receiver. A message is some kilobytes, and what is older is told by what is newer.
const WAITING: usize = 256;
/// The wait after a first failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait, unless the receiver asks for more.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// How long it is tried: the night that a receiver is down.
const PATIENCE: Duration = Duration::from_hours(24);
/// How often something is sent to a receiver that says no to it. A mistake of a moment passes; the messages behind must
/// not wait for a receiver that will never take this one.
const REFUSALS: u32 = 5;

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<T> {
    /// By which the receiver knows it again: the same at every try.
    pub id: String,
    /// What it is, for the log.
    pub about: String,
    /// Since when it waits. Not by the time of day, which is set right now and then, on some machines by decades.
    pub since: Instant,
    /// What is sent.
    pub content: T,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It arrived.
    Arrived,
    /// It did not, and may at the next try, which the receiver may want not to be before a time.
    Failed {
        /// Why.
        why: String,
        /// Not before.
        not_before: Option<Timestamp>,
    },
    /// The receiver said no, and may think again.
    Refused {
        /// What it said.
        why: String,
    },
    /// Another try would be of no use.
    Useless {
        /// Why.
        why: String,
    },
}

/// How messages are carried to one receiver: the command line's way, or a test's.
pub trait Carrier<T> {
    /// Tries once.
    fn carry(&self, message: &Message<T>) -> impl Future<Output = Tried>;

    /// The receiver, for the log.
    fn receiver(&self) -> &str;
}

/// Time and chance: as the command line has them and tests give them.
pub trait Surroundings {
    /// Waits.
    fn wait(&self, time: Duration) -> impl Future<Output = ()>;

    /// The time of day, as receivers speak of it.
    fn now(&self) -> Timestamp;

    /// The time that only passes.
    fn instant(&self) -> Instant;

    /// From 0 to 1.
    fn random(&self) -> f64;
}

/// The queue of a lane. Clones are the same queue.
#[derive(Debug)]
pub struct Lane<T> {
    state: Arc<Mutex<State<T>>>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<Message<T>>,
    /// Whether one is on its way.
    under_way: bool,
    closed: bool,
}

impl<T> Clone for Lane<T> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), changed: Arc::clone(&self.changed) }
    }
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        let state = State { waiting: VecDeque::new(), under_way: false, closed: false };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::new(Notify::new()) }
    }
}

impl<T> Lane<T> {
    /// Puts a message in. Of too many that wait the oldest is dropped, which is logged.
    pub fn put(&self, message: Message<T>) {
        let mut state = self.state();
        let dropped = if state.waiting.len() >= WAITING { state.waiting.pop_front() } else { None };
        state.waiting.push_back(message);
        drop(state);
        if let Some(Message { id, about, .. }) = dropped {
            tracing::warn!(id, about, waiting = WAITING, "too much waits to be told: the oldest was dropped");
        }
        self.changed.notify_one();
    }

    /// Lets the work end once nothing waits.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_one();
    }

    /// How many messages have not arrived, the one on its way included.
    #[must_use]
    pub fn left(&self) -> usize {
        let state = self.state();
        state.waiting.len() + usize::from(state.under_way)
    }

    /// Sends what is put in, until it is closed and nothing waits.
    pub async fn work(&self, carrier: &impl Carrier<T>, surroundings: &impl Surroundings) {
        while let Some(message) = self.next().await {
            deliver(&message, carrier, surroundings).await;
            self.state().under_way = false;
        }
    }

    async fn next(&self) -> Option<Message<T>> {
        loop {
            {
                let mut state = self.state();
                if let Some(message) = state.waiting.pop_front() {
                    state.under_way = true;
                    return Some(message);
                }
                if state.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries until it arrived or there is no use in it.
async fn deliver<T>(message: &Message<T>, carrier: &impl Carrier<T>, surroundings: &impl Surroundings) {
    let Message { id, about, since, content: _ } = message;
    let receiver = carrier.receiver();
    let mut tries = 0_u32;
    loop {
        let tried = carrier.carry(message).await;
        tries += 1;
        let (why, not_before) = match tried {
            Tried::Arrived => {
                tracing::debug!(receiver, id, about, tries, "told");
                return;
            }
            Tried::Useless { why } => {
                tracing::error!(receiver, id, about, %why, "could not be told, and is not tried again");
                return;
            }
            Tried::Refused { why } if tries >= REFUSALS => {
                tracing::error!(receiver, id, about, %why, tries, "could not be told, and is not tried again");
                return;
            }
            Tried::Refused { why } => (why, None),
            Tried::Failed { why, not_before } => (why, not_before),
        };
        let wished = not_before.and_then(|time| Duration::try_from(time.duration_since(surroundings.now())).ok());
        let wait = wait(tries, surroundings.random()).max(wished.unwrap_or_default());
        let waited = surroundings.instant().saturating_duration_since(*since);
        if waited.saturating_add(wait) > PATIENCE {
            tracing::error!(receiver, id, about, %why, tries, "could not be told within a day, and is dropped");
            return;
        }
        if tries == 1 {
            tracing::warn!(receiver, id, about, %why, "could not be told yet: tried again");
        }
        surroundings.wait(wait).await;
    }
}

/// The wait after so many tries; half of it is left to chance.
fn wait(tries: u32, random: f64) -> Duration {
    backoff::grown(FIRST_WAIT, LONGEST_WAIT, tries, random)
}

#[cfg(test)]
mod tests;
