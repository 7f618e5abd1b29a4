//! Law 15: for any configuration and stored event, the deliveries that `behaviour` predicts are those the server makes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use trueup::behaviour::delivery::{CompiledWebhook, Route, deliveries};
use trueup::behaviour::event::StoredEvent;
use trueup::behaviour::request::Content;
use trueup::kinds::scope::event_properties;
use trueup::kinds::{Kind, Spec};
use trueup::object::delivery::DeliveryState;
use trueup::runtime::configuration::Configuration;

use crate::engine_rig::{EngineRig, Received, Receiver, project};
use crate::world::{Random, seeds};

const EVENTS: [&str; 3] = ["survey.submitted", "menu.opened", "quote-approved"];
const COUNTRIES: [&str; 4] = ["DE", "FR", "US", "ä b&c"];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A request as both sides see it: method, path and query, own headers, body.
pub(crate) type Seen = (String, String, BTreeMap<String, String>, String);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_predicted_is_what_arrives() {
    let (rig, receiver) = (EngineRig::new().await, Receiver::glad().await);
    rig.apply(&[("EventType/quote-approved", own_event())]).await;
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

/// The spec of `EventType/quote-approved`, which events and webhooks here rest on.
pub(crate) fn own_event() -> Value {
    json!({ "properties": { "amount": { "type": "number", "class": "content" },
                            "when": { "type": "datetime", "class": "content" } } })
}

pub(crate) fn configuration(random: &mut Random, receiver: &Receiver) -> Vec<(String, Value)> {
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

pub(crate) fn seen(request: &Received) -> Seen {
    let own = |name: &&String| ["content-type", "x-place"].contains(&name.as_str());
    let headers = request.headers.iter().filter(|(name, _)| own(name));
    let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
    (request.method.clone(), request.target.clone(), headers, request.body.clone())
}
