//! The reference pages.

use serde_json::Value;

use super::field::{agreed_default, class, description, is_secret, mark, tags};
use super::markdown::{self, code, paragraph, table, with_tags, yes};
use super::subject::{DocumentKind, Subject};
use super::type_text::type_text;
use crate::base::code::Code;
use crate::kinds::ManifestKind;
use crate::kinds::catalogue::{COMMON, EVENTS, Property};
use crate::kinds::field::{Compare, FieldTree};
use crate::kinds::schema::sites::{self, Site};
use crate::kinds::schema::{IMMUTABLE_MARK, REFERENCE_MARK};

/// How deep a table goes; no kind comes near it.
const DEPTH_LIMIT: usize = 16;

/// The page of a kind: its documentation, life cycle and all its fields.
#[must_use]
pub fn kind_reference(kind: ManifestKind) -> String {
    let has_token = match kind {
        ManifestKind::Managed(kind) => kind.has_token(),
        ManifestKind::ClientSide(_) => false,
    };
    let token = has_token.then_some("The target makes a secret token for each; `trueup outputs` prints it.");
    page(&Subject::of_kind(kind), token)
}

/// The page of a document that is no kind, likewise.
#[must_use]
pub fn document_reference(document: &DocumentKind<'_>) -> String {
    page(&Subject::of_document(document), None)
}

fn page(subject: &Subject<'_>, token: Option<&str>) -> String {
    let Subject { name, documentation, schema: root, tree, life_cycle } = subject;
    let mut page = format!("# {name}\n");
    paragraph(&mut page, documentation);
    if let Some(life_cycle) = life_cycle {
        paragraph(&mut page, "## Life cycle");
        paragraph(&mut page, life_cycle);
    }
    if let Some(token) = token {
        paragraph(&mut page, token);
    }
    paragraph(&mut page, "## Fields");
    let head = ["Path", "Type", "Required", "Default", "Description", "Marks"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for name in ["metadata", "spec"] {
        let below = sites::key(root, &sites::root(root), name);
        let tree = tree.and_then(|tree| tree.below_key(name));
        add_rows(root, &below, name, tree, DEPTH_LIMIT, &mut rows);
    }
    paragraph(&mut page, &table(&rows));
    page
}

fn add_rows(
    root: &Value,
    at: &[Site<'_>],
    path: &str,
    tree: Option<&FieldTree>,
    depth: usize,
    rows: &mut Vec<Vec<String>>,
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for field in sites::fields(root, at) {
        let path = format!("{path}.{}", field.name);
        let tree = tree.and_then(|tree| tree.below_key(field.name));
        let default = agreed_default(&field.sites).map(|value| code(&markdown::value(value)));
        rows.push(vec![
            code(&path),
            type_text(root, &field.sites),
            yes(field.required).to_owned(),
            default.unwrap_or_default(),
            with_tags(&description(&field.sites), &tags(&field.only_with)),
            marks(root, &field.sites, tree),
        ]);
        let opaque = tree.and_then(FieldTree::field).is_some_and(|row| row.opaque);
        // How secrets and objects are referred to is the same everywhere and would drown the fields.
        let refers =
            is_secret(root, &field.sites) || mark(&with_elements(root, &field.sites), REFERENCE_MARK).is_some();
        if !opaque && !refers {
            add_rows(root, &field.sites, &path, tree, depth, rows);
        }
    }
    let elements = sites::element(root, at);
    if !elements.is_empty() {
        add_rows(root, &elements, &format!("{path}[]"), tree.and_then(FieldTree::below_element), depth, rows);
    }
    let any = sites::any_key(root, at);
    if !any.is_empty() && !is_secret(root, &any) {
        add_rows(root, &any, &format!("{path}.*"), tree.and_then(|tree| tree.below_key("*")), depth, rows);
    }
}

fn with_elements<'s>(root: &'s Value, at: &[Site<'s>]) -> Vec<Site<'s>> {
    at.iter().cloned().chain(sites::element(root, at)).chain(sites::any_key(root, at)).collect()
}

/// What the field table says, in a few words; what it says of the elements included.
fn marks(root: &Value, at: &[Site<'_>], tree: Option<&FieldTree>) -> String {
    let mut words: Vec<String> = Vec::new();
    if let Some(kind) = mark(&with_elements(root, at), REFERENCE_MARK).and_then(Value::as_str) {
        words.push(format!("refers to {kind}"));
    }
    if mark(at, IMMUTABLE_MARK).is_some() {
        words.push("cannot be changed".into());
    }
    if is_secret(root, at) || is_secret(root, &sites::any_key(root, at)) {
        words.push("secret".into());
    }
    words.extend(markdown::class(class(at)).map(str::to_owned));
    if let Some(row) = tree.and_then(FieldTree::field) {
        if row.compare == Compare::Set {
            words.push("set".into());
        }
        if row.beside_versions {
            words.push("beside the versions".into());
        }
    }
    words.join(", ")
}

/// The page of all diagnostic codes.
#[must_use]
pub fn codes_reference() -> String {
    let mut page = "# Diagnostic codes\n".to_owned();
    paragraph(
        &mut page,
        "Each problem has a code, which is never renamed or reused. `trueup explain CODE` prints the same.",
    );
    for code in Code::ALL {
        paragraph(&mut page, &format!("## `{code}`"));
        paragraph(&mut page, &format!("*{}.* {}", code.title(), code.explanation()));
    }
    page
}

/// The page of the built-in events.
#[must_use]
pub fn events_reference() -> String {
    let mut page = "# Events\n".to_owned();
    let count = EVENTS.len();
    paragraph(
        &mut page,
        &format!(
            "The {count} built-in events. A Webhook names one of them, or an EventType, in `spec.event`; its conditions and properties name properties of that event. The class says what a value tells about people."
        ),
    );
    paragraph(&mut page, "## Common properties");
    paragraph(&mut page, "Every event has these, EventTypes included.");
    paragraph(&mut page, &properties(COMMON.iter()));
    let mut group = "";
    for event in EVENTS.values() {
        if event.group != group {
            group = event.group;
            paragraph(&mut page, &format!("## {group}"));
        }
        paragraph(&mut page, &format!("### `{}`", event.id));
        paragraph(&mut page, &format!("When {}.", event.happens));
        let own: Vec<_> = event.properties.iter().filter(|(name, _)| !COMMON.contains_key(*name)).collect();
        if own.is_empty() {
            paragraph(&mut page, "No properties of its own.");
        } else {
            paragraph(&mut page, &properties(own.into_iter()));
        }
    }
    page
}

fn properties<'p>(properties: impl Iterator<Item = (&'p &'static str, &'p Property)>) -> String {
    let mut rows = vec![["Property", "Type", "Class"].map(str::to_owned).to_vec()];
    rows.extend(properties.map(|(name, property)| {
        vec![code(name), property.value_type.as_str().to_owned(), property.class.as_str().to_owned()]
    }));
    table(&rows)
}
