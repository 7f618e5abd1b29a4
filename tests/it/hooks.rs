//! Calls of incoming webhooks over HTTP: every operation, right and wrong.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use trueup::base::ident::Name;
use trueup::kinds::{Address, Metadata};
use trueup::object::access::Scope;
use trueup::object::run::{RunRecord, TaskRecord, TaskState};
use trueup::runtime::EngineSettings;
use trueup::runtime::hooks::HookSettings;
use trueup::runtime::hooks::files::AllowedFolders;

use crate::server_rig::{Answer, PROJECT, ServerRig};

/// A server with two workflows and an incoming webhook for each user.
struct Desk {
    rig: ServerRig,
    tokens: BTreeMap<String, String>,
}

fn project() -> Name {
    Name::from_any(PROJECT)
}

impl Desk {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(folders: &[PathBuf]) -> Self {
        let hooks = HookSettings {
            engine_identity: "engine".to_owned(),
            system_users: ["sys".to_owned()].into(),
            allowed_folders: AllowedFolders::new(folders).expect("folders"),
        };
        let rig = ServerRig::with_engine(|_| {}, EngineSettings { hooks, ..EngineSettings::default() });
        let mut desk = Self { rig, tokens: BTreeMap::new() };
        desk.put("Workflow/approval", Some("Purchase approval"), &approval(500));
        let closed = json!({"access": {"public": true}, "start": "bye", "steps": [{"name": "bye", "type": "end"}]});
        desk.put("Workflow/closed", None, &closed);
        for user in ["boss", "sup", "sys", "req", "bo", "kim"] {
            desk.put(&format!("IncomingWebhook/{user}"), None, &json!({ "impersonate": user }));
        }
        desk.put("IncomingWebhook/plain", None, &json!({}));
        desk.put("IncomingWebhook/narrow", None, &json!({"operations": ["cancelRequest"], "workflows": ["closed"]}));
        let tokens = desk.rig.block_on(desk.rig.engine().store().tokens(&project())).expect("tokens");
        for (address, _, token) in tokens {
            desk.tokens.insert(address.name.to_string(), token.expose_to_target().to_owned());
        }
        desk
    }

    fn put(&self, address: &str, display_name: Option<&str>, spec: &Value) {
        let address: Address = address.parse().expect("an address");
        let metadata =
            Metadata { display_name: display_name.map(str::to_owned), ..Metadata::named(address.name.clone()) };
        let store = self.rig.engine().store();
        let project = project();
        let put = store.put_by_hand(&project, &address, metadata, spec.clone(), Vec::new(), "test", None);
        self.rig.block_on(put).expect("written");
    }

    /// Calls the incoming webhook of a user.
    #[expect(clippy::needless_pass_by_value, reason = "inputs are written where they are passed")]
    fn call(&self, user: &str, operation: &str, input: Value) -> Answer {
        self.send(&self.tokens[user], &json!({ "operation": operation, "args": { "input": input } }))
    }

    fn send(&self, token: &str, body: &Value) -> Answer {
        self.rig.send(self.rig.request(Method::POST, &format!("/hooks/{token}")).json(body))
    }

    /// Starts a request as `req` and tells its number.
    fn request(&self) -> u64 {
        let answer =
            self.call("req", "createRequest", json!({"processName": "Purchase approval", "parameters": [note()]}));
        answer.expect(200).json()["number"].as_u64().expect("a number")
    }

    fn record(&self, number: u64) -> RunRecord {
        let store = self.rig.engine().store();
        self.rig.block_on(store.reads().run_numbered(&project(), number)).expect("read").expect("a request")
    }

    fn tasks(&self, number: u64) -> Vec<TaskRecord> {
        let store = self.rig.engine().store();
        self.rig.block_on(store.reads().run_details(self.record(number).head.id)).expect("read").tasks
    }

    fn variables(&self, number: u64) -> Value {
        self.record(number).state["variables"].clone()
    }
}

trait Refused {
    fn refused(self, status: u16, codes: &[&str]) -> Self;
}

