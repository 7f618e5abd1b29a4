//! The runner: takes workflow runs through their steps, and survives being ended anywhere.
//!
//! What a run does is decided by `behaviour::run`. A step is one write: the state behind it, with what it leaves behind
//! (a task, a line of the log, an e-mail of the outbox). While the engine is at something (a request, an e-mail, a
//! notification) the state on disk says so; whatever was under way when the process ended is done again at the next
//! start, under the same idempotency key, Message-ID or key of the notification, so that the far side can tell.

mod call;
mod drive;
mod error;
mod list;
mod mail;
mod notifier;
mod pinned;
mod step;
mod tasks;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::configuration::LiveObject;
use super::outgoing::Outgoing;
use super::timer::Timer;
use crate::base::ident::{Name, ObjectId};
use crate::base::secret::SecretText;
use crate::behaviour::run::advance::{Unexpected, advance};
use crate::behaviour::run::data;
use crate::behaviour::run::effect::Event;
use crate::behaviour::run::state::RunState;
use crate::kinds::workflow::WorkflowSpec;
use crate::object::run::{RunChange, RunDetails, RunRecord, TaskState};
use crate::store::{NewRun, Store, StoreError};
use mail::Mailer;
use pinned::Versions;
use step::{Loaded, write};

pub use call::ANSWER_LIMIT;
pub use error::RunError;
pub use list::{ListedRun, RunPage};
pub use mail::MailServerUrlError;
pub use notifier::{NotificationOrder, Notifier, NotifyFailure};
pub use tasks::TaskCancellation;
pub use view::{RunProblem, RunSummary, RunView};

/// Bytes of what somebody says to a run.
const INPUT_LIMIT: usize = 64 << 10;
/// Requests, e-mails and notifications that are under way at the same time.
const AT_ONCE: usize = 256;

/// Takes runs through their steps. Cheap to clone.
#[derive(Clone)]
pub struct Runner(Arc<Parts>);

struct Parts {
    store: Arc<Store>,
    outgoing: Outgoing,
    timer: Timer,
    mailer: Mailer,
    notifier: Arc<dyn Notifier>,
    versions: Versions,
    /// One write at a time for each run.
    locks: std::sync::Mutex<HashMap<Uuid, Weak<Mutex<()>>>>,
    slots: Semaphore,
    under_way: std::sync::Mutex<JoinSet<()>>,
    /// Counts runs that came to rest.
    rested: watch::Sender<u64>,
    /// Whether the engine is ending.
    ending: watch::Sender<bool>,
}

/// What the runner works with.
pub struct RunnerParts {
    /// Where runs are kept.
    pub store: Arc<Store>,
    /// The requests of webhook steps.
    pub outgoing: Outgoing,
    /// The time.
    pub timer: Timer,
    /// The mail server's URL (`smtp://…`, `smtps://…`); e-mails stay in the outbox without one.
    pub mail_server: Option<SecretText>,
    /// Who makes notifications.
    pub notifier: Arc<dyn Notifier>,
}

/// A run that is wanted.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// Values for the workflow's data.
    pub data: Map<String, Value>,
    /// The version to run on; what the pointer names when `None`.
    pub version: Option<u64>,
    /// On the test pointer.
    pub is_test: bool,
    /// Who starts it.
    pub started_by: String,
    /// On whose behalf.
    pub started_for: Option<String>,
}

