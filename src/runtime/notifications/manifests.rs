//! Notifications of manifests: read from the configuration, with no copy of their state anywhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use crate::base::ident::Name;
use crate::kinds::notification::NotificationSpec;
use crate::kinds::{Kind, Spec, time};
use crate::runtime::configuration::{Configuration, LiveObject};

/// One of them, with its effective times, which the target has set at its creation.
pub(super) struct Manifest {
    pub(super) object: Arc<LiveObject>,
    pub(super) start_at: Timestamp,
    pub(super) end_at: Timestamp,
}

impl Manifest {
    fn of(object: &Arc<LiveObject>) -> Option<Self> {
        let at = |key| time::parse(object.server_set.get(key).and_then(Value::as_str)?).ok();
        Some(Self { start_at: at("startAt")?, end_at: at("endAt")?, object: Arc::clone(object) })
    }

    pub(super) fn spec(&self) -> Option<&NotificationSpec> {
        match &self.object.spec {
            Spec::Notification(spec) => Some(spec),
            _ => None,
        }
    }

    pub(super) fn is_active(&self, now: Timestamp) -> bool {
        self.start_at <= now && now < self.end_at
    }

    pub(super) fn is_on(&self, system: &Name) -> bool {
        self.spec().is_some_and(|spec| spec.system.as_ref() == Some(system))
    }
}

/// Those of a project, by name. Reading their times takes longer than asking them, so they are kept with the
/// configuration they are of.
#[derive(Default)]
pub(super) struct Manifests(Mutex<HashMap<Name, Known>>);

/// Those of one project with the configuration they are of.
type Known = (Arc<Configuration>, Arc<[Manifest]>);

impl Manifests {
    pub(super) fn of(&self, project: &Name, configuration: &Arc<Configuration>) -> Arc<[Manifest]> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, manifests)) = known.get(project)
            && Arc::ptr_eq(of, configuration)
        {
            return Arc::clone(manifests);
        }
        let manifests: Arc<[Manifest]> = configuration.of_kind(Kind::Notification).filter_map(Manifest::of).collect();
        known.insert(project.clone(), (Arc::clone(configuration), Arc::clone(&manifests)));
        manifests
    }
}
