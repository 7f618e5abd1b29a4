//! `trueup send event` and `trueup deliveries` against a running server.

use serde_json::{Value, json};
use trueup::object::access::Scope;

use crate::engine_rig::{Receiver, apply, simple};
use crate::server_rig::{PROJECT, ServerRig};
use crate::support::{Project, Run};

struct Setup {
    rig: ServerRig,
    receiver: Receiver,
    project: Project,
}

impl Setup {
    fn new(scopes: &[Scope]) -> Self {
        let rig = ServerRig::that_reaches_this_machine();
        let receiver = rig.block_on(Receiver::glad());
        let objects = simple(&receiver.url("/"));
        let objects: Vec<_> = objects.into_iter().map(|(address, spec)| (address.to_owned(), spec)).collect();
        rig.block_on(apply(rig.engine().store(), &objects, &[], true));
        let key = rig.key(PROJECT, scopes);
        let file = format!(
            "apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: {PROJECT} }}\nspec:\n  targets:\n    local:\n      \
             server: {{ url: \"{}\", clientId: \"{}\", clientSecret: {{ fromEnv: KEY }} }}\n",
            rig.url(),
            key.key.client_id,
        );
        let mut project = Project::with(&[("trueup.yaml", &file)]);
        project.set("KEY", key.secret.expose_to_target());
        Self { rig, receiver, project }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.project.run(arguments)
    }

    fn deliveries(&self, arguments: &[&str]) -> Vec<Value> {
        let arguments = [&["deliveries", "-o", "json"], arguments].concat();
        let run = self.project.ok(&arguments);
        let document: Value = serde_json::from_str(&run.out).expect("a document");
        document["deliveries"].as_array().expect("a list").clone()
    }

    /// Waits until so many deliveries are delivered.
    fn delivered(&self, count: usize) -> Vec<Value> {
        loop {
            let delivered = self.deliveries(&["--state", "delivered"]);
            if delivered.len() >= count {
                return delivered;
            }
        }
    }
}

const BOTH: &[Scope] = &[Scope::EventsWrite, Scope::RuntimeRead];

#[test]
fn an_event_is_sent_and_its_delivery_shown() {
    let setup = Setup::new(BOTH);
    let event = ["send", "event", "--event", "survey.submitted", "--system", "crm", "--end-user", "ana"];
    let more = ["--event-id", "e1", "-p", "score=3", "-p", "answer=too slow"];
    let run = setup.project.ok(&[&event[..], &more[..]].concat());
    assert_eq!((run.out.as_str(), run.err.as_str()), ("Accepted e1.\n", ""));
    let request = setup.rig.block_on(setup.receiver.arrived(1)).remove(0);
    assert_eq!(request.json(), json!({ "eventId": "e1", "score": 3 }));
    let delivery = setup.delivered(1).remove(0);
    let text = setup.project.ok(&["deliveries", "--webhook", "nps"]).out;
    let id = delivery["id"].as_str().expect("an id");
    assert_eq!(text, format!("2026-01-01T00:00:00Z  delivered  nps  event e1  delivery {id}  1 attempt: 204\n"));
    assert_eq!(setup.project.ok(&["deliveries", "--webhook", "other"]).out, "There are no deliveries.\n");
    assert_eq!(setup.deliveries(&["--event-id", "e1"]).len(), 1);
    assert_eq!(setup.run(&["deliveries", "--state", "lost"]).code, 64);
}

#[test]
fn a_file_is_sent_in_batches_and_its_faults_are_named_by_line() {
    let setup = Setup::new(BOTH);
    let event = |n: usize| {
        json!({ "event": "survey.submitted", "system": "crm", "endUserId": "ana", "eventId": format!("e{n}"),
                "properties": { "score": n } })
        .to_string()
    };
    let lines: Vec<String> = (0..1_200).map(event).collect();
    setup.project.write("events.ndjson", &lines.join("\n"));
    let run = setup.project.ok(&["send", "event", "--file", "events.ndjson"]);
    assert_eq!(run.out, "Accepted 1200 events.\n");
    setup.rig.block_on(setup.receiver.arrived(1_200));
    let again = setup.project.ok(&["send", "event", "--file", "events.ndjson", "-o", "json"]);
    let document: Value = serde_json::from_str(&again.out).expect("a document");
    assert_eq!(document["events"].as_array().map(Vec::len), Some(1_200));
    assert_eq!(setup.deliveries(&["--limit", "5000"]).len(), 1_200, "known ids do nothing");
    let wrong = event(1).replace("\"score\":1", "\"score\":\"one\"");
    let mut lines = lines;
    lines.push(String::new());
    lines.push(wrong);
    setup.project.write("events.ndjson", &lines.join("\n"));
    let run = setup.run(&["send", "event", "--file", "events.ndjson"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("line 1202: properties.score: `score` is a number"), "{}", run.err);
    assert!(run.err.contains("1000 events before them were accepted"), "{}", run.err);
    setup.project.write("events.ndjson", "{\n[]\n");
    let run = setup.run(&["send", "event", "--file", "events.ndjson"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("line 1: not an event") && run.err.contains("line 2: not an event"), "{}", run.err);
}

#[test]
fn what_is_not_allowed_or_wrong_is_told() {
    let setup = Setup::new(&[Scope::ConfigRead]);
    let event = ["send", "event", "--event", "survey.submitted", "--system", "crm", "--end-user", "ana"];
    let run = setup.run(&event);
    assert_eq!(run.code, 4, "{}", run.err);
    assert_eq!(run.err, "error: failed to send events: the access token does not have the scope events:write\n");
    assert_eq!(setup.run(&["deliveries"]).code, 4);
    let writer = Setup::new(&[Scope::EventsWrite]);
    let elsewhere = ["send", "event", "--event", "survey.submitted", "--system", "nowhere", "--end-user", "ana"];
    let run = writer.run(&elsewhere);
    assert_eq!((run.code, run.err.as_str()), (3, "error: system: there is no system `nowhere`\n"), "of no line");
    assert_eq!(setup.run(&["send", "event", "--event", "survey.submitted"]).code, 64);
    assert_eq!(setup.run(&["send", "event", "--file", "x", "--system", "crm"]).code, 64);
    let embedded = Project::with(&[("trueup.yaml", "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: p }\n")]);
    let run = embedded.run(&event);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("needs a server"), "{}", run.err);
}

#[test]
fn deliveries_are_followed_until_interrupted() {
    use std::io::{BufRead as _, BufReader};
    let setup = Setup::new(BOTH);
    let event = ["send", "event", "--event", "survey.submitted", "--system", "crm", "--end-user", "ana"];
    setup.project.ok(&event);
    setup.project.ok(&event);
    setup.delivered(2);
    // The newest one, and then only what comes: not the older one that was not asked for.
    let mut follow = setup.project.command(&["deliveries", "--follow", "--limit", "1", "-o", "json"]);
    let mut child = follow.stdout(std::process::Stdio::piped()).spawn().expect("a run");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("read")).expect("JSON") };
    let first = next();
    assert_eq!(first["state"], "delivered");
    setup.project.ok(&event);
    let mut second = next();
    while second["state"] == "pending" {
        second = next();
    }
    assert_eq!(second["state"], "delivered");
    assert!(first["id"].as_str() < second["id"].as_str(), "{first} {second}");
    #[cfg(unix)]
    {
        let id = child.id().to_string();
        std::process::Command::new("kill").args(["-INT", &id]).status().expect("a signal");
        assert_eq!(child.wait().expect("an end").code(), Some(130));
    }
    #[cfg(not(unix))]
    child.kill().expect("a kill");
}
