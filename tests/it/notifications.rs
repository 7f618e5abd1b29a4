//! Notifications over HTTP: the call with every rule of its table, audiences, inboxes, read state, manifests.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use trueup::base::ident::{Name, ObjectId};
use trueup::base::secret::SecretText;
use trueup::kinds::{Address, Metadata};
use trueup::object::access::Scope;
use trueup::object::changeset::SecretWrite;
use trueup::runtime::runner::{NotificationOrder, Notifier as _, NotifyFailure};

use crate::server_rig::{Answer, PROJECT, ServerRig};
use crate::support::Project;

const DESK: &str = "bcf4c7f5682b4aa6875a0fc9bdfa21ca";
const SALT: &str = "a-salt-of-some-length";

/// A server with a project that has a workstation, a template, two audiences; and a token for everything here.
struct World {
    rig: ServerRig,
    token: String,
    template: ObjectId,
    sales: ObjectId,
    listed: ObjectId,
}

impl World {
    fn new() -> Self {
        let rig = ServerRig::new();
        let token = rig.token(PROJECT, &[Scope::NotificationsWrite, Scope::RuntimeRead]);
        put(&rig, "System/desk", &json!({ "platform": "workstation", "systemId": DESK }));
        let template = put(
            &rig,
            "Template/lead",
            &json!({ "system": "desk", "title": "New lead", "runtimeTitle": "Lead ###LEAD_NAME###",
                "body": "###LEAD_NAME### is yours.", "button": { "text": "Open", "link": "###URL###" },
                "locales": { "de": { "body": "###LEAD_NAME### gehört dir.", "button": { "text": "Öffnen" } } } }),
        );
        let sales = put(
            &rig,
            "Audience/sales",
            &json!({ "match": [{ "property": "department", "operator": "equalTo", "value": "Sales" }] }),
        );
        let listed = put(&rig, "Audience/listed", &json!({ "members": ["ana@acme.test", "bo@acme.test"] }));
        Self { rig, token, template, sales, listed }
    }

    /// Turns the clock; a token lives for a day.
    fn turn(&mut self, hours: i64) {
        self.rig.turn(SignedDuration::from_hours(hours));
        self.token = self.rig.token(PROJECT, &[Scope::NotificationsWrite, Scope::RuntimeRead]);
    }

    fn send(&self, more: &Value) -> Answer {
        let mut notification = json!({ "templateId": self.template });
        if let (Some(notification), Some(more)) = (notification.as_object_mut(), more.as_object()) {
            notification.extend(more.clone());
        }
        self.rig.post("/v1/notifications", &self.token, &json!({ "notification": notification }))
    }

    fn sent(&self, more: &Value) -> (String, String) {
        let body = self.send(more).expect(201).json();
        let text = |key: &str| body[key].as_str().expect("a text").to_owned();
        (text("id"), text("state"))
    }

