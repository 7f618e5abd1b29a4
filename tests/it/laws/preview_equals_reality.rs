//! Law 15: for any configuration and stored event, the deliveries that `behaviour` predicts are those the server makes;
//! and what a plan's preview says of stored events is what the server does once the plan is applied.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use trueup::base::ident::PlanId;
use trueup::base::path::{Path, Segment};
use trueup::behaviour::delivery::{CompiledWebhook, Route, deliveries};
use trueup::behaviour::event::StoredEvent;
use trueup::behaviour::recorded::EventLine;
use trueup::behaviour::request::Content;
use trueup::desired::load::load_project;
use trueup::desired::secrets::Secrets;
use trueup::kinds::scope::event_properties;
use trueup::kinds::{Kind, Spec};
use trueup::live;
use trueup::manifest::{Input, LoadOptions};
use trueup::object::delivery::{DeliveryRecord, DeliveryState, EventQuery};
use trueup::plan::preview::Preview;
use trueup::plan::selection::Selection;
use trueup::plan::wanted::wanted;
use trueup::plan::{PlanOptions, build};
use trueup::provider::Reader as _;
use trueup::review::preview::{Arrival, Replay};
use trueup::review::states::States;
use trueup::runtime::configuration::Configuration;
use uuid::Uuid;

use crate::engine_rig::{EngineRig, Received, Receiver, project};
use crate::world::{Random, manifest, seeds};

const EVENTS: [&str; 3] = ["survey.submitted", "menu.opened", "quote-approved"];
const COUNTRIES: [&str; 4] = ["DE", "FR", "US", "ä b&c"];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Events that are run through one pair of configurations.
const BATCH: usize = 12;

/// A request as both sides see it: method, path and query, own headers, body.
type Seen = (String, String, BTreeMap<String, String>, String);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_predicted_is_what_arrives() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    let own = json!({ "properties": { "amount": { "type": "number", "class": "content" },
                                      "when": { "type": "datetime", "class": "content" } } });
    rig.apply(&[("EventType/quote-approved", own)]).await;
    let (mut predicted_in_all, mut cases) = (0, 0);
    for seed in seeds(300) {
        let mut random = Random::new(seed);
        rig.apply_with(&configuration(&mut random, &receiver), &[], true).await;
        let id = format!("e{seed}");
        let before = receiver.requests().len();
        rig.send(&event(&mut random, &id)).await;
        let configuration = rig.engine.configurations().of(&project()).await.expect("a configuration");
        let expected = match stored(&rig, &id).await {
            Some(event) => predicted(&configuration, &event),
            None => Vec::new(),
        };
        let made = rig
            .until(|all| {
                let mut of_event = all.iter().filter(|delivery| delivery.event_id == id);
                of_event.clone().count() >= expected.len()
                    && of_event.all(|delivery| delivery.state == DeliveryState::Delivered)
            })
            .await;
        assert_eq!(made.iter().filter(|delivery| delivery.event_id == id).count(), expected.len(), "seed {seed}");
        let mut arrived: Vec<Seen> = receiver.requests()[before..].iter().map(seen).collect();
        arrived.sort();
        assert_eq!(arrived, expected, "seed {seed}");
        predicted_in_all += expected.len();
        cases += 1;
    }
    // Enough of both: events that nobody wanted and events that several did.
    assert!(predicted_in_all > cases / 2, "{predicted_in_all} of {cases}");
}

