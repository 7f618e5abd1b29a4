//! What came of a tick, as a value: log lines, exit codes, and whatever else is told of it are renderings.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::fight::Fight;
use super::hands::OpenError;
use super::source::SourceError;
use crate::apply::changeset::MakeError;
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::ident::{Name, Revision};
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::lease::LeaseHolder;
use crate::object::suspension::Suspension;
use crate::plan::plan_value::{Refusal, Totals};
use crate::provider::ProviderError;

/// One tick of one project.
#[derive(Clone, Debug)]
pub struct Tick {
    /// When it ended.
    pub at: Timestamp,
    /// The project's folder within its source, for logs of several projects; empty for the source itself.
    pub path: String,
    /// The project, once it could be loaded.
    pub project: Option<Name>,
    /// The target.
    pub target: Option<Name>,
    /// The commit that was seen.
    pub commit: Option<String>,
    /// The target's revision as far as it was learnt.
    pub revision: Option<Revision>,
    /// Whether the pipeline ran; otherwise nothing had moved, and the outcome is that of the last look.
    pub looked: bool,
    /// What came of it.
    pub outcome: Arc<Outcome>,
    /// Why the source could not be brought up to date; what was seen of it before counted on.
    pub source_error: Option<Arc<SourceError>>,
    /// Ticks in a row that failed, this one included.
    pub failures: u32,
    /// When the commit was made, where the source knows it.
    pub committed_at: Option<Timestamp>,
    /// What was to be written and was not, because the target failed.
    pub failed: Vec<(Address, ActionKind)>,
    /// What is suspended on the target, as far as was learnt.
    pub suspensions: Arc<[Suspension]>,
    /// Objects that are suspended on the target, or that differ and are left alone.
    pub suspended_objects: usize,
    /// Managed objects that are no longer in the manifests and stay for want of `--prune`, as far as was learnt.
    pub orphans: Arc<[Address]>,
    /// How long it took, the look at the source included.
    pub took: Duration,
}

#[cfg(test)]
impl Tick {
    /// A tick that looked, of a source that cannot be told apart from others.
    pub(crate) fn sample(outcome: Outcome) -> Self {
        Self {
            at: Timestamp::UNIX_EPOCH,
            path: String::new(),
            project: None,
            target: None,
            commit: None,
            revision: None,
            looked: true,
            outcome: Arc::new(outcome),
            source_error: None,
            failures: 0,
            committed_at: None,
            failed: Vec::new(),
            suspensions: Arc::from([]),
            suspended_objects: 0,
            orphans: Arc::from([]),
            took: Duration::ZERO,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// Live is as the manifests say.
    InSync,
    /// Something differs and is left: in `report`, or because all of it is suspended.
    Differs(Findings),
    /// Differences were written.
    Applied {
        /// What differed.
        findings: Findings,
        /// What was done.
        totals: Totals,
    },
    /// A safety limit, a protected object, missing consent, a policy. Nothing was written.
    Refused {
        /// What differs.
        findings: Findings,
        /// Why.
        refusals: Vec<Refusal>,
    },
    /// The manifests cannot be used as they are. Nothing was written.
    Invalid {
        /// What is wrong.
        diagnostics: Vec<DiagnosticRecord>,
        /// Whether it is objects made by hand that stand in the way, not the manifests by themselves.
        conflict: bool,
    },
    /// Cases of Test manifests do not pass. Nothing was written.
    TestsFailed {
        /// `test: case` of those that did not pass.
        cases: Vec<String>,
    },
    /// The project is suspended on the target. Nothing was written.
    Suspended {
        /// By whom, why, until when.
        suspension: Suspension,
        /// What differs meanwhile.
        findings: Findings,
    },
    /// Another holds the lease. Nothing was written.
    Waiting(LeaseHolder),
    /// Somebody asked to stop.
    Interrupted,
    /// Something failed that may pass.
    Failed(Failure),
}

/// What differs between manifests and target.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What was or would be done, in order.
    pub actions: Vec<(Address, ActionKind)>,
    /// Objects that were changed outside the manifests.
    pub drift: Vec<Drifted>,
    /// Managed objects that are no longer in the manifests and stay for want of `--prune`.
    pub orphans: Vec<Address>,
    /// Objects that are left alone, because their manifests, a person or a fight says so.
    pub left_alone: Vec<Address>,
    /// Fights that were found now: healing of these objects has been stopped.
    pub fights: Vec<Fight>,
}

impl Findings {
    /// The drift that no apply puts right.
    fn drift_left_alone(&self) -> Vec<Drifted> {
        let left_alone: BTreeSet<&Address> = self.left_alone.iter().collect();
        self.drift.iter().filter(|drifted| left_alone.contains(&drifted.address)).cloned().collect()
    }
}

/// An object that was changed outside the manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drifted {
    /// The object.
    pub address: Address,
    /// Its changed fields.
    pub fields: Vec<String>,
    /// Who last changed it, and when, where the audit may be read.
    pub by: Option<(String, Timestamp)>,
}

/// Why a tick failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The source has never been brought here.
    #[error(transparent)]
    Source(Arc<SourceError>),
    /// The target cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The target refused or failed.
    #[error(transparent)]
    Target(#[from] ProviderError),
    /// No changeset could be made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// A live object cannot be understood.
    #[error("{0}")]
    Live(String),
    /// The target takes nothing but a plan that was saved and looked at.
    #[error("heal: the target {0} takes only a saved plan")]
    OnlySavedPlans(Name),
    /// A plan cannot be written down.
    #[error("write the plan down: {0}")]
    Plan(String),
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Provider(error) => Self::Target(error),
            other @ (OpenError::Unusable { .. } | OpenError::Failed(_)) => Self::Open(other),
        }
    }
}

