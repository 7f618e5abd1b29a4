use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::kinds::catalogue::EVENTS;
use crate::kinds::scope::event_properties;
use crate::kinds::system::censorship::INPUT_TEXT;

const SYSTEM_ID: &str = "bcf4c7f5682b4aa6875a0fc9bdfa21ca";

fn spec(more: &Value) -> SystemSpec {
    let mut spec = json!({ "platform": "web" });
    if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
        spec.extend(more.clone());
    }
    serde_json::from_value(spec).expect("a readable spec")
}

fn ingested(raw: RawEvent, spec: &SystemSpec, salt: Option<&[u8]>) -> Result<Ingested, Vec<Fault>> {
    let name = Name::from_any("crm");
    let end_user_ids = EndUserIds::of(spec, salt).expect("a salt");
    let system = EventSystem { name: &name, system_id: SYSTEM_ID, spec, end_user_ids };
    let scope = BTreeMap::new();
    let known = event_properties(&scope, &raw.event);
    let defaults = Defaults { event_id: "made".into(), now: jiff::Timestamp::UNIX_EPOCH };
    ingest(raw, Some(system), known, defaults)
}

fn raw(event: &str, properties: &Value) -> RawEvent {
    let properties = properties.as_object().cloned().unwrap_or_default();
    RawEvent {
        event: event.into(),
        system: "crm".into(),
        end_user_id: Some("u1".into()),
        properties,
        ..RawEvent::default()
    }
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(TEXT_LIMIT + 1);
    let faults =
        ingested(raw("menu.searched", &json!({ "query": long })), &spec(&json!({})), None).expect_err("too long");
    assert_eq!(
        faults.first().map(|fault| (fault.code, fault.field.as_str())),
        Some((Code::TooLarge, "properties.query"))
    );
    let mut event = raw("menu.searched", &json!({}));
    event.session_id = Some("x".repeat(ID_LIMIT + 1));
    let faults = ingested(event, &spec(&json!({})), None).expect_err("too long");
    assert_eq!(faults.len(), 1);
    let nonsense = "y".repeat(10_000);
    let faults = ingested(raw("menu.searched", &json!({ nonsense: 1 })), &spec(&json!({})), None).expect_err("unknown");
    assert!(faults.iter().all(|fault| fault.message.len() < 300), "an answer does not echo at length");
    let many: Map<String, Value> = (0..1_000).map(|n| (format!("unknown{n}"), json!(1))).collect();
    let faults = ingested(raw("menu.searched", &Value::Object(many)), &spec(&json!({})), None).expect_err("unknown");
    assert_eq!(faults.len(), UNKNOWN_TOLD, "nor one by one without end");
}

#[test]
fn the_text_of_other_elements_is_no_typed_text() {
    let stored = ingested(raw("dxa.clicked", &json!({"elementText": "Save"})), &spec(&json!({})), None);
    let Ok(Ingested::Stored(event)) = stored else { panic!("{stored:?}") };
    assert_eq!(event.properties.get("elementText"), Some(&json!("Save")));
}

fn properties_of(event: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    let properties = &EVENTS[event].properties;
    let own: Vec<(&'static str, Property)> = properties
        .iter()
        .map(|(name, property)| (*name, *property))
        .filter(|(name, _)| !ENVELOPE.contains(name))
        .collect();
    prop::sample::subsequence(own.clone(), 0..=own.len()).prop_map(|chosen| {
        let value = |name: &str, property: Property| match property.value_type {
            PropertyType::Number => json!(name.len()),
            _ => json!(format!("secret {name}")),
        };
        chosen.into_iter().map(|(name, property)| (name.to_owned(), value(name, property))).collect()
    })
}

const ENVELOPE: [&str; 7] = ["eventId", "event", "occurredAt", "systemId", "environment", "endUserId", "sessionId"];

proptest! {
    /// Nothing that is censored, and no id where ids are hashed, is anywhere in what is stored.
    #[test]
    fn what_must_not_be_kept_is_not_kept(
        (event, properties) in prop::sample::select(EVENTS.keys().copied().collect::<Vec<_>>())
            .prop_flat_map(|event| (Just(event), properties_of(event))),
        censored in prop::sample::subsequence(
            vec!["answer", "query", "pageUrl", "pageTitle", "city", "elementText", "endUserId", "sessionId", "score"], 0..9),
    ) {
        let spec = spec(&json!({
            "endUserId": { "hash": { "algorithm": "sha256", "salt": { "fromEnv": "S" } } },
            "censor": { "properties": censored },
        }));
        let mut raw = raw(event, &Value::Object(properties.clone()));
        raw.end_user_id = Some("kim@acme.test".into());
        raw.session_id = Some("secret sessionId".into());
        let stored = ingested(raw, &spec, Some(b"salt"));
        let Ok(Ingested::Stored(stored)) = stored else { panic!("{stored:?}") };
        let text = serde_json::to_string(&stored).expect("serialised");
        prop_assert!(!text.contains("kim@acme.test"));
        for name in &censored {
            prop_assert!(!stored.properties.contains_key(*name));
            let value = format!("secret {name}");
            prop_assert!(!text.contains(&value));
        }
        // And what is not, is kept as it came.
        let typed = event == INPUT_TEXT.0;
        for (name, value) in &properties {
            let dropped = censored.contains(&name.as_str()) || (typed && name == INPUT_TEXT.1);
            if !dropped {
                prop_assert_eq!(stored.properties.get(name), Some(value));
            }
        }
    }

    /// Whatever is sent, the outcome is one of three, and a body with something wrong is never stored.
    #[test]
    fn any_body_has_an_outcome(
        event in "[a-z.-]{0,12}|survey\\.submitted",
        name in "[a-zA-Z]{0,8}|score|answer|endUserId",
        value in prop_oneof![Just(json!(null)), Just(json!(1)), Just(json!("x")), Just(json!([1])), Just(json!({"a": 1}))],
        occurred_at in prop::option::of("[0-9T:Z -]{0,20}"),
    ) {
        let mut raw = raw(&event, &json!({ name: value }));
        raw.occurred_at = occurred_at;
        match ingested(raw, &spec(&json!({})), None) {
            Ok(Ingested::Stored(stored)) => prop_assert!(EVENTS.contains_key(stored.event.as_str())),
            Ok(Ingested::Dropped(_)) => prop_assert!(false, "nothing is censored"),
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }
}
