//! A delivery in memory, on its way to a lane and in it.

use std::sync::Arc;

use uuid::Uuid;

use crate::base::ident::{Name, ObjectId};
use crate::store::DueDelivery;

/// A pending delivery.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Queued {
    pub(in crate::runtime) id: Uuid,
    pub(in crate::runtime) project: Name,
    pub(in crate::runtime) webhook: ObjectId,
    /// The event as stored: JSON, shared by all deliveries of the event.
    pub(in crate::runtime) event: Arc<str>,
    /// Places of the retry schedule used up.
    pub(in crate::runtime) tried: u32,
    /// Attempts in all.
    pub(in crate::runtime) made: u32,
}

impl Queued {
    /// About how many bytes it takes in memory.
    pub(super) fn weight(&self) -> usize {
        // An event shared by several lanes counts in each: they let go of it at different times.
        self.event.len() + size_of::<Self>()
    }
}

impl From<DueDelivery> for Queued {
    fn from(due: DueDelivery) -> Self {
        let DueDelivery { id, project, webhook, event, tried, made, due_at: _ } = due;
        Self { id, project, webhook, event: event.into(), tried, made }
    }
}

/// A delivery that has just been stored, for the lane of its destination.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Offer {
    pub(in crate::runtime) destination: ObjectId,
    pub(in crate::runtime) delivery: Queued,
}
