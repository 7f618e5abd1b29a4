//! The canonical form of an object: computed by this code for desired and live alike, and used by comparison, digest
//! and display.

use serde_json::{Map, Value, json};

use super::{Kind, Metadata, Spec};
use crate::base::digest::Digest;
use crate::base::path::{Path, Segment};

/// For a kind whose versions only grow: the field that names the pointer a new version takes.
pub const POINTER_FIELD: &str = "spec.release";

/// `{"metadata": …, "spec": …}`: defaults filled, sets sorted, secrets as references, the name left out because it is
/// the address.
///
/// # Errors
/// Never for a spec that was read from a value.
pub fn value(metadata: &Metadata, spec: &Spec) -> Result<Value, serde_json::Error> {
    let mut metadata = serde_json::to_value(metadata)?;
    if let Some(map) = metadata.as_object_mut() {
        map.shift_remove("name");
    }
    Ok(json!({ "metadata": metadata, "spec": spec.to_value()? }))
}

/// The digest of a canonical form.
#[must_use]
pub fn digest(canonical: &Value) -> Digest {
    Digest::of_json(canonical)
}

/// For a kind whose versions only grow: what one version freezes of a canonical form. Fields beside the versions are
/// left out, and so are the references of secrets (their places stay).
#[must_use]
pub fn version_part(kind: Kind, canonical: &Value) -> Value {
    let mut part = json!({ "spec": canonical.get("spec").cloned().unwrap_or(Value::Object(Map::new())) });
    let mut secrets: Vec<Path> = Vec::new();
    kind.field_tree().visit_links(&part, &mut |field, path, value| {
        if field.secret && value.is_object() {
            secrets.push(path);
        }
    });
    for path in secrets {
        if let Some(place) = place_of(&mut part, &path) {
            *place = json!({ "secret": {} });
        }
    }
    for field in kind.fields().iter().filter(|field| field.beside_versions) {
        remove(&mut part, field.path);
    }
    part
}

/// The digest of [`version_part`].
#[must_use]
pub fn version_digest(kind: Kind, canonical: &Value) -> Digest {
    Digest::of_json(&version_part(kind, canonical))
}

fn place_of<'v>(root: &'v mut Value, path: &Path) -> Option<&'v mut Value> {
    path.segments().iter().try_fold(root, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(&**key),
        Segment::Index(index) => value.get_mut(*index),
        Segment::Element(name) => value
            .as_array_mut()?
            .iter_mut()
            .find(|element| element.get("name").and_then(Value::as_str) == Some(&**name)),
    })
}

fn remove(root: &mut Value, dotted: &str) {
    let (parent, last) = dotted.rsplit_once('.').unwrap_or(("", dotted));
    let mut at = root;
    for key in parent.split('.').filter(|key| !key.is_empty()) {
        let Some(next) = at.get_mut(key) else { return };
        at = next;
    }
    if let Some(map) = at.as_object_mut() {
        map.shift_remove(last);
    }
}
