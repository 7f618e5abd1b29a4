//! Law 15, for tests of configuration: what a Test expects and finds is what `behaviour` makes of the same event.

use serde_json::{Value, json};
use trueup::behaviour::delivery::{CompiledWebhook, Delivery, Route, deliveries};
use trueup::behaviour::end_user::EndUserIds;
use trueup::behaviour::event::{RawEvent, StoredEvent};
use trueup::behaviour::ingest::{Defaults, EventSystem, Ingested, ingest};
use trueup::desired::Desired;
use trueup::desired::Objects;
use trueup::desired::load::load_project;
use trueup::kinds::scope::{Scope, event_properties};
use trueup::kinds::{Kind, Spec};
use trueup::manifest::{Input, LoadOptions};
use trueup::review::test::report::{Outcome, TestReport};
use trueup::review::test::selection::TestSelection;

use super::preview_equals_reality::{event, webhook};
use crate::support::Project;
use crate::world::{Random, manifest, seeds, text};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

#[test]
fn what_is_expected_of_an_event_is_what_behaviour_delivers() {
    let project = Project::in_memory();
    let (mut delivered, mut cases) = (0, 0);
    for seed in seeds(300) {
        let mut random = Random::new(seed);
        let manifests = configuration(&mut random);
        project.write("manifests.yaml", &text(&manifests));
        project.write("test.yaml", &text(&[]));
        let desired = load(&project);
        let given = event(&mut random, "e1");
        let expected = predicted(&desired, &given);
        let report = tested(&project, &given, &json!(expected));
        assert_eq!(outcome(&report), &Outcome::Passed, "seed {seed}: {given} {expected:#?}");
        // Whatever else is expected is not what happens.
        for n in 0..expected.len() {
            let mut fewer = expected.clone();
            fewer.remove(n);
            assert!(is_failed(&tested(&project, &given, &json!(fewer))), "seed {seed}");
            let mut other = expected.clone();
            other[n]["url"] = json!("https://elsewhere.acme.test/");
            let report = tested(&project, &given, &json!(other));
            let Outcome::Failed(differences) = outcome(&report) else { panic!("seed {seed}: {report:?}") };
            assert_eq!(differences.len(), 1, "seed {seed}");
            assert_eq!(differences[0].decided[0].path.to_string(), "spec.url");
        }
        for name in ["w0", "w1", "w2"] {
            if !expected.iter().any(|delivery| delivery["webhook"] == name) {
                let mut more = expected.clone();
                more.push(json!({ "webhook": name }));
                let report = tested(&project, &given, &json!(more));
                let Outcome::Failed(differences) = outcome(&report) else { panic!("seed {seed}: {report:?}") };
                assert!(differences.iter().all(|difference| !difference.decided.is_empty()), "seed {seed}");
            }
        }
        delivered += expected.len();
        cases += 1;
    }
    assert!(delivered > cases / 3, "{delivered} of {cases}");
}

fn configuration(random: &mut Random) -> Vec<Value> {
    let own = json!({ "properties": { "amount": { "type": "number", "class": "content" },
                                      "when": { "type": "datetime", "class": "content" } } });
    let mut system = json!({ "platform": "web" });
    if random.chance(30) {
        // The salt is not there, and is not asked for: a case gives ids as they would be stored.
        system["endUserId"] = json!({ "hash": { "algorithm": "sha256", "salt": { "fromEnv": "NOT_SET" } } });
    }
    if random.chance(20) {
        system["censor"] = json!({ "properties": ["country"], "events": ["menu.opened"] });
    }
    let mut all = vec![manifest("EventType", "quote-approved", own), manifest("System", "crm", system)];
    for n in 0..3 {
        let query = *random.pick(&["", "?", "?a=1&b=%20", "?a=1#part"]);
        let mut destination = json!({ "platform": "Any", "method": *random.pick(&METHODS),
                                      "url": format!("https://d{n}.acme.test/x%2Fy{query}") });
        if random.chance(50) {
            destination["headers"] = json!({ "X-Place": format!("d{n} \"quoted\""), "X-Key": { "fromEnv": "KEY" } });
        }
        if random.chance(30) {
            destination["auth"] = json!({ "type": "bearer", "token": { "fromEnv": "NOT_SET" } });
        }
        all.push(manifest("Destination", &format!("d{n}"), destination));
        all.push(manifest("Webhook", &format!("w{n}"), webhook(random)));
    }
    all
}

