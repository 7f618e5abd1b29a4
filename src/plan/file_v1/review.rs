//! The parts of a plan's document that tell what the change does, as far as they are not written as they are: `preview`
//! and `policies`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChangeV1;
use super::read::{PlanFileError, changes, location};
use super::write::written;
use crate::base::ident::Name;
use crate::kinds::Address;
use crate::kinds::policy::RuleSeverity;
use crate::plan::policy_finding::PolicyFinding;
use crate::plan::preview::{DestinationPreview, NotEvaluated, Preview, Sample, SampledPreview, WebhookPreview};

/// The difference in behaviour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PreviewV1 {
    /// Events that were replayed.
    pub events: u64,
    /// When the first happened; `null` without events.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub from: Option<Timestamp>,
    /// When the last happened.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub to: Option<Timestamp>,
    /// Events that could not be replayed.
    #[serde(default)]
    pub skipped: u64,
    /// Webhooks that would do something else.
    pub webhooks: Vec<WebhookPreviewV1>,
    /// Where requests newly go, or no longer go.
    #[serde(default)]
    pub destinations: Vec<DestinationPreview>,
    /// Templates whose texts change.
    pub templates: Vec<SampledPreviewV1>,
    /// Workflows whose runs change.
    pub workflows: Vec<SampledPreviewV1>,
    /// Changed objects that nothing in the sample touched.
    #[schemars(with = "Vec<String>")]
    pub not_exercised: Vec<Address>,
    /// Changed objects of which nothing can be said.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// One webhook over the sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct WebhookPreviewV1 {
    /// `Webhook/name`.
    #[schemars(with = "String")]
    pub address: Address,
    /// Events it sends now.
    pub before: u64,
    /// Events it would send.
    pub after: u64,
    /// Events it would newly send.
    pub gained: u64,
    /// Events it would no longer send.
    pub lost: u64,
    /// Events it would send in another request.
    pub changed: u64,
    /// One event of each sort.
    pub sample: SamplesV1,
}

/// One event of each sort, where there is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SamplesV1 {
    /// An event it gains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gained: Option<SampleV1>,
    /// An event it loses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<SampleV1>,
    /// An event it sends otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<SampleV1>,
}

/// One event with the difference it makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SampleV1 {
    /// The event.
    pub event_id: String,
    /// When it happened.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub occurred_at: Timestamp,
    /// Differences of the request: `method`, `url`, `headers.NAME`, `body.PROPERTY`.
    pub changes: Vec<ChangeV1>,
}

/// A template or a workflow tried with one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SampledPreviewV1 {
    /// `Kind/name`.
    #[schemars(with = "String")]
    pub address: Address,
    /// What it was tried with.
    pub sample: String,
    /// What differs.
    pub changes: Vec<ChangeV1>,
}

/// An object that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PolicyFindingV1 {
    /// The policy.
    pub policy: Name,
    /// The object.
    #[schemars(with = "String")]
    pub address: Address,
    /// Whether it refuses the plan.
    pub severity: RuleSeverity,
    /// What the rule says.
    pub message: String,
    /// File of the object, relative to the project; `null` for one that is only live.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1, in characters.
    #[serde(default)]
    pub column: Option<u32>,
}

impl PreviewV1 {
    pub(super) fn new(preview: &Preview, show_personal: bool) -> Self {
        let Preview {
            events,
            from,
            to,
            skipped,
            webhooks,
            destinations,
            templates,
            workflows,
            not_exercised,
            not_evaluated,
        } = preview;
        let sampled = |list: &[SampledPreview]| {
            let one = |SampledPreview { address, sample, changes }: &SampledPreview| SampledPreviewV1 {
                address: address.clone(),
                sample: sample.clone(),
                changes: written(changes, show_personal),
            };
            list.iter().map(one).collect()
        };
        Self {
            events: *events,
            from: *from,
            to: *to,
            skipped: *skipped,
            webhooks: webhooks.iter().map(|webhook| WebhookPreviewV1::new(webhook, show_personal)).collect(),
            destinations: destinations.clone(),
            templates: sampled(templates),
            workflows: sampled(workflows),
            not_exercised: not_exercised.clone(),
            not_evaluated: not_evaluated.clone(),
        }
    }

    pub(super) fn into_preview(self) -> Result<Preview, PlanFileError> {
        let Self {
            events,
            from,
            to,
            skipped,
            webhooks,
            destinations,
            templates,
            workflows,
            not_exercised,
            not_evaluated,
        } = self;
        let sampled = |list: Vec<SampledPreviewV1>| {
            let one = |SampledPreviewV1 { address, sample, changes: list }: SampledPreviewV1| {
                Ok(SampledPreview { address, sample, changes: changes(list)? })
            };
            list.into_iter().map(one).collect::<Result<_, PlanFileError>>()
        };
        Ok(Preview {
            events,
            from,
            to,
            skipped,
            webhooks: webhooks.into_iter().map(WebhookPreviewV1::into_preview).collect::<Result<_, _>>()?,
            destinations,
            templates: sampled(templates)?,
            workflows: sampled(workflows)?,
            not_exercised,
            not_evaluated,
        })
    }
}

impl WebhookPreviewV1 {
    fn new(webhook: &WebhookPreview, show_personal: bool) -> Self {
        let WebhookPreview {
            address,
            before,
            after,
            gained,
            lost,
            changed,
            gained_sample,
            lost_sample,
            changed_sample,
        } = webhook;
        let sample = |sample: &Option<Sample>| {
            sample.as_ref().map(|Sample { event_id, occurred_at, changes }| SampleV1 {
                event_id: event_id.clone(),
                occurred_at: *occurred_at,
                changes: written(changes, show_personal),
            })
        };
        Self {
            address: address.clone(),
            before: *before,
            after: *after,
            gained: *gained,
            lost: *lost,
            changed: *changed,
            sample: SamplesV1 {
                gained: sample(gained_sample),
                lost: sample(lost_sample),
                changed: sample(changed_sample),
            },
        }
    }

    fn into_preview(self) -> Result<WebhookPreview, PlanFileError> {
        let Self { address, before, after, gained, lost, changed, sample: samples } = self;
        let sample = |sample: Option<SampleV1>| {
            let one = |SampleV1 { event_id, occurred_at, changes: list }: SampleV1| {
                Ok::<_, PlanFileError>(Sample { event_id, occurred_at, changes: changes(list)? })
            };
            sample.map(one).transpose()
        };
        Ok(WebhookPreview {
            address,
            before,
            after,
            gained,
            lost,
            changed,
            gained_sample: sample(samples.gained)?,
            lost_sample: sample(samples.lost)?,
            changed_sample: sample(samples.changed)?,
        })
    }
}

impl PolicyFindingV1 {
    pub(super) fn new(finding: &PolicyFinding) -> Self {
        let PolicyFinding { policy, address, severity, message, location } = finding;
        Self {
            policy: policy.clone(),
            address: address.clone(),
            severity: *severity,
            message: message.clone(),
            file: location.as_ref().map(|place| place.file.to_string()),
            line: location.as_ref().map(|place| place.line),
            column: location.as_ref().map(|place| place.column),
        }
    }

    pub(super) fn into_finding(self) -> PolicyFinding {
        let Self { policy, address, severity, message, file, line, column } = self;
        let location = file.zip(line).map(|(file, line)| location(&file, line, column.unwrap_or(1)));
        PolicyFinding { policy, address, severity, message, location }
    }
}