impl Refused for Answer {
    /// Fails the test unless the payload has these errors and no other.
    fn refused(self, status: u16, codes: &[&str]) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        let body = self.json();
        let found: Vec<&str> =
            body["errors"].as_array().into_iter().flatten().filter_map(|error| error["code"].as_str()).collect();
        assert_eq!(found, codes, "{self:?}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{self:?}");
        self
    }
}

fn note() -> Value {
    json!({"name": "NOTE", "textValue": "a chair"})
}

fn approval(limit: u64) -> Value {
    json!({
        "access": {"subProcess": true, "public": true},
        "roles": {"administrators": ["boss"], "supervisors": ["sup"]},
        "data": [
            {"name": "NOTE", "type": "text", "required": true},
            {"name": "LIMIT", "type": "numeric", "default": limit},
            {"name": "DUE", "type": "datetime"},
            {"name": "SCAN", "type": "file"},
        ],
        "start": "approve",
        "steps": [
            {"name": "approve", "type": "task", "assignee": "bo", "routes": {"completed": "pay", "cancelled": "bye"}},
            {"name": "pay", "type": "task", "assignee": "kim", "routes": {"completed": "bye", "error": "bye"}},
            {"name": "bye", "type": "end"},
        ],
    })
}

#[test]
fn a_request_is_created_with_its_data() {
    let desk = Desk::new();
    let input = json!({
        "processName": "Purchase approval", "clientMutationId": "m1",
        "parameters": [
            note(),
            {"name": "DUE", "dateTimeValue": "2031-05-10T11:30:00+03:00"},
            {"name": "SCAN", "fileValue": {"name": "a.txt", "contentType": "text/plain", "content": "aGk=", "size": 2}},
        ],
    });
    let answer = desk.call("req", "createRequest", input).expect(200).json();
    let expected = json!({
        "clientMutationId": "m1", "requestId": "UmVxdWVzdDox", "number": 1, "onBehalfOf": null, "onBehalfOfUserName": null,
    });
    assert_eq!(answer, expected);
    // The API of runs knows the request by the id that the caller was given.
    let reader = desk.rig.token(PROJECT, &[Scope::RuntimeRead]);
    assert_eq!(desk.rig.get("/v1/runs/UmVxdWVzdDox", &reader).expect(200).json()["number"], 1);
    for unknown in ["UmVxdWVzdDoy", "VXNlcjox", "nothing"] {
        desk.rig.get(&format!("/v1/runs/{unknown}"), &reader).expect_problem(404, "not-found");
    }
    let variables = desk.variables(1);
    assert_eq!((&variables["NOTE"], &variables["LIMIT"]), (&json!("a chair"), &json!(500)));
    assert_eq!(variables["DUE"], "2031-05-10T08:30:00Z");
    let scan = json!({"name": "a.txt", "contentType": "text/plain", "size": 2, "content": "aGk="});
    assert_eq!(variables["SCAN"], scan);
    assert_eq!(desk.record(1).head.started_by, "req");
    // The second is the next, also by the workflow's id, which it has since it was first mentioned.
    let input = json!({"processId": "UHJvY2Vzczox", "parameters": [note()]});
    assert_eq!(desk.call("plain", "createRequest", input).expect(200).json()["number"], 2);
    assert_eq!(desk.record(2).head.started_by, "engine");
}

