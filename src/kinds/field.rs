//! The field table: one row per property of a kind says how it is compared, what it refers to, and how it is guarded.
//!
//! Everything that differs between kinds and that planning, masking, exporting or documenting needs is read from
//! these rows, so that no other module knows a kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Kind;
use crate::base::path::{Path, Segment};

/// How two values of a field are compared and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// As a whole: alike or not.
    Scalar,
    /// As a text of several lines; shown as a unified diff.
    Text,
    /// A list without order; canonical form is sorted and free of repeats.
    Set,
    /// A list with order; moved elements are recognised.
    List,
    /// A list with order whose elements are known by this field.
    Keyed(&'static str),
    /// A map with free keys, compared key by key.
    Map,
    /// A map with the fixed fields of further rows.
    Group,
}

/// What a value says about people. Ordered: `personal` is the most guarded.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum DataClass {
    /// Says nothing about a person: ids of things, browsers, counts.
    #[default]
    Technical,
    /// Texts and names of things.
    Content,
    /// Says something about a person.
    Personal,
}

impl DataClass {
    /// As written in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Technical => "technical",
            Self::Content => "content",
            Self::Personal => "personal",
        }
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// `spec.headers.*`: keys joined by dots, `*` for any key of a map, `[]` for each element of a list.
    pub path: &'static str,
    /// How it is compared.
    pub compare: Compare,
    /// The kind that a text here names. `{ id: … }` in its place points outside the project.
    pub reference: Option<Kind>,
    /// A change is an error that advises a new name.
    pub immutable: bool,
    /// No two live objects share its value; where the target fills it in, the target's counts.
    pub unique: bool,
    /// Takes a secret reference (beside plain text, where the type allows both).
    pub secret: bool,
    /// What its values say about people.
    pub class: DataClass,
    /// For a kind whose versions only grow: kept beside the versions and changed in place.
    pub beside_versions: bool,
    /// The object referred to must have published its settings for this one to work.
    pub needs_published: bool,
    /// What lies below has a form of its own and no rows (conditions).
    pub opaque: bool,
}

/// A row with everything at its plainest: compared as a whole, technical.
#[must_use]
pub const fn field(path: &'static str) -> Field {
    Field {
        path,
        compare: Compare::Scalar,
        reference: None,
        immutable: false,
        unique: false,
        secret: false,
        class: DataClass::Technical,
        beside_versions: false,
        needs_published: false,
        opaque: false,
    }
}

impl Field {
    /// Sets how it is compared.
    #[must_use]
    pub const fn compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }
    /// Names the kind it refers to.
    #[must_use]
    pub const fn refers_to(mut self, kind: Kind) -> Self {
        self.reference = Some(kind);
        self
    }
    /// Marks it immutable.
    #[must_use]
    pub const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }
    /// Marks it unique.
    #[must_use]
    pub const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }
    /// Marks it secret.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
    /// Sets the data class.
    #[must_use]
    pub const fn class(mut self, class: DataClass) -> Self {
        self.class = class;
        self
    }
    /// Marks it as kept beside the versions.
    #[must_use]
    pub const fn beside_versions(mut self) -> Self {
        self.beside_versions = true;
        self
    }
    /// Marks that what it refers to must be published.
    #[must_use]
    pub const fn needs_published(mut self) -> Self {
        self.needs_published = true;
        self
    }
    /// Marks that no rows follow for what lies below.
    #[must_use]
    pub const fn opaque(mut self) -> Self {
        self.opaque = true;
        self
    }
}

/// The rows every kind shares.
pub const METADATA_FIELDS: &[Field] = &[
    field("metadata.displayName"),
    field("metadata.description").compare(Compare::Text),
    field("metadata.labels").compare(Compare::Map),
    field("metadata.labels.*"),
    field("metadata.annotations").compare(Compare::Map),
    field("metadata.annotations.*"),
];

