//! The YAML loader: text to trees with spans, document by document.
//!
//! Events come from granit-parser, which gives byte offsets and can resume at the next document; everything that
//! decides what a manifest may be (scalars, duplicate and merge keys, aliases and their budget) is here and in the
//! neighbouring files, so that the parser could be exchanged. JSON is read by the same path, being YAML.
//! Nothing here recurses over input, so that depth is a limit and not a crash.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StructureStyle, Tag};

use super::map;
use super::node::{Content, Entry, Node};
use super::scalar;
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::positions::Note;
use crate::base::source::{FileId, Span};

/// Nodes, keys counted too, a document may have once its aliases are expanded: a hundred times the largest workflow we know, and yet
/// only some hundred megabytes.
pub(crate) const NODE_LIMIT: usize = 1_000_000;
/// Levels of lists and maps. Later stages recurse over values, on threads with 2 MiB of stack.
pub(crate) const DEPTH_LIMIT: usize = 128;

/// One document as a tree.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Its root.
    pub(crate) root: Node,
    /// Whether nothing had to be reported; if not, the tree is what could be kept.
    pub(crate) sound: bool,
}

/// Reads all documents of a text and hands each over as soon as it is complete.
///
/// Empty documents are passed over. Problems are appended to `diagnostics`; a document that cannot be parsed is not
/// handed over, and reading goes on at the next one. `text` must be free of a byte order mark and below 4 GiB.
pub(crate) fn read(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>, each: &mut dyn FnMut(Tree)) {
    let mut options = Options::default();
    options.set_emit_comments(false);
    // An alias without an anchor is reported at its place and the rest of the document is still checked.
    options.emit_unresolved_aliases = true;
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut loader = Loader::new(file, text, diagnostics);
    loop {
        let step = match parser.next_event() {
            None | Some(Ok((Event::StreamEnd, _))) => return,
            Some(Ok((Event::DocumentEnd, _))) => {
                if let Some(tree) = loader.finish() {
                    each(tree);
                }
                continue;
            }
            Some(Ok((event, span))) => {
                let span = loader.span(&span);
                loader.on(event, span)
            }
            Some(Err(error)) => Err(Box::new(loader.syntax(&error))),
        };
        if let Err(diagnostic) = step {
            loader.abandon(*diagnostic);
            match parser.proceed_next_document() {
                Ok(true) => {}
                // What is wrong with the rest was said by the first error.
                Ok(false) | Err(_) => return,
            }
        }
    }
}

/// A node that ends the document: too big, too deep, or not YAML. Boxed to keep the good path small.
type Fatal = Box<Diagnostic>;

struct Loader<'r> {
    file: FileId,
    text: &'r str,
    diagnostics: &'r mut Vec<Diagnostic>,
    /// Problems when the document began, to tell whether it has any.
    before: usize,
    open: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    /// Nodes of the document so far, expanded ones counted as often as they were.
    nodes: usize,
    /// Nodes copied for anchors: nested anchors copy their content once per level.
    kept: usize,
    root: Option<Node>,
}

struct Anchored {
    node: Node,
    nodes: usize,
    height: usize,
}

/// A list or map that is not complete yet.
struct Frame {
    span: Span,
    block: bool,
    anchor: usize,
    /// Nodes of the document when it began.
    first_node: usize,
    /// Levels below it so far.
    height: usize,
    /// Where its last value ends: the parser ends a block only at whatever comes after it.
    end: u32,
    content: Building,
}

enum Building {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<Key>, merge: Option<(Span, Node)> },
}

struct Key {
    text: String,
    span: Span,
    role: KeyRole,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyRole {
    Plain,
    Merge,
    /// Not a scalar: reported, and its value is dropped.
    Refused,
}

impl<'r> Loader<'r> {
    fn new(file: FileId, text: &'r str, diagnostics: &'r mut Vec<Diagnostic>) -> Self {
        let before = diagnostics.len();
        let (open, anchors) = (Vec::new(), HashMap::new());
        Self { file, text, diagnostics, before, open, anchors, nodes: 0, kept: 0, root: None }
    }

    fn span(&self, span: &granit_parser::Span) -> SpanAndTag {
        let offset =
            |marker: &granit_parser::Marker| u32::try_from(marker.byte_offset().unwrap_or(0)).unwrap_or(u32::MAX);
        let at = |start, end| Span { file: self.file, start, end };
        let node = at(offset(&span.start), offset(&span.end));
        SpanAndTag { node, tag: span.tag_span().map(|tag| at(offset(&tag.start), offset(&tag.end))) }
    }

