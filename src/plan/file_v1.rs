//! The plan as JSON, version 1: what `plan -o json` prints and `plan --out` stores, one and the same document.
//!
//! Secrets and personal data are masked by type on the way out. Which places are masked is written beside the values
//! (`guarded`), so that reading back never has to guess: a label whose text happens to look like a mask stays a label.

mod guarded;
mod read;
mod review;
mod write;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use guarded::{Guard, GuardedV1, Side};
pub use read::{PlanFileError, SIZE_LIMIT, read};
pub use review::{PolicyFindingV1, PreviewV1, SampleV1, SampledPreviewV1, SamplesV1, WebhookPreviewV1};

use super::data_flow::DataFlow;
use super::plan_value::{Blame, ChangeKind, Plan, Summary};
use super::preview::FailOn;
use super::review::{PlanLink, Review};
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::digest::Digest;
use crate::base::ident::{Generation, Name, PlanId, Revision};
use crate::base::schema::published;
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::suspension::Suspension;

/// The version that is written.
pub const FORMAT_VERSION: &str = "1.0";

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "trueup plan")]
pub struct PlanV1 {
    /// `1.0`. A reader of 1.x accepts fields it does not know, and refuses 2.x.
    pub format_version: String,
    /// The program that made the plan.
    pub trueup_version: String,
    /// The project.
    pub project: Name,
    /// The target.
    pub target: Name,
    /// Random; a target applies a plan of one id once.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub plan_id: PlanId,
    /// When the plan was made.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
    /// Digest of the manifests, resolved; `apply` refuses the plan when they have another by then.
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))]
    pub desired_digest: Digest,
    /// Digest of the rest of this document, personal data masked: a plan that was changed by hand is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))]
    pub body_digest: Option<Digest>,
    /// The target's revision the plan was made from.
    #[schemars(with = "u64")]
    pub revision: Revision,
    /// False when a selection narrows the plan or a secret could not be compared.
    pub complete: bool,
    /// How a selection narrows it.
    #[serde(default)]
    pub selection: Option<String>,
    /// In the order they are carried out.
    pub actions: Vec<ActionV1>,
    /// Fields that were changed outside the manifests; those that are corrected stand in `actions` too.
    pub drift: Vec<DriftV1>,
    /// Managed objects that are no longer in the manifests and stay.
    #[schemars(with = "Vec<String>")]
    pub orphans: Vec<Address>,
    /// Secrets that are compared at apply.
    #[serde(default)]
    pub unknown_secrets: Vec<UnknownSecretV1>,
    /// Objects that already are what the manifests say, for which only what was last applied is renewed.
    #[serde(default)]
    pub refresh: Vec<RefreshV1>,
    /// Why apply refuses the plan without a further flag.
    #[serde(default)]
    pub refusals: Vec<RefusalV1>,
    /// What `reconcile` leaves alone on the target: the project first (without an address), then objects.
    #[serde(default)]
    pub suspensions: Vec<Suspension>,
    /// Of the actions' addresses those whose manifest says `trueup.dev/reconcile: suspended`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub suspended: Vec<Address>,
    /// Sentences that a reviewer should read.
    pub warnings: Vec<String>,
    /// Warnings of loading and linting.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// How often each action occurs.
    pub summary: Summary,
    /// What recorded events say of the change; `null` where none were replayed.
    #[serde(default)]
    pub preview: Option<PreviewV1>,
    /// Which data reaches which host.
    #[serde(default)]
    pub data_flow: Vec<DataFlow>,
    /// What the policies object to.
    #[serde(default)]
    pub policies: Vec<PolicyFindingV1>,
    /// What refers to what among the objects that the plan touches and their neighbours; at most 1,000.
    #[serde(default)]
    pub links: Vec<PlanLink>,
}

