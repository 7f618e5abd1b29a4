//! What apply says of its work: events while it goes on, and the report at its end.

use jiff::Timestamp;

use crate::base::ident::{ObjectId, PlanId, Revision};
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::plan::plan_value::{Plan, Totals};

/// The final state of one action (design §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionState {
    /// Carried out.
    Done,
    /// Refused or broken; the text says why.
    Failed(String),
    /// The object changed since the plan was made.
    Stale,
    /// Not begun, because the changeset as a whole was refused or interrupted.
    NotStarted,
    /// Whether it happened is not known.
    Unknown,
}

impl ActionState {
    /// As written in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Stale => "stale",
            Self::NotStarted => "not started",
            Self::Unknown => "unknown",
        }
    }
}

/// One action with its final state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionReport {
    /// The address.
    pub address: Address,
    /// The action.
    pub action: ActionKind,
    /// The state.
    pub state: ActionState,
    /// The object's id afterwards.
    pub id: Option<ObjectId>,
}

/// The report of one apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The plan.
    pub plan_id: PlanId,
    /// One per action, in the plan's order, then one per update that a secret compared at apply made necessary.
    pub actions: Vec<ActionReport>,
    /// The project's revision afterwards; `None` when nothing was written.
    pub revision: Option<Revision>,
    /// Added, changed, destroyed, as in the plan's last line, of the actions that are done.
    pub totals: Totals,
    /// Set when the plan had been applied before: when, and by whom.
    pub applied_before: Option<(Timestamp, String)>,
}

impl Report {
    /// The report of a plan that has nothing to do.
    #[must_use]
    pub fn of_nothing(plan: &Plan) -> Self {
        let totals = Totals { add: 0, change: 0, destroy: 0 };
        Self { plan_id: plan.plan_id, actions: Vec::new(), revision: None, totals, applied_before: None }
    }
}

/// What happens while a plan is applied; shown by a view, decided by nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The lease was taken.
    LeaseTaken,
    /// Secrets are being read and compared.
    ComparingSecrets {
        /// How many.
        count: usize,
    },
    /// The changeset is on its way.
    Writing {
        /// Actions in it.
        actions: usize,
    },
    /// An action ended.
    Ended(ActionReport),
}
