//! Where each value of one document was written, compactly: 32 bytes a node, no strings.
//!
//! The loader builds it while it turns a document into a value and then drops the document; later stages ask it by
//! [`Path`]. Keys are kept as 32-bit hashes: a collision can only show a wrong line, never a wrong value.

use std::sync::Arc;

use super::path::{Path, Segment};
use super::source::{FileId, Span};

/// Positions of all nodes of one document, in document order.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    nodes: Vec<Node>,
    notes: Vec<Note>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    file: FileId,
    start: u32,
    end: u32,
    key_start: u32,
    key_end: u32,
    /// Hash of the key in a map, of the field `name` for an element of a list, 0 otherwise.
    key: u32,
    /// Nodes in this subtree, itself included.
    size: u32,
    /// Index into `notes` plus 1; 0 for none.
    note: u32,
}

/// What happened to a value on its way from its line to the desired state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A target's patch put it there or changed it; the node's span is the patch's.
    Patched {
        /// The target's name.
        target: Arc<str>,
        /// Where the value stood before the patch, if it did.
        original: Option<Span>,
    },
    /// A `${…}` reference in it was replaced.
    Resolved {
        /// The variables, in the order of their use.
        variables: Vec<Resolved>,
    },
    /// A target's patch removed fields of it.
    Removed {
        /// The target's name.
        target: Arc<str>,
        /// The fields, each with its place in the patch.
        fields: Vec<(Arc<str>, Span)>,
    },
    /// It came through an alias; the node's span is the anchor's content, this the place of use.
    Aliased {
        /// Where the alias stands.
        used: Span,
    },
}

/// One variable that was put in place of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// `var.name` or `target.name`.
    pub name: Arc<str>,
    /// Where its value was set, for example `--var` or `target production`.
    pub set_by: Arc<str>,
    /// The position of that setting, when it stands in a file.
    pub span: Option<Span>,
}

/// One node's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'p> {
    /// The key's span; `None` for the root and for list elements.
    pub key: Option<Span>,
    /// The value's span.
    pub value: Span,
    /// What happened to it on the way.
    pub note: Option<&'p Note>,
    /// Whether the path asked for was found; otherwise this is the nearest place above it.
    pub exact: bool,
}

impl Place<'_> {
    /// What is pointed at to speak of the value. What is missing is shown at its parent's key: the parent's value may be
    /// pages long.
    #[must_use]
    pub fn value_span(&self) -> Span {
        if self.exact { self.value } else { self.key_span() }
    }

    /// What is pointed at to speak of the key; the value where it has none.
    #[must_use]
    pub fn key_span(&self) -> Span {
        self.key.unwrap_or(self.value)
    }
}

impl Positions {
    /// The place of a path, or of the nearest ancestor that exists. `None` only for an empty document.
    #[must_use]
    pub fn find(&self, path: &Path) -> Option<Place<'_>> {
        let mut at = 0usize;
        let mut exact = !self.nodes.is_empty();
        for segment in path.segments() {
            if let Some(child) = self.child(at, segment) {
                at = child;
            } else {
                exact = false;
                break;
            }
        }
        let node = self.nodes.get(at)?;
        let span = |start, end| Span { file: node.file, start, end };
        Some(Place {
            key: (node.key_end > 0).then(|| span(node.key_start, node.key_end)),
            value: span(node.start, node.end),
            note: (node.note as usize).checked_sub(1).and_then(|i| self.notes.get(i)),
            exact,
        })
    }

    /// [`Place::value_span`] of a path.
    #[must_use]
    pub fn value_span(&self, path: &Path) -> Option<Span> {
        self.find(path).map(|place| place.value_span())
    }

    /// [`Place::key_span`] of a path.
    #[must_use]
    pub fn key_span(&self, path: &Path) -> Option<Span> {
        self.find(path).map(|place| place.key_span())
    }

    fn child(&self, parent: usize, segment: &Segment) -> Option<usize> {
        let end = parent + self.nodes.get(parent)?.size as usize;
        let mut at = parent + 1;
        let mut index = 0;
        while at < end {
            let node = self.nodes.get(at)?;
            let hit = match segment {
                Segment::Key(key) | Segment::Element(key) => node.key == hash(key),
                Segment::Index(wanted) => index == *wanted,
            };
            if hit {
                return Some(at);
            }
            at += node.size.max(1) as usize;
            index += 1;
        }
        None
    }

    /// Nodes kept, for memory accounting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// Builds [`Positions`] in document order: `open` a node, its children, `close` it.
#[derive(Debug, Default)]
pub struct PositionsBuilder {
    done: Positions,
    open: Vec<usize>,
}

impl PositionsBuilder {
    /// Starts a node. `key` is its key in a map, or the value of the field `name` for a map in a list.
    pub fn open(&mut self, key: Option<&str>, key_span: Option<Span>, value: Span, note: Option<Note>) {
        let note = note.map_or(0, |note| {
            self.done.notes.push(note);
            u32::try_from(self.done.notes.len()).unwrap_or(0)
        });
        self.open.push(self.done.nodes.len());
        self.done.nodes.push(Node {
            file: value.file,
            start: value.start,
            end: value.end,
            key_start: key_span.map_or(0, |s| s.start),
            key_end: key_span.map_or(0, |s| s.end),
            key: key.map_or(0, hash),
            size: 1,
            note,
        });
    }

    /// Ends the node opened last.
    pub fn close(&mut self) {
        if let Some(at) = self.open.pop() {
            let size = self.done.nodes.len() - at;
            if let Some(node) = self.done.nodes.get_mut(at) {
                node.size = u32::try_from(size).unwrap_or(u32::MAX);
            }
        }
    }

    /// The positions; every node must have been closed.
    #[must_use]
    pub fn finish(mut self) -> Positions {
        while !self.open.is_empty() {
            self.close();
        }
        self.done.nodes.shrink_to_fit();
        self.done
    }
}

/// FNV-1a, never 0.
fn hash(key: &str) -> u32 {
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { file: FileId(0), start, end }
    }

    #[test]
    fn finds_keys_indices_and_named_elements() {
        // {a: 1, steps: [{name: x, v: 2}]}
        let mut b = PositionsBuilder::default();
        b.open(None, None, span(0, 100), None);
        b.open(Some("a"), Some(span(1, 2)), span(4, 5), None);
        b.close();
        b.open(Some("steps"), Some(span(7, 12)), span(14, 90), None);
        b.open(Some("x"), None, span(15, 80), None);
        b.open(Some("name"), Some(span(16, 20)), span(22, 23), None);
        b.close();
        b.open(Some("v"), Some(span(25, 26)), span(28, 29), None);
        b.close();
        b.close();
        b.close();
        b.close();
        let positions = b.finish();
        let start = |path: &Path| positions.find(path).map(|p| (p.value.start, p.exact));
        assert_eq!(start(&Path::keys("a")), Some((4, true)));
        assert_eq!(start(&Path::keys("steps").element("x").key("v")), Some((28, true)));
        assert_eq!(start(&Path::keys("steps").index(0).key("name")), Some((22, true)));
        assert_eq!(start(&Path::keys("steps").element("nope").key("v")), Some((14, false)));
    }
}
