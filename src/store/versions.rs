//! Versions that only grow, and the two pointers to them, as they stand in `serverSet`.

use serde_json::{Map, Value, json};

use super::content::Content;
use super::error::StoreError;
use crate::base::digest::Digest;
use crate::base::path::Path;
use crate::kinds::{Address, canonical};
use crate::object::record::VersionRow;

const VERSIONS: &str = "versions";
const CURRENT: &str = "current";
const TEST: &str = "test";

/// A version made by this write.
#[derive(Clone, Debug)]
pub(super) struct NewVersion {
    pub(super) version: u64,
    pub(super) digest: Digest,
    pub(super) spec: String,
}

/// The pointer that a content's `release` names.
fn pointer(content: &Content) -> &'static str {
    match Path::keys(canonical::POINTER_FIELD).of(&content.canonical).and_then(Value::as_str) {
        Some(TEST) => TEST,
        Some(_) | None => CURRENT,
    }
}

/// What the content would freeze as a version.
pub(super) fn frozen_digest(address: &Address, content: &Content) -> Digest {
    canonical::version_digest(address.kind, &content.canonical)
}

/// The versions an object has, oldest first.
pub(super) fn list(address: &Address, server_set: &Map<String, Value>) -> Result<Vec<VersionRow>, StoreError> {
    match server_set.get(VERSIONS) {
        None => Ok(Vec::new()),
        Some(list) => serde_json::from_value(list.clone())
            .map_err(|error| StoreError::corrupt(address, &format!("its versions: {error}"))),
    }
}

/// Adds a version and points to it.
pub(super) fn grow(
    address: &Address,
    server_set: &mut Map<String, Value>,
    content: &Content,
) -> Result<NewVersion, StoreError> {
    let mut versions = list(address, server_set)?;
    let version = versions.last().map_or(1, |last| last.version + 1);
    let digest = frozen_digest(address, content);
    versions.push(VersionRow { version, digest });
    server_set.insert(VERSIONS.into(), json!(versions));
    for name in [CURRENT, TEST] {
        server_set.entry(name).or_insert(Value::Null);
    }
    server_set.insert(pointer(content).into(), version.into());
    Ok(NewVersion { version, digest, spec: content.spec_value().to_string() })
}

/// Points to a version that exists and that the content is equal to.
pub(super) fn point(
    address: &Address,
    server_set: &mut Map<String, Value>,
    content: &Content,
    version: u64,
) -> Result<(), StoreError> {
    let versions = list(address, server_set)?;
    let row = versions.iter().find(|row| row.version == version);
    let row = row.ok_or_else(|| StoreError::rejected(address, format!("it has no version {version}")))?;
    if row.digest != frozen_digest(address, content) {
        return Err(StoreError::rejected(address, format!("its version {version} is not what was sent")));
    }
    server_set.insert(pointer(content).into(), version.into());
    Ok(())
}

/// The newest version that freezes the same, if there is one.
pub(super) fn equal_version(
    address: &Address,
    server_set: &Map<String, Value>,
    content: &Content,
) -> Result<Option<u64>, StoreError> {
    let digest = frozen_digest(address, content);
    let versions = list(address, server_set)?;
    Ok(versions.iter().rev().find(|row| row.digest == digest).map(|row| row.version))
}
