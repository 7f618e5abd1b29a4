//! Events and deliveries over HTTP.

use std::io::{Read as _, Write as _};

use reqwest::Method;
use serde_json::{Value, json};
use trueup::object::access::Scope;
use trueup::object::delivery::DeliveryState;

use crate::engine_rig::{Receiver, Reply, apply, destination, simple, survey, webhook};
use crate::server_rig::{Answer, PROJECT, ServerRig};

struct Api {
    rig: ServerRig,
    writer: String,
    reader: String,
}

impl Api {
    fn new() -> Self {
        let rig = ServerRig::that_reaches_this_machine();
        let writer = rig.token(PROJECT, &[Scope::EventsWrite]);
        let reader = rig.token(PROJECT, &[Scope::RuntimeRead]);
        Self { rig, writer, reader }
    }

    /// With a receiver, and surveys going there.
    fn with_receiver(receiver: impl Future<Output = Receiver>) -> (Self, Receiver) {
        let api = Self::new();
        let receiver = api.rig.block_on(receiver);
        api.apply(&simple(&receiver.url("/")));
        (api, receiver)
    }

    fn apply(&self, objects: &[(&str, Value)]) {
        let objects: Vec<_> = objects.iter().map(|(address, spec)| ((*address).to_owned(), spec.clone())).collect();
        self.rig.block_on(apply(self.rig.engine().store(), &objects, &[], true));
    }

    fn send(&self, content_type: &str, body: &str) -> Answer {
        let request = self.rig.request(Method::POST, "/v1/events").bearer_auth(&self.writer);
        self.rig.send(request.header("content-type", content_type).body(body.to_owned()))
    }

    fn lines(&self, lines: &[String]) -> Answer {
        self.send("application/x-ndjson", &lines.join("\n"))
    }

    fn get(&self, path: &str) -> Answer {
        self.rig.get(path, &self.reader)
    }

    /// Waits until all deliveries are in a state; returns them, the newest first.
    fn deliveries_in(&self, state: DeliveryState, count: usize) -> Vec<Value> {
        loop {
            let page = self.get(&format!("/v1/deliveries?state={state}&limit=500")).expect(200).json();
            let deliveries = page["deliveries"].as_array().expect("a list").clone();
            if deliveries.len() >= count {
                return deliveries;
            }
            std::thread::yield_now();
        }
    }
}

fn named(id: &str) -> String {
    let mut event = survey(3);
    event["eventId"] = id.into();
    event.to_string()
}

#[test]
fn one_event_is_accepted_delivered_and_listed() {
    let (api, receiver) = Api::with_receiver(Receiver::glad());
    let accepted = api.send("application/json; charset=utf-8", &survey(3).to_string()).expect(202).json();
    let id = accepted["eventId"].as_str().expect("an id");
    assert_eq!(accepted, json!({ "eventId": id }));
    api.rig.block_on(receiver.arrived(1));
    let delivery = api.deliveries_in(DeliveryState::Delivered, 1).remove(0);
    let keys: Vec<&String> = delivery.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["id", "webhook", "eventId", "state", "attempts"]);
    assert_eq!((&delivery["webhook"], &delivery["eventId"]), (&json!("nps"), &json!(id)));
    assert_eq!(delivery["attempts"], json!([{ "at": "2026-01-01T00:00:00Z", "status": 204 }]));
    let events = api.get("/v1/events").expect(200).json();
    let stored = &events["events"][0];
    assert_eq!((&stored["eventId"], &stored["properties"]["score"]), (&json!(id), &json!(3)));
    let metrics = api.get("/metrics").expect(200).text;
    assert!(metrics.contains("trueup_deliveries_delivered_total 1"), "{metrics}");
}

