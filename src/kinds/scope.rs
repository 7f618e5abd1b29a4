//! What a check of one object may see of the others.

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

/// The properties of an event, built-in or the project's; `None` for an unknown one.
pub fn event_properties(scope: &dyn Scope, event: &str) -> Option<IndexMap<String, Property>> {
    if let Some(event) = catalogue::EVENTS.get(event) {
        return Some(event.properties.iter().map(|(name, p)| ((*name).to_owned(), *p)).collect());
    }
    let Some(Spec::EventType(spec)) = scope.get(Kind::EventType, event) else { return None };
    let common = catalogue::COMMON.iter().map(|(name, p)| ((*name).to_owned(), *p));
    Some(common.chain(spec.properties.iter().map(|(name, p)| (name.clone(), *p))).collect())
}

/// A scope over addresses and specs, for tests and small sets.
impl Scope for std::collections::BTreeMap<Address, Spec> {
    fn get(&self, kind: Kind, name: &str) -> Option<&Spec> {
        let name = name.parse().ok()?;
        Self::get(self, &Address { kind, name })
    }

    fn names(&self, kind: Kind) -> Vec<&Name> {
        self.keys().filter(|a| a.kind == kind).map(|a| &a.name).collect()
    }
}
