use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::behaviour::condition::CompiledCondition;
use crate::desired::Objects;
use crate::kinds::condition::Condition;
use crate::kinds::scope::event_properties;
use crate::lint::sample::{self, said, webhook};
use crate::lint::sample_event::Event;

fn of(documents: &[String]) -> Vec<String> {
    of_system(sample::SYSTEM, documents)
}

fn of_system(system: &str, documents: &[String]) -> Vec<String> {
    let other = sample::destination("other", "https://A.test/y");
    let mut all = vec![system, sample::DESTINATION, &other];
    all.extend(documents.iter().map(String::as_str));
    said(&sample::project(&all), super::check)
}

fn row(property: &str, operator: &str, value: &str) -> String {
    format!("{{ property: {property}, operator: {operator}, value: {value} }}")
}

const NONE: [&str; 0] = [];

fn told(sample: &str) -> String {
    format!("8:16 Webhook/a and Webhook/b both send `survey.submitted` of System/crm to a.test: {sample} +8:16")
}

#[test]
fn two_urls_of_one_host_are_named_with_an_event_for_both() {
    assert_eq!(of(&[webhook("a", "d", "[]"), webhook("b", "other", "[]")]), [told("each of them")]);
    let low = format!("[{}]", row("score", "lessThan", "7"));
    let german = format!("[{}]", row("country", "equalTo", "DE"));
    assert_eq!(
        of(&[webhook("a", "d", &low), webhook("b", "other", &german)]),
        [told("for example one with country \"DE\" and score 6")]
    );
    let either = format!("{{ any: [{}, {}] }}", row("score", "greaterThan", "8"), row("country", "startsWith", "D"));
    assert_eq!(
        of(&[webhook("a", "d", &low), webhook("b", "other", &either)]),
        [told("for example one with country \"D\" and score 6")]
    );
    let absent = "[{ not: { property: error, operator: exists } }]".replace("error", "city");
    assert_eq!(
        of(&[webhook("a", "d", &absent), webhook("b", "other", &low)]),
        [told("for example one with no city and score 6")]
    );
}

#[test]
fn values_of_personal_properties_are_not_told() {
    let kim = format!("[{}]", row("answer", "equalTo", "kim"));
    assert_eq!(of(&[webhook("a", "d", "[]"), webhook("b", "other", &kim)]), [told("for example one with answer …")]);
}

#[test]
fn what_is_not_proved_is_not_said() {
    let low = format!("[{}]", row("score", "lessThan", "3"));
    let high = format!("[{}]", row("score", "greaterThan", "7"));
    assert_eq!(of(&[webhook("a", "d", &low), webhook("b", "other", &high)]), NONE, "they exclude each other");
    let pattern = format!("[{}]", row("country", "matches", "'^[A-Z]{2}$'"));
    assert_eq!(of(&[webhook("a", "d", "[]"), webhook("b", "other", &pattern)]), NONE, "no text is guessed for it");
    let elsewhere = sample::destination("far", "https://b.test/x");
    assert_eq!(of(&[elsewhere, webhook("a", "d", "[]"), webhook("b", "far", "[]")]), NONE, "another host");
    let here = |name: &str| sample::destination(name, &format!("http://127.0.0.1:9/{name}"));
    let local = [here("one"), here("two"), webhook("a", "one", "[]"), webhook("b", "two", "[]")];
    assert_eq!(of(&local), NONE, "this machine stands in for others");
    assert_eq!(of(&[webhook("a", "d", "[]"), webhook("b", "d", "[]")]), NONE, "the same URL is another rule's");
    let off = format!("{}  enabled: false\n", webhook("b", "other", "[]"));
    assert_eq!(of(&[webhook("a", "d", "[]"), off]), NONE);
}

#[test]
fn the_event_is_one_that_the_system_can_have() {
    let system = |more: &str| format!("kind: System\nmetadata: {{ name: crm }}\nspec: {{ platform: web, {more} }}\n");
    let both = |property: &str, value: &str| {
        [webhook("a", "d", "[]"), webhook("b", "other", &format!("[{}]", row(property, "equalTo", value)))]
    };
    let censored = system("censor: { properties: [country] }");
    assert_eq!(of_system(&censored, &both("country", "DE")), NONE);
    let dropped = system("censor: { events: [survey.submitted] }");
    assert_eq!(of_system(&dropped, &both("score", "1")), NONE);
    let hashed = system("endUserId: { hash: { algorithm: sha256 } }");
    assert_eq!(of_system(&hashed, &both("endUserId", "kim")), NONE, "nobody knows an id with that hash");
    let environments = system("environments: { test: { urls: ['https://a.test/*'] } }");
    assert_eq!(of_system(&environments, &both("environment", "production")), NONE);
    assert_eq!(of_system(&environments, &both("environment", "test")).len(), 1);
    assert_eq!(of(&both("event", "launcher.clicked")), NONE);
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let text = || prop::sample::select(vec!["a", "ab", "ba", "b"]).prop_map(Value::from);
    let number = || (0..4i64).prop_map(Value::from);
    let time = || prop::sample::select(vec!["2031-01-01", "2031-01-02 08:30"]).prop_map(Value::from);
    let name = |names: &[&'static str]| prop::sample::select(names.to_vec());
    let strings = ["equalTo", "notEqualTo", "contains", "notContains", "startsWith", "endsWith", "like", "matches"];
    let row = prop_oneof![
        (name(&["country", "city", "browser"]), name(&strings), text().prop_map(Some)),
        (name(&["score"]), name(&["equalTo", "notEqualTo", "lessThan", "greaterThan"]), number().prop_map(Some)),
        (name(&["occurredAt"]), name(&["before", "after", "equalTo"]), time().prop_map(Some)),
        (name(&["country", "score", "occurredAt"]), name(&["exists"]), Just(None)),
    ];
    sample::conditions(row)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_server_would_pick_the_event_for_both(a in any_condition(), b in any_condition()) {
        let scope = Objects::new(&[]);
        let system = std::collections::BTreeMap::from([(
            "System/crm".parse().expect("an address"),
            crate::kinds::Kind::System.read_spec(&json!({"platform": "web"})).expect("a system"),
        )]);
        let event = Event::of(&system, "crm", "survey.submitted").expect("an event");
        if let Some(sample) = event.met_by(&[&a, &b]) {
            let values: Map<String, Value> =
                sample.0.into_iter().filter_map(|(property, value)| Some((property, value?))).collect();
            let known = event_properties(&scope, "survey.submitted").expect("properties");
            for condition in [&a, &b] {
                let type_of = |name: &str| known.get(name).map(|property| property.value_type);
                let compiled = CompiledCondition::new(condition, &type_of).expect("a condition");
                prop_assert!(compiled.holds(&values), "{condition:?} {values:?}");
            }
        }
    }
}