/// Of 100 pairs of configurations, 12 events each: 1,200 pairs of a plan and an event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_plan_previews_is_what_comes_of_it() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    let own = json!({ "properties": { "amount": { "type": "number", "class": "content" },
                                      "when": { "type": "datetime", "class": "content" } } });
    rig.apply(&[("EventType/quote-approved", own.clone())]).await;
    let (mut pairs, mut differences, mut gone_before) = (0, 0, 0);
    for seed in seeds(100) {
        let mut random = Random::new(seed + 1_000_000);
        let before = told_apart(configuration(&mut random, &receiver));
        let after = if random.chance(90) { edited(&mut random, &receiver, &before) } else { before.clone() };
        let events: Vec<Value> = (0..BATCH).map(|n| event(&mut random, &format!("e{seed}-{n}-"))).collect();
        rig.apply_with(&before, &[], true).await;
        let began = receiver.requests().len();
        rig.send_all(&events).await;
        let made = of_events(&rig, &receiver, began, &format!("e{seed}-")).await;

        let previewed = preview(&rig, &own, &after, &format!("e{seed}-")).await;
        rig.apply_with(&after, &[], true).await;
        let began = receiver.requests().len();
        // The same events come again, under ids of the same length that are not known yet.
        let again = |value: &Value| -> Value {
            serde_json::from_str(&value.to_string().replace(&format!("e{seed}-"), &format!("f{seed}-"))).expect("JSON")
        };
        rig.send_all(&events.iter().map(again).collect::<Vec<_>>()).await;
        let will = of_events(&rig, &receiver, began, &format!("f{seed}-")).await;

        let id = format!("f{seed}-");
        let came: Vec<(String, String, Seen)> = will
            .into_iter()
            .map(|(webhook, event, (method, target, headers, body))| {
                let old = |text: String| text.replace(&id, &format!("e{seed}-"));
                (webhook, old(event), (method, old(target), headers, old(body)))
            })
            .collect();
        check(seed, &previewed, &made, &came);
        pairs += events.len();
        differences +=
            previewed.webhooks.iter().filter(|webhook| webhook.gained + webhook.lost + webhook.changed > 0).count();
        gone_before += made.len();
    }
    assert!(pairs >= 1_000, "{pairs}");
    // Enough of both: plans that change deliveries, and deliveries that could change.
    assert!(differences > pairs / 20 && gone_before > pairs / 4, "{differences} differences, {gone_before} of {pairs}");
}

/// What a preview says, against the deliveries that were made before and after.
fn check(seed: u64, preview: &Preview, made: &[(String, String, Seen)], came: &[(String, String, Seen)]) {
    let of = |all: &[(String, String, Seen)], webhook: &str| -> BTreeMap<String, Seen> {
        let own = all.iter().filter(|(name, _, _)| name == webhook);
        own.map(|(_, event, seen)| (event.clone(), seen.clone())).collect()
    };
    for n in 0..3 {
        let (name, address) = (format!("w{n}"), format!("Webhook/w{n}"));
        let (old, new) = (of(made, &name), of(came, &name));
        let told = preview.webhooks.iter().find(|webhook| webhook.address.to_string() == address);
        let Some(told) = told else {
            assert_eq!(old, new, "seed {seed}: {address} is not in the preview");
            continue;
        };
        let count = |number: usize| u64::try_from(number).expect("few");
        assert_eq!((told.before, told.after), (count(old.len()), count(new.len())), "seed {seed}: {address}");
        let gained: Vec<&String> = new.keys().filter(|event| !old.contains_key(*event)).collect();
        let lost: Vec<&String> = old.keys().filter(|event| !new.contains_key(*event)).collect();
        let changed: Vec<&String> =
            old.keys().filter(|event| new.get(*event).is_some_and(|seen| *seen != old[*event])).collect();
        let counts = (count(gained.len()), count(lost.len()), count(changed.len()));
        assert_eq!((told.gained, told.lost, told.changed), counts, "seed {seed}: {address}");
        for (sample, among, all) in [
            (&told.gained_sample, gained, &new),
            (&told.lost_sample, lost, &old),
            (&told.changed_sample, changed, &new),
        ] {
            assert_eq!(sample.is_some(), !among.is_empty(), "seed {seed}: {address}");
            let Some(sample) = sample else { continue };
            // The sample is the earliest, and what it shows of the request is what arrived.
            assert!(among.contains(&&sample.event_id), "seed {seed}: {address}: {}", sample.event_id);
            let seen = &all[&sample.event_id];
            for change in &sample.changes {
                let side = if told.lost_sample.as_ref() == Some(sample) { &change.before } else { &change.after };
                if let Some(side) = side {
                    shows(seed, &change.path, &side.to_json(true), seen);
                }
            }
        }
    }
    for place in &preview.destinations {
        let path = place.url.split_once("//").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let reaches = |all: &[(String, String, Seen)]| {
            let hit = |(_, _, seen): &&(String, String, Seen)| seen.1.split('?').next() == Some(&*format!("/{path}"));
            u64::try_from(all.iter().filter(hit).count()).expect("few")
        };
        assert_eq!((place.before, place.after), (reaches(made), reaches(came)), "seed {seed}: {}", place.url);
    }
}

