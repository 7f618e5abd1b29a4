//! Finding one's way in a JSON Schema (2020-12) as schemars writes it: references, unions, properties.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The mark of a schema whose value is a secret: only a reference to it may stand in a manifest.
pub const SECRET_MARK: &str = "x-trueup-secret";

/// Where the schemas are published; the file's name follows.
pub const BASE_URL: &str = "https://trueup.dev/schemas/v1/";

/// How many references are followed one after the other: a schema that refers to itself must not hang us.
const REFERENCE_LIMIT: usize = 32;

/// The tokens of a JSON pointer, unescaped.
pub(crate) fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer.split('/').skip(1).map(|token| {
        if token.contains('~') { Cow::Owned(token.replace("~1", "/").replace("~0", "~")) } else { Cow::Borrowed(token) }
    })
}

/// The schema and what its `$ref`s lead to, nearest first. schemars writes other keywords beside a `$ref`, and all count.
fn chain<'s>(root: &'s Value, schema: &'s Value) -> impl Iterator<Item = &'s Value> {
    let next = move |schema: &&'s Value| referred(root, schema);
    std::iter::successors(Some(schema), next).take(REFERENCE_LIMIT)
}

/// What `$ref` leads to. Only references within the same schema exist.
fn referred<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// Follows an evaluation path to the schema that holds its last keyword.
///
/// Second, the number of levels of the *instance* down to the outermost schema on the way that is marked as a secret.
pub(crate) fn walk<'s>(root: &'s Value, evaluation_path: &str) -> (&'s Value, Option<usize>) {
    let tokens: Vec<Cow<'_, str>> = tokens(evaluation_path).collect();
    let mut tokens = tokens.split_last().map(|(_, rest)| rest).unwrap_or_default().iter();
    let mut schema = root;
    let mut depth = 0;
    let mut secret = None;
    let is_secret = |schema: &Value| schema.get(SECRET_MARK).and_then(Value::as_bool) == Some(true);
    loop {
        if secret.is_none() && is_secret(schema) {
            secret = Some(depth);
        }
        let Some(token) = tokens.next() else { break };
        if token == "$ref" {
            schema = referred(root, schema).unwrap_or(&Value::Null);
            continue;
        }
        let keyword = schema.get(token.as_ref()).unwrap_or(&Value::Null);
        schema = match token.as_ref() {
            "properties" | "patternProperties" | "prefixItems" => {
                depth += 1;
                tokens.next().and_then(|name| child(keyword, name)).unwrap_or(&Value::Null)
            }
            "items" | "additionalProperties" | "unevaluatedProperties" | "contains" => {
                depth += 1;
                keyword
            }
            "oneOf" | "anyOf" | "allOf" | "$defs" | "dependentSchemas" => {
                tokens.next().and_then(|name| child(keyword, name)).unwrap_or(&Value::Null)
            }
            _ => keyword,
        };
    }
    (schema, secret)
}

fn child<'s>(value: &'s Value, token: &str) -> Option<&'s Value> {
    match value {
        Value::Array(list) => list.get(token.parse::<usize>().ok()?),
        value => value.get(token),
    }
}

/// The schema of a property, looked for in the schema itself and in what it is put together of.
pub(crate) fn property<'s>(root: &'s Value, schema: &'s Value, name: &str) -> Option<&'s Value> {
    chain(root, schema).find_map(|schema| {
        let own = schema.get("properties").and_then(|properties| properties.get(name));
        own.or_else(|| parts(schema, &["allOf"]).find_map(|part| property(root, part, name)))
    })
}

/// All properties a schema knows, those of every branch of its unions included.
pub(crate) fn property_names<'s>(root: &'s Value, schema: &'s Value) -> BTreeSet<&'s str> {
    let mut names = BTreeSet::new();
    collect_names(root, schema, &mut names, REFERENCE_LIMIT);
    names
}

fn collect_names<'s>(root: &'s Value, schema: &'s Value, names: &mut BTreeSet<&'s str>, levels: usize) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        names.extend(properties.keys().map(String::as_str));
    }
    if levels == 0 {
        return;
    }
    if let Some(target) = referred(root, schema) {
        collect_names(root, target, names, levels - 1);
    }
    for part in parts(schema, &["allOf", "anyOf", "oneOf"]) {
        collect_names(root, part, names, levels - 1);
    }
}

