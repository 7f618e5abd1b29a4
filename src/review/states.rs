//! The configuration as it is live and as it will be once a plan is applied, both whole.
//!
//! The plan reads in full only what differs; everything else is live as the manifests have it, and is taken from there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::base::ident::Name;
use crate::desired::{Desired, DesiredObject};
use crate::kinds::scope::Scope;
use crate::kinds::{Address, Kind, Metadata, Spec};
use crate::live::Live;
use crate::object::action::ActionKind;
use crate::object::record::{DigestRow, ObjectRecord};
use crate::plan::plan_value::{Action, Plan};

/// One object of a state. What both states and the manifests have alike is there once.
#[derive(Clone, Debug, PartialEq)]
pub struct StateObject {
    /// Canonical metadata.
    pub metadata: Arc<Metadata>,
    /// Canonical spec; secrets are their references.
    pub spec: Arc<Spec>,
    /// Of a System: whether its settings are published, without which its webhooks send nothing.
    pub published: bool,
}

/// All objects of a project, by address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The objects.
    pub objects: BTreeMap<Address, StateObject>,
}

impl State {
    /// The objects of a kind, by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Name, &StateObject)> {
        let in_order = self.objects.iter().skip_while(move |(address, _)| address.kind < kind);
        in_order.take_while(move |(address, _)| address.kind == kind).map(|(address, object)| (&address.name, object))
    }

    /// The object of a kind and name.
    #[must_use]
    pub fn named(&self, kind: Kind, name: &Name) -> Option<&StateObject> {
        self.objects.get(&Address::new(kind, name.clone()))
    }

    /// The state that manifests alone describe: everything as written, and every system published.
    #[must_use]
    pub fn of_manifests(desired: &Desired) -> Self {
        let objects = desired.objects.iter().map(|object| (object.address.clone(), as_written(object, true)));
        Self { objects: objects.collect() }
    }
}

impl Scope for State {
    fn get(&self, kind: Kind, name: &str) -> Option<&Spec> {
        self.named(kind, &name.parse().ok()?).map(|object| &*object.spec)
    }

    fn names(&self, kind: Kind) -> Vec<&Name> {
        self.of_kind(kind).map(|(name, _)| name).collect()
    }
}

/// Both states of a plan.
#[derive(Clone, Debug, Default)]
pub struct States {
    /// As it is live.
    pub before: State,
    /// As it will be once the plan is applied.
    pub after: State,
    /// Former addresses of what the plan moves, by the new one.
    pub moved: BTreeMap<Address, Address>,
}

/// Why a live object cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("compare behaviour: the live {address} cannot be read")]
pub struct UnreadableObject {
    /// The object.
    pub address: Address,
    #[source]
    source: serde_json::Error,
}

impl States {
    /// The states before and after a plan that was built from these.
    ///
    /// # Errors
    /// When a live object does not fit its kind's type, which a target that checks what it is given does not have.
    pub fn of(plan: &Plan, desired: &Desired, live: &Live) -> Result<Self, UnreadableObject> {
        let mut before = BTreeMap::new();
        for (address, row) in &live.rows {
            if let Some(object) = live_object(address, row, desired, live)? {
                before.insert(address.clone(), object);
            }
        }
        let mut after = before.clone();
        let mut moved = BTreeMap::new();
        for action in &plan.actions {
            apply(action, desired, live, &mut after, &mut moved)?;
        }
        Ok(Self { before: State { objects: before }, after: State { objects: after }, moved })
    }

    /// The address under which an object of the state after is found in the state before.
    #[must_use]
    pub fn former<'s>(&'s self, address: &'s Address) -> &'s Address {
        self.moved.get(address).unwrap_or(address)
    }
}

fn live_object(
    address: &Address,
    row: &DigestRow,
    desired: &Desired,
    live: &Live,
) -> Result<Option<StateObject>, UnreadableObject> {
    let published = row.published.unwrap_or(false);
    if let Some(record) = live.records.get(address) {
        return read(record, published).map(Some);
    }
    // What was not read in full has the digest that the manifests have.
    Ok(desired.get(address).map(|object| as_written(object, published)))
}

fn read(record: &ObjectRecord, published: bool) -> Result<StateObject, UnreadableObject> {
    let unreadable = |source| UnreadableObject { address: record.address.clone(), source };
    let mut spec = record.address.kind.read_spec(&record.spec).map_err(unreadable)?;
    spec.normalise();
    Ok(StateObject { metadata: Arc::new(record.metadata.clone()), spec: Arc::new(spec), published })
}

fn as_written(object: &DesiredObject, published: bool) -> StateObject {
    StateObject { metadata: Arc::clone(&object.metadata), spec: Arc::clone(&object.spec), published }
}

fn apply(
    action: &Action,
    desired: &Desired,
    live: &Live,
    after: &mut BTreeMap<Address, StateObject>,
    moved: &mut BTreeMap<Address, Address>,
) -> Result<(), UnreadableObject> {
    let address = &action.address;
    match action.action {
        ActionKind::Delete | ActionKind::Archive => {
            after.remove(address);
        }
        ActionKind::PublishSettings => {
            if let Some(system) = after.get_mut(address) {
                system.published = true;
            }
        }
        ActionKind::Move => {
            if let Some(from) = &action.from {
                moved.insert(address.clone(), from.clone());
                if let Some(object) = after.remove(from) {
                    after.insert(address.clone(), object);
                }
            }
            write(action, desired, live, after)?;
        }
        ActionKind::Create
        | ActionKind::Update
        | ActionKind::Replace
        | ActionKind::NewVersion
        | ActionKind::MakeCurrent
        | ActionKind::Restore
        | ActionKind::Adopt => write(action, desired, live, after)?,
    }
    Ok(())
}

/// Puts the manifest's content in its place, live values kept where the action keeps them.
fn write(
    action: &Action,
    desired: &Desired,
    live: &Live,
    after: &mut BTreeMap<Address, StateObject>,
) -> Result<(), UnreadableObject> {
    let address = &action.address;
    let Some(object) = desired.get(address) else { return Ok(()) };
    // A new object has published nothing.
    let made_anew = matches!(action.action, ActionKind::Create | ActionKind::Replace);
    let published = !made_anew && after.get(address).is_some_and(|object| object.published);
    let mut written = as_written(object, published);
    if let Some(record) = live.records.get(address).filter(|_| !action.keeps.is_empty()) {
        let unreadable = |source| UnreadableObject { address: address.clone(), source };
        let live_value = serde_json::json!({ "metadata": record.metadata, "spec": record.spec });
        let mut merged = object.canonical().map_err(unreadable)?;
        for path in &action.keeps {
            path.put(&mut merged, path.of(&live_value).cloned());
        }
        let spec = merged.get_mut("spec").map(Value::take).unwrap_or_default();
        written.spec = Arc::new(address.kind.read_spec(&spec).map_err(unreadable)?);
    }
    after.insert(address.clone(), written);
    Ok(())
}
