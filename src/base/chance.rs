//! Chance, for waits of many that must not end together. Not for secrets.

/// From 0 to 1. Without random bytes it is 1, so that waits are the longest ones: correct, if slow and crowded.
#[must_use]
pub fn random() -> f64 {
    getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX))
}
