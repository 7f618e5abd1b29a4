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

use super::{
    NotificationOrder, Notifier, NotifyFailure, RunError, RunView, Runner, RunnerParts, StartRun, TaskCancellation,
};
use crate::base::ident::Name;
use crate::base::secret::SecretText;
use crate::kinds::{Address, Metadata};
use crate::object::changeset::SecretWrite;
use crate::object::run::{EmailState, RunStatus, TaskException, TaskState};
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

/// The newsletter: looks somebody up, offers, subscribes, sends a code.
fn newsletter(at: SocketAddr) -> Value {
    json!({
        "data": [{"name": "EMAIL", "type": "text", "required": true, "class": "personal"}],
        "start": "lookup",
        "steps": [
            {"name": "lookup", "type": "webhook", "method": "GET", "url": format!("http://{at}/subscribers?email={{{{EMAIL}}}}"),
             "headers": {"X-Api-Key": {"fromEnv": "K"}}, "logResponseBody": true,
             "setVariables": [{"name": "users.0.title", "type": "variable", "target": "title"}],
             "onFailure": {"set": {"lookupFailed": true}}, "routes": {"success": "bye", "failure": "offer"}},
            {"name": "offer", "type": "sayIntent", "say": "For {{EMAIL}}?", "intents": {"agree": ["sure"]},
             "routes": {"agree": "subscribe", "noMatch": "bye"}},
            {"name": "subscribe", "type": "webhook", "method": "POST", "url": format!("http://{at}/subscribers"),
             "headers": {"X-Api-Key": {"fromEnv": "K"}}, "contentType": "json", "body": "{\"email\": \"{{EMAIL}}\", \"key\": \"the-key\"}",
             "logRequestBody": true, "routes": {"success": "send", "failure": "bye"}},
            {"name": "send", "type": "sendEmail", "from": "Shop <shop@acme.test>", "to": "{{EMAIL}}", "subject": "Code",
             "body": "WELCOME10", "routes": {"delivered": "bye", "bounced": "sorry"}},
            {"name": "sorry", "type": "end"},
            {"name": "bye", "type": "end"}
        ]
    })
}

async fn put_newsletter(rig: &Rig, receiver: &Receiver) {
    let secrets = ["lookup", "subscribe"].map(|step| secret(&format!("spec.steps[{step}].headers.X-Api-Key")));
    rig.put("Workflow/newsletter", newsletter(receiver.address), secrets.into()).await;
}

#[tokio::test]
async fn an_unknown_subscriber_accepts_the_offer() {
    let receiver = Receiver::start([Answer::Json(404, "{\"error\": \"the-key-of-the-shop knows nobody\"}")]).await;
    let rig = Rig::new(None).await;
    put_newsletter(&rig, &receiver).await;
    let id = rig.start("newsletter", json!({"EMAIL": "kim@acme.test"})).await;
    assert_eq!(rig.rest(id).await, RunStatus::WaitingForInput);
    let view = rig.view(id).await;
    assert_eq!((view.number, view.version, view.say.as_deref()), (1, 1, Some("For kim@acme.test?")));
    assert_eq!(rig.say(id, "Sure").await, RunStatus::Completed);

    let view = rig.view(id).await;
    assert_eq!(view.path, ["lookup", "offer", "subscribe", "send", "bye"]);
    assert_eq!(view.variables.get("lookupFailed"), Some(&json!(true)));
    let lines: Vec<String> = receiver.received().into_iter().map(|received| received.line).collect();
    assert_eq!(lines, ["GET /subscribers?email=kim%40acme.test", "POST /subscribers"]);
    let sent = &receiver.received()[1];
    assert_eq!(sent.headers.get("x-api-key").map(String::as_str), Some(KEY));
    assert_eq!(sent.headers.get("idempotency-key"), Some(&format!("{id}-3")));
    assert_eq!(sent.body, "{\"email\": \"kim@acme.test\", \"key\": \"the-key\"}");

    let [lookup, subscribe] = view.logs.as_slice() else { panic!("{:?}", view.logs) };
    assert_eq!((lookup.step.as_str(), lookup.visit, lookup.status), ("lookup", 1, Some(404)));
    assert_eq!(lookup.response_body.as_deref(), Some("{\"error\": \"**** knows nobody\"}"));
    assert_eq!(lookup.headers, [("X-Api-Key".to_owned(), "****".to_owned())]);
    assert_eq!(subscribe.request_body.as_deref(), Some(sent.body.as_str()));
    assert_eq!(subscribe.response_body, None);
    let [email] = view.emails.as_slice() else { panic!("{:?}", view.emails) };
    assert_eq!((email.state, email.to.as_str()), (EmailState::Kept, "kim@acme.test"));
    assert_eq!(email.message_id, format!("<{id}-4@acme.test>"));
    assert!(!serde_json::to_string(&view).expect("JSON").contains(KEY));
}

