//! The server is killed (`kill -9`) in the middle of workflow runs, again and again (a few times here; with
//! `TRUEUP_KILLS` as often as it says). What is promised (`src/runtime/runner`, `docs/behaviour.md`):
//!
//! - A start, an input and a task's end that were answered are on disk. A call of which no answer came was carried out
//!   whole or not at all, and never twice: runs are numbered without a gap or a double.
//! - Every run goes on by itself, and comes to its right end with the right variables.
//! - What the store can tell is done once: one task, one e-mail of the outbox, one notification, one line of the log for
//!   each visit of a step.
//! - A request to the outside is sent again only while its answer is not on disk: once a later step of a run has sent
//!   anything, no earlier one does. It is sent again under the key of its visit, so that the receiver can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trueup::base::ident::Name;
use trueup::kinds::{Address, Metadata};
use trueup::object::access::{Scope, Scopes};
use trueup::store::{Clock, Store};

use crate::engine_rig::{Received, Receiver, Reply, project};
use crate::killable::{Killable, PATIENCE, kills};
use crate::world::Random;

/// Who takes runs through their steps at the same time.
const WALKERS: usize = 6;
/// Of every run, in this order.
const PATH: [&str; 8] = ["look", "reserve", "ask", "check", "charge", "send", "tell", "bye"];
/// The steps that send requests, in the order of the path.
const REQUESTS: [&str; 3] = ["look", "reserve", "charge"];

/// Looks up, reserves, asks, waits for a check, charges, sends an e-mail, notifies.
fn order(receiver: &Receiver) -> Value {
    let url = |step: &str| receiver.url(&format!("/{step}/{{{{WHO}}}}"));
    let post = |step: &str, next: &str| {
        json!({"name": step, "type": "webhook", "method": "POST", "url": url(step), "contentType": "json",
               "body": "{\"amount\": \"{{amount}}\"}", "routes": {"success": next, "failure": "sorry"}})
    };
    json!({
        "access": {"subProcess": true, "public": true},
        "data": [{"name": "WHO", "type": "text", "required": true}],
        "start": "look",
        "steps": [
            {"name": "look", "type": "webhook", "method": "GET", "url": url("look"),
             "setVariables": [{"name": "level", "type": "variable", "target": "level"}],
             "routes": {"success": "reserve", "failure": "sorry"}},
            post("reserve", "ask"),
            {"name": "ask", "type": "sayGather", "say": "How many, {{WHO}}?", "gather": {"variable": "amount"},
             "routes": {"gathered": "check", "noInput": "sorry"}},
            {"name": "check", "type": "task", "assignee": "bo", "routes": {"completed": "charge"}},
            post("charge", "send"),
            {"name": "send", "type": "sendEmail", "from": "shop@acme.test", "to": "{{WHO}}@acme.test",
             "subject": "{{amount}}", "body": "Thanks", "routes": {"delivered": "tell", "bounced": "sorry"}},
            {"name": "tell", "type": "notify", "template": "done", "endUsers": ["{{WHO}}"], "routes": {"next": "bye"}},
            {"name": "sorry", "type": "end"},
            {"name": "bye", "type": "end"}
        ]
    })
}

/// How the server is called.
#[derive(Clone)]
struct Access {
    /// For starting, answering and looking.
    bearer: String,
    /// Of the incoming webhook that ends tasks as the one they are assigned to.
    hook: String,
}

async fn prepare(file: &Path, receiver: &Receiver) -> Access {
    let store = Store::open(file, None, Clock::system()).await.expect("a store");
    let objects = [
        ("System/desk", json!({"platform": "workstation"})),
        ("Template/done", json!({"title": "Done", "body": "It is yours.", "system": "desk"})),
        ("Workflow/order", order(receiver)),
        ("IncomingWebhook/bo", json!({"impersonate": "bo"})),
    ];
    for (address, spec) in objects {
        let address: Address = address.parse().expect("an address");
        let metadata = Metadata::named(address.name.clone());
        store.put_by_hand(&project(), &address, metadata, spec, Vec::new(), "test", None).await.expect("written");
    }
    let scopes: Scopes = [Scope::RunsWrite, Scope::RuntimeRead].into_iter().collect();
    let key = store.create_key(&project(), &Name::from_any("walk"), &scopes, "test").await.expect("a key");
    let token = store.issue_token(key.key.client_id, &scopes).await.expect("written").expect("a token");
    let hook = store.tokens(&project()).await.expect("tokens").remove(0).2;
    store.close().await.expect("closed");
    Access { bearer: token.token.expose_to_target().to_owned(), hook: hook.expose_to_target().to_owned() }
}

