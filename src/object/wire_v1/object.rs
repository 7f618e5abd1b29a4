//! Objects as they are read: the digest view, a line of the full view, reading many, comparing secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema::{AddressForm, CounterForm, DigestForm, KindForm, MapForm, UuidForm};
use crate::base::digest::Digest;
use crate::base::ident::{Generation, Name, ObjectId, Revision};
use crate::kinds::{Address, Kind, Metadata};
use crate::object::record::{DigestRow, ObjectRecord, Snapshot};
use crate::object::secret_comparison::{SecretAnswer, SecretQuestion};

/// Which view of a project's objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum View {
    /// A small row of every object, archived ones included.
    #[default]
    Digest,
    /// Every live object in full, a line each.
    Full,
}

/// The parameters of `GET …/objects`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ObjectsParameters")]
pub struct ObjectsParametersV1 {
    /// The view; `digest` when absent.
    #[serde(default)]
    pub view: View,
}

/// `view=digest`: all objects at one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DigestView")]
pub struct DigestViewV1 {
    /// The project's revision the rows belong to.
    #[schemars(with = "CounterForm")]
    pub revision: Revision,
    /// In the order of their addresses; of several with one address the archived ones first, oldest first.
    pub objects: Vec<DigestRow>,
}

impl From<Snapshot> for DigestViewV1 {
    fn from(Snapshot { revision, rows }: Snapshot) -> Self {
        Self { revision, objects: rows }
    }
}

impl From<DigestViewV1> for Snapshot {
    fn from(DigestViewV1 { revision, objects }: DigestViewV1) -> Self {
        Self { revision, rows: objects }
    }
}

/// An object in full: a line of `view=full`, and the answer to `GET` of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Object")]
pub struct ObjectV1 {
    /// `Kind/name`.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// The kind.
    #[schemars(with = "KindForm")]
    pub kind: Kind,
    /// The name.
    pub name: Name,
    /// The server's identity of it.
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
    /// What was last applied: `{"metadata", "spec"}` in canonical form; null for an object that no apply has written.
    #[schemars(with = "Option<MapForm>")]
    pub last_applied: Option<Value>,
    /// What only the server decides: ids, effective times, pointers.
    #[schemars(with = "MapForm")]
    pub server_set: Value,
}

impl From<ObjectRecord> for ObjectV1 {
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

impl From<ObjectV1> for ObjectRecord {
    fn from(object: ObjectV1) -> Self {
        let ObjectV1 {
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
        } = object;
        Self { address, id, generation, digest, managed, used, archived, metadata, spec, last_applied, server_set }
    }
}

/// Which objects to read in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ReadRequest")]
pub struct ReadObjectsV1 {
    /// At most 1,000. One that does not exist is left out of the answer.
    #[schemars(with = "Vec<AddressForm>", length(max = 1_000))]
    pub addresses: Vec<Address>,
    /// The archived objects of these addresses, newest archive last, in place of the live ones.
    #[serde(default)]
    pub archived: bool,
}

/// Objects in full, as one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Objects")]
pub struct ObjectsV1 {
    /// The objects that exist.
    pub objects: Vec<ObjectV1>,
}

/// Contents to compare with what the server holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CompareRequest")]
pub struct CompareSecretsV1 {
    /// At most 5,000; 60,000 a minute and project are answered.
    #[schemars(length(max = 5_000))]
    pub questions: Vec<QuestionV1>,
}

/// One content to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SecretQuestion")]
pub struct QuestionV1 {
    /// The object.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// The secret's path, as in the digest view.
    #[schemars(length(max = 1_000))]
    pub path: String,
    /// HMAC-SHA-256(salt, content) in base64; the salt stands beside the path in the digest view.
    #[schemars(length(max = 100))]
    pub fingerprint: String,
}

impl From<&SecretQuestion> for QuestionV1 {
    fn from(SecretQuestion { address, path, fingerprint }: &SecretQuestion) -> Self {
        Self { address: address.clone(), path: path.clone(), fingerprint: fingerprint.clone() }
    }
}

/// The answers, in the order of the questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CompareAnswers")]
pub struct SecretAnswersV1 {
    /// One for each question.
    pub answers: Vec<AnswerV1>,
}

/// Whether the content is the one held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SecretAnswer")]
pub enum AnswerV1 {
    /// The server holds this content.
    Same,
    /// It holds another.
    Different,
    /// It holds none there.
    Unknown,
}

impl From<AnswerV1> for SecretAnswer {
    fn from(answer: AnswerV1) -> Self {
        match answer {
            AnswerV1::Same => Self::Same,
            AnswerV1::Different => Self::Different,
            AnswerV1::Unknown => Self::Unknown,
        }
    }
}

impl From<Option<bool>> for AnswerV1 {
    fn from(same: Option<bool>) -> Self {
        match same {
            Some(true) => Self::Same,
            Some(false) => Self::Different,
            None => Self::Unknown,
        }
    }
}
