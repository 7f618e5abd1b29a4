//! A changeset and what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::secret::ContentShape;
use crate::base::digest::Digest;
use crate::base::ident::{FencingToken, Generation, Name, PlanId, Revision};
use crate::base::named_fields;
use crate::kinds::{Address, Kind, LifeCycle, Metadata};
use crate::object::action::ActionKind;
use crate::object::changeset::{
    AppliedPlan, Body, Changeset, ChangesetOutcome, Expected, Operation, SecretWrite, Write, WriteResult,
};

/// The body of `POST …/changesets`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangesetRequest {
    /// The plan: a UUID. A plan is applied once; the same id with another `body` is refused.
    #[schemars(with = "uuid::Uuid")]
    pub plan_id: PlanId,
    /// Digest of the plan, 64 hex digits.
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))]
    pub body: Digest,
    /// Who applies, for the audit; the name of the key stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub actor: Option<String>,
    /// The commit the manifests come from, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub commit: Option<String>,
    /// The token of the lease.
    #[schemars(with = "u64")]
    pub fencing_token: FencingToken,
    /// In order; a later write sees the earlier ones.
    pub writes: Vec<WriteShape>,
    /// Objects whose live content already is what the manifests say.
    #[serde(default)]
    pub refresh: Vec<RefreshShape>,
    /// Whether it is refused while the project, or an object that it writes, is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heeds_suspensions: bool,
}

/// One action on one address.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteShape {
    /// `Kind/name`; the new one of a move.
    #[schemars(with = "String")]
    pub address: Address,
    /// The action, for the audit and the report.
    pub action: ActionKind,
    /// What must hold before the changeset begins.
    pub expected: ExpectedShape,
    /// What is done.
    #[serde(deserialize_with = "named_fields::object")]
    pub operation: OperationShape,
}

/// A precondition of a write.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExpectedShape {
    /// No object that is not archived has the address.
    Absent,
    /// The object has this generation.
    Generation(#[schemars(with = "u64")] Generation),
    /// An earlier write of this changeset touched it.
    WrittenBefore,
}

/// What a write does.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum OperationShape {
    /// Makes a managed object.
    Create {
        /// Its content.
        #[serde(deserialize_with = "named_fields::object")]
        body: Box<BodyShape>,
    },
    /// Changes content in place.
    Update {
        /// The new content.
        #[serde(deserialize_with = "named_fields::object")]
        body: Box<BodyShape>,
    },
    /// Archives or deletes the object and makes a new one with a new id.
    Replace {
        /// The new content.
        #[serde(deserialize_with = "named_fields::object")]
        body: Box<BodyShape>,
    },
    /// Adds a version and moves a pointer to it.
    NewVersion {
        /// The new content.
        #[serde(deserialize_with = "named_fields::object")]
        body: Box<BodyShape>,
    },
    /// Moves a pointer to a version that exists.
    MakeCurrent {
        /// The version.
        version: u64,
        /// Content beside the versions, and the version's own.
        #[serde(deserialize_with = "named_fields::object")]
        body: Box<BodyShape>,
    },
    /// Gives the object at `from` this address.
    Move {
        /// The former address.
        #[schemars(with = "String")]
        from: Address,
        /// New content.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::optional_object")]
        body: Option<Box<BodyShape>>,
    },
    /// Removes the object.
    Delete {},
    /// Takes it out of use.
    Archive {},
    /// Brings back what was archived last under this address.
    Restore {
        /// New content.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::optional_object")]
        body: Option<Box<BodyShape>>,
    },
    /// Marks it managed.
    Adopt {
        /// New content.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_fields::optional_object")]
        body: Option<Box<BodyShape>>,
    },
    /// Publishes a system's settings.
    PublishSettings {},
}

/// The content of an object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BodyShape {
    /// Metadata as in a manifest.
    pub metadata: Metadata,
    /// Spec as in a manifest; secrets are their references.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub spec: Value,
    /// What counts as last applied, where it is not what is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    pub applied: Option<Value>,
    /// Contents of secrets that are new or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretShape>,
}

/// The new content of one secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretShape {
    /// Its path in the manifest: `spec.auth.token`.
    pub path: String,
    /// The content.
    pub content: ContentShape,
}

/// An object whose live content already is what the manifests say.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshShape {
    /// `Kind/name`.
    #[schemars(with = "String")]
    pub address: Address,
    /// Its generation.
    #[schemars(with = "u64")]
    pub generation: Generation,
}

/// What became of a changeset.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ChangesetAnswer {
    /// Everything was written.
    Applied {
        /// The project's revision after it.
        #[schemars(with = "u64")]
        revision: Revision,
        /// One per write, in order.
        results: Vec<WriteResult>,
    },
    /// The same plan was applied before; nothing was written now.
    AlreadyApplied(AppliedPlan),
}

