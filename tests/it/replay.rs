//! `plan --replay`, `--since`, `--fail-on` and `export --events`: recorded events through both sides of a plan.

use serde_json::{Value, json};
use trueup::object::access::Scope;

use crate::engine_rig::{Receiver, apply, simple};
use crate::server_rig::{PROJECT, ServerRig};
use crate::support::Project;

const PROJECT_FILE: &str = "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\n";

const MANIFESTS: &str = r#"
apiVersion: trueup/v1
kind: System
metadata: { name: crm }
spec: { platform: web, endUserId: { hash: { algorithm: sha256, salt: { fromEnv: SALT } } } }
---
apiVersion: trueup/v1
kind: System
metadata: { name: desk }
spec: { platform: workstation }
---
apiVersion: trueup/v1
kind: Destination
metadata: { name: chat }
spec: { platform: Chat, method: POST, url: "https://chat.acme.test/hooks?team=1", auth: { type: bearer, token: { fromEnv: TOKEN } } }
---
apiVersion: trueup/v1
kind: Destination
metadata: { name: stats }
spec: { platform: Stats, method: GET, url: "https://stats.acme.test/t" }
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: nps }
spec:
  system: crm
  event: survey.submitted
  conditions: [ { property: score, operator: lessThan, value: 7 } ]
  properties: { include: [endUserId, score, answer], rename: { endUserId: user_id } }
  destination: chat
---
apiVersion: trueup/v1
kind: Webhook
metadata: { name: menu }
spec: { system: crm, event: menu.searched, destination: stats, properties: { include: [query] } }
---
apiVersion: trueup/v1
kind: Template
metadata: { name: lead }
spec: { title: New lead, body: "Lead ###NAME### is yours" }
---
apiVersion: trueup/v1
kind: Notification
metadata: { name: hello }
spec: { template: lead, endUsers: [kim@acme.test], startAt: "2031-12-01", endAt: "2099-01-01", override: { NAME: Contoso } }
---
apiVersion: trueup/v1
kind: IncomingWebhook
metadata: { name: shop }
spec: { description: Sign-ups }
---
apiVersion: trueup/v1
kind: Workflow
metadata: { name: news }
spec:
  data: [ { name: EMAIL, type: text, class: personal } ]
  start: look
  steps:
    - { name: look, type: webhook, method: GET, url: "https://shop.acme.test/s?e={{EMAIL}}", routes: { success: bye, failure: sorry } }
    - { name: sorry, type: set, values: { a: "b" }, routes: { next: bye } }
    - { name: bye, type: end }
---
apiVersion: trueup/v1
kind: Test
metadata: { name: runs }
spec:
  cases:
    - name: an unknown subscriber
      workflow: { name: news, data: { EMAIL: kim@acme.test }, responses: { look: { status: 404 } } }
      expect: { path: [look, sorry, bye] }
"#;

/// Submitted surveys with these scores, a minute apart, the last first.
fn surveys(scores: &[i64]) -> String {
    let line = |(n, score): (usize, &i64)| {
        let event = json!({"event": "survey.submitted", "system": "crm", "endUserId": format!("ana{n}@acme.test"),
            "eventId": format!("e{n}"), "occurredAt": format!("2031-01-01T00:{n:02}:00Z"),
            "properties": {"score": score, "answer": "too slow for me", "country": "DE"}});
        format!("{event}\n")
    };
    scores.iter().enumerate().rev().map(line).collect()
}

fn project(manifests: &str) -> Project {
    let mut project = Project::in_memory();
    project.write("trueup.yaml", PROJECT_FILE);
    project.write("manifests.yaml", manifests);
    project.set("SALT", "a-salt-of-some-length");
    project.set("TOKEN", "a-token-of-some-length");
    project
}

fn applied() -> Project {
    let project = project(MANIFESTS);
    project.ok(&["apply", "-y"]);
    project
}

fn edit(project: &Project, edits: &[(&str, &str)]) {
    let mut text = MANIFESTS.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    project.write("manifests.yaml", &text);
}

fn preview(project: &Project, arguments: &[&str]) -> Value {
    let run = project.run(&[&["plan", "-o", "json"], arguments].concat());
    let document: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    document["preview"].clone()
}

