//! Numbers as conditions compare them: whole ones exactly, others as 64-bit floating point.

use std::cmp::Ordering;

use serde_json::Number;

/// Whole numbers up to here have an exact floating-point form, and print as themselves.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number; never NaN, because JSON has none.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decimal {
    Whole(i128),
    Real(f64),
}

impl Decimal {
    pub(super) fn of(number: &Number) -> Self {
        if let Some(whole) = number.as_i64() {
            Self::Whole(whole.into())
        } else if let Some(whole) = number.as_u64() {
            Self::Whole(whole.into())
        } else {
            Self::Real(number.as_f64().unwrap_or(f64::INFINITY))
        }
    }

    /// The number that a text is, as JSON writes numbers, without space around it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        if text.is_empty() || !text.bytes().all(plain) {
            return None;
        }
        serde_json::from_str(text).ok().map(|number: Number| Self::of(&number))
    }

    fn as_f64(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "compared with a number that is itself rounded")]
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(b)),
            _ => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }
}

/// A number as text: whole ones without a point, however they were written (`5.0` is `5`).
pub(super) fn text(number: &Number) -> String {
    match number.as_f64() {
        Some(real) if number.is_f64() && real.fract() == 0.0 && real.abs() <= EXACT => format!("{real:.0}"),
        Some(_) | None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_compared_exactly() {
        let of = |value: serde_json::Value| value.as_number().map(Decimal::of);
        assert!(of(json!(9_007_199_254_740_993_u64)) > of(json!(9_007_199_254_740_992_u64)));
        assert!(of(json!(u64::MAX)) > of(json!(-1)));
        assert_eq!(of(json!(1.0)), of(json!(1)));
        assert_eq!(of(json!(-0.0)), of(json!(0)));
    }

    #[test]
    fn a_text_is_a_number_only_as_json_writes_it() {
        for (text, number) in [("5", 5.0), ("-0.5", -0.5), ("1e3", 1000.0)] {
            assert_eq!(Decimal::read(text).map(Decimal::as_f64), Some(number), "{text}");
        }
        for text in ["", " 5", "5 ", "007", "+5", "5.", ".5", "0x5", "1_000", "1,5", "NaN", "inf", "five", "-"] {
            assert!(Decimal::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn numbers_print_in_their_shortest_form() {
        let print = |value: serde_json::Value| value.as_number().map(text).unwrap_or_default();
        assert_eq!(print(json!(5.0)), "5");
        assert_eq!(print(json!(-0.0)), "-0");
        assert_eq!(print(json!(5.25)), "5.25");
        assert_eq!(print(json!(12345)), "12345");
    }
}
