//! `${…}` in a text: taking it apart.

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// As it stands.
    Literal(&'t str),
    /// `$${`, which stands for `${`.
    Escape,
    /// `${…}`.
    Reference {
        /// What stands between the braces.
        name: &'t str,
        /// All of it, braces included.
        written: &'t str,
    },
    /// `${` without an end.
    Unclosed(&'t str),
}

/// Whether a text must be looked at at all.
pub(super) fn has_any(text: &str) -> bool {
    text.contains("${")
}

/// The parts of a text, in order.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, here) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            push_literal(&mut parts, before);
            parts.push(Part::Escape);
            rest = here.get(2..).unwrap_or_default();
            continue;
        }
        push_literal(&mut parts, before);
        let Some(end) = here.find('}') else {
            parts.push(Part::Unclosed(here));
            return parts;
        };
        let (written, after) = here.split_at(end + 1);
        parts.push(Part::Reference { name: written.get(2..end).unwrap_or_default(), written });
        rest = after;
    }
    push_literal(&mut parts, rest);
    parts
}

fn push_literal<'t>(parts: &mut Vec<Part<'t>>, text: &'t str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference<'t>(name: &'t str, written: &'t str) -> Part<'t> {
        Part::Reference { name, written }
    }

    #[test]
    fn texts_are_taken_apart() {
        let cases: &[(&str, &[Part<'_>])] = &[
            ("", &[]),
            ("plain $ { }", &[Part::Literal("plain $ { }")]),
            ("${var.a}", &[reference("var.a", "${var.a}")]),
            ("x${var.a}y", &[Part::Literal("x"), reference("var.a", "${var.a}"), Part::Literal("y")]),
            ("$${var.a}", &[Part::Escape, Part::Literal("var.a}")]),
            ("a$$${b", &[Part::Literal("a$"), Part::Escape, Part::Literal("b")]),
            ("a ${b", &[Part::Literal("a "), Part::Unclosed("${b")]),
            ("###A### {{b}}", &[Part::Literal("###A### {{b}}")]),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text), *expected, "{text}");
        }
    }
}
