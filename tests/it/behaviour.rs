//! The vectors of `docs/behaviour.md`, run against the code: the page is the semantics, and cannot say anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use trueup::base::ident::Name;
use trueup::behaviour::condition::CompiledCondition;
use trueup::behaviour::delivery::{CompiledWebhook, Route, deliveries};
use trueup::behaviour::end_user::EndUserIds;
use trueup::behaviour::event::{RawEvent, StoredEvent};
use trueup::behaviour::ingest::{Defaults, EventSystem, Ingested, ingest};
use trueup::behaviour::membership::CompiledAudience;
use trueup::behaviour::render::{OwnTexts, render};
use trueup::kinds::audience::AudienceSpec;
use trueup::kinds::catalogue::PropertyType;
use trueup::kinds::condition::{Condition, Operator};
use trueup::kinds::destination::DestinationSpec;
use trueup::kinds::scope::event_properties;
use trueup::kinds::system::SystemSpec;
use trueup::kinds::template::{NotificationType, TemplateSpec};
use trueup::kinds::webhook::WebhookSpec;
use trueup::kinds::{Address, Kind, Spec};

const PAGE: &str = "docs/behaviour.md";
const SYSTEM_ID: &str = "bcf4c7f5682b4aa6875a0fc9bdfa21ca";

/// A section with its tables of vectors and its blocks, each with the word behind `json`.
struct Section {
    title: String,
    rows: Vec<Vec<String>>,
    blocks: Vec<(String, String)>,
}

#[test]
fn every_vector_holds() {
    for section in sections(&page()) {
        let mut run = 0;
        for row in &section.rows {
            condition_row(row);
            run += 1;
        }
        for (sort, text) in &section.blocks {
            let vectors: Vec<Value> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{}: {e}", section.title));
            for vector in &vectors {
                match sort.as_str() {
                    "conditions" => condition(vector),
                    "events" => event(vector),
                    "deliveries" => delivery(vector),
                    "texts" => texts(vector),
                    "audiences" => audience(vector),
                    other => panic!("{}: nobody runs vectors of `{other}`", section.title),
                }
                run += 1;
            }
        }
        assert!(run > 0 || section.title == "Workflow runs", "the section `{}` has no vectors", section.title);
    }
}

#[test]
fn every_operator_is_seen_to_hold_and_not_to_hold() {
    let seen: BTreeSet<(String, bool)> = sections(&page())
        .iter()
        .flat_map(|section| &section.rows)
        .map(|row| (code(&row[2]).to_owned(), row[4] == "yes"))
        .collect();
    for operator in Operator::ALL {
        for holds in [true, false] {
            assert!(seen.contains(&(operator.as_str().to_owned(), holds)), "{} {holds}", operator.as_str());
        }
    }
}

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).expect("the page")
}

fn sections(page: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section { title: title.to_owned(), rows: Vec::new(), blocks: Vec::new() });
        }
        let Some(section) = sections.last_mut() else { continue };
        if let Some(sort) = line.strip_prefix("```json ") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            section.blocks.push((sort.to_owned(), block.join("\n")));
        }
        let cells: Vec<String> = line.trim_matches('|').split(" |").map(|cell| cell.trim().to_owned()).collect();
        if line.starts_with('|') && matches!(cells.last().map(String::as_str), Some("yes" | "no")) {
            assert_eq!(cells.len(), 5, "{line}");
            section.rows.push(cells);
        }
    }
    sections
}

/// What stands between backticks.
fn code(cell: &str) -> &str {
    cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).unwrap_or_else(|| panic!("`{cell}` is no code"))
}

fn parsed<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn condition_row(row: &[String]) {
    let [property, declared, operator, value, holds] = row else { panic!("{row:?}") };
    let json = |cell: &str| -> Value { serde_json::from_str(code(cell)).unwrap_or_else(|e| panic!("{e}: {row:?}")) };
    let mut written = json!({ "property": "p", "operator": code(operator) });
    if !value.is_empty() {
        written["value"] = json(value);
    }
    let condition: Condition = parsed(&written);
    let declared: Option<PropertyType> = (!declared.is_empty()).then(|| parsed(&json!(declared)));
    let compiled = CompiledCondition::new(&condition, &|_| declared).unwrap_or_else(|error| panic!("{error}: {row:?}"));
    let mut values = Map::new();
    if property != "absent" {
        values.insert("p".to_owned(), json(property));
    }
    assert_eq!(compiled.holds(&values), holds == "yes", "{row:?}");
}

fn condition(vector: &Value) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Vector {
        condition: Condition,
        values: Map<String, Value>,
        holds: bool,
    }
    let Vector { condition, values, holds } = parsed(vector);
    let compiled = CompiledCondition::untyped(&condition).expect("a condition that can be evaluated");
    assert_eq!(compiled.holds(&values), holds, "{vector}");
}

