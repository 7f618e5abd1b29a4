//! What is read of a project, the lease, and single objects by hand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::secret::ContentShape;
use crate::base::digest::Digest;
use crate::base::ident::{FencingToken, Generation, Name, ObjectId, PlanId, Revision};
use crate::kinds::{Address, Kind, Metadata};
use crate::object::audit::AuditEntry;
use crate::object::changeset::AppliedPlan;
use crate::object::lease::{LeaseGrant, LeaseHolder};
use crate::object::record::{DigestRow, ObjectRecord, SecretSlot};
use crate::object::secret_comparison::{SecretAnswer, SecretQuestion};

/// A line of `view=digest`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowShape {
    /// `Kind/name`.
    #[schemars(with = "String")]
    pub address: Address,
    /// The target's identity.
    #[schemars(with = "uuid::Uuid")]
    pub id: ObjectId,
    /// The revision that last changed it.
    #[schemars(with = "u64")]
    pub generation: Generation,
    /// Digest of the canonical form.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Digest of what was last applied; null for an object that no apply has written.
    #[schemars(with = "Option<String>")]
    pub last_applied_digest: Option<Digest>,
    /// Whether an apply made it or took it over.
    pub managed: bool,
    /// Whether something live has referred to it.
    pub used: bool,
    /// Whether it is out of use.
    pub archived: bool,
    /// For a System: whether its settings are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<bool>,
    /// For a Destination: whether the receiver has said 410.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<bool>,
    /// The secrets it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SlotShape>,
}

/// A secret that is held.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotShape {
    /// Path in the manifest.
    pub path: String,
    /// The salt to compare under, base64.
    pub salt: String,
}

impl From<DigestRow> for RowShape {
    fn from(row: DigestRow) -> Self {
        let DigestRow {
            address,
            id,
            generation,
            digest,
            last_applied_digest,
            managed,
            used,
            archived,
            published,
            halted,
            secrets,
        } = row;
        let secrets = secrets.into_iter().map(|SecretSlot { path, salt }| SlotShape { path, salt }).collect();
        Self {
            address,
            id,
            generation,
            digest,
            last_applied_digest,
            managed,
            used,
            archived,
            published,
            halted,
            secrets,
        }
    }
}

impl From<RowShape> for DigestRow {
    fn from(row: RowShape) -> Self {
        let RowShape {
            address,
            id,
            generation,
            digest,
            last_applied_digest,
            managed,
            used,
            archived,
            published,
            halted,
            secrets,
        } = row;
        let secrets = secrets.into_iter().map(|SlotShape { path, salt }| SecretSlot { path, salt }).collect();
        Self {
            address,
            id,
            generation,
            digest,
            last_applied_digest,
            managed,
            used,
            archived,
            published,
            halted,
            secrets,
        }
    }
}

/// A line of `view=full`, and the answer to a GET of one object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordShape {
    /// `Kind/name`.
    #[schemars(with = "String")]
    pub address: Address,
    /// The kind.
    #[schemars(with = "String")]
    pub kind: Kind,
    /// The name.
    pub name: Name,
    /// The target's identity.
    #[schemars(with = "uuid::Uuid")]
    pub id: ObjectId,
    /// The revision that last changed it.
    #[schemars(with = "u64")]
    pub generation: Generation,
    /// Digest of the canonical form.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Whether an apply made it or took it over.
    pub managed: bool,
    /// Whether something live has referred to it.
    pub used: bool,
    /// Whether it is out of use.
    pub archived: bool,
    /// Canonical metadata.
    pub metadata: Metadata,
    /// Canonical spec; secrets are their references.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub spec: Value,
    /// What was last applied: `{"metadata": …, "spec": …}`; null for an object that no apply has written.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    pub last_applied: Option<Value>,
    /// What only the target decides.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub server_set: Value,
}

impl From<ObjectRecord> for RecordShape {
    fn from(record: ObjectRecord) -> Self {
        let ObjectRecord {
            address,
            id,
            generation,
            digest,
            managed,
            used,
            archived,
            metadata,
            spec,
            last_applied,
            server_set,
        } = record;
        let (kind, name) = (address.kind, address.name.clone());
        Self {
            address,
            kind,
            name,
            id,
            generation,
            digest,
            managed,
            used,
            archived,
            metadata,
            spec,
            last_applied,
            server_set,
        }
    }
}

impl From<RecordShape> for ObjectRecord {
    fn from(shape: RecordShape) -> Self {
        let RecordShape {
            address,
            kind: _,
            name: _,
            id,
            generation,
            digest,
            managed,
            used,
            archived,
            metadata,
            spec,
            last_applied,
            server_set,
        } = shape;
        Self { address, id, generation, digest, managed, used, archived, metadata, spec, last_applied, server_set }
    }
}

