//! `lost-listener`: events that a webhook sends before a change and none sends after it.
//!
//! A warning of the plan, because the manifests alone do not say who listened. An event that goes together with its
//! System or EventType is not told: its callers are refused, and the plan shows the removal.

use std::collections::{BTreeMap, BTreeSet};

use super::states::{State, States};
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::desired::Desired;
use crate::kinds::scope::event_properties;
use crate::kinds::system::censorship::Censorship;
use crate::kinds::webhook::WebhookSpec;
use crate::kinds::{Address, Kind, Spec};
use crate::lint::condition_logic::never_hold;
use crate::plan::Plan;

/// Webhooks that listened are told; the rest are counted.
const TOLD: usize = 3;

/// An event of a System, by their names after the change.
type Heard<'s> = BTreeMap<(Name, String), BTreeSet<&'s Name>>;

/// The warnings, by system and event.
#[must_use]
pub fn check(plan: &Plan, states: &States, desired: &Desired) -> Vec<Diagnostic> {
    let concerned = |kind: Kind| matches!(kind, Kind::System | Kind::EventType | Kind::Webhook);
    if !plan.actions.iter().any(|action| concerned(action.address.kind)) {
        return Vec::new();
    }
    let former: BTreeMap<&Address, &Address> = states.moved.iter().map(|(new, former)| (former, new)).collect();
    let before = heard(&states.before, &former);
    let after = heard(&states.after, &BTreeMap::new());
    let lost = before.into_iter().filter(|((system, event), _)| {
        !after.contains_key(&(system.clone(), event.clone()))
            && states.after.named(Kind::System, system).is_some()
            && event_properties(&states.after, event).is_some()
    });
    lost.filter_map(|((system, event), webhooks)| warning(&system, &event, &webhooks, states, &former, desired))
        .collect()
}

/// What is listened to in a state.
fn heard<'s>(state: &'s State, former: &BTreeMap<&Address, &Address>) -> Heard<'s> {
    let mut heard = Heard::new();
    for (name, object) in state.of_kind(Kind::Webhook) {
        let Spec::Webhook(spec) = &*object.spec else { continue };
        if silence(state, spec).is_none() {
            let system = Address::new(Kind::System, spec.system.clone());
            let system = former.get(&system).map_or(&spec.system, |new| &new.name).clone();
            let own = spec.event.parse().ok().map(|event| Address::new(Kind::EventType, event));
            let event = own.and_then(|event| former.get(&event).map(|new| new.name.to_string()));
            heard.entry((system, event.unwrap_or_else(|| spec.event.clone()))).or_default().insert(name);
        }
    }
    heard
}

/// Why a webhook sends nothing; `None` where it may.
pub(super) fn silence(state: &State, spec: &WebhookSpec) -> Option<String> {
    if !spec.enabled {
        return Some("is disabled".to_owned());
    }
    let system = state.named(Kind::System, &spec.system);
    let Some((Spec::System(system), published)) = system.map(|object| (&*object.spec, object.published)) else {
        return Some(format!("listens to System/{}, which is gone", spec.system));
    };
    if !published {
        return Some(format!("waits for the settings of System/{} to be published", spec.system));
    }
    if Censorship::of(system, &spec.event).drops_all() {
        return Some(format!("listens, and System/{} drops the event (spec.censor.events)", spec.system));
    }
    let never = spec.conditions.as_ref().is_some_and(|conditions| never_hold(&[conditions]).is_some());
    never.then(|| "has conditions that never hold".to_owned())
}

fn warning(
    system: &Name,
    event: &str,
    webhooks: &BTreeSet<&Name>,
    states: &States,
    former: &BTreeMap<&Address, &Address>,
    desired: &Desired,
) -> Option<Diagnostic> {
    let now = |name: &Name| {
        let address = Address::new(Kind::Webhook, name.clone());
        former.get(&address).map_or(address, |new| (*new).clone())
    };
    let first = now(webhooks.first()?);
    let mut told: Vec<String> = webhooks
        .iter()
        .take(TOLD)
        .map(|name| {
            let address = now(name);
            let becomes = match states.after.objects.get(&address).map(|object| &*object.spec) {
                Some(Spec::Webhook(spec)) if spec.event == event && spec.system == *system => {
                    silence(&states.after, spec).unwrap_or_default()
                }
                Some(Spec::Webhook(spec)) => format!("listens to `{}` of System/{} instead", spec.event, spec.system),
                Some(_) | None => "is removed".to_owned(),
            };
            format!("{address} {becomes}")
        })
        .collect();
    if webhooks.len() > TOLD {
        told.push(format!("and so for {} more", webhooks.len() - TOLD));
    }
    let path = Path::keys("spec.event");
    let mut warning = Diagnostic::warning(
        Code::LostListener,
        format!(
            "`{event}` of System/{system} has a listener before this change and none after it: {}",
            told.join("; ")
        ),
    )
    .of(first.to_string())
    .path(path.clone())
    .help("let another webhook listen to it, if the events still matter");
    warning.span = desired.get(&first).and_then(|object| object.positions.find(&path)).map(|place| place.value);
    Some(warning)
}

#[cfg(test)]
mod tests;
