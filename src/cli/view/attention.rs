//! What a reviewer should see before anything else, and the counts by which every view can be held against the others.

use jiff::Timestamp;

use super::style::count;
use crate::kinds::DataClass;
use crate::kinds::policy::RuleSeverity;
use crate::object::action::ActionKind;
use crate::plan::data_flow::{DataFlow, FlowChange};
use crate::plan::plan_value::{Action, Plan};
use crate::plan::policy_finding::PolicyFinding;
use crate::plan::preview::{FailOn, Preview};

/// What comes first.
#[derive(Debug)]
pub(super) struct Attention<'p> {
    /// Why apply refuses the plan, in words of ours.
    pub(super) refusals: Vec<String>,
    /// What policies refuse.
    pub(super) errors: Vec<&'p PolicyFinding>,
    /// What policies warn of.
    pub(super) warnings: Vec<&'p PolicyFinding>,
    /// Personal data that newly reaches a host.
    pub(super) personal: Vec<&'p DataFlow>,
    /// Who is reached at once.
    pub(super) sends: Vec<(&'p Action, &'p str)>,
    /// What the replayed events show that is worth a look, in words of ours.
    pub(super) behaviour: Vec<String>,
    /// What goes away, in words of ours.
    pub(super) removals: Option<String>,
}

impl<'p> Attention<'p> {
    pub(super) fn of(plan: &'p Plan) -> Self {
        let policies = |severity| plan.review.policies.iter().filter(move |finding| finding.severity == severity);
        let is_new = |flow: &&DataFlow| flow.class == DataClass::Personal && flow.change == FlowChange::Added;
        let destroyed = plan.totals().destroy;
        Self {
            refusals: plan.refusals.iter().map(ToString::to_string).collect(),
            errors: policies(RuleSeverity::Error).collect(),
            warnings: policies(RuleSeverity::Warning).collect(),
            personal: plan.review.data_flow.iter().filter(is_new).collect(),
            sends: plan.actions.iter().filter_map(|action| Some((action, action.sends.as_deref()?))).collect(),
            behaviour: plan.review.preview.as_ref().map(behaviour).unwrap_or_default(),
            removals: (destroyed > 0).then(|| match destroyed {
                1 => "1 object is deleted or archived".to_owned(),
                several => format!("{several} objects are deleted or archived"),
            }),
        }
    }

    /// Whether apply refuses it.
    pub(super) fn is_refused(&self) -> bool {
        !self.refusals.is_empty() || !self.errors.is_empty()
    }

    /// Whether there is anything else to look at first.
    pub(super) fn has_warnings(&self) -> bool {
        let Self { refusals: _, errors: _, warnings, personal, sends, behaviour, removals } = self;
        !(warnings.is_empty() && personal.is_empty() && sends.is_empty() && behaviour.is_empty() && removals.is_none())
    }
}

fn behaviour(preview: &Preview) -> Vec<String> {
    let mut said = Vec::new();
    for reason in FailOn::ALL {
        let times = usize::try_from(reason.count(preview)).unwrap_or(usize::MAX);
        if times == 0 {
            continue;
        }
        said.push(match reason {
            FailOn::LostDelivery => format!("{} would no longer be delivered", count(times, "replayed event")),
            FailOn::NewDestination => format!("requests would newly go to {}", count(times, "place")),
            FailOn::PayloadChange => format!("{} would be sent in another request", count(times, "replayed event")),
        });
    }
    said
}

/// The kinds of action that occur, each with how often, in the order of the design.
pub(super) fn by_kind(plan: &Plan) -> Vec<(ActionKind, usize)> {
    let summary = &plan.summary;
    let of = |kind| match kind {
        ActionKind::Create => summary.create,
        ActionKind::Update => summary.update,
        ActionKind::Replace => summary.replace,
        ActionKind::NewVersion => summary.new_version,
        ActionKind::MakeCurrent => summary.make_current,
        ActionKind::Move => summary.moved,
        ActionKind::Delete => summary.delete,
        ActionKind::Archive => summary.archive,
        ActionKind::Restore => summary.restore,
        ActionKind::Adopt => summary.adopt,
        ActionKind::PublishSettings => summary.publish_settings,
    };
    ActionKind::ALL.iter().map(|kind| (*kind, of(*kind))).filter(|(_, times)| *times > 0).collect()
}

/// A number of events that come or go; none needs no sign.
pub(super) fn signed(sign: &str, number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("{sign}{number}") }
}

/// A time to the second, which is as fine as anybody reads.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