#[tokio::test]
async fn a_run_goes_on_wherever_the_engine_is_ended() {
    // The request that is under way when the engine ends; 0 is none.
    for killed in 0..=2 {
        let script = (1..=2).map(|n| if n == killed { Answer::Hang } else { Answer::Json(404 - 204 * (n - 1), "{}") });
        let receiver = Receiver::start(script).await;
        let mut rig = Rig::new(None).await;
        put_newsletter(&rig, &receiver).await;
        let id = rig.start("newsletter", json!({"EMAIL": "kim@acme.test"})).await;
        if killed == 1 {
            receiver.wait(1).await;
            receiver.script.lock().expect("the script").push_front(Answer::Json(404, "{}"));
            rig = rig.kill().await;
        }
        assert_eq!(rig.rest(id).await, RunStatus::WaitingForInput);
        rig = rig.kill().await;
        assert_eq!(rig.view(id).await.say.as_deref(), Some("For kim@acme.test?"));
        let said = rig.runner.input(&rig.project, id, Some("sure".into())).await;
        said.expect("an input that is taken");
        if killed == 2 {
            receiver.wait(2).await;
            rig = rig.kill().await;
        }
        assert_eq!(rig.rest(id).await, RunStatus::Completed);
        rig = rig.kill().await;
        let view = rig.view(id).await;
        assert_eq!(view.path, ["lookup", "offer", "subscribe", "send", "bye"], "killed at {killed}");
        assert_eq!(view.emails.len(), 1);
        assert_eq!(view.logs.len(), 2, "only what came to its end is logged");
        let posts: Vec<Received> = receiver.received().into_iter().filter(|r| r.line.starts_with("POST")).collect();
        assert_eq!(posts.len(), if killed == 2 { 2 } else { 1 });
        for post in posts {
            assert_eq!(post.headers.get("idempotency-key"), Some(&format!("{id}-3")), "killed at {killed}");
        }
        rig.store.close().await.expect("a closed store");
    }
}

#[tokio::test]
async fn a_run_stays_on_its_version_and_the_pointers_are_followed() {
    let receiver = Receiver::start([]).await;
    let rig = Rig::new(None).await;
    let spec = |say: &str, release: &str| {
        json!({"release": release, "start": "ask", "steps": [
            {"name": "ask", "type": "sayGather", "say": say, "gather": {"variable": "x"}, "routes": {"gathered": "again", "noInput": "bye"}},
            {"name": "again", "type": "sayGather", "say": format!("{say} again"), "gather": {"variable": "y"},
             "routes": {"gathered": "bye", "noInput": "bye"}},
            {"name": "bye", "type": "end"}
        ]})
    };
    rig.put("Workflow/talk", spec("one", "current"), vec![]).await;
    let first = rig.start("talk", json!({})).await;
    assert!(matches!(rig.try_start("talk", json!({}), true).await, Err(RunError::NoVersion { pointer: "test" })));
    rig.put("Workflow/talk", spec("two", "test"), vec![]).await;
    let tested = rig.try_start("talk", json!({}), true).await.expect("a test run");
    let second = rig.start("talk", json!({})).await;
    for (id, said, version) in [(first, "one", 1), (second, "one", 1), (tested, "two", 2)] {
        let view = rig.view(id).await;
        assert_eq!((view.say.as_deref(), view.version), (Some(said), version));
    }
    rig.put("Workflow/talk", spec("three", "current"), vec![]).await;
    assert_eq!(rig.say(first, "x").await, RunStatus::WaitingForInput);
    assert_eq!(rig.view(first).await.say.as_deref(), Some("one again"));
    let numbers: Vec<u64> =
        [rig.view(first).await, rig.view(tested).await, rig.view(second).await].map(|v| v.number).into();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(receiver.received().is_empty());
}

