//! Texts that others wrote, made harmless for a terminal: what cannot be seen is shown as an escape.
//!
//! Control characters can move the cursor or recolour what was printed, and direction marks can make a line read
//! otherwise than it is; a manifest or a message may contain both.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line: line breaks and tabs become escapes too.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_hidden)
}

/// Several lines: line breaks and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t'))
}

/// Whether a character is not seen, or changes how others are seen.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Writes the escape of one character.
pub(crate) fn push_escape(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Writing to a string cannot fail.
        c => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
    }
}

fn escape(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) { push_escape(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// The first `limit` characters, and how many bytes were left out.
#[must_use]
pub fn cut(text: &str, limit: usize) -> (&str, usize) {
    let end = text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at);
    (text.get(..end).unwrap_or(text), text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(line("a\u{1b}[31mb\tc\nd"), "a\\u{1b}[31mb\\tc\\nd");
        assert_eq!(lines("a\tb\n\u{9b}c\r"), "a\tb\n\\u{9b}c\\r");
        assert_eq!(line("abc\u{202e}fed"), "abc\\u{202e}fed");
        assert_eq!(line("Öffnen ✓ 日本 👍"), "Öffnen ✓ 日本 👍");
    }
}
