//! Runs by a runner over a real store: the rig here, the cases by what they are about.

mod mail;
mod runs;
mod tasks;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;

use super::drive::Done;
use super::{
    NotificationOrder, Notifier, NotifyFailure, RunError, RunView, Runner, RunnerParts, StartRun, TaskCancellation,
};
use crate::base::ident::Name;
use crate::base::secret::SecretText;
use crate::behaviour::run::effect::{Event, HttpResult};
use crate::kinds::{Address, Metadata};
use crate::object::changeset::SecretWrite;
use crate::object::run::{EmailState, RunDetails, RunStatus, TaskException, TaskState};
use crate::runtime::configuration::Configurations;
use crate::runtime::outgoing::{Outgoing, OutgoingSettings};
use crate::runtime::timer::Timer;
use crate::store::{Clock, Store};

const KEY: &str = "the-key-of-the-shop";

/// What a receiver was sent.
#[derive(Clone, Debug, PartialEq)]
struct Received {
    line: String,
    headers: HashMap<String, String>,
    body: String,
}

/// What a receiver does with a request.
#[derive(Clone, Debug)]
enum Answer {
    Json(u16, &'static str),
    /// It never answers.
    Hang,
}

/// An HTTP server that answers by a script, and the rest with 200 and `{}`.
#[derive(Clone)]
struct Receiver {
    address: SocketAddr,
    received: watch::Sender<Vec<Received>>,
    script: Arc<std::sync::Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    async fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let script = Arc::new(std::sync::Mutex::new(script.into_iter().collect()));
        let receiver = Self { address, received: watch::Sender::new(Vec::new()), script };
        let router = axum::Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn received(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    /// Waits until so many requests have come.
    async fn wait(&self, count: usize) {
        self.received.subscribe().wait_for(|received| received.len() >= count).await.expect("requests");
    }
}

async fn receive(State(receiver): State<Receiver>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = body.collect().await.expect("a body").to_bytes();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    let received = Received {
        line: format!("{} {}", parts.method, parts.uri),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let answer = receiver.script.lock().expect("the script").pop_front().unwrap_or(Answer::Json(200, "{}"));
    receiver.received.send_modify(|all| all.push(received));
    match answer {
        Answer::Json(status, body) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, [("content-type", "application/json")], body).into_response()
        }
        Answer::Hang => std::future::pending().await,
    }
}

/// Remembers orders, and refuses those for `nobody`.
#[derive(Default)]
struct Remembering(std::sync::Mutex<Vec<NotificationOrder>>);

impl Notifier for Remembering {
    fn notify<'a>(&'a self, _project: &'a Name, order: NotificationOrder) -> BoxFuture<'a, Result<(), NotifyFailure>> {
        Box::pin(async {
            if order.end_users == ["nobody"] {
                return Err(NotifyFailure::Refused("nobody is there".into()));
            }
            self.0.lock().expect("orders").push(order);
            Ok(())
        })
    }
}

/// A runner over a store in a temporary folder, which can be ended anywhere and begun again.
struct Rig {
    folder: tempfile::TempDir,
    project: Name,
    store: Arc<Store>,
    runner: Runner,
    configurations: Configurations,
    notifier: Arc<Remembering>,
    clock: Arc<std::sync::atomic::AtomicI64>,
    turned: watch::Sender<()>,
    mail_server: Option<SecretText>,
}

impl Rig {
    async fn new(mail_server: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(std::sync::atomic::AtomicI64::new(1_767_225_600));
        let mail_server = mail_server.map(SecretText::new);
        Self::open(folder, clock, Arc::new(Remembering::default()), mail_server).await
    }

    async fn open(
        folder: tempfile::TempDir,
        clock: Arc<std::sync::atomic::AtomicI64>,
        notifier: Arc<Remembering>,
        mail_server: Option<SecretText>,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let told = Arc::clone(&clock);
        let time =
            Clock::new(move || Timestamp::from_second(told.load(std::sync::atomic::Ordering::SeqCst)).expect("a time"));
        let store = Store::open(&folder.path().join("s.db"), None, time.clone()).await.expect("an open store");
        let store = Arc::new(store);
        let turned = watch::Sender::new(());
        let allow_egress = vec!["127.0.0.0/8".parse().expect("a range")];
        let outgoing = Outgoing::new(&OutgoingSettings { allow_egress, ..OutgoingSettings::default() });
        let runner = Runner::begin(RunnerParts {
            store: Arc::clone(&store),
            outgoing: outgoing.expect("a client"),
            timer: Timer::by_hand(time, turned.subscribe()),
            mail_server: mail_server.clone(),
            notifier: Arc::clone(&notifier) as Arc<dyn Notifier>,
        });
        let runner = runner.await.expect("a runner");
        let configurations = Configurations::new(Arc::clone(&store));
        let project = Name::from_any("acme");
        Self { folder, project, store, runner, configurations, notifier, clock, turned, mail_server }
    }

    /// Ends the process, as far as a test can: nothing under way gets to its end.
    async fn kill(self) -> Self {
        self.runner.stop(Duration::ZERO).await;
        let Self { folder, store, runner, configurations, notifier, clock, mail_server, .. } = self;
        drop((runner, configurations));
        store.close().await.expect("a closed store");
        Self::open(folder, clock, notifier, mail_server).await
    }

    async fn put(&self, address: &str, spec: Value, secrets: Vec<SecretWrite>) {
        let address: Address = address.parse().expect("an address");
        let metadata = Metadata::named(address.name.clone());
        let put = self.store.put_by_hand(&self.project, &address, metadata, spec, secrets, "ana", None);
        put.await.expect("a written object");
    }

    async fn start(&self, name: &str, data: Value) -> Uuid {
        self.try_start(name, data, false).await.expect("a run")
    }

    async fn try_start(&self, name: &str, data: Value, is_test: bool) -> Result<Uuid, RunError> {
        let configuration = self.configurations.of(&self.project).await.expect("a configuration");
        let address: Address = format!("Workflow/{name}").parse().expect("an address");
        let workflow = configuration.object(&address).expect("the workflow");
        let data = data.as_object().cloned().unwrap_or_default();
        let wanted = StartRun { data, version: None, is_test, started_by: "key/test".into(), started_for: None };
        Ok(self.runner.start(&self.project, workflow, wanted).await?.id)
    }

    async fn rest(&self, id: Uuid) -> RunStatus {
        let rest = tokio::time::timeout(Duration::from_secs(20), self.runner.rest(&self.project, id));
        rest.await.expect("a run that comes to rest").expect("a run").state
    }

    async fn view(&self, id: Uuid) -> RunView {
        self.runner.view(&self.project, id).await.expect("a run")
    }

    async fn say(&self, id: Uuid, text: &str) -> RunStatus {
        let said = self.runner.input(&self.project, id, Some(text.to_owned())).await;
        said.expect("an input that is taken");
        self.rest(id).await
    }

    fn turn(&self, by: SignedDuration) {
        self.clock.fetch_add(by.as_secs(), std::sync::atomic::Ordering::SeqCst);
        self.turned.send_replace(());
    }
}

fn secret(path: &str) -> SecretWrite {
    SecretWrite { path: path.into(), content: SecretText::new(KEY.into()) }
}
