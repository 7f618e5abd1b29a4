//! What a Webhook sends: the properties of its event that are stored at all, and its static ones.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Edge, Renamed, WHOLE_PAYLOAD, host};
use crate::kinds::scope::{Scope as _, event_properties};
use crate::kinds::system::censorship::Censorship;
use crate::kinds::webhook::{Include, Properties, WebhookSpec};
use crate::kinds::{DataClass, Kind, Spec};
use crate::review::lost_listener::silence;
use crate::review::states::State;

/// The property whose values a System may keep as hashes only.
const END_USER_ID: &str = "endUserId";

/// Nothing leaves by a webhook that is silent, or has nowhere to send to.
pub(super) fn edges(state: &State, spec: &WebhookSpec, renamed_events: &Renamed<'_>) -> BTreeSet<Edge> {
    let mut edges = BTreeSet::new();
    let Some(Spec::System(system)) = state.get(Kind::System, spec.system.as_str()) else { return edges };
    let Some(Spec::Destination(destination)) = state.get(Kind::Destination, spec.destination.as_str()) else {
        return edges;
    };
    if silence(state, spec).is_some() {
        return edges;
    }
    let censorship = Censorship::of(system, &spec.event);
    let host = host::of_url(&destination.url);
    let event = renamed_events.get(&*spec.event).copied().unwrap_or(&spec.event);
    let known = event_properties(state, &spec.event);
    let Properties { include, rename: _, fixed } = &spec.properties;
    let sent: Vec<&str> = match (include, &known) {
        (Include::These(list), _) => list.iter().map(String::as_str).collect(),
        (Include::All, Some(known)) => known.names().collect(),
        (Include::All, None) => {
            let whole = Edge { class: DataClass::Personal, source: WHOLE_PAYLOAD.to_owned(), host: host.clone() };
            edges.insert(whole);
            Vec::new()
        }
    };
    for name in sent.into_iter().filter(|name| !censorship.drops(name)) {
        // What is not known might be about a person.
        let class = known.and_then(|known| known.get(name)).map_or(DataClass::Personal, |property| property.class);
        let hashed = if name == END_USER_ID && system.end_user_id.is_some() { " (hashed)" } else { "" };
        edges.insert(Edge { class, source: format!("{event}.{name}{hashed}"), host: host.clone() });
    }
    for (name, value) in fixed {
        edges.insert(Edge { class: class_of(value), source: format!("static {name}"), host: host.clone() });
    }
    edges
}

/// What a value that the author of a manifest wrote says: nothing about a person.
pub(super) fn class_of(value: &Value) -> DataClass {
    if value.is_string() { DataClass::Content } else { DataClass::Technical }
}