fn approval() -> Value {
    json!({
        "data": [{"name": "AMOUNT", "type": "numeric", "required": true}, {"name": "NOTE", "type": "text"}],
        "start": "which",
        "steps": [
            {"name": "which", "type": "branch", "cases": [{"when": {"property": "AMOUNT", "operator": "greaterThan", "value": 10}, "to": "approve"}],
             "otherwise": "bye"},
            {"name": "approve", "type": "task", "assignee": "bo", "routes": {"completed": "tell", "error": "check"}},
            {"name": "check", "type": "task", "assignee": "{{NOTE}}", "routes": {"completed": "bye"}},
            {"name": "tell", "type": "notify", "template": "t", "audiences": ["all"], "endUsers": ["{{NOTE}}"], "routes": {"next": "bye"}},
            {"name": "bye", "type": "end"}
        ]
    })
}

async fn put_approval(rig: &Rig) {
    rig.put("System/desk", json!({"platform": "workstation"}), vec![]).await;
    rig.put("Template/t", json!({"system": "desk", "title": "T", "body": "B"}), vec![]).await;
    rig.put("Audience/all", json!({"members": ["kim"]}), vec![]).await;
    rig.put("Workflow/approval", approval(), vec![]).await;
}

#[tokio::test]
async fn tasks_are_people_s() {
    let rig = Rig::new(None).await;
    put_approval(&rig).await;
    let project = rig.project.clone();
    let data = |value: Value| value.as_object().cloned().unwrap_or_default();
    assert_eq!(rig.rest(rig.start("approval", json!({"AMOUNT": 5})).await).await, RunStatus::Completed);
    assert!(matches!(rig.try_start("approval", json!({"AMOUNT": "5"}), false).await, Err(RunError::Data(_))));

    let id = rig.start("approval", json!({"AMOUNT": 50})).await;
    assert_eq!(rig.rest(id).await, RunStatus::WaitingForTask);
    let task = rig.runner.task(&project, id, 1).await.expect("a task");
    assert_eq!((task.assignee.as_deref(), task.state, task.step.as_str()), (Some("bo"), TaskState::Open, "approve"));
    rig.runner.unassign_task(&project, id, 1).await.expect("unassigned");
    assert_eq!(rig.runner.task(&project, id, 1).await.expect("a task").assignee, None);
    rig.runner.assign_task(&project, id, 1, Some("ana")).await.expect("assigned");
    rig.runner.set_data(&project, id, &data(json!({"NOTE": "kim"}))).await.expect("data that fit");
    let cancel = rig.runner.cancel_task(&project, id, 1, "ana", TaskCancellation::Cancel, None).await;
    assert!(matches!(cancel, Err(RunError::Unexpected(_))), "{cancel:?}");
    assert!(!rig.runner.can_cancel_task(&project, id, 1, TaskCancellation::Cancel).await.expect("an answer"));
    assert!(rig.runner.can_cancel_task(&project, id, 1, TaskCancellation::Error).await.expect("an answer"));
    let wrong = rig.runner.complete_task(&project, id, 1, "ana", &data(json!({"NOPE": 1}))).await;
    assert!(matches!(wrong, Err(RunError::Data(_))), "{wrong:?}");
    let exception = Some(TaskException { message: "no budget".into(), source: "erp".into() });
    let cancelled = rig.runner.cancel_task(&project, id, 1, "ana", TaskCancellation::Error, exception.clone()).await;
    assert_eq!(cancelled.expect("cancelled").state, RunStatus::WaitingForTask);
    let [first, second] = &rig.view(id).await.tasks[..] else { panic!("two tasks") };
    assert_eq!((first.state, &first.exception, first.ended_by.as_deref()), (TaskState::Error, &exception, Some("ana")));
    assert_eq!((second.number, second.assignee.as_deref(), second.state), (2, Some("kim"), TaskState::Open));
    let ended = rig.runner.complete_task(&project, id, 1, "ana", &Map::new()).await;
    assert!(matches!(ended, Err(RunError::TaskEnded)), "{ended:?}");
    assert!(matches!(rig.runner.task(&project, id, 3).await, Err(RunError::UnknownTask)));
    let rig = rig.kill().await;
    let completed = rig.runner.complete_task(&project, id, 2, "kim", &data(json!({"NOTE": "done"}))).await;
    assert_eq!(completed.expect("completed").state, RunStatus::Completed);
    assert_eq!(rig.view(id).await.variables.get("NOTE"), Some(&json!("done")));
    let other = Name::from_any("other");
    assert!(matches!(rig.runner.task(&other, id, 1).await, Err(RunError::UnknownRun)));
    assert!(matches!(rig.runner.view(&other, id).await, Err(RunError::UnknownRun)));
}

