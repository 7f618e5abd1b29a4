//! Waiting for a time of the injected clock.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::store::Clock;

/// Tells the time and waits for one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Timer {
    clock: Clock,
    /// Tells that the clock was turned; `None` for a clock that runs by itself.
    turned: Option<watch::Receiver<()>>,
}

/// The longest it sleeps without looking at the clock, which may be set meanwhile.
const LONGEST: SignedDuration = SignedDuration::from_secs(30);

impl Timer {
    /// By a clock that runs by itself.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, turned: None }
    }

    /// By a clock that stands until it is turned; `turned` changes each time. Nothing sleeps then.
    #[must_use]
    pub fn by_hand(clock: Clock, turned: watch::Receiver<()>) -> Self {
        Self { clock, turned: Some(turned) }
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until the clock shows a time. Dropping it loses nothing.
    pub async fn sleep_until(&self, at: Timestamp) {
        // Before the first look, so that a turn between the look and the wait is not missed.
        let mut turned = self.turned.clone();
        if let Some(turned) = &mut turned {
            turned.mark_unchanged();
        }
        loop {
            let left = at.duration_since(self.clock.now());
            if left <= SignedDuration::ZERO {
                return;
            }
            match &mut turned {
                None => {
                    // Rounded up: waking a moment too early would mean to go round again for it.
                    let nap = left.min(LONGEST).checked_add(SignedDuration::from_millis(1)).unwrap_or(LONGEST);
                    tokio::time::sleep(nap.unsigned_abs()).await;
                }
                Some(turned) => {
                    if turned.changed().await.is_err() {
                        // Nobody is left to turn the clock.
                        return std::future::pending().await;
                    }
                }
            }
        }
    }
}