/// What was found out by those who call.
#[derive(Default)]
struct Book {
    /// Runs whose start was answered, by id; their numbers.
    started: BTreeMap<String, u64>,
    /// Runs that were seen at their end.
    ended: BTreeSet<String>,
    /// Inputs that were answered with 200, by run.
    said: BTreeSet<String>,
    /// Tasks whose end was answered with 200, by run.
    done: BTreeSet<String>,
    /// What must not be.
    faults: Vec<String>,
}

/// Calls a server that may be killed at any time.
#[derive(Clone)]
struct Caller {
    client: reqwest::Client,
    url: String,
    access: Access,
    book: Arc<Mutex<Book>>,
}

impl Caller {
    /// The status and the whole answer; `None` when none came, and then nobody knows.
    async fn call(&self, request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
        let answer = request.send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.ok()?))
    }

    fn post(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.access.bearer).json(body)
    }

    async fn get(&self, path: &str) -> Option<(u16, Value)> {
        self.call(self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.access.bearer)).await
    }

    fn book<T>(&self, write: impl FnOnce(&mut Book) -> T) -> T {
        write(&mut self.book.lock().expect("a book"))
    }

    async fn start(&self, who: &str) -> Option<(String, u64)> {
        let body = json!({"data": {"WHO": who}});
        let (status, run) = self.call(self.post("/v1/workflows/order/runs", &body)).await?;
        if status != 201 {
            self.book(|book| book.faults.push(format!("{who} is not started: {status} {run}")));
            return None;
        }
        let run = (run["id"].as_str()?.to_owned(), run["number"].as_u64()?);
        self.book(|book| book.started.insert(run.0.clone(), run.1));
        Some(run)
    }

    /// Takes a run to its end; `None` when the server is gone.
    async fn walk(&self, id: &str, number: u64) -> Option<()> {
        loop {
            let (status, run) = self.get(&format!("/v1/runs/{id}")).await?;
            let fault = |what: &str| self.book(|book| book.faults.push(format!("{id}: {what}: {status} {run}")));
            match run["state"].as_str() {
                Some("running") => tokio::time::sleep(Duration::from_millis(2)).await,
                Some("waitingForInput") => {
                    if self.book(|book| book.said.contains(id)) {
                        fault("an answered input is lost");
                        return Some(());
                    }
                    let input = self.post(&format!("/v1/runs/{id}/input"), &json!({"text": "three"}));
                    let (status, _) = self.call(input).await?;
                    self.book(|book| (status == 200).then(|| book.said.insert(id.to_owned())));
                }
                Some("waitingForTask") => {
                    if self.book(|book| book.done.contains(id)) {
                        fault("an answered end of a task is lost");
                        return Some(());
                    }
                    let input = json!({"requestNumber": number, "number": 1});
                    let call = json!({"operation": "completeAction", "args": {"input": input}});
                    let call = self.client.post(format!("{}/hooks/{}", self.url, self.access.hook)).json(&call);
                    let (status, _) = self.call(call).await?;
                    self.book(|book| (status == 200).then(|| book.done.insert(id.to_owned())));
                }
                Some("completed") => {
                    self.book(|book| book.ended.insert(id.to_owned()));
                    return Some(());
                }
                Some(_) | None => {
                    fault("a run is not as it should be");
                    return Some(());
                }
            }
        }
    }

    /// Goes on with what was begun before, and then with new runs, until the server is gone.
    async fn walk_on(self, walker: usize, generation: u64) {
        let open: Vec<(String, u64)> = self.book(|book| {
            let open = book.started.iter().filter(|(id, _)| !book.ended.contains(*id));
            open.skip(walker).step_by(WALKERS).map(|(id, number)| (id.clone(), *number)).collect()
        });
        for (id, number) in open {
            if self.walk(&id, number).await.is_none() {
                return;
            }
        }
        for n in 0_u64.. {
            let Some((id, number)) = self.start(&format!("u{generation}-{walker}-{n}")).await else { return };
            if self.walk(&id, number).await.is_none() {
                return;
            }
        }
    }
}

/// The runs there are, whether or not anybody was told of them: ids by number.
async fn all_runs(file: &Path) -> BTreeMap<u64, String> {
    let store = Store::open(file, None, Clock::system()).await.expect("a store");
    let mut runs = BTreeMap::new();
    for number in 1.. {
        let Some(run) = store.reads().run_numbered(&project(), number).await.expect("runs") else { break };
        runs.insert(number, run.head.id.to_string());
    }
    runs
}

/// What arrived for somebody: the steps in order, each with its idempotency key.
fn arrived(requests: &[Received]) -> BTreeMap<String, Vec<(usize, Option<String>)>> {
    let mut arrived: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for request in requests {
        let (step, who) = request.target.trim_start_matches('/').split_once('/').expect("a step and somebody");
        let step = REQUESTS.iter().position(|name| *name == step).expect("a step");
        arrived.entry(who.to_owned()).or_default().push((step, request.headers.get("idempotency-key").cloned()));
    }
    arrived
}

