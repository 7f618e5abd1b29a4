//! Types in words: `list of text`, `whole number, 1 to 60`.

use serde_json::Value;

use super::Allowed;
use crate::base::ident::NAME_PATTERN;
use crate::kinds::Kind;
use crate::kinds::schema::sites::{self, Site};
use crate::kinds::schema::{REFERENCE_MARK, SECRET_MARK};

/// How many values are named in a type; more are listed apart.
const NAMED_VALUES: usize = 6;

/// What the values look like that some places describe.
pub(super) fn type_text(root: &Value, at: &[Site<'_>]) -> String {
    let mut words: Vec<String> = Vec::new();
    for site in at {
        add(root, site, &mut words);
    }
    words.join(" or ")
}

fn add(root: &Value, site: &Site<'_>, words: &mut Vec<String>) {
    let schema = site.schema;
    let mut say = |word: String| {
        if !words.contains(&word) {
            words.push(word);
        }
    };
    if schema.get(SECRET_MARK).is_some() {
        return say("secret reference".into());
    }
    if let Some(kind) = schema.get(REFERENCE_MARK).and_then(Value::as_str) {
        say(named_after(kind));
        if sites::field(root, std::slice::from_ref(site), "id").is_some() {
            say("{ id: … }".into());
        }
        return;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        // What contains itself is named after its type; `Nested` tells the inner form from the one at the top.
        let name = target.rsplit('/').next().unwrap_or_default();
        return say(name.strip_prefix("Nested").unwrap_or(name).to_lowercase());
    }
    let listed = own_values(schema);
    if !listed.is_empty() {
        let values: Vec<&str> = listed.iter().map(|allowed| allowed.value.as_str()).collect();
        return match values.as_slice() {
            [only] => say(format!("`{only}`")),
            few if few.len() <= NAMED_VALUES => few.iter().for_each(|value| say(format!("`{value}`"))),
            many => say(format!("one of {} values", many.len())),
        };
    }
    for name in types(schema) {
        match name {
            "string" => say(text(schema)),
            "integer" => say(format!("whole number{}", range(schema))),
            "number" => say(format!("number{}", range(schema))),
            "boolean" => say("boolean".into()),
            "array" => say(composed("list", &type_text(root, &sites::element(root, std::slice::from_ref(site))))),
            "object" if schema.get("properties").is_some() => say("map".into()),
            "object" => say(composed("map", &type_text(root, &sites::any_key(root, std::slice::from_ref(site))))),
            _ => {}
        }
    }
    for branch in sites::branches(site) {
        add(root, &branch, words);
    }
}

/// The types a schema names, or those its keywords are about.
fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => {
            // A union of groups is said by its branches.
            let union = schema.get("oneOf").or_else(|| schema.get("anyOf")).is_some();
            if union && schema.get("properties").is_none() { Vec::new() } else { vec![one] }
        }
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ if schema.get("items").is_some() => vec!["array"],
        _ if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() => vec!["object"],
        _ => Vec::new(),
    }
}

fn text(schema: &Value) -> String {
    let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    match (schema.get("pattern").and_then(Value::as_str), limit("minLength"), limit("maxLength")) {
        (Some(NAME_PATTERN), ..) => "name".into(),
        (Some(pattern), ..) => format!("text like `{pattern}`"),
        (None, _, Some(most)) => format!("text, at most {most} characters"),
        (None, ..) => "text".into(),
    }
}

fn range(schema: &Value) -> String {
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

fn composed(what: &str, of: &str) -> String {
    if of.is_empty() { what.to_owned() } else { format!("{what} of {of}") }
}

fn named_after(kind: &str) -> String {
    if kind == Kind::EventType.as_str() {
        // Built-in events are named, too.
        return "name of an event".into();
    }
    let article = if kind.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    format!("name of {article} {kind}")
}

/// The values that some places list.
pub(super) fn allowed(root: &Value, at: &[Site<'_>]) -> Vec<Allowed> {
    let mut found: Vec<Allowed> = Vec::new();
    for facet in sites::facets(root, at) {
        for mut allowed in own_values(facet.schema) {
            if facet.schema.get("const").is_some() && allowed.description.is_empty() {
                allowed.description = words_of_branch(root, &facet).unwrap_or_default();
            }
            if !found.iter().any(|other| other.value == allowed.value) {
                found.push(allowed);
            }
        }
    }
    found
}

/// A tag has no words of its own; those of the branch it stands for say what it means.
fn words_of_branch(root: &Value, tag: &Site<'_>) -> Option<String> {
    let (branch, _) = tag.pointer.rsplit_once("/properties/")?;
    if branch.is_empty() {
        return None;
    }
    Some(root.pointer(branch)?.get("description")?.as_str()?.to_owned())
}

/// The values a schema itself lists: by `const`, by `enum`, or as a union of constants with words of their own.
fn own_values(schema: &Value) -> Vec<Allowed> {
    let described = |value: &Value, words: &Value| Allowed {
        value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        description: words.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        group: String::new(),
    };
    let plain = |value: &Value| described(value, &Value::Null);
    if let Some(value) = schema.get("const") {
        return vec![plain(value)];
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(plain).collect();
    }
    let branches = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    let mut found = Vec::new();
    for branch in branches.into_iter().flatten() {
        match (branch.get("const"), branch.get("enum").and_then(Value::as_array)) {
            (Some(value), _) => found.push(described(value, branch)),
            (None, Some(values)) => found.extend(values.iter().map(plain)),
            (None, None) => return Vec::new(),
        }
    }
    found
}