    fn on(&mut self, event: Event<'_>, span: SpanAndTag) -> Result<(), Fatal> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(style, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "seq", span);
                self.start(span.node, style, anchor, Building::List(Vec::new()))
            }
            Event::MappingStart(style, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "map", span);
                let content = Building::Map { entries: Vec::new(), key: None, merge: None };
                self.start(span.node, style, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span.node),
            Event::Alias(anchor) => self.alias(anchor, span.node),
            Event::UnresolvedAlias(name) => {
                let message = format!("`*{name}` has no anchor before it in this document");
                let help =
                    format!("write `&{name}` at the value it stands for; anchors do not reach into another document");
                self.diagnostics.push(Diagnostic::error(Code::YamlSyntax, message).at(span.node).help(help));
                // Not null, which would be a second problem of the same place.
                self.place(Node::new(Content::Text(String::new()), span.node), 0, span.node.end);
                Ok(())
            }
            // Everything else is punctuation.
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        spans: SpanAndTag,
    ) -> Result<(), Fatal> {
        let span = self.trimmed(spans.node, style);
        self.count(1, span)?;
        let core = tag.and_then(Tag::core_suffix);
        if tag.is_some() && core.is_none() {
            self.refuse_tag(spans);
        }
        let plain = style == ScalarStyle::Plain && tag.is_none();
        let is_key = self.awaits_key();
        let content = match core {
            Some(suffix) => scalar::tagged(suffix, text),
            // A key is its text, so that `1` and `"1"` are the same and `no` needs no thought.
            None if plain && !is_key => scalar::plain(text),
            None => Ok(Content::Text(text.into())),
        };
        let content = content.unwrap_or_else(|error| {
            let shown: String = text.chars().take(60).collect();
            let help = "write it in quotes if it is meant as a text";
            self.diagnostics
                .push(Diagnostic::error(Code::YamlUnsupported, format!("`{shown}` {error}")).at(span).help(help));
            Content::Text(text.into())
        });
        let node = Node::new(content, span);
        self.keep(anchor, &node, 1, 0)?;
        if is_key {
            let nothing = plain && span.start == span.end;
            let role = match text {
                "<<" if plain => KeyRole::Merge,
                _ if nothing => self.refuse_key(span, "a key is missing here"),
                _ => KeyRole::Plain,
            };
            self.set_key(Key { text: text.into(), span, role });
        } else {
            self.place(node, 0, span.end);
        }
        Ok(())
    }

