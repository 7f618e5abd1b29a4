use std::sync::Arc;

use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::*;
use crate::kinds::Metadata;
use crate::plan::preview::WebhookPreview;
use crate::plan::sample::empty;
use crate::review::states::{State, StateObject};

fn state(objects: &[(&str, Value)]) -> State {
    let object = |(address, spec): &(&str, Value)| {
        let address: Address = address.parse().expect("an address");
        let mut spec = address.kind.read_spec(spec).expect("a spec");
        spec.normalise();
        let object = StateObject {
            metadata: Arc::new(Metadata::named(address.name.clone())),
            spec: Arc::new(spec),
            published: true,
        };
        (address, object)
    };
    State { objects: objects.iter().map(object).collect() }
}

fn states(before: &[(&str, Value)], after: &[(&str, Value)]) -> States {
    States { before: state(before), after: state(after), moved: BTreeMap::new() }
}

fn stored(id: &str, properties: &Value) -> EventLine {
    let event = json!({"eventId": id, "event": "survey.submitted", "system": "crm",
        "occurredAt": format!("2031-01-01T00:00:{:02}Z", id.len()), "properties": properties});
    EventLine::Stored(serde_json::from_value(event).expect("a stored event"))
}

fn replayed(states: &States, events: impl IntoIterator<Item = EventLine>) -> Preview {
    let arrival = Arrival { ids: BTreeMap::new(), now: Timestamp::UNIX_EPOCH };
    let mut replay = Replay::new(states, arrival);
    for event in events {
        replay.take(event).expect("a good event");
    }
    replay.finish(&empty(), &[])
}

fn system(more: &Value) -> (&'static str, Value) {
    let mut spec = json!({"platform": "web"});
    spec.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    ("System/crm", spec)
}

fn destination(url: &str) -> (&'static str, Value) {
    ("Destination/chat", json!({"platform": "Chat", "method": "POST", "url": url}))
}

fn webhook(more: &Value) -> (&'static str, Value) {
    let mut spec = json!({"system": "crm", "event": "survey.submitted", "destination": "chat"});
    spec.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    ("Webhook/nps", spec)
}

fn counts(preview: &WebhookPreview) -> [u64; 5] {
    [preview.before, preview.after, preview.gained, preview.lost, preview.changed]
}

fn paths(changes: &[crate::plan::plan_value::Change]) -> Vec<String> {
    changes.iter().map(|change| change.path.to_string()).collect()
}

#[test]
fn what_a_system_drops_anew_is_gone_from_requests_and_what_it_hashed_stays() {
    let common =
        [destination("https://chat.test/a"), webhook(&json!({"properties": {"include": ["score", "country"]}}))];
    let with = |censor: Value| [system(&json!({"censor": censor})), common[0].clone(), common[1].clone()];
    let dropping = states(&with(json!({})), &with(json!({"properties": ["country"]})));
    let events = || [stored("a", &json!({"country": "DE", "score": 1})), stored("bb", &json!({"score": 1}))];
    let preview = replayed(&dropping, events());
    assert_eq!(counts(&preview.webhooks[0]), [2, 2, 0, 0, 1]);
    let sample = preview.webhooks[0].changed_sample.as_ref().expect("a sample");
    assert_eq!((sample.event_id.as_str(), paths(&sample.changes)), ("a", vec!["body.country".to_owned()]));
    let whole = states(&with(json!({})), &with(json!({"events": ["survey.submitted"]})));
    assert_eq!(counts(&replayed(&whole, events()).webhooks[0]), [2, 0, 0, 2, 0]);
}

#[test]
fn an_object_that_moves_is_the_same_object() {
    let before = [system(&json!({})), destination("https://chat.test/a"), webhook(&json!({}))];
    let mut spec = before[2].1.clone();
    spec["system"] = json!("shop");
    let after = [("System/shop", before[0].1.clone()), before[1].clone(), ("Webhook/detractors", spec)];
    let mut moving = states(&before, &after);
    let address = |text: &str| -> Address { text.parse().expect("an address") };
    moving.moved.insert(address("System/shop"), address("System/crm"));
    moving.moved.insert(address("Webhook/detractors"), address("Webhook/nps"));
    let preview = replayed(&moving, [stored("a", &json!({"score": 1}))]);
    let [only] = preview.webhooks.as_slice() else { panic!("{preview:?}") };
    assert_eq!((only.address.to_string().as_str(), counts(only)), ("Webhook/detractors", [1, 1, 0, 0, 0]));
    assert_eq!(preview.destinations, []);
}

#[test]
fn a_place_that_another_webhook_reaches_is_not_new() {
    let url = |n: u8| json!({"platform": "Chat", "method": "POST", "url": format!("https://chat.test/{n}?secret=1")});
    let hook = |destination: &str| json!({"system": "crm", "event": "survey.submitted", "destination": destination});
    let base = [system(&json!({})), ("Destination/one", url(1)), ("Destination/two", url(2))];
    let with = |a: &str, b: &str| [base.to_vec(), vec![("Webhook/a", hook(a)), ("Webhook/b", hook(b))]].concat();
    let preview = replayed(&states(&with("one", "two"), &with("two", "two")), [stored("a", &json!({}))]);
    let [left] = preview.destinations.as_slice() else { panic!("{preview:?}") };
    assert_eq!((left.url.as_str(), left.before, left.after), ("https://chat.test/1", 1, 0));
    assert_eq!(preview.webhooks.len(), 1, "the other is left alone: {preview:?}");
}