/// Why the runner does not start. Messages complete "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The mail server's URL is of no use.
    #[error(transparent)]
    MailServer(#[from] MailServerUrlError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Runner {
    /// A runner, which goes on at once with every run that was under way when the store was last used.
    ///
    /// # Errors
    /// When the mail server's URL is of no use, or the store cannot be read.
    pub async fn begin(parts: RunnerParts) -> Result<Self, RunnerError> {
        let RunnerParts { store, outgoing, timer, mail_server, notifier } = parts;
        let mailer = Mailer::new(mail_server.as_ref())?;
        // All of them before anything new is begun, so that nobody is taken up twice.
        let mut active: Vec<Uuid> = Vec::new();
        loop {
            let more = store.reads().active_runs(active.last().copied(), 1_000).await?;
            if more.is_empty() {
                break;
            }
            active.extend(more);
        }
        let runner = Self(Arc::new(Parts {
            store,
            outgoing,
            timer,
            mailer,
            notifier,
            versions: Versions::default(),
            locks: std::sync::Mutex::default(),
            slots: Semaphore::new(AT_ONCE),
            under_way: std::sync::Mutex::default(),
            rested: watch::Sender::new(0),
            ending: watch::Sender::new(false),
        }));
        for id in active {
            runner.take_up(id);
        }
        Ok(runner)
    }

    /// Begins nothing any more; what is under way may take up to `grace`. What takes longer is cut off and done again
    /// after the next start.
    pub async fn stop(&self, grace: Duration) {
        self.0.ending.send_replace(true);
        let mut under_way = std::mem::take(&mut *self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while under_way.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            under_way.shutdown().await;
        }
    }

    /// Starts a run of a workflow: it is on disk when this answers, and the engine goes on with it.
    ///
    /// # Errors
    /// When the workflow has no version at the pointer, the data do not fit, or the store fails.
    pub async fn start(&self, project: &Name, workflow: &LiveObject, wanted: StartRun) -> Result<RunSummary, RunError> {
        let StartRun { data, version, is_test, started_by, started_for } = wanted;
        if *self.0.ending.borrow() {
            return Err(RunError::Ending);
        }
        let pointer = if is_test { "test" } else { "current" };
        let version = version.or_else(|| workflow.server_set.get(pointer).and_then(Value::as_u64));
        let version = version.ok_or(RunError::NoVersion { pointer })?;
        let pinned = self.0.versions.of(&self.0.store, workflow.id, version).await?;
        let pinned = pinned.ok_or(RunError::NoVersion { pointer })?;
        let variables = data::begin(&pinned.spec.data, &data).map_err(RunError::Data)?;
        let id = Uuid::now_v7();
        let started_at = self.0.timer.now();
        let mut state = RunState::new(id.to_string(), variables);
        let mut details = RunDetails::default();
        let effect = advance(&pinned.spec, &mut state, Event::Begin)?;
        let active = self.settle(&pinned, &mut state, effect, &mut details, 0)?;
        let new = NewRun {
            id,
            project: project.clone(),
            workflow: workflow.id,
            workflow_name: workflow.address.name.clone(),
            version,
            is_test,
            started_by,
            started_for,
            started_at,
        };
        let ended_at = state.outcome().map(|_| started_at);
        let status = view::status(&state);
        let change = RunChange { state: write(&state)?, status, active, ended_at, details };
        let number = self.0.store.insert_run(new, change).await?;
        if active {
            self.take_up(id);
        }
        Ok(RunSummary { id, number, state: status })
    }

    /// Answers what a run has said; `None` when nobody answered.
    ///
    /// # Errors
    /// When there is no such run in the project, it does not wait for an answer, or the store fails.
    pub async fn input(&self, project: &Name, id: Uuid, text: Option<String>) -> Result<RunSummary, RunError> {
        if text.as_ref().is_some_and(|text| text.len() > INPUT_LIMIT) {
            return Err(RunError::TooLong { limit: INPUT_LIMIT });
        }
        let _lock = self.lock(id).await;
        let mut loaded = self.load(project, id).await?;
        self.go_on(&mut loaded, text.map_or(Event::NoInput, Event::Input)).await
    }

    /// Cancels a run and its open task. A request that is under way is not called back; what comes of it is logged and
    /// changes nothing.
    ///
    /// # Errors
    /// When there is no such run in the project, it has ended, or the store fails.
    pub async fn cancel_run(&self, project: &Name, id: Uuid, by: &str) -> Result<RunSummary, RunError> {
        let _lock = self.lock(id).await;
        let mut loaded = self.load(project, id).await?;
        if loaded.state.outcome().is_some() {
            return Err(RunError::Unexpected(Unexpected::Ended));
        }
        loaded.state.cancel();
        let now = self.0.timer.now();
        for mut task in self.0.store.reads().run_details(id).await?.tasks {
            if task.state == TaskState::Open {
                task.state = TaskState::Cancelled;
                (task.ended_at, task.ended_by) = (Some(now), Some(by.to_owned()));
                loaded.details.tasks.push(task);
            }
        }
        self.save(&mut loaded, false).await
    }

    /// Gives a run's data new values; `null` takes one away.
    ///
    /// # Errors
    /// When there is no such run in the project, it has ended, the values do not fit, or the store fails.
    pub async fn set_data(
        &self,
        project: &Name,
        id: Uuid,
        values: &Map<String, Value>,
    ) -> Result<RunSummary, RunError> {
        let _lock = self.lock(id).await;
        let mut loaded = self.load(project, id).await?;
        if loaded.state.outcome().is_some() {
            return Err(RunError::Unexpected(Unexpected::Ended));
        }
        let declared = &loaded.pinned.spec.data;
        data::update(declared, values, &mut loaded.state.variables).map_err(RunError::Data)?;
        let active = loaded.record.active;
        self.save(&mut loaded, active).await
    }

    /// A run with all that belongs to it.
    ///
    /// # Errors
    /// When there is no such run in the project, or the store fails.
    pub async fn view(&self, project: &Name, id: Uuid) -> Result<RunView, RunError> {
        let loaded = self.load(project, id).await?;
        let details = self.0.store.reads().run_details(id).await?;
        let process = self.0.store.reads().process_numbers(project).await?.get(&loaded.record.head.workflow).copied();
        Ok(view::view(loaded.record.head, loaded.state, details, &loaded.pinned, process))
    }

    /// A run's record by its number in the project.
    ///
    /// # Errors
    /// When there is no such run in the project, or the store fails.
    pub async fn numbered(&self, project: &Name, number: u64) -> Result<RunRecord, RunError> {
        self.0.store.reads().run_numbered(project, number).await?.ok_or(RunError::UnknownRun)
    }

    /// A version of a workflow, as runs on it see it.
    ///
    /// # Errors
    /// When there is no such version, or the store fails.
    pub async fn version(&self, workflow: ObjectId, version: u64) -> Result<Arc<WorkflowSpec>, RunError> {
        let pinned = self.0.versions.of(&self.0.store, workflow, version).await?;
        let pinned = pinned.ok_or(RunError::NoVersion { pointer: "such" })?;
        Ok(Arc::clone(&pinned.spec))
    }

    /// Waits until the engine has nothing to do for a run, and tells how far it has come.
    ///
    /// # Errors
    /// When there is no such run in the project, or the store fails.
    pub async fn rest(&self, project: &Name, id: Uuid) -> Result<RunSummary, RunError> {
        let mut rested = self.0.rested.subscribe();
        loop {
            rested.mark_unchanged();
            let loaded = self.load(project, id).await?;
            if !loaded.record.active {
                let state = view::status(&loaded.state);
                return Ok(RunSummary { id, number: loaded.record.head.number, state });
            }
            // An error would mean that the runner is gone, which holds the sender.
            if rested.changed().await.is_err() {
                return Err(RunError::Ending);
            }
        }
    }
}
