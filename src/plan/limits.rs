//! Safety limits and protected objects: what the plan says and apply refuses (design §7).

use super::options::PlanOptions;
use super::plan_value::{Action, Refusal};
use crate::kinds::Address;
use crate::object::action::ActionKind;

/// From so many managed objects on, the share that changes is limited.
const PERCENT_FROM: usize = 10;

/// Why apply would refuse these actions. `managed` is how many objects were managed before.
pub(super) fn refusals(
    actions: &[Action],
    managed: usize,
    is_protected: &dyn Fn(&Address) -> bool,
    options: &PlanOptions,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let removes = |action: &Action| matches!(action.action, ActionKind::Delete | ActionKind::Archive);
    let deletes = actions.iter().filter(|action| removes(action)).count();
    if deletes > options.max_deletes {
        refusals.push(Refusal::TooManyDeletes { planned: deletes, allowed: options.max_deletes });
    }
    let changed = actions
        .iter()
        .filter(|action| match action.action {
            ActionKind::Update
            | ActionKind::Replace
            | ActionKind::NewVersion
            | ActionKind::MakeCurrent
            | ActionKind::Delete
            | ActionKind::Archive => true,
            ActionKind::Create
            | ActionKind::Move
            | ActionKind::Restore
            | ActionKind::Adopt
            | ActionKind::PublishSettings => false,
        })
        .count();
    if let Some(percent) = options.max_changed_percent
        && managed >= PERCENT_FROM
    {
        // Counts of objects are far below where a double loses a unit.
        #[expect(clippy::cast_precision_loss, reason = "counts of objects fit a double exactly")]
        let share = changed as f64 * 100.0 / managed as f64;
        if share > percent {
            refusals.push(Refusal::TooMuchChanged { planned: changed, managed, allowed: percent });
        }
    }
    for action in actions {
        let ends = matches!(action.action, ActionKind::Delete | ActionKind::Archive | ActionKind::Replace);
        if ends && is_protected(&action.address) {
            refusals.push(Refusal::Protected(action.address.clone()));
        }
    }
    let addresses: Vec<Address> =
        actions.iter().filter(|action| action.sends.is_some()).map(|action| action.address.clone()).collect();
    if !addresses.is_empty() && !options.allow_send {
        refusals.push(Refusal::Sends { addresses });
    }
    refusals
}
