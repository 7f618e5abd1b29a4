//! How long to wait for the next tick: the interval, and longer the more often it failed.

use std::time::Duration;

/// The longest wait after failures, unless the interval itself is longer.
const LONGEST: Duration = Duration::from_mins(10);

/// The wait after so many failures in a row. `random` is from 0 to 1: half of a longer wait is left to chance, so that
/// many that failed together do not come back together.
#[must_use]
pub fn wait(interval: Duration, failures: u32, random: f64) -> Duration {
    if failures == 0 { interval } else { grown(interval, LONGEST.max(interval), failures, random) }
}

/// The wait after so many failures in a row, at least one: twice as long with each up to the longest, half of it left to
/// chance.
pub(super) fn grown(first: Duration, longest: Duration, failures: u32, random: f64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    doubled.min(longest).mul_f64(random.clamp(0.0, 1.0).mul_add(0.5, 0.5))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{LONGEST, wait};
    use std::time::Duration;

    #[test]
    fn waits_grow_up_to_a_limit() {
        let minute = Duration::from_mins(1);
        assert_eq!(wait(minute, 0, 0.3), minute);
        assert_eq!(wait(minute, 1, 1.0), minute);
        assert_eq!(wait(minute, 2, 1.0), 2 * minute);
        assert_eq!(wait(minute, 2, 0.0), minute);
        assert_eq!(wait(minute, 40, 1.0), LONGEST);
        assert_eq!(wait(60 * minute, 40, 1.0), 60 * minute);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_limit_or_nothing(seconds in 1_u64..100_000, failures: u32, random in any::<f64>()) {
            let interval = Duration::from_secs(seconds);
            let waited = wait(interval, failures, if random.is_nan() { 0.5 } else { random });
            assert!(waited >= interval / 2 && waited <= LONGEST.max(interval), "{waited:?}");
        }
    }
}
