//! Forgetting what is over and older than it is kept: events with their deliveries, runs, notifications with who has
//! read them. Nothing that is under way is ever forgotten.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::timer::Timer;
use crate::store::{PrunedMarks, Store, StoreError};

/// How long what is over is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Events with their deliveries, from their acceptance, once those are settled.
    pub events: SignedDuration,
    /// Runs with their tasks, logs and e-mails, from their end.
    pub runs: SignedDuration,
    /// Notifications of calls from their end, and who has read a notification, whosever it is.
    pub notifications: SignedDuration,
}

/// Days that events are kept where nothing else is said.
pub const EVENT_DAYS: u32 = 30;
/// Days that runs are kept where nothing else is said: a request is looked up for longer than an event.
pub const RUN_DAYS: u32 = 90;
/// Days that notifications are kept where nothing else is said.
pub const NOTIFICATION_DAYS: u32 = 90;

impl Keep {
    /// Days of each.
    #[must_use]
    pub fn days(events: u32, runs: u32, notifications: u32) -> Self {
        let days = |days| SignedDuration::from_hours(24 * i64::from(days));
        Self { events: days(events), runs: days(runs), notifications: days(notifications) }
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self::days(EVENT_DAYS, RUN_DAYS, NOTIFICATION_DAYS)
    }
}

/// How often it looks.
const EVERY: SignedDuration = SignedDuration::from_mins(10);
/// Rows that go at once: few enough that whoever wants to write meanwhile waits for milliseconds.
const STEP: u32 = 500;
/// Runs and notifications that go at once: with each go up to hundreds of other rows.
const LARGE_STEP: u32 = 50;

/// Forgets what is old for ever.
pub(super) async fn keep(store: Arc<Store>, timer: Timer, keep: Keep) {
    let Keep { events, runs, notifications } = keep;
    loop {
        let now = timer.now();
        let before = |time| now.checked_sub(time).unwrap_or(Timestamp::MIN);
        say("events", prune_events(&store, before(events)).await);
        say("runs", prune_runs(&store, before(runs)).await);
        say("notifications", prune_notifications(&store, before(notifications)).await);
        timer.sleep_until(now.checked_add(EVERY).unwrap_or(now)).await;
    }
}

fn say(what: &str, result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::error!(what, %error, "what is old is not forgotten");
    }
}

// Each goes on until a step finds less than it may take.

async fn prune_events(store: &Store, before: Timestamp) -> Result<(), StoreError> {
    while store.prune_events(before, STEP).await? >= u64::from(STEP) {}
    Ok(())
}

async fn prune_runs(store: &Store, before: Timestamp) -> Result<(), StoreError> {
    while store.prune_runs(before, LARGE_STEP).await? >= u64::from(LARGE_STEP) {}
    Ok(())
}

async fn prune_notifications(store: &Store, before: Timestamp) -> Result<(), StoreError> {
    // Marks first: a notification is kept as long as somebody's mark refers to it.
    let mut after: Option<String> = None;
    loop {
        let PrunedMarks { gone: _, next } = store.prune_read_marks(before, after.as_deref(), STEP).await?;
        if next.is_none() {
            break;
        }
        after = next;
    }
    while store.prune_notifications(before, LARGE_STEP).await? >= u64::from(LARGE_STEP) {}
    Ok(())
}