/// One action on one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ActionV1 {
    /// `Kind/name`; of a move the new one.
    #[schemars(with = "String")]
    pub address: Address,
    /// What is done.
    pub action: ActionKind,
    /// Why, for people.
    pub reason: String,
    /// What changes.
    pub changes: Vec<ChangeV1>,
    /// Generation of the object the plan was made from; `null` where there was none.
    #[serde(default)]
    #[schemars(with = "Option<u64>")]
    pub expected_generation: Option<Generation>,
    /// Of a move: the former address.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub from: Option<Address>,
    /// Of a make-current: the version.
    #[serde(default)]
    pub version: Option<u64>,
    /// Of a replace: whether the old object is archived rather than deleted.
    #[serde(default)]
    pub archives: bool,
    /// Who is reached at once.
    #[serde(default)]
    pub sends: Option<String>,
    /// Paths of drifted fields whose live values are kept.
    #[serde(default)]
    pub keeps: Vec<String>,
}

/// One changed field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ChangeV1 {
    /// From the manifest's root.
    pub path: String,
    /// `null` where there is nothing. A secret is `{"secret": "changed|unchanged|unknown"}`.
    #[serde(default)]
    pub before: Value,
    /// `null` where there will be nothing.
    #[serde(default)]
    pub after: Value,
    /// By the manifests, or drift that is corrected.
    pub kind: ChangeKind,
    /// Whether this field makes a replace of it.
    #[serde(default)]
    pub forces_replacement: bool,
    /// Where the value was written.
    #[serde(default)]
    pub origin: Option<OriginV1>,
    /// What was last applied, when a change overwrites drift.
    #[serde(default)]
    pub overwrites: Value,
    /// Only the order of a list changes.
    #[serde(default)]
    pub order_only: bool,
    /// A long text.
    #[serde(default)]
    pub is_text: bool,
    /// The places in `before`, `after` and `overwrites` that hold something else than a plain value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guarded: Vec<GuardedV1>,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OriginV1 {
    /// Relative to the project's folder.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// What happened to the value on its way, for people.
    #[serde(default)]
    pub note: Option<String>,
    /// The commit that last changed the line, where it was asked for (`--blame`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<Blame>,
}

/// Drifted fields of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DriftV1 {
    /// `Kind/name`.
    #[schemars(with = "String")]
    pub address: Address,
    /// The action that corrects it; `null` where nothing does.
    #[serde(default)]
    pub action: Option<ActionKind>,
    /// For people.
    #[serde(default)]
    pub reason: String,
    /// The fields: `before` is live, `after` what the manifests say.
    pub changes: Vec<ChangeV1>,
    /// Who made the latest change by hand; `null` where the audit cannot be read.
    #[serde(default)]
    pub by: Option<DriftByV1>,
}

/// Who changed something by hand, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DriftByV1 {
    /// As the target's audit names them.
    pub actor: String,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// A secret that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct UnknownSecretV1 {
    /// The object.
    #[schemars(with = "String")]
    pub address: Address,
    /// The secret's path.
    pub path: String,
    /// Generation of the object; `null` for one that this plan makes.
    #[serde(default)]
    #[schemars(with = "Option<u64>")]
    pub expected_generation: Option<Generation>,
}

/// An object for which only what was last applied is renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RefreshV1 {
    /// The object.
    #[schemars(with = "String")]
    pub address: Address,
    /// Its generation.
    #[schemars(with = "u64")]
    pub expected_generation: Generation,
}

/// Why apply refuses the plan as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
#[schemars(inline)]
pub enum RefusalV1 {
    /// More deletes and archives than allowed; `--max-deletes` raises it.
    TooManyDeletes {
        /// Planned.
        planned: usize,
        /// Allowed.
        allowed: usize,
    },
    /// A greater share of the managed objects changes than allowed; `--max-changed-percent` raises it.
    TooMuchChanged {
        /// Updates, replaces and deletes planned.
        planned: usize,
        /// Managed objects.
        managed: usize,
        /// Percent allowed.
        allowed: f64,
    },
    /// A protected object would be deleted, replaced or archived.
    Protected {
        /// The object.
        #[schemars(with = "String")]
        address: Address,
    },
    /// Somebody would be reached at once; `--allow-send` consents.
    Sends {
        /// The notifications.
        #[schemars(with = "Vec<String>")]
        addresses: Vec<Address>,
    },
    /// Policies refuse it; no flag lifts this.
    Policy {
        /// How many rules are broken that refuse.
        errors: usize,
    },
    /// The preview shows what `--fail-on` names; a plan without that flag is not refused.
    FailOn {
        /// What.
        reason: FailOn,
        /// How often.
        count: u64,
    },
}

