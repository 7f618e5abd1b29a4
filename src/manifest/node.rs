//! The tree a document is while it is patched: values with the places they were written at.
//!
//! A tree lives only from the parser to [`super::finish`]; nothing after that sees one.

use serde_json::Number;

use crate::base::positions::Note;
use crate::base::source::Span;

/// One value of a document.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) content: Content,
    /// Where it was written; for what an alias brought in, where the anchor's content stands.
    pub(crate) span: Span,
    /// What happened to it on the way. Boxed because nearly no node has one.
    pub(crate) note: Option<Box<Note>>,
}

/// The sorts of values a document has.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A finite number of 64 bits.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written; keys are unique.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key as a text, whatever scalar it was written as.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) key_span: Span,
    /// The value.
    pub(crate) value: Node,
}

impl Node {
    /// A node that nothing has happened to.
    pub(crate) fn new(content: Content, span: Span) -> Self {
        Self { content, span, note: None }
    }

    /// The value of a key, when this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key, when this is a map that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none of anything else.
    pub(crate) fn elements(&self) -> &[Self] {
        match &self.content {
            Content::List(elements) => elements,
            _ => &[],
        }
    }

    /// The text, when it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// `Kind/name` as written, when the document has both as texts: what patches are addressed to.
    pub(crate) fn address(&self) -> Option<String> {
        let kind = self.get("kind")?.text()?;
        let name = self.get("metadata")?.get("name")?.text()?;
        Some(format!("{kind}/{name}"))
    }

    /// Puts a note on this node and all below it.
    pub(crate) fn note_all(&mut self, note: &Note) {
        self.note = Some(Box::new(note.clone()));
        match &mut self.content {
            Content::List(elements) => elements.iter_mut().for_each(|element| element.note_all(note)),
            Content::Map(entries) => entries.iter_mut().for_each(|entry| entry.value.note_all(note)),
            Content::Null | Content::Boolean(_) | Content::Number(_) | Content::Text(_) => {}
        }
    }
}