#[test]
fn a_replay_shows_what_is_gained_lost_and_sent_otherwise() {
    let project = applied();
    edit(
        &project,
        &[
            ("operator: lessThan, value: 7", "operator: greaterThan, value: 3"),
            ("include: [endUserId, score, answer]", "include: [endUserId, score, answer, country]"),
            ("https://stats.acme.test/t", "https://stats.acme.test/t2"),
            ("Lead ###NAME### is", "The lead ###NAME### is"),
            ("description: Sign-ups", "operations: [createRequest]"),
            ("/s?e={{EMAIL}}", "/s?email={{EMAIL}}"),
        ],
    );
    project.write("events.ndjson", &surveys(&[1, 5, 8, 9, 2]));
    let preview = preview(&project, &["--replay", "events.ndjson"]);
    assert_eq!(preview["events"], 5);
    assert_eq!(preview["from"], "2031-01-01T00:00:00Z");
    assert_eq!(preview["to"], "2031-01-01T00:04:00Z");
    let webhooks = preview["webhooks"].as_array().expect("a list");
    assert_eq!(webhooks.len(), 1, "{preview:#}");
    let webhook = &webhooks[0];
    let count = |name: &str| webhook[name].as_u64().expect("a count");
    assert_eq!(webhook["address"], "Webhook/nps");
    assert_eq!(["before", "after", "gained", "lost", "changed"].map(count), [3, 3, 2, 2, 1]);
    // Whatever the order of the file, the earliest is shown.
    let samples = &webhook["sample"];
    assert_eq!((&samples["gained"]["event_id"], &samples["lost"]["event_id"]), (&json!("e2"), &json!("e0")));
    let changed = samples["changed"]["changes"].as_array().expect("a list");
    assert_eq!(changed.len(), 1);
    assert_eq!((&changed[0]["path"], &changed[0]["after"]), (&json!("body.country"), &json!("DE")));
    assert_eq!(preview["destinations"], json!([]));
    assert_eq!(preview["not_exercised"], json!(["Destination/stats"]));
    assert_eq!(preview["not_evaluated"][0]["address"], "IncomingWebhook/shop");
    let template = &preview["templates"][0];
    assert_eq!((&template["address"], &template["sample"]), (&json!("Template/lead"), &json!("Notification/hello")));
    assert_eq!(template["changes"][0]["after"], "The lead Contoso is yours");
    let run = &preview["workflows"][0];
    assert_eq!(
        (&run["address"], &run["sample"]),
        (&json!("Workflow/news"), &json!("Test/runs \"an unknown subscriber\""))
    );
    assert_eq!(run["changes"][0]["path"], "requests[look].url");

    // An event is sent as a caller has it: the id is hashed, and what is personal shown only where that is asked for.
    let masked = preview.to_string();
    assert!(!masked.contains("ana") && !masked.contains("too slow") && !masked.contains("kim@"), "{masked}");
    let open = self::preview(&project, &["--replay", "events.ndjson", "--show-personal"]).to_string();
    assert!(open.contains("too slow for me") && !open.contains("ana0@acme.test"), "{open}");

    let since = self::preview(&project, &["--replay", "events.ndjson", "--since", "2031-01-01 00:03"]);
    assert_eq!(since["events"], 2);
}

#[test]
fn a_plan_that_changes_nothing_previews_no_difference() {
    let project = applied();
    project.write("events.ndjson", &surveys(&[1, 9]));
    let preview = preview(&project, &["--replay", "events.ndjson"]);
    assert_eq!(preview["events"], 2);
    for part in ["webhooks", "destinations", "templates", "workflows", "not_exercised", "not_evaluated"] {
        assert_eq!(preview[part], json!([]), "{part}");
    }
    let run = project.ok(&["plan", "--replay", "events.ndjson"]);
    assert!(run.out.contains("Replayed: 2 events from 2031-01-01 00:00 to 2031-01-01 00:01 UTC"), "{}", run.out);
    assert!(run.out.contains("What is sent stays the same."), "{}", run.out);
}

