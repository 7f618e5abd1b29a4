//! What every handler may use.

use std::sync::Arc;

use super::access::AccessControl;
use super::engine_metrics::EngineCollector;
use super::metrics::Metrics;
use super::settings::ServerSettings;
use crate::runtime::Engine;
use crate::store::{Clock, ReadStore, Store};

/// The state; a handle that is cheap to copy.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

struct Parts {
    engine: Arc<Engine>,
    settings: ServerSettings,
    metrics: Arc<Metrics>,
    access: AccessControl,
}

impl AppState {
    /// A state over a running engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>, settings: ServerSettings) -> Self {
        let access = AccessControl::new(Arc::clone(engine.store()), engine.clock().clone(), &settings.limits);
        let metrics = Arc::new(Metrics::new());
        metrics.collect(Box::new(EngineCollector(Arc::clone(&engine))));
        Self(Arc::new(Parts { engine, settings, metrics, access }))
    }

    /// The moving parts.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        self.0.engine.store()
    }

    /// The store's reading side.
    #[must_use]
    pub fn reads(&self) -> &ReadStore {
        self.0.engine.store().reads()
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.0.engine.clock()
    }

    /// What was set.
    #[must_use]
    pub fn settings(&self) -> &ServerSettings {
        &self.0.settings
    }

    /// The counters.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Keys and tokens.
    #[must_use]
    pub fn access(&self) -> &AccessControl {
        &self.0.access
    }
}