/// What a sample shows of a request is in the request that arrived.
fn shows(seed: u64, path: &Path, value: &Value, (method, target, headers, body): &Seen) {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let keys: Vec<&str> = path
        .segments()
        .iter()
        .map(|segment| match segment {
            Segment::Key(key) => &**key,
            other => panic!("{other:?} in {path}"),
        })
        .collect();
    match keys.as_slice() {
        ["method"] => assert_eq!(text, *method, "seed {seed}"),
        ["url"] => {
            let path = text.split_once("//").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
            let path = path.split('#').next().unwrap_or_default().trim_end_matches('?');
            assert!(target.starts_with(&format!("/{path}")), "seed {seed}: {target} does not begin with {text}");
        }
        ["headers", name] => assert_eq!(headers.get(&name.to_ascii_lowercase()), Some(&text), "seed {seed}"),
        ["body", name] => {
            let sent: Value = serde_json::from_str(body).expect("a JSON body");
            assert_eq!(sent[name], *value, "seed {seed}: {name}");
        }
        ["query", name] => {
            let sent = query(target).into_iter().any(|(key, sent)| key == *name && sent == text);
            assert!(sent, "seed {seed}: {target} has no {name}={text}");
        }
        other => panic!("seed {seed}: {other:?}"),
    }
}

fn query(target: &str) -> Vec<(String, String)> {
    let url = url::Url::parse(&format!("http://receiver{target}")).expect("a URL");
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// The configuration with requests that say which webhook made them, and of which event.
fn told_apart(mut objects: Vec<(String, Value)>) -> Vec<(String, Value)> {
    for (address, spec) in &mut objects {
        let Some(name) = address.strip_prefix("Webhook/") else { continue };
        let properties = spec["properties"].as_object_mut().expect("properties");
        let fixed = properties.entry("static").or_insert_with(|| json!({}));
        fixed["webhook"] = json!(name);
        if let Some(Value::Array(include)) = properties.get_mut("include")
            && !include.contains(&json!("eventId"))
        {
            include.push(json!("eventId"));
        }
    }
    objects
}

/// Another random configuration, whose system drops at least what it drops now and hashes as it does: what is gone of a
/// recorded event is gone.
fn edited(random: &mut Random, receiver: &Receiver, before: &[(String, Value)]) -> Vec<(String, Value)> {
    let mut objects = told_apart(configuration(random, receiver));
    let (_, system) = before.iter().find(|(address, _)| address == "System/crm").expect("a system");
    let mut system = system.clone();
    if random.chance(25) {
        system["censor"] = json!({ "properties": ["country"], "events": ["menu.opened"] });
    }
    for (address, spec) in &mut objects {
        if address == "System/crm" {
            *spec = system.clone();
        } else if random.chance(40)
            && let Some((_, old)) = before.iter().find(|(other, _)| other == address)
        {
            // What stays is as important as what changes.
            *spec = old.clone();
        }
    }
    objects
}

/// The preview that a plan of these objects gives of the stored events whose ids begin so.
async fn preview(rig: &EngineRig, own: &Value, objects: &[(String, Value)], id: &str) -> Preview {
    let event_type = ("EventType/quote-approved".to_owned(), own.clone());
    let documents = objects.iter().chain([&event_type]).map(|(address, spec)| {
        let (kind, name) = address.split_once('/').expect("an address");
        manifest(kind, name, spec.clone()).to_string()
    });
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: {} }}\n", project());
    std::fs::write(folder.path().join("trueup.yaml"), file).expect("written");
    let manifests = documents.collect::<Vec<_>>().join("\n---\n");
    std::fs::write(folder.path().join("manifests.yaml"), &manifests).expect("written");
    let loaded = load_project(&LoadOptions {
        path: Input::Path(".".into()),
        working_folder: folder.path().canonicalize().expect("a folder"),
        target: None,
        vars: Vec::new(),
        var_files: Vec::new(),
        threads: Some(std::num::NonZeroUsize::MIN),
    });
    let loaded = loaded.expect("a project");
    assert!(!loaded.has_errors(), "{:#?}\n{manifests}", loaded.diagnostics);
    let secrets = Secrets::default();
    let reader = rig.reader().await;
    let live = live::read(&reader, &wanted(&loaded.desired, &secrets, &[])).await.expect("live state");
    let options = PlanOptions {
        plan_id: PlanId(Uuid::from_u128(1)),
        now: rig.hands.now(),
        trueup_version: "0.0.0".to_owned(),
        adopt: false,
        prune: false,
        allow_empty: false,
        destroy: false,
        unavailable_secrets: std::collections::BTreeSet::new(),
        allow_send: false,
        max_deletes: usize::MAX,
        max_changed_percent: None,
        selection: Selection::default(),
        replace: Vec::new(),
    };
    let plan = build(&loaded.desired, &live, &options).expect("a plan");
    let states = States::of(&plan, &loaded.desired, &live).expect("states");
    let ids = live.rows.iter().map(|(address, row)| (address, row.id)).collect();
    let mut replay = Replay::new(&states, Arrival { ids, now: rig.hands.now() });
    let mut cursor = None;
    loop {
        let page = reader.events(&EventQuery { since: None, limit: 1_000, cursor }).await.expect("events");
        if page.events.is_empty() {
            break;
        }
        for event in page.events {
            let event: StoredEvent = serde_json::from_value(event).expect("a stored event");
            if event.event_id.starts_with(id) {
                replay.take(EventLine::Stored(event)).expect("run");
            }
        }
        cursor = page.next;
    }
    replay.finish(&plan, &[])
}

