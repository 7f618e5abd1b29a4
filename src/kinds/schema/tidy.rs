//! Takes out of a derived schema what is no part of the contract, and where the source broke its lines.

use serde_json::{Map, Value, json};

use super::subschemas::visit;

/// Removes `null` from optional fields, the names of machine integers, and line breaks within paragraphs.
pub(super) fn tidy(schema: &mut Value) {
    visit(schema, &mut |map| {
        without_null(map);
        without_machine_format(map);
        if let Some(Value::String(words)) = map.get_mut("description") {
            let paragraphs = words.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
            *words = paragraphs.collect::<Vec<_>>().join("\n\n");
        }
    });
}

/// A field is left out rather than null: null stands only in patches.
fn without_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            map.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(options)) = map.get_mut("enum") {
        options.retain(|option| !option.is_null());
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(branches)) = map.get_mut(keyword) else { continue };
        let before = branches.len();
        branches.retain(|branch| !is_null(branch));
        // A union of one that always was one stays: it lists the values of an enumeration.
        if branches.len() < before
            && let [Value::Object(only)] = branches.as_mut_slice()
        {
            let only = std::mem::take(only);
            map.shift_remove(keyword);
            for (key, value) in only {
                // What stands at the field is said about the field, so it wins over the type's own words.
                map.entry(key).or_insert(value);
            }
        }
    }
    if map.get("default").is_some_and(Value::is_null) {
        map.shift_remove("default");
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|t| t == "null") || schema.get("const").is_some_and(Value::is_null)
}

/// `uint32` and the like say how the value is held here, which is nobody else's concern; the limits stay.
fn without_machine_format(map: &mut Map<String, Value>) {
    let machine =
        |format: &str| matches!(format, "float" | "double") || format.trim_start_matches('u').starts_with("int");
    if map.get("format").and_then(Value::as_str).is_some_and(machine) {
        map.shift_remove("format");
    }
}

/// Turns "these fields and one of those groups, and no other" into groups that are complete and closed.
///
/// It accepts the same values; but `unevaluatedProperties` is unknown to draft-07, and validators report every field
/// of a group as unevaluated once one of them is wrong.
pub(super) fn close_flattened(map: &mut Map<String, Value>) {
    if map.get("unevaluatedProperties") != Some(&Value::Bool(false)) {
        return;
    }
    let Some(keyword) = ["oneOf", "anyOf"].into_iter().find(|keyword| map.get(*keyword).is_some_and(is_groups)) else {
        return;
    };
    let properties = map.shift_remove("properties");
    let required = map.shift_remove("required");
    map.shift_remove("unevaluatedProperties");
    map.shift_remove("additionalProperties");
    map.insert("type".into(), "object".into());
    let Some(Value::Array(groups)) = map.get_mut(keyword) else { return };
    for group in groups.iter_mut().filter_map(Value::as_object_mut) {
        let mut all = properties.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        if let Some(Value::Object(own)) = group.shift_remove("properties") {
            all.extend(own);
        }
        let mut names = required.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(Value::Array(own)) = group.shift_remove("required") {
            names.extend(own.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
        }
        group.insert("properties".into(), all.into());
        group.insert("required".into(), names.into());
        group.insert("additionalProperties".into(), json!(false));
    }
}

fn is_groups(branches: &Value) -> bool {
    branches.as_array().is_some_and(|list| list.iter().all(|branch| branch.get("properties").is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(mut schema: Value) -> Value {
        tidy(&mut schema);
        schema
    }

    #[test]
    fn null_and_machine_formats_go() {
        let schema = json!({"properties": {
            "a": {"type": ["string", "null"], "default": null, "minLength": 1},
            "b": {"description": "over\nhere\n\nand there", "anyOf": [{"$ref": "#/$defs/X", "description": "there"}, {"type": "null"}]},
            "c": {"type": ["integer", "null"], "format": "uint32", "minimum": 0, "enum": [1, null]},
            "d": {"oneOf": [{"const": "only"}]},
            "default": {"type": "string", "format": "uuid", "default": "x"},
        }});
        assert_eq!(
            tidied(schema),
            json!({"properties": {
                "a": {"type": "string", "minLength": 1},
                "b": {"description": "over here\n\nand there", "$ref": "#/$defs/X"},
                "c": {"type": "integer", "minimum": 0, "enum": [1]},
                "d": {"oneOf": [{"const": "only"}]},
                "default": {"type": "string", "format": "uuid", "default": "x"},
            }})
        );
    }

    #[test]
    fn flattened_groups_are_closed() {
        let mut schema = json!({
            "properties": {"name": {"type": "string"}}, "required": ["name"], "unevaluatedProperties": false,
            "oneOf": [
                {"type": "object", "properties": {"type": {"const": "a"}, "x": {}}, "required": ["type"]},
                {"type": "object", "properties": {"type": {"const": "b"}}, "required": ["type"]},
            ],
        });
        visit(&mut schema, &mut close_flattened);
        assert_eq!(
            schema,
            json!({"type": "object", "oneOf": [
                {"type": "object", "properties": {"name": {"type": "string"}, "type": {"const": "a"}, "x": {}},
                 "required": ["name", "type"], "additionalProperties": false},
                {"type": "object", "properties": {"name": {"type": "string"}, "type": {"const": "b"}},
                 "required": ["name", "type"], "additionalProperties": false},
            ]})
        );
    }
}
