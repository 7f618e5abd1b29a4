//! A target's patches: JSON merge patch (RFC 7396) on trees, keeping where each value came from.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::node::{Content, Entry, Node};
use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::positions::Note;
use crate::base::source::Span;

/// One patch of the chosen target.
#[derive(Debug)]
pub(super) struct Patch {
    /// `Kind/name` of the manifest.
    pub(super) address: String,
    /// Where the address stands in the project file.
    pub(super) address_span: Span,
    /// What is merged; a map.
    pub(super) merge: Node,
}

/// The chosen target's patches by address, and which of them met a manifest.
#[derive(Debug, Default)]
pub(super) struct Patches {
    target: Arc<str>,
    list: Vec<(Patch, AtomicBool)>,
    by_address: HashMap<String, Vec<usize>>,
}

impl Patches {
    /// Checks patches and gathers them; one that would change what a manifest *is* is reported and left out.
    pub(super) fn new(target: &str, patches: Vec<Patch>, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut all = Self { target: target.into(), list: Vec::new(), by_address: HashMap::new() };
        for patch in patches {
            let before = diagnostics.len();
            refuse_identity(&patch, diagnostics);
            if diagnostics.len() == before {
                all.by_address.entry(patch.address.clone()).or_default().push(all.list.len());
                all.list.push((patch, AtomicBool::new(false)));
            }
        }
        all
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Applies all patches of an address, in the order written.
    pub(super) fn apply(&self, address: &str, document: &mut Node) {
        for (patch, met) in self.by_address.get(address).into_iter().flatten().filter_map(|at| self.list.get(*at)) {
            met.store(true, Ordering::Relaxed);
            merge(document, &patch.merge, &self.target);
        }
    }

    /// Reports the patches that met no manifest, given the addresses there are.
    pub(super) fn report_unmet(&self, addresses: &[String], diagnostics: &mut Vec<Diagnostic>) {
        for (patch, _) in self.list.iter().filter(|(_, met)| !met.load(Ordering::Relaxed)) {
            let message = format!("the project has no manifest `{}` to patch", patch.address);
            let mut diagnostic = Diagnostic::error(Code::InvalidPatch, message).at(patch.address_span);
            if let Some(meant) = nearest(&patch.address, addresses.iter().map(String::as_str)) {
                diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
            }
            diagnostics.push(diagnostic);
        }
    }
}

fn refuse_identity(patch: &Patch, diagnostics: &mut Vec<Diagnostic>) {
    let metadata = patch.merge.entry("metadata");
    // A metadata that is no map would remove the name with everything else.
    let whole = metadata.filter(|entry| !matches!(entry.value.content, Content::Map(_)));
    let name = metadata.and_then(|entry| entry.value.entry("name"));
    let forbidden = [
        ("apiVersion", patch.merge.entry("apiVersion")),
        ("kind", patch.merge.entry("kind")),
        ("metadata", whole),
        ("metadata.name", name),
    ];
    for (field, entry) in forbidden {
        if let Some(entry) = entry {
            let message = format!("a patch may not change `{field}`");
            let help = "kind and name are what the manifest is; write a manifest of its own instead";
            diagnostics
                .push(Diagnostic::error(Code::InvalidPatch, message).at(entry.key_span).of(&patch.address).help(help));
        }
    }
}

fn merge(target: &mut Node, patch: &Node, name: &Arc<str>) {
    let Content::Map(changes) = &patch.content else {
        let original = Some(target.span);
        *target = patch.clone();
        target.note_all(&Note::Patched { target: Arc::clone(name), original });
        return;
    };
    if !matches!(target.content, Content::Map(_)) {
        let note = Note::Patched { target: Arc::clone(name), original: Some(target.span) };
        *target = Node { content: Content::Map(Vec::new()), span: patch.span, note: Some(Box::new(note)) };
    }
    let Content::Map(entries) = &mut target.content else { return };
    let mut removed = Vec::new();
    for change in changes {
        let at = entries.iter().position(|entry| entry.key == change.key);
        match (at, &change.value.content) {
            (Some(at), Content::Null) => {
                entries.remove(at);
                removed.push((Arc::from(change.key.as_str()), change.key_span));
            }
            (None, Content::Null) => {}
            (Some(at), _) => {
                if let Some(entry) = entries.get_mut(at) {
                    merge(&mut entry.value, &change.value, name);
                    // Key and value are shown together, so they are of one file.
                    if entry.value.span.file != entry.key_span.file {
                        entry.key_span = change.key_span;
                    }
                }
            }
            (None, _) => entries.push(added(change, name)),
        }
    }
    // There is one note per value; of what stands in the patch itself, that says enough.
    match target.note.as_deref_mut() {
        _ if removed.is_empty() => {}
        Some(Note::Removed { fields, .. }) => fields.append(&mut removed),
        Some(Note::Patched { .. }) => {}
        Some(Note::Resolved { .. } | Note::Aliased { .. }) | None => {
            target.note = Some(Box::new(Note::Removed { target: Arc::clone(name), fields: removed }));
        }
    }
}

/// A field the manifest does not have. Nulls below it remove nothing and are left out.
fn added(change: &Entry, name: &Arc<str>) -> Entry {
    let mut value = change.value.clone();
    if let Content::Map(entries) = &mut value.content {
        entries.clear();
        let below = change.value.entries().iter().filter(|entry| !matches!(entry.value.content, Content::Null));
        entries.extend(below.map(|entry| added(entry, name)));
    }
    value.note_all(&Note::Patched { target: Arc::clone(name), original: None });
    Entry { key: change.key.clone(), key_span: change.key_span, value }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::finish::{Context, finish};
    use super::super::yaml;
    use super::*;
    use crate::base::path::Path;
    use crate::base::positions::Positions;
    use crate::base::source::FileId;

    fn tree(file: u32, text: &str) -> Node {
        let mut roots = Vec::new();
        yaml::read(FileId(file), text, &mut Vec::new(), &mut |tree| roots.push(tree.root));
        roots.remove(0)
    }

    fn patched(document: &str, merge: &str) -> (Value, Positions, Vec<Diagnostic>) {
        let mut document = tree(1, document);
        let span = Span { file: FileId(0), start: 0, end: 0 };
        let patch = Patch { address: "A/x".into(), address_span: span, merge: tree(0, merge) };
        let mut diagnostics = Vec::new();
        Patches::new("prod", vec![patch], &mut diagnostics).apply("A/x", &mut document);
        let context = Context { variables: None, sources: &[], address: None, allows_null: &|_| true };
        let (value, positions) = finish(document, &context, &mut diagnostics);
        (value, positions, diagnostics)
    }

    #[test]
    fn the_examples_of_the_standard() {
        // RFC 7396, appendix A, as far as both sides are maps.
        let cases = [
            ("{a: b}", "{a: c}", json!({"a": "c"})),
            ("{a: b}", "{b: c}", json!({"a": "b", "b": "c"})),
            ("{a: b}", "{a: null}", json!({})),
            ("{a: b, b: c}", "{a: null}", json!({"b": "c"})),
            ("{a: [b]}", "{a: c}", json!({"a": "c"})),
            ("{a: c}", "{a: [b]}", json!({"a": ["b"]})),
            ("{a: {b: c}}", "{a: {b: d, c: null}}", json!({"a": {"b": "d"}})),
            ("{a: [{b: c}]}", "{a: [1]}", json!({"a": [1]})),
            ("{e: null}", "{a: 1}", json!({"e": null, "a": 1})),
            ("{a: 1}", "{a: {bb: {ccc: null}}}", json!({"a": {"bb": {}}})),
            ("{}", "{a: {bb: {ccc: null}}}", json!({"a": {"bb": {}}})),
        ];
        for (document, merge, expected) in cases {
            assert_eq!(patched(document, merge).0, expected, "{document} {merge}");
        }
    }

    #[test]
    fn patched_values_know_both_places() {
        let (_, positions, _) = patched("spec: {t: 10, u: 1}\n", "spec:\n  t: 5\n  v: {w: 1}\n");
        let place = positions.find(&Path::keys("spec.t")).unwrap();
        assert_eq!(place.key, Some(Span { file: FileId(0), start: 8, end: 9 }));
        let original = Span { file: FileId(1), start: 10, end: 12 };
        assert_eq!(place.note, Some(&Note::Patched { target: "prod".into(), original: Some(original) }));
        let new = positions.find(&Path::keys("spec.v.w")).unwrap();
        assert_eq!(new.note, Some(&Note::Patched { target: "prod".into(), original: None }));
        assert_eq!(positions.find(&Path::keys("spec.u")).unwrap().note, None);
    }

    #[test]
    fn what_was_removed_is_known_to_what_it_was_removed_from() {
        let (_, positions, _) = patched("spec: {t: 10, u: 1}\n", "spec: {t: null, x: null}\n");
        let fields = vec![("t".into(), Span { file: FileId(0), start: 7, end: 8 })];
        let note = positions.find(&Path::keys("spec")).unwrap().note;
        assert_eq!(note, Some(&Note::Removed { target: "prod".into(), fields }));
    }

    #[test]
    fn identity_stays() {
        for merge in ["{kind: B}", "{apiVersion: x}", "{metadata: {name: y}}", "{metadata: null}", "{kind: null}"] {
            let (_, _, diagnostics) = patched("{kind: A, metadata: {name: x}}", merge);
            assert_eq!(diagnostics[0].code, Code::InvalidPatch, "{merge}");
        }
        assert!(patched("{kind: A}", "{metadata: {labels: {a: b}}}").2.is_empty());
    }

    #[test]
    fn a_patch_for_nothing_is_reported() {
        let span = Span { file: FileId(0), start: 3, end: 9 };
        let patch = Patch { address: "Destination/slak".into(), address_span: span, merge: tree(0, "{}") };
        let mut diagnostics = Vec::new();
        let patches = Patches::new("prod", vec![patch], &mut diagnostics);
        patches.report_unmet(&["Destination/slack".into()], &mut diagnostics);
        assert_eq!((diagnostics[0].code, diagnostics[0].span), (Code::InvalidPatch, Some(span)));
        assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `Destination/slack`?"));
    }
}
