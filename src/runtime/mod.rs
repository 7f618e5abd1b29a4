//! The moving parts of the control plane: ingest, the delivery worker, notifications, the runner of workflows.
//!
//! What is to be done is decided by `behaviour`; here it is done, over the store, with a clock that is handed in.

pub mod configuration;
pub mod deliveries;
pub mod events;
pub mod hooks;
mod journal;
pub mod notifications;
pub mod outgoing;
pub mod prepared;
pub mod retention;
pub mod runner;
pub mod timer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::base::secret::SecretText;
use crate::store::{Clock, Store, StoreError};
use configuration::Configurations;
use deliveries::Deliveries;
use deliveries::lanes::{Context, Lanes};
use events::Events;
use hooks::{HookSettings, Hooks};
use journal::Journal;
use notifications::Notifications;
use outgoing::{Outgoing, OutgoingSettings, SettingsError};
use prepared::Prepared;
use retention::Keep;
use runner::{MailServerUrlError, Notifier, Runner, RunnerError, RunnerParts};
use timer::Timer;

/// What can be set about the engine. Each part adds its own.
#[derive(Clone, Debug, Default)]
pub struct EngineSettings {
    /// How requests leave the server.
    pub outgoing: OutgoingSettings,
    /// How long what is over is kept.
    pub keep: Keep,
    /// The mail server's URL, `smtp://…` or `smtps://…`. E-mails of runs stay in the outbox without one.
    pub mail_server: Option<SecretText>,
    /// How calls of incoming webhooks are carried out.
    pub hooks: HookSettings,
    /// For a clock that stands until it is turned: tells that it was. `None` for one that runs by itself.
    pub turned: Option<watch::Receiver<()>>,
}

/// Why the engine does not start. Messages complete "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Something set about outgoing requests is of no use.
    #[error(transparent)]
    Outgoing(#[from] SettingsError),
    /// The mail server's URL is of no use.
    #[error(transparent)]
    MailServer(#[from] MailServerUrlError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RunnerError> for EngineError {
    fn from(error: RunnerError) -> Self {
        match error {
            RunnerError::MailServer(error) => Self::MailServer(error),
            RunnerError::Store(error) => Self::Store(error),
        }
    }
}

/// All parts, over one store.
pub struct Engine {
    store: Arc<Store>,
    timer: Timer,
    configurations: Arc<Configurations>,
    prepared: Arc<Prepared>,
    outgoing: Outgoing,
    events: Events,
    deliveries: Deliveries,
    notifications: Arc<Notifications>,
    runner: Arc<Runner>,
    hooks: Hooks,
    journal: Journal,
    writing: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    retention: JoinHandle<()>,
}

impl Engine {
    /// Sets the parts going: whatever was under way when the store was last used goes on.
    ///
    /// `rustls::crypto::ring::default_provider().install_default()` must have run in the process.
    ///
    /// # Errors
    /// When the settings are of no use or the store cannot be read.
    pub async fn start(store: Arc<Store>, clock: Clock, settings: &EngineSettings) -> Result<Self, EngineError> {
        let EngineSettings { outgoing, keep, mail_server, hooks, turned } = settings;
        let timer = match turned.clone() {
            None => Timer::new(clock),
            Some(turned) => Timer::by_hand(clock, turned),
        };
        let configurations = Arc::new(Configurations::new(Arc::clone(&store)));
        let prepared = Arc::new(Prepared::new(Arc::clone(&store)));
        let outgoing = Outgoing::new(outgoing)?;
        let (journal, entries) = Journal::new();
        let context = Context::new(&store, &configurations, &prepared, &outgoing, &timer, &journal);
        let figures = Arc::clone(&context.figures);
        let lanes = Lanes::new(context);
        let writing = tokio::spawn(entries.write(Arc::clone(&store), Arc::clone(&lanes)));
        lanes.resume().await?;
        let retention = tokio::spawn(retention::keep(Arc::clone(&store), timer.clone(), *keep));
        let events = Events::new(
            Arc::clone(&configurations),
            Arc::clone(&prepared),
            timer.clone(),
            journal.clone(),
            Arc::clone(&figures),
        );
        let deliveries = Deliveries::new(lanes, Arc::clone(&store), Arc::clone(&configurations), figures);
        let notifications =
            Notifications::new(Arc::clone(&store), Arc::clone(&configurations), Arc::clone(&prepared), timer.clone());
        let notifications = Arc::new(notifications);
        let runner = Runner::begin(RunnerParts {
            store: Arc::clone(&store),
            outgoing: outgoing.clone(),
            timer: timer.clone(),
            mail_server: mail_server.clone(),
            notifier: Arc::clone(&notifications) as Arc<dyn Notifier>,
        });
        let runner = Arc::new(runner.await?);
        let hooks = Hooks::new(Arc::clone(&store), Arc::clone(&configurations), Arc::clone(&runner), hooks.clone());
        let writing = tokio::sync::Mutex::new(Some(writing));
        Ok(Self {
            store,
            timer,
            configurations,
            prepared,
            outgoing,
            events,
            deliveries,
            notifications,
            runner,
            hooks,
            journal,
            writing,
            retention,
        })
    }

    /// Brings everything to its end: what is under way may take up to `grace`; what takes longer is cut off, has not
    /// happened, and goes on with the next start. Nothing is accepted any more.
    pub async fn stop(&self, grace: Duration) {
        self.retention.abort();
        tokio::join!(self.deliveries.stop(grace), self.runner.stop(grace));
        self.journal.close().await;
        if let Some(writing) = self.writing.lock().await.take() {
            // An error says that it has ended already.
            let _ = writing.await;
        }
    }

    /// The store it works on.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The time it goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.timer.clock()
    }

    /// The time it goes by, to be waited for.
    #[must_use]
    pub fn timer(&self) -> &Timer {
        &self.timer
    }

    /// The projects' live objects.
    #[must_use]
    pub fn configurations(&self) -> &Arc<Configurations> {
        &self.configurations
    }

    /// What is made once from an object and used many times.
    #[must_use]
    pub fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    /// All HTTP that the server makes.
    #[must_use]
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// Takes events in.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Sends notifications and reads inboxes.
    #[must_use]
    pub fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    /// Takes workflow runs through their steps.
    #[must_use]
    pub fn runner(&self) -> &Arc<Runner> {
        &self.runner
    }

    /// Carries out calls of incoming webhooks.
    #[must_use]
    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// Sees to deliveries.
    #[must_use]
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }
}
