//! HTML by type: elements that are always closed, attributes that only this program can write, and texts that are only
//! ever texts.
//!
//! What is written is well-formed XML too, so that a test can read it with a strict parser. No text of a manifest can
//! become an attribute: there is no attribute that takes one.

use std::fmt::Write as _;

use crate::cli::view::visible;

/// An attribute. None takes a text that is not of this program.
#[derive(Clone, Debug)]
pub(super) enum Attribute {
    /// A word.
    Word(&'static str, &'static str),
    /// A number.
    Number(&'static str, i64),
    /// A word with a number behind it, such as `action-3`.
    Numbered(&'static str, &'static str, usize),
    /// Numbers with blanks between them, such as a `viewBox`.
    Numbers(&'static str, Vec<i64>),
    /// The path of a drawing: letters, each with its numbers.
    Path(Vec<(char, Vec<i64>)>),
}

/// `class`.
pub(super) fn class(name: &'static str) -> Attribute {
    Attribute::Word("class", name)
}

/// A document under way.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// An element with what `inside` writes.
    pub(super) fn put(&mut self, tag: &'static str, attributes: &[Attribute], inside: impl FnOnce(&mut Self)) {
        self.open(tag, attributes);
        self.text.push('>');
        inside(self);
        self.text.push_str("</");
        self.text.push_str(tag);
        self.text.push('>');
        if is_block(tag) {
            self.text.push('\n');
        }
    }

    /// An element with a text.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: &[Attribute], text: &str) {
        self.put(tag, attributes, |page| page.text(text));
    }

    /// An element without content, such as `meta` or a shape.
    pub(super) fn void(&mut self, tag: &'static str, attributes: &[Attribute]) {
        self.open(tag, attributes);
        self.text.push_str("/>");
    }

    /// A text, whoever wrote it. What cannot be seen is shown, and no sign of it is markup.
    pub(super) fn text(&mut self, text: &str) {
        for c in visible::line(text).chars() {
            match c {
                '&' => self.text.push_str("&#38;"),
                '<' => self.text.push_str("&#60;"),
                '>' => self.text.push_str("&#62;"),
                '"' => self.text.push_str("&#34;"),
                '\'' => self.text.push_str("&#39;"),
                c => self.text.push(c),
            }
        }
    }

    /// A style or a script of this program, as it is: it has neither `<` nor `&`, which a test holds it to.
    pub(super) fn raw(&mut self, tag: &'static str, text: &'static str) {
        self.open(tag, &[]);
        self.text.push('>');
        self.text.push_str(text);
        self.text.push_str("</");
        self.text.push_str(tag);
        self.text.push_str(">\n");
    }

    /// What the page may load and run: nothing but its own style and script, known by their hashes.
    pub(super) fn content_security_policy(&mut self, style: &str, script: &str) {
        let (style, script) = (hash(style), hash(script));
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.text,
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
             script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'\"/>"
        );
    }

    /// The whole document.
    pub(super) fn finish(self) -> String {
        format!("<!DOCTYPE html>\n{}", self.text)
    }

    fn open(&mut self, tag: &'static str, attributes: &[Attribute]) {
        self.text.push('<');
        self.text.push_str(tag);
        for attribute in attributes {
            // Writing to a string cannot fail.
            let _ = match attribute {
                Attribute::Word(name, word) => write!(self.text, " {name}=\"{word}\""),
                Attribute::Number(name, number) => write!(self.text, " {name}=\"{number}\""),
                Attribute::Numbered(name, word, number) => write!(self.text, " {name}=\"{word}{number}\""),
                Attribute::Numbers(name, numbers) => write!(self.text, " {name}=\"{}\"", joined(numbers)),
                Attribute::Path(steps) => {
                    let steps: Vec<String> =
                        steps.iter().map(|(letter, numbers)| format!("{letter}{}", joined(numbers))).collect();
                    write!(self.text, " d=\"{}\"", steps.join(" "))
                }
            };
        }
    }
}

fn joined(numbers: &[i64]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Elements after which a line break is no text that anybody sees.
fn is_block(tag: &str) -> bool {
    !matches!(
        tag,
        "span" | "code" | "b" | "a" | "ins" | "del" | "mark" | "button" | "label" | "text" | "title" | "summary"
    )
}

fn hash(text: &str) -> String {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
}
