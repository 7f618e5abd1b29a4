//! What both states know of one event of one system: found once, however many of it the sample has.

use std::collections::BTreeMap;

use super::routes::Listener;
use crate::base::ident::{Name, ObjectId};
use crate::kinds::scope::{EventProperties, Scope as _, event_properties};
use crate::kinds::system::SystemSpec;
use crate::kinds::system::censorship::Censorship;
use crate::kinds::{Address, Kind, Spec};
use crate::review::states::{State, States};

/// One event of one system on both sides.
pub(super) struct Station<'s> {
    /// `None` where the state before has no such system or event.
    pub(super) before: Option<Place<'s>>,
    /// `None` where the state after has no such system or event.
    pub(super) after: Option<Place<'s>>,
    /// Whether a recorded event is stored in the same form on both sides.
    pub(super) stores_alike: bool,
    /// Whether an event that arrives is.
    pub(super) takes_in_alike: bool,
    /// The webhooks that listen to it on either side.
    pub(super) listeners: Vec<Listener>,
}

/// What one side knows of an event.
pub(super) struct Place<'s> {
    /// The system's name.
    pub(super) name: &'s Name,
    /// The system.
    pub(super) system: &'s SystemSpec,
    /// The event's name.
    pub(super) event: String,
    /// Its properties.
    pub(super) properties: EventProperties<'s>,
    /// Which of them the system drops.
    pub(super) censorship: Censorship<'s>,
    /// What callers know the system by.
    pub(super) system_id: String,
}

impl Place<'_> {
    fn stores_alike(&self, other: &Self) -> bool {
        self.name == other.name
            && self.event == other.event
            && self.censorship == other.censorship
            && self.properties.names().eq(other.properties.names())
    }

    /// An event that arrives is typed by its properties' types, checked against environments, and its id hashed.
    fn takes_in_alike(&self, other: &Self) -> bool {
        let typed = |place: &Self, name: &str| place.properties.get(name).map(|property| property.value_type);
        self.stores_alike(other)
            && self.system.environments == other.system.environments
            && self.system.end_user_id == other.system.end_user_id
            && self.system_id == other.system_id
            && self.properties.names().all(|name| typed(self, name) == typed(other, name))
    }
}

/// Finds what the states know, by what events say.
pub(super) struct Finder<'s> {
    states: &'s States,
    ids: BTreeMap<&'s Address, ObjectId>,
}

impl<'s> Finder<'s> {
    pub(super) fn new(states: &'s States, ids: BTreeMap<&'s Address, ObjectId>) -> Self {
        Self { states, ids }
    }

    /// What both sides know of an event, its listeners left open; `None` where neither knows it. `system` is a name or
    /// a systemId.
    pub(super) fn station(&self, system: &str, event: &str) -> Option<Station<'s>> {
        let (before, after) = self.system(system);
        let (former, name) = self.both_names(Kind::EventType, event);
        let before = before.and_then(|system| self.place(&self.states.before, system, former));
        let after = after.and_then(|system| self.place(&self.states.after, system, name));
        if before.is_none() && after.is_none() {
            return None;
        }
        let both = before.as_ref().zip(after.as_ref());
        Some(Station {
            stores_alike: both.is_some_and(|(before, after)| before.stores_alike(after)),
            takes_in_alike: both.is_some_and(|(before, after)| before.takes_in_alike(after)),
            before,
            after,
            listeners: Vec::new(),
        })
    }

    fn place(&self, state: &'s State, (name, address): (&'s Name, &Address), event: &str) -> Option<Place<'s>> {
        let Spec::System(system) = &*state.objects.get(address)?.spec else { return None };
        let id = self.ids.get(self.states.former(address)).map(|id| id.0.simple().to_string());
        Some(Place {
            name,
            system,
            event: event.to_owned(),
            properties: event_properties(state, event)?,
            censorship: Censorship::of(system, event),
            system_id: system.system_id.clone().or(id).unwrap_or_default(),
        })
    }

    /// A system before and after, by its name on either side or its systemId.
    fn system(&self, text: &str) -> (Named<'s>, Named<'s>) {
        let States { before, after, moved: _ } = self.states;
        let both = |text: &str| {
            let (former, name) = self.both_names(Kind::System, text);
            (system_named(before, former), system_named(after, name))
        };
        match both(text) {
            (None, None) => {
                let by_id = before.system_of_id(text).or_else(|| self.system_of_object_id(text));
                by_id.or_else(|| after.system_of_id(text)).map_or((None, None), |name| both(name.as_str()))
            }
            found => found,
        }
    }

    fn system_of_object_id(&self, text: &str) -> Option<&'s Name> {
        let mut systems = self.ids.iter().filter(|(address, _)| address.kind == Kind::System);
        systems.find(|(_, id)| id.0.simple().to_string().eq_ignore_ascii_case(text)).map(|(address, _)| &address.name)
    }

    /// The names of one object before and after, by either of them. An object that the plan does not move has one.
    fn both_names<'n>(&'n self, kind: Kind, text: &'n str) -> (&'n str, &'n str) {
        let mut moved = self.states.moved.iter().filter(|(to, _)| to.kind == kind);
        let renamed = moved.find(|(to, from)| to.name.as_str() == text || from.name.as_str() == text);
        renamed.map_or((text, text), |(to, from)| (from.name.as_str(), to.name.as_str()))
    }
}

/// A system, if there is one.
type Named<'s> = Option<(&'s Name, &'s Address)>;

fn system_named<'s>(state: &'s State, name: &str) -> Named<'s> {
    let address = Address::new(Kind::System, name.parse().ok()?);
    state.objects.get_key_value(&address).map(|(address, _)| (&address.name, address))
}
