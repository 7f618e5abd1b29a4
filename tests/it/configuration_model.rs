//! The configuration API against a model: preconditions that are ignored, a PUT that merges, names that are not unique,
//! a changeset that is applied twice and pages that repeat or lose an entry would all show here.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};
use trueup::base::digest::Digest;
use trueup::object::access::{Scope, Scopes};
use uuid::Uuid;

use crate::server_rig::{PROJECT, ServerRig};

/// What a request asks for first.
#[derive(Clone, Copy, Debug)]
enum Condition {
    None,
    Current,
    Outdated,
    Exists,
    Absent,
}

#[derive(Clone, Debug)]
enum Step {
    /// Name, members, description, precondition.
    Put(usize, Vec<String>, Option<String>, Condition),
    Delete(usize, Condition),
    /// A changeset that creates an object, sent so many times.
    Changeset(usize, usize),
    /// The audit in pages of so many.
    Audit(usize),
}

fn condition() -> impl Strategy<Value = Condition> {
    prop::sample::select(vec![
        Condition::None,
        Condition::None,
        Condition::Current,
        Condition::Current,
        Condition::Outdated,
        Condition::Exists,
        Condition::Absent,
    ])
}

fn step() -> impl Strategy<Value = Step> {
    let members = prop::collection::btree_set("[a-c]{1,2}", 1..4).prop_map(|set| set.into_iter().collect());
    prop_oneof![
        5 => (0_usize..3, members, prop::option::of("[a-z]{1,6}"), condition())
            .prop_map(|(name, members, description, condition)| Step::Put(name, members, description, condition)),
        2 => (0_usize..3, condition()).prop_map(|(name, condition)| Step::Delete(name, condition)),
        1 => (0_usize..3, 1_usize..4).prop_map(|(name, times)| Step::Changeset(name, times)),
        1 => (1_usize..5).prop_map(Step::Audit),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Object {
    members: Vec<String>,
    description: Option<String>,
    generation: u64,
    managed: bool,
}

struct World<'r> {
    rig: &'r ServerRig,
    project: String,
    token: String,
    objects: BTreeMap<String, Object>,
    revision: u64,
    audit: Vec<(String, String)>,
}

impl World<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/v1/projects/{}/{rest}", self.project)
    }

    fn request(&self, method: Method, name: &str, condition: Condition) -> (reqwest::RequestBuilder, bool) {
        let path = self.path(&format!("objects/Audience/{name}"));
        let request = self.rig.request(method, &path).bearer_auth(&self.token);
        let live = self.objects.get(name);
        let generation = live.map_or(0, |object| object.generation);
        match condition {
            Condition::None => (request, true),
            Condition::Current => (request.header("If-Match", format!("\"{generation}\"")), live.is_some()),
            Condition::Outdated => (request.header("If-Match", format!("\"{}\"", generation + 7)), false),
            Condition::Exists => (request.header("If-Match", "*"), live.is_some()),
            Condition::Absent => (request.header("If-None-Match", "*"), live.is_none()),
        }
    }

    fn note(&mut self, action: &str, name: &str) {
        self.revision += 1;
        self.audit.push((action.to_owned(), format!("Audience/{name}")));
    }

    fn step(&mut self, number: usize, step: &Step) {
        match step {
            Step::Put(name, members, description, condition) => {
                let name = format!("a{name}");
                let mut metadata = json!({ "name": name });
                if let Some(description) = description {
                    metadata["description"] = description.as_str().into();
                }
                let body = json!({ "metadata": metadata, "spec": { "members": members } });
                let (request, holds) = self.request(Method::PUT, &name, *condition);
                let answer = self.rig.send(request.json(&body));
                if !holds {
                    answer.expect_problem(412, "stale");
                    return;
                }
                let before = self.objects.get(&name).cloned();
                assert_eq!(answer.status, if before.is_some() { 200 } else { 201 }, "{answer:?}");
                let mut object = Object {
                    members: members.clone(),
                    description: description.clone(),
                    generation: before.as_ref().map_or(0, |object| object.generation),
                    managed: before.as_ref().is_some_and(|object| object.managed),
                };
                if before.as_ref() != Some(&object) {
                    self.note("put", &name);
                    object.generation = self.revision;
                }
                assert_eq!(answer.header("etag"), format!("\"{}\"", object.generation), "{answer:?}");
                self.objects.insert(name, object);
            }
            Step::Delete(name, condition) => {
                let name = format!("a{name}");
                let (request, holds) = self.request(Method::DELETE, &name, *condition);
                let answer = self.rig.send(request);
                if self.objects.contains_key(&name) && holds {
                    answer.expect(204);
                    self.objects.remove(&name);
                    self.note("remove", &name);
                } else {
                    assert!(matches!(answer.status, 404 | 412 | 400), "{condition:?}: {answer:?}");
                    assert!(!holds || answer.status != 412, "{condition:?}: {answer:?}");
                }
            }
            Step::Changeset(name, times) => self.changeset(number, &format!("a{name}"), *times),
            Step::Audit(size) => {
                let mut found = Vec::new();
                loop {
                    let page = self.path(&format!("audit?limit={size}&offset={}", found.len()));
                    let entries = self.rig.get(&page, &self.token).expect(200).json()["entries"].clone();
                    let entries = entries.as_array().expect("a list").clone();
                    let is_last = entries.len() < *size;
                    found.extend(entries);
                    if is_last {
                        break;
                    }
                }
                let told = |entry: &Value| {
                    let text = |name: &str| entry[name].as_str().map(str::to_owned);
                    Some((text("action")?, text("address")?))
                };
                let found: Vec<_> = found.iter().filter_map(told).collect();
                assert_eq!(found, self.audit);
            }
        }
        self.check();
    }

    fn changeset(&mut self, number: usize, name: &str, times: usize) {
        let plan = Uuid::from_u128(number as u128 + 1);
        let lease = json!({ "owner": plan });
        let lease = self.rig.post(&self.path("lease"), &self.token, &lease).expect(200).json();
        let body = json!({
            "planId": plan,
            "body": Digest::of_bytes(&number.to_le_bytes()),
            "fencingToken": lease["token"],
            "writes": [{
                "address": format!("Audience/{name}"),
                "action": "create",
                "expected": "absent",
                "operation": {
                    "type": "create",
                    "body": { "metadata": { "name": name }, "spec": { "members": ["planned"] } },
                },
            }],
        });
        let is_free = !self.objects.contains_key(name);
        for time in 0..times {
            let answer = self.rig.post(&self.path("changesets"), &self.token, &body);
            if !is_free {
                answer.expect_problem(412, "stale");
                continue;
            }
            let outcome = answer.expect(200).json()["outcome"].clone();
            assert_eq!(outcome, if time == 0 { "applied" } else { "alreadyApplied" });
            if time == 0 {
                self.note("create", name);
                let members = vec!["planned".to_owned()];
                let object = Object { members, description: None, generation: self.revision, managed: true };
                self.objects.insert(name.to_owned(), object);
            }
        }
        let release = json!({ "owner": plan, "token": lease["token"] });
        self.rig.post(&self.path("lease/release"), &self.token, &release).expect(204);
    }

    /// Both views are the model, each object once.
    fn check(&self) {
        let rows = self.rig.get(&self.path("objects?view=digest"), &self.token).expect(200);
        assert_eq!(rows.header("etag"), format!("\"{}\"", self.revision));
        let named =
            |line: &Value| line["address"].as_str().expect("an address").trim_start_matches("Audience/").to_owned();
        let names: Vec<String> = rows.lines().iter().map(named).collect();
        assert_eq!(names, self.objects.keys().cloned().collect::<Vec<_>>());
        let full = self.rig.get(&self.path("objects?view=full"), &self.token).expect(200);
        let found: BTreeMap<String, Object> = full
            .lines()
            .iter()
            .map(|line| {
                let members = line["spec"]["members"].as_array().expect("members").iter();
                let object = Object {
                    members: members.map(|member| member.as_str().expect("a text").to_owned()).collect(),
                    description: line["metadata"]["description"].as_str().map(str::to_owned),
                    generation: line["generation"].as_u64().expect("a number"),
                    managed: line["managed"].as_bool().expect("a boolean"),
                };
                (named(line), object)
            })
            .collect();
        assert_eq!(found, self.objects);
        assert_eq!(full.lines().len(), self.objects.len());
        let same = self.rig.request(Method::GET, &self.path("objects?view=digest")).bearer_auth(&self.token);
        self.rig.send(same.header("If-None-Match", format!("\"{}\"", self.revision))).expect(304);
    }
}

