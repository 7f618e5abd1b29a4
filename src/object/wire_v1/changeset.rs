//! A changeset and its outcome.
//!
//! A write says what it does once: the action that the audit names is the operation that is carried out, so that the
//! two cannot differ.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema::{ActorForm, AddressForm, CounterForm, DigestForm, MapForm, UuidForm};
use super::secret::SecretOnTheWire;
use crate::base::digest::Digest;
use crate::base::ident::{FencingToken, Generation, Name, PlanId, Revision};
use crate::kinds::{Address, Metadata};
use crate::object::action::ActionKind;
use crate::object::changeset::{
    AppliedPlan, Body, Changeset, ChangesetOutcome, Expected, Operation, SecretWrite, Write, WriteResult,
};

/// All writes of one plan.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Changeset")]
pub struct ChangesetV1 {
    /// The plan: it is applied once, and asked again answered with when that was.
    #[schemars(with = "UuidForm")]
    pub plan_id: PlanId,
    /// Digest of the plan. The same plan with another one is refused.
    #[schemars(with = "DigestForm")]
    pub body: Digest,
    /// Who applies, for the audit, beside the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ActorForm")]
    pub actor: Option<String>,
    /// The commit the manifests come from, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ActorForm")]
    pub commit: Option<String>,
    /// The lease's token.
    #[schemars(with = "CounterForm")]
    pub fencing_token: FencingToken,
    /// In order; a later write sees the earlier ones.
    pub writes: Vec<WriteV1>,
    /// Objects whose live content already is what the manifests say: only what was last applied is set to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refresh: Vec<RefreshV1>,
}

/// One write.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Write")]
pub struct WriteV1 {
    /// The address; of a move the new one.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// What must hold before the changeset begins.
    pub expected: ExpectedV1,
    /// What is done.
    pub operation: OperationV1,
}

