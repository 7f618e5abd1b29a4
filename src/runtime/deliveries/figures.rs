//! What the delivery worker counts, for whoever measures the server.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts since the start, and what is under way.
#[derive(Debug, Default)]
pub struct DeliveryFigures {
    pub(in crate::runtime) accepted: AtomicU64,
    pub(in crate::runtime) queued: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) dead: AtomicU64,
    pub(super) halts: AtomicU64,
    pub(super) under_way: AtomicUsize,
    /// Bytes of deliveries in memory.
    pub(super) held: AtomicUsize,
    pub(super) lanes: AtomicUsize,
}

/// The figures at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverySnapshot {
    /// Events that were accepted; those with a known id count again.
    pub accepted: u64,
    /// Deliveries that came of them.
    pub queued: u64,
    /// Attempts that delivered.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Deliveries given up.
    pub dead: u64,
    /// Destinations halted by a 410.
    pub halts: u64,
    /// Attempts under way.
    pub under_way: usize,
    /// Bytes of deliveries held in memory.
    pub held: usize,
    /// Destinations that are being seen to.
    pub lanes: usize,
}

impl DeliveryFigures {
    /// The present figures.
    #[must_use]
    pub fn snapshot(&self) -> DeliverySnapshot {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DeliverySnapshot {
            accepted: count(&self.accepted),
            queued: count(&self.queued),
            delivered: count(&self.delivered),
            failed: count(&self.failed),
            dead: count(&self.dead),
            halts: count(&self.halts),
            under_way: self.under_way.load(Ordering::Relaxed),
            held: self.held.load(Ordering::Relaxed),
            lanes: self.lanes.load(Ordering::Relaxed),
        }
    }
}

pub(in crate::runtime) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
}
