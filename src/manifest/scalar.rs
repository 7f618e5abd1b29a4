//! Which value a YAML scalar is: the core schema of YAML 1.2, with one rule of our own.
//!
//! Our rule: digits with a leading zero (`0755`, `007.5`) are a text. YAML 1.1 reads the first as octal, YAML 1.2 as
//! 755, and the author nearly always meant a mode, a number of a phone or of an article.

use serde_json::Number;

use super::node::Content;

/// Why a scalar has no value that manifests can hold. Completes "`text` …".
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ScalarError {
    /// An integer beyond 64 bits, or a float beyond the largest.
    #[error("is a number outside 64 bits")]
    TooBig,
    /// `.nan` or `.inf`.
    #[error("is not a finite number")]
    NotFinite,
    /// A core tag on a text that does not have the tag's form.
    #[error("cannot be read as !!{0}")]
    NotTagged(&'static str),
}

/// The value of a plain scalar without a tag.
pub(crate) fn plain(text: &str) -> Result<Content, ScalarError> {
    // Nearly all plain scalars are words: the first byte rules out everything else.
    match text.as_bytes().first() {
        None => return Ok(Content::Null),
        Some(b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'.' | b'+' | b'-' | b'0'..=b'9') => {}
        Some(_) => return Ok(Content::Text(text.into())),
    }
    if is_null(text) {
        return Ok(Content::Null);
    }
    if let Some(value) = boolean(text) {
        return Ok(Content::Boolean(value));
    }
    if is_not_finite(text) {
        return Err(ScalarError::NotFinite);
    }
    if has_leading_zero(text) {
        return Ok(Content::Text(text.into()));
    }
    if let Some(integer) = integer(text) {
        return integer.map(Content::Number);
    }
    if is_float(text) {
        return float(text).map(Content::Number);
    }
    Ok(Content::Text(text.into()))
}

/// The value of a scalar with a core tag, `suffix` being what follows `!!`; quoted or not makes no difference.
pub(crate) fn tagged(suffix: &str, text: &str) -> Result<Content, ScalarError> {
    match suffix {
        "str" => Ok(Content::Text(text.into())),
        "null" if text.is_empty() || is_null(text) => Ok(Content::Null),
        "null" => Err(ScalarError::NotTagged("null")),
        "bool" => boolean(text).map(Content::Boolean).ok_or(ScalarError::NotTagged("bool")),
        "int" => integer(text).unwrap_or(Err(ScalarError::NotTagged("int"))).map(Content::Number),
        "float" if is_not_finite(text) => Err(ScalarError::NotFinite),
        "float" if is_float(text) => float(text).map(Content::Number),
        "float" => Err(ScalarError::NotTagged("float")),
        "map" => Err(ScalarError::NotTagged("map")),
        _ => Err(ScalarError::NotTagged("seq")),
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "~" | "null" | "Null" | "NULL")
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn has_leading_zero(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    matches!(unsigned, [b'0', b'0'..=b'9', ..])
}

/// `None` when the text is not written as an integer.
fn integer(text: &str) -> Option<Result<Number, ScalarError>> {
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = if text.starts_with('-') {
        text.parse::<i64>().map(Number::from)
    } else {
        digits.parse::<u64>().map(Number::from)
    };
    Some(number.map_err(|_| ScalarError::TooBig))
}

fn based(digits: &str, radix: u32) -> Option<Result<Number, ScalarError>> {
    let written = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    written.then(|| u64::from_str_radix(digits, radix).map(Number::from).map_err(|_| ScalarError::TooBig))
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?` (YAML 1.2.2 §10.3.2).
fn is_float(text: &str) -> bool {
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let exponent_is_good = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    has_digits && all_digits(whole) && all_digits(fraction) && exponent_is_good
}

fn float(text: &str) -> Result<Number, ScalarError> {
    text.parse::<f64>().ok().and_then(Number::from_f64).ok_or(ScalarError::TooBig)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> serde_json::Value {
        match plain(text).unwrap() {
            Content::Null => serde_json::Value::Null,
            Content::Boolean(value) => value.into(),
            Content::Number(value) => value.into(),
            Content::Text(value) => value.into(),
            Content::List(_) | Content::Map(_) => unreachable!(),
        }
    }

    #[test]
    fn words_of_yaml_1_1_are_texts() {
        let words =
            ["no", "yes", "on", "off", "y", "n", "No", "1:30", "1_000", "0755", "-01", "00", "007.5", "2031-12-01"];
        for text in
            words.into_iter().chain(["0x", "0xg", "0o8", "0b1", "+", "-", ".", "e5", "1e", "1.2.3", "nULL", "tRUE"])
        {
            assert_eq!(json(text), text);
        }
    }

    #[test]
    fn numbers_keep_all_their_bits() {
        assert_eq!(json("18446744073709551615"), u64::MAX);
        assert_eq!(json("-9223372036854775808"), i64::MIN);
        assert_eq!(json("0x1F"), 31);
        assert_eq!(json("0o17"), 15);
        assert_eq!(json("+5"), 5);
        assert_eq!(json("0"), 0);
        assert_eq!(json("-0"), 0);
        assert_eq!(json("0.5"), 0.5);
        assert_eq!(json(".5"), 0.5);
        assert_eq!(json("1."), 1.0);
        assert_eq!(json("1e3"), 1000.0);
        assert_eq!(json("-1.5E-1"), -0.15);
    }

    #[test]
    fn what_json_cannot_hold_is_refused() {
        for text in ["18446744073709551616", "-9223372036854775809", "0x1FFFFFFFFFFFFFFFF", "1e999"] {
            assert_eq!(plain(text).unwrap_err(), ScalarError::TooBig, "{text}");
        }
        for text in [".nan", ".inf", "-.INF", "+.Inf"] {
            assert_eq!(plain(text).unwrap_err(), ScalarError::NotFinite, "{text}");
        }
    }

    #[test]
    fn nulls_and_booleans_have_three_spellings() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(json(text), serde_json::Value::Null, "{text}");
        }
        for text in ["true", "True", "TRUE"] {
            assert_eq!(json(text), true, "{text}");
        }
    }

    #[test]
    fn core_tags_decide() {
        assert!(matches!(tagged("int", "0755"), Ok(Content::Number(n)) if n == 755.into()));
        assert!(matches!(tagged("str", "12"), Ok(Content::Text(t)) if t == "12"));
        assert!(matches!(tagged("float", "1"), Ok(Content::Number(n)) if n.as_f64() == Some(1.0) && n.is_f64()));
        assert!(matches!(tagged("bool", "True"), Ok(Content::Boolean(true))));
        assert!(matches!(tagged("null", ""), Ok(Content::Null)));
        for (tag, text) in [("int", "x"), ("bool", "yes"), ("float", "y"), ("null", "0"), ("map", "a"), ("seq", "a")] {
            assert!(tagged(tag, text).is_err(), "{tag} {text}");
        }
    }
}
