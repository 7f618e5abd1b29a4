//! Changed objects of which the sample says nothing: because nothing in it touched them, or because nothing offline could.

use std::collections::{BTreeSet, HashSet};

use crate::kinds::system::SystemSpec;
use crate::kinds::{Address, Kind, Spec};
use crate::object::action::ActionKind;
use crate::plan::plan_value::{Action, Change, Plan};
use crate::plan::preview::NotEvaluated;
use crate::plan::shown::{SecretState, Shown};
use crate::review::states::{StateObject, States};

/// What a plan changes and the sample does not show.
pub(super) fn judge(
    plan: &Plan,
    states: &States,
    exercised: &HashSet<Address>,
    unfit: &[(Address, String)],
) -> (Vec<Address>, Vec<NotEvaluated>) {
    let mut not_exercised = BTreeSet::new();
    let mut not_evaluated: BTreeSet<(Address, String)> = unfit.iter().cloned().collect();
    for action in &plan.actions {
        let address = &action.address;
        let before = states.before.objects.get(states.former(address));
        let after = states.after.objects.get(address);
        let reason = unseen(action, before, after);
        if let Some(why) = &reason {
            not_evaluated.insert((address.clone(), why.clone()));
        }
        if !behaves_otherwise(before, after) {
            continue;
        }
        match address.kind {
            // What is offline cannot tell is said above.
            Kind::Audience | Kind::Notification | Kind::IncomingWebhook => {}
            Kind::System | Kind::EventType | Kind::Template | Kind::Destination | Kind::Webhook | Kind::Workflow => {
                if !exercised.contains(address) && !exercised.contains(states.former(address)) {
                    not_exercised.insert(address.clone());
                }
            }
        }
    }
    let not_evaluated = not_evaluated.into_iter().map(|(address, why)| NotEvaluated { address, why }).collect();
    (not_exercised.into_iter().collect(), not_evaluated)
}

/// Whether anything but names and descriptions differs.
fn behaves_otherwise(before: Option<&StateObject>, after: Option<&StateObject>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => before.spec != after.spec || before.published != after.published,
        (None, None) => false,
        (_, _) => true,
    }
}

/// Why no sample can show what a change of this object does, or not all of it.
fn unseen(action: &Action, before: Option<&StateObject>, after: Option<&StateObject>) -> Option<String> {
    let spec = after.or(before).map(|object| &*object.spec)?;
    let changed = behaves_otherwise(before, after);
    let why = match spec {
        Spec::Audience(_) if changed => "whom it reaches depends on end users and on notifications yet to be sent",
        Spec::Notification(_) if changed => {
            "whom it reaches, and when, depends on audiences and the clock of the target"
        }
        Spec::IncomingWebhook(_) if changed => "calls from outside are not recorded",
        Spec::System(_) if changed => return system_unseen(before, after),
        Spec::EventType(_) if changed => return event_type_unseen(before, after),
        Spec::Audience(_)
        | Spec::Notification(_)
        | Spec::IncomingWebhook(_)
        | Spec::System(_)
        | Spec::EventType(_)
        | Spec::Template(_)
        | Spec::Destination(_)
        | Spec::Webhook(_)
        | Spec::Workflow(_) => return secret_unseen(action),
    };
    Some(why.to_owned())
}

/// What a system drops or hashes cannot be undone, and ids that are hashed cannot be hashed in another way.
fn system_unseen(before: Option<&StateObject>, after: Option<&StateObject>) -> Option<String> {
    let (Some(Spec::System(old)), Some(Spec::System(new))) = (before.map(|o| &*o.spec), after.map(|o| &*o.spec)) else {
        return None;
    };
    if old.end_user_id != new.end_user_id {
        return Some(
            "ids of end users are kept in another way, and recorded ids cannot be turned into those".to_owned(),
        );
    }
    if drops_less(old, new) {
        return Some("it drops less than it did, and what was dropped is not in recorded events".to_owned());
    }
    None
}

fn drops_less(old: &SystemSpec, new: &SystemSpec) -> bool {
    let censor = |spec: &SystemSpec| spec.censor.clone().unwrap_or_default();
    let (old, new) = (censor(old), censor(new));
    let fewer = |old: &[String], new: &[String]| old.iter().any(|name| !new.contains(name));
    fewer(&old.properties, &new.properties) || fewer(&old.events, &new.events) || (old.input_text && !new.input_text)
}

/// Callers will send what the new type says; what they sent is of the old one.
fn event_type_unseen(before: Option<&StateObject>, after: Option<&StateObject>) -> Option<String> {
    let (Some(Spec::EventType(old)), Some(Spec::EventType(new))) = (before.map(|o| &*o.spec), after.map(|o| &*o.spec))
    else {
        return None;
    };
    let added = new.properties.keys().any(|name| !old.properties.contains_key(name));
    let retyped = new
        .properties
        .iter()
        .any(|(name, property)| old.properties.get(name).is_some_and(|old| old.value_type != property.value_type));
    let why = "its properties are others than in recorded events";
    (added || retyped).then(|| why.to_owned())
}

/// A content that changes is in no request that is shown.
fn secret_unseen(action: &Action) -> Option<String> {
    let changes = |change: &Change| has_changed_secret(change.after.as_ref());
    let updates = matches!(action.action, ActionKind::Update | ActionKind::NewVersion | ActionKind::Move);
    let why = "the content of a secret changes, which no request here shows";
    (updates && action.changes.iter().any(changes)).then(|| why.to_owned())
}

fn has_changed_secret(shown: Option<&Shown>) -> bool {
    match shown {
        Some(Shown::Secret { state: SecretState::Changed, reference: _ }) => true,
        Some(Shown::Map(map)) => map.iter().any(|(_, value)| has_changed_secret(Some(value))),
        Some(Shown::List(list)) => list.iter().any(|value| has_changed_secret(Some(value))),
        Some(
            Shown::Secret { .. }
            | Shown::Plain(_)
            | Shown::Personal(_)
            | Shown::PersonalMasked(_)
            | Shown::KnownAfterApply,
        )
        | None => false,
    }
}
