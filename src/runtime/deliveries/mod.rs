//! From stored deliveries to requests that arrive.
//!
//! Every destination has a *lane* of its own, so that a slow or dead one holds up nobody: a small buffer of what is due
//! and some attempts under way; whatever else waits for it waits in the store and is read in by time. A delivery is
//! shaped when it is tried, from the webhook and the destination as they are then: whoever mends one of them helps what
//! is waiting, too. What an attempt came to is written down when it has ended; one that is cut off has not happened.

mod attempt;
pub(in crate::runtime) mod figures;
mod lane;
pub(in crate::runtime) mod lanes;
pub(in crate::runtime) mod queued;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::configuration::Configurations;
use crate::base::ident::Name;
use crate::store::{Store, StoreError};
use lanes::Lanes;

pub use figures::{DeliveryFigures, DeliverySnapshot};

/// Sees to deliveries.
pub struct Deliveries {
    lanes: Arc<Lanes>,
    store: Arc<Store>,
    configurations: Arc<Configurations>,
    figures: Arc<DeliveryFigures>,
}

impl Deliveries {
    pub(super) fn new(
        lanes: Arc<Lanes>,
        store: Arc<Store>,
        configurations: Arc<Configurations>,
        figures: Arc<DeliveryFigures>,
    ) -> Self {
        Self { lanes, store, configurations, figures }
    }

    /// Begins a delivery anew, whatever its state: due now, with its whole schedule before it. A halt of its destination
    /// is lifted. `false` if the project has no such delivery.
    ///
    /// Not guaranteed: anything about an attempt that is under way; when it ends, what it came to counts.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn redeliver(&self, project: &Name, delivery: Uuid, actor: &str) -> Result<bool, StoreError> {
        let Some(redelivered) = self.store.redeliver(project, delivery).await? else { return Ok(false) };
        let configuration = self.configurations.of(project).await?;
        if let Some(destination) = configuration.by_id(redelivered.destination) {
            self.store.set_halted(project, &destination.address, false, actor).await?;
        }
        self.lanes.call(redelivered.destination, redelivered.due_at);
        Ok(true)
    }

    /// What is counted.
    #[must_use]
    pub fn figures(&self) -> DeliverySnapshot {
        self.figures.snapshot()
    }

    pub(super) async fn stop(&self, grace: Duration) {
        self.lanes.stop(grace).await;
    }
}
