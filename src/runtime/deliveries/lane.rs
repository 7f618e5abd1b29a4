//! The lane of one destination: what is ready, what may begin. What comes of an attempt is in [`outcome`].

mod outcome;

use std::collections::{HashSet, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::attempt::{Attempted, attempt};
use super::lanes::{Context, Entrance, Lanes, earlier};
use super::queued::Queued;
use crate::base::ident::{Name, ObjectId};
use crate::kinds::Spec;
use crate::runtime::configuration::Configuration;
use crate::runtime::outgoing::pace::Pace;
use crate::store::{DueLimit, StoreError};
use outcome::Recorded;

/// Deliveries held that are due and not under way.
const READY: usize = 256;
/// When more are read in: before the last is under way, so that nothing stands still meanwhile.
const READY_LOW: usize = 64;
/// Bytes of events that are read in at once, about.
const READ_BYTES: usize = 4 * 1024 * 1024;
/// The same when all lanes together hold too much.
const READY_WHEN_FULL: usize = 8;
const READ_BYTES_WHEN_FULL: usize = 64 * 1024;
/// Attempts under way at once.
const UNDER_WAY: usize = 64;
/// Ends of attempts that wait to be written: more, and it is the disk that is slow.
const RECORDING: usize = 256;
/// After so many failures in a row the destination counts as failing.
const FAILING: u32 = 10;
/// Attempts under way at once to a destination that is failing.
const UNDER_WAY_FAILING: usize = 4;
/// How long after an attempt to a failing destination the next one begins: it costs the others little then, however much
/// is queued. After a thousand failures it is longer.
const REST_FAILING: SignedDuration = SignedDuration::from_millis(10);
const REST_LONG_FAILING: SignedDuration = SignedDuration::from_millis(50);
const LONG_FAILING: u32 = 1_000;
/// How long a lane waits before it asks a store again that did not answer.
const AFTER_STORE_ERROR: SignedDuration = SignedDuration::from_secs(1);
/// How long a lane stays that has nothing to do: what it has learnt about the destination would go with it.
const IDLE: SignedDuration = SignedDuration::from_secs(60);

/// What the destination's present configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    halted: bool,
    per_second: Option<NonZeroU32>,
}

pub(super) struct Lane {
    destination: ObjectId,
    entrance: Arc<Entrance>,
    context: Arc<Context>,
    lanes: Arc<Lanes>,
    /// Known with the first delivery.
    project: Option<Name>,
    ready: VecDeque<Queued>,
    /// All that is ready, under way or being recorded.
    held: HashSet<Uuid>,
    /// Something in the store is due then that is not held.
    due: Option<Timestamp>,
    under_way: JoinSet<(Queued, Result<Attempted, StoreError>)>,
    recording: JoinSet<Recorded>,
    failures: u32,
    /// Nothing begins before.
    rest: Option<Timestamp>,
    pace: Option<(NonZeroU32, Pace)>,
    is_halted: bool,
    /// A 410 is on its way to the store, of so many attempts.
    halting: usize,
}

impl Lane {
    pub(super) fn new(
        destination: ObjectId,
        entrance: Arc<Entrance>,
        context: Arc<Context>,
        lanes: Arc<Lanes>,
    ) -> Self {
        Self {
            destination,
            entrance,
            context,
            lanes,
            project: None,
            ready: VecDeque::new(),
            held: HashSet::new(),
            due: None,
            under_way: JoinSet::new(),
            recording: JoinSet::new(),
            failures: 0,
            rest: None,
            pace: None,
            is_halted: false,
            halting: 0,
        }
    }
}

/// Sees to a destination until nothing is left to do for a while, or all lanes stop.
pub(super) async fn run(mut lane: Lane, mut stopping: watch::Receiver<Option<Duration>>) {
    let mut changes = lane.context.store.changes();
    loop {
        let stop = *stopping.borrow_and_update();
        if let Some(grace) = stop {
            return lane.wind_up(grace).await;
        }
        // Before the configuration is asked: a change after this wakes a halted lane.
        changes.mark_unchanged();
        lane.take_fresh();
        if lane.is_halted {
            lane.heed().await;
        }
        lane.read_in().await;
        lane.heed().await;
        lane.begin();
        lane.let_in();
        let is_idle = lane.held.is_empty() && lane.due.is_none();
        let wake = if is_idle { Some(lane.after(IDLE)) } else { lane.wake_at() };
        let timer = lane.context.timer.clone();
        let entrance = Arc::clone(&lane.entrance);
        tokio::select! {
            () = entrance.called.notified() => {}
            Some(ended) = lane.under_way.join_next() => lane.all_ended(ended),
            Some(recorded) = lane.recording.join_next() => lane.all_recorded(recorded),
            () = sleep_until(&timer, wake) => {
                if is_idle && lane.lanes.leave(lane.destination, &lane.entrance) {
                    return;
                }
            }
            Ok(()) = changes.changed(), if lane.is_halted => {}
            Ok(()) = stopping.changed() => {}
        }
    }
}

