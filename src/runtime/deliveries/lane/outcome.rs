//! What comes of attempts: the lane learns from it, and it is written down.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinError;
use uuid::Uuid;

use super::super::attempt::{Attempted, Effect};
use super::super::figures::add;
use super::super::lanes::{Context, earlier};
use super::super::queued::Queued;
use super::{AFTER_STORE_ERROR, Lane};
use crate::base::ident::{Name, ObjectId};
use crate::kinds::Address;
use crate::object::delivery::DeliveryState;
use crate::store::{DeliveryEnd, StoreError};

/// How long all lanes wait at their end for what is being written.
const RECORDED_WITHIN: Duration = Duration::from_secs(5);

/// An end of an attempt that is on the disk.
pub(super) struct Recorded {
    id: Uuid,
    state: DeliveryState,
    due_at: Timestamp,
    moved: Option<ObjectId>,
    halted: bool,
}

impl Lane {
    /// Sees to an attempt that has ended, and to all others that have by now.
    pub(super) fn all_ended(&mut self, first: Result<(Queued, Result<Attempted, StoreError>), JoinError>) {
        self.ended(first);
        while let Some(next) = self.under_way.try_join_next() {
            self.ended(next);
        }
    }

    fn ended(&mut self, ended: Result<(Queued, Result<Attempted, StoreError>), JoinError>) {
        let (queued, attempted) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // It was cut off or failed in a way of ours: it stays held, and is tried again after a restart.
                tracing::error!(destination = %self.destination, %error, "an attempt did not end");
                return;
            }
        };
        self.lighten(&queued);
        match attempted {
            Ok(Attempted { end, effect }) => {
                self.learn(&end, effect);
            }
            Err(error) => {
                tracing::error!(delivery = %queued.id, %error, "a delivery cannot be prepared");
                self.held.remove(&queued.id);
                let again = self.after(AFTER_STORE_ERROR);
                self.rest = Some(again);
                self.due = earlier(self.due, Some(again));
            }
        }
    }

    /// Draws the conclusions for the lane and has the end written down.
    fn learn(&mut self, end: &DeliveryEnd, effect: Effect) {
        let figures = &self.context.figures;
        let (mut moved, mut halt) = (None, None);
        match effect {
            Effect::Delivered => {
                add(&figures.delivered, 1);
                self.failures = 0;
            }
            Effect::Failed { rest, gone } => {
                add(&figures.failed, 1);
                self.failures = self.failures.saturating_add(1);
                self.rest = self.rest.max(rest);
                halt = gone;
            }
            Effect::Impossible => {}
            Effect::Moved(destination) => moved = Some(destination),
        }
        if end.state == DeliveryState::Dead {
            add(&figures.dead, 1);
        }
        let halted = halt.is_some();
        if halted {
            // At once, so that nothing more goes out before it is written.
            self.halting += 1;
        }
        let (context, project, end) = (Arc::clone(&self.context), self.project.clone(), end.clone());
        self.recording.spawn(async move {
            if let (Some(project), Some(address)) = (project, halt) {
                set_halted(&context, &project, &address).await;
            }
            record(&context, end, moved, halted).await
        });
    }

    pub(super) fn all_recorded(&mut self, first: Result<Recorded, JoinError>) {
        let mut next = Some(first);
        while let Some(recorded) = next {
            match recorded {
                Ok(recorded) => self.recorded(&recorded),
                Err(error) => tracing::error!(destination = %self.destination, %error, "an end was not recorded"),
            }
            next = self.recording.try_join_next();
        }
    }

    fn recorded(&mut self, recorded: &Recorded) {
        let Recorded { id, state, due_at, moved, halted } = *recorded;
        self.halting -= usize::from(halted);
        // What was offered before this was recorded may wait at the entrance, and is known by its id only while held.
        self.take_fresh();
        self.held.remove(&id);
        match (state, moved) {
            (DeliveryState::Pending, Some(destination)) => self.lanes.call(destination, due_at),
            (DeliveryState::Pending, None) => self.due = earlier(self.due, Some(due_at)),
            (DeliveryState::Delivered | DeliveryState::Dead, _) => {}
        }
    }

    /// Lets what is under way end, as far as there is time, and has it written down.
    pub(super) async fn wind_up(mut self, grace: Duration) {
        let ready = std::mem::take(&mut self.ready);
        for queued in &ready {
            self.lighten(queued);
        }
        let finish = async {
            while let Some(ended) = self.under_way.join_next().await {
                self.ended(ended);
            }
        };
        // An attempt that is cut off is not written down: it has not happened.
        let _ = tokio::time::timeout(grace, finish).await;
        self.under_way.shutdown().await;
        let settle = async { while self.recording.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(grace.max(RECORDED_WITHIN), settle).await;
        self.lanes.gone();
    }
}

/// Writes down how an attempt ended, as often as it takes: as long as it is not written the delivery is held, and not
/// sent again.
async fn record(context: &Context, end: DeliveryEnd, moved: Option<ObjectId>, halted: bool) -> Recorded {
    let recorded = Recorded { id: end.id, state: end.state, due_at: end.due_at, moved, halted };
    loop {
        match context.journal.end(end.clone()).await {
            Ok(()) => return recorded,
            Err(error) if matches!(*error, StoreError::Closed) => return recorded,
            Err(error) => {
                tracing::error!(delivery = %end.id, error = %error, "the end of an attempt was not written");
                let now = context.timer.now();
                context.timer.sleep_until(now.checked_add(AFTER_STORE_ERROR).unwrap_or(now)).await;
            }
        }
    }
}

/// Halts a destination. Where that fails the next 410 tries again.
async fn set_halted(context: &Context, project: &Name, address: &Address) {
    match context.store.set_halted(project, address, true, "deliveries").await {
        Ok(_) => {
            add(&context.figures.halts, 1);
            tracing::warn!(%project, destination = %address, "halted: the receiver answered 410");
        }
        Err(error) => tracing::error!(%project, destination = %address, %error, "not halted"),
    }
}
