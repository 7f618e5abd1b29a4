//! Walking a schema's subschemas. What merely looks like a schema (a default, an example, a property that happens to
//! be called `items`) is left alone.

use serde_json::{Map, Value};

/// Keywords whose value is a schema.
const SINGLE: [&str; 11] = [
    "additionalProperties",
    "items",
    "additionalItems",
    "contains",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
    "unevaluatedProperties",
    "unevaluatedItems",
];
/// Keywords whose value is a list of schemas. (`items` was one, too, before 2020-12.)
const LISTS: [&str; 5] = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];
/// Keywords whose value is a map of schemas.
const MAPS: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// Calls `change` for every schema that is a map, inner ones first.
pub(super) fn visit(schema: &mut Value, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Value::Object(map) = schema else { return };
    each_child(map, &mut |_, child| visit(child, change));
    change(map);
}

/// Calls `see` with every schema directly below this one and the keyword it stands under.
pub(super) fn each_child(map: &mut Map<String, Value>, see: &mut dyn FnMut(&str, &mut Value)) {
    for (keyword, value) in map.iter_mut() {
        let keyword = keyword.as_str();
        match value {
            Value::Array(list) if LISTS.contains(&keyword) => list.iter_mut().for_each(|child| see(keyword, child)),
            Value::Object(map) if MAPS.contains(&keyword) => map.values_mut().for_each(|child| see(keyword, child)),
            child if SINGLE.contains(&keyword) => see(keyword, child),
            _ => {}
        }
    }
}