    fn start(&mut self, span: Span, style: StructureStyle, anchor: usize, content: Building) -> Result<(), Fatal> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(too_deep(span));
        }
        let first_node = self.nodes;
        self.count(1, span)?;
        let block = style == StructureStyle::Block;
        self.open.push(Frame { span, block, anchor, first_node, height: 0, end: span.end, content });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), Fatal> {
        let Some(Frame { mut span, block, anchor, first_node, height, end: last, content }) = self.open.pop() else {
            return Ok(());
        };
        span.end = if block { last } else { end.end };
        let content = match content {
            Building::List(elements) => Content::List(elements),
            Building::Map { mut entries, key: _, merge } => {
                map::refuse_duplicates(&mut entries, self.diagnostics);
                if let Some((_, sources)) = merge {
                    map::merge(&mut entries, sources, self.diagnostics);
                }
                Content::Map(entries)
            }
        };
        let node = Node::new(content, span);
        self.keep(anchor, &node, self.nodes - first_node, height + 1)?;
        if self.awaits_key() {
            let role = self.refuse_key(span, "a key is a list or a map");
            self.set_key(Key { text: String::new(), span, role });
        } else {
            self.place(node, height + 1, span.end);
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, used: Span) -> Result<(), Fatal> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            let message = "an alias stands inside the value it refers to, which would have no end";
            return Err(Box::new(Diagnostic::error(Code::AliasBudget, message).at(used)));
        };
        let (nodes, height) = (anchored.nodes, anchored.height);
        if self.open.len() + height > DEPTH_LIMIT {
            return Err(too_deep(used));
        }
        if self.nodes + nodes > NODE_LIMIT {
            return Err(alias_budget(used));
        }
        self.nodes += nodes;
        let mut node = anchored.node.clone();
        if self.awaits_key() {
            let text = match &node.content {
                Content::Text(text) => Some(text.clone()),
                Content::Boolean(value) => Some(value.to_string()),
                Content::Number(value) => Some(value.to_string()),
                Content::Null | Content::List(_) | Content::Map(_) => None,
            };
            let role = if text.is_some() { KeyRole::Plain } else { self.refuse_key(used, "a key is not a scalar") };
            self.set_key(Key { text: text.unwrap_or_default(), span: used, role });
        } else {
            node.note_all(&Note::Aliased { used });
            self.place(node, height, used.end);
        }
        Ok(())
    }

    /// Puts a complete node where the document is: into the open list or map, or at the root.
    ///
    /// `end` is where it ends in the text, which for an alias is not the node's own end.
    fn place(&mut self, node: Node, height: usize, end: u32) {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        frame.height = frame.height.max(height);
        frame.end = frame.end.max(end);
        match &mut frame.content {
            Building::List(elements) => elements.push(node),
            Building::Map { entries, key, merge } => match key.take() {
                Some(Key { text, span, role: KeyRole::Plain }) => {
                    entries.push(Entry { key: text, key_span: span, value: node });
                }
                Some(Key { span, role: KeyRole::Merge, .. }) => match merge {
                    Some((first, _)) => self.diagnostics.push(map::duplicate("<<", span, *first)),
                    None => *merge = Some((span, node)),
                },
                Some(Key { role: KeyRole::Refused, .. }) | None => {}
            },
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Frame { content: Building::Map { key: None, .. }, .. }))
    }

    fn set_key(&mut self, new: Key) {
        if let Some(Frame { content: Building::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = Some(new);
        }
    }

    fn refuse_key(&mut self, span: Span, what: &str) -> KeyRole {
        let help = "keys are plain texts; write `key: value`";
        self.diagnostics.push(Diagnostic::error(Code::YamlUnsupported, what).at(span).help(help));
        KeyRole::Refused
    }

    fn check_collection_tag(&mut self, tag: Option<&Tag>, wanted: &str, spans: SpanAndTag) {
        if tag.is_some_and(|tag| tag.core_suffix() != Some(wanted)) {
            self.refuse_tag(spans);
        }
    }

    fn refuse_tag(&mut self, spans: SpanAndTag) {
        let span = spans.tag.unwrap_or(spans.node);
        let written = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let message = format!("the tag `{}` has no meaning here", written.chars().take(60).collect::<String>());
        let help = "remove it; of tags, only those of YAML's core (!!str, !!int, !!float, !!bool, !!null, !!seq, !!map) are read";
        self.diagnostics.push(Diagnostic::error(Code::YamlUnsupported, message).at(span).help(help));
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Fatal> {
        self.nodes += nodes;
        if self.nodes <= NODE_LIMIT {
            return Ok(());
        }
        let message = format!("the document has more than {NODE_LIMIT} keys and values");
        Err(Box::new(Diagnostic::error(Code::TooLarge, message).at(span).help("split it into several documents")))
    }

    fn keep(&mut self, anchor: usize, node: &Node, nodes: usize, height: usize) -> Result<(), Fatal> {
        if anchor == 0 {
            return Ok(());
        }
        self.kept += nodes;
        if self.kept > NODE_LIMIT {
            return Err(alias_budget(node.span));
        }
        self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, height });
        Ok(())
    }

    /// A block scalar ends after its line break, and with "keep" after empty lines: for people it ends with its text.
    fn trimmed(&self, mut span: Span, style: ScalarStyle) -> Span {
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let written = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
            let without = written.trim_end().len();
            span.end = span.start + u32::try_from(without).unwrap_or(0);
        }
        span
    }

    fn finish(&mut self) -> Option<Tree> {
        let sound = self.diagnostics.len() == self.before;
        let root = self.root.take();
        self.reset();
        let root = root?;
        let empty = matches!(root.content, Content::Null) && root.span.start == root.span.end;
        (!empty || !sound).then_some(Tree { root, sound })
    }

    fn abandon(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
        self.root = None;
        self.reset();
    }

    fn reset(&mut self) {
        self.before = self.diagnostics.len();
        self.open.clear();
        self.anchors.clear();
        (self.nodes, self.kept) = (0, 0);
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let start = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        let width = self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let span = Span { file: self.file, start: at(start), end: at(start + width) };
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            return *too_deep(span);
        }
        Diagnostic::error(Code::YamlSyntax, error.info()).at(span)
    }
}

#[derive(Clone, Copy)]
struct SpanAndTag {
    node: Span,
    tag: Option<Span>,
}

fn too_deep(span: Span) -> Fatal {
    let message = format!("lists and maps nest deeper than {DEPTH_LIMIT} levels");
    Box::new(Diagnostic::error(Code::TooLarge, message).at(span))
}

fn alias_budget(span: Span) -> Fatal {
    let message = format!("aliases expand to more than {NODE_LIMIT} keys and values");
    Box::new(Diagnostic::error(Code::AliasBudget, message).at(span).help("write the values out, or split the document"))
}

#[cfg(test)]
mod tests;