#[test]
fn the_api_does_what_the_model_says() {
    let rig = ServerRig::new();
    let scopes: Vec<Scope> = Scopes::all().iter().collect();
    let cases = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let run = runner.run(&prop::collection::vec(step(), 1..20), |steps| {
        cases.set(cases.get() + 1);
        let project = format!("{PROJECT}-{}", cases.get());
        let token = rig.token(&project, &scopes);
        let mut world = World { rig: &rig, project, token, objects: BTreeMap::new(), revision: 0, audit: Vec::new() };
        for (number, step) in steps.iter().enumerate() {
            world.step(number, step);
        }
        Ok(())
    });
    run.expect("the model holds");
}

#[test]
fn what_breaks_a_rule_of_the_kind_or_looks_like_a_mask_is_refused() {
    let rig = ServerRig::new();
    let token = rig.token(PROJECT, &[Scope::ConfigRead, Scope::ConfigWrite]);
    let put = |address: &str, body: Value| {
        let path = format!("/v1/projects/{PROJECT}/objects/{address}");
        rig.send(rig.request(Method::PUT, &path).bearer_auth(&token).json(&body))
    };
    let destination = |auth: Value| json!({"metadata": {"name": "d"}, "spec": {"platform": "x", "method": "POST", "url": "https://a.test", "auth": auth}});
    let by_schema =
        json!({"metadata": {"name": "d"}, "spec": {"platform": "x", "method": "HEAD", "url": "https://a.test"}});
    // In the words that an author of manifests gets: what may stand there, and not which keyword failed.
    let said = put("Destination/d", by_schema).expect_problem(400, "invalid").json();
    assert_eq!(said["errors"][0]["place"], "Destination/d spec.method");
    let detail = said["errors"][0]["detail"].as_str().expect("a text");
    assert!(detail.contains("PATCH") && !detail.contains("oneOf"), "{detail}");
    let literal = put("Destination/d", destination(json!({"type": "bearer", "token": "hunter2hunter2"})));
    assert!(!literal.expect_problem(400, "invalid").text.contains("hunter2"));
    let reference = json!({"type": "bearer", "token": {"fromEnv": "T"}});
    put("Destination/d", destination(reference.clone())).expect_problem(400, "invalid");
    let mut masked = destination(reference.clone());
    masked["secrets"] = json!({"spec.auth.token": "********"});
    put("Destination/d", masked).expect_problem(400, "invalid");
    let mut whole = destination(reference);
    whole["secrets"] = json!({"spec.auth.token": "content"});
    let made = put("Destination/d", whole).expect(201);
    assert!(!made.text.contains("\"content\""));
    put("System/crm", json!({"metadata": {"name": "crm"}, "spec": {"platform": "web"}})).expect(201);
    let unknown_property = json!({"metadata": {"name": "w"}, "spec": {"system": "crm", "event": "survey.submitted",
        "destination": "d", "conditions": [{"property": "nothing", "operator": "equalTo", "value": 1}]}});
    put("Webhook/w", unknown_property).expect_problem(400, "invalid");
    put("Audience/a", json!({"metadata": {"name": "b"}, "spec": {"members": ["x"]}})).expect_problem(400, "invalid");
    put("Audience/a", json!({"metadata": {"name": "a"}, "spec": {"members": ["x"]}, "sepc": {}}))
        .expect_problem(400, "malformed-body");
}

#[test]
fn a_write_is_called_what_it_does_and_needs_the_scope_of_what_it_does() {
    let rig = ServerRig::new();
    let token = rig.token(PROJECT, &[Scope::ConfigRead, Scope::ConfigWrite]);
    let send = |write: Value| {
        let plan = Uuid::from_u128(7);
        let body = json!({"planId": plan, "body": Digest::of_bytes(b"x"), "fencingToken": 1, "writes": [write]});
        rig.post(&format!("/v1/projects/{PROJECT}/changesets"), &token, &body)
    };
    let disguised = json!({"address": "System/crm", "action": "update", "expected": "absent", "operation": {
        "type": "create", "body": {"metadata": {"name": "crm"}, "spec": {"platform": "web"}}}});
    send(disguised).expect_problem(400, "invalid");
    let workflow =
        json!({"metadata": {"name": "w"}, "spec": {"start": "bye", "steps": [{"name": "bye", "type": "end"}]}});
    for operation in ["create", "newVersion", "adopt", "restore"] {
        let write = json!({"address": "Workflow/w", "action": "create", "expected": "absent", "operation": {
            "type": operation, "body": workflow.clone()}});
        send(write).expect_problem(403, "missing-scope");
    }
}