impl From<&Changeset> for ChangesetRequest {
    fn from(changeset: &Changeset) -> Self {
        let Changeset { project: _, plan_id, body, actor, commit, fencing_token, writes, refresh, heeds_suspensions } =
            changeset;
        let refresh = refresh.iter().cloned().map(|(address, generation)| RefreshShape { address, generation });
        Self {
            plan_id: *plan_id,
            body: *body,
            actor: Some(actor.clone()),
            commit: commit.clone(),
            fencing_token: *fencing_token,
            writes: writes.iter().map(WriteShape::from).collect(),
            refresh: refresh.collect(),
            heeds_suspensions: *heeds_suspensions,
        }
    }
}

impl ChangesetRequest {
    /// The changeset of a project, in the name of `actor`.
    #[must_use]
    pub fn into_changeset(self, project: Name, actor: String) -> Changeset {
        let Self { plan_id, body, actor: _, commit, fencing_token, writes, refresh, heeds_suspensions } = self;
        Changeset {
            project,
            plan_id,
            body,
            actor,
            commit,
            fencing_token,
            writes: writes.into_iter().map(Write::from).collect(),
            refresh: refresh.into_iter().map(|RefreshShape { address, generation }| (address, generation)).collect(),
            heeds_suspensions,
        }
    }
}

impl From<&Write> for WriteShape {
    fn from(write: &Write) -> Self {
        let Write { address, action, expected, operation } = write;
        let boxed = |body: &Body| Box::new(BodyShape::from(body));
        let operation = match operation {
            Operation::Create(body) => OperationShape::Create { body: boxed(body) },
            Operation::Update(body) => OperationShape::Update { body: boxed(body) },
            Operation::Replace(body) => OperationShape::Replace { body: boxed(body) },
            Operation::NewVersion(body) => OperationShape::NewVersion { body: boxed(body) },
            Operation::MakeCurrent { version, body } => {
                OperationShape::MakeCurrent { version: *version, body: boxed(body) }
            }
            Operation::Move { from, body } => {
                OperationShape::Move { from: from.clone(), body: body.as_ref().map(boxed) }
            }
            Operation::Delete => OperationShape::Delete {},
            Operation::Archive => OperationShape::Archive {},
            Operation::Restore(body) => OperationShape::Restore { body: body.as_ref().map(boxed) },
            Operation::Adopt(body) => OperationShape::Adopt { body: body.as_ref().map(boxed) },
            Operation::PublishSettings => OperationShape::PublishSettings {},
        };
        let expected = match expected {
            Expected::Absent => ExpectedShape::Absent,
            Expected::Generation(generation) => ExpectedShape::Generation(*generation),
            Expected::WrittenBefore => ExpectedShape::WrittenBefore,
        };
        Self { address: address.clone(), action: *action, expected, operation }
    }
}

impl From<WriteShape> for Write {
    fn from(shape: WriteShape) -> Self {
        let WriteShape { address, action, expected, operation } = shape;
        let body = |shape: Box<BodyShape>| Body::from(*shape);
        let operation = match operation {
            OperationShape::Create { body: content } => Operation::Create(body(content)),
            OperationShape::Update { body: content } => Operation::Update(body(content)),
            OperationShape::Replace { body: content } => Operation::Replace(body(content)),
            OperationShape::NewVersion { body: content } => Operation::NewVersion(body(content)),
            OperationShape::MakeCurrent { version, body: content } => {
                Operation::MakeCurrent { version, body: body(content) }
            }
            OperationShape::Move { from, body: content } => Operation::Move { from, body: content.map(body) },
            OperationShape::Delete {} => Operation::Delete,
            OperationShape::Archive {} => Operation::Archive,
            OperationShape::Restore { body: content } => Operation::Restore(content.map(body)),
            OperationShape::Adopt { body: content } => Operation::Adopt(content.map(body)),
            OperationShape::PublishSettings {} => Operation::PublishSettings,
        };
        let expected = match expected {
            ExpectedShape::Absent => Expected::Absent,
            ExpectedShape::Generation(generation) => Expected::Generation(generation),
            ExpectedShape::WrittenBefore => Expected::WrittenBefore,
        };
        Self { address, action, expected, operation }
    }
}

impl OperationShape {
    /// The content it carries.
    #[must_use]
    pub fn body(&self) -> Option<&BodyShape> {
        match self {
            Self::Create { body }
            | Self::Update { body }
            | Self::Replace { body }
            | Self::NewVersion { body }
            | Self::MakeCurrent { version: _, body } => Some(body),
            Self::Move { from: _, body } | Self::Restore { body } | Self::Adopt { body } => body.as_deref(),
            Self::Delete {} | Self::Archive {} | Self::PublishSettings {} => None,
        }
    }