#[test]
fn a_request_is_created_on_behalf_of_somebody() {
    let desk = Desk::new();
    let input = json!({"processName": "Purchase approval", "parameters": [note()], "onBehalfOfUserName": "kim"});
    let answer = desk.call("req", "createRequest", input).expect(200).json();
    // `req` was mentioned first.
    assert_eq!((&answer["onBehalfOf"], &answer["onBehalfOfUserName"]), (&json!("VXNlcjoy"), &json!("kim")));
    assert_eq!(desk.record(1).head.started_for.as_deref(), Some("kim"));
    let token = desk.rig.token(PROJECT, &[Scope::RuntimeRead]);
    let run =
        desk.rig.get(&format!("/v1/runs/{}", answer["requestId"].as_str().expect("an id")), &token).expect(200).json();
    assert_eq!((&run["requestId"], &run["startedFor"]), (&answer["requestId"], &json!("kim")));
    assert_eq!(run["processId"], "UHJvY2Vzczox");
    let listed = desk.rig.get("/v1/runs", &token).expect(200).json()["runs"][0].clone();
    assert_eq!((&listed["startedFor"], &listed["processId"]), (&run["startedFor"], &run["processId"]));
    let input = |id: &str, name: Option<&str>| json!({"processName": "Purchase approval", "parameters": [note()], "onBehalfOf": id, "onBehalfOfUserName": name});
    let answer = desk.call("req", "createRequest", input("VXNlcjoy", None)).expect(200).json();
    assert_eq!(answer["onBehalfOfUserName"], "kim");
    desk.call("req", "createRequest", input("VXNlcjoy", Some("bo"))).refused(400, &["conflicting-fields"]);
    desk.call("req", "createRequest", input("VXNlcjo5", None)).refused(404, &["unknown-user"]);
}

#[test]
fn what_is_wrong_with_a_start_is_said() {
    let desk = Desk::new();
    let create = |user: &str, input: Value| desk.call(user, "createRequest", input);
    create("req", json!({"processName": "approval"})).refused(404, &["unknown-process"]);
    create("req", json!({"processId": "UHJvY2Vzczox"})).refused(404, &["unknown-process"]);
    create("req", json!({"processName": "closed"})).refused(403, &["process-not-public"]);
    create("narrow", json!({"processName": "closed"})).refused(403, &["operation-not-allowed"]);
    create("req", json!({"processName": "Purchase approval"})).refused(400, &["missing-data"]);
    let wrong = json!([{"name": "NOTE", "numericValue": 5}, {"name": "COLOUR", "textValue": "red"}]);
    create("req", json!({"processName": "Purchase approval", "parameters": wrong}))
        .refused(400, &["wrong-data-type", "unknown-data"]);
    create("req", json!({"processName": "Purchase approval", "parameters": [note()], "processVersion": 9}))
        .refused(404, &["unknown-version"]);
    create("req", json!({"processName": "Purchase approval", "parameters": [note()], "isTest": true}))
        .refused(404, &["unknown-version"]);
    desk.call("req", "deleteRequest", json!({})).refused(400, &["unknown-operation"]);
    desk.send(&desk.tokens["req"], &json!([])).refused(400, &["malformed-call"]);
    let store = desk.rig.engine().store();
    let none = desk.rig.block_on(store.reads().run_numbered(&project(), 1)).expect("read");
    assert_eq!(none, None, "nothing was started");
}

#[test]
fn a_test_runs_the_test_version_and_a_version_can_be_named() {
    let desk = Desk::new();
    let mut test = approval(700);
    test["release"] = json!("test");
    desk.put("Workflow/approval", Some("Purchase approval"), &test);
    let create = |more: Value| {
        let mut input = json!({"processName": "Purchase approval", "parameters": [note()]});
        for (key, value) in more.as_object().into_iter().flatten() {
            input[key] = value.clone();
        }
        let answer = desk.call("req", "createRequest", input).expect(200).json();
        let number = answer["number"].as_u64().expect("a number");
        (desk.record(number).head.is_test, desk.variables(number)["LIMIT"].clone())
    };
    assert_eq!(create(json!({})), (false, json!(500)));
    assert_eq!(create(json!({"inTest": true})), (true, json!(700)));
    assert_eq!(create(json!({"processVersion": 2})), (false, json!(700)));
    let complete = |is_test: bool, number: u64| {
        desk.call("bo", "completeAction", json!({"requestNumber": number, "number": 1, "isTest": is_test}))
    };
    complete(false, 2).refused(409, &["test-mismatch"]);
    complete(true, 2).expect(200);
}