/// The rows of a kind as a tree, for walking values.
#[derive(Debug, Default)]
pub struct FieldTree {
    field: Option<Field>,
    keys: BTreeMap<&'static str, FieldTree>,
    any: Option<Box<FieldTree>>,
    each: Option<Box<FieldTree>>,
    /// Whether a row below (or here) refers to a kind or takes a secret.
    linked: bool,
}

impl FieldTree {
    /// The tree of these rows and the shared ones.
    #[must_use]
    pub fn new(rows: &[Field]) -> Self {
        let mut tree = Self::default();
        for row in METADATA_FIELDS.iter().chain(rows) {
            tree.insert(row);
        }
        tree
    }

    fn insert(&mut self, row: &Field) {
        let linked = row.reference.is_some() || row.secret;
        let mut at = self;
        at.linked |= linked;
        for part in row.path.split('.') {
            let (key, depth) = split_brackets(part);
            at = match key {
                "*" => at.any.get_or_insert_default(),
                "" => at,
                key => at.keys.entry(key).or_default(),
            };
            at.linked |= linked;
            for _ in 0..depth {
                at = at.each.get_or_insert_default();
                at.linked |= linked;
            }
        }
        at.field = Some(*row);
    }

    /// The row at this node, if there is one.
    #[must_use]
    pub fn field(&self) -> Option<&Field> {
        self.field.as_ref()
    }

    /// The node for a key below this one.
    #[must_use]
    pub fn below_key(&self, key: &str) -> Option<&Self> {
        self.keys.get(key).or(self.any.as_deref())
    }

    /// The node for the elements of the list at this node.
    #[must_use]
    pub fn below_element(&self) -> Option<&Self> {
        self.each.as_deref()
    }

    /// The node that a path leads to.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.segments().iter().try_fold(self, |tree, segment| match segment {
            Segment::Key(key) => tree.below_key(key),
            Segment::Index(_) | Segment::Element(_) => tree.below_element(),
        })
    }

    /// Calls `visit` for each value below `root` whose row refers to a kind or takes a secret.
    pub fn visit_links<'v>(&self, root: &'v Value, visit: &mut dyn FnMut(&Field, Path, &'v Value)) {
        self.walk(root, &mut Vec::new(), visit);
    }

    fn walk<'v>(&self, value: &'v Value, at: &mut Vec<Segment>, visit: &mut dyn FnMut(&Field, Path, &'v Value)) {
        if !self.linked {
            return;
        }
        if let Some(field) = &self.field
            && (field.reference.is_some() || field.secret)
        {
            visit(field, at.iter().cloned().collect(), value);
        }
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if let Some(tree) = self.below_key(key).filter(|tree| tree.linked) {
                        at.push(Segment::Key(key.as_str().into()));
                        tree.walk(value, at, visit);
                        at.pop();
                    }
                }
            }
            Value::Array(list) => {
                if let Some(tree) = self.below_element() {
                    let keyed = matches!(self.field, Some(Field { compare: Compare::Keyed(_), .. }));
                    for (n, value) in list.iter().enumerate() {
                        let name = value.get("name").and_then(Value::as_str).filter(|_| keyed);
                        at.push(name.map_or(Segment::Index(n), |name| Segment::Element(name.into())));
                        tree.walk(value, at, visit);
                        at.pop();
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

fn split_brackets(part: &'static str) -> (&'static str, usize) {
    let key = part.trim_end_matches("[]");
    (key, (part.len() - key.len()) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_maps_and_lists() {
        let tree = FieldTree::new(&[
            field("spec.headers").compare(Compare::Map),
            field("spec.headers.*").secret(),
            field("spec.steps").compare(Compare::Keyed("name")),
            field("spec.steps[].template").refers_to(Kind::System),
        ]);
        let value = serde_json::json!({"spec": {
            "headers": {"X": "plain", "Y": {"fromEnv": "K"}},
            "steps": [{"name": "ask"}, {"name": "tell", "template": "t"}],
        }});
        let mut seen = Vec::new();
        tree.visit_links(&value, &mut |_, path, _| seen.push(path.to_string()));
        assert_eq!(seen, ["spec.headers.X", "spec.headers.Y", "spec.steps[tell].template"]);
    }
}