impl PlanV1 {
    /// The document of a plan. Personal data is in the open only with `show_personal`.
    #[must_use]
    pub fn from_plan(plan: &Plan, show_personal: bool) -> Self {
        let actions = plan.actions.iter().map(|action| ActionV1::new(action, show_personal)).collect();
        // A document that cannot be digested could not be written either, which its writer says.
        let body_digest = body_digest(plan).ok();
        Self {
            body_digest,
            actions,
            data_flow: plan.review.data_flow.clone(),
            ..Self::without_long_lists(plan, show_personal)
        }
    }

    /// Without what grows with the project: actions and data flow.
    fn without_long_lists(plan: &Plan, show_personal: bool) -> Self {
        let Plan {
            plan_id,
            trueup_version,
            created_at,
            project,
            target,
            desired,
            revision,
            complete,
            selection,
            actions: _,
            drift,
            orphans,
            unknown_secrets,
            refresh,
            suspensions,
            suspended,
            warnings,
            diagnostics,
            refusals,
            summary,
            review: Review { preview, data_flow: _, policies, links },
        } = plan;
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            trueup_version: trueup_version.clone(),
            project: project.clone(),
            target: target.clone(),
            plan_id: *plan_id,
            created_at: *created_at,
            desired_digest: *desired,
            body_digest: None,
            revision: *revision,
            complete: *complete,
            selection: selection.clone(),
            actions: Vec::new(),
            drift: drift.iter().map(|drift| DriftV1::new(drift, show_personal)).collect(),
            orphans: orphans.clone(),
            unknown_secrets: unknown_secrets.iter().map(UnknownSecretV1::new).collect(),
            refresh: refresh
                .iter()
                .map(|(address, generation)| RefreshV1 { address: address.clone(), expected_generation: *generation })
                .collect(),
            refusals: refusals.iter().map(RefusalV1::new).collect(),
            suspensions: suspensions.clone(),
            suspended: suspended.clone(),
            warnings: warnings.clone(),
            diagnostics: diagnostics.clone(),
            summary: *summary,
            preview: preview.as_ref().map(|preview| PreviewV1::new(preview, show_personal)),
            data_flow: Vec::new(),
            policies: policies.iter().map(PolicyFindingV1::new).collect(),
            links: links.clone(),
        }
    }

    /// The document as it is printed and stored: indented, with a line break at its end.
    ///
    /// # Errors
    /// Never for a document made by [`PlanV1::from_plan`]; the error is passed on rather than hidden.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

/// The JSON Schema (2020-12) of a plan, as it is written.
#[must_use]
pub fn plan_schema() -> Value {
    published(schemars::schema_for!(PlanV1).to_value(), "plan.schema.json", "trueup plan")
}

/// Digest of the document of a plan, by which a target tells a plan applied again from another plan under the same id.
///
/// It is taken with personal data masked, so that it is the same whether such data was shown or not.
///
/// # Errors
/// As [`PlanV1::to_text`].
pub fn body_digest(plan: &Plan) -> Result<Digest, serde_json::Error> {
    let mut rest = match serde_json::to_value(PlanV1::without_long_lists(plan, false))? {
        Value::Object(rest) => rest,
        _ => Map::new(),
    };
    // One at a time: as values they would be many times as large as in the document.
    let flows = plan.review.data_flow.iter().map(serde_json::to_value);
    let flows = Digest::of_json_with_list(&Map::new(), "data_flow", flows)?;
    rest.insert("data_flow".to_owned(), serde_json::to_value(flows)?);
    let actions = plan.actions.iter().map(|action| serde_json::to_value(ActionV1::new(action, false)));
    Digest::of_json_with_list(&rest, "actions", actions)
}

#[cfg(test)]
mod tests;
