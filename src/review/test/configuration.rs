//! The configuration that cases are asked of: what the manifests say, with every system published.

use std::collections::BTreeMap;

use serde_json::Value;

use super::report::{CaseError, Decider};
use super::why::RowOutcome;
use crate::base::ident::Name;
use crate::base::path::{Path, Segment};
use crate::base::positions::Positions;
use crate::base::source::Span;
use crate::behaviour::delivery::{CompiledWebhook, Route};
use crate::desired::{Desired, DesiredObject, Objects};
use crate::kinds::destination::DestinationSpec;
use crate::kinds::scope::event_properties;
use crate::kinds::webhook::WebhookSpec;
use crate::kinds::{Address, Kind, Spec};

/// A project made ready to be asked. Can be shared by threads.
#[derive(Debug)]
pub(super) struct Configuration<'d> {
    desired: &'d Desired,
    /// By system and event.
    webhooks: BTreeMap<&'d str, BTreeMap<&'d str, Vec<Hook<'d>>>>,
}

/// A webhook made ready.
#[derive(Debug)]
pub(super) struct Hook<'d> {
    /// The manifest.
    pub(super) object: &'d DesiredObject,
    /// What it says.
    pub(super) spec: &'d WebhookSpec,
    compiled: CompiledWebhook,
    /// Its destination.
    pub(super) destination: &'d DestinationSpec,
}

impl Hook<'_> {
    /// As deliveries are worked out from.
    pub(super) fn route(&self) -> Route<'_> {
        Route {
            name: &self.object.address.name,
            webhook: &self.compiled,
            destination: &self.spec.destination,
            destination_spec: self.destination,
            // Publishing is a step of its own; what is asked is what the manifests do once they are live.
            published: true,
        }
    }

    /// The address of its destination.
    pub(super) fn destination_address(&self) -> Address {
        Address::new(Kind::Destination, self.spec.destination.clone())
    }
}

impl<'d> Configuration<'d> {
    /// Makes a project ready. Webhooks with an error of their own are left out.
    pub(super) fn new(desired: &'d Desired) -> Self {
        let scope = Objects::new(&desired.objects);
        let mut webhooks: BTreeMap<_, BTreeMap<_, Vec<Hook<'d>>>> = BTreeMap::new();
        for object in &desired.objects {
            let Spec::Webhook(spec) = &*object.spec else { continue };
            let destination = desired.get(&Address::new(Kind::Destination, spec.destination.clone()));
            let Some(Spec::Destination(destination)) = destination.map(|object| &*object.spec) else { continue };
            let Ok(compiled) = CompiledWebhook::new(spec, event_properties(&scope, &spec.event)) else { continue };
            let hook = Hook { object, spec, compiled, destination };
            let of_system = webhooks.entry(spec.system.as_str()).or_default();
            of_system.entry(spec.event.as_str()).or_default().push(hook);
        }
        Self { desired, webhooks }
    }

    /// The project.
    pub(super) fn desired(&self) -> &'d Desired {
        self.desired
    }

    /// The objects as checks see them. Not to be shared by threads.
    pub(super) fn scope(&self) -> Objects<'d> {
        Objects::new(&self.desired.objects)
    }

    /// The webhooks that listen to an event of a system, by name.
    pub(super) fn listeners(&self, system: &str, event: &str) -> &[Hook<'d>] {
        self.webhooks.get(system).and_then(|events| events.get(event)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The object of a kind and name.
    ///
    /// # Errors
    /// When the project has none: a name that a narrowed load left out.
    pub(super) fn object(&self, kind: Kind, name: &Name) -> Result<&'d DesiredObject, CaseError> {
        let address = Address::new(kind, name.clone());
        self.desired.get(&address).ok_or_else(|| {
            CaseError::new(format!("there is no {address}")).help("add its manifest, or test the project as a whole")
        })
    }

    /// A place of an object that decided.
    pub(super) fn decider(&self, address: &Address, path: Path, says: impl Into<String>) -> Decider {
        let span = self.desired.get(address).and_then(|object| object.positions.value_span(&path));
        Decider { address: address.clone(), path, span, says: says.into() }
    }

    /// Rows that decided, of a condition that stands at `at`.
    pub(super) fn rows(&self, address: &Address, at: &Path, rows: Vec<RowOutcome>) -> Vec<Decider> {
        /// More rows than this say less.
        const SHOWN: usize = 4;
        let object = self.desired.get(address);
        let rows = rows.into_iter().take(SHOWN);
        rows.map(|row| Decider {
            address: address.clone(),
            span: object.and_then(|object| condition_place(&object.positions, at, &row.path)),
            path: row.path,
            says: row.says,
        })
        .collect()
    }
}

/// Where a row is written of a condition at `at`, which may be a list, a map with `all`, or a single row.
pub(super) fn condition_place(positions: &Positions, at: &Path, row: &Path) -> Option<Span> {
    // A place in a list has no key: the first entry of a map would be taken for it otherwise.
    let is_row = |path: &Path| !matches!(path.segments().last(), Some(Segment::Index(_)));
    let exact = |path: &Path| {
        let found = positions.find(path).filter(|place| place.exact && (is_row(path) || place.key.is_none()));
        found.map(|place| place.value)
    };
    let rest = row.segments().get(at.segments().len()..).unwrap_or_default();
    let below_all = || {
        let start = at.key("all");
        exact(&rest.iter().fold(start, |path, segment: &Segment| path.with(segment.clone())))
    };
    exact(row).or_else(below_all).or_else(|| positions.find(at).map(|place| place.value))
}

/// A value for a difference.
pub(super) fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}
