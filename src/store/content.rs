//! The content of an object as a caller sends it, brought into canonical form by the kinds' own code.

use serde_json::Value;

use super::error::StoreError;
use crate::base::diagnostic::Severity;
use crate::base::digest::Digest;
use crate::base::ident::{Name, ObjectId};
use crate::kinds::finding::Findings;
use crate::kinds::{Address, Kind, Metadata, Spec, canonical, catalogue};

/// Canonical content with what it links to.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
    /// `{"metadata": …, "spec": …}`.
    pub(super) canonical: Value,
    pub(super) digest: Digest,
    pub(super) links: Links,
}

/// What the field table says a content points at.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// Paths where a secret's reference stands.
    pub(super) secrets: Vec<String>,
    /// References by name, with their paths. A text that can be no name is kept as it is: it resolves to nothing.
    pub(super) names: Vec<(String, Kind, String)>,
    /// References by id, which may lie outside the project.
    pub(super) ids: Vec<ObjectId>,
}

impl Content {
    /// Reads what a caller sent and checks what the object alone can get wrong.
    pub(super) fn accept(address: &Address, metadata: &Metadata, spec: &Value) -> Result<Self, StoreError> {
        if metadata.name != address.name {
            let reason = format!("its metadata.name is `{}`", metadata.name);
            return Err(StoreError::rejected(address, reason));
        }
        let spec = address.kind.read_spec(spec);
        let spec = spec.map_err(|error| StoreError::rejected(address, format!("its spec cannot be read: {error}")))?;
        let mut findings = Findings::default();
        spec.check(&mut findings);
        metadata.check(address, &mut findings);
        if let Some(finding) = findings.as_slice().iter().find(|finding| finding.severity == Severity::Error) {
            return Err(StoreError::rejected(address, format!("{}: {}", finding.path, finding.message)));
        }
        Self::normalised(address.kind, metadata.clone(), spec).map_err(|error| StoreError::rejected(address, error))
    }

    /// Reads a canonical form that a caller sent.
    pub(super) fn accept_canonical(address: &Address, canonical: &Value) -> Result<Self, StoreError> {
        let mut metadata = canonical.get("metadata").cloned().unwrap_or_default();
        if let Some(map) = metadata.as_object_mut() {
            map.insert("name".into(), address.name.as_str().into());
        }
        let unreadable = |error| StoreError::rejected(address, format!("what counts as applied: {error}"));
        let metadata: Metadata = serde_json::from_value(metadata).map_err(unreadable)?;
        Self::accept(address, &metadata, canonical.get("spec").unwrap_or(&Value::Null))
    }

    /// Reads what is stored.
    pub(super) fn recall(address: &Address, metadata: Metadata, spec: &Value) -> Result<Self, StoreError> {
        let damaged = |error: serde_json::Error| StoreError::corrupt(address, &error);
        let spec = address.kind.read_spec(spec).map_err(damaged)?;
        Self::normalised(address.kind, metadata, spec).map_err(|error| StoreError::corrupt(address, &error))
    }

    fn normalised(kind: Kind, mut metadata: Metadata, mut spec: Spec) -> Result<Self, String> {
        metadata.normalise();
        spec.normalise();
        let canonical = canonical::value(&metadata, &spec).map_err(|error| error.to_string())?;
        let digest = canonical::digest(&canonical);
        let links = links(kind, &canonical);
        Ok(Self { metadata, spec, canonical, digest, links })
    }

    /// The same content under another name: a display name equal to the new name falls away.
    pub(super) fn renamed(self, address: &Address) -> Result<Self, StoreError> {
        let Self { mut metadata, spec, canonical: _, digest: _, links: _ } = self;
        metadata.name = address.name.clone();
        Self::normalised(address.kind, metadata, spec).map_err(|error| StoreError::rejected(address, error))
    }

    /// Its spec as a value.
    pub(super) fn spec_value(&self) -> &Value {
        self.canonical.get("spec").unwrap_or(&Value::Null)
    }
}

fn links(kind: Kind, canonical: &Value) -> Links {
    let mut links = Links::default();
    kind.field_tree().visit_links(canonical, &mut |field, path, value| {
        if field.secret && value.is_object() {
            links.secrets.push(path.to_string());
        }
        let Some(target) = field.reference else { return };
        match value {
            Value::String(name) if is_built_in(target, name) => {}
            Value::String(name) => links.names.push((path.to_string(), target, name.clone())),
            Value::Object(map) => {
                let id: Option<ObjectId> = map.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
                links.ids.extend(id);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
        }
    });
    links
}

/// Whether a name stands for something that comes with the program and is no object.
fn is_built_in(kind: Kind, name: &str) -> bool {
    kind == Kind::EventType && catalogue::EVENTS.contains_key(name)
}

/// The address that a reference names, if the text can be a name at all.
pub(super) fn address_of(kind: Kind, name: &str) -> Option<Address> {
    Some(Address { kind, name: name.parse::<Name>().ok()? })
}
