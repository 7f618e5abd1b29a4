//! The same schema in draft-07, which some editors still ask for.

use serde_json::{Map, Value, json};

use super::BASE_URL;
use super::subschemas::visit;

/// `$schema` of draft-07.
pub(super) const DIALECT: &str = "http://json-schema.org/draft-07/schema#";

/// Rewrites a 2020-12 schema in draft-07.
///
/// Everything used here has an equal there, save `unevaluatedProperties`, `unevaluatedItems`, `minContains` and
/// `maxContains`: these are dropped, so that the result accepts at least what the original does.
#[must_use]
pub fn to_draft07(mut schema: Value) -> Value {
    visit(&mut schema, &mut rewrite);
    if let Value::Object(map) = &mut schema {
        map.insert("$schema".into(), DIALECT.into());
        let file = map.get("$id").and_then(Value::as_str).and_then(|id| id.strip_prefix(BASE_URL)).map(str::to_owned);
        if let Some(file) = file {
            map.insert("$id".into(), format!("{BASE_URL}draft-07/{file}").into());
        }
    }
    schema
}

fn rewrite(map: &mut Map<String, Value>) {
    if let Some(definitions) = map.shift_remove("$defs") {
        map.insert("definitions".into(), definitions);
    }
    if let Some(first) = map.shift_remove("prefixItems") {
        if let Some(rest) = map.shift_remove("items") {
            map.insert("additionalItems".into(), rest);
        }
        map.insert("items".into(), first);
    }
    dependencies(map);
    for keyword in ["unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains"] {
        map.shift_remove(keyword);
    }
    if let Some(target) = map.get("$ref").and_then(Value::as_str) {
        let target = target.replacen("#/$defs/", "#/definitions/", 1);
        // There everything beside a `$ref` is ignored.
        if map.len() > 1 {
            map.shift_remove("$ref");
            let part = json!({ "$ref": target });
            match map.get_mut("allOf") {
                Some(Value::Array(parts)) => parts.push(part),
                _ => {
                    map.insert("allOf".into(), json!([part]));
                }
            }
        } else {
            map.insert("$ref".into(), target.into());
        }
    }
}

fn dependencies(map: &mut Map<String, Value>) {
    let mut all = Map::new();
    for keyword in ["dependentRequired", "dependentSchemas"] {
        if let Some(Value::Object(some)) = map.shift_remove(keyword) {
            for (key, value) in some {
                let merged = match (all.shift_remove(&key), value) {
                    (Some(required), schema) => json!({ "allOf": [{ "required": required }, schema] }),
                    (None, value) => value,
                };
                all.insert(key, merged);
            }
        }
    }
    if !all.is_empty() {
        map.insert("dependencies".into(), all.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_translated_and_look_alikes_are_not() {
        let schema = json!({
            "$schema": super::super::DIALECT, "$id": "https://trueup.dev/schemas/v1/x.schema.json",
            "properties": {
                "$defs": { "$ref": "#/$defs/A", "description": "a field of that name" },
                "pair": { "prefixItems": [{ "type": "string" }], "items": false },
                "d": { "default": { "$defs": 1, "prefixItems": [] }, "unevaluatedProperties": false },
            },
            "dependentRequired": { "a": ["b"] },
            "dependentSchemas": { "a": { "minProperties": 2 } },
            "$defs": { "A": { "items": { "$ref": "#/$defs/A" } } },
        });
        let expected = json!({
            "$schema": DIALECT, "$id": "https://trueup.dev/schemas/v1/draft-07/x.schema.json",
            "properties": {
                "$defs": { "description": "a field of that name", "allOf": [{ "$ref": "#/definitions/A" }] },
                "pair": { "additionalItems": false, "items": [{ "type": "string" }] },
                "d": { "default": { "$defs": 1, "prefixItems": [] } },
            },
            "definitions": { "A": { "items": { "$ref": "#/definitions/A" } } },
            "dependencies": { "a": { "allOf": [{ "required": ["b"] }, { "minProperties": 2 }] } },
        });
        assert_eq!(to_draft07(schema), expected);
    }
}
