//! The order of actions: what is referred to first, removals in reverse.
//!
//! Kinds refer to kinds without a cycle (a test holds them to it), so the order of objects follows from the order of
//! their kinds, and no set of manifests can ask for an impossible one.

use std::sync::LazyLock;

use super::plan_value::Action;
use crate::kinds::Kind;
use crate::object::action::ActionKind;

/// Kinds, each after the kinds it refers to.
static RANKS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let mut ranked: Vec<Kind> = Vec::new();
    // As many rounds as kinds: each round ranks at least one more, as long as there is no cycle.
    for _ in Kind::ALL {
        for kind in Kind::ALL {
            let ready = kind.fields().iter().filter_map(|field| field.reference).all(|to| ranked.contains(&to));
            if ready && !ranked.contains(kind) {
                ranked.push(*kind);
            }
        }
    }
    ranked
});

/// A kind's place among all kinds: higher than that of every kind it refers to.
#[must_use]
pub fn rank(kind: Kind) -> usize {
    RANKS.iter().position(|ranked| *ranked == kind).unwrap_or(RANKS.len())
}

/// Sorts actions into the order they are carried out in.
pub fn sort(actions: &mut [Action]) {
    actions.sort_by_cached_key(|action| {
        let rank = rank(action.address.kind);
        let phase = match action.action {
            // A move frees the former address for a create.
            ActionKind::Move => 0,
            ActionKind::Create
            | ActionKind::Update
            | ActionKind::Replace
            | ActionKind::NewVersion
            | ActionKind::MakeCurrent
            | ActionKind::Restore
            | ActionKind::Adopt => 1,
            ActionKind::PublishSettings => 2,
            ActionKind::Delete | ActionKind::Archive => 3,
        };
        let place = if phase == 3 { Kind::ALL.len() - rank } else { rank };
        // What takes an object over comes before what changes its content.
        let content = !matches!(action.action, ActionKind::Restore | ActionKind::Adopt);
        (phase, place, action.address.clone(), content)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_refer_to_kinds_without_a_cycle() {
        assert_eq!(RANKS.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            for to in kind.fields().iter().filter_map(|field| field.reference) {
                assert!(rank(to) < rank(*kind), "{kind} refers to {to}");
            }
        }
    }
}
