//! The server in this process, on a free port of this machine, over a store in a temporary folder and a clock that a
//! test turns; and a client that speaks to it.
//!
//! ```text
//! let rig = ServerRig::new();                             // or ServerRig::with(|settings| …)
//! let token = rig.token(PROJECT, &[Scope::ConfigRead]);   // a key with these scopes, and an access token of it
//! let answer = rig.get("/v1/…", &token);                  // answer.status, answer.json(), answer.text
//! rig.post("/v1/…", &token, &json!({…}));
//! rig.send(rig.request(Method::PUT, "/v1/…").bearer_auth(&token).header("If-Match", "\"3\"").body("…"));
//! rig.turn(SignedDuration::from_mins(5));                 // the clock of the server
//! rig.block_on(rig.engine().store().reads().digests(…));  // the server's insides
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use trueup::base::ident::Name;
use trueup::object::access::{AccessKey, Scope};
use trueup::runtime::outgoing::OutgoingSettings;
use trueup::runtime::{Engine, EngineSettings};
use trueup::server::serve::{Drained, Server};
use trueup::server::settings::ServerSettings;
use trueup::server::state::AppState;
use trueup::store::{Clock, NewKey, Store};

/// The project of most tests.
pub(crate) const PROJECT: &str = "acme";
/// The time a rig begins at: 2026-01-01T00:00:00Z.
pub(crate) const BEGIN: i64 = 1_767_225_600;

/// A running server.
pub(crate) struct ServerRig {
    folder: tempfile::TempDir,
    seconds: Arc<AtomicI64>,
    turned: watch::Sender<()>,
    keys: AtomicU32,
    engine: Arc<Engine>,
    state: AppState,
    url: String,
    client: reqwest::Client,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    running: Mutex<Option<tokio::task::JoinHandle<Drained>>>,
    runtime: tokio::runtime::Runtime,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: reqwest::header::HeaderMap,
    /// The body.
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The lines of the body, each as JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// A header as text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Fails the test unless the status is this one.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails the test unless it is a problem with this status and code.
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!((&body["status"], &body["code"]), (&Value::from(status), &Value::from(code)), "{self:?}");
        self
    }
}

