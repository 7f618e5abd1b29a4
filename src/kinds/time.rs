//! The time formats of the domain (§1.4): `YYYY-MM-DD hh:mm` and `YYYY-MM-DD`, both UTC, and RFC 3339 with an offset.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A text that is none of the formats.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a time: write YYYY-MM-DD, YYYY-MM-DD hh:mm (both UTC) or RFC 3339 with an offset")]
pub struct TimeError(String);

/// Reads a time in any of the three formats.
///
/// # Errors
/// When the text has another form, or names a day or an hour that does not exist.
pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
    let error = || TimeError(text.chars().take(60).collect());
    let civil = match text.len() {
        10 => text.parse::<Date>().ok().map(|date| date.to_datetime(jiff::civil::Time::midnight())),
        16 if !text.contains('T') => DateTime::strptime("%Y-%m-%d %H:%M", text).ok(),
        _ => None,
    };
    match civil {
        Some(civil) => TimeZone::UTC.to_timestamp(civil).map_err(|_| error()),
        // RFC 3339 asks for the full form; the parser of the library alone would take more.
        None if text.len() >= 17 && text.get(10..11).is_some_and(|t| matches!(t, "T" | "t" | " ")) => {
            text.parse::<Timestamp>().map_err(|_| error())
        }
        None => Err(error()),
    }
}

/// The canonical form: RFC 3339 in UTC, to the second where there is no smaller part.
#[must_use]
pub fn canonical(time: Timestamp) -> String {
    time.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_formats_are_read() {
        let canonical_of = |text| parse(text).map(canonical).ok();
        assert_eq!(canonical_of("2023-05-10 08:30").as_deref(), Some("2023-05-10T08:30:00Z"));
        assert_eq!(canonical_of("2023-06-10").as_deref(), Some("2023-06-10T00:00:00Z"));
        assert_eq!(canonical_of("2023-05-10T11:30:00+03:00").as_deref(), Some("2023-05-10T08:30:00Z"));
        assert_eq!(canonical_of("2023-05-10T08:30:00Z").as_deref(), Some("2023-05-10T08:30:00Z"));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "soon",
            "2023-13-01",
            "2023-02-30",
            "2023-05-10 25:00",
            "2023-05-10T08:30",
            "2023-05-10 8:30",
            "10.05.2023",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