    /// The places of the faults with which a call is refused.
    fn refused(&self, more: &Value) -> Vec<String> {
        let answer = self.send(more).expect_problem(400, "invalid");
        let places = answer.json()["errors"].as_array().expect("errors").clone();
        places.iter().map(|fault| fault["place"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn upload(&self, body: &Value) -> Answer {
        self.rig.post("/v1/end-users", &self.token, body)
    }

    fn inbox(&self, end_user: &str) -> Vec<Value> {
        let path = format!("/v1/inbox?endUser={}", end_user.replace('@', "%40"));
        self.rig.get(&path, &self.token).expect(200).json()["notifications"].as_array().expect("a list").clone()
    }

    fn ids(&self, end_user: &str) -> Vec<String> {
        self.inbox(end_user).iter().map(|entry| entry["id"].as_str().expect("an id").to_owned()).collect()
    }

    fn read(&self, id: &str, end_user: &str) -> Answer {
        let path = format!("/v1/inbox/{id}/read?endUser={}", end_user.replace('@', "%40"));
        self.rig.send(self.rig.request(Method::POST, &path).bearer_auth(&self.token))
    }

    fn table(&self) -> Vec<Value> {
        self.rig.get("/v1/notifications", &self.token).expect(200).json()["notifications"]
            .as_array()
            .expect("a list")
            .clone()
    }
}

fn put(rig: &ServerRig, address: &str, spec: &Value) -> ObjectId {
    put_with(rig, address, spec, Vec::new())
}

fn put_with(rig: &ServerRig, address: &str, spec: &Value, secrets: Vec<SecretWrite>) -> ObjectId {
    let address: Address = address.parse().expect("an address");
    let (project, metadata) = (Name::from_any(PROJECT), Metadata::named(address.name.clone()));
    let store = rig.engine().store();
    let put = rig.block_on(store.put_by_hand(&project, &address, metadata, spec.clone(), secrets, "ana", None));
    put.expect("written").record.id
}

#[test]
fn a_call_reaches_end_users_in_their_language_until_it_ends() {
    let mut world = World::new();
    let locale = json!({ "endUsers": [{ "endUserId": "kim@acme.test", "attributes": { "locale": "de-AT" } }] });
    assert_eq!(world.upload(&locale).expect(200).json(), json!({ "endUsers": 1 }));
    let (id, state) = world.sent(&json!({
        "systemId": DESK.to_uppercase(), "endUsersIds": ["kim@acme.test", "lou@acme.test", "kim@acme.test"],
        "notificationType": "PopUp", "title": "For us",
        "override": [{ "key": "LEAD_NAME", "value": "Contoso" }, { "key": "###URL###", "value": "https://x.test/?a=1&b=2" }],
        "endAt": "2026-01-11",
    }));
    assert_eq!(state, "active");
    let entry = |body: &str, open: &str| {
        json!({ "id": id, "systemId": DESK, "type": "popup", "runtimeTitle": "Lead Contoso", "body": body,
            "button": { "text": open, "link": "https://x.test/?a=1&b=2" },
            "startAt": "2026-01-01T00:00:00Z", "endAt": "2026-01-11T00:00:00Z", "read": false })
    };
    assert_eq!(world.inbox("kim@acme.test"), [entry("Contoso gehört dir.", "Öffnen")]);
    assert_eq!(world.inbox("lou@acme.test"), [entry("Contoso is yours.", "Open")]);
    assert!(world.inbox("Kim@acme.test").is_empty());

    world.turn(10 * 24);
    assert_eq!(world.ids("kim@acme.test"), [""; 0]);
    let table = world.table();
    assert_eq!(table.len(), 1);
    assert_eq!(table[0]["state"], "completed");
    assert_eq!((&table[0]["title"], &table[0]["endUsers"]), (&json!("For us"), &json!(2)));
}

#[test]
fn times_have_their_formats_and_defaults() {
    let world = World::new();
    let to = |more: Value| {
        let mut call = json!({ "endUsersIds": ["kim"] });
        call.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        call
    };
    for (call, state, start, end) in [
        (json!({}), "active", "2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z"),
        (json!({ "startAt": "2026-05-10 08:30" }), "scheduled", "2026-05-10T08:30:00Z", "2026-06-09T08:30:00Z"),
        (json!({ "startAt": "2026-05-10" }), "scheduled", "2026-05-10T00:00:00Z", "2026-06-09T00:00:00Z"),
        (
            json!({ "startAt": "2026-05-10T11:30:00+03:00" }),
            "scheduled",
            "2026-05-10T08:30:00Z",
            "2026-06-09T08:30:00Z",
        ),
        (json!({ "startAt": "2025-05-10" }), "active", "2025-05-10T00:00:00Z", "2026-01-31T00:00:00Z"),
        (json!({ "endAt": "2026-01-02 00:30" }), "active", "2026-01-01T00:00:00Z", "2026-01-02T00:30:00Z"),
    ] {
        let (id, sent) = world.sent(&to(call.clone()));
        let table = world.table();
        let row = table.iter().find(|row| row["id"] == id.as_str()).expect("a row");
        assert_eq!((sent.as_str(), &row["startAt"], &row["endAt"]), (state, &json!(start), &json!(end)), "{call}");
    }
    for (call, place) in [
        (json!({ "startAt": "soon" }), "notification.startAt"),
        (json!({ "endAt": "2026-13-01" }), "notification.endAt"),
        (json!({ "endAt": "2025-12-31" }), "notification.endAt"),
        (json!({ "startAt": "2026-02-01", "endAt": "2026-02-01 00:00" }), "notification.endAt"),
        (json!({ "startAt": "2025-02-01", "endAt": "2025-12-01" }), "notification.endAt"),
    ] {
        assert_eq!(world.refused(&to(call.clone())), [place], "{call}");
    }
}

#[test]
fn a_scheduled_one_starts_and_ends_by_itself() {
    let mut world = World::new();
    let call = json!({ "endUsersIds": ["kim"], "startAt": "2026-01-02", "endAt": "2026-01-03" });
    let (id, state) = world.sent(&call);
    assert_eq!((state.as_str(), world.ids("kim")), ("scheduled", vec![]));
    world.read(&id, "kim").expect_problem(404, "not-found");
    world.turn(24);
    assert_eq!((&world.table()[0]["state"], world.ids("kim")), (&json!("active"), vec![id.clone()]));
    world.turn(24);
    assert_eq!((&world.table()[0]["state"], world.ids("kim")), (&json!("completed"), vec![]));
}

#[test]
fn what_breaks_a_rule_is_refused_and_all_of_it_is_said() {
    let world = World::new();
    let people = json!({ "endUsersIds": ["kim"] });
    let with = |more: Value| {
        let mut call = people.clone();
        call.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        call
    };
    for (call, places) in [
        (json!({}), vec!["notification"]),
        (with(json!({ "templateId": "75cfcba6-c320-42cb-938e-4c2bd08a43a3" })), vec!["notification.templateId"]),
        (with(json!({ "templateId": "lead" })), vec!["notification.templateId"]),
        (with(json!({ "templateId": world.sales })), vec!["notification.templateId"]),
        (
            with(json!({ "audiencesIds": [world.template, "x"] })),
            vec!["notification.audiencesIds[0]", "notification.audiencesIds[1]"],
        ),
        (with(json!({ "audiencesIds": [] })), vec!["notification.audiencesIds"]),
        (json!({ "endUsersIds": [] }), vec!["notification.endUsersIds"]),
        (json!({ "endUsersIds": ["kim", ""] }), vec!["notification.endUsersIds[1]"]),
        (
            with(json!({ "title": "", "runtimeTitle": "", "runtimeDescription": "" })),
            vec!["notification.title", "notification.runtimeTitle", "notification.runtimeDescription"],
        ),
        (with(json!({ "systemId": "nowhere" })), vec!["notification.systemId"]),
        (with(json!({ "override": [] })), vec!["notification.override"]),
        (with(json!({ "override": [{ "key": "LEAD", "value": "x" }] })), vec!["notification.override[0].key"]),
        (with(json!({ "override": [{ "key": "url", "value": "x" }] })), vec!["notification.override[0].key"]),
        (
            with(json!({ "override": [{ "key": "URL", "value": "x" }, { "key": "###URL###", "value": "y" }] })),
            vec!["notification.override[1].key"],
        ),
    ] {
        assert_eq!(world.refused(&call), places, "{call}");
    }
    let past = world.send(&with(json!({ "endAt": "2020-05-10" }))).expect_problem(400, "invalid").json();
    assert!(past["detail"].as_str().is_some_and(|detail| detail.contains("is past already")), "{past}");
    let many = |n: usize| json!({ "endUsersIds": (0..n).map(|n| format!("u{n}")).collect::<Vec<_>>() });
    assert_eq!(world.refused(&many(101)), ["notification.endUsersIds"]);
    world.send(&many(100)).expect(201);
    for unreadable in [
        with(json!({ "notificationType": "toast" })),
        with(json!({ "colour": "red" })),
        with(json!({ "title": null })),
        json!({ "endUsersIds": "kim" }),
    ] {
        world.send(&unreadable).expect_problem(400, "malformed-body");
    }
    let nothing =
        world.rig.post("/v1/notifications", &world.token, &json!({ "notification": { "endUsersIds": ["kim"] } }));
    nothing.expect_problem(400, "malformed-body");
    // A placeholder of its own texts is one too.
    let own = json!({ "runtimeTitle": "###WHO###", "override": [{ "key": "WHO", "value": "Kim" }] });
    world.send(&with(own)).expect(201);
    assert_eq!(world.inbox("kim")[0]["runtimeTitle"], "Kim");
}

#[test]
fn with_several_workstations_the_system_is_said() {
    let world = World::new();
    put(&world.rig, "System/crm", &json!({ "platform": "web" }));
    world.send(&json!({ "endUsersIds": ["kim"] })).expect(201);
    put(&world.rig, "System/till", &json!({ "platform": "workstation" }));
    assert_eq!(world.refused(&json!({ "endUsersIds": ["kim"] })), ["notification.systemId"]);
    world.send(&json!({ "endUsersIds": ["kim"], "systemId": DESK })).expect(201);
    assert_eq!(world.refused(&json!({ "endUsersIds": ["kim"], "systemId": "crm" })), ["notification.systemId"]);
    // The template belongs to another.
    assert_eq!(world.refused(&json!({ "endUsersIds": ["kim"], "systemId": "till" })), ["notification.templateId"]);
    let attributes = json!({ "endUsers": [{ "endUserId": "kim", "attributes": { "department": "Sales" } }] });
    world.upload(&attributes).expect_problem(400, "invalid");
    let mut with_system = attributes;
    with_system["systemId"] = "till".into();
    world.upload(&with_system).expect(200);
    world.send(&json!({ "audiencesIds": [world.sales], "systemId": DESK })).expect(201);
    assert_eq!(world.ids("kim").len(), 2, "what is known of an end user of one system is not known on another");
}

#[test]
fn who_is_in_an_audience_is_asked_when_the_inbox_is_read() {
    let world = World::new();
    let (id, _) = world.sent(&json!({ "audiencesIds": [world.sales, world.listed], "endUsersIds": ["lou"] }));
    assert_eq!(world.ids("ana@acme.test"), [id.as_str()]);
    assert_eq!(world.ids("lou"), [id.as_str()]);
    assert_eq!(world.ids("kim"), [""; 0]);
    let say = |department: Value| {
        let body =
            json!({ "endUsers": [{ "endUserId": "kim", "attributes": { "department": department, "grade": 7 } }] });
        world.upload(&body).expect(200);
    };
    say("Sales".into());
    assert_eq!(world.ids("kim"), [id.as_str()], "an attribute said later counts");
    world.upload(&json!({ "endUsers": [{ "endUserId": "kim", "attributes": { "grade": 8 } }] })).expect(200);
    assert_eq!(world.ids("kim"), [id.as_str()], "what is not named stays");
    say(Value::Null);
    assert_eq!(world.ids("kim"), [""; 0]);
    put(&world.rig, "Audience/listed", &json!({ "members": ["kim"] }));
    assert_eq!(world.ids("kim"), [id.as_str()], "so does a changed audience");
    assert_eq!(world.ids("ana@acme.test"), [""; 0]);
}

#[test]
fn uploads_are_bounded_and_all_or_nothing() {
    let world = World::new();
    let one = |id: &str, attributes: Value| json!({ "endUserId": id, "attributes": attributes });
    let many =
        |n: usize| json!({ "endUsers": (0..n).map(|n| one(&n.to_string(), json!({ "a": n }))).collect::<Vec<_>>() });
    assert_eq!(world.upload(&many(100)).expect(200).json(), json!({ "endUsers": 100 }));
    world.upload(&many(101)).expect_problem(400, "invalid");
    world.upload(&many(0)).expect_problem(400, "invalid");
    let sales = json!({ "department": "Sales" });
    for bad in [
        one("", json!({})),
        one("x", json!({ "a": [1] })),
        one("x", json!({ "": 1 })),
        one("x", json!({ "a": "x".repeat(5_000) })),
    ] {
        world.upload(&json!({ "endUsers": [one("kim", sales.clone()), bad.clone()] })).expect_problem(400, "invalid");
    }
    let wide: serde_json::Map<String, Value> = (0..201).map(|n| (n.to_string(), json!(1))).collect();
    world
        .upload(&json!({ "endUsers": [one("kim", sales), one("lou", Value::Object(wide))] }))
        .expect_problem(400, "invalid");
    world
        .upload(&json!({ "endUsers": [{ "endUserId": "kim", "attributes": {}, "more": 1 }] }))
        .expect_problem(400, "malformed-body");
    world.sent(&json!({ "audiencesIds": [world.sales] }));
    assert_eq!(world.ids("kim"), [""; 0], "nothing of a refused upload was written");
}

#[test]
fn what_was_read_stays_read() {
    let mut world = World::new();
    let (id, _) = world.sent(&json!({ "endUsersIds": ["kim", "lou"] }));
    world.turn(1);
    let first = world.read(&id, "kim").expect(200).json();
    assert_eq!(first, json!({ "id": id, "readAt": "2026-01-01T01:00:00Z" }));
    world.turn(1);
    assert_eq!(world.read(&id, "kim").expect(200).json(), first);
    assert_eq!((&world.inbox("kim")[0]["read"], &world.inbox("kim")[0]["readAt"]), (&json!(true), &first["readAt"]));
    assert_eq!(world.inbox("lou")[0]["read"], false);
    assert_eq!(world.table()[0]["readBy"], 1);
    for (id, end_user) in [(id.as_str(), "ana"), ("75cfcba6-c320-42cb-938e-4c2bd08a43a3", "kim"), ("x", "kim")] {
        world.read(id, end_user).expect_problem(404, "not-found");
    }
    world.read(&id, "").expect_problem(400, "invalid");
    world.rig.get("/v1/inbox", &world.token).expect_problem(400, "malformed-request");
}

#[test]
fn a_used_template_is_frozen_and_answers_when_it_is_archived() {
    let world = World::new();
    let (id, _) =
        world.sent(&json!({ "endUsersIds": ["kim"], "override": [{ "key": "LEAD_NAME", "value": "Contoso" }] }));
    let project = Name::from_any(PROJECT);
    let store = world.rig.engine().store();
    let address: Address = "Template/lead".parse().expect("an address");
    let metadata = Metadata::named(address.name.clone());
    let change = json!({ "system": "desk", "title": "Other", "body": "Other" });
    let changed = world.rig.block_on(store.put_by_hand(&project, &address, metadata, change, Vec::new(), "ana", None));
    assert!(changed.is_err(), "{changed:?}");
    world.rig.block_on(store.delete_by_hand(&project, &address, "ana", None)).expect("archived");
    assert_eq!(world.inbox("kim")[0]["body"], "Contoso is yours.");
    let (again, _) = world.sent(&json!({ "endUsersIds": ["lou"] }));
    assert_eq!(world.ids("lou"), [again]);
    assert_eq!(world.ids("kim"), [id]);
}

#[test]
fn ids_are_hashed_where_the_system_says_so() {
    let world = World::new();
    let spec = json!({ "platform": "workstation", "systemId": DESK,
        "endUserId": { "hash": { "algorithm": "sha256", "salt": { "fromEnv": "SALT" } } } });
    let path = "spec.endUserId.hash.salt".to_owned();
    let salt = vec![SecretWrite { path, content: SecretText::new(SALT.to_owned()) }];
    put_with(&world.rig, "System/desk", &spec, salt);
    let sales = json!({ "endUsers": [{ "endUserId": "a-person@acme.test", "attributes": { "department": "Sales" } }] });
    world.upload(&sales).expect(200);
    let (named, _) = world.sent(&json!({ "endUsersIds": ["a-person@acme.test"] }));
    let (to_audience, _) = world.sent(&json!({ "audiencesIds": [world.sales] }));
    let (to_list, _) = world.sent(&json!({ "audiencesIds": [world.listed] }));
    let mut found = world.ids("a-person@acme.test");
    found.sort();
    let mut wanted = vec![named.clone(), to_audience];
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(world.ids("ana@acme.test"), [to_list]);
    world.read(&named, "a-person@acme.test").expect(200);
    let folder = world.rig.folder().to_owned();
    world.rig.drain();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("a-person@acme.test"), "the id is kept nowhere");
    }
}

#[test]
fn a_manifest_goes_live_the_same_way() {
    let mut world = World::new();
    let spec = |title: &str| {
        json!({ "system": "desk", "template": "lead", "audiences": ["sales"], "endUsers": ["kim"], "runtimeTitle": title,
            "startAt": "2026-01-02", "endAt": "2026-01-09", "override": { "LEAD_NAME": "Contoso", "URL": "https://x.test" } })
    };
    let id = put(&world.rig, "Notification/reminder", &spec("first")).to_string();
    assert_eq!(world.ids("kim"), [""; 0]);
    assert_eq!((&world.table()[0]["name"], &world.table()[0]["state"]), (&json!("reminder"), &json!("scheduled")));
    world.turn(24);
    let entry = &world.inbox("kim")[0];
    assert_eq!(
        (&entry["id"], &entry["runtimeTitle"], &entry["body"]),
        (&json!(id), &json!("first"), &json!("Contoso is yours."))
    );
    world.read(&id, "kim").expect(200);
    put(&world.rig, "Notification/reminder", &spec("second"));
    let entry = &world.inbox("kim")[0];
    assert_eq!((&entry["runtimeTitle"], &entry["read"]), (&json!("second"), &json!(true)), "editing resets nothing");
    world.upload(&json!({ "endUsers": [{ "endUserId": "lou", "attributes": { "department": "Sales" } }] })).expect(200);
    assert_eq!(world.ids("lou"), [id.as_str()]);
    assert_eq!(world.table()[0]["readBy"], 1);
    let project = Name::from_any(PROJECT);
    let address = "Notification/reminder".parse().expect("an address");
    world.rig.block_on(world.rig.engine().store().delete_by_hand(&project, &address, "ana", None)).expect("removed");
    assert_eq!(world.ids("kim"), [""; 0]);
}

#[test]
fn another_project_sees_and_reaches_nothing() {
    let world = World::new();
    let (id, _) = world.sent(&json!({ "endUsersIds": ["kim"] }));
    let other = World { token: world.rig.token("other", &[Scope::NotificationsWrite, Scope::RuntimeRead]), ..world };
    assert_eq!(other.ids("kim"), [""; 0]);
    assert!(other.table().is_empty());
    other.read(&id, "kim").expect_problem(404, "not-found");
    let places = other.refused(&json!({ "endUsersIds": ["kim"], "audiencesIds": [other.sales], "systemId": DESK }));
    assert_eq!(places, ["notification.templateId", "notification.systemId", "notification.audiencesIds[0]"]);
}

#[test]
fn the_table_is_read_in_pages() {
    let world = World::new();
    let sent: Vec<String> = (0..5).map(|n| world.sent(&json!({ "endUsersIds": [format!("u{n}")] })).0).collect();
    put(&world.rig, "Notification/reminder", &json!({ "system": "desk", "template": "lead", "endUsers": ["kim"] }));
    let mut path = "/v1/notifications?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = world.rig.get(&path, &world.token).expect(200).json();
        seen.extend(
            page["notifications"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|row| row["id"].as_str().expect("an id").to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/notifications?limit=2&cursor={next}");
    }
    assert_eq!(seen.len(), 6);
    assert!(seen[1..].iter().eq(sent.iter().rev()), "the newest first, each once");
    world.rig.get("/v1/notifications?cursor=x", &world.token).expect_problem(400, "malformed-request");
}

#[test]
fn what_was_sent_survives_a_restart() {
    let world = World::new();
    let (id, _) = world.sent(&json!({ "endUsersIds": ["kim"] }));
    world.read(&id, "kim").expect(200);
    let World { rig, token, template, sales, listed } = world;
    let world = World { rig: rig.restart(), token, template, sales, listed };
    assert_eq!(world.inbox("kim")[0]["read"], true);
}

#[test]
fn the_command_line_sends_by_name_by_id_and_from_a_file() {
    let world = World::new();
    let key = world.rig.key(PROJECT, &[Scope::ConfigRead, Scope::NotificationsWrite]);
    let mut project = Project::in_memory();
    project.write(
        "trueup.yaml",
        &format!(
            "apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: {PROJECT} }}\nspec:\n  targets:\n    live:\n      server: \
             {{ url: \"{}\", clientId: \"{}\", clientSecret: {{ fromEnv: SECRET }} }}\n",
            world.rig.url(),
            key.key.client_id
        ),
    );
    project.set("SECRET", key.secret.expose_to_target());
    let by_name = project.ok(&[
        "send",
        "notification",
        "--template",
        "lead",
        "--audience",
        "sales",
        "--to",
        "kim",
        "--type",
        "Popup",
        "--override",
        "LEAD_NAME=Contoso",
        "--override",
        "###URL###=https://x.test/?a=b",
    ]);
    assert!(by_name.out.starts_with("Notification ") && by_name.out.ends_with(" is active.\n"), "{}", by_name.out);
    let entry = &world.inbox("kim")[0];
    assert_eq!((&entry["type"], &entry["button"]["link"]), (&json!("popup"), &json!("https://x.test/?a=b")));
    let id = world.template.to_string();
    let by_id = project.ok(&[
        "send",
        "notification",
        "--template",
        &id,
        "--to",
        "lou",
        "--start-at",
        "2026-02-01",
        "-o",
        "json",
    ]);
    assert_eq!(serde_json::from_str::<Value>(&by_id.out).expect("JSON")["state"], "scheduled");
    project.write("call.json", &json!({ "notification": { "templateId": id, "endUsersIds": ["ana"] } }).to_string());
    project.ok(&["send", "notification", "--file", "call.json"]);
    assert_eq!(world.ids("ana").len(), 1);
    project.write("bad.json", r#"{"notification": {"templateID": "x"}}"#);
    for (arguments, code, said) in [
        (vec!["--file", "bad.json"], 3, "templateID"),
        (vec!["--template", "other", "--to", "kim"], 3, "Template/other"),
        (vec!["--template", "lead"], 3, "at least one"),
        (vec!["--template", "lead", "--to", "kim", "--override", "NAME=x"], 3, "no placeholder"),
        (
            vec!["--template", "lead", "--override", "NAME=x", "--override", "MORE=y"],
            3,
            "error: notification: neither endUsersIds nor audiencesIds is given; at least one of the two is\n\
             error: notification.override[0].key: the template has no placeholder `NAME`\n\
             error: notification.override[1].key: the template has no placeholder `MORE`\n",
        ),
        (vec!["--to", "kim"], 64, "--template"),
    ] {
        let run = project.run(&[&["send", "notification"], arguments.as_slice()].concat());
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(said), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn a_step_of_a_run_sends_once_however_often_it_is_tried() {
    let world = World::new();
    put(&world.rig, "System/till", &json!({ "platform": "workstation" }));
    let order = |end_users: &[&str], key: &str| NotificationOrder {
        template: world.template,
        audiences: Vec::new(),
        end_users: end_users.iter().map(|id| (*id).to_owned()).collect(),
        overrides: [("LEAD_NAME".to_owned(), "Contoso".to_owned())].into(),
        key: key.to_owned(),
    };
    let project = Name::from_any(PROJECT);
    let notifications = world.rig.engine().notifications();
    let notify = |order| world.rig.block_on(notifications.notify(&project, order));
    // The system is the template's, so it need not be said although there are two.
    assert_eq!(notify(order(&["kim"], "run-1/tell")), Ok(()));
    assert_eq!(notify(order(&["kim"], "run-1/tell")), Ok(()));
    assert_eq!(world.ids("kim").len(), 1);
    assert_eq!(notify(order(&["kim"], "run-2/tell")), Ok(()));
    assert_eq!(world.ids("kim").len(), 2);
    for bad in [order(&[], "a"), order(&[""], "b")] {
        let outcome = notify(bad);
        assert!(matches!(outcome, Err(NotifyFailure::Refused(_))), "{outcome:?}");
    }
}
