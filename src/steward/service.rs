//! The server: a thread of its own that answers from the standing, whatever the loop is doing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::sync::oneshot;

use super::metrics::StandingCollector;
use super::standing::Standing;
use super::status::StatusV1;
use super::trigger::trigger;
use crate::server::api::extract::Json;
use crate::server::api::framed;
use crate::server::api::operation::{HEALTH, Health, counters};
use crate::server::api::problem::{Answer, Problem, ProblemCode};
use crate::server::metrics::Metrics;
use crate::server::serve::{Listener, ServeError};
use crate::server::settings::{Limits, ServerSettings};

/// Connections at the same time: probes, a Prometheus, a few people, hooks.
const CONNECTIONS: usize = 256;
/// What is under way at the end may take so long.
const DRAIN: Duration = Duration::from_secs(2);

/// What handlers share.
#[derive(Clone)]
pub(super) struct Shared(Arc<Parts>);

struct Parts {
    standing: Arc<Standing>,
    metrics: Arc<Metrics>,
    hook: Option<Hook>,
}

/// What a push hook needs.
pub struct Hook {
    /// The file that holds its secret.
    pub secret_file: PathBuf,
    /// Ends the loop's wait. Called many times, it need be heard once.
    pub wake: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("secret_file", &self.secret_file).finish_non_exhaustive()
    }
}

/// Why a service does not start. Messages complete "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It cannot listen.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// There is no thread or runtime for it.
    #[error("start the server: {0}")]
    Start(#[source] io::Error),
    /// The thread ended before it said anything.
    #[error("start the server: it ended at once")]
    Ended,
}

/// A server that runs; it ends when this is dropped.
#[derive(Debug)]
pub struct Service {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shared {
    pub(super) fn standing(&self) -> &Standing {
        &self.0.standing
    }

    pub(super) fn secret_file(&self) -> Option<&Path> {
        self.0.hook.as_ref().map(|hook| &*hook.secret_file)
    }

    pub(super) fn wake(&self) {
        if let Some(hook) = &self.0.hook {
            (hook.wake)();
        }
    }
}

impl Service {
    /// Listens, and answers from then on. Without a hook there is no `/trigger`.
    ///
    /// # Errors
    /// When it cannot listen, or there is no thread for it.
    pub fn start(settings: ServerSettings, standing: Arc<Standing>, hook: Option<Hook>) -> Result<Self, ServiceError> {
        let limits = Limits { connections: CONNECTIONS, drain_time: DRAIN, ..settings.limits };
        let settings = ServerSettings { limits, ..settings };
        let (stop, stopped) = oneshot::channel();
        let (begun, is_begun) = mpsc::sync_channel(1);
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = begun.send(Err(ServiceError::Start(error)));
                    return;
                }
            };
            runtime.block_on(async {
                let listener = match Listener::bind(&settings).await {
                    Ok(listener) => listener,
                    Err(error) => {
                        let _ = begun.send(Err(error.into()));
                        return;
                    }
                };
                let metrics = Arc::new(Metrics::new());
                metrics.collect(Box::new(StandingCollector(Arc::clone(&standing))));
                let router = router(Shared(Arc::new(Parts { standing, metrics: Arc::clone(&metrics), hook })));
                let _ = begun.send(Ok(listener.url()));
                let stop = async {
                    let _ = stopped.await;
                };
                listener.run(router, &metrics.connections, stop).await;
            });
        };
        let thread = thread::Builder::new().name("http".to_owned()).spawn(serve).map_err(ServiceError::Start)?;
        let url = is_begun.recv().map_err(|_| ServiceError::Ended)??;
        Ok(Self { url, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it is found on this machine.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn router(shared: Shared) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status));
    if shared.0.hook.is_some() {
        router = router.route("/trigger", post(trigger));
    }
    let counted = Arc::clone(&shared.0.metrics);
    framed(router, &counted).with_state(shared)
}

async fn health(State(shared): State<Shared>) -> Answer<Json<Health>> {
    if shared.standing().lives(Instant::now()) {
        return Ok(Json(HEALTH));
    }
    Err(Problem::new(ProblemCode::Unavailable, "the loop has come to a standstill"))
}

async fn ready(State(shared): State<Shared>) -> Answer<Json<Health>> {
    match shared.standing().unready(Instant::now()) {
        None => Ok(Json(HEALTH)),
        Some(reason) => Err(Problem::new(ProblemCode::Unavailable, reason)),
    }
}

async fn metrics(State(shared): State<Shared>) -> Answer<Response> {
    counters(&shared.0.metrics)
}

async fn status(State(shared): State<Shared>) -> Json<StatusV1> {
    Json(StatusV1::new(shared.standing()))
}