#[test]
fn what_cannot_be_run_twice_or_at_all_is_counted() {
    let base = [system(&json!({})), destination("https://chat.test/a"), webhook(&json!({}))];
    let raw = |system: &str| {
        let event = json!({"event": "menu.opened", "system": system, "endUserId": "ana"});
        EventLine::read(event.to_string().as_bytes()).expect("an event")
    };
    let event = || stored("a", &json!({"score": 1}));
    let preview = replayed(&states(&base, &base), [event(), event(), raw("crm"), raw("elsewhere")]);
    assert_eq!((preview.events, preview.skipped), (2, 2));
}

/// A webhook as a plan may change it.
fn any_webhook() -> impl Strategy<Value = Value> {
    let names = vec!["score", "country", "answer", "endUserId"];
    let include = subsequence(names, 1..=4);
    let parts = (any::<bool>(), -1..8_i64, include, any::<bool>(), select(vec!["one", "two", "three"]), 0..10_u8);
    parts.prop_map(|(all, bound, include, renamed, destination, enabled)| {
        let mut properties = json!({"include": if all { json!("all") } else { json!(include) }});
        if renamed {
            properties["rename"] = json!({"country": "land"});
        }
        let mut spec = json!({"system": "crm", "event": "survey.submitted", "destination": destination,
            "properties": properties, "enabled": enabled > 0});
        if bound >= 0 {
            spec["conditions"] = json!([{"property": "score", "operator": "lessThan", "value": bound}]);
        }
        spec
    })
}

fn any_state() -> impl Strategy<Value = State> {
    let webhooks = proptest::collection::vec((0..4_u8, any_webhook()), 0..5);
    (webhooks, any::<bool>(), any::<bool>()).prop_map(|(webhooks, get, published)| {
        let method = if get { "GET" } else { "POST" };
        let url = |n: u8| json!({"platform": "Chat", "method": method, "url": format!("https://chat.test/{}", n % 2)});
        let names: Vec<String> = webhooks.iter().map(|(n, _)| format!("Webhook/w{n}")).collect();
        let mut objects = vec![
            system(&json!({})),
            ("Destination/one", url(1)),
            ("Destination/two", url(2)),
            ("Destination/three", url(3)),
        ];
        objects.extend(names.iter().map(String::as_str).zip(webhooks.iter().map(|(_, spec)| spec.clone())));
        let mut state = state(&objects);
        for object in state.objects.values_mut() {
            object.published = published;
        }
        state
    })
}

fn any_events() -> impl Strategy<Value = Vec<EventLine>> {
    let event = (0..10_i64, any::<bool>()).prop_map(|(score, has_country)| {
        let mut properties = json!({"endUserId": "u", "score": score});
        if has_country {
            properties["country"] = json!("DE");
        }
        properties
    });
    proptest::collection::vec(event, 0..12).prop_map(|events| {
        let line = |(n, properties): (usize, &Value)| stored(&"e".repeat(n + 1), properties);
        events.iter().enumerate().map(line).collect()
    })
}

proptest! {
    #[test]
    fn a_plan_without_changes_makes_no_difference(state in any_state(), events in any_events()) {
        let same = States { before: state.clone(), after: state, moved: BTreeMap::new() };
        let count = events.len();
        let preview = replayed(&same, events);
        let wanted = Preview { events: count as u64, from: preview.from, to: preview.to, ..Preview::default() };
        prop_assert_eq!(preview, wanted);
    }

    #[test]
    fn counts_add_up_and_the_way_back_is_the_mirror(before in any_state(), after in any_state(), events in any_events()) {
        let there = States { before: before.clone(), after: after.clone(), moved: BTreeMap::new() };
        let back = States { before: after, after: before, moved: BTreeMap::new() };
        let there = replayed(&there, events.clone());
        let back = replayed(&back, events);
        for webhook in &there.webhooks {
            // What is neither lost nor gained is sent both ways.
            prop_assert_eq!(webhook.before - webhook.lost, webhook.after - webhook.gained);
            proptest::prop_assert!(webhook.changed <= webhook.before - webhook.lost);
            for (count, sample) in [
                (webhook.gained, &webhook.gained_sample),
                (webhook.lost, &webhook.lost_sample),
                (webhook.changed, &webhook.changed_sample),
            ] {
                prop_assert_eq!(count > 0, sample.is_some());
            }
            proptest::prop_assert!(webhook.changed_sample.as_ref().is_none_or(|sample| !sample.changes.is_empty()));
        }
        let mirror = |webhook: &WebhookPreview| {
            let [before, after, gained, lost, changed] = counts(webhook);
            (webhook.address.clone(), [after, before, lost, gained, changed])
        };
        let forth: Vec<_> = there.webhooks.iter().map(|webhook| (webhook.address.clone(), counts(webhook))).collect();
        prop_assert_eq!(forth, back.webhooks.iter().map(mirror).collect::<Vec<_>>());
        let places: Vec<_> = there.destinations.iter().map(|place| (&place.url, place.before, place.after)).collect();
        let mirrored: Vec<_> = back.destinations.iter().map(|place| (&place.url, place.after, place.before)).collect();
        prop_assert_eq!(places, mirrored);
    }

    #[test]
    fn comparing_what_is_sent_is_comparing_what_is_shaped(one in any_webhook(), other in any_webhook(), events in any_events()) {
        use crate::behaviour::delivery::CompiledWebhook;
        use crate::kinds::Spec;
        let compiled = |spec: &Value| {
            let mut spec = Kind::Webhook.read_spec(spec).expect("a spec");
            spec.normalise();
            let Spec::Webhook(spec) = spec else { panic!("a webhook") };
            CompiledWebhook::new(&spec, None).expect("a good webhook")
        };
        let (one, other) = (compiled(&one), compiled(&other));
        for event in events {
            let EventLine::Stored(event) = event else { panic!("a stored event") };
            prop_assert_eq!(one.sends_alike(&other, &event), one.shape(&event).iter().eq(other.shape(&event).iter()));
        }
    }
}