fn load(project: &Project) -> Desired {
    let options = LoadOptions {
        path: Input::Path(".".into()),
        working_folder: project.path().to_owned(),
        target: None,
        vars: Vec::new(),
        var_files: Vec::new(),
        threads: None,
    };
    let loaded = load_project(&options).expect("a project");
    let errors: Vec<String> =
        loaded.diagnostics.iter().filter(|found| found.is_error()).map(|found| found.message.clone()).collect();
    assert_eq!(errors, Vec::<String>::new());
    loaded.desired
}

fn tested(project: &Project, given: &Value, expected: &Value) -> TestReport {
    let case = json!({ "name": "c", "event": given, "expect": { "deliveries": expected } });
    project.write("test.yaml", &text(&[manifest("Test", "t", json!({ "cases": [case] }))]));
    trueup::review::test::run(&load(project), &TestSelection::default(), false)
}

fn outcome(report: &TestReport) -> &Outcome {
    &report.tests[0].cases[0].outcome
}

fn is_failed(report: &TestReport) -> bool {
    matches!(outcome(report), Outcome::Failed(_))
}

/// The deliveries by `behaviour` itself, in the form in which they are expected.
fn predicted(desired: &Desired, given: &Value) -> Vec<Value> {
    let scope = Objects::new(&desired.objects);
    let raw: RawEvent = serde_json::from_value(given.clone()).expect("an event");
    let name = "crm".parse().expect("a name");
    let Some(Spec::System(system)) = scope.get(Kind::System, "crm") else { panic!("a system") };
    let system = EventSystem { name: &name, system_id: &"0".repeat(32), spec: system, end_user_ids: EndUserIds::PLAIN };
    let defaults = Defaults { event_id: "test".into(), now: "2000-01-01T00:00:00Z".parse().expect("a time") };
    let known = event_properties(&scope, &raw.event);
    let event: StoredEvent = match ingest(raw, Some(system), known, defaults).expect("a good event") {
        Ingested::Stored(event) => event,
        Ingested::Dropped(_) => return Vec::new(),
    };
    let webhooks = desired.objects.iter().filter_map(|object| match &*object.spec {
        Spec::Webhook(spec) => Some((&object.address.name, &**spec)),
        _ => None,
    });
    let compiled: Vec<_> = webhooks
        .map(|(name, spec)| {
            (name, spec, CompiledWebhook::new(spec, event_properties(&scope, &spec.event)).expect("a good webhook"))
        })
        .collect();
    let routes = compiled.iter().map(|(name, spec, webhook)| {
        let destination = scope.get(Kind::Destination, spec.destination.as_str());
        let Some(Spec::Destination(destination_spec)) = destination else { panic!("a destination") };
        Route { name, webhook, destination: &spec.destination, destination_spec, published: true }
    });
    let expected = |delivery: Delivery<'_>| {
        let request = delivery.request;
        let headers: serde_json::Map<String, Value> =
            request.headers.iter().map(|(name, content)| (name.clone(), json!(content))).collect();
        let mut expected = json!({ "webhook": delivery.webhook.as_str(), "method": request.method.as_str(),
                                   "url": request.url, "headers": headers, "auth": request.auth });
        if let Some(body) = request.body {
            expected["body"] = serde_json::from_str(&body).expect("JSON");
        }
        expected
    };
    deliveries(&event, routes).into_iter().map(expected).collect()
}
