//! The last step of a tree: variables are put in, nulls refused, and it becomes a value with positions.
//!
//! One walk does all three, so that a text is moved from the tree into the value and never copied.

use serde_json::{Map, Value};

use super::node::{Content, Entry, Node};
use super::reference;
use super::variables::Variables;
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::{Path, Segment};
use crate::base::positions::{Note, Positions, PositionsBuilder};
use crate::base::source::{FileId, Span};

/// Bytes by which variables may enlarge a document: a short file must not grow without bound, by aliases or otherwise.
const GROWTH_LIMIT: usize = 64 << 20;

/// What a walk needs to know.
pub(super) struct Context<'c> {
    /// Values of references; `None` leaves texts as they are.
    pub(super) variables: Option<&'c Variables>,
    /// Texts of the files spans can be in, for places inside a value.
    pub(super) sources: &'c [(FileId, &'c str)],
    /// `Kind/name`, for diagnostics.
    pub(super) address: Option<&'c str>,
    /// Whether null is allowed below this path.
    pub(super) allows_null: &'c dyn Fn(&Path) -> bool,
}

/// Turns a tree into its value and positions. Fields that are null are reported and left out.
pub(super) fn finish(root: Node, context: &Context<'_>, diagnostics: &mut Vec<Diagnostic>) -> (Value, Positions) {
    let mut walk = Walk { context, positions: PositionsBuilder::default(), grown: 0, diagnostics };
    let value = walk.node(root, Named::default(), &Trail { parent: None, step: Step::Root });
    (value, walk.positions.finish())
}

struct Walk<'w> {
    context: &'w Context<'w>,
    positions: PositionsBuilder,
    /// Bytes that variables brought in so far.
    grown: usize,
    diagnostics: &'w mut Vec<Diagnostic>,
}

/// How a node is known to the one above it.
#[derive(Clone, Copy, Default)]
struct Named<'n> {
    key: Option<&'n str>,
    span: Option<Span>,
}

/// The way to a node, on the stack: a path is made of it only for a diagnostic.
struct Trail<'t> {
    parent: Option<&'t Trail<'t>>,
    step: Step<'t>,
}

#[derive(Clone, Copy)]
enum Step<'t> {
    Root,
    Key(&'t str),
    Index(usize),
}

impl Trail<'_> {
    fn path(&self) -> Path {
        let mut segments = Vec::new();
        let mut at = Some(self);
        while let Some(trail) = at {
            match trail.step {
                Step::Root => {}
                Step::Key(key) => segments.push(Segment::Key(key.into())),
                Step::Index(index) => segments.push(Segment::Index(index)),
            }
            at = trail.parent;
        }
        segments.into_iter().rev().collect()
    }
}