fn parts<'s>(schema: &'s Value, keywords: &'static [&'static str]) -> impl Iterator<Item = &'s Value> {
    keywords.iter().filter_map(|keyword| schema.get(keyword).and_then(Value::as_array)).flatten()
}

/// The types a schema accepts, by their JSON Schema names; empty when it does not say.
pub(crate) fn types<'s>(root: &'s Value, schema: &'s Value) -> BTreeSet<&'s str> {
    chain(root, schema).map(|schema| own_types(root, schema)).find(|types| !types.is_empty()).unwrap_or_default()
}

fn own_types<'s>(root: &'s Value, schema: &'s Value) -> BTreeSet<&'s str> {
    match schema.get("type") {
        Some(Value::String(name)) => return BTreeSet::from([name.as_str()]),
        Some(Value::Array(names)) => return names.iter().filter_map(Value::as_str).collect(),
        _ => {}
    }
    if schema.get("properties").is_some() || schema.get("required").is_some() {
        return BTreeSet::from(["object"]);
    }
    if let Some(options) = own_options(schema) {
        return options.iter().map(|option| type_name(option)).collect();
    }
    parts(schema, &["anyOf", "oneOf"]).flat_map(|part| types(root, part)).collect()
}

/// The type of a value by its JSON Schema name.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a value has a type the schema accepts.
pub(crate) fn accepts_type(root: &Value, schema: &Value, value: &Value) -> bool {
    let types = types(root, schema);
    let name = type_name(value);
    types.is_empty() || types.contains(name) || (name == "number" && types.contains("integer"))
}

/// The values a schema lists by `const` or `enum`; `None` when it does not.
pub(crate) fn options<'s>(root: &'s Value, schema: &'s Value) -> Option<Vec<&'s Value>> {
    chain(root, schema).find_map(own_options)
}

fn own_options(schema: &Value) -> Option<Vec<&Value>> {
    let constant = schema.get("const").map(|value| vec![value]);
    constant.or_else(|| schema.get("enum").and_then(Value::as_array).map(|list| list.iter().collect()))
}

/// The property that is `const` in every one of these branches, if there is one: the tag of the union.
pub(crate) fn tag(root: &Value, branches: &[(usize, &Value)]) -> Option<String> {
    let (_, first) = branches.first()?;
    let is_tag = |name: &&str| {
        branches
            .iter()
            .all(|(_, branch)| property(root, branch, name).is_some_and(|schema| schema.get("const").is_some()))
    };
    property_names(root, first).into_iter().find(is_tag).map(str::to_owned)
}

/// The required property of a schema that requires exactly one.
pub(crate) fn only_required<'s>(root: &'s Value, schema: &'s Value) -> Option<&'s str> {
    let mut required = chain(root, schema).filter_map(|schema| schema.get("required")?.as_array()).flatten();
    let only = required.next()?;
    if required.next().is_none() { only.as_str() } else { None }
}

/// A schema of schemars' as it is published: with an identity, and what it is before what it asks for.
#[must_use]
pub fn published(schema: Value, file: &str, title: &str) -> Value {
    let Value::Object(mut rest) = schema else { return schema };
    let mut map = Map::new();
    map.extend(rest.shift_remove("$schema").map(|dialect| ("$schema".to_owned(), dialect)));
    map.insert("$id".to_owned(), format!("{BASE_URL}{file}").into());
    map.insert("title".to_owned(), title.into());
    map.extend(rest.shift_remove("description").map(|description| ("description".to_owned(), description)));
    rest.shift_remove("title");
    map.extend(rest);
    Value::Object(map)
}

/// Takes `null` out of a schema that schemars made of optional fields: manifests leave a field out instead.
pub fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(without_null),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            let is_null = |schema: &Value| schema.get("type").and_then(Value::as_str) == Some("null");
            if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
                branches.retain(|branch| !is_null(branch));
                if let [Value::Object(only)] = branches.as_mut_slice() {
                    let only = std::mem::take(only);
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            map.values_mut().for_each(without_null);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