#[test]
fn data_of_a_request_are_set_by_system_users_only() {
    let desk = Desk::new();
    let number = desk.request();
    let input = json!({"number": number, "parameters": [{"name": "LIMIT", "numericValue": 9.5}]});
    for user in ["req", "sup", "bo", "plain"] {
        desk.call(user, "updateRequestDataset", input.clone()).refused(403, &["security-error"]);
    }
    let answer = desk.call("boss", "updateRequestDataset", input.clone()).expect(200).json();
    assert_eq!(answer, json!({"clientMutationId": null, "requestId": "UmVxdWVzdDox", "number": 1}));
    assert_eq!(desk.variables(number)["LIMIT"], 9.5);
    desk.call("sys", "updateRequestDataset", input).expect(200);
    let unknown = json!({"number": 7, "parameters": [note()]});
    let answer = desk.call("sys", "updateRequestDataset", unknown).refused(404, &["unknown-request"]);
    assert!(answer.text.contains("the project has no such request"), "in the words of calls: {answer:?}");
    desk.call("narrow", "cancelRequest", json!({"number": number})).refused(403, &["workflow-not-allowed"]);
}

#[test]
fn a_request_is_cancelled_by_who_may() {
    let desk = Desk::new();
    let number = desk.request();
    desk.call("bo", "cancelRequest", json!({"number": number})).refused(403, &["security-error"]);
    let delegated = json!({"number": number, "onBehalfOfUserName": "bo"});
    desk.call("req", "cancelRequest", delegated).refused(403, &["security-error"]);
    let answer = desk.call("req", "cancelRequest", json!({"id": "UmVxdWVzdDox"})).expect(200).json();
    assert_eq!((&answer["number"], &answer["requestId"]), (&json!(1), &json!("UmVxdWVzdDox")));
    assert!(desk.record(number).head.ended_at.is_some());
    assert_eq!(desk.tasks(number)[0].state, TaskState::Cancelled);
    desk.call("req", "cancelRequest", json!({"number": number})).refused(409, &["request-closed"]);
    let action = json!({"requestNumber": number, "number": 1});
    desk.call("bo", "completeAction", action).refused(409, &["action-closed"]);
}

#[test]
fn actions_are_completed_in_turn() {
    let desk = Desk::new();
    let number = desk.request();
    let first = json!({"requestNumber": number, "number": 1});
    for user in ["kim", "req", "sup"] {
        desk.call(user, "completeAction", first.clone()).refused(403, &["security-error"]);
    }
    let other = json!({"requestNumber": number, "number": 1, "activityName": "pay"});
    desk.call("bo", "completeAction", other).refused(409, &["wrong-activity"]);
    desk.call("bo", "completeAction", json!({"requestNumber": number, "number": 2})).refused(404, &["unknown-action"]);
    let wrong = json!({"requestNumber": number, "number": 1, "parameters": [{"name": "NOTE", "numericValue": 1}]});
    desk.call("bo", "completeAction", wrong).refused(400, &["wrong-data-type"]);
    let input = json!({
        "requestNumber": number, "number": 1, "activityName": "approve", "isTest": false,
        "parameters": [{"name": "NOTE", "textValue": "two chairs"}],
    });
    let answer = desk.call("bo", "completeAction", input).expect(200).json();
    let expected = json!({
        "clientMutationId": null, "actionId": "QWN0aW9uOjEtLS0x", "requestId": "UmVxdWVzdDox", "requestNumber": 1,
        "number": 1, "onBehalfOf": null, "onBehalfOfUserName": null,
    });
    assert_eq!(answer, expected);
    assert_eq!(desk.variables(number)["NOTE"], "two chairs");
    desk.call("bo", "completeAction", first).refused(409, &["action-closed"]);
    // A system user completes the second on behalf of who has to.
    let input = json!({"id": "QWN0aW9uOjEtLS0y", "onBehalfOfUserName": "kim"});
    let answer = desk.call("sys", "completeFormAction", input).expect(200).json();
    assert_eq!(answer["onBehalfOfUserName"], "kim");
    let tasks = desk.tasks(number);
    assert_eq!((tasks[1].state, tasks[1].ended_by.as_deref()), (TaskState::Completed, Some("kim")));
    assert!(desk.record(number).head.ended_at.is_some());
}

