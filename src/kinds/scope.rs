//! What a check of one object may see of the others.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::catalogue::{self, Property};
use super::system::Platform;
use super::{Address, Kind, Spec};
use crate::base::ident::Name;

/// The other objects of a project.
pub trait Scope {
    /// The object of an address.
    fn get(&self, kind: Kind, name: &str) -> Option<&Spec>;
    /// The names of all objects of a kind, sorted.
    fn names(&self, kind: Kind) -> Vec<&Name>;

    /// The first system, by name, that has this systemId, in whatever case.
    ///
    /// A scope of many systems should remember them: each asks for its own.
    fn system_of_id(&self, id: &str) -> Option<&Name> {
        let has_id = |name: &&Name| match self.get(Kind::System, name.as_str()) {
            Some(Spec::System(spec)) => spec.system_id.as_ref().is_some_and(|other| other.eq_ignore_ascii_case(id)),
            _ => false,
        };
        self.names(Kind::System).into_iter().find(has_id)
    }

    /// Whether an EventType of the project has a property of this name.
    ///
    /// A scope of many event types should remember them.
    fn has_own_property(&self, property: &str) -> bool {
        self.names(Kind::EventType).into_iter().any(|name| match self.get(Kind::EventType, name.as_str()) {
            Some(Spec::EventType(spec)) => spec.properties.contains_key(property),
            _ => false,
        })
    }
}

/// What completes an object's defaults from the rest of its project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Siblings {
    /// The project's workstation system, when it has exactly one.
    pub sole_workstation: Option<Name>,
}

impl Siblings {
    /// Looks through a project's objects.
    pub fn of<'a>(objects: impl IntoIterator<Item = (&'a Name, &'a Spec)>) -> Self {
        let mut workstations = objects.into_iter().filter_map(|(name, spec)| match spec {
            Spec::System(system) if system.platform == Platform::Workstation => Some(name),
            _ => None,
        });
        let first = workstations.next();
        Self { sole_workstation: if workstations.next().is_none() { first.cloned() } else { None } }
    }
}

/// The properties of one event.
#[derive(Clone, Copy, Debug)]
pub struct EventProperties<'s> {
    catalogued: &'static IndexMap<&'static str, Property>,
    own: Option<&'s BTreeMap<String, Property>>,
}

impl<'s> EventProperties<'s> {
    /// One of them. A property of the project's own hides a common one.
    pub fn get(&self, name: &str) -> Option<Property> {
        self.own.and_then(|own| own.get(name)).or_else(|| self.catalogued.get(name)).copied()
    }

    /// Their names, the common ones first.
    pub fn names(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        let catalogued = self.catalogued;
        let own = self.own.into_iter().flat_map(BTreeMap::keys).map(String::as_str);
        catalogued.keys().copied().chain(own.filter(|name| !catalogued.contains_key(name)))
    }
}

/// The properties of an event, built-in or the project's; `None` for an unknown one.
pub fn event_properties<'s>(scope: &'s dyn Scope, event: &str) -> Option<EventProperties<'s>> {
    if let Some(event) = catalogue::EVENTS.get(event) {
        return Some(EventProperties { catalogued: &event.properties, own: None });
    }
    let Some(Spec::EventType(spec)) = scope.get(Kind::EventType, event) else { return None };
    Some(EventProperties { catalogued: &catalogue::COMMON, own: Some(&spec.properties) })
}

/// A scope over addresses and specs, for tests and small sets.
impl Scope for BTreeMap<Address, Spec> {
    fn get(&self, kind: Kind, name: &str) -> Option<&Spec> {
        let name = name.parse().ok()?;
        Self::get(self, &Address { kind, name })
    }

    fn names(&self, kind: Kind) -> Vec<&Name> {
        self.keys().filter(|a| a.kind == kind).map(|a| &a.name).collect()
    }
}
