//! What the field table says about a field, put on the schema's nodes as `x-trueup-…`.

use serde_json::{Map, Value};

use super::sites::{self, Site};
use super::{CLASS_MARK, IMMUTABLE_MARK, REFERENCE_MARK, SECRET_MARK};
use crate::kinds::field::{DataClass, Field};

/// Marks a manifest's schema from the rows of its kind.
pub(super) fn mark(schema: &mut Value, rows: &[Field]) {
    let mut marks: Vec<(String, &str, Value)> = Vec::new();
    for row in rows {
        let at = sites_of(schema, row.path);
        for site in &at {
            let mut add = |name, value| marks.push((site.pointer.clone(), name, value));
            if let Some(kind) = row.reference {
                add(REFERENCE_MARK, kind.as_str().into());
            }
            if row.immutable {
                add(IMMUTABLE_MARK, true.into());
            }
            match row.class {
                DataClass::Technical => {}
                DataClass::Content => add(CLASS_MARK, "content".into()),
                DataClass::Personal => add(CLASS_MARK, "personal".into()),
            }
        }
        if row.secret {
            // A field that also takes plain text is marked only where the secret goes: a text beside it is no leak.
            let secret = sites::facets(schema, &at).into_iter().filter(|facet| takes_secret(facet.schema));
            marks.extend(secret.map(|facet| (facet.pointer, SECRET_MARK, true.into())));
        }
    }
    for (pointer, name, value) in marks {
        if let Some(Value::Object(map)) = schema.pointer_mut(&pointer) {
            map.insert(name.into(), value);
        }
    }
}

/// The places of a row's path.
pub(super) fn sites_of<'s>(schema: &'s Value, path: &str) -> Vec<Site<'s>> {
    let mut at = sites::root(schema);
    for part in path.split('.') {
        let name = part.trim_end_matches("[]");
        at = match name {
            "" => at,
            "*" => sites::any_key(schema, &at),
            name => sites::key(schema, &at, name),
        };
        for _ in 0..(part.len() - name.len()) / 2 {
            at = sites::element(schema, &at);
        }
    }
    at
}

/// Whether this is the union of the ways to refer to a secret.
fn takes_secret(schema: &Value) -> bool {
    let has_env = |branch: &Value| branch.get("properties").and_then(Value::as_object).is_some_and(is_env);
    schema.get("oneOf").and_then(Value::as_array).is_some_and(|branches| branches.iter().any(has_env))
}

fn is_env(properties: &Map<String, Value>) -> bool {
    properties.len() == 1 && properties.contains_key("fromEnv")
}