#[test]
fn what_fail_on_names_refuses_the_plan_and_what_was_saved_of_it() {
    let project = applied();
    edit(&project, &[("value: 7", "value: 5"), ("chat.acme.test/hooks?team=1", "chat.acme.test/hooks?team=2")]);
    project.write("events.ndjson", &surveys(&[1, 6]));
    let plan = |more: &[&str]| project.run(&[&["plan", "--replay", "events.ndjson"], more].concat());
    // Another query is no other place.
    assert_eq!(plan(&["--fail-on", "new-destination"]).code, 0);
    let refused = plan(&["--fail-on", "lost-delivery,payload-change", "--detailed-exitcode", "--out", "plan.json"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.out.contains("Webhook/nps  2 → 1 event: 1 lost, 1 in another request"), "{}", refused.out);
    assert!(refused.out.contains("--fail-on lost-delivery: the replayed events show 1 of it"), "{}", refused.out);
    assert!(refused.out.contains("--fail-on payload-change"), "{}", refused.out);
    let shown = project.ok(&["show", "plan.json"]);
    assert!(shown.out.contains("Webhook/nps  2 → 1 event"), "{}", shown.out);
    assert_eq!(project.run(&["apply", "plan.json", "-y"]).code, 5);
    assert_eq!(plan(&["--fail-on", "lost-delivery", "--fail-on", "new-destination"]).code, 5);
    assert_eq!(project.run(&["plan", "--fail-on", "lost-delivery"]).code, 64, "nothing to fail on");
    assert_eq!(project.run(&["plan", "--replay", "live", "--since", "soon"]).code, 64);
}

#[test]
fn a_bad_line_is_told_with_its_place() {
    let project = applied();
    let lines = [
        json!({"event": "survey.submitted", "system": "crm", "endUserId": "u", "properties": {"scor": 1}}).to_string(),
        "{".to_owned(),
        String::new(),
        // Of no system there is: left out, and counted.
        json!({"event": "survey.submitted", "system": "shop", "endUserId": "u"}).to_string(),
        json!({"event": "survey.submitted", "system": "crm", "endUserId": "u", "answer": 1}).to_string(),
    ];
    project.write("events.ndjson", &lines.join("\n"));
    let run = project.run(&["plan", "--replay", "events.ndjson"]);
    assert_eq!(run.code, 3, "{run:?}");
    for place in ["unknown-property", "events.ndjson:1", "events.ndjson:2", "unknown-field", "events.ndjson:5"] {
        assert!(run.err.contains(place), "{place}: {}", run.err);
    }
    assert!(!run.err.contains("events.ndjson:4"), "{}", run.err);
    assert!(run.err.contains("at column ") && !run.err.contains("line 1"), "{}", run.err);
    assert_eq!(project.run(&["plan", "--replay", "nowhere.ndjson"]).code, 3);
    project.write("events.ndjson", &lines[3]);
    let preview = preview(&project, &["--replay", "events.ndjson"]);
    assert_eq!((&preview["events"], &preview["skipped"]), (&json!(0), &json!(1)));
}

/// Law 11: no content of a secret reaches a preview, nor changes it.
#[test]
fn secrets_do_not_show_in_a_preview() {
    let said = |salt: &str, token: &str| {
        let mut project = project(MANIFESTS);
        project.set("SALT", salt);
        project.set("TOKEN", token);
        project.ok(&["apply", "-y"]);
        edit(&project, &[("value: 7", "value: 9"), ("platform: Chat, method: POST", "platform: Chat, method: PUT")]);
        project.write("events.ndjson", &surveys(&[1, 8]));
        let preview = preview(&project, &["--replay", "events.ndjson", "--show-personal"]);
        let json = serde_json::to_string_pretty(&preview).expect("JSON");
        assert!(json.contains("\"fromEnv\": \"TOKEN\""), "{json}");
        let run = project.run(&["plan", "--replay", "events.ndjson", "--fail-on", "payload-change"]);
        let printed = [run.out.as_str(), &run.err].concat();
        assert!(![&json, &printed].iter().any(|text| text.contains(salt) || text.contains(token)), "{json}\n{printed}");
        let shown = run.out.split_once("Replayed:").and_then(|(_, rest)| rest.split_once("\n\n")).expect("a preview").0;
        // How long ago the events were depends on when the test runs.
        let (heading, rest) = shown.split_once('\n').expect("more than a heading");
        (json, heading.split(", the last").next().map(str::to_owned), rest.to_owned())
    };
    let one = said("first-salt-content", "first-token-content");
    assert!(one.2.contains("Webhook/nps  1 → 2 events"), "{one:?}");
    assert_eq!(one, said("other-salt-content", "other-token-content"));
}

#[test]
fn recorded_events_are_replayed_from_the_server_and_from_an_export() {
    let rig = ServerRig::new();
    let receiver = rig.block_on(Receiver::glad());
    let mut objects: Vec<_> =
        simple(&receiver.url("/")).into_iter().map(|(address, spec)| (address.to_owned(), spec)).collect();
    objects[0].1 = json!({"platform": "web", "endUserId": {"hash": {"algorithm": "sha256"}}});
    rig.block_on(apply(rig.engine().store(), &objects, &[], true));
    let sender = rig.token(PROJECT, &[Scope::EventsWrite]);
    for (n, score) in [1, 8, 9].into_iter().enumerate() {
        let event = json!({"event": "survey.submitted", "system": "crm", "endUserId": "ana@acme.test",
            "eventId": format!("e{n}"), "properties": {"score": score, "answer": "too slow"}});
        rig.post("/v1/events", &sender, &event).expect(202);
    }
    // A webhook that asks for the hashed id, and drops one event.
    let webhook = json!({"apiVersion": "trueup/v1", "kind": "Webhook", "metadata": {"name": "nps"}, "spec": {
        "system": "crm", "event": "survey.submitted", "destination": "chat",
        "conditions": [{"property": "score", "operator": "greaterThan", "value": 5}],
        "properties": {"include": ["eventId", "score", "endUserId"]}}});
    let documents = objects.iter().filter(|(address, _)| address != "Webhook/nps").map(|(address, spec)| {
        let (kind, name) = address.split_once('/').expect("an address");
        json!({"apiVersion": "trueup/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
    });
    let text: Vec<String> = documents.chain([webhook]).map(|document| document.to_string()).collect();
    let with = |scopes: &[Scope]| {
        let key = rig.key(PROJECT, scopes);
        let file = format!(
            "{}spec:\n  targets:\n    local:\n      server: {{ url: \"{}\", clientId: \"{}\", clientSecret: {{ fromEnv: KEY }} }}\n",
            PROJECT_FILE,
            rig.url(),
            key.key.client_id,
        );
        let mut project = Project::with(&[("trueup.yaml", &file), ("manifests.yaml", &text.join("\n---\n"))]);
        project.set("KEY", key.secret.expose_to_target());
        project
    };
    let blind = with(&[Scope::ConfigRead]);
    for arguments in [["plan", "--replay", "live"].as_slice(), &["export", "--events"]] {
        let run = blind.run(arguments);
        assert_eq!(run.code, 4, "{run:?}");
        assert!(run.err.contains("runtime:read"), "{}", run.err);
    }
    assert_eq!(blind.run(&["plan"]).code, 0);

    let project = with(&[Scope::ConfigRead, Scope::RuntimeRead]);
    let live = preview(&project, &["--replay", "live"]);
    assert_eq!(live["events"], 3);
    let webhook = &live["webhooks"][0];
    let counts = ["before", "after", "gained", "lost", "changed"].map(|name| webhook[name].as_u64());
    assert_eq!(counts, [3, 2, 0, 1, 2].map(Some), "{live:#}");

    let exported = project.ok(&["export", "--events"]);
    assert_eq!(exported.out.lines().count(), 3);
    let hash = {
        use base64::Engine as _;
        use sha2::{Digest as _, Sha256};
        base64::engine::general_purpose::STANDARD.encode(Sha256::digest("ana@acme.test"))
    };
    for line in exported.out.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["endUserId"], json!(hash), "as stored: hashed once");
        assert!(line["stored"]["systemId"].is_string() && line["properties"]["score"].is_number(), "{line}");
    }
    project.write("events.ndjson", &exported.out);
    assert_eq!(preview(&project, &["--replay", "events.ndjson"]), live, "an export says what the target says");
    // So does what the server lists, line by line.
    let reader = rig.token(PROJECT, &[Scope::RuntimeRead]);
    let page = rig.get("/v1/events", &reader).expect(200).json();
    let lines: Vec<String> = page["events"].as_array().expect("a list").iter().map(Value::to_string).collect();
    project.write("listed.ndjson", &lines.join("\n"));
    assert_eq!(preview(&project, &["--replay", "listed.ndjson"]), live);
    let far = project.ok(&["export", "--events", "--since", "2099-01-01"]);
    assert_eq!(far.out, "");
}