impl Outcome {
    /// The names that [`Self::as_str`] gives.
    pub const NAMES: [&'static str; 10] = [
        "in-sync",
        "differs",
        "applied",
        "refused",
        "invalid",
        "tests-failed",
        "suspended",
        "waiting",
        "interrupted",
        "failed",
    ];

    /// Its name in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Differs(_) => "differs",
            Self::Applied { .. } => "applied",
            Self::Refused { .. } => "refused",
            Self::Invalid { .. } => "invalid",
            Self::TestsFailed { .. } => "tests-failed",
            Self::Suspended { .. } => "suspended",
            Self::Waiting(_) => "waiting",
            Self::Interrupted => "interrupted",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether it may be another at the next tick though nothing moved.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Waiting(_) | Self::Interrupted => true,
            Self::Failed(failure) => !matches!(failure, Failure::OnlySavedPlans(_)),
            Self::InSync
            | Self::Differs(_)
            | Self::Applied { .. }
            | Self::Refused { .. }
            | Self::Invalid { .. }
            | Self::TestsFailed { .. }
            | Self::Suspended { .. } => false,
        }
    }

    /// Whether the project could not be kept as the manifests say. A tick that waits or was told to leave things alone
    /// has not failed.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Invalid { .. } | Self::TestsFailed { .. } | Self::Failed(_) => true,
            Self::InSync
            | Self::Differs(_)
            | Self::Applied { .. }
            | Self::Suspended { .. }
            | Self::Waiting(_)
            | Self::Interrupted => false,
        }
    }

    /// What differs, where it was learnt.
    #[must_use]
    pub fn findings(&self) -> Option<&Findings> {
        match self {
            Self::Differs(findings)
            | Self::Applied { findings, .. }
            | Self::Refused { findings, .. }
            | Self::Suspended { findings, .. } => Some(findings),
            Self::InSync
            | Self::Invalid { .. }
            | Self::TestsFailed { .. }
            | Self::Waiting(_)
            | Self::Interrupted
            | Self::Failed(_) => None,
        }
    }

    /// What was written.
    #[must_use]
    pub fn written(&self) -> &[(Address, ActionKind)] {
        if let Self::Applied { findings, .. } = self { &findings.actions } else { &[] }
    }

    /// Drift that was put right.
    pub fn healed(&self) -> impl Iterator<Item = &Drifted> {
        self.drift(true)
    }

    /// Drift that was not put right.
    pub fn unhealed(&self) -> impl Iterator<Item = &Drifted> {
        self.drift(false)
    }

    fn drift(&self, healed: bool) -> impl Iterator<Item = &Drifted> {
        let written: BTreeSet<&Address> = self.written().iter().map(|(address, _)| address).collect();
        let all = self.findings().into_iter().flat_map(|findings| &findings.drift);
        all.filter(move |drifted| written.contains(&drifted.address) == healed)
    }

    /// What is wrong with the manifests.
    #[must_use]
    pub fn diagnostics(&self) -> &[DiagnosticRecord] {
        if let Self::Invalid { diagnostics, .. } = self { diagnostics } else { &[] }
    }

    /// The suspension of the project that kept it from writing.
    #[must_use]
    pub fn suspension(&self) -> Option<&Suspension> {
        if let Self::Suspended { suspension, .. } = self { Some(suspension) } else { None }
    }

    /// What it is from now on, nothing having moved since: what was applied is in place.
    #[must_use]
    pub fn afterwards(self: Arc<Self>) -> Arc<Self> {
        match &*self {
            Self::Applied { findings, .. } if findings.left_alone.is_empty() && findings.fights.is_empty() => {
                Arc::new(Self::InSync)
            }
            Self::Applied { findings, .. } => Arc::new(Self::Differs(Findings {
                actions: Vec::new(),
                drift: findings.drift_left_alone(),
                orphans: findings.orphans.clone(),
                left_alone: findings.left_alone.clone(),
                fights: findings.fights.clone(),
            })),
            Self::InSync
            | Self::Differs(_)
            | Self::Refused { .. }
            | Self::Invalid { .. }
            | Self::TestsFailed { .. }
            | Self::Suspended { .. }
            | Self::Waiting(_)
            | Self::Interrupted
            | Self::Failed(_) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_apply_left_alone_stays_drifted() {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let drifted = |text: &str| Drifted { address: address(text), fields: Vec::new(), by: None };
        let findings = Findings {
            actions: vec![(address("Webhook/nps"), ActionKind::Update)],
            drift: vec![drifted("Audience/sales"), drifted("Webhook/nps")],
            left_alone: vec![address("Audience/sales")],
            ..Findings::default()
        };
        let applied = Outcome::Applied { findings, totals: Totals { add: 0, change: 1, destroy: 0 } };
        let afterwards = Arc::new(applied).afterwards();
        let Outcome::Differs(findings) = &*afterwards else { panic!("{afterwards:?}") };
        assert_eq!((&findings.actions[..], &findings.drift[..]), (&[][..], &[drifted("Audience/sales")][..]));
    }
}
