//! One schema for manifests of every kind, for editors that match a schema by a file's name.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::inline::DEFINITIONS;
use super::subschemas::visit;
use super::{API_VERSION, BASE_URL, DIALECT, Variety};
use crate::kinds::ManifestKind;

/// The schema of a manifest of any kind; `project` is the schema of the project file.
///
/// The kind decides by `if` and `then` which schema holds, so that an editor reports what is wrong in that one
/// instead of "matches none".
#[must_use]
pub fn all_schema(variety: Variety, project: Value) -> Value {
    let kinds = ManifestKind::all().map(|kind| (kind.as_str(), variety.schema(kind)));
    let mut definitions = Map::new();
    let mut cases = Vec::new();
    let mut names = Vec::new();
    for (name, schema) in kinds.chain([("Project", project)]) {
        adopt(name, schema, &mut definitions);
        names.push(name);
        cases.push(json!({
            "if": { "properties": { "kind": { "const": name } }, "required": ["kind"] },
            "then": { "$ref": format!("{DEFINITIONS}{name}") },
        }));
    }
    json!({
        "$schema": DIALECT,
        "$id": format!("{BASE_URL}{}manifest.schema.json", variety.folder()),
        "title": "trueup manifest",
        "description": "A manifest of any kind.",
        "type": "object",
        "properties": {
            "apiVersion": { "type": "string", "const": API_VERSION, "description": "Version of the manifest's form." },
            "kind": { "type": "string", "enum": names, "description": "What is described." },
            // Named here so that an editor offers them before the kind is written.
            "metadata": { "type": "object" },
            "spec": { "type": "object" },
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "allOf": cases,
        "$defs": definitions,
    })
}

/// Makes a schema a definition of that name, and its own definitions ones beside it.
fn adopt(name: &str, mut schema: Value, definitions: &mut Map<String, Value>) {
    let mut own = Map::new();
    if let Value::Object(map) = &mut schema {
        map.shift_remove("$schema");
        map.shift_remove("$id");
        for keyword in ["$defs", "definitions"] {
            if let Some(Value::Object(more)) = map.shift_remove(keyword) {
                own.extend(more);
            }
        }
    }
    // Two kinds may mean different things by one name. What another kind defines alike is shared.
    let clashing: BTreeSet<String> = own
        .iter()
        .filter(|(key, body)| key.parse::<ManifestKind>().is_ok() || definitions.get(*key).is_some_and(|d| d != *body))
        .map(|(key, _)| key.clone())
        .collect();
    let rename = |schema: &mut Value| {
        visit(schema, &mut |map| {
            let target = map.get("$ref").and_then(Value::as_str);
            let key = target.and_then(|t| t.strip_prefix(DEFINITIONS).or_else(|| t.strip_prefix("#/definitions/")));
            if let Some(key) = key {
                let key = if clashing.contains(key) { format!("{name}{key}") } else { key.to_owned() };
                map.insert("$ref".into(), format!("{DEFINITIONS}{key}").into());
            }
        });
    };
    rename(&mut schema);
    for (key, mut body) in own {
        rename(&mut body);
        let key = if clashing.contains(&key) { format!("{name}{key}") } else { key };
        definitions.insert(key, body);
    }
    definitions.insert(name.to_owned(), schema);
}

/// Whether every definition referred to exists.
#[cfg(test)]
pub(super) fn is_complete(schema: &Value) -> bool {
    let mut found = BTreeSet::new();
    super::inline::references(&mut schema.clone(), &mut found);
    found.iter().all(|name| schema.get("$defs").and_then(|d| d.get(name)).is_some())
}
