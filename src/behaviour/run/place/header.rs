//! Variables in a line: a header of a request, or of an e-mail. A value that would end the line is refused.

use crate::behaviour::run::text::{Refusal, fill_plain};
use crate::behaviour::run::variables::Variables;

/// Bytes a line may have.
const LINE_LIMIT: usize = 8 << 10;

/// Fills a line in.
///
/// # Errors
/// When it has a line break, NUL or another control character (tabs are allowed), or more than 8 KiB.
pub fn fill_line(template: &str, variables: &Variables) -> Result<String, Refusal> {
    let line = fill_plain(template, variables)?;
    if line.chars().any(|c| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(Refusal::new("a variable has a line break or control character"));
    }
    if line.len() > LINE_LIMIT {
        return Err(Refusal::new(format!("it becomes longer than {LINE_LIMIT} bytes")));
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn filled(value: &str) -> Result<String, Refusal> {
        fill_line("Bearer {{x}}", &serde_json::from_value(json!({ "x": value })).unwrap_or_default())
    }

    #[test]
    fn what_would_end_the_line_is_refused() {
        assert_eq!(filled("ü\t1").as_deref(), Ok("Bearer ü\t1"));
        for bad in ["a\r\nX-Evil: 1", "\n", "\r", "\0", "\u{7f}", "\u{85}", "\u{2028}"] {
            assert!(filled(bad).is_err(), "{bad:?}");
        }
        assert!(filled(&"x".repeat(LINE_LIMIT)).is_err());
    }

    proptest! {
        #[test]
        fn a_line_stays_one_line(value in any::<String>()) {
            if let Ok(line) = filled(&value) {
                prop_assert!(!line.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)));
                prop_assert_eq!(line, format!("Bearer {value}"));
            }
        }
    }
}
