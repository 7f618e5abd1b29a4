//! How long a server is waited for, and how often it is asked again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// How long a server is waited for, and how often it is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Repetitions of a request that may be repeated.
    pub repetitions: usize,
    /// The longest pause before the first repetition; it doubles with each. Where in between a pause ends is left to
    /// chance (full jitter), so that many callers whom one fault hit do not come back together.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// The longest pause that a server may ask for with `Retry-After`. One that asks for more is not waited for.
    pub longest_wish: Duration,
    /// For a connection, with its handshake.
    pub connect: Duration,
    /// For an answer to begin, and for each further part of it.
    pub answer: Duration,
    /// For an answer to a changeset, which may be large.
    pub changeset: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            repetitions: 5,
            pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(10),
            longest_wish: Duration::from_mins(1),
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            changeset: Duration::from_mins(2),
        }
    }
}

impl BackoffBuilder for Patience {
    type Backoff = FullJitter;

    fn build(self) -> FullJitter {
        let growing = ExponentialBuilder::default()
            .with_min_delay(self.pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.repetitions);
        FullJitter(growing.build())
    }
}

/// Pauses anywhere between nothing and one that grows.
#[derive(Debug)]
pub struct FullJitter(ExponentialBackoff);

impl Iterator for FullJitter {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let longest = self.0.next()?;
        let mut random = [0; 4];
        // Without random bytes the longest pause is as good as any.
        let share =
            getrandom::fill(&mut random).map_or(1.0, |()| f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX));
        Some(longest.mul_f64(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_below_what_grows_and_come_to_an_end() {
        let patience = Patience { repetitions: 6, ..Patience::default() };
        let mut lengths = std::collections::BTreeSet::new();
        for _ in 0..50 {
            let pauses: Vec<Duration> = patience.build().collect();
            assert_eq!(pauses.len(), 6);
            for (n, pause) in pauses.iter().enumerate() {
                assert!(*pause <= patience.pause * (1 << n), "{n}: {pause:?}");
            }
            lengths.insert(pauses[5]);
        }
        assert!(lengths.len() > 40, "chance has no part in it");
    }
}