#[test]
fn a_batch_is_accepted_as_a_whole_or_not_at_all() {
    let (api, _receiver) = Api::with_receiver(Receiver::glad());
    let accepted = api.lines(&[named("a"), String::new(), named("b"), named("a")]).expect(202).json();
    assert_eq!(accepted, json!({ "events": [{ "eventId": "a" }, { "eventId": "b" }, { "eventId": "a" }] }));
    let wrong = json!({ "event": "survey.gone", "system": "crm", "endUserId": "ana" }).to_string();
    let typed =
        json!({ "event": "survey.submitted", "system": "crm", "endUserId": "ana", "properties": { "score": "3" } });
    let refused = api.lines(&[named("c"), wrong, String::new(), "{".to_owned(), typed.to_string()]);
    let problem = refused.expect_problem(400, "invalid").json();
    let places: Vec<&str> =
        problem["errors"].as_array().expect("a list").iter().filter_map(|error| error["place"].as_str()).collect();
    assert_eq!(places, ["line 2: event", "line 4", "line 5: properties.score"]);
    let broken = problem["errors"][1]["detail"].as_str().expect("a text");
    assert!(broken.contains("at column") && !broken.contains("line"), "the place says which line: {broken}");
    let codes: Vec<&str> =
        problem["errors"].as_array().expect("a list").iter().filter_map(|error| error["code"].as_str()).collect();
    assert_eq!(codes, ["unknown-event", "invalid-value", "wrong-type"]);
    let events = api.get("/v1/events").expect(200).json();
    let ids: Vec<&str> =
        events["events"].as_array().expect("a list").iter().filter_map(|e| e["eventId"].as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn bodies_of_other_forms_are_refused() {
    let api = Api::new();
    api.apply(&simple("http://127.0.0.1:1/"));
    api.send("text/plain", "{}").expect_problem(415, "unsupported-media-type");
    api.send("application/x-ndjson", "\n\n").expect_problem(400, "invalid");
    api.send("application/json", "[]").expect_problem(400, "invalid");
    api.lines(&vec![named("x"); 1_001]).expect_problem(400, "invalid");
    api.lines(&vec![named("x"); 1_000]).expect(202);
    let mut odd = survey(3);
    odd["eventId"] = "a\u{0}b".into();
    api.send("application/json", &odd.to_string()).expect_problem(400, "invalid");
    let mut unknown = survey(3);
    unknown["sistem"] = "crm".into();
    let problem = api.send("application/json", &unknown.to_string()).expect_problem(400, "invalid").json();
    assert!(problem["detail"].as_str().expect("a detail").contains("sistem"), "{problem}");
    // Told by what the headers announce: a client that has sent all of it would find the connection closed.
    let mut connection = std::net::TcpStream::connect(api.rig.address()).expect("a connection");
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        api.writer,
        8 * 1024 * 1024 + 1
    );
    connection.write_all(head.as_bytes()).expect("written");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"too-large\""), "{answer}");
}

#[test]
fn recorded_events_are_read_on_page_by_page() {
    let api = Api::new();
    api.apply(&simple("http://127.0.0.1:1/"));
    assert_eq!(api.get("/v1/events").expect(200).json(), json!({ "events": [] }));
    for n in 0..3 {
        let batch: Vec<String> = (0..4).map(|m| named(&format!("e{}", n * 4 + m))).collect();
        api.lines(&batch).expect(202);
        api.rig.turn(jiff::SignedDuration::from_secs(60));
    }
    let (mut path, mut seen) = ("/v1/events?limit=5".to_owned(), Vec::new());
    loop {
        let page = api.get(&path).expect(200).json();
        let events = page["events"].as_array().expect("a list");
        if events.is_empty() {
            break;
        }
        seen.extend(events.iter().map(|event| event["eventId"].as_str().expect("an id").to_owned()));
        path = format!("/v1/events?limit=5&cursor={}", page["next"].as_str().expect("a cursor"));
    }
    assert_eq!(seen, (0..12).map(|n| format!("e{n}")).collect::<Vec<_>>());
    api.lines(&[named("later")]).expect(202);
    assert_eq!(api.get(&path).expect(200).json()["events"][0]["eventId"], "later");
    let since = api.get("/v1/events?since=2026-01-01T00:01:00Z").expect(200).json();
    assert_eq!(since["events"].as_array().expect("a list").len(), 9);
    for bad in ["cursor=x", "cursor=1", "limit=0", "limit=1001", "limit=x", "since=yesterday", "until=now"] {
        api.get(&format!("/v1/events?{bad}")).expect_problem(400, "malformed-request");
    }
}

