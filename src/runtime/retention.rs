//! Forgetting events that are older than they are kept.

use std::sync::Arc;

use jiff::SignedDuration;

use super::timer::Timer;
use crate::store::Store;

/// How often it looks.
const EVERY: SignedDuration = SignedDuration::from_mins(10);
/// Events that go at once: few enough that whoever wants to write meanwhile waits for milliseconds.
const STEP: u32 = 500;

/// Forgets old events for ever.
pub(super) async fn keep(store: Arc<Store>, timer: Timer, keep: SignedDuration) {
    loop {
        let now = timer.now();
        let before = now.checked_sub(keep).unwrap_or(jiff::Timestamp::MIN);
        loop {
            match store.prune_events(before, STEP).await {
                Ok(gone) if gone >= u64::from(STEP) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(%error, "old events are not forgotten");
                    break;
                }
            }
        }
        timer.sleep_until(now.checked_add(EVERY).unwrap_or(now)).await;
    }
}