impl ServerRig {
    /// A server with the usual settings.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A server with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut ServerSettings)) -> Self {
        Self::with_engine(change, EngineSettings::default())
    }

    /// A server that sends to addresses of this machine too.
    pub(crate) fn that_reaches_this_machine() -> Self {
        let local = vec!["127.0.0.0/8".parse().expect("a range")];
        let outgoing = OutgoingSettings { allow_egress: local, ..OutgoingSettings::default() };
        Self::with_engine(|_| {}, EngineSettings { outgoing, ..EngineSettings::default() })
    }

    /// A server with other settings, also of its engine.
    pub(crate) fn with_engine(change: impl FnOnce(&mut ServerSettings), engine: EngineSettings) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder");
        Self::in_folder(folder, Arc::new(AtomicI64::new(BEGIN)), change, engine)
    }

    fn in_folder(
        folder: tempfile::TempDir,
        seconds: Arc<AtomicI64>,
        change: impl FnOnce(&mut ServerSettings),
        engine: EngineSettings,
    ) -> Self {
        let turned = watch::Sender::new(());
        let engine = EngineSettings { turned: Some(turned.subscribe()), ..engine };
        // The first provider in a process stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let told = Arc::clone(&seconds);
        let clock = Clock::new(move || Timestamp::from_second(told.load(Ordering::SeqCst)).expect("a time"));
        let mut settings = ServerSettings::new(SocketAddr::from(([127, 0, 0, 1], 0)));
        change(&mut settings);
        let path = folder.path().join("trueup.db");
        let (engine, state, url, stop, running) = runtime.block_on(async {
            let store = Arc::new(Store::open(&path, None, clock.clone()).await.expect("an open store"));
            let engine = Arc::new(Engine::start(store, clock, &engine).await.expect("an engine"));
            let state = AppState::new(Arc::clone(&engine), settings);
            let server = Server::bind(state.clone()).await.expect("a server that listens");
            let url = server.url();
            let (stop, stopped) = oneshot::channel();
            let running = tokio::spawn(server.run(async move {
                // Also when the rig is dropped.
                let _ = stopped.await;
            }));
            (engine, state, url, stop, running)
        });
        // A proxy of the machine's must not stand between a test and its own server.
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self {
            folder,
            seconds,
            turned,
            keys: AtomicU32::new(0),
            engine,
            state,
            url,
            client: client.build().expect("a client"),
            stop: Mutex::new(Some(stop)),
            running: Mutex::new(Some(running)),
            runtime,
        }
    }

    /// Ends the server and starts another over the same folder, at the same time.
    pub(crate) fn restart(self) -> Self {
        self.drain();
        let Self { folder, seconds, runtime, engine, state, .. } = self;
        drop((engine, state));
        drop(runtime);
        Self::in_folder(folder, seconds, |_| {}, EngineSettings::default())
    }

    /// Asks the server to end, and does not wait until it has.
    pub(crate) fn stop(&self) {
        drop(self.stop.lock().expect("the end").take());
    }

    /// Waits until so many connections are open.
    pub(crate) fn wait_for_connections(&self, count: i64) {
        let begin = Instant::now();
        while self.state.metrics().connections.get() != count {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "{} connections",
                self.state.metrics().connections.get()
            );
            std::thread::yield_now();
        }
    }

    /// Asks the server to end, waits until it has, and closes its store.
    pub(crate) fn drain(&self) -> Drained {
        self.stop();
        let running = self.running.lock().expect("the server").take().expect("a server that runs");
        self.block_on(async {
            let drained = running.await.expect("a server that ended");
            self.engine.stop(Duration::from_secs(10)).await;
            self.engine.store().close().await.expect("a closed store");
            drained
        })
    }

    /// `http://127.0.0.1:…`
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.rsplit('/').next().and_then(|address| address.parse().ok()).expect("an address")
    }

    /// The folder of its data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The moving parts.
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The state of the handlers.
    pub(crate) fn state(&self) -> &AppState {
        &self.state
    }

    /// Runs something to its end.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Turns the clock of the server forward.
    pub(crate) fn turn(&self, by: SignedDuration) {
        self.seconds.fetch_add(by.as_secs(), Ordering::SeqCst);
        self.turned.send_replace(());
    }

    /// The time of the server.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.seconds.load(Ordering::SeqCst)).expect("a time")
    }

    /// A key with these scopes.
    pub(crate) fn key(&self, project: &str, scopes: &[Scope]) -> NewKey {
        let number = self.keys.fetch_add(1, Ordering::SeqCst);
        let (project, name) = (Name::from_any(project), Name::from_any(&format!("key-{number}")));
        let scopes = scopes.iter().copied().collect();
        let key = self.block_on(self.engine.store().create_key(&project, &name, &scopes, "rig@here"));
        key.expect("a key")
    }

    /// An access token of a key, past the endpoint that gives them out.
    pub(crate) fn token_of(&self, key: &AccessKey) -> String {
        let issued = self.block_on(self.engine.store().issue_token(key.client_id, &key.scopes));
        issued.expect("a written token").expect("a key in use").token.expose_to_target().to_owned()
    }

    /// An access token of a new key with these scopes.
    pub(crate) fn token(&self, project: &str, scopes: &[Scope]) -> String {
        self.token_of(&self.key(project, scopes).key)
    }

    /// A request to the server.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn send(&self, request: RequestBuilder) -> Answer {
        self.block_on(async {
            let response = request.send().await.expect("an answer");
            let (status, headers) = (response.status(), response.headers().clone());
            Answer { status: StatusCode::as_u16(&status), headers, text: response.text().await.expect("a body") }
        })
    }

    /// GET with a token.
    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(token))
    }

    /// POST of JSON with a token.
    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).bearer_auth(token).json(body))
    }
}
