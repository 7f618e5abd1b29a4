//! What a change will do, as recorded events and the project's own samples tell: a part of the plan that `review` fills
//! in and every view shows.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan_value::Change;
use crate::kinds::Address;

/// The difference in behaviour between what is live and what the manifests say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Events that were run through both.
    pub events: u64,
    /// When the first of them happened; `None` without events.
    pub from: Option<Timestamp>,
    /// When the last of them happened.
    pub to: Option<Timestamp>,
    /// Events that were left out because neither side knows their system or event, or they are not in a form to be run.
    pub skipped: u64,
    /// Webhooks that would do something else than now, in the order of their addresses.
    pub webhooks: Vec<WebhookPreview>,
    /// Where requests newly go, or no longer go: scheme, host and path, never a query.
    pub destinations: Vec<DestinationPreview>,
    /// Templates whose texts change for a sample.
    pub templates: Vec<SampledPreview>,
    /// Workflows of which a run would take another path, or make other requests.
    pub workflows: Vec<SampledPreview>,
    /// Changed objects that nothing in the sample touched.
    pub not_exercised: Vec<Address>,
    /// Changed objects of which nothing can be said here.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// One webhook over the sample.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookPreview {
    /// The webhook; of one that moves the new address.
    pub address: Address,
    /// Events it sends now.
    pub before: u64,
    /// Events it would send.
    pub after: u64,
    /// Events it would newly send.
    pub gained: u64,
    /// Events it would no longer send.
    pub lost: u64,
    /// Events it sends both ways, in another request.
    pub changed: u64,
    /// One event it gains: what would be sent.
    pub gained_sample: Option<Sample>,
    /// One event it loses: what is sent now.
    pub lost_sample: Option<Sample>,
    /// One event whose request differs: how.
    pub changed_sample: Option<Sample>,
}

/// One event with the difference it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The event.
    pub event_id: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Differences of the request, by `method`, `url`, `headers.NAME` and `body.PROPERTY`; only `before` of a request
    /// that is lost, only `after` of one that is gained.
    pub changes: Vec<Change>,
}

/// A place that requests newly go to, or no longer go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DestinationPreview {
    /// Scheme, host, port and path.
    pub url: String,
    /// Requests that go there now.
    pub before: u64,
    /// Requests that would go there.
    pub after: u64,
}

/// A template or a workflow tried with one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledPreview {
    /// The object.
    pub address: Address,
    /// What it was tried with: the name of a test case, or of the notification that gives the overrides.
    pub sample: String,
    /// What differs: texts of a template, `path` and `requests` of a run.
    pub changes: Vec<Change>,
}

/// Something nothing can be said of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct NotEvaluated {
    /// The object.
    #[schemars(with = "String")]
    pub address: Address,
    /// Why: one line, for people.
    pub why: String,
}

/// What `--fail-on` takes for a reason to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum FailOn {
    /// An event that is sent now would not be.
    LostDelivery,
    /// A request would go to a scheme, host or path to which none goes now.
    NewDestination,
    /// An event that is sent both ways would be sent in another request.
    PayloadChange,
}

impl FailOn {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::LostDelivery, Self::NewDestination, Self::PayloadChange];

    /// As written on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LostDelivery => "lost-delivery",
            Self::NewDestination => "new-destination",
            Self::PayloadChange => "payload-change",
        }
    }

    /// How often a preview gives this reason.
    #[must_use]
    pub fn count(self, preview: &Preview) -> u64 {
        let webhooks = preview.webhooks.iter();
        match self {
            Self::LostDelivery => webhooks.map(|webhook| webhook.lost).sum(),
            Self::PayloadChange => webhooks.map(|webhook| webhook.changed).sum(),
            Self::NewDestination => {
                let newly = preview.destinations.iter().filter(|place| place.before == 0 && place.after > 0);
                u64::try_from(newly.count()).unwrap_or(u64::MAX)
            }
        }
    }
}
