//! What is over is forgotten once it is older than it is kept; what is under way never is.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use trueup::object::access::Scope;
use trueup::runtime::EngineSettings;
use trueup::runtime::retention::Keep;

use crate::server_rig::{PROJECT, ServerRig};

const SCOPES: [Scope; 5] =
    [Scope::ConfigWrite, Scope::Publish, Scope::RunsWrite, Scope::NotificationsWrite, Scope::RuntimeRead];

struct World {
    rig: ServerRig,
    token: String,
}

impl World {
    fn new(keep: Keep) -> Self {
        let rig = ServerRig::with_engine(|_| {}, EngineSettings { keep, ..EngineSettings::default() });
        let token = rig.token(PROJECT, &SCOPES);
        Self { rig, token }
    }

    fn put(&self, address: &str, spec: &Value) -> String {
        let name = address.split_once('/').expect("an address").1;
        let request = self.rig.request(Method::PUT, &format!("/v1/projects/{PROJECT}/objects/{address}"));
        let body = json!({ "metadata": { "name": name }, "spec": spec });
        let put = self.rig.send(request.bearer_auth(&self.token).json(&body)).expect(201).json();
        put["id"].as_str().expect("an id").to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> String {
        let made = self.rig.post(path, &self.token, body).expect(201).json();
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Turns the clock; a token lives for a day.
    fn turn(&mut self, days: i64) {
        self.rig.turn(SignedDuration::from_hours(24 * days));
        self.token = self.rig.token(PROJECT, &SCOPES);
    }

    fn status(&self, path: &str) -> u16 {
        self.rig.get(path, &self.token).status
    }

    /// Waits until something is not there any more.
    fn gone(&self, path: &str) {
        while self.status(path) != 404 {}
    }

    fn notifications(&self) -> Vec<String> {
        let table = self.rig.get("/v1/notifications", &self.token).expect(200).json();
        let rows = table["notifications"].as_array().expect("a list").iter();
        rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
    }
}

#[test]
fn a_run_that_ended_goes_and_one_that_waits_stays() {
    let mut world = World::new(Keep::days(30, 7, 30));
    let steps = json!([
        { "name": "ask", "type": "sayGather", "say": "Who?", "gather": { "variable": "who" },
          "routes": { "gathered": "bye", "noInput": "bye" } },
        { "name": "bye", "type": "end" }
    ]);
    world.put("Workflow/talk", &json!({ "start": "ask", "steps": steps }));
    let start = |world: &World| format!("/v1/runs/{}", world.post("/v1/workflows/talk/runs", &json!({})));
    let answer = |world: &World, run: &str| {
        world.rig.post(&format!("{run}/input"), &world.token, &json!({ "noInput": true })).expect(200);
    };
    let (ended, waiting, late) = (start(&world), start(&world), start(&world));
    answer(&world, &ended);
    world.turn(5);
    answer(&world, &late);
    // From its end, not from its start.
    world.turn(4);
    world.gone(&ended);
    assert_eq!((world.status(&waiting), world.status(&late)), (200, 200));
    let next = start(&world);
    world.turn(10);
    world.gone(&late);
    assert_eq!((world.status(&waiting), world.status(&next)), (200, 200));
    // However long it has waited, it goes on.
    answer(&world, &waiting);
    world.turn(10);
    world.gone(&waiting);
}

#[test]
fn a_notification_that_ended_goes_with_its_marks_and_an_active_one_keeps_them() {
    let mut world = World::new(Keep::days(30, 30, 7));
    let template =
        json!({ "system": "desk", "title": "T", "body": "b", "button": { "text": "x", "link": "https://a.test" } });
    world.put("System/desk", &json!({ "platform": "workstation", "systemId": "bcf4c7f5682b4aa6875a0fc9bdfa21ca" }));
    let template = world.put("Template/t", &template);
    let send = |world: &World, end: &str| {
        let body = json!({ "templateId": template, "endUsersIds": ["kim"], "endAt": end });
        world.post("/v1/notifications", &json!({ "notification": body }))
    };
    let (short, long) = (send(&world, "2026-01-03"), send(&world, "2027-01-01"));
    for id in [&short, &long] {
        let request = world.rig.request(Method::POST, &format!("/v1/inbox/{id}/read?endUser=kim"));
        world.rig.send(request.bearer_auth(&world.token)).expect(200);
    }
    world.turn(5);
    assert_eq!(world.notifications(), [long.clone(), short.clone()]);
    world.turn(10);
    while world.notifications().len() > 1 {}
    assert_eq!(world.notifications(), [long]);
    let inbox = world.rig.get("/v1/inbox?endUser=kim", &world.token).expect(200).json();
    assert_eq!(inbox["notifications"][0]["read"], true);
}
