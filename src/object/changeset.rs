//! The actions of a plan as sent to a target in one request.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::ActionKind;
use super::wire_v1::schema::{AddressForm, CounterForm, DigestForm, TimeForm, UuidForm};
use crate::base::digest::Digest;
use crate::base::ident::{FencingToken, Generation, Name, ObjectId, PlanId, Revision};
use crate::base::secret::SecretText;
use crate::kinds::{Address, Metadata};

/// All writes of one plan: all of them happen, or none.
#[derive(Clone, Debug)]
pub struct Changeset {
    /// The project.
    pub project: Name,
    /// The plan. A target applies a plan once; the same id with another `body` is refused.
    pub plan_id: PlanId,
    /// Digest of the plan that these writes carry out.
    pub body: Digest,
    /// Who applies, for the audit.
    pub actor: String,
    /// The commit the manifests come from, for the audit.
    pub commit: Option<String>,
    /// The lease's token.
    pub fencing_token: FencingToken,
    /// In order; a later write sees the earlier ones.
    pub writes: Vec<Write>,
    /// Objects whose live content already is what the manifests say: only what was last applied is set to it.
    pub refresh: Vec<(Address, Generation)>,
    /// Whether the target refuses it while the project, or an object that it writes, is suspended. A person's apply is
    /// bound by no suspension.
    pub heeds_suspensions: bool,
}

/// One action on one address.
#[derive(Clone, Debug)]
pub struct Write {
    /// The address (the new one of a move).
    pub address: Address,
    /// The action, for the audit and the report.
    pub action: ActionKind,
    /// What must hold before the changeset begins.
    pub expected: Expected,
    /// What is done.
    pub operation: Operation,
}

/// A precondition of a write, about the state before the changeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No object that is not archived has the address.
    Absent,
    /// The object has this generation. (For a move: the object at the former address.)
    Generation(Generation),
    /// An earlier write of this changeset touched the object; nothing further is asked.
    WrittenBefore,
}

/// What a write does.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Makes a managed object.
    Create(Body),
    /// Changes content in place; also sets what was last applied and marks it managed.
    Update(Body),
    /// Archives (if used) or deletes the object at the address, then makes a new one there with a new id.
    Replace(Body),
    /// Adds a version and moves the pointer that the spec's `release` names to it.
    NewVersion(Body),
    /// Moves the pointer that the spec's `release` names to this version.
    MakeCurrent {
        /// The version.
        version: u64,
        /// Content beside the versions, and the version's own.
        body: Body,
    },
    /// Gives the object at `from` this address; with a body also changes its content in place.
    Move {
        /// The former address.
        from: Address,
        /// New content, when it can be changed in place.
        body: Option<Body>,
    },
    /// Removes the object.
    Delete,
    /// Takes it out of use and frees its address.
    Archive,
    /// Brings the object that was archived last under this address back; with a body also changes its content in place.
    Restore(Option<Body>),
    /// Marks it managed; with a body also changes its content in place.
    Adopt(Option<Body>),
    /// Publishes a system's settings.
    PublishSettings,
}

/// The content of an object as a write carries it.
#[derive(Clone, Debug)]
pub struct Body {
    /// Canonical metadata.
    pub metadata: Metadata,
    /// Canonical spec, secrets as references. The target computes the digest itself.
    pub spec: Value,
    /// What counts as last applied, where it is not what is written: a canonical `{"metadata": …, "spec": …}`. So it is
    /// when live values of drifted fields are kept, which the manifests did not ask for.
    pub applied: Option<Value>,
    /// Contents of secrets that are new or changed. A secret at another path that the spec still refers to is kept;
    /// one that it no longer refers to is forgotten.
    pub secrets: Vec<SecretWrite>,
}

/// The new content of one secret.
#[derive(Clone, Debug)]
pub struct SecretWrite {
    /// Path as in [`SecretSlot`](super::record::SecretSlot).
    pub path: String,
    /// The content.
    pub content: SecretText,
}

/// What became of a changeset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesetOutcome {
    /// Everything was written.
    Applied {
        /// The project's revision after it.
        revision: Revision,
        /// One per write, in order.
        results: Vec<WriteResult>,
    },
    /// The same plan was applied before; nothing was written now.
    AlreadyApplied(AppliedPlan),
}

/// The object after a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriteResult {
    /// The address.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// The action.
    pub action: ActionKind,
    /// The object's id; `None` once it was deleted.
    #[schemars(with = "Option<UuidForm>")]
    pub id: Option<ObjectId>,
}

/// A plan that a target remembers to have applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedPlan {
    /// The plan.
    #[schemars(with = "UuidForm")]
    pub plan_id: PlanId,
    /// Digest of the plan.
    #[schemars(with = "DigestForm")]
    pub body: Digest,
    /// When.
    #[schemars(with = "TimeForm")]
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// The project's revision after it.
    #[schemars(with = "CounterForm")]
    pub revision: Revision,
}

/// An object that is not as the plan expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stale {
    /// The address.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// The generation the plan was made from; `None` where it expected no object.
    #[schemars(with = "Option<CounterForm>")]
    pub expected: Option<Generation>,
    /// The generation found; `None` where there is no object.
    #[schemars(with = "Option<CounterForm>")]
    pub found: Option<Generation>,
}
