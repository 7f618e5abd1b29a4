//! Defaults of fields, and leaving out what equals them.

use serde_json::{Map, Value};

use super::sites;
use super::strict;
use crate::base::path::{Path, Segment};
use crate::kinds::Kind;
use crate::kinds::field::{Compare, FieldTree};

/// The default of a field, which is what its absence means.
///
/// `None` when it has none, or when it depends on a tag that the path does not tell.
#[must_use]
pub fn default_at(kind: Kind, path: &Path) -> Option<&'static Value> {
    let root = strict(kind);
    let at = path.segments().iter().fold(sites::root(root), |at, segment| match segment {
        Segment::Key(key) => sites::key(root, &at, key),
        Segment::Index(_) | Segment::Element(_) => sites::element(root, &at),
    });
    agreed(at.iter().map(|site| site.schema))
}

/// A canonical `{metadata, spec}` without the values that equal their defaults.
///
/// Reading the result back and normalising it gives the same canonical form.
#[must_use]
pub fn without_defaults(kind: Kind, value: &Value) -> Value {
    let root = strict(kind);
    let at: Vec<&Value> = sites::root(root).iter().map(|site| site.schema).collect();
    strip(root, &at, Some(kind.field_tree()), value)
}

fn strip(root: &Value, at: &[&Value], tree: Option<&FieldTree>, value: &Value) -> Value {
    let facets = applicable(root, at, value);
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, value) in map {
                let tree = tree.and_then(|tree| tree.below_key(key));
                let below = below_key(&facets, key);
                let default = agreed(below.iter().copied()).filter(|_| !is_required(&facets, key));
                if !default.is_some_and(|default| alike(value, default, tree)) {
                    kept.insert(key.clone(), strip(root, &below, tree, value));
                }
            }
            kept.into()
        }
        Value::Array(list) => {
            let below: Vec<&Value> = facets.iter().filter_map(|facet| facet.get("items")).collect();
            let tree = tree.and_then(FieldTree::below_element);
            list.iter().map(|value| strip(root, &below, tree, value)).collect()
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar.clone(),
    }
}

/// The default that all places give; `None` when one of them gives none or another.
fn agreed<'s>(places: impl IntoIterator<Item = &'s Value>) -> Option<&'s Value> {
    let mut defaults = places.into_iter().map(|place| place.get("default"));
    let first = defaults.next()??;
    defaults.all(|other| other == Some(first)).then_some(first)
}

/// Whether two values are one in canonical form: the order of a set's elements is no difference.
fn alike(value: &Value, default: &Value, tree: Option<&FieldTree>) -> bool {
    match (value, default) {
        (Value::Object(a), Value::Object(b)) => {
            let alike = |(key, a): (&String, &Value)| {
                b.get(key).is_some_and(|b| alike(a, b, tree.and_then(|tree| tree.below_key(key))))
            };
            a.len() == b.len() && a.iter().all(alike)
        }
        (Value::Array(a), Value::Array(b)) => {
            let set = tree.and_then(FieldTree::field).is_some_and(|field| field.compare == Compare::Set);
            a.len() == b.len() && if set { a.iter().all(|element| b.contains(element)) } else { a == b }
        }
        (a, b) => a == b,
    }
}

/// The places that describe this very value: of a union only the branches it can belong to.
fn applicable<'s>(root: &'s Value, at: &[&'s Value], value: &Value) -> Vec<&'s Value> {
    let mut found = Vec::new();
    let mut open: Vec<(&Value, usize)> = at.iter().map(|schema| (*schema, 16)).collect();
    while let Some((schema, budget)) = open.pop() {
        found.push(schema);
        let Some(budget) = budget.checked_sub(1) else { continue };
        if let Some(target) = referred(root, schema) {
            open.push((target, budget));
        }
        let list = |keyword: &str| schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
        open.extend(list("allOf").map(|part| (part, budget)));
        let branches = list("anyOf").chain(list("oneOf"));
        open.extend(branches.filter(|branch| may_hold(root, branch, value, budget)).map(|branch| (branch, budget)));
        if let Some(decision) = schema.get("if") {
            let keyword = if may_hold(root, decision, value, budget) { "then" } else { "else" };
            open.extend(schema.get(keyword).map(|branch| (branch, budget)));
        }
    }
    found
}

/// Whether a value that is valid on the whole can belong to a branch: told by types, constants and names of fields,
/// which is all that tells our branches apart.
fn may_hold(root: &Value, schema: &Value, value: &Value, budget: usize) -> bool {
    let Some(budget) = budget.checked_sub(1) else { return true };
    let list = |keyword: &str| schema.get(keyword).and_then(Value::as_array);
    let has = |name: &Value| name.as_str().is_some_and(|name| value.get(name).is_some());
    let properties = schema.get("properties").and_then(Value::as_object);
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|name| has_type(value, name)),
        Some(name) => has_type(value, name),
        None => true,
    };
    types
        && schema.get("const").is_none_or(|wanted| wanted == value)
        && list("enum").is_none_or(|options| options.contains(value))
        && (!value.is_object() || list("required").is_none_or(|names| names.iter().all(has)))
        && properties.is_none_or(|properties| {
            let known = |(name, value): (&String, &Value)| match properties.get(name) {
                Some(schema) => may_hold(root, schema, value, budget),
                None => schema.get("additionalProperties") != Some(&Value::Bool(false)),
            };
            value.as_object().is_none_or(|map| map.iter().all(known))
        })
        && ["anyOf", "oneOf"].into_iter().all(|keyword| {
            list(keyword).is_none_or(|branches| branches.iter().any(|branch| may_hold(root, branch, value, budget)))
        })
        && list("allOf").is_none_or(|parts| parts.iter().all(|part| may_hold(root, part, value, budget)))
        && referred(root, schema).is_none_or(|target| may_hold(root, target, value, budget))
}

fn has_type(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        _ => true,
    }
}

fn referred<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

fn below_key<'s>(facets: &[&'s Value], key: &str) -> Vec<&'s Value> {
    let named: Vec<&Value> = facets.iter().filter_map(|facet| facet.get("properties")?.get(key)).collect();
    if !named.is_empty() {
        return named;
    }
    let free = facets.iter().filter_map(|facet| facet.get("additionalProperties"));
    let patterns = facets.iter().filter_map(|facet| facet.get("patternProperties")?.as_object());
    free.filter(|schema| schema.is_object()).chain(patterns.flat_map(Map::values)).collect()
}

fn is_required(facets: &[&Value], key: &str) -> bool {
    let lists = facets.iter().filter_map(|facet| facet.get("required")?.as_array());
    lists.flatten().any(|name| name == key)
}
