//! What is read of a project, the lease, and single objects by hand.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema::{AddressForm, CounterForm, KindForm, UuidForm};
use super::secret::ContentShape;
use crate::base::ident::{FencingToken, Name, ObjectId, PlanId};
use crate::kinds::{Address, Kind, Metadata};
use crate::object::audit::AuditEntry;
use crate::object::lease::LeaseHolder;
use crate::object::record::ObjectRecord;
use crate::object::secret_comparison::{SecretAnswer, SecretQuestion};

/// A line of `view=full`, and the answer to a GET of one object: the record, its address also in parts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RecordLine {
    /// The kind.
    #[schemars(with = "KindForm")]
    pub kind: Kind,
    /// The name.
    pub name: Name,
    /// Everything else.
    #[serde(flatten)]
    pub record: ObjectRecord,
}

impl From<ObjectRecord> for RecordLine {
    fn from(record: ObjectRecord) -> Self {
        Self { kind: record.address.kind, name: record.address.name.clone(), record }
    }
}

/// The body of `POST …/objects/read`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadRequest {
    /// The objects, `Kind/name` each, at most 1,000.
    #[schemars(with = "Vec<AddressForm>", length(max = 1_000))]
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
    #[schemars(with = "AddressForm")]
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
    #[schemars(with = "UuidForm")]
    pub owner: PlanId,
    /// Who applies it; the name of the key stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub actor: Option<String>,
}

/// The body of `POST …/lease/release`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseRelease {
    /// The plan that held it.
    #[schemars(with = "UuidForm")]
    pub owner: PlanId,
    /// Its token.
    #[schemars(with = "CounterForm")]
    pub token: FencingToken,
}

/// Whose lease was taken away.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseBroken {
    /// The holder; null when there was none.
    pub holder: Option<LeaseHolder>,
}

/// Who holds the lease.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseShape {
    /// The holder; null while there is none.
    pub holder: Option<LeaseHolder>,
}

/// Entries of the audit, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditShape {
    /// The entries.
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
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// The object's id.
    #[schemars(with = "UuidForm")]
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