impl Walk<'_> {
    fn node(&mut self, node: Node, named: Named<'_>, trail: &Trail<'_>) -> Value {
        let Node { content, span, note: written } = node;
        let mut origin = written.map(|boxed| *boxed);
        let content = match content {
            Content::Text(text) if reference::has_any(&text) => self.replace(text, span, &mut origin, trail),
            content => Ok(content),
        };
        self.positions.open(named.key, named.span, span, origin);
        let value = match content {
            Err(value) => value,
            Ok(Content::Null) => {
                self.refuse_null(span, named, trail);
                Value::Null
            }
            Ok(Content::Boolean(value)) => Value::Bool(value),
            Ok(Content::Number(value)) => Value::Number(value),
            Ok(Content::Text(value)) => Value::String(value),
            Ok(Content::List(elements)) => self.list(elements, trail),
            Ok(Content::Map(entries)) => self.map(entries, trail),
        };
        self.positions.close();
        value
    }

    fn list(&mut self, elements: Vec<Node>, trail: &Trail<'_>) -> Value {
        let mut values = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            let name = self.name_of(&element);
            let named = Named { key: name.as_deref(), span: None };
            values.push(self.node(element, named, &Trail { parent: Some(trail), step: Step::Index(index) }));
        }
        Value::Array(values)
    }

    /// The field `name` of an element as it will be; a copy, because its tree moves into the value.
    fn name_of(&self, element: &Node) -> Option<String> {
        let name = element.get("name")?.text()?;
        match self.context.variables {
            Some(variables) if reference::has_any(name) => {
                let replaced = variables.replace(name).ok()?;
                replaced.value.as_str().map(str::to_owned)
            }
            _ => Some(name.to_owned()),
        }
    }

    fn map(&mut self, entries: Vec<Entry>, trail: &Trail<'_>) -> Value {
        let mut map = Map::with_capacity(entries.len());
        for Entry { key, key_span, value } in entries {
            let step = Trail { parent: Some(trail), step: Step::Key(&key) };
            let named = Named { key: Some(&key), span: Some(key_span) };
            if matches!(value.content, Content::Null) && !(self.context.allows_null)(&step.path()) {
                self.refuse_null(value.span, named, &step);
            } else {
                let value = self.node(value, named, &step);
                map.insert(key, value);
            }
        }
        Value::Object(map)
    }

    fn refuse_null(&mut self, span: Span, named: Named<'_>, trail: &Trail<'_>) {
        let path = trail.path();
        // That a document is nothing is said by whoever knows what it should be.
        if trail.parent.is_none() || (self.context.allows_null)(&path) {
            return;
        }
        let subject = named.key.map_or_else(|| "an element of a list".to_owned(), |key| format!("`{key}`"));
        // A value that was left out has no width: its key is what can be shown.
        let place = if span.start == span.end { named.span.unwrap_or(span) } else { span };
        let diagnostic = Diagnostic::error(Code::NullValue, format!("{subject} has no value"));
        self.report(diagnostic.at(place).path(path).help("give it a value, or remove it"));
    }

    /// `Err` is the value as it is now, `Ok` a text whose references could not be replaced.
    fn replace(
        &mut self,
        text: String,
        span: Span,
        note: &mut Option<Note>,
        trail: &Trail<'_>,
    ) -> Result<Content, Value> {
        let Some(variables) = self.context.variables else { return Ok(Content::Text(text)) };
        if self.grown > GROWTH_LIMIT {
            return Ok(Content::Text(text));
        }
        match variables.replace(&text) {
            Ok(replaced) => {
                // There is one note per value. That a patch set it says more than what a variable in it was.
                self.grown += replaced.value.as_str().map_or(0, str::len).saturating_sub(text.len());
                if self.grown > GROWTH_LIMIT {
                    self.report(super::variables::too_large(GROWTH_LIMIT).at(span).path(trail.path()));
                }
                if !replaced.variables.is_empty() && !matches!(note, Some(Note::Patched { .. })) {
                    *note = Some(Note::Resolved { variables: replaced.variables });
                }
                Err(replaced.value)
            }
            Err(unresolved) => {
                let source = self.context.sources.iter().find(|(file, _)| *file == span.file).map(|(_, text)| *text);
                for problem in unresolved {
                    let diagnostic = problem.at(span, source).path(trail.path());
                    self.report(diagnostic);
                }
                Ok(Content::Text(text))
            }
        }
    }

    fn report(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.address = self.context.address.map(str::to_owned);
        self.diagnostics.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::variables::Setting;
    use super::super::yaml;
    use super::*;
    use serde_json::json;

    fn run(text: &str) -> (Value, Positions, Vec<Diagnostic>) {
        let variables = Variables(BTreeMap::from([
            ("var.t".into(), Some(Setting { value: 5.into(), set_by: "--var".into(), span: None })),
            ("var.step".into(), Some(Setting { value: "ask".into(), set_by: "--var".into(), span: None })),
        ]));
        let mut roots = Vec::new();
        let mut diagnostics = Vec::new();
        yaml::read(FileId(0), text, &mut diagnostics, &mut |tree| roots.push(tree.root));
        let context = Context {
            variables: Some(&variables),
            sources: &[(FileId(0), text)],
            address: Some("Destination/x"),
            allows_null: &|path| path.starts_with(&Path::keys("patch")),
        };
        let (value, positions) = finish(roots.remove(0), &context, &mut diagnostics);
        (value, positions, diagnostics)
    }

    #[test]
    fn references_take_their_type_and_leave_a_note() {
        let (value, positions, diagnostics) = run("spec:\n  timeout: \"${var.t}\"\n  ${var.t}: x\n");
        assert!(diagnostics.is_empty());
        assert_eq!(value, json!({"spec": {"timeout": 5, "${var.t}": "x"}}));
        let place = positions.find(&Path::keys("spec.timeout")).unwrap();
        assert!(matches!(place.note, Some(Note::Resolved { variables }) if &*variables[0].name == "var.t"));
    }

    #[test]
    fn unknown_references_are_shown_where_they_stand() {
        let (_, _, diagnostics) = run("a: [x, 'y ${var.q}']\n");
        assert_eq!(diagnostics[0].code, Code::UnknownVariable);
        assert_eq!(diagnostics[0].span, Some(Span { file: FileId(0), start: 10, end: 18 }));
        assert_eq!(diagnostics[0].path.as_ref().unwrap().to_string(), "a[1]");
        assert_eq!(diagnostics[0].address.as_deref(), Some("Destination/x"));
    }

    #[test]
    fn null_is_refused_outside_patches() {
        let (value, _, diagnostics) = run("a:\nb: null\nc: [~]\npatch: {d: null}\n");
        assert_eq!(value, json!({"c": [null], "patch": {"d": null}}));
        let places: Vec<_> = diagnostics.iter().map(|d| (d.code, d.span.unwrap().start)).collect();
        assert_eq!(places, [(Code::NullValue, 0), (Code::NullValue, 6), (Code::NullValue, 15)]);
    }

    #[test]
    fn elements_are_found_by_their_name() {
        let (_, positions, _) = run("steps:\n  - {name: \"${var.step}\", v: 1}\n  - {name: bye, v: 2}\n");
        let start = |name| positions.find(&Path::keys("steps").element(name).key("v")).unwrap();
        assert!(start("ask").exact && start("bye").exact);
        assert!(start("ask").value.start < start("bye").value.start);
    }
}
