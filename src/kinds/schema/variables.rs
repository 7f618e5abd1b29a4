//! The editor's variety of a schema: a variable reference wherever a scalar stands.
//!
//! A plain text takes a reference as it is. What has another type, a pattern, a length or a list of values gets a
//! second form: a text with a reference in it.

use serde_json::{Map, Value, json};

use super::subschemas::each_child;

/// A text with at least one `${var.…}` or `${target.…}` that is not escaped as `$${`.
pub(super) const REFERENCE_PATTERN: &str = r"(^|[^$])\$\{(var|target)\.[^}]+\}";

/// Words and marks, which belong to the field and not to one of its forms.
const ANNOTATIONS: [&str; 4] = ["title", "description", "default", "examples"];

/// Allows references in a schema and all below it.
pub(super) fn allow(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    if is_enumeration(map) {
        if let Some(Value::Array(mut options)) = map.shift_remove("oneOf") {
            options.push(reference());
            map.insert("anyOf".into(), options.into());
        }
        return;
    }
    each_child(map, &mut |keyword, child| {
        // `if` and `not` decide, they do not describe. A field with one value is a tag, which decides, too.
        let decides = matches!(keyword, "if" | "not") || (keyword == "properties" && child.get("const").is_some());
        if !decides {
            allow(child);
        }
    });
    if is_restricted_scalar(map) {
        let (outer, strict): (Map<_, _>, Map<_, _>) = std::mem::take(map)
            .into_iter()
            .partition(|(key, _)| ANNOTATIONS.contains(&key.as_str()) || key.starts_with("x-"));
        *map = outer;
        map.insert("anyOf".into(), json!([strict, reference()]));
    }
}

fn reference() -> Value {
    json!({ "type": "string", "pattern": REFERENCE_PATTERN, "description": "A variable: ${var.name} or ${target.name}." })
}

/// One of a list of values, each with its own words.
fn is_enumeration(map: &Map<String, Value>) -> bool {
    let branches = map.get("oneOf").and_then(Value::as_array);
    branches.is_some_and(|branches| branches.iter().all(|b| b.get("const").is_some() || b.get("enum").is_some()))
}

/// Whether a reference, which is a text, could be refused here though a scalar is asked for.
fn is_restricted_scalar(map: &Map<String, Value>) -> bool {
    let scalar = |value: &Value| !value.is_array() && !value.is_object();
    let types: Vec<&str> = match map.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let any = |wanted: &[&str]| types.iter().any(|t| wanted.contains(t));
    let lists_scalars = map.get("const").is_some_and(scalar)
        || map.get("enum").and_then(Value::as_array).is_some_and(|list| list.iter().any(scalar));
    let limits_text = ["pattern", "format", "minLength", "maxLength"].iter().any(|keyword| map.contains_key(*keyword));
    lists_scalars || if any(&["string"]) { limits_text } else { any(&["number", "integer", "boolean"]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(mut schema: Value) -> Value {
        allow(&mut schema);
        schema
    }

    #[test]
    fn only_what_would_refuse_a_reference_gets_another_form() {
        let plain = json!({"type": "string", "description": "d"});
        assert_eq!(allowed(plain.clone()), plain);
        let several = json!({"type": ["string", "number"]});
        assert_eq!(allowed(several.clone()), several);
        let tag = json!({"properties": {"type": {"type": "string", "const": "a"}}});
        assert_eq!(allowed(tag.clone()), tag);
        let condition = json!({"if": {"type": "boolean"}, "then": {"items": {"type": "string"}}});
        assert_eq!(allowed(condition.clone()), condition);
        assert_eq!(
            allowed(json!({"type": "integer", "minimum": 1, "default": 3, "description": "d"})),
            json!({"default": 3, "description": "d", "anyOf": [{"type": "integer", "minimum": 1}, reference()]})
        );
        assert_eq!(
            allowed(json!({"oneOf": [{"const": "a"}, {"const": "b"}]})),
            json!({"anyOf": [{"const": "a"}, {"const": "b"}, reference()]})
        );
    }

    #[test]
    fn escaped_references_are_no_references() -> Result<(), regex::Error> {
        let pattern = regex::Regex::new(REFERENCE_PATTERN)?;
        for yes in ["${var.a}", "x ${target.name}", "${var.a}${var.b}", "$${x}${var.a}"] {
            assert!(pattern.is_match(yes), "{yes}");
        }
        for no in ["", "var.a", "$${var.a}", "${other.a}", "${var.}", "{{a}}"] {
            assert!(!pattern.is_match(no), "{no}");
        }
        Ok(())
    }
}
