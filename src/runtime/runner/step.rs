//! One step of a run: read under its lock, taken on by an event, written down as a whole.

use std::sync::{Arc, PoisonError, Weak};

use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::mail::{Mailer, message_id};
use super::pinned::Pinned;
use super::{RunError, RunSummary, Runner, view};
use crate::base::ident::Name;
use crate::behaviour::run::advance::advance;
use crate::behaviour::run::effect::{Delivery, Effect, Event};
use crate::behaviour::run::email::Mailbox;
use crate::behaviour::run::state::RunState;
use crate::object::run::{EmailRecord, EmailState, RunChange, RunDetails, RunRecord, TaskRecord, TaskState};
use crate::store::{Saved, StoreError};

/// A run that was read, to be changed.
pub(super) struct Loaded {
    pub(super) record: RunRecord,
    pub(super) state: RunState,
    pub(super) pinned: Arc<Pinned>,
    pub(super) details: RunDetails,
}

impl Runner {
    /// The only one who writes to a run while it is held.
    pub(super) async fn lock(&self, id: Uuid) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.locks.lock().unwrap_or_else(PoisonError::into_inner);
            match locks.get(&id).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    locks.retain(|_, lock| lock.strong_count() > 0);
                    let lock = Arc::new(Mutex::new(()));
                    locks.insert(id, Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }

    pub(super) async fn load(&self, project: &Name, id: Uuid) -> Result<Loaded, RunError> {
        let record = self.0.store.reads().run(id).await?;
        self.loaded(record.filter(|record| record.project == *project).ok_or(RunError::UnknownRun)?).await
    }

    pub(super) async fn loaded(&self, record: RunRecord) -> Result<Loaded, RunError> {
        let damaged = |reason: String| StoreError::Corrupt { what: format!("run {}", record.head.id), reason };
        let state = serde_json::from_value(record.state.clone()).map_err(|error| damaged(error.to_string()))?;
        let pinned = self.0.versions.of(&self.0.store, record.head.workflow, record.head.version).await?;
        let pinned = pinned.ok_or_else(|| damaged("its version is gone".to_owned()))?;
        Ok(Loaded { record, state, pinned, details: RunDetails::default() })
    }

    /// Takes an event in, writes what comes of it, and goes on.
    pub(super) async fn go_on(&self, loaded: &mut Loaded, event: Event) -> Result<RunSummary, RunError> {
        let effect = advance(&loaded.pinned.spec, &mut loaded.state, event)?;
        let tasks = self.0.store.reads().task_count(loaded.record.head.id).await?;
        let Loaded { record: _, state, pinned, details } = loaded;
        let active = self.settle(pinned, state, effect, details, tasks)?;
        let was_active = loaded.record.active;
        let summary = self.save(loaded, active).await?;
        if active && !was_active {
            self.take_up(loaded.record.head.id);
        }
        Ok(summary)
    }

    /// What an effect leaves behind at once; tells whether the engine has something to do. `tasks` were opened before.
    pub(super) fn settle(
        &self,
        pinned: &Pinned,
        state: &mut RunState,
        mut effect: Effect,
        details: &mut RunDetails,
        tasks: u64,
    ) -> Result<bool, RunError> {
        let now = self.0.timer.now();
        loop {
            let step = state.path.last().cloned().unwrap_or_default();
            let visit = state.visit() as u64;
            match effect {
                Effect::CallHttp(_) | Effect::Notify(_) => return Ok(true),
                Effect::WaitForInput { .. } | Effect::Ended(_) => return Ok(false),
                Effect::WaitForTask { assignee } => {
                    details.tasks.push(TaskRecord {
                        number: tasks + 1,
                        step,
                        visit,
                        assignee: Some(assignee).filter(|assignee| !assignee.is_empty()),
                        state: TaskState::Open,
                        opened_at: now,
                        ended_at: None,
                        ended_by: None,
                        exception: None,
                    });
                    return Ok(false);
                }
                Effect::SendEmail(email) => {
                    let kept = match self.0.mailer {
                        Mailer::Outbox => EmailState::Kept,
                        Mailer::Smtp(_) => EmailState::Sending,
                    };
                    let shown = |mailbox: &Mailbox| match &mailbox.name {
                        Some(name) => format!("{name} <{}>", mailbox.address),
                        None => mailbox.address.clone(),
                    };
                    details.emails.push(EmailRecord {
                        message_id: message_id(&email),
                        step,
                        from: shown(&email.from),
                        to: shown(&email.to),
                        subject: email.subject,
                        body: email.body,
                        state: kept,
                        error: None,
                        at: now,
                    });
                    match kept {
                        // It is where it goes as soon as it is written down.
                        EmailState::Kept => {
                            effect = advance(&pinned.spec, state, Event::Email(Delivery::Delivered))?;
                        }
                        EmailState::Sending | EmailState::Sent | EmailState::Bounced => return Ok(true),
                    }
                }
            }
        }
    }

    pub(super) async fn save(&self, loaded: &mut Loaded, active: bool) -> Result<RunSummary, RunError> {
        let Loaded { record, state, pinned: _, details } = loaded;
        let ended_at = record.head.ended_at.or_else(|| state.outcome().map(|_| self.0.timer.now()));
        let status = view::status(state);
        let change = RunChange { state: write(state)?, status, active, ended_at, details: std::mem::take(details) };
        match self.0.store.save_run(record.head.id, record.saves, &change).await? {
            Saved::Written => {}
            Saved::Overtaken => return Err(RunError::Overtaken),
        }
        if !active {
            self.0.rested.send_modify(|count| *count += 1);
        }
        Ok(RunSummary { id: record.head.id, number: record.head.number, state: status })
    }
}

pub(super) fn write(state: &RunState) -> Result<Value, StoreError> {
    serde_json::to_value(state)
        .map_err(|error| StoreError::Corrupt { what: "a run's state".to_owned(), reason: error.to_string() })
}