/// The body of `POST …/objects/read`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadRequest {
    /// The objects, `Kind/name` each, at most 1,000.
    #[schemars(with = "Vec<String>", length(max = 1_000))]
    pub addresses: Vec<Address>,
    /// The archived ones of these addresses in place of the live ones.
    #[serde(default)]
    pub archived: bool,
}

/// The body of `POST …/objects/compare-secrets`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompareRequest {
    /// At most 10,000.
    #[schemars(length(max = 10_000))]
    pub questions: Vec<QuestionShape>,
}

/// A content to be compared with what the target holds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuestionShape {
    /// `Kind/name`.
    #[schemars(with = "String")]
    pub address: Address,
    /// The secret's path.
    pub path: String,
    /// HMAC-SHA-256(salt, content), base64.
    pub fingerprint: String,
}

impl From<&SecretQuestion> for QuestionShape {
    fn from(question: &SecretQuestion) -> Self {
        let SecretQuestion { address, path, fingerprint } = question;
        Self { address: address.clone(), path: path.clone(), fingerprint: fingerprint.clone() }
    }
}

/// The answer: one for each question, in order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompareAnswer {
    /// `same`, `different`, or `unknown` where none is held.
    #[schemars(with = "Vec<String>")]
    pub answers: Vec<SecretAnswer>,
}

/// The body of `POST …/lease`: takes it, or renews it for the plan that holds it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseRequest {
    /// The plan that is applied.
    #[schemars(with = "uuid::Uuid")]
    pub owner: PlanId,
    /// Who applies it; the name of the key stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub actor: Option<String>,
}

/// A lease that was granted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseShape {
    /// Rises with every change of holder; every write carries it.
    #[schemars(with = "u64")]
    pub token: FencingToken,
    /// End of the term.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

impl From<LeaseGrant> for LeaseShape {
    fn from(LeaseGrant { token, expires_at }: LeaseGrant) -> Self {
        Self { token, expires_at }
    }
}

impl From<LeaseShape> for LeaseGrant {
    fn from(LeaseShape { token, expires_at }: LeaseShape) -> Self {
        Self { token, expires_at }
    }
}

/// The body of `POST …/lease/release`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseRelease {
    /// The plan that held it.
    #[schemars(with = "uuid::Uuid")]
    pub owner: PlanId,
    /// Its token.
    #[schemars(with = "u64")]
    pub token: FencingToken,
}

/// Whose lease was taken away.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseBroken {
    /// The holder; null when there was none.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    pub holder: Option<LeaseHolder>,
}

/// A plan that was applied.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedShape {
    /// The plan.
    #[schemars(with = "uuid::Uuid")]
    pub plan_id: PlanId,
    /// Digest of the plan.
    #[schemars(with = "String")]
    pub body: Digest,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// The project's revision after it.
    #[schemars(with = "u64")]
    pub revision: Revision,
}

impl From<AppliedPlan> for AppliedShape {
    fn from(AppliedPlan { plan_id, body, at, actor, revision }: AppliedPlan) -> Self {
        Self { plan_id, body, at, actor, revision }
    }
}

impl From<AppliedShape> for AppliedPlan {
    fn from(AppliedShape { plan_id, body, at, actor, revision }: AppliedShape) -> Self {
        Self { plan_id, body, at, actor, revision }
    }
}

/// Entries of the audit, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditShape {
    /// The entries.
    #[schemars(with = "Vec<serde_json::Map<String, Value>>")]
    pub entries: Vec<AuditEntry>,
}

/// Secrets that the target made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The tokens of objects of kinds that have one.
    pub tokens: Vec<TokenShape>,
}

/// The token of one object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenShape {
    /// `Kind/name`.
    #[schemars(with = "String")]
    pub address: Address,
    /// The object's id.
    #[schemars(with = "uuid::Uuid")]
    pub id: ObjectId,
    /// The last part of its URL.
    #[schemars(with = "String")]
    pub token: ContentShape,
}

/// A token that was made anew.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenValue {
    /// The last part of the object's URL.
    #[schemars(with = "String")]
    pub token: ContentShape,
}

/// The body of a `PUT` of one object: its whole content.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutRequest {
    /// Metadata as in a manifest; the name is that of the address.
    pub metadata: Metadata,
    /// Spec as in a manifest; secrets are their references.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub spec: Value,
    /// Contents of secrets by path (`spec.auth.token`). A secret that is not named keeps its content.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, ContentShape>,
}
