//! An engine in this process over a temporary store, with a clock that a test turns, and a receiver with scripted
//! answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use trueup::base::digest::Digest;
use trueup::base::ident::{Name, PlanId};
use trueup::base::secret::SecretText;
use trueup::kinds::{Address, Metadata};
use trueup::object::action::ActionKind;
use trueup::object::changeset::{Changeset, Expected, Operation, SecretWrite, Write};
use trueup::object::delivery::DeliveryRecord;
use trueup::runtime::outgoing::OutgoingSettings;
use trueup::runtime::{Engine, EngineSettings};
use trueup::store::{Clock, DeliveryFilter, MasterKey, Store};
use uuid::Uuid;

/// The longest that a test waits for something that has to come about.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    /// Its body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// What a receiver does with a request.
pub(crate) enum Reply {
    /// Answers with this status and these headers.
    Status(u16, Vec<(&'static str, String)>),
    /// Answers 200 with this JSON.
    Json(Value),
    /// Never answers.
    Silence,
}

/// A receiver in this process.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    requests: watch::Sender<Vec<Received>>,
}

type Script = dyn Fn(&Received) -> Reply + Send + Sync;

#[derive(Clone)]
struct Desk {
    requests: watch::Sender<Vec<Received>>,
    script: Arc<Script>,
}

impl Receiver {
    /// One that answers by this script.
    pub(crate) async fn new(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = watch::Sender::new(Vec::new());
        let desk = Desk { requests: requests.clone(), script: Arc::new(script) };
        let router = axum::Router::new().fallback(receive).with_state(desk);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, requests }
    }

    /// One that takes everything.
    pub(crate) async fn glad() -> Self {
        Self::new(|_| Reply::Status(204, Vec::new())).await
    }

    /// One that answers the first so many requests with a status, and takes the rest.
    pub(crate) async fn failing(times: usize, status: u16, headers: Vec<(&'static str, String)>) -> Self {
        let left = Mutex::new(times);
        Self::new(move |_| {
            let mut left = left.lock().expect("a count");
            if *left == 0 {
                return Reply::Status(200, Vec::new());
            }
            *left -= 1;
            Reply::Status(status, headers.clone())
        })
        .await
    }

    /// A URL of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What has arrived.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.requests.borrow().clone()
    }

    /// Waits until so many requests have arrived; returns them all.
    pub(crate) async fn arrived(&self, count: usize) -> Vec<Received> {
        let mut requests = self.requests.subscribe();
        let arrived = requests.wait_for(|requests| requests.len() >= count);
        let arrived = tokio::time::timeout(PATIENCE, arrived).await;
        let arrived = arrived.unwrap_or_else(|_| panic!("{} of {count} arrived", self.requests().len()));
        arrived.expect("a receiver").clone()
    }
}

async fn receive(State(desk): State<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
    let received = Received {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: headers.collect(),
        body: text(&body),
    };
    let reply = (desk.script)(&received);
    desk.requests.send_modify(|requests| requests.push(received));
    match reply {
        Reply::Status(status, headers) => {
            let mut response = axum::http::StatusCode::from_u16(status).expect("a status").into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().expect("a value"));
            }
            response
        }
        Reply::Json(body) => axum::Json(body).into_response(),
        Reply::Silence => std::future::pending().await,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A clock that stands until it is turned.
#[derive(Clone)]
pub(crate) struct Hands {
    micros: Arc<AtomicI64>,
    turned: watch::Sender<()>,
}

impl Hands {
    fn new() -> Self {
        Self { micros: Arc::new(AtomicI64::new(1_900_000_000_000_000)), turned: watch::Sender::new(()) }
    }

    fn clock(&self) -> Clock {
        let micros = Arc::clone(&self.micros);
        Clock::new(move || Timestamp::from_microsecond(micros.load(Ordering::SeqCst)).expect("a time"))
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Turns it to a time.
    pub(crate) fn turn_to(&self, at: Timestamp) {
        self.micros.store(at.as_microsecond(), Ordering::SeqCst);
        self.turned.send_replace(());
    }

    /// Turns it on.
    pub(crate) fn turn(&self, seconds: i64) {
        self.turn_to(self.now() + jiff::SignedDuration::from_secs(seconds));
    }
}

/// An engine over a store in a folder that goes when the test ends.
pub(crate) struct EngineRig {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Engine,
    pub(crate) hands: Hands,
    settings: EngineSettings,
    folder: tempfile::TempDir,
}

/// The project.
pub(crate) fn project() -> Name {
    "acme".parse().expect("a name")
}

impl EngineRig {
    /// One that may reach this machine.
    pub(crate) async fn new() -> Self {
        let local = vec!["127.0.0.0/8".parse().expect("a range")];
        Self::with(OutgoingSettings { allow_egress: local, ..OutgoingSettings::default() }).await
    }

    /// One with these settings for what it sends.
    pub(crate) async fn with(outgoing: OutgoingSettings) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
        let hands = Hands::new();
        let settings = EngineSettings { outgoing, turned: Some(hands.turned.subscribe()), ..EngineSettings::default() };
        let (store, engine) = start(&folder, &hands, &settings).await;
        Self { store, engine, hands, settings, folder }
    }

    /// Ends the engine as a process that is told to end at once, and starts another on the same folder.
    pub(crate) async fn restart(&mut self) {
        self.engine.stop(Duration::ZERO).await;
        self.store.close().await.expect("closed");
        (self.store, self.engine) = start(&self.folder, &self.hands, &self.settings).await;
    }

    /// Writes objects as an apply does, with their systems published.
    pub(crate) async fn apply(&self, objects: &[(&str, Value)]) {
        let objects = objects.iter().map(|(address, spec)| ((*address).to_owned(), spec.clone())).collect::<Vec<_>>();
        self.apply_with(&objects, &[], true).await;
    }