/// Deliveries of the events whose ids begin so, once all were made: webhook, event and request.
async fn of_events(rig: &EngineRig, receiver: &Receiver, began: usize, id: &str) -> Vec<(String, String, Seen)> {
    let settled = |all: &[DeliveryRecord]| {
        all.iter()
            .filter(|delivery| delivery.event_id.starts_with(id))
            .all(|delivery| delivery.state == DeliveryState::Delivered)
    };
    let made = rig.until(settled).await;
    let made: Vec<_> = made.into_iter().filter(|delivery| delivery.event_id.starts_with(id)).collect();
    let requests = receiver.arrived(began + made.len()).await;
    assert_eq!(requests.len(), began + made.len(), "{id}");
    let mut of_requests = Vec::new();
    for request in &requests[began..] {
        let seen = seen(request);
        let sent: BTreeMap<String, String> = if seen.0 == "GET" {
            query(&seen.1).into_iter().collect()
        } else {
            let body: Map<String, Value> = serde_json::from_str(&seen.3).expect("a JSON body");
            body.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect()
        };
        of_requests.push((sent["webhook"].clone(), sent["eventId"].clone(), seen));
    }
    let mut told: Vec<(String, String)> =
        made.iter().map(|delivery| (delivery.webhook.to_string(), delivery.event_id.clone())).collect();
    let mut got: Vec<(String, String)> =
        of_requests.iter().map(|(webhook, event, _)| (webhook.clone(), event.clone())).collect();
    told.sort();
    got.sort();
    assert_eq!(told, got);
    of_requests
}

fn configuration(random: &mut Random, receiver: &Receiver) -> Vec<(String, Value)> {
    let mut system = json!({ "platform": "web" });
    if random.chance(30) {
        system["endUserId"] = json!({ "hash": { "algorithm": "sha256" } });
    }
    if random.chance(20) {
        system["censor"] = json!({ "properties": ["country"], "events": ["menu.opened"] });
    }
    let mut objects = vec![("System/crm".to_owned(), system)];
    for n in 0..3 {
        let query = *random.pick(&["", "?", "?a=1&b=%20", "?a=1#part"]);
        let mut destination = json!({ "platform": "Any", "method": *random.pick(&METHODS),
                                      "url": receiver.url(&format!("/d{n}/x%2Fy{query}")) });
        if random.chance(50) {
            destination["headers"] = json!({ "X-Place": format!("d{n} \"quoted\"") });
        }
        objects.push((format!("Destination/d{n}"), destination));
        objects.push((format!("Webhook/w{n}"), webhook(random)));
    }
    objects
}