#[test]
fn actions_are_cancelled_where_a_route_leads_on() {
    let desk = Desk::new();
    let number = desk.request();
    let action = |n: u64, kind: &str| json!({"requestNumber": number, "number": n, "type": kind});
    for user in ["sup", "bo", "req"] {
        desk.call(user, "cancelAction", action(1, "CANCEL")).refused(403, &["security-error"]);
    }
    desk.call("sys", "cancelAction", action(1, "ERROR")).refused(409, &["not-cancellable"]);
    let mut delegated = action(1, "CANCEL");
    delegated["onBehalfOfUserName"] = json!("req");
    desk.call("sys", "cancelAction", delegated.clone()).refused(403, &["security-error"]);
    delegated["onBehalfOfUserName"] = json!("sup");
    delegated["exception"] = json!({"message": "no budget", "source": "shop"});
    desk.call("boss", "cancelAction", delegated).expect(200);
    let tasks = desk.tasks(number);
    assert_eq!(tasks[0].state, TaskState::Cancelled);
    let exception = tasks[0].exception.clone().expect("an exception");
    assert_eq!((exception.message.as_str(), exception.source.as_str()), ("no budget", "shop"));

    let number = desk.request();
    desk.call("bo", "completeAction", json!({"requestNumber": number, "number": 1})).expect(200);
    let action = |kind: &str| json!({"requestNumber": number, "number": 2, "type": kind});
    desk.call("sys", "cancelAction", action("CANCEL")).refused(409, &["not-cancellable"]);
    desk.call("sys", "cancelAction", action("ERROR")).expect(200);
    assert_eq!(desk.tasks(number)[1].state, TaskState::Error);
}

#[test]
fn actions_are_assigned_and_taken_back() {
    let desk = Desk::new();
    let number = desk.request();
    let action = json!({"requestNumber": number, "number": 1});
    let assign = |user: &str, name: &str| {
        desk.call(user, "assignAction", json!({"requestNumber": number, "number": 1, "assigneeUserName": name}))
    };
    assign("req", "kim").refused(403, &["security-error"]);
    let answer = assign("bo", "kim").expect(200).json();
    assert_eq!((&answer["assigneeUserName"], &answer["number"]), (&json!("kim"), &json!(1)));
    let id = answer["assigneeId"].as_str().expect("an id").to_owned();
    assert_eq!(desk.tasks(number)[0].assignee.as_deref(), Some("kim"));
    assign("bo", "bo").refused(403, &["security-error"]);
    let answer = desk.call("kim", "cancelActionAssignment", action.clone()).expect(200).json();
    let expected = json!({
        "clientMutationId": null, "actionId": "QWN0aW9uOjEtLS0x", "requestId": "UmVxdWVzdDox", "requestNumber": 1, "number": 1,
    });
    assert_eq!(answer, expected);
    assert_eq!(desk.tasks(number)[0].assignee, None);
    desk.call("sup", "cancelActionAssignment", action.clone()).refused(409, &["not-assigned"]);
    desk.call("kim", "completeAction", action.clone()).refused(403, &["security-error"]);
    let by_id = json!({"requestNumber": number, "number": 1, "assigneeId": id});
    desk.call("sup", "assignAction", by_id).expect(200);
    desk.call("kim", "completeAction", action).expect(200);
}

#[test]
fn an_unknown_token_opens_nothing_and_guessing_ends_soon() {
    let desk = Desk::new();
    let call = json!({"operation": "createRequest", "args": {"input": {}}});
    let unknown = desk.send("nothing", &call).refused(404, &["not-found"]);
    let long = desk.send(&"x".repeat(500), &json!("anything")).refused(404, &["not-found"]);
    assert_eq!(unknown.text, long.text);
    let mut limited = None;
    for n in 0..100 {
        let answer = desk.send(&format!("guess-{n}"), &call);
        if answer.status == 429 {
            limited = Some(answer);
            break;
        }
    }
    let limited = limited.expect("guessing ends").refused(429, &["rate-limited"]);
    assert!(!limited.header("retry-after").is_empty());
    desk.rig.turn(jiff::SignedDuration::from_mins(2));
    desk.request();
}