#[tokio::test]
async fn notifications_are_ordered_as_the_version_means_them() {
    let rig = Rig::new(None).await;
    put_approval(&rig).await;
    let project = rig.project.clone();
    let complete = async |note: &str| {
        let id = rig.start("approval", json!({"AMOUNT": 50, "NOTE": note})).await;
        rig.runner.complete_task(&project, id, 1, "bo", &Map::new()).await.expect("completed");
        assert_eq!(rig.rest(id).await, RunStatus::Completed);
        rig.view(id).await
    };
    let told = complete("kim").await;
    assert_eq!(told.problems, []);
    let configuration = rig.configurations.of(&project).await.expect("a configuration");
    let id = |address: &str| configuration.object(&address.parse().expect("an address")).expect("an object").id;
    let orders = rig.notifier.0.lock().expect("orders").clone();
    let [order] = orders.as_slice() else { panic!("{orders:?}") };
    assert_eq!((order.template, &order.audiences[..]), (id("Template/t"), &[id("Audience/all")][..]));
    assert_eq!((&order.end_users[..], &order.key), (&["kim".to_owned()][..], &format!("{}-3", told.id)));
    let refused = complete("nobody").await;
    assert_eq!(refused.problems.first().map(|problem| problem.message.as_str()), Some("nobody is there"));
}

#[tokio::test]
async fn a_cancelled_run_does_not_go_on() {
    let receiver = Receiver::start([Answer::Hang]).await;
    let rig = Rig::new(None).await;
    put_newsletter(&rig, &receiver).await;
    let id = rig.start("newsletter", json!({"EMAIL": "kim@acme.test"})).await;
    receiver.wait(1).await;
    let busy = rig.runner.input(&rig.project, id, Some("x".into())).await;
    assert!(matches!(busy, Err(RunError::Unexpected(_))), "{busy:?}");
    rig.runner.cancel_run(&rig.project, id, "ana").await.expect("cancelled");
    assert_eq!(rig.rest(id).await, RunStatus::Cancelled);
    assert!(rig.runner.cancel_run(&rig.project, id, "ana").await.is_err());
    let rig = rig.kill().await;
    assert_eq!(rig.rest(id).await, RunStatus::Cancelled);
    assert_eq!(receiver.received().len(), 1);

    put_approval(&rig).await;
    let id = rig.start("approval", json!({"AMOUNT": 50})).await;
    rig.runner.cancel_run(&rig.project, id, "ana").await.expect("cancelled");
    assert_eq!(rig.runner.task(&rig.project, id, 1).await.expect("a task").state, TaskState::Cancelled);
}

