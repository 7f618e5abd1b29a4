//! One object changed by hand: `PUT` and `DELETE` of `…/objects/{kind}/{name}`, and the rotation of its token.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema::{AddressForm, CounterForm, MapForm, UuidForm};
use super::secret::SecretOnTheWire;
use crate::base::ident::{Generation, ObjectId};
use crate::kinds::Address;

/// The whole of an object: what is not said is not kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PutObject")]
pub struct PutObjectV1 {
    /// As in a manifest; `name` may be left out, since the address says it.
    #[serde(default)]
    #[schemars(with = "MapForm")]
    pub metadata: Map<String, Value>,
    /// As in a manifest: a secret is a reference (`{"fromEnv": "NAME"}`), which export writes back.
    #[schemars(with = "MapForm")]
    pub spec: Value,
    /// Contents of secrets by the path of their reference: `{"spec.auth.token": "…"}`. A secret that is held and still
    /// referred to is kept where none comes; a new one needs its content. What looks like a mask is refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretOnTheWire>,
}

/// What a `PUT` has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PutResult")]
pub struct PutResultV1 {
    /// The object.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// Its id.
    #[schemars(with = "UuidForm")]
    pub id: ObjectId,
    /// Its generation now; also the `ETag`.
    #[schemars(with = "CounterForm")]
    pub generation: Generation,
    /// What was done.
    pub outcome: PutOutcomeV1,
}

/// What a `PUT` has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PutOutcome")]
pub enum PutOutcomeV1 {
    /// Made an object that no plan manages.
    Created,
    /// Changed it.
    Updated,
    /// It was like that already; nothing was written.
    Unchanged,
}

/// What a `DELETE` has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RemoveResult")]
pub struct RemoveResultV1 {
    /// What was done.
    pub outcome: RemoveOutcomeV1,
}

/// What a `DELETE` has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RemoveOutcome")]
pub enum RemoveOutcomeV1 {
    /// It is gone.
    Deleted,
    /// It was used, or has versions: it is out of use and answers by its id.
    Archived,
}

/// Who rotates a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RotateRequest")]
pub struct RotateV1 {
    /// Who rotates it, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "super::schema::ActorForm")]
    pub actor: Option<String>,
}
