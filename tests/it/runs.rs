//! Workflow runs over HTTP: started, answered, looked at, and still there after a restart.

use reqwest::Method;
use serde_json::{Value, json};
use trueup::base::ident::Name;
use trueup::kinds::{Address, Metadata};
use trueup::object::access::Scope;

use crate::server_rig::{PROJECT, ServerRig};

fn put(rig: &ServerRig, spec: Value) {
    let address: Address = "Workflow/talk".parse().expect("an address");
    let metadata = Metadata::named(address.name.clone());
    let project = Name::from_any(PROJECT);
    let store = rig.engine().store();
    rig.block_on(store.put_by_hand(&project, &address, metadata, spec, Vec::new(), "ana", None)).expect("written");
}

fn talk() -> Value {
    json!({
        "data": [{"name": "EMAIL", "type": "text", "required": true}, {"name": "AMOUNT", "type": "numeric"}],
        "start": "ask",
        "steps": [
            {"name": "ask", "type": "sayGather", "say": "Who, {{EMAIL}}?", "gather": {"variable": "who"},
             "routes": {"gathered": "send", "noInput": "bye"}},
            {"name": "send", "type": "sendEmail", "from": "shop@acme.test", "to": "{{EMAIL}}", "subject": "To {{who}}",
             "body": "Hello", "routes": {"delivered": "bye", "bounced": "bye"}},
            {"name": "bye", "type": "end"}
        ]
    })
}

#[test]
fn a_run_is_started_answered_and_seen() {
    let rig = ServerRig::new();
    put(&rig, talk());
    let token = rig.token(PROJECT, &[Scope::RunsWrite, Scope::RuntimeRead]);
    let started = rig.post("/v1/workflows/talk/runs", &token, &json!({"data": {"EMAIL": "kim@acme.test"}}));
    let started = started.expect(201).json();
    assert_eq!((&started["number"], &started["state"]), (&json!(1), &json!("waitingForInput")));
    let path = format!("/v1/runs/{}", started["id"].as_str().expect("an id"));
    let seen = rig.get(&path, &token).expect(200).json();
    assert_eq!(
        (&seen["say"], &seen["workflow"], &seen["version"]),
        (&json!("Who, kim@acme.test?"), &json!("talk"), &json!(1))
    );

    let rig = rig.restart();
    let again = rig.get(&path, &token).expect(200).json();
    assert_eq!(again, seen);
    let answered = rig.post(&format!("{path}/input"), &token, &json!({"text": "Kim"})).expect(200).json();
    assert_eq!(answered["state"], json!("completed"));
    let seen = rig.get(&path, &token).expect(200).json();
    assert_eq!(seen["path"], json!(["ask", "send", "bye"]));
    assert_eq!(seen["variables"], json!({"EMAIL": "kim@acme.test", "who": "Kim"}));
    assert_eq!((&seen["emails"][0]["subject"], &seen["emails"][0]["state"]), (&json!("To Kim"), &json!("kept")));
    rig.post(&format!("{path}/input"), &token, &json!({"text": "x"})).expect_problem(409, "conflict");
}

