//! From a byte of an expression to its place in the YAML it was written in.

use crate::base::path::Path;
use crate::base::source::{SourceMap, Span};

/// Where the expression of a policy's rule is written.
pub(super) fn expression_path(rule: usize) -> Path {
    Path::keys("spec.rules").index(rule).key("expression")
}

/// The span of one character of an expression within a scalar; the whole scalar where a variable or a patch put it
/// together, or it cannot be found.
pub(super) fn within(scalar: Span, source: &str, offset: usize, sources: &SourceMap) -> Span {
    let found = || {
        let file = sources.file(scalar.file)?;
        let written = file.text.get(scalar.start as usize..scalar.end as usize)?;
        let (start, length) = offset_in(written, source, offset)?;
        let start = scalar.start.checked_add(u32::try_from(start).ok()?)?;
        Some(Span { file: scalar.file, start, end: start.checked_add(u32::try_from(length).ok()?)? })
    };
    found().unwrap_or(scalar)
}

/// The byte of `written`, a scalar in any style of YAML, where the byte `offset` of what it means stands, and the length
/// of what stands there. Goes along both: what is only in the writing are quotes, backslashes, indentation, line breaks
/// and the head of a block.
fn offset_in(written: &str, source: &str, offset: usize) -> Option<(usize, usize)> {
    let mut rest = written.char_indices().peekable();
    if matches!(written.chars().next(), Some('|' | '>')) {
        while rest.next_if(|(_, character)| *character != '\n').is_some() {}
    }
    let mut last = None;
    for (at, wanted) in source.char_indices() {
        loop {
            let (place, character) = rest.next()?;
            let same = character == wanted || wanted.is_whitespace() && character.is_whitespace();
            if same {
                last = Some((place, character.len_utf8()));
                break;
            }
            if !(character.is_whitespace() || matches!(character, '\'' | '"' | '\\')) {
                return None;
            }
        }
        if at >= offset {
            return last;
        }
        // A quote in single quotes is written twice.
        if wanted == '\'' && written.starts_with('\'') {
            rest.next_if(|(_, character)| *character == '\'');
        }
        // Any amount of white space may stand for one.
        if wanted.is_whitespace() {
            let next_is_white =
                source.get(at + wanted.len_utf8()..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
            while !next_is_white && rest.next_if(|(_, character)| character.is_whitespace()).is_some() {}
        }
    }
    // Just past the end: its last character.
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_in_every_style_of_scalar() {
        let source = "a == 'b' && c";
        let at = |written: &'static str, offset| offset_in(written, source, offset).map(|(start, _)| &written[start..]);
        assert_eq!(at("a == 'b' && c", 12), Some("c"));
        assert_eq!(at("\"a == 'b' && c\"", 12), Some("c\""));
        assert_eq!(at("'a == ''b'' && c'", 6), Some("b'' && c'"));
        assert_eq!(at("'a == ''b'' && c'", 12), Some("c'"));
        assert_eq!(at(">-\n  a == 'b'\n  && c\n", 12), Some("c\n"));
        assert_eq!(at("a ==\n    'b' && c", 5), Some("'b' && c"));
        assert_eq!(at("a == 'b' && c", 40), Some("c"));
        assert_eq!(at("something else", 3), None);
    }
}
