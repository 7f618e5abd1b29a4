//! From the plan's actions and the desired objects to the changeset that is sent. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::path::Path;
use crate::desired::secrets::Secrets;
use crate::desired::{Desired, DesiredObject};
use crate::kinds::{Address, Metadata};
use crate::object::action::ActionKind;
use crate::object::changeset::{Body, Expected, Operation, SecretWrite, Write};
use crate::object::record::ObjectRecord;
use crate::plan::plan_value::{Action, Plan};

/// What the writes are made from.
pub(super) struct Source<'a> {
    pub plan: &'a Plan,
    pub desired: &'a Desired,
    pub secrets: &'a Secrets,
    /// Secrets the target holds with this very content: they need not be sent.
    pub same: &'a BTreeSet<(Address, String)>,
    /// Objects whose live values are kept in part, in full.
    pub records: &'a BTreeMap<Address, ObjectRecord>,
}

/// Why no changeset can be made of a plan.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The plan names an object that the manifests do not have: the two do not belong together.
    #[error("make the changeset: {0} is in the plan and not in the manifests")]
    NotDesired(Address),
    /// The plan lacks something an action of its kind needs.
    #[error("make the changeset: the action {action} on {address} lacks {what}")]
    Incomplete {
        /// The address.
        address: Address,
        /// The action.
        action: ActionKind,
        /// What it lacks.
        what: &'static str,
    },
    /// A secret to be written is not available.
    #[error("make the changeset: the secret {path} of {address} is not available")]
    SecretUnavailable {
        /// The object.
        address: Address,
        /// The secret's path.
        path: String,
    },
    /// An object has no canonical form.
    #[error("make the changeset: {0} has no canonical form")]
    NoCanonicalForm(Address, #[source] serde_json::Error),
}

/// The writes of a plan, in its order.
pub(super) fn writes(source: &Source<'_>) -> Result<Vec<Write>, MakeError> {
    source.plan.actions.iter().map(|action| write(source, action)).collect()
}

/// An update that only a secret compared at apply makes necessary.
pub(super) fn secret_update(
    source: &Source<'_>,
    address: &Address,
    expected: crate::base::ident::Generation,
) -> Result<Write, MakeError> {
    let body = body(source, address, &[], false)?;
    Ok(Write {
        address: address.clone(),
        action: ActionKind::Update,
        expected: Expected::Generation(expected),
        operation: Operation::Update(body),
    })
}

fn write(source: &Source<'_>, action: &Action) -> Result<Write, MakeError> {
    let incomplete = |what| MakeError::Incomplete { address: action.address.clone(), action: action.action, what };
    let made_anew = matches!(action.action, ActionKind::Create | ActionKind::Replace);
    let content = || body(source, &action.address, &action.keeps, made_anew);
    let changed = || if action.changes.is_empty() { Ok(None) } else { content().map(Some) };
    let operation = match action.action {
        ActionKind::Create => Operation::Create(content()?),
        ActionKind::Update => Operation::Update(content()?),
        ActionKind::Replace => Operation::Replace(content()?),
        ActionKind::NewVersion => Operation::NewVersion(content()?),
        ActionKind::MakeCurrent => Operation::MakeCurrent {
            version: action.version.ok_or_else(|| incomplete("the version"))?,
            body: content()?,
        },
        ActionKind::Move => Operation::Move {
            from: action.from.clone().ok_or_else(|| incomplete("the former address"))?,
            body: changed()?,
        },
        ActionKind::Delete => Operation::Delete,
        ActionKind::Archive => Operation::Archive,
        ActionKind::Restore => Operation::Restore(changed()?),
        ActionKind::Adopt => Operation::Adopt(changed()?),
        ActionKind::PublishSettings => Operation::PublishSettings,
    };
    let expected = match (action.action, action.expected) {
        (ActionKind::Create, _) => Expected::Absent,
        (_, Some(generation)) => Expected::Generation(generation),
        (_, None) => Expected::WrittenBefore,
    };
    Ok(Write { address: action.address.clone(), action: action.action, expected, operation })
}

fn body(source: &Source<'_>, address: &Address, keeps: &[Path], made_anew: bool) -> Result<Body, MakeError> {
    let object = source.desired.get(address).ok_or_else(|| MakeError::NotDesired(address.clone()))?;
    let no_form = |error| MakeError::NoCanonicalForm(address.clone(), error);
    let canonical = object.canonical().map_err(no_form)?;
    let secrets = secrets(source, object, made_anew)?;
    let Some(record) = source.records.get(address).filter(|_| !keeps.is_empty()) else {
        let mut canonical = canonical;
        let spec = canonical.get_mut("spec").map(Value::take).unwrap_or_default();
        return Ok(Body { metadata: (*object.metadata).clone(), spec, applied: None, secrets });
    };
    let live = serde_json::json!({ "metadata": record.metadata, "spec": record.spec });
    let mut merged = canonical.clone();
    for path in keeps {
        path.put(&mut merged, path.of(&live).cloned());
    }
    let mut metadata = merged.get_mut("metadata").map(Value::take).unwrap_or_default();
    if let Some(map) = metadata.as_object_mut() {
        map.insert("name".into(), address.name.as_str().into());
    }
    let metadata: Metadata = serde_json::from_value(metadata).map_err(no_form)?;
    let spec = merged.get_mut("spec").map(Value::take).unwrap_or_default();
    Ok(Body { metadata, spec, applied: Some(canonical), secrets })
}

fn secrets(source: &Source<'_>, object: &DesiredObject, made_anew: bool) -> Result<Vec<SecretWrite>, MakeError> {
    let mut writes = Vec::new();
    for secret in &object.secrets {
        let path = secret.path.to_string();
        if !made_anew && source.same.contains(&(object.address.clone(), path.clone())) {
            continue;
        }
        let Some(content) = source.secrets.get(&secret.reference) else {
            return Err(MakeError::SecretUnavailable { address: object.address.clone(), path });
        };
        writes.push(SecretWrite { path, content: content.clone() });
    }
    Ok(writes)
}