#[test]
fn what_does_not_fit_is_refused() {
    let rig = ServerRig::new();
    put(&rig, talk());
    let token = rig.token(PROJECT, &[Scope::RunsWrite, Scope::RuntimeRead]);
    let start = |body: Value| rig.post("/v1/workflows/talk/runs", &token, &body);
    let faults = start(json!({"data": {"AMOUNT": "5", "NOPE": 1}})).expect_problem(400, "invalid").json();
    let places: Vec<&str> =
        faults["errors"].as_array().expect("errors").iter().filter_map(|f| f["place"].as_str()).collect();
    assert_eq!(places, ["data.AMOUNT", "data.NOPE", "data.EMAIL"]);
    let codes: Vec<&str> =
        faults["errors"].as_array().expect("errors").iter().filter_map(|f| f["code"].as_str()).collect();
    assert_eq!(codes, ["wrong-type", "unknown-field", "missing-field"]);
    start(json!({"data": {"EMAIL": "a"}, "extra": 1})).expect_problem(400, "malformed-body");
    start(json!({"data": {"EMAIL": "a"}, "isTest": true})).expect_problem(409, "conflict");
    rig.post("/v1/workflows/none/runs", &token, &json!({})).expect_problem(404, "not-found");
    rig.get("/v1/runs/0190b0d0-0000-7000-8000-000000000000", &token).expect_problem(404, "not-found");

    let id = start(json!({"data": {"EMAIL": "a"}})).expect(201).json()["id"].as_str().expect("an id").to_owned();
    let input = |body: Value| rig.post(&format!("/v1/runs/{id}/input"), &token, &body);
    for bad in [
        json!({}),
        json!({"text": "x", "noInput": true}),
        json!({"noInput": false}),
        json!({"text": "x".repeat(70_000)}),
    ] {
        input(bad).expect_problem(400, "invalid");
    }
    // What is not known is left out.
    input(json!({"text": null, "noInput": true})).expect_problem(400, "malformed-body");
    // What an answer leaves out, its description does not require: this one waits, and has neither end nor reason.
    let api: Value = rig.send(rig.request(Method::GET, "/openapi.json")).expect(200).json();
    let described = json!({"$ref": "#/components/schemas/RunView", "components": api["components"]});
    let described = jsonschema::draft202012::new(&described).expect("a schema");
    let waiting = rig.get(&format!("/v1/runs/{id}"), &token).expect(200).json();
    let misfits: Vec<String> = described.iter_errors(&waiting).map(|error| error.to_string()).collect();
    assert!(misfits.is_empty() && waiting["endedAt"].is_null(), "{misfits:?}");
    // Another project's key does not find it, and one that only reads does not start or answer.
    let other = rig.token("other", &[Scope::RunsWrite, Scope::RuntimeRead]);
    rig.get(&format!("/v1/runs/{id}"), &other).expect_problem(404, "not-found");
    rig.post(&format!("/v1/runs/{id}/input"), &other, &json!({"noInput": true})).expect_problem(404, "not-found");
    let reads = rig.token(PROJECT, &[Scope::RuntimeRead]);
    rig.post(&format!("/v1/runs/{id}/input"), &reads, &json!({"noInput": true})).expect_problem(403, "missing-scope");
    rig.get(&format!("/v1/runs/{id}"), &rig.token(PROJECT, &[Scope::RunsWrite])).expect_problem(403, "missing-scope");
    assert_eq!(input(json!({"noInput": true})).expect(200).json()["state"], json!("completed"));
}

#[test]
fn runs_are_listed_by_workflow_and_state_page_by_page() {
    let rig = ServerRig::new();
    put(&rig, talk());
    let token = rig.token(PROJECT, &[Scope::RunsWrite, Scope::RuntimeRead]);
    let start = || {
        let started = rig.post("/v1/workflows/talk/runs", &token, &json!({"data": {"EMAIL": "a"}})).expect(201).json();
        started["id"].as_str().expect("an id").to_owned()
    };
    let ids: Vec<String> = (0..5).map(|_| start()).collect();
    rig.post(&format!("/v1/runs/{}/input", ids[1]), &token, &json!({"noInput": true})).expect(200);
    let page = |query: &str| rig.get(&format!("/v1/runs{query}"), &token).expect(200).json();
    let listed = |query: &str| -> Vec<String> {
        let page = page(query);
        let runs = page["runs"].as_array().expect("a list").iter();
        runs.map(|run| run["id"].as_str().expect("an id").to_owned()).collect()
    };
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(listed(""), newest_first);
    assert_eq!(listed("?workflow=talk"), newest_first);
    assert_eq!(listed("?workflow=other"), [""; 0]);
    assert_eq!(listed("?state=completed"), ids[1..2]);
    assert_eq!(listed("?state=completed&workflow=talk"), ids[1..2]);
    assert_eq!(listed("?state=waitingForInput").len(), 4);
    assert_eq!(listed("?state=failed&workflow=talk"), [""; 0]);

    // A head says what the run itself says.
    let head = page("?state=completed")["runs"][0].clone();
    let run = rig.get(&format!("/v1/runs/{}", ids[1]), &token).expect(200).json();
    assert_eq!(head["requestId"], "UmVxdWVzdDoy");
    for (key, value) in head.as_object().expect("an object") {
        assert_eq!(&run[key], value, "{key}");
    }

    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = page(&query);
        seen.extend(page["runs"].as_array().expect("a list").iter().map(|run| run["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(json!(seen), json!(newest_first));
    for bad in ["?limit=0", "?limit=501", "?state=done", "?cursor=x", "?workflow=No", "?project=acme"] {
        rig.get(&format!("/v1/runs{bad}"), &token).expect_problem(400, "malformed-request");
    }
    rig.get("/v1/runs", &rig.token(PROJECT, &[Scope::RunsWrite])).expect_problem(403, "missing-scope");
    // Of another project's runs nothing is seen, not even behind a place among them.
    let other = rig.token("other", &[Scope::RuntimeRead]);
    for query in ["", "?workflow=talk", "?state=completed", &format!("?cursor={}", ids[4])] {
        let runs = rig.get(&format!("/v1/runs{query}"), &other).expect(200).json();
        assert_eq!(runs, json!({"runs": []}), "{query}");
    }
}
