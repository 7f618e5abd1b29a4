//! Stage 7: the way back, from live objects to manifests. Planned again, an export changes nothing.

use serde_json::{Map, Value, json};

use crate::kinds::{Address, canonical, schema};
use crate::object::record::ObjectRecord;

/// Why an object cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Its content is not what its kind takes.
    #[error("export {address}: its content cannot be read")]
    Unreadable {
        /// The object.
        address: Address,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It cannot be written as YAML.
    #[error("export {address}: it cannot be written as YAML: {reason}")]
    Unwritable {
        /// The object.
        address: Address,
        /// Why.
        reason: String,
    },
}

/// The manifest of a live object: canonical, without what equals a default, secrets as their references.
///
/// # Errors
/// When the object's content is not what its kind takes.
pub fn manifest(record: &ObjectRecord) -> Result<Value, ExportError> {
    let address = &record.address;
    let unreadable = |source| ExportError::Unreadable { address: address.clone(), source };
    let mut metadata = record.metadata.clone();
    metadata.normalise();
    let mut spec = address.kind.read_spec(&record.spec).map_err(unreadable)?;
    spec.normalise();
    let canonical = canonical::value(&metadata, &spec).map_err(unreadable)?;
    let mut bare = schema::without_defaults(address.kind, &canonical);
    escape(&mut bare);
    let mut named = Map::new();
    named.insert("name".into(), address.name.as_str().into());
    if let Some(Value::Object(rest)) = bare.get_mut("metadata").map(Value::take) {
        named.extend(rest);
    }
    let spec = bare.get_mut("spec").map_or_else(|| json!({}), Value::take);
    Ok(json!({ "apiVersion": schema::API_VERSION, "kind": address.kind, "metadata": named, "spec": spec }))
}

/// A `${` in live text is text; in a manifest it would begin a reference.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("${") => *text = text.replace("${", "$${"),
        Value::Array(list) => list.iter_mut().for_each(escape),
        Value::Object(map) => map.values_mut().for_each(escape),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The manifest of a live object as one YAML document, `---` before it.
///
/// Strings that a YAML 1.1 reader would take for something else are quoted, so that any tool reads the same.
///
/// # Errors
/// When the object's content is not what its kind takes.
pub fn document(record: &ObjectRecord) -> Result<String, ExportError> {
    let manifest = manifest(record)?;
    let options = serde_saphyr::ser_options! {
        // A folded text is hard to review: its line breaks are not the value's.
        folded_wrap_chars: usize::MAX,
        compact_list_indent: false,
    };
    serde_saphyr::to_string_with_options(&manifest, options)
        .map(|text| format!("---\n{text}"))
        .map_err(|error| ExportError::Unwritable { address: record.address.clone(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::ident::{Generation, Name, ObjectId};
    use crate::kinds::{Kind, Metadata};

    fn record(kind: Kind, spec: Value) -> ObjectRecord {
        let name = Name::from_any("x");
        ObjectRecord {
            address: Address::new(kind, name.clone()),
            id: ObjectId(uuid::Uuid::nil()),
            generation: Generation(1),
            digest: Digest::of_bytes(b""),
            managed: true,
            used: false,
            archived: false,
            metadata: Metadata::named(name),
            spec,
            last_applied: None,
            server_set: json!({}),
        }
    }

    #[test]
    fn defaults_are_left_out_and_odd_strings_quoted() -> Result<(), ExportError> {
        let spec = json!({
            "platform": "no", "method": "POST", "url": "https://a.test/${x}", "auth": {"type": "none"},
            "timeoutSeconds": 10, "retry": {"maxAttempts": 8}, "headers": {"X-Code": "0755"},
        });
        let text = document(&record(Kind::Destination, spec))?;
        assert_eq!(
            text,
            "---\napiVersion: trueup/v1\nkind: Destination\nmetadata:\n  name: x\nspec:\n  platform: \"no\"\n  method: POST\n  url: https://a.test/$${x}\n  headers:\n    X-Code: \"0755\"\n"
        );
        Ok(())
    }
}
