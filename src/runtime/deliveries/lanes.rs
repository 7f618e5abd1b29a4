//! The lanes of all destinations: who gets a delivery that was just stored, and what all of them share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};

use super::figures::DeliveryFigures;
use super::lane::{self, Lane};
use super::queued::{Offer, Queued};
use crate::base::ident::ObjectId;
use crate::runtime::configuration::Configurations;
use crate::runtime::journal::Journal;
use crate::runtime::outgoing::Outgoing;
use crate::runtime::outgoing::oauth2::TokenCache;
use crate::runtime::prepared::Prepared;
use crate::runtime::timer::Timer;
use crate::store::{Store, StoreError};

/// Attempts under way at once, of all lanes together.
const UNDER_WAY: usize = 1_024;
/// Bytes of deliveries that all lanes hold together. Beyond it each holds only a few, and the rest waits in the store.
pub(super) const HELD: usize = 64 * 1024 * 1024;

/// What every lane needs.
pub(in crate::runtime) struct Context {
    pub(super) store: Arc<Store>,
    pub(super) configurations: Arc<Configurations>,
    pub(super) prepared: Arc<Prepared>,
    pub(super) outgoing: Outgoing,
    pub(super) tokens: TokenCache,
    pub(super) timer: Timer,
    pub(super) journal: Journal,
    pub(in crate::runtime) figures: Arc<DeliveryFigures>,
    pub(super) under_way: Arc<Semaphore>,
}

/// All lanes.
pub(in crate::runtime) struct Lanes {
    context: Arc<Context>,
    entrances: Mutex<HashMap<ObjectId, Arc<Entrance>>>,
    /// Tells that no attempts are begun any more, and how long those under way may still take.
    stopping: watch::Sender<Option<Duration>>,
    /// Wakes who waits for the last lane to end.
    ended: Notify,
    is_stopped: AtomicBool,
}

/// Where a lane is given what it has to see to.
#[derive(Default)]
pub(super) struct Entrance {
    waiting: Mutex<Waiting>,
    pub(super) called: Notify,
}

/// What a lane has been given and not yet taken.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) fresh: Vec<Queued>,
    /// Something in the store is due then that the lane does not know of.
    pub(super) due: Option<Timestamp>,
    /// The lane has enough to do: what is new waits in the store.
    pub(super) is_closed: bool,
}

/// Deliveries that may wait at an entrance.
const FRESH: usize = 256;

impl Entrance {
    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(&self, delivery: Queued, at: Timestamp, context: &Context) {
        let mut waiting = self.lock();
        if waiting.is_closed
            || !context.has_room()
            || waiting.fresh.len() >= FRESH
            || waiting.due.is_some_and(|due| due <= at)
        {
            waiting.due = earlier(waiting.due, Some(at));
        } else {
            context.figures.held.fetch_add(delivery.weight(), Ordering::Relaxed);
            waiting.fresh.push(delivery);
        }
        drop(waiting);
        self.called.notify_one();
    }
}

/// The earlier of two times that may not be.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Context {
    pub(in crate::runtime) fn new(
        store: &Arc<Store>,
        configurations: &Arc<Configurations>,
        prepared: &Arc<Prepared>,
        outgoing: &Outgoing,
        timer: &Timer,
        journal: &Journal,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            configurations: Arc::clone(configurations),
            prepared: Arc::clone(prepared),
            outgoing: outgoing.clone(),
            tokens: TokenCache::new(outgoing.clone(), timer.clock().clone()),
            timer: timer.clone(),
            journal: journal.clone(),
            figures: Arc::default(),
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.figures.held.load(Ordering::Relaxed) < HELD
    }
}

impl Lanes {
    pub(in crate::runtime) fn new(context: Context) -> Arc<Self> {
        Arc::new(Self {
            context: Arc::new(context),
            entrances: Mutex::default(),
            stopping: watch::Sender::new(None),
            ended: Notify::new(),
            is_stopped: AtomicBool::new(false),
        })
    }

    /// Sets a lane going for each destination that has something pending in the store.
    pub(in crate::runtime) async fn resume(self: &Arc<Self>) -> Result<(), StoreError> {
        for pending in self.context.store.reads().pending_destinations().await? {
            self.call(pending.destination, pending.due_at);
        }
        Ok(())
    }

    /// Gives a delivery that was just stored to its lane, or tells the lane that there is one in the store.
    pub(in crate::runtime) fn offer(self: &Arc<Self>, offer: Offer, at: Timestamp) {
        let Offer { destination, delivery } = offer;
        self.with(destination, |entrance| entrance.offer(delivery, at, &self.context));
    }

    /// Tells a lane that something in the store is due at a time.
    pub(in crate::runtime) fn call(self: &Arc<Self>, destination: ObjectId, due: Timestamp) {
        self.with(destination, |entrance| {
            let mut waiting = entrance.lock();
            waiting.due = earlier(waiting.due, Some(due));
            drop(waiting);
            entrance.called.notify_one();
        });
    }

    fn with(self: &Arc<Self>, destination: ObjectId, then: impl FnOnce(&Entrance)) {
        let mut lanes = self.lock();
        let entrance = lanes.entry(destination).or_insert_with(|| {
            let entrance = Arc::new(Entrance::default());
            if !self.is_stopped.load(Ordering::SeqCst) {
                self.context.figures.lanes.fetch_add(1, Ordering::Relaxed);
                let lane = Lane::new(destination, Arc::clone(&entrance), Arc::clone(&self.context), Arc::clone(self));
                tokio::spawn(lane::run(lane, self.stopping.subscribe()));
            }
            entrance
        });
        then(entrance);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectId, Arc<Entrance>>> {
        self.entrances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a lane end, unless it has been given something meanwhile.
    pub(super) fn leave(&self, destination: ObjectId, entrance: &Entrance) -> bool {
        let mut lanes = self.lock();
        {
            let waiting = entrance.lock();
            if !waiting.fresh.is_empty() || waiting.due.is_some() {
                return false;
            }
        }
        lanes.remove(&destination);
        self.gone();
        true
    }

    /// A lane has ended because all of them do.
    pub(super) fn gone(&self) {
        self.context.figures.lanes.fetch_sub(1, Ordering::Relaxed);
        self.ended.notify_waiters();
    }

    /// Begins no attempts any more and waits for those under way; what takes longer than `grace` is cut off, and has
    /// not happened.
    pub(in crate::runtime) async fn stop(&self, grace: Duration) {
        {
            // Under the lock, so that no lane is set going after it.
            let _lanes = self.lock();
            self.is_stopped.store(true, Ordering::SeqCst);
        }
        self.stopping.send_replace(Some(grace));
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.context.figures.lanes.load(Ordering::Relaxed) == 0 {
                return;
            }
            ended.await;
        }
    }
}
