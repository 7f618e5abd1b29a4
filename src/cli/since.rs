//! From which time on, and how long: `24h`, `7d`, `2026-11-01`.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::kinds::time;

/// A time, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So long before now.
    Ago(SignedDuration),
    /// At this time.
    At(Timestamp),
}

impl Since {
    /// Reads `30m`, `24h`, `7d`, `2w`, a date, or a time in one of the domain's formats. Days have 24 hours.
    ///
    /// # Errors
    /// When it is none of these, in a sentence for people.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(at) = time::parse(text) {
            return Ok(Self::At(at));
        }
        let problem = || "write how long ago (30m, 24h, 7d, 2w) or when (2026-11-01, 2026-11-01 08:30)".to_owned();
        duration(text).map(Self::Ago).ok_or_else(problem)
    }

    /// The time.
    #[must_use]
    pub fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
            Self::At(at) => at,
        }
    }
}

/// Reads how long, for a flag: `30m`, `24h`, `7d`, `2w`. Days have 24 hours.
///
/// # Errors
/// When it is none, in a sentence for people.
pub fn how_long(text: &str) -> Result<SignedDuration, String> {
    duration(text.trim()).ok_or_else(|| "write how long: 30m, 24h, 7d, 2w".to_owned())
}

fn duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().filter(SignedDuration::is_positive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_dates_are_read() {
        let hours = |hours| Ok(Since::Ago(SignedDuration::from_hours(hours)));
        assert_eq!(Since::read("24h"), hours(24));
        assert_eq!(Since::read(" 7d "), hours(7 * 24));
        assert_eq!(Since::read("2w"), hours(14 * 24));
        assert_eq!(Since::read("1d 12h"), hours(36));
        assert_eq!(Since::read("2026-11-01"), Ok(Since::At("2026-11-01T00:00:00Z".parse().expect("a time"))));
        for bad in ["", "soon", "0h", "-3h", "3", "1mo", "2026-13-01"] {
            assert!(Since::read(bad).is_err(), "{bad}");
        }
        let now: Timestamp = "2026-11-02T00:00:00Z".parse().expect("a time");
        assert_eq!(Since::Ago(SignedDuration::from_hours(24)).before(now).to_string(), "2026-11-01T00:00:00Z");
    }
}
