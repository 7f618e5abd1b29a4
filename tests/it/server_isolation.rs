//! What a key of one project learns of another: nothing, not even whether something is there.

use reqwest::Method;
use serde_json::{Value, json};
use trueup::object::access::Scope;

use crate::server_rig::{PROJECT, ServerRig};

const SYSTEM: &str = "/v1/projects/acme/objects/System/crm";

fn filled() -> (ServerRig, String, String) {
    let rig = ServerRig::new();
    let (own, other) = (rig.token(PROJECT, Scope::ALL), rig.token("other", Scope::ALL));
    let system = json!({ "metadata": { "name": "crm" }, "spec": { "platform": "web" } });
    rig.send(rig.request(Method::PUT, SYSTEM).bearer_auth(&own).json(&system)).expect(201);
    let event = json!({ "event": "dxa.clicked", "system": "crm", "endUserId": "u1", "properties": {} });
    rig.post("/v1/events", &own, &event).expect(202);
    (rig, own, other)
}

#[test]
fn objects_of_another_project_are_not_there() {
    let (rig, own, other) = filled();
    rig.get(SYSTEM, &own).expect(200);
    let hidden = rig.get(SYSTEM, &other).expect_problem(404, "not-found");
    let nowhere = rig.get("/v1/projects/nowhere/objects/System/crm", &other).expect_problem(404, "not-found");
    assert_eq!(hidden.text, nowhere.text, "what is there and what is not look alike");
    for method in [Method::PUT, Method::DELETE] {
        let system = json!({ "metadata": { "name": "crm" }, "spec": { "platform": "mobile" } });
        let request = rig.request(method, SYSTEM).bearer_auth(&other).json(&system);
        rig.send(request).expect_problem(404, "not-found");
    }
    assert_eq!(rig.get(SYSTEM, &own).expect(200).json()["spec"]["platform"], "web");
    // Its own project of the same shape is empty.
    let rows = rig.get("/v1/projects/other/objects?view=digest", &other).expect(200);
    assert!(!rows.text.contains("crm"), "{}", rows.text);
    rig.get("/v1/projects/acme/objects?view=full", &other).expect_problem(404, "not-found");
    let mine = rig.get("/v1/projects/acme/objects?view=full", &own).expect(200).lines();
    assert_eq!(mine.iter().map(|line| &line["name"]).collect::<Vec<_>>(), [&Value::from("crm")]);
}

#[test]
fn events_of_another_project_are_not_listed() {
    let (rig, own, other) = filled();
    let listed = |token: &str| rig.get("/v1/events", token).expect(200).text;
    assert!(listed(&own).contains("dxa.clicked"));
    assert!(!listed(&other).contains("dxa.clicked"));
    // A system of that name is none of the other project's.
    let event = json!({ "event": "dxa.clicked", "system": "crm", "endUserId": "u1", "properties": {} });
    let refused = rig.post("/v1/events", &other, &event).expect_problem(400, "invalid").json();
    let fault = json!({ "code": "unknown-reference", "place": "system", "detail": "there is no system `crm`" });
    assert_eq!(refused["errors"], json!([fault]));
}

#[test]
fn the_audit_of_another_project_is_not_read() {
    let (rig, own, other) = filled();
    let audit = rig.get("/v1/projects/acme/audit", &own).expect(200);
    assert!(audit.text.contains("System/crm") || audit.text.contains("\"crm\""), "{}", audit.text);
    rig.get("/v1/projects/acme/audit", &other).expect_problem(404, "not-found");
    assert!(!rig.get("/v1/projects/other/audit", &other).expect(200).text.contains("crm"));
}