#[test]
fn deliveries_are_filtered_and_read_page_by_page() {
    let (api, receiver) = Api::with_receiver(Receiver::glad());
    let mut other = webhook();
    other["destination"] = "broken".into();
    api.apply(&[("Destination/broken", destination("http://127.0.0.1:1/")), ("Webhook/other", other)]);
    let batch: Vec<String> = (0..7).map(|n| named(&format!("e{n}"))).collect();
    api.lines(&batch).expect(202);
    api.rig.block_on(receiver.arrived(7));
    api.deliveries_in(DeliveryState::Delivered, 7);
    let count = |query: &str| {
        let page = api.get(&format!("/v1/deliveries?{query}")).expect(200).json();
        page["deliveries"].as_array().expect("a list").len()
    };
    assert_eq!((count("webhook=nps"), count("webhook=other"), count("webhook=none")), (7, 7, 0));
    assert_eq!((count("state=pending"), count("state=dead"), count("eventId=e3")), (7, 0, 2));
    assert_eq!(count("webhook=nps&state=pending"), 0);
    let (mut path, mut seen) = ("/v1/deliveries?limit=4".to_owned(), Vec::new());
    loop {
        let page = api.get(&path).expect(200).json();
        let deliveries = page["deliveries"].as_array().expect("a list");
        seen.extend(deliveries.iter().map(|one| one["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/deliveries?limit=4&cursor={next}");
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.reverse();
    sorted.dedup();
    assert_eq!((seen.len(), seen), (14, sorted));
    for bad in ["cursor=x", "limit=501", "state=lost", "webhook=No%20Name", "since=now"] {
        api.get(&format!("/v1/deliveries?{bad}")).expect_problem(400, "malformed-request");
    }
}

#[test]
fn a_dead_delivery_can_be_begun_anew() {
    let answers = std::sync::atomic::AtomicUsize::new(0);
    let (api, receiver) = Api::with_receiver(Receiver::new(move |_| {
        let first = answers.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        Reply::Status(if first { 500 } else { 200 }, Vec::new())
    }));
    let mut once = destination(&receiver.url("/"));
    once["retry"] = json!({ "maxAttempts": 1 });
    api.apply(&[("Destination/chat", once)]);
    api.send("application/json", &named("e1")).expect(202);
    let dead = api.deliveries_in(DeliveryState::Dead, 1).remove(0);
    let path = format!("/v1/deliveries/{}/redeliver", dead["id"].as_str().expect("an id"));
    let post = |path: &str, token: &str| api.rig.send(api.rig.request(Method::POST, path).bearer_auth(token));
    post(&path, &api.reader).expect_problem(403, "missing-scope");
    let stranger = api.rig.token("other", &[Scope::EventsWrite, Scope::RuntimeRead]);
    post(&path, &stranger).expect_problem(404, "not-found");
    post("/v1/deliveries/00000000-0000-0000-0000-000000000000/redeliver", &api.writer).expect_problem(404, "not-found");
    post("/v1/deliveries/x/redeliver", &api.writer).expect_problem(400, "malformed-request");
    assert_eq!(post(&path, &api.writer).expect(202).json()["id"], dead["id"]);
    let delivered = api.deliveries_in(DeliveryState::Delivered, 1).remove(0);
    assert_eq!(delivered["attempts"].as_array().expect("a list").len(), 2);
}

#[test]
fn projects_do_not_see_each_other() {
    let (api, _receiver) = Api::with_receiver(Receiver::glad());
    api.send("application/json", &named("e1")).expect(202);
    api.deliveries_in(DeliveryState::Delivered, 1);
    let stranger = api.rig.token("other", &[Scope::EventsWrite, Scope::RuntimeRead]);
    assert_eq!(api.rig.get("/v1/events", &stranger).expect(200).json(), json!({ "events": [] }));
    let deliveries = api.rig.get("/v1/deliveries?eventId=e1", &stranger).expect(200).json();
    assert_eq!(deliveries, json!({ "deliveries": [] }));
    let request = api.rig.request(Method::POST, "/v1/events").bearer_auth(&stranger);
    let request = request.header("content-type", "application/json").body(named("e1"));
    api.rig.send(request).expect_problem(400, "invalid");
    api.rig.get("/v1/events", &api.writer).expect_problem(403, "missing-scope");
    api.rig.get("/v1/deliveries", &api.writer).expect_problem(403, "missing-scope");
}

/// Ids are hashed and what is censored is dropped before anything is stored: neither stands in any file of the server.
#[test]
fn what_must_not_be_kept_is_in_no_file() {
    let api = Api::new();
    let system = json!({ "platform": "web", "endUserId": { "hash": { "algorithm": "sha256" } },
                         "censor": { "properties": ["answer"] } });
    api.apply(&simple("http://127.0.0.1:1/"));
    api.apply(&[("System/crm", system)]);
    let event = json!({ "event": "survey.submitted", "system": "crm", "endUserId": "ana-the-original",
                        "properties": { "answer": "the-censored-text", "score": 3 } });
    api.send("application/json", &event.to_string()).expect(202);
    let stored = api.get("/v1/events").expect(200).text;
    assert!(!stored.contains("ana-the-original") && !stored.contains("the-censored-text"), "{stored}");
    api.rig.drain();
    for entry in std::fs::read_dir(api.rig.folder()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        for text in ["ana-the-original", "the-censored-text"] {
            assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
        }
    }
}