    /// Whether it lets something take effect for people, which needs a scope of its own (design §10): it publishes
    /// settings, or it makes a version of an object whose versions only grow, or one of them current.
    #[must_use]
    pub fn publishes(&self, kind: Kind) -> bool {
        let has_versions = kind.life_cycle() == LifeCycle::VersionsGrow;
        match self {
            Self::NewVersion { .. } | Self::MakeCurrent { .. } | Self::PublishSettings {} => true,
            Self::Create { .. } | Self::Replace { .. } => has_versions,
            Self::Move { body, .. } | Self::Restore { body } | Self::Adopt { body } => has_versions && body.is_some(),
            Self::Update { .. } | Self::Delete {} | Self::Archive {} => false,
        }
    }

    /// The action that it carries out: the audit names what was done, not what it was called.
    #[must_use]
    pub fn action(&self) -> ActionKind {
        match self {
            Self::Create { .. } => ActionKind::Create,
            Self::Update { .. } => ActionKind::Update,
            Self::Replace { .. } => ActionKind::Replace,
            Self::NewVersion { .. } => ActionKind::NewVersion,
            Self::MakeCurrent { .. } => ActionKind::MakeCurrent,
            Self::Move { .. } => ActionKind::Move,
            Self::Delete {} => ActionKind::Delete,
            Self::Archive {} => ActionKind::Archive,
            Self::Restore { .. } => ActionKind::Restore,
            Self::Adopt { .. } => ActionKind::Adopt,
            Self::PublishSettings {} => ActionKind::PublishSettings,
        }
    }
}

impl From<&Body> for BodyShape {
    fn from(body: &Body) -> Self {
        let Body { metadata, spec, applied, secrets } = body;
        let secret = |SecretWrite { path, content }: &SecretWrite| SecretShape {
            path: path.clone(),
            content: ContentShape(content.clone()),
        };
        Self {
            metadata: metadata.clone(),
            spec: spec.clone(),
            applied: applied.clone(),
            secrets: secrets.iter().map(secret).collect(),
        }
    }
}

impl From<BodyShape> for Body {
    fn from(shape: BodyShape) -> Self {
        let BodyShape { metadata, spec, applied, secrets } = shape;
        let secret = |SecretShape { path, content }: SecretShape| SecretWrite { path, content: content.0 };
        Self { metadata, spec, applied, secrets: secrets.into_iter().map(secret).collect() }
    }
}

impl From<ChangesetOutcome> for ChangesetAnswer {
    fn from(outcome: ChangesetOutcome) -> Self {
        match outcome {
            ChangesetOutcome::Applied { revision, results } => Self::Applied { revision, results },
            ChangesetOutcome::AlreadyApplied(plan) => Self::AlreadyApplied(plan),
        }
    }
}

impl From<ChangesetAnswer> for ChangesetOutcome {
    fn from(answer: ChangesetAnswer) -> Self {
        match answer {
            ChangesetAnswer::Applied { revision, results } => Self::Applied { revision, results },
            ChangesetAnswer::AlreadyApplied(plan) => Self::AlreadyApplied(plan),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::secret::SecretText;

    #[test]
    fn a_changeset_comes_through_and_says_no_secret_in_passing() {
        let address: Address = "Destination/d".parse().expect("an address");
        let body = Body {
            metadata: Metadata::named(address.name.clone()),
            spec: json!({ "platform": "Chat" }),
            applied: None,
            secrets: vec![SecretWrite { path: "spec.auth.token".into(), content: SecretText::new("hunter2-x".into()) }],
        };
        let write = |operation: Operation, expected: Expected| Write {
            address: address.clone(),
            action: ActionKind::Create,
            expected,
            operation,
        };
        let changeset = Changeset {
            project: Name::from_any("acme"),
            plan_id: PlanId(uuid::Uuid::from_u128(1)),
            body: Digest::of_bytes(b"plan"),
            actor: "ana".into(),
            commit: Some("abc".into()),
            fencing_token: FencingToken(7),
            writes: vec![
                write(Operation::Create(body.clone()), Expected::Absent),
                write(Operation::MakeCurrent { version: 3, body: body.clone() }, Expected::Generation(Generation(4))),
                write(Operation::Move { from: address.clone(), body: None }, Expected::WrittenBefore),
                write(Operation::Adopt(Some(body)), Expected::WrittenBefore),
                write(Operation::PublishSettings, Expected::WrittenBefore),
            ],
            refresh: vec![(address.clone(), Generation(2))],
            heeds_suspensions: false,
        };
        let shape = ChangesetRequest::from(&changeset);
        let text = serde_json::to_string(&shape).expect("JSON");
        assert!(text.contains("hunter2-x") && !format!("{shape:?}").contains("hunter2"));
        let read: ChangesetRequest = serde_json::from_str(&text).expect("read back");
        let again = read.into_changeset(changeset.project.clone(), "ana".into());
        assert_eq!(serde_json::to_string(&ChangesetRequest::from(&again)).expect("JSON"), text);
        let publishing = shape.writes.iter().filter(|write| write.operation.publishes(write.address.kind)).count();
        assert_eq!(publishing, 2);

        let misspelt = text.replace("\"refresh\"", "\"refersh\"");
        assert!(serde_json::from_str::<ChangesetRequest>(&misspelt).is_err());
    }
}
