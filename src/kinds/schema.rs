//! JSON Schemas of whole manifests, derived from the spec types and the field tables.
//!
//! There are two of each kind. The *strict* one is what a manifest must satisfy once its variables are replaced. The
//! *editor* one is for authors: wherever the strict one asks for more than a plain text, it also takes a text with a
//! variable reference.
//!
//! Optional fields never take `null`, and what a type refers to is written out in place, so that a reader, and the
//! code that walks a schema, needs no look-ups. `$defs` holds only what contains itself.

mod all;
mod defaults;
mod draft07;
mod inline;
mod marks;
pub(in crate::kinds) mod sites;
mod subschemas;
mod tidy;
mod validator;
mod variables;

use std::sync::OnceLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

pub use crate::base::schema::BASE_URL;
pub use all::all_schema;
pub use defaults::{default_at, without_defaults};
pub use draft07::to_draft07;
pub use validator::{SchemaError, validator};

use super::{ManifestKind, Metadata};

/// The `apiVersion` of every manifest.
pub const API_VERSION: &str = "trueup/v1";
/// `$schema` of what is built here.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Marks a node that takes a reference to a secret. A plain text there is a secret written out.
pub const SECRET_MARK: &str = "x-trueup-secret";
/// Marks a node that names an object; its value is the kind.
pub const REFERENCE_MARK: &str = "x-trueup-reference";
/// Marks a field that cannot be changed once the object exists.
pub const IMMUTABLE_MARK: &str = "x-trueup-immutable";
/// Marks what is not technical; its value is the data class.
pub const CLASS_MARK: &str = "x-trueup-class";

/// Which of the two schemas of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variety {
    /// For authors: variable references stand where other values will.
    Editor,
    /// What holds once variables are replaced.
    Strict,
}

impl Variety {
    /// The schema of a kind's manifests.
    #[must_use]
    pub fn schema(self, kind: impl Into<ManifestKind>) -> Value {
        match self {
            Self::Editor => editor_schema(kind),
            Self::Strict => manifest_schema(kind),
        }
    }

    /// Another schema needs another identity, else a tool that knows both may use either.
    fn folder(self) -> &'static str {
        match self {
            Self::Editor => "editor/",
            Self::Strict => "",
        }
    }
}

/// The strict schema of a kind's manifests.
#[must_use]
pub fn manifest_schema(kind: impl Into<ManifestKind>) -> Value {
    strict(kind).clone()
}

/// The editor schema of a kind's manifests.
#[must_use]
pub fn editor_schema(kind: impl Into<ManifestKind>) -> Value {
    let kind = kind.into();
    let mut schema = manifest_schema(kind);
    variables::allow(&mut schema);
    if let Some(map) = schema.as_object_mut() {
        map.insert("$id".into(), format!("{BASE_URL}{}{}", Variety::Editor.folder(), file_name(kind)).into());
    }
    schema
}

/// The strict schema of a kind's manifests, built once.
#[must_use]
pub fn strict(kind: impl Into<ManifestKind>) -> &'static Value {
    static SCHEMAS: PerKind<Value> = PerKind::new();
    SCHEMAS.get(kind.into(), build)
}

/// The name of a kind's schema file: `incoming-webhook.schema.json`.
#[must_use]
pub fn file_name(kind: impl Into<ManifestKind>) -> String {
    let kind = kind.into();
    let mut name = String::new();
    for c in kind.as_str().chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name + ".schema.json"
}

fn build(kind: ManifestKind) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let metadata = Metadata::json_schema(&mut generator).to_value();
    let spec = kind.spec_schema(&mut generator).to_value();
    let mut definitions = generator.take_definitions(true);
    let documentation = kind.documentation();
    let mut schema = json!({
        "$schema": DIALECT,
        "$id": format!("{BASE_URL}{}", file_name(kind)),
        "title": kind.as_str(),
        // Readers of schemas show it as it stands, without rendering Markdown.
        "description": first_paragraph(&documentation).replace("**", ""),
        "type": "object",
        "properties": {
            "apiVersion": { "type": "string", "const": API_VERSION, "description": "Version of the manifest's form." },
            "kind": { "type": "string", "const": kind.as_str(), "description": "What is described." },
            "metadata": metadata,
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
    });
    tidy::tidy(&mut schema);
    definitions.values_mut().for_each(tidy::tidy);
    inline::inline(&mut schema, definitions);
    subschemas::visit(&mut schema, &mut tidy::close_flattened);
    marks::mark(&mut schema, kind.fields());
    schema
}

/// The first paragraph of a Markdown text, on one line.
pub(in crate::kinds) fn first_paragraph(text: &str) -> String {
    let lines = text.lines().map(str::trim).skip_while(|line| line.is_empty() || line.starts_with('#'));
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A value for each kind, made when it is first asked for.
struct PerKind<T> {
    cells: [OnceLock<T>; ManifestKind::COUNT],
}

impl<T> PerKind<T> {
    const fn new() -> Self {
        Self { cells: [const { OnceLock::new() }; ManifestKind::COUNT] }
    }

    fn get(&self, kind: ManifestKind, make: impl FnOnce(ManifestKind) -> T) -> &T {
        self.cells[kind.index()].get_or_init(|| make(kind))
    }
}

#[cfg(test)]
mod tests;
