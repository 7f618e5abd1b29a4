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
    let read = match text.split_at_checked(10) {
        Some((date, _)) if !has_shape(date, "0000-00-00") || date < "1970" => None,
        Some((_, "")) => text.parse::<Date>().ok().map(|date| utc(date.to_datetime(jiff::civil::Time::midnight()))),
        Some((_, time)) if has_shape(time, " 00:00") => DateTime::strptime("%Y-%m-%d %H:%M", text).ok().map(utc),
        Some((_, time)) if is_rfc_3339_time(time) => text.parse::<Timestamp>().ok().map(Some),
        Some(_) | None => None,
    };
    read.flatten().ok_or_else(error)
}

fn utc(civil: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// Whether a text has digits where the shape has `0`, and elsewhere what the shape has.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(c, wanted): (u8, u8)| if wanted == b'0' { c.is_ascii_digit() } else { c == wanted };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

/// What follows the date in RFC 3339, which the parser of the library takes much more than: `Thh:mm:ss`, perhaps a
/// fraction, and `Z` or an offset of less than a day. No minute has a 61st second: the systems know no leap seconds.
fn is_rfc_3339_time(text: &str) -> bool {
    let Some((time, rest)) = text.split_at_checked(9) else { return false };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    let is_offset = || {
        (has_shape(zone, "+00:00") || has_shape(zone, "-00:00"))
            && zone.get(1..3).is_some_and(|hours| hours < "24")
            && zone.get(4..).is_some_and(|minutes| minutes < "60")
    };
    (has_shape(time, "T00:00:00") || has_shape(time, "t00:00:00"))
        && time.get(7..).is_some_and(|seconds| seconds < "60")
        && (matches!(zone, "Z" | "z") || is_offset())
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
        assert_eq!(canonical_of("2023-05-10t08:30:00.5-23:59").as_deref(), Some("2023-05-11T08:29:00.5Z"));
        assert_eq!(canonical_of("1970-01-01").as_deref(), Some("1970-01-01T00:00:00Z"));
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
            "2031-12-01T08:30:00+25:00",
            "2031-12-01T08:30:00+03:60",
            "2031-12-01T08:30:00+03",
            "2031-12-01T08:30:00",
            "2031-12-01T08:30:00.Z",
            "2031-12-01T08:30+03:00",
            "2031-12-01 08:30Z",
            "2031-12-01 08:30:00Z",
            "2031-12-01T08:30:60Z",
            "2031-12-01T24:00:00Z",
            "2031-12-01T08:30:00Z[UTC]",
            "0000-01-01",
            "1969-12-31",
            "-00001-01-01",
            "2031-12-0ä",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
