//! When a delivery is tried again.

use jiff::{SignedDuration, Timestamp};

/// How long after each attempt that failed the next one is due, in seconds: after the first 5 s, and so on. Before the
/// first there is no wait.
const WAITS: [i64; 7] = [5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600];
/// By how much of itself a wait is longer or shorter by chance, in percent: what failed together does not come back
/// together.
const JITTER: i64 = 10;

/// When the attempt after `tried` failed ones is due; `None` when there is none.
///
/// `chance` is a number drawn for this. `wish` is what the receiver asked for: the attempt is not made before.
pub(super) fn next(
    tried: u32,
    max_attempts: u32,
    now: Timestamp,
    chance: u32,
    wish: Option<Timestamp>,
) -> Option<Timestamp> {
    if tried >= max_attempts {
        return None;
    }
    let wait = *WAITS.get(usize::try_from(tried.checked_sub(1)?).ok()?)?;
    let spread = wait * 1_000 * JITTER / 100;
    let shift = i64::from(chance) * (2 * spread) / i64::from(u32::MAX) - spread;
    let due = now.checked_add(SignedDuration::from_millis(wait * 1_000 + shift)).unwrap_or(Timestamp::MAX);
    Some(wish.map_or(due, |wish| wish.max(due)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn the_schedule_is_the_one_of_the_design() {
        let now = at(1_900_000_000);
        let minutes = |tried| {
            let due = next(tried, 8, now, u32::MAX / 2, None)?;
            Some(due.duration_since(now).as_secs_f64() / 60.0)
        };
        let expected = [5.0 / 60.0, 5.0, 30.0, 120.0, 300.0, 600.0, 840.0];
        for (n, expected) in expected.into_iter().enumerate() {
            let minutes = minutes(u32::try_from(n).expect("small") + 1).expect("another attempt");
            assert!((minutes - expected).abs() < 0.01, "{n}: {minutes}");
        }
        assert_eq!(minutes(8), None);
        assert_eq!(next(3, 3, now, 0, None), None);
        assert_eq!(next(1, 1, now, 0, Some(at(1_900_000_100))), None);
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_tenth_and_no_wish_is_undercut(
            tried in 1_u32..8, chance: u32, wish in proptest::option::of(0_i64..100_000),
        ) {
            let now = at(1_900_000_000);
            let wait = WAITS[usize::try_from(tried).expect("small") - 1];
            let plain = next(tried, 8, now, chance, None).expect("another").duration_since(now).as_millis();
            prop_assert!(plain >= i128::from(wait) * 900 && plain <= i128::from(wait) * 1_100, "{}", plain);
            let wished = wish.map(|seconds| at(1_900_000_000 + seconds));
            let due = next(tried, 8, now, chance, wished).expect("another");
            prop_assert!(wished.is_none_or(|wished| due >= wished));
            prop_assert!(due.duration_since(now).as_millis() >= plain);
        }
    }
}