/// A precondition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Expected")]
pub enum ExpectedV1 {
    /// No object that is not archived has the address.
    Absent,
    /// An earlier write of this changeset touched the object.
    WrittenBefore,
    /// The object has this generation; of a move the one at the former address.
    Generation(#[schemars(with = "CounterForm")] Generation),
}

/// What a write does.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Operation")]
pub enum OperationV1 {
    /// Makes a managed object.
    Create {
        /// Its content.
        body: BodyV1,
    },
    /// Changes content in place.
    Update {
        /// The new content.
        body: BodyV1,
    },
    /// Archives or deletes the object, then makes a new one there with a new id.
    Replace {
        /// The content of the new one.
        body: BodyV1,
    },
    /// Adds a version. Needs the scope `publish`.
    NewVersion {
        /// The new content.
        body: BodyV1,
    },
    /// Moves the pointer to a version that exists. Needs the scope `publish`.
    MakeCurrent {
        /// The version.
        #[schemars(range(min = 1))]
        version: u64,
        /// Content beside the versions, and the version's own.
        body: BodyV1,
    },
    /// Gives the object at `from` this address.
    Move {
        /// The former address.
        #[schemars(with = "AddressForm")]
        from: Address,
        /// New content, when it changes as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "BodyV1")]
        body: Option<BodyV1>,
    },
    /// Removes the object.
    Delete {},
    /// Takes it out of use and frees its address.
    Archive {},
    /// Brings back the object that was archived last under this address.
    Restore {
        /// New content, when it changes as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "BodyV1")]
        body: Option<BodyV1>,
    },
    /// Marks it managed.
    Adopt {
        /// New content, when it changes as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "BodyV1")]
        body: Option<BodyV1>,
    },
    /// Publishes a system's settings. Needs the scope `publish`.
    PublishSettings {},
}

/// The content of an object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Content")]
pub struct BodyV1 {
    /// Canonical metadata.
    pub metadata: Metadata,
    /// Canonical spec, secrets as references.
    #[schemars(with = "MapForm")]
    pub spec: Value,
    /// What counts as last applied, where it is not what is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "MapForm")]
    pub applied: Option<Value>,
    /// Contents of secrets that are new or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretV1>,
}

/// The new content of one secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SecretWrite")]
pub struct SecretV1 {
    /// Where its reference stands: `spec.auth.token`.
    pub path: String,
    /// The content.
    pub content: SecretOnTheWire,
}

/// An object of which only what was last applied is set anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Refresh")]
pub struct RefreshV1 {
    /// The object.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// The generation it must have.
    #[schemars(with = "CounterForm")]
    pub generation: Generation,
}

/// What became of a changeset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "ChangesetResult")]
pub enum ChangesetResultV1 {
    /// Everything was written.
    Applied {
        /// The project's revision after it.
        #[schemars(with = "CounterForm")]
        revision: Revision,
        /// One per write, in order.
        results: Vec<WriteResult>,
    },
    /// The same plan was applied before; nothing was written now.
    AlreadyApplied {
        /// When and by whom.
        applied: AppliedPlan,
    },
}

impl From<ChangesetOutcome> for ChangesetResultV1 {
    fn from(outcome: ChangesetOutcome) -> Self {
        match outcome {
            ChangesetOutcome::Applied { revision, results } => Self::Applied { revision, results },
            ChangesetOutcome::AlreadyApplied(applied) => Self::AlreadyApplied { applied },
        }
    }
}

impl From<ChangesetResultV1> for ChangesetOutcome {
    fn from(result: ChangesetResultV1) -> Self {
        match result {
            ChangesetResultV1::Applied { revision, results } => Self::Applied { revision, results },
            ChangesetResultV1::AlreadyApplied { applied } => Self::AlreadyApplied(applied),
        }
    }
}

impl From<&Changeset> for ChangesetV1 {
    fn from(changeset: &Changeset) -> Self {
        let Changeset { project: _, plan_id, body, actor, commit, fencing_token, writes, refresh } = changeset;
        let refresh =
            refresh.iter().map(|(address, generation)| RefreshV1 { address: address.clone(), generation: *generation });
        Self {
            plan_id: *plan_id,
            body: *body,
            actor: Some(actor.clone()),
            commit: commit.clone(),
            fencing_token: *fencing_token,
            writes: writes.iter().map(WriteV1::from).collect(),
            refresh: refresh.collect(),
        }
    }
}

impl ChangesetV1 {
    /// The changeset for a project, in the name of `actor`.
    #[must_use]
    pub fn into_changeset(self, project: Name, actor: String) -> Changeset {
        let Self { plan_id, body, actor: _, commit, fencing_token, writes, refresh } = self;
        let writes = writes.into_iter().map(Write::from).collect();
        let refresh = refresh.into_iter().map(|RefreshV1 { address, generation }| (address, generation)).collect();
        Changeset { project, plan_id, body, actor, commit, fencing_token, writes, refresh }
    }
}

impl From<&Write> for WriteV1 {
    fn from(Write { address, action: _, expected, operation }: &Write) -> Self {
        let expected = match expected {
            Expected::Absent => ExpectedV1::Absent,
            Expected::WrittenBefore => ExpectedV1::WrittenBefore,
            Expected::Generation(generation) => ExpectedV1::Generation(*generation),
        };
        let optional = |body: &Option<Body>| body.as_ref().map(BodyV1::from);
        let operation = match operation {
            Operation::Create(body) => OperationV1::Create { body: body.into() },
            Operation::Update(body) => OperationV1::Update { body: body.into() },
            Operation::Replace(body) => OperationV1::Replace { body: body.into() },
            Operation::NewVersion(body) => OperationV1::NewVersion { body: body.into() },
            Operation::MakeCurrent { version, body } => {
                OperationV1::MakeCurrent { version: *version, body: body.into() }
            }
            Operation::Move { from, body } => OperationV1::Move { from: from.clone(), body: optional(body) },
            Operation::Delete => OperationV1::Delete {},
            Operation::Archive => OperationV1::Archive {},
            Operation::Restore(body) => OperationV1::Restore { body: optional(body) },
            Operation::Adopt(body) => OperationV1::Adopt { body: optional(body) },
            Operation::PublishSettings => OperationV1::PublishSettings {},
        };
        Self { address: address.clone(), expected, operation }
    }
}

impl From<WriteV1> for Write {
    fn from(WriteV1 { address, expected, operation }: WriteV1) -> Self {
        let expected = match expected {
            ExpectedV1::Absent => Expected::Absent,
            ExpectedV1::WrittenBefore => Expected::WrittenBefore,
            ExpectedV1::Generation(generation) => Expected::Generation(generation),
        };
        let (action, operation) = match operation {
            OperationV1::Create { body } => (ActionKind::Create, Operation::Create(body.into())),
            OperationV1::Update { body } => (ActionKind::Update, Operation::Update(body.into())),
            OperationV1::Replace { body } => (ActionKind::Replace, Operation::Replace(body.into())),
            OperationV1::NewVersion { body } => (ActionKind::NewVersion, Operation::NewVersion(body.into())),
            OperationV1::MakeCurrent { version, body } => {
                (ActionKind::MakeCurrent, Operation::MakeCurrent { version, body: body.into() })
            }
            OperationV1::Move { from, body } => {
                (ActionKind::Move, Operation::Move { from, body: body.map(Body::from) })
            }
            OperationV1::Delete {} => (ActionKind::Delete, Operation::Delete),
            OperationV1::Archive {} => (ActionKind::Archive, Operation::Archive),
            OperationV1::Restore { body } => (ActionKind::Restore, Operation::Restore(body.map(Body::from))),
            OperationV1::Adopt { body } => (ActionKind::Adopt, Operation::Adopt(body.map(Body::from))),
            OperationV1::PublishSettings {} => (ActionKind::PublishSettings, Operation::PublishSettings),
        };
        Self { address, action, expected, operation }
    }
}

impl From<&Body> for BodyV1 {
    fn from(Body { metadata, spec, applied, secrets }: &Body) -> Self {
        let secret = |secret: &SecretWrite| SecretV1 {
            path: secret.path.clone(),
            content: SecretOnTheWire(secret.content.clone()),
        };
        Self {
            metadata: metadata.clone(),
            spec: spec.clone(),
            applied: applied.clone(),
            secrets: secrets.iter().map(secret).collect(),
        }
    }
}

impl From<BodyV1> for Body {
    fn from(BodyV1 { metadata, spec, applied, secrets }: BodyV1) -> Self {
        let secret = |SecretV1 { path, content }: SecretV1| SecretWrite { path, content: content.0 };
        Self { metadata, spec, applied, secrets: secrets.into_iter().map(secret).collect() }
    }
}