/// A mail server that answers `RCPT` by a script, and the rest well; keeps what it was given.
async fn mail_server(script: Vec<&'static str>) -> (SocketAddr, watch::Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let sender = watch::Sender::new(Vec::new());
    let receiver = sender.subscribe();
    tokio::spawn(async move {
        let mut script = VecDeque::from(script);
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let (reading, mut writing) = stream.into_split();
            let mut lines = BufReader::new(reading).lines();
            let _ = writing.write_all(b"220 here\r\n").await;
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                    "RCPT" => script.pop_front().unwrap_or("250 ok").to_owned(),
                    "DATA" => {
                        let _ = writing.write_all(b"354 go on\r\n").await;
                        let mut message = String::new();
                        while let Ok(Some(line)) = lines.next_line().await {
                            if line == "." {
                                break;
                            }
                            message.push_str(&line);
                            message.push('\n');
                        }
                        sender.send_modify(|all| all.push(message));
                        "250 ok".to_owned()
                    }
                    "QUIT" => "221 bye".to_owned(),
                    _ => "250 ok".to_owned(),
                };
                let _ = writing.write_all(format!("{answer}\r\n").as_bytes()).await;
            }
        }
    });
    (address, receiver)
}

fn letter() -> Value {
    json!({"data": [{"name": "TO", "type": "text"}], "start": "send", "steps": [
        {"name": "send", "type": "sendEmail", "from": "shop@acme.test", "to": "{{TO}}", "subject": "Für {{TO}}", "body": "b",
         "routes": {"delivered": "good", "bounced": "bad"}},
        {"name": "good", "type": "end"}, {"name": "bad", "type": "end"}
    ]})
}

#[tokio::test]
async fn e_mails_are_handed_to_the_mail_server() {
    let (address, mut mails) = mail_server(vec!["250 ok", "550 no such user", "451 later", "250 ok"]).await;
    let rig = Rig::new(Some(format!("smtp://{address}"))).await;
    rig.put("Workflow/letter", letter(), vec![]).await;
    let id = rig.start("letter", json!({"TO": "kim@acme.test"})).await;
    assert_eq!(rig.rest(id).await, RunStatus::Completed);
    let view = rig.view(id).await;
    assert_eq!((view.path.join(" "), view.emails[0].state), ("send good".into(), EmailState::Sent));
    let mail = mails.borrow_and_update().first().cloned().expect("a mail");
    assert!(mail.contains(&format!("Message-ID: <{id}-1@acme.test>")), "{mail}");

    let id = rig.start("letter", json!({"TO": "gone@acme.test"})).await;
    assert_eq!(rig.rest(id).await, RunStatus::Completed);
    let view = rig.view(id).await;
    assert_eq!((view.path.join(" "), view.emails[0].state), ("send bad".into(), EmailState::Bounced));
    assert!(view.emails[0].error.as_deref().unwrap_or_default().contains("no such user"), "{view:?}");

    // Refused for now: tried again five seconds later.
    let id = rig.start("letter", json!({"TO": "busy@acme.test"})).await;
    while rig.view(id).await.state == RunStatus::Running {
        rig.turn(SignedDuration::from_secs(5));
        tokio::task::yield_now().await;
    }
    let view = rig.view(id).await;
    assert_eq!((view.path.join(" "), view.emails[0].state), ("send good".into(), EmailState::Sent));

    let id = rig.start("letter", json!({"TO": "no address"})).await;
    assert_eq!(rig.rest(id).await, RunStatus::Completed);
    let view = rig.view(id).await;
    assert_eq!((view.path.join(" "), view.emails.len(), view.problems.len()), ("send bad".into(), 0, 1));
    assert_eq!(mails.borrow().len(), 2);
}