pub(crate) fn webhook(random: &mut Random) -> Value {
    let event = *random.pick(&EVENTS);
    let own: &[&str] = match event {
        "survey.submitted" => &["score", "answer"],
        "quote-approved" => &["amount", "when"],
        _ => &["itemName"],
    };
    let mut names = vec!["endUserId", "country", "eventId", "occurredAt"];
    names.extend(own);
    let mut properties = Map::new();
    if random.chance(60) {
        let include: Vec<&str> = names.iter().copied().filter(|_| random.chance(60)).collect();
        if !include.is_empty() {
            properties.insert("include".into(), json!(include));
        }
    }
    if random.chance(40) {
        properties.insert("rename".into(), json!({ "country": "land", "endUserId": "user_id" }));
    }
    if random.chance(40) {
        properties.insert("static".into(), json!({ "source": "trueup \"x\"", "priority": 2.5, "live": true }));
    }
    let mut webhook = json!({ "system": "crm", "event": event, "destination": format!("d{}", random.below(3)),
                              "properties": properties, "enabled": random.chance(85) });
    if random.chance(60) {
        let country = json!({ "property": "country", "operator": *random.pick(&["equalTo", "notEqualTo", "contains"]),
                              "value": *random.pick(&COUNTRIES) });
        let exists = json!({ "property": *random.pick(&names), "operator": "exists" });
        let mut rows = vec![country, exists];
        if event == "survey.submitted" {
            rows.push(
                json!({ "property": "score", "operator": *random.pick(&["lessThan", "greaterThan"]), "value": 5 }),
            );
        }
        let some: Vec<Value> = rows.into_iter().filter(|_| random.chance(60)).collect();
        if !some.is_empty() {
            let shape = *random.pick(&["all", "any"]);
            webhook["conditions"] = json!({ shape: some });
        }
    }
    webhook
}

pub(crate) fn event(random: &mut Random, id: &str) -> Value {
    let kind = *random.pick(&EVENTS);
    let mut properties = Map::new();
    if random.chance(70) {
        properties.insert("country".into(), json!(*random.pick(&COUNTRIES)));
    }
    match kind {
        "survey.submitted" => {
            properties.insert("score".into(), [json!(3), json!(7.25), json!(-0.5)][random.below(3)].clone());
            properties.insert("answer".into(), json!(*random.pick(&["", "a=b&c", "line\nline \u{1f600} \"q\""])));
        }
        "quote-approved" => {
            properties.insert("amount".into(), json!(1e3));
            properties.insert("when".into(), json!("2031-12-01 08:30"));
        }
        _ => {
            properties.insert("itemName".into(), json!("main menu"));
        }
    }
    properties.retain(|_, _| random.chance(85));
    json!({ "event": kind, "system": "crm", "endUserId": "ana@acme.test", "eventId": id, "properties": properties })
}

/// The event as it was stored; `None` when it was dropped.
async fn stored(rig: &EngineRig, id: &str) -> Option<StoredEvent> {
    let events = rig.store.reads().event_page(&project(), None, None, 10_000).await.expect("events").events;
    let event = events.into_iter().find(|event| event["eventId"] == id)?;
    Some(serde_json::from_value(event).expect("a stored event"))
}

fn predicted(configuration: &Configuration, event: &StoredEvent) -> Vec<Seen> {
    let compiled: Vec<_> = configuration
        .of_kind(Kind::Webhook)
        .map(|object| {
            let Spec::Webhook(spec) = &object.spec else { panic!("a webhook") };
            let webhook = CompiledWebhook::new(spec, event_properties(configuration, &spec.event));
            (object, spec, webhook.expect("a good webhook"))
        })
        .collect();
    let routes = compiled.iter().map(|(object, spec, webhook)| {
        let destination = configuration.named(Kind::Destination, &spec.destination).expect("a destination");
        let Spec::Destination(destination_spec) = &destination.spec else { panic!("a destination") };
        let name = &object.address.name;
        Route { name, webhook, destination: &destination.address.name, destination_spec, published: true }
    });
    let requests = deliveries(event, routes).into_iter().map(|delivery| {
        let request = delivery.request;
        let path = request.url.split_once("//").and_then(|(_, rest)| rest.split_once('/'));
        // What stands behind `#` is never sent, and neither is a `?` that is followed by nothing.
        let path = path.map_or_else(String::new, |(_, path)| format!("/{path}"));
        let path = path.split('#').next().unwrap_or_default().to_owned();
        let headers = request.headers.iter().map(|(name, content)| match content {
            Content::Plain(text) => (name.to_ascii_lowercase(), text.clone()),
            Content::Secret(place) => panic!("no secrets here: {place:?}"),
        });
        (request.method.as_str().to_owned(), path, headers.collect(), request.body.unwrap_or_default())
    });
    let mut requests: Vec<Seen> = requests.collect();
    requests.sort();
    requests
}

fn seen(request: &Received) -> Seen {
    let own = |name: &&String| ["content-type", "x-place"].contains(&name.as_str());
    let headers = request.headers.iter().filter(|(name, _)| own(name));
    let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
    (request.method.clone(), request.target.clone(), headers, request.body.clone())
}
