//! Objects as a target has them: a small row of each, and the whole of some.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire_v1::schema::{AddressForm, CounterForm, DigestForm, MapForm, UuidForm};
use crate::base::digest::Digest;
use crate::base::ident::{Generation, ObjectId, Revision};
use crate::kinds::{Address, Metadata};

/// All rows of a project at one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The project's revision the rows belong to.
    pub revision: Revision,
    /// One row per object, archived ones included, in the order of their addresses.
    pub rows: Vec<DigestRow>,
}

/// What the planner needs to know of an object whose content did not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DigestRow {
    /// Kind and name. Several archived objects may have the address of a live one.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// The target's identity.
    #[schemars(with = "UuidForm")]
    pub id: ObjectId,
    /// The revision that last changed it.
    #[schemars(with = "CounterForm")]
    pub generation: Generation,
    /// Digest of the canonical form of metadata and spec.
    #[schemars(with = "DigestForm")]
    pub digest: Digest,
    /// Digest of what was last applied; `None` for an object that no apply has written.
    #[schemars(with = "Option<DigestForm>")]
    pub last_applied_digest: Option<Digest>,
    /// Whether an apply made it or took it over.
    pub managed: bool,
    /// Whether something that was live has referred to it: freezes a Template.
    pub used: bool,
    /// Whether it is out of use; then only its id counts.
    pub archived: bool,
    /// For a System: whether its settings are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<bool>,
    /// For a Destination: whether the receiver has said 410.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<bool>,
    /// The secrets it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretSlot>,
}

/// A secret that a target holds: its place and the salt to compare under. The content never leaves the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretSlot {
    /// Path in the manifest, as a [`Path`](crate::base::path::Path) prints it: `spec.auth.token`.
    pub path: String,
    /// Random, base64.
    pub salt: String,
}

/// An object in full: one line of `view=full`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRecord {
    /// Kind and name.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// The target's identity.
    #[schemars(with = "UuidForm")]
    pub id: ObjectId,
    /// The revision that last changed it.
    #[schemars(with = "CounterForm")]
    pub generation: Generation,
    /// Digest of the canonical form of metadata and spec.
    #[schemars(with = "DigestForm")]
    pub digest: Digest,
    /// Whether an apply made it or took it over.
    pub managed: bool,
    /// Whether something that was live has referred to it.
    pub used: bool,
    /// Whether it is out of use.
    pub archived: bool,
    /// Canonical metadata.
    pub metadata: Metadata,
    /// Canonical spec; secrets are their references.
    #[schemars(with = "MapForm")]
    pub spec: Value,
    /// What was last applied: a canonical `{"metadata": …, "spec": …}` as [`crate::kinds::canonical::value`] makes it.
    #[schemars(with = "Option<MapForm>")]
    pub last_applied: Option<Value>,
    /// What only the target decides: ids, effective times, pointers, resolved references.
    #[schemars(with = "MapForm")]
    pub server_set: Value,
}

/// One version of an object whose versions only grow; stands in `serverSet.versions`, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// 1 and up.
    pub version: u64,
    /// Digest of the version's part of the spec, as [`crate::kinds::canonical::version_digest`] makes it.
    pub digest: Digest,
}
