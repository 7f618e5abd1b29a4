//! Texts that others wrote, in Markdown: only in code spans and fenced blocks, which hold nothing but text.
//!
//! Escaping markup would not do: GitHub looks for `@name`, `#12` and addresses of pages in the text that comes of it,
//! and leaves only code alone. So whatever a manifest, a policy, an event or a plan file says is code.

use crate::cli::view::change_lines::{Line, Mark};
use crate::cli::view::visible;

/// Characters of a text within a sentence or a cell that are shown.
const SPAN: usize = 500;

/// A code span.
pub(super) fn code(text: &str) -> String {
    span(&shortened(text))
}

/// A sentence. One of letters and plain signs, in which nothing can be markup to anybody, stays one; else it is code.
pub(super) fn sentence(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { code(text) }
}

/// As [`sentence`], in a cell of a table.
pub(super) fn cell_sentence(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { cell(text) }
}

/// Of letters, blanks and `, ; ' ( ) / - . :`, where no page is named (`www.`, `a://`), no sign is spelt (`:smile:`) and
/// no word can be the number of a commit (`deadbeef`).
fn is_plain(text: &str) -> bool {
    let is_sign = |c: char| matches!(c, ' ' | ',' | ';' | '\'' | '(' | ')' | '/' | '-' | '.' | ':');
    let is_commit = |word: &str| word.len() >= 7 && word.chars().all(|c| matches!(c, 'a'..='f' | 'A'..='F'));
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    text.len() <= SPAN
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(|c| c.is_ascii_alphabetic() || is_sign(c))
        && !text.to_ascii_lowercase().contains("www.")
        && text
            .match_indices(':')
            .all(|(at, _)| text.get(at + 1..).is_none_or(|rest| rest.is_empty() || rest.starts_with(' ')))
        && !words.into_iter().any(is_commit)
}

/// A code span in a cell of a table, where a vertical bar ends the cell even in code.
pub(super) fn cell(text: &str) -> String {
    span(&shortened(text).replace('|', "\\u{7c}"))
}

fn shortened(text: &str) -> String {
    let (shown, left_out) = visible::cut(text, SPAN);
    let shown = visible::line(shown);
    if left_out > 0 { format!("{shown}… ({left_out} more bytes)") } else { shown.into_owned() }
}

fn span(text: &str) -> String {
    if text.trim().is_empty() {
        // Nothing to be seen, in a span or elsewhere.
        return "(blank)".to_owned();
    }
    let ticks = "`".repeat(longest_run(text) + 1);
    // One blank at each side is taken off again, and keeps ticks at an end apart from those of the span.
    let padded = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    if padded { format!("{ticks} {text} {ticks}") } else { format!("{ticks}{text}{ticks}") }
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`');
    runs.map(str::len).max().unwrap_or(0)
}

/// In HTML that stands in Markdown, between tags of ours.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in shortened(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The lines of a fenced block, and the fence, which none of them can end.
pub(super) fn fenced(lines: &[Line]) -> (String, Vec<String>) {
    let lines: Vec<String> = lines.iter().map(fenced_line).collect();
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    ("`".repeat((longest + 1).max(3)), lines)
}

fn fenced_line(line: &Line) -> String {
    let text = line.text();
    let line = match line.mark {
        // It begins with its signs.
        Mark::Piece => text,
        Mark::Add | Mark::Remove | Mark::Keep | Mark::Other | Mark::Note => format!("{} {text}", line.sign()),
    };
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_what_they_are_given() {
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(" x"), "`  x `");
        assert_eq!(code("  "), "(blank)");
        assert_eq!(cell("a|b\nc"), "`a\\u{7c}b\\nc`");
        for plain in ["the manifest changed", "re-pointed: Template/onboarding-step is replaced", "it's so (now)."] {
            assert_eq!(sentence(plain), plain);
        }
        for text in [
            "see #12",
            "GH-12",
            "https://a",
            "ftp:x",
            "a :smile: b",
            "www.x",
            "WWW.x",
            "@a",
            "- a",
            "a deadbeef",
            "a_b",
            "a*b",
            "ä",
            "",
            "a  \n",
        ] {
            assert!(sentence(text).starts_with(['`', '(']), "{text}");
        }
        assert_eq!(html("<b>&'\""), "&lt;b&gt;&amp;&#39;&quot;");
    }
}
