//! Writes out in place what a schema refers to, apart from what contains itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::subschemas::each_child;

/// Where definitions stand.
pub(super) const DEFINITIONS: &str = "#/$defs/";

/// Replaces every reference into `definitions`; those that contain themselves become the schema's `$defs`.
pub(super) fn inline(schema: &mut Value, definitions: Map<String, Value>) {
    let kept: BTreeSet<String> =
        definitions.keys().filter(|name| contains_itself(name, &definitions)).cloned().collect();
    let writer = Writer { definitions, kept };
    writer.write(schema);
    let mut used = BTreeSet::new();
    collect(schema, &writer, &mut used);
    if let (Some(map), false) = (schema.as_object_mut(), used.is_empty()) {
        let bodies = used.iter().filter_map(|name| Some((name.clone(), writer.body(name)?))).collect::<Map<_, _>>();
        map.insert("$defs".into(), bodies.into());
    }
}

struct Writer {
    definitions: Map<String, Value>,
    kept: BTreeSet<String>,
}

impl Writer {
    fn body(&self, name: &str) -> Option<Value> {
        let mut body = self.definitions.get(name)?.clone();
        self.write(&mut body);
        Some(body)
    }

    fn write(&self, schema: &mut Value) {
        let Value::Object(map) = schema else { return };
        // Ends, because what would come round to itself is kept.
        while let Some(body) =
            referred(map).filter(|name| !self.kept.contains(*name)).and_then(|name| self.definitions.get(name))
        {
            let body = body.clone();
            map.shift_remove("$ref");
            merge(map, body);
        }
        each_child(map, &mut |_, child| self.write(child));
    }
}

/// The name of the definition that a schema refers to.
fn referred(map: &Map<String, Value>) -> Option<&str> {
    map.get("$ref")?.as_str()?.strip_prefix(DEFINITIONS)
}

/// Puts a definition where the reference stood. Fields of both count; words at the place win over the definition's.
fn merge(map: &mut Map<String, Value>, body: Value) {
    let Value::Object(body) = body else { return };
    let mut besides = Map::new();
    for (keyword, value) in body {
        match (keyword.as_str(), map.get_mut(&keyword), value) {
            (_, None, value) => {
                map.insert(keyword, value);
            }
            ("properties", Some(Value::Object(own)), Value::Object(more)) => {
                for (name, schema) in more {
                    own.entry(name).or_insert(schema);
                }
            }
            ("required", Some(Value::Array(own)), Value::Array(more)) => {
                let more: Vec<Value> = more.into_iter().filter(|name| !own.contains(name)).collect();
                own.extend(more);
            }
            ("title" | "description" | "default" | "examples", Some(_), _) => {}
            (_, Some(own), value) if *own == value => {}
            // Both must hold, and one keyword cannot say two things.
            (_, Some(_), value) => {
                besides.insert(keyword, value);
            }
        }
    }
    if !besides.is_empty() {
        let parts = map.entry("allOf").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(parts) = parts {
            parts.push(besides.into());
        }
    }
}

fn contains_itself(name: &str, definitions: &Map<String, Value>) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(at) = open.pop() {
        let Some(mut body) = definitions.get(&at).cloned() else { continue };
        let mut found = BTreeSet::new();
        references(&mut body, &mut found);
        if found.contains(name) {
            return true;
        }
        open.extend(found.into_iter().filter(|next| seen.insert(next.clone())));
    }
    false
}

/// The definitions a schema needs, those its definitions need included.
fn collect(schema: &Value, writer: &Writer, used: &mut BTreeSet<String>) {
    let mut found = BTreeSet::new();
    references(&mut schema.clone(), &mut found);
    for name in found {
        if used.insert(name.clone())
            && let Some(body) = writer.body(&name)
        {
            collect(&body, writer, used);
        }
    }
}

/// The names of the definitions that a schema refers to.
pub(super) fn references(schema: &mut Value, found: &mut BTreeSet<String>) {
    super::subschemas::visit(schema, &mut |map| {
        found.extend(referred(map).map(str::to_owned));
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_contains_itself_stays_apart() {
        let mut schema = json!({"properties": {
            "a": {"description": "mine", "$ref": "#/$defs/Plain"},
            "b": {"$ref": "#/$defs/Outer"},
            "c": {"type": "string", "maxLength": 5, "$ref": "#/$defs/Plain"},
        }});
        let definitions = json!({
            "Plain": {"description": "theirs", "type": "string", "maxLength": 9},
            "Outer": {"items": {"$ref": "#/$defs/Tree"}},
            "Tree": {"properties": {"leaf": {"$ref": "#/$defs/Plain"}, "below": {"$ref": "#/$defs/Tree"}}},
        });
        inline(&mut schema, definitions.as_object().cloned().unwrap_or_default());
        assert_eq!(
            schema,
            json!({
                "properties": {
                    "a": {"description": "mine", "type": "string", "maxLength": 9},
                    "b": {"items": {"$ref": "#/$defs/Tree"}},
                    "c": {"type": "string", "maxLength": 5, "description": "theirs", "allOf": [{"maxLength": 9}]},
                },
                "$defs": {"Tree": {"properties": {
                    "leaf": {"description": "theirs", "type": "string", "maxLength": 9},
                    "below": {"$ref": "#/$defs/Tree"},
                }}},
            })
        );
    }
}