    /// Writes objects with secrets (address, path, content).
    pub(crate) async fn apply_with(&self, objects: &[(String, Value)], secrets: &[(&str, &str, &str)], publish: bool) {
        apply(&self.store, objects, secrets, publish).await;
    }

    /// Removes an object.
    pub(crate) async fn remove(&self, address: &str) {
        let address = address.parse().expect("an address");
        self.store.delete_by_hand(&project(), &address, "rig", None).await.expect("removed");
    }

    /// Sends an event and expects it to be accepted; returns its id.
    pub(crate) async fn send(&self, event: &Value) -> String {
        self.send_all(std::slice::from_ref(event)).await.remove(0)
    }

    /// Sends a batch of events and expects them to be accepted; returns their ids.
    pub(crate) async fn send_all(&self, events: &[Value]) -> Vec<String> {
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        self.engine.events().accept(&project(), &texts).await.expect("accepted")
    }

    /// All deliveries, the oldest first.
    pub(crate) async fn deliveries(&self) -> Vec<DeliveryRecord> {
        let filter = DeliveryFilter::default();
        let mut found = self.store.reads().deliveries(&project(), &filter, None, 10_000).await.expect("deliveries");
        found.reverse();
        found
    }

    /// Waits until the deliveries are as wanted; returns them.
    pub(crate) async fn until(&self, wanted: impl Fn(&[DeliveryRecord]) -> bool) -> Vec<DeliveryRecord> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let deliveries = self.deliveries().await;
            if wanted(&deliveries) {
                return deliveries;
            }
            assert!(tokio::time::Instant::now() < deadline, "it did not come about: {deliveries:#?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until the one delivery there is has had so many attempts, and returns it.
    pub(crate) async fn attempted(&self, attempts: usize) -> DeliveryRecord {
        let wanted = |all: &[DeliveryRecord]| matches!(all, [one] if one.attempts.len() == attempts);
        self.until(wanted).await.remove(0)
    }
}

/// Writes objects with secrets (address, path, content), and publishes the settings of their systems if asked.
pub(crate) async fn apply(store: &Store, objects: &[(String, Value)], secrets: &[(&str, &str, &str)], publish: bool) {
    let reads = store.reads();
    let live = reads.digests(&project()).await.expect("digests");
    let mut writes = Vec::new();
    for (text, spec) in objects {
        let address: Address = text.parse().expect("an address");
        let metadata = Metadata::named(address.name.clone());
        let secrets = secrets.iter().filter(|(of, _, _)| of == text);
        let secrets = secrets.map(|(_, path, content)| SecretWrite {
            path: (*path).to_owned(),
            content: SecretText::new((*content).to_owned()),
        });
        let body =
            trueup::object::changeset::Body { metadata, spec: spec.clone(), applied: None, secrets: secrets.collect() };
        let row = live.rows.iter().find(|row| row.address == address && !row.archived);
        writes.push(match row {
            None => Write {
                address,
                action: ActionKind::Create,
                expected: Expected::Absent,
                operation: Operation::Create(body),
            },
            Some(row) => Write {
                address,
                action: ActionKind::Update,
                expected: Expected::Generation(row.generation),
                operation: Operation::Update(body),
            },
        });
    }
    write(store, writes).await;
    if publish {
        let rows = reads.digests(&project()).await.expect("digests").rows;
        let unpublished = rows.into_iter().filter(|row| row.published == Some(false));
        let publish = unpublished.map(|row| Write {
            address: row.address,
            action: ActionKind::PublishSettings,
            expected: Expected::Generation(row.generation),
            operation: Operation::PublishSettings,
        });
        write(store, publish.collect()).await;
    }
}

async fn write(store: &Store, writes: Vec<Write>) {
    if writes.is_empty() {
        return;
    }
    let plan_id = PlanId(Uuid::new_v4());
    store.break_lease(&project(), "rig").await.expect("broken");
    let grant = store.take_lease(&project(), plan_id, "rig").await.expect("a lease");
    let changeset = Changeset {
        project: project(),
        plan_id,
        body: Digest::of_bytes(plan_id.to_string().as_bytes()),
        actor: "rig".into(),
        commit: None,
        fencing_token: grant.token,
        writes,
        refresh: Vec::new(),
        heeds_suspensions: false,
    };
    store.changeset(&changeset).await.expect("applied");
}

fn key() -> MasterKey {
    "0123456789abcdef".repeat(4).parse().expect("a key")
}

async fn start(folder: &tempfile::TempDir, hands: &Hands, settings: &EngineSettings) -> (Arc<Store>, Engine) {
    let opened = Store::open(&folder.path().join("t.db"), Some(key()), hands.clock()).await;
    let store = Arc::new(opened.expect("a store"));
    let engine = Engine::start(Arc::clone(&store), hands.clock(), settings).await.expect("an engine");
    (store, engine)
}

/// A system, a destination at this URL, and a webhook on submitted surveys between them.
pub(crate) fn simple(url: &str) -> Vec<(&'static str, Value)> {
    vec![("System/crm", system()), ("Destination/chat", destination(url)), ("Webhook/nps", webhook())]
}

pub(crate) fn system() -> Value {
    json!({ "platform": "web" })
}

pub(crate) fn destination(url: &str) -> Value {
    json!({ "platform": "Chat", "method": "POST", "url": url })
}

pub(crate) fn webhook() -> Value {
    json!({ "system": "crm", "event": "survey.submitted", "destination": "chat",
            "properties": { "include": ["eventId", "score"] } })
}

/// A submitted survey.
pub(crate) fn survey(score: i64) -> Value {
    json!({ "event": "survey.submitted", "system": "crm", "endUserId": "ana", "properties": { "score": score } })
}
