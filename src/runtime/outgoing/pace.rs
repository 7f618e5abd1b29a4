//! How fast one destination may be sent to: `rateLimit.perSecond`.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::store::Clock;

/// Spaces requests evenly, as far as timers are fine enough: up to 100 a second one by one, above that in bursts of a
/// hundredth of a second's.
pub struct Pace {
    per_second: NonZeroU32,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    limiter: RateLimiter<NotKeyed, InMemoryState, Watch, NoOpMiddleware<Duration>>,
    /// The latest time seen.
    seen: Duration,
}

/// The server's clock as the limiter's.
struct Watch(Clock);

impl GovernorClock for Watch {
    type Instant = Duration;

    fn now(&self) -> Duration {
        since_1970(&self.0)
    }
}

fn since_1970(clock: &Clock) -> Duration {
    Duration::try_from(clock.now().duration_since(jiff::Timestamp::UNIX_EPOCH)).unwrap_or_default()
}

impl Pace {
    /// At most this many requests a second.
    #[must_use]
    pub fn new(per_second: NonZeroU32, clock: Clock) -> Self {
        let state = State { limiter: limiter(per_second, &clock), seen: since_1970(&clock) };
        Self { per_second, clock, state: Mutex::new(state) }
    }

    /// Takes the place of one request; or says after how long to ask again.
    ///
    /// # Errors
    /// The time until there is a place.
    pub fn take(&self) -> Result<(), Duration> {
        // A panic elsewhere leaves a limiter that is at worst too strict for a moment.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = since_1970(&self.clock);
        if now + Duration::from_secs(1) < state.seen {
            // The clock was set back: what was counted belongs to a time yet to come, and would hold up until then.
            state.limiter = limiter(self.per_second, &self.clock);
        }
        state.seen = now;
        state.limiter.check().map_err(|until| until.wait_time_from(now))
    }
}

fn limiter(
    per_second: NonZeroU32,
    clock: &Clock,
) -> RateLimiter<NotKeyed, InMemoryState, Watch, NoOpMiddleware<Duration>> {
    let burst = NonZeroU32::new(per_second.get() / 100).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::per_second(per_second).allow_burst(burst);
    RateLimiter::direct_with_clock(quota, Watch(clock.clone()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;

    fn turned() -> (Arc<AtomicI64>, Clock) {
        let millis = Arc::new(AtomicI64::new(1_900_000_000_000));
        let read = Arc::clone(&millis);
        (millis, Clock::new(move || Timestamp::from_millisecond(read.load(Ordering::SeqCst)).expect("a time")))
    }

    fn taken_in_a_second(per_second: u32) -> u32 {
        let (millis, clock) = turned();
        let pace = Pace::new(NonZeroU32::new(per_second).expect("a rate"), clock);
        let mut taken = 0;
        for _ in 0..1_000 {
            while pace.take().is_ok() {
                taken += 1;
            }
            millis.fetch_add(1, Ordering::SeqCst);
        }
        taken
    }

    #[test]
    fn a_second_takes_as_many_as_allowed() {
        assert_eq!(taken_in_a_second(1), 1);
        assert_eq!(taken_in_a_second(20), 20);
        let many = taken_in_a_second(10_000);
        assert!((9_990..=10_100).contains(&many), "{many}");
    }

    #[test]
    fn it_says_how_long_to_wait() {
        let (millis, clock) = turned();
        let pace = Pace::new(NonZeroU32::new(4).expect("a rate"), clock);
        assert_eq!(pace.take(), Ok(()));
        assert_eq!(pace.take(), Err(Duration::from_millis(250)));
        millis.fetch_add(250, Ordering::SeqCst);
        assert_eq!(pace.take(), Ok(()));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_up() {
        let (millis, clock) = turned();
        let pace = Pace::new(NonZeroU32::MIN, clock);
        assert_eq!(pace.take(), Ok(()));
        millis.fetch_sub(3_600_000, Ordering::SeqCst);
        assert_eq!(pace.take(), Ok(()));
    }
}
