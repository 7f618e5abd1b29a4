//! When a receiver wants to be tried again.

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

/// The longest that a receiver can have others wait.
const LONGEST_WISH: i64 = 24 * 3_600;

/// The time a `Retry-After` header asks for: a number of seconds, or a date. What cannot be read, and what lies in the
/// past, asks for nothing; more than a day is a day.
#[must_use]
pub fn wish(header: &str, now: Timestamp) -> Option<Timestamp> {
    let header = header.trim();
    let after = |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let asked = if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        // A number too large for the type is certainly longer than a day.
        after(header.parse().unwrap_or(LONGEST_WISH).min(LONGEST_WISH))
    } else {
        rfc2822::parse(header).ok()?.timestamp()
    };
    (asked > now).then(|| asked.min(after(LONGEST_WISH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_s_wish_is_read() {
        let now = Timestamp::from_second(1_900_000_000).expect("a time");
        let seconds = |header: &str| wish(header, now).map(|at| at.duration_since(now).as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), None);
        assert_eq!(seconds("99999999999999999999"), Some(86_400));
        assert_eq!(seconds("Sun, 17 Mar 2030 17:48:20 GMT"), Some(100));
        assert_eq!(seconds("Sun, 17 Mar 2030 17:46:00 GMT"), None);
        assert_eq!(seconds("Mon, 17 Mar 2031 17:48:20 GMT"), Some(86_400));
        for odd in ["", "-1", "soon", "1.5", "12 s"] {
            assert_eq!(seconds(odd), None, "{odd}");
        }
    }
}