/// The run came to its right end, and what the store can tell was done once.
async fn check(caller: &Caller, id: &str) -> String {
    let (_, run) = caller.get(&format!("/v1/runs/{id}")).await.expect("an answer");
    let who = run["variables"]["WHO"].as_str().expect("somebody").to_owned();
    assert_eq!(run["path"], json!(PATH), "{run}");
    assert_eq!(run["problems"], json!([]), "{run}");
    assert_eq!(run["variables"], json!({"WHO": who, "level": "gold", "amount": "three"}), "{run}");
    let of = |list: &str, keys: [&str; 2]| -> Vec<Value> {
        let all = run[list].as_array().expect("a list").iter();
        all.map(|one| json!([one[keys[0]], one[keys[1]]])).collect()
    };
    assert_eq!(of("logs", ["visit", "status"]), [json!([1, 200]), json!([2, 200]), json!([5, 200])], "{run}");
    assert_eq!(of("tasks", ["visit", "state"]), [json!([4, "completed"])], "{run}");
    assert_eq!(of("emails", ["to", "state"]), [json!([format!("{who}@acme.test"), "kept"])], "{run}");
    let (_, inbox) = caller.get(&format!("/v1/inbox?endUser={who}")).await.expect("an answer");
    assert_eq!(inbox["notifications"].as_array().map(Vec::len), Some(1), "{who}: {inbox}");
    who
}

#[test]
fn runs_survive_kills_and_do_nothing_twice_that_can_be_told() {
    let kills = kills(6);
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trueup.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let receiver = runtime.block_on(Receiver::new(|_| Reply::Json(json!({"level": "gold"}))));
    let access = runtime.block_on(prepare(&file, &receiver));
    let book = Arc::new(Mutex::new(Book::default()));
    let caller = |url: &str| Caller {
        client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        url: url.to_owned(),
        access: access.clone(),
        book: Arc::clone(&book),
    };
    let mut random = Random::new(17);
    for generation in 0..kills {
        let mut server = Killable::start(folder.path());
        let caller = caller(&server.url);
        let walkers: Vec<_> =
            (0..WALKERS).map(|walker| runtime.spawn(caller.clone().walk_on(walker, generation))).collect();
        // The moment is what is tried; some are while it takes up what was left.
        std::thread::sleep(Duration::from_millis(u64::try_from(random.below(500)).expect("small")));
        server.kill();
        // Those who call find that it is gone, so that nothing is noted half.
        for walker in walkers {
            runtime.block_on(walker).expect("a walker");
        }
    }
    let server = Killable::start(folder.path());
    let caller = caller(&server.url);
    let runs = runtime.block_on(all_runs(&file));
    let started = Instant::now();
    for (number, id) in &runs {
        let end = runtime.block_on(async { tokio::time::timeout(PATIENCE, caller.walk(id, *number)).await });
        end.expect("a run that comes to its end").expect("a server");
        assert!(started.elapsed() < PATIENCE, "the runs do not come to their ends");
    }
    let whos: Vec<String> = runs.values().map(|id| runtime.block_on(check(&caller, id))).collect();
    let book = std::mem::take(&mut *book.lock().expect("a book"));
    assert_eq!(book.faults, Vec::<String>::new());
    assert!(runs.len() as u64 > kills, "too little was done: {}", runs.len());
    for (id, number) in &book.started {
        assert_eq!(runs.get(number), Some(id), "a start that was answered is lost");
    }
    assert_eq!(whos.iter().collect::<BTreeSet<_>>().len(), whos.len(), "a start was carried out twice");
    let arrived = arrived(&receiver.requests());
    assert_eq!(arrived.keys().collect::<BTreeSet<_>>(), whos.iter().collect(), "who was called for");
    let mut keys = BTreeSet::new();
    for (who, requests) in &arrived {
        assert!(
            requests.is_sorted_by_key(|(step, _)| *step),
            "{who}: a step was done again behind a later one: {requests:?}"
        );
        for (step, name) in REQUESTS.iter().enumerate() {
            let of_step: Vec<&Option<String>> =
                requests.iter().filter(|(of, _)| *of == step).map(|(_, key)| key).collect();
            assert!(!of_step.is_empty() && of_step.len() as u64 <= 1 + kills, "{who}: {name}: {requests:?}");
            let different: BTreeSet<_> = of_step.into_iter().collect();
            assert_eq!(different.len(), 1, "{who}: {name} was sent under several keys: {requests:?}");
            // A GET changes nothing, and has none.
            let key = different.first().copied().cloned().flatten();
            assert_eq!(key.is_some(), *name != "look", "{who}: {name}");
            assert!(key.is_none_or(|key| keys.insert(key)), "{who}: {name} has the key of another visit");
        }
    }
}