fn event(vector: &Value) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Vector {
        system: SystemSpec,
        salt: Option<String>,
        event: Value,
        stored: Option<Map<String, Value>>,
        dropped: Option<String>,
        faults: Option<Vec<(String, String)>>,
    }
    let Vector { system, salt, event, stored, dropped, faults } = parsed(vector);
    let own = json!({"properties": {
        "quoteId": {"type": "string", "class": "content"}, "amount": {"type": "number", "class": "content"},
        "approvedAt": {"type": "datetime", "class": "technical"}, "final": {"type": "boolean", "class": "technical"},
    }});
    let own = Kind::EventType.read_spec(&own).expect("an event type");
    let scope: BTreeMap<Address, Spec> =
        [(Address::new(Kind::EventType, Name::from_any("quote-approved")), own)].into();
    let name = Name::from_any("crm");
    let end_user_ids = EndUserIds::of(&system, salt.as_deref().map(str::as_bytes)).expect("a salt");
    let known = EventSystem { name: &name, system_id: SYSTEM_ID, spec: &system, end_user_ids };
    let outcome = RawEvent::read(event.to_string().as_bytes()).map_err(|fault| vec![fault]).and_then(|raw| {
        let is_named = raw.system == "crm" || raw.system.eq_ignore_ascii_case(SYSTEM_ID);
        let properties = event_properties(&scope, &raw.event);
        let now = "2031-06-01T12:00:00Z".parse().expect("a time");
        ingest(raw, is_named.then_some(known), properties, Defaults { event_id: "made".to_owned(), now })
    });
    match outcome {
        Ok(Ingested::Stored(event)) => {
            let stored = stored.unwrap_or_else(|| panic!("stored {event:?}, unlike {vector}"));
            // With their order.
            let text = |properties: &Map<String, Value>| serde_json::to_string(properties).expect("serialised");
            assert_eq!(text(&event.properties), text(&stored), "{vector}");
            assert_eq!(event.system, name);
        }
        Ok(Ingested::Dropped(id)) => assert_eq!(Some(id), dropped, "{vector}"),
        Err(found) => {
            let found: Vec<_> = found.into_iter().map(|f| (f.code.as_str().to_owned(), f.field)).collect();
            assert_eq!(Some(found), faults, "{vector}");
        }
    }
}

fn delivery(vector: &Value) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Vector {
        event: Occurred,
        webhook: WebhookSpec,
        destination: DestinationSpec,
        #[serde(default = "yes")]
        published: bool,
        delivery: Option<Value>,
    }
    #[derive(Deserialize)]
    struct Occurred {
        event: String,
        properties: Map<String, Value>,
    }
    fn yes() -> bool {
        true
    }
    let Vector { event: Occurred { event, properties }, webhook, destination, published, delivery } = parsed(vector);
    let event = StoredEvent {
        event_id: "e1".to_owned(),
        event,
        system: Name::from_any("crm"),
        occurred_at: jiff::Timestamp::UNIX_EPOCH,
        properties,
    };
    let compiled = CompiledWebhook::new(&webhook, event_properties(&BTreeMap::new(), &webhook.event));
    let compiled = compiled.expect("a webhook that can be evaluated");
    let name = Name::from_any("w");
    let route = Route {
        name: &name,
        webhook: &compiled,
        destination: &webhook.destination,
        destination_spec: &destination,
        published,
    };
    let made: Vec<Value> = deliveries(&event, [route])
        .iter()
        .map(|delivery| serde_json::to_value(&delivery.request).expect("serialised"))
        .collect();
    assert_eq!(made, delivery.into_iter().collect::<Vec<_>>(), "{vector}");
}

fn texts(vector: &Value) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Vector {
        template: TemplateSpec,
        #[serde(default)]
        notification: Own,
        locale: Option<String>,
        #[serde(default, rename = "override")]
        overrides: BTreeMap<String, String>,
        reads: Value,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Own {
        title: Option<String>,
        runtime_title: Option<String>,
        runtime_description: Option<String>,
        #[serde(rename = "type")]
        notification_type: Option<NotificationType>,
    }
    let Vector { template, notification, locale, overrides, reads } = parsed(vector);
    let own = OwnTexts {
        title: notification.title.as_deref(),
        runtime_title: notification.runtime_title.as_deref(),
        runtime_description: notification.runtime_description.as_deref(),
        notification_type: notification.notification_type,
    };
    let rendered = render(&template, own, locale.as_deref(), &overrides);
    assert_eq!(serde_json::to_value(&rendered).expect("serialised"), reads, "{vector}");
}

fn audience(vector: &Value) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Vector {
        audience: AudienceSpec,
        hash: Option<Value>,
        end_user: String,
        attributes: Map<String, Value>,
        member: bool,
    }
    let Vector { audience, hash, end_user, attributes, member } = parsed(vector);
    let mut system = json!({ "platform": "workstation" });
    if let Some(hash) = hash {
        system["endUserId"] = json!({ "hash": hash });
    }
    let system: SystemSpec = parsed(&system);
    let ids = EndUserIds::of(&system, None).expect("no salt is needed");
    let compiled = CompiledAudience::new(&audience, ids).expect("an audience that can be evaluated");
    assert_eq!(compiled.has(&end_user, &attributes), member, "{vector}");
}
