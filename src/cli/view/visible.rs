//! Texts that others wrote, made harmless for a terminal: what cannot be seen is shown as an escape.
//!
//! Control characters can move the cursor or recolour what was printed, and direction marks can make a line read
//! otherwise than it is; a manifest or a message may contain both. And what is printed in a job of a CI system is read
//! by the system too: GitHub's runner takes a line that begins with `::`, and `##[` anywhere in one, for a command.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line: line breaks and tabs become escapes too.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    without_commands(escape(text, is_hidden))
}

/// One line that is printed with nothing but blanks, or a sign of a diff, before it.
#[must_use]
pub fn own_line(text: &str) -> Cow<'_, str> {
    let shown = line(text);
    let rest = shown.trim_start();
    match rest.strip_prefix("::") {
        Some(after) => {
            let blanks = shown.get(..shown.len() - rest.len()).unwrap_or_default();
            Cow::Owned(format!("{blanks}\\u{{3a}}:{after}"))
        }
        None => shown,
    }
}

/// Several lines: line breaks and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    let shown = without_commands(escape(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t')));
    if !shown.contains("::") || !shown.lines().any(|line| line.trim_start().starts_with("::")) {
        return shown;
    }
    Cow::Owned(shown.split('\n').map(own_line).collect::<Vec<_>>().join("\n"))
}

/// What a runner of GitHub would take for a command, wherever it stands in a line.
fn without_commands(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains("##[") { Cow::Owned(text.replace("##[", "##\\u{5b}")) } else { text }
}

/// Whether a character is not seen, or changes how others are seen.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}')
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

    #[test]
    fn no_text_is_a_command_to_a_runner() {
        assert_eq!(own_line("  ::error::x"), "  \\u{3a}:error::x");
        assert_eq!(own_line("a ::error::x ##[add-mask]y"), "a ::error::x ##\\u{5b}add-mask]y");
        assert_eq!(lines("one\n::warning::two\n"), "one\n\\u{3a}:warning::two\n");
        assert_eq!(line("http://[::1]:80/"), "http://[::1]:80/");
    }
}