async fn sleep_until(timer: &crate::runtime::timer::Timer, at: Option<Timestamp>) {
    match at {
        Some(at) => timer.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Lane {
    fn after(&self, wait: SignedDuration) -> Timestamp {
        self.context.timer.now().checked_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// Takes what the entrance has.
    fn take_fresh(&mut self) {
        let (fresh, due) = {
            let mut waiting = self.entrance.lock();
            (std::mem::take(&mut waiting.fresh), waiting.due.take())
        };
        self.due = earlier(self.due, due);
        for queued in fresh {
            // Counted since it was offered.
            self.lighten(&queued);
            self.hold(queued);
        }
    }

    /// Makes a delivery ready, unless it is held already.
    fn hold(&mut self, queued: Queued) {
        if self.held.insert(queued.id) {
            self.context.figures.held.fetch_add(queued.weight(), Ordering::Relaxed);
            self.project.get_or_insert_with(|| queued.project.clone());
            self.ready.push_back(queued);
        }
    }

    /// Lets go of a delivery's content; its id is held on until its end is recorded.
    fn lighten(&self, queued: &Queued) {
        self.context.figures.held.fetch_sub(queued.weight(), Ordering::Relaxed);
    }

    /// Says whether what is new is taken at the entrance, or waits in the store behind what waits there already.
    fn let_in(&self) {
        let has_backlog = self.due.is_some_and(|due| due <= self.context.timer.now());
        self.entrance.lock().is_closed = self.is_halted || has_backlog || self.ready.len() >= READY;
    }

    /// Reads in what is due in the store, when there is room.
    async fn read_in(&mut self) {
        let now = self.context.timer.now();
        if self.is_halted || self.due.is_none_or(|due| due > now) || self.ready.len() > READY_LOW {
            return;
        }
        let (room, bytes) =
            if self.context.has_room() { (READY, READ_BYTES) } else { (READY_WHEN_FULL, READ_BYTES_WHEN_FULL) };
        let rows = u32::try_from(room.saturating_sub(self.ready.len())).unwrap_or(u32::MAX).max(1);
        // What is held is still pending in the store.
        let held = self.held.iter().copied().collect::<Vec<_>>();
        match self.context.store.reads().due(self.destination, now, held, DueLimit { rows, bytes }).await {
            Ok((due, next)) => {
                self.due = next;
                for delivery in due {
                    self.hold(delivery.into());
                }
            }
            Err(error) => {
                tracing::error!(destination = %self.destination, %error, "what is due cannot be read");
                self.due = Some(self.after(AFTER_STORE_ERROR));
            }
        }
    }

    /// Asks the configuration how the destination is to be treated.
    async fn heed(&mut self) {
        let Some(project) = self.project.clone().filter(|_| self.is_halted || !self.ready.is_empty()) else { return };
        match self.context.configurations.of(&project).await {
            Ok(configuration) => self.apply(self.wanted(&configuration)),
            Err(error) => {
                tracing::error!(%project, %error, "the configuration cannot be read");
                self.rest = self.rest.max(Some(self.after(AFTER_STORE_ERROR)));
            }
        }
    }

    /// Begins as many attempts as may be.
    fn begin(&mut self) {
        while self.may_begin() {
            let Some(queued) = self.ready.pop_front() else { return };
            if self.failures >= FAILING {
                let rest = if self.failures >= LONG_FAILING { REST_LONG_FAILING } else { REST_FAILING };
                self.rest = Some(self.after(rest));
            }
            self.spawn(queued);
        }
    }

    fn spawn(&mut self, queued: Queued) {
        let (context, destination) = (Arc::clone(&self.context), self.destination);
        self.under_way.spawn(async move {
            let permit = Arc::clone(&context.under_way).acquire_owned().await;
            context.figures.under_way.fetch_add(1, Ordering::Relaxed);
            let attempted = attempt(&context, &queued, destination).await;
            context.figures.under_way.fetch_sub(1, Ordering::Relaxed);
            drop(permit);
            (queued, attempted)
        });
    }

    /// What the destination asks for. One that is gone asks for nothing: its deliveries are then given up or moved.
    fn wanted(&self, configuration: &Configuration) -> Wanted {
        let Some(object) = configuration.by_id(self.destination) else { return Wanted::default() };
        let Spec::Destination(spec) = &object.spec else { return Wanted::default() };
        Wanted {
            halted: object.server_set.get("halted").and_then(serde_json::Value::as_bool).unwrap_or(false),
            per_second: spec.rate_limit.and_then(|limit| NonZeroU32::new(limit.per_second)),
        }
    }

    fn apply(&mut self, wanted: Wanted) {
        let Wanted { halted, per_second } = wanted;
        if self.pace.as_ref().map(|(rate, _)| *rate) != per_second {
            let clock = self.context.timer.clock();
            self.pace = per_second.map(|rate| (rate, Pace::new(rate, clock.clone())));
        }
        self.is_halted = halted;
        if halted && !self.ready.is_empty() {
            for queued in std::mem::take(&mut self.ready) {
                self.lighten(&queued);
                self.held.remove(&queued.id);
            }
            self.due = earlier(self.due, Some(self.context.timer.now()));
        }
    }

    /// Whether so many are under way or being recorded that another has to wait for one of them.
    fn is_full(&self) -> bool {
        let most = if self.failures >= FAILING { UNDER_WAY_FAILING } else { UNDER_WAY };
        self.under_way.len() >= most || self.recording.len() >= RECORDING || self.halting > 0
    }

    fn may_begin(&mut self) -> bool {
        if self.is_halted || self.ready.is_empty() || self.is_full() {
            return false;
        }
        let now = self.context.timer.now();
        if self.rest.is_some_and(|rest| rest > now) {
            return false;
        }
        self.rest = None;
        match self.pace.as_ref().map(|(_, pace)| pace.take()) {
            None | Some(Ok(())) => true,
            Some(Err(wait)) => {
                self.rest = Some(self.after(SignedDuration::try_from(wait).unwrap_or(AFTER_STORE_ERROR)));
                false
            }
        }
    }

    /// When there is something to do that nothing else wakes it for.
    fn wake_at(&self) -> Option<Timestamp> {
        if self.is_halted {
            return None;
        }
        let rest = self.rest.filter(|_| !self.ready.is_empty() && !self.is_full());
        let due = self.due.filter(|_| self.ready.len() <= READY_LOW);
        earlier(rest, due)
    }
}
