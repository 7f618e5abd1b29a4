//! What `reconcile` would leave alone of a plan, and how a reviewer is told. `apply` heeds none of it.

use std::collections::BTreeSet;

use super::plan_value::{Action, Plan};
use crate::kinds::Address;
use crate::object::suspension::Suspension;

/// How many are told one by one, of each sort.
const TOLD: usize = 10;

/// A sentence for each suspension, and one for the manifests that say it themselves.
pub(super) fn sentences(suspensions: &[Suspension], by_manifest: &[Address]) -> Vec<String> {
    let mut sentences: Vec<String> = suspensions.iter().take(TOLD).map(sentence).collect();
    if suspensions.len() > TOLD {
        sentences.push(format!("reconcile leaves {} further objects alone; see status", suspensions.len() - TOLD));
    }
    if !by_manifest.is_empty() {
        let names: Vec<String> = by_manifest.iter().take(TOLD).map(ToString::to_string).collect();
        let more = by_manifest.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = names.join(", ");
        sentences.push(format!("reconcile leaves {names}{more} alone: trueup.dev/reconcile is suspended there"));
    }
    sentences
}

fn sentence(suspension: &Suspension) -> String {
    match &suspension.address {
        None => format!("reconcile leaves this project alone: {suspension}"),
        Some(address) => format!("reconcile leaves {address} alone: {suspension}"),
    }
}

impl Plan {
    /// The suspension of the whole project, if there is one.
    #[must_use]
    pub fn project_suspension(&self) -> Option<&Suspension> {
        self.suspensions.iter().find(|suspension| suspension.address.is_none())
    }

    /// The actions' addresses that are suspended one by one: by their manifest, or on the target (of a move also under
    /// the former address).
    #[must_use]
    pub fn left_alone(&self) -> BTreeSet<&Address> {
        let by_person = self.suspensions.iter().filter_map(|suspension| suspension.address.as_ref());
        let suspended: BTreeSet<&Address> = by_person.chain(&self.suspended).collect();
        let is_suspended = |action: &&Action| {
            suspended.contains(&action.address) || action.from.as_ref().is_some_and(|from| suspended.contains(from))
        };
        self.actions.iter().filter(is_suspended).map(|action| &action.address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::action::ActionKind;
    use crate::plan::reason::Reason;
    use crate::plan::sample::{action, address, empty};

    fn suspension(at: Option<&str>) -> Suspension {
        Suspension {
            address: at.map(address),
            reason: "moving".into(),
            actor: "ana".into(),
            since: "2026-11-22T08:30:00.5Z".parse().expect("a time"),
            until: None,
        }
    }

    #[test]
    fn objects_are_suspended_by_manifest_on_the_target_and_under_their_former_name() {
        let mut plan = empty();
        plan.actions = ["System/a", "System/b", "System/c", "System/d"]
            .map(|at| action(ActionKind::Update, at, Reason::ManifestChanged, Vec::new()))
            .into();
        plan.actions[2].from = Some(address("System/old"));
        plan.suspended = vec![address("System/a")];
        plan.suspensions = vec![suspension(None), suspension(Some("System/b")), suspension(Some("System/old"))];
        let alone: Vec<String> = plan.left_alone().iter().map(ToString::to_string).collect();
        assert_eq!(alone, ["System/a", "System/b", "System/c"]);
        assert_eq!(plan.project_suspension(), Some(&suspension(None)));
    }

    #[test]
    fn many_are_counted_rather_than_listed() {
        let objects: Vec<Suspension> = (0..25).map(|n| suspension(Some(&format!("System/s{n}")))).collect();
        let annotated: Vec<Address> = (0..12).map(|n| address(&format!("System/m{n}"))).collect();
        let told = sentences(&objects, &annotated);
        assert_eq!(told.len(), TOLD + 2);
        assert_eq!(
            told[0],
            "reconcile leaves System/s0 alone: suspended by ana since 2026-11-22T08:30:00Z until it is resumed: moving"
        );
        assert_eq!(told[TOLD], "reconcile leaves 15 further objects alone; see status");
        assert!(told[TOLD + 1].contains("System/m9 and 2 more alone"), "{}", told[TOLD + 1]);
        assert!(sentences(&[], &[]).is_empty());
    }
}
