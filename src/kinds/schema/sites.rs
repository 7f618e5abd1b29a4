//! Finding the places of a schema that describe a value, by keys and elements.
//!
//! A union describes one value in several places; all of them are followed, each knowing the tag it stands for.

use serde_json::Value;

/// One place of a schema that describes a value.
#[derive(Clone, Debug)]
pub(in crate::kinds) struct Site<'s> {
    /// The schema there.
    pub schema: &'s Value,
    /// JSON pointer to it.
    pub pointer: String,
    /// The nearest tag that must be set for it to count: `("type", "bearer")`.
    pub when: Option<(&'s str, &'s str)>,
}

/// A named field of the values that some sites describe.
#[derive(Clone, Debug)]
pub(in crate::kinds) struct FieldSite<'s> {
    /// Its name.
    pub name: &'s str,
    /// Where it is described.
    pub sites: Vec<Site<'s>>,
    /// Whether every place that knows it also requires it.
    pub required: bool,
    /// The tags with which it exists; empty when it does with all of them.
    pub only_with: Vec<(&'s str, &'s str)>,
}

/// How many references in a row are followed: a schema that refers to itself must not hang us.
const REFERENCE_LIMIT: usize = 16;

/// The root of a schema.
pub(in crate::kinds) fn root(schema: &Value) -> Vec<Site<'_>> {
    vec![Site { schema, pointer: String::new(), when: None }]
}

/// The sites and everything in place below them: branches of unions, what is referred to, `then` and `else`.
pub(in crate::kinds) fn facets<'s>(root: &'s Value, sites: &[Site<'s>]) -> Vec<Site<'s>> {
    let mut found = Vec::new();
    for site in sites {
        add_facets(root, site, REFERENCE_LIMIT, &mut found);
    }
    found
}

fn add_facets<'s>(root: &'s Value, site: &Site<'s>, budget: usize, found: &mut Vec<Site<'s>>) {
    let Site { schema, pointer, when } = site;
    let when = tag(schema).or(*when);
    found.push(Site { schema, pointer: pointer.clone(), when });
    let Some(budget) = budget.checked_sub(1) else { return };
    let mut add = |schema: &'s Value, pointer: String| {
        add_facets(root, &Site { schema, pointer, when }, budget, found);
    };
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'))
        && let Some(schema) = root.pointer(target)
    {
        add(schema, target.to_owned());
    }
    for branch in branches(&Site { schema, pointer: pointer.clone(), when }) {
        add(branch.schema, branch.pointer);
    }
}

/// The branches directly below a site.
pub(in crate::kinds) fn branches<'s>(site: &Site<'s>) -> Vec<Site<'s>> {
    let Site { schema, pointer, when } = site;
    let mut found = Vec::new();
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let list = schema.get(keyword).and_then(Value::as_array).into_iter().flatten().enumerate();
        found.extend(list.map(|(n, schema)| Site { schema, pointer: format!("{pointer}/{keyword}/{n}"), when: *when }));
    }
    for keyword in ["then", "else"] {
        let branch = schema.get(keyword);
        found.extend(branch.map(|schema| Site { schema, pointer: format!("{pointer}/{keyword}"), when: *when }));
    }
    found
}

/// The required text field that has but one value: the tag of a branch of a union.
fn tag(schema: &Value) -> Option<(&str, &str)> {
    let required = schema.get("required")?.as_array()?;
    let properties = schema.get("properties")?.as_object()?;
    properties.iter().find_map(|(name, property)| {
        let value = property.get("const")?.as_str()?;
        required.iter().any(|r| r == name).then_some((name.as_str(), value))
    })
}

/// All named fields, in the order of the schema.
pub(in crate::kinds) fn fields<'s>(root: &'s Value, sites: &[Site<'s>]) -> Vec<FieldSite<'s>> {
    let mut found: Vec<FieldSite<'s>> = Vec::new();
    let facets = facets(root, sites);
    let groups = facets.iter().filter(|facet| facet.schema.get("properties").is_some());
    let (mut tagged, mut untagged) = (0, 0);
    for facet in groups {
        match facet.when {
            Some(_) => tagged += 1,
            None => untagged += 1,
        }
        let required = facet.schema.get("required").and_then(Value::as_array);
        for (name, schema) in facet.schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_required = required.is_some_and(|list| list.iter().any(|r| r == name));
            let pointer = format!("{}/properties/{}", facet.pointer, escape(name));
            let site = Site { schema, pointer, when: facet.when };
            match found.iter_mut().find(|field| field.name == name) {
                Some(field) => {
                    field.sites.push(site);
                    field.required &= is_required;
                    field.only_with.extend(facet.when);
                }
                None => found.push(FieldSite {
                    name,
                    sites: vec![site],
                    required: is_required,
                    only_with: facet.when.into_iter().collect(),
                }),
            }
        }
    }
    for field in &mut found {
        if untagged > 0 && field.sites.len() > field.only_with.len() || field.only_with.len() == tagged {
            field.only_with.clear();
        }
    }
    found
}

/// Where a named field is described.
pub(in crate::kinds) fn field<'s>(root: &'s Value, sites: &[Site<'s>], name: &str) -> Option<FieldSite<'s>> {
    fields(root, sites).into_iter().find(|field| field.name == name)
}

/// Where the values under free keys are described.
pub(in crate::kinds) fn any_key<'s>(root: &'s Value, sites: &[Site<'s>]) -> Vec<Site<'s>> {
    let mut found = Vec::new();
    for Site { schema, pointer, when } in facets(root, sites) {
        if let Some(below) = schema.get("additionalProperties").filter(|below| below.is_object()) {
            found.push(Site { schema: below, pointer: format!("{pointer}/additionalProperties"), when });
        }
        for (pattern, below) in schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten() {
            let pointer = format!("{pointer}/patternProperties/{}", escape(pattern));
            found.push(Site { schema: below, pointer, when });
        }
    }
    found
}

/// Where the elements of a list are described.
pub(in crate::kinds) fn element<'s>(root: &'s Value, sites: &[Site<'s>]) -> Vec<Site<'s>> {
    let mut found = Vec::new();
    for Site { schema, pointer, when } in facets(root, sites) {
        if let Some(below) = schema.get("items").filter(|below| below.is_object()) {
            found.push(Site { schema: below, pointer: format!("{pointer}/items"), when });
        }
    }
    found
}

/// Where a key is described: by its name, else as a free key.
pub(in crate::kinds) fn key<'s>(root: &'s Value, sites: &[Site<'s>], key: &str) -> Vec<Site<'s>> {
    field(root, sites, key).map_or_else(|| any_key(root, sites), |field| field.sites)
}

fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_know_their_tags() {
        let schema = json!({"properties": {"auth": {"oneOf": [
            {"properties": {"type": {"const": "none"}}, "required": ["type"]},
            {"properties": {"type": {"const": "bearer"}, "token": {"$ref": "#/$defs/T"}}, "required": ["type", "token"]},
        ]}}, "$defs": {"T": {"additionalProperties": {"type": "string"}}}});
        let auth = key(&schema, &root(&schema), "auth");
        let found: Vec<_> = fields(&schema, &auth).into_iter().map(|f| (f.name, f.required, f.only_with)).collect();
        assert_eq!(found, [("type", true, vec![]), ("token", true, vec![("type", "bearer")])]);
        let token = key(&schema, &auth, "token");
        let below = any_key(&schema, &token);
        assert_eq!(below.first().map(|s| s.pointer.as_str()), Some("/$defs/T/additionalProperties"));
    }
}