#[test]
fn bodies_are_bounded_and_of_one_type() {
    let desk = Desk::new();
    let token = &desk.tokens["req"];
    let send = |content_type: &str, body: String| {
        let request = desk.rig.request(Method::POST, &format!("/hooks/{token}"));
        desk.rig.send(request.header("content-type", content_type).body(body))
    };
    send("text/plain", "{}".into()).refused(415, &["unsupported-media-type"]);
    send("application/json", "{".into()).refused(400, &["malformed-call"]);
    send("application/json", "[".repeat(100_000)).refused(400, &["malformed-call"]);
    // Told by what the headers announce: a client that has sent all of it would find the connection closed.
    let mut connection = std::net::TcpStream::connect(desk.rig.address()).expect("a connection");
    let head = format!(
        "POST /hooks/{token} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        5 << 20
    );
    connection.write_all(head.as_bytes()).expect("written");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"too-large\""), "{answer}");
    let file = |bytes: usize| json!({"name": "SCAN", "fileValue": {"name": "a", "content": "AAAA".repeat(bytes / 3)}});
    let input = json!({"processName": "Purchase approval", "parameters": [note(), file(2_200_000)]});
    desk.call("req", "createRequest", input).refused(413, &["file-too-large"]);
}

#[cfg(unix)]
#[test]
fn files_are_read_from_allowed_folders_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("a path");
    for name in ["in", "out"] {
        std::fs::create_dir(root.join(name)).expect("a folder");
    }
    std::fs::write(root.join("in/a.txt"), "hi").expect("a file");
    std::fs::write(root.join("out/secret.txt"), "no").expect("a file");
    std::os::unix::fs::symlink(root.join("out/secret.txt"), root.join("in/link")).expect("a link");
    let desk = Desk::with(&[root.join("in")]);
    let create = |desk: &Desk, url: String| {
        let scan = json!({"name": "SCAN", "fileValue": {"url": url}});
        desk.call("req", "createRequest", json!({"processName": "Purchase approval", "parameters": [note(), scan]}))
    };
    let shown = root.display();
    create(&desk, format!("file://{shown}/in/a.txt")).expect(200);
    let scan = desk.variables(1)["SCAN"].clone();
    assert_eq!((&scan["content"], &scan["name"], &scan["size"]), (&json!("aGk="), &json!("a.txt"), &json!(2)));
    assert!(scan["updatedAt"].is_string());
    for url in [
        format!("file://{shown}/out/secret.txt"),
        format!("file://{shown}/out/absent.txt"),
        format!("file://{shown}/in/link"),
        format!("file://{shown}/in/../out/secret.txt"),
        format!("file://{shown}/in/%2e%2e/out/secret.txt"),
        format!("file://localhost{shown}/in/a.txt"),
        format!("{shown}/in/a.txt"),
        "http://localhost/a.txt".to_owned(),
        "file:///etc/hostname".to_owned(),
    ] {
        let answer = create(&desk, url.clone()).refused(400, &["file-not-allowed"]);
        assert!(!answer.text.contains("no such"), "{url}");
    }
    create(&desk, format!("file://{shown}/in/absent.txt")).refused(400, &["file-unreadable"]);
    let closed = Desk::new();
    create(&closed, format!("file://{shown}/in/a.txt")).refused(400, &["file-not-allowed"]);
    let scan = json!({"name": "SCAN", "fileValue": {"name": "a", "upload": "part"}});
    let input = json!({"processName": "Purchase approval", "parameters": [note(), scan]});
    desk.call("req", "createRequest", input).refused(400, &["upload-refused"]);
}
