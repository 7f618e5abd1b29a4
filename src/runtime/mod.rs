//! The moving parts of the control plane: ingest, the delivery worker, notifications, the runner of workflows.
//!
//! What is to be done is decided by `behaviour`; here it is done, over the store, with a clock that is handed in.

pub mod configuration;
pub mod hooks;
pub mod outgoing;
pub mod timer;

use std::sync::Arc;

use crate::store::{Clock, Store};
use configuration::Configurations;

/// What can be set about the engine. Each part adds its own.
#[derive(Clone, Debug, Default)]
pub struct EngineSettings {}

/// All parts, over one store.
pub struct Engine {
    store: Arc<Store>,
    clock: Clock,
    configurations: Arc<Configurations>,
}

impl Engine {
    /// Sets the parts going: whatever was under way when the store was last used goes on.
    #[must_use]
    pub fn start(store: Arc<Store>, clock: Clock, settings: &EngineSettings) -> Self {
        let EngineSettings {} = settings;
        let configurations = Arc::new(Configurations::new(Arc::clone(&store)));
        Self { store, clock, configurations }
    }

    /// The store it works on.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The time it goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The projects' live objects.
    #[must_use]
    pub fn configurations(&self) -> &Arc<Configurations> {
        &self.configurations
    }
}
