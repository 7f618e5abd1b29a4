use proptest::prelude::{Strategy, any};
use proptest::test_runner::Config;
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use super::*;
use crate::plan::sample::{any_plan, change, empty, every_action};
use crate::plan::shown::{SecretState, Shown};

fn stored(plan: &Plan) -> String {
    PlanV1::from_plan(plan, false).to_text().unwrap()
}

fn error(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn has_the_fields_of_the_contract() {
    let document = serde_json::to_value(PlanV1::from_plan(&every_action(), false)).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&document),
        [
            "format_version",
            "trueup_version",
            "project",
            "target",
            "plan_id",
            "created_at",
            "desired_digest",
            "body_digest",
            "revision",
            "complete",
            "selection",
            "actions",
            "drift",
            "orphans",
            "unknown_secrets",
            "refresh",
            "refusals",
            "suspensions",
            "suspended",
            "warnings",
            "diagnostics",
            "summary",
            "preview",
            "data_flow",
            "policies",
            "links",
        ]
    );
    assert_eq!(
        keys(&document["summary"]),
        [
            "create",
            "update",
            "replace",
            "new_version",
            "make_current",
            "move",
            "delete",
            "archive",
            "restore",
            "adopt",
            "publish_settings",
            "unchanged",
        ]
    );
    assert_eq!(
        keys(&document["actions"][0]),
        [
            "address",
            "action",
            "reason",
            "changes",
            "expected_generation",
            "from",
            "version",
            "archives",
            "sends",
            "keeps",
        ]
    );
    assert_eq!(
        document["actions"][1]["changes"][0],
        json!({
            "path": "spec.destination", "before": "slack-nps", "after": "slack-ops", "kind": "change",
            "forces_replacement": false,
            "origin": {"file": "webhooks.yaml", "line": 12, "column": 9,
                       "note": "patched by target production at trueup.yaml:14:11"},
            "overwrites": null, "order_only": false, "is_text": false,
        })
    );
    assert_eq!(document["actions"][0]["changes"][0]["after"]["auth"]["token"], json!({"secret": "changed"}));
    let names: Vec<_> = document["actions"].as_array().unwrap().iter().map(|a| a["action"].as_str().unwrap()).collect();
    assert!(ActionKind::ALL.iter().all(|kind| names.contains(&kind.as_str())), "{names:?}");
}

#[test]
fn personal_data_stays_out_unless_asked_for() {
    let plan = every_action();
    assert!(!stored(&plan).contains("ana@acme.test"));
    let open = PlanV1::from_plan(&plan, true);
    assert!(open.to_text().unwrap().contains("ana@acme.test"));
    let read = open.into_plan().unwrap();
    assert_eq!(body_digest(&read).unwrap(), body_digest(&plan).unwrap());
}

#[test]
fn a_label_that_looks_like_a_mask_stays_a_label() {
    let mut plan = empty();
    let lookalike = crate::plan::sample::shown(&json!({"secret": "changed", "a/b~": {"known": "after apply"}}));
    let real = Shown::Map(vec![("a/b~".into(), Shown::Secret { state: SecretState::Unknown, reference: None })]);
    plan.actions = vec![crate::plan::sample::action(
        ActionKind::Update,
        "System/s",
        crate::plan::reason::Reason::ManifestChanged,
        vec![change("metadata.labels", Some(lookalike), Some(real))],
    )];
    let plan = crate::plan::sample::counted(plan, 0);
    let again = read(stored(&plan).as_bytes()).unwrap();
    assert_eq!(again.actions[0].changes, plan.actions[0].changes);
}

#[test]
fn what_is_no_plan_is_told_apart() {
    assert_eq!(error(b"hello"), "read the plan: this is not a trueup plan, it is not JSON (line 1, column 1)");
    assert_eq!(error(b""), "read the plan: this is not a trueup plan, it is not JSON (line 1, column 0)");
    for foreign in [
        "[]",
        "3",
        "null",
        "{}",
        r#"{"format_version": 1}"#,
        r#"{"format_version": "x", "plan_id": ""}"#,
        r#"{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{}}"#,
        r#"{"format_version": "0.9", "plan_id": ""}"#,
        r#"{"format_version": "1.x", "plan_id": ""}"#,
    ] {
        assert_eq!(
            error(foreign.as_bytes()),
            "read the plan: this is not a trueup plan, it has no format_version of one",
            "{foreign}"
        );
    }
    assert!(error(br#"{"format_version": "2.0", "plan_id": ""}"#).contains("format_version is 2.0"));
    let text = stored(&every_action());
    let cut = text.get(..text.len() / 2).unwrap_or_default();
    assert!(error(cut.as_bytes()).starts_with("read the plan: it is cut short at line"), "{}", error(cut.as_bytes()));
    assert!(error(text.replace("\"create\": 1", "\"create\": 2").as_bytes()).contains("summary does not count"));
    assert!(error(text.replace("\"make-current\"", "\"unmake\"").as_bytes()).contains("damaged"));
    let deep = "[".repeat(100_000);
    assert!(read(deep.as_bytes()).is_err());
}

#[test]
fn a_later_minor_version_may_have_more_fields() {
    let mut document = serde_json::to_value(PlanV1::from_plan(&every_action(), false)).unwrap();
    document["format_version"] = "1.7".into();
    document["future"] = json!({"a": [1]});
    document["actions"][0]["future"] = true.into();
    document["actions"][0]["changes"][0]["future"] = 1.into();
    let read = read(document.to_string().as_bytes()).unwrap();
    assert_eq!(stored(&read), stored(&every_action()));
}

#[test]
fn the_schema_accepts_a_plan() {
    let schema = serde_json::to_value(schemars::schema_for!(PlanV1)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let document = serde_json::to_value(PlanV1::from_plan(&every_action(), false)).unwrap();
    let errors: Vec<_> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// How a stored plan is damaged.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Drop(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0usize..20_000;
    proptest::prop_oneof![
        at.clone().prop_map(Damage::Cut),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (at.clone(), proptest::collection::vec(any::<u8>(), 0..6)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at, 0usize..200).prop_map(|(at, length)| Damage::Drop(at, length)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damage: &Damage) -> Vec<u8> {
    let length = bytes.len().max(1);
    match damage {
        Damage::Cut(at) => bytes.truncate(at % length),
        Damage::Flip(at, byte) => bytes.iter_mut().skip(at % length).take(1).for_each(|b| *b = *byte),
        Damage::Insert(at, new) => {
            let at = at % length;
            bytes.splice(at..at, new.iter().copied());
        }
        Damage::Drop(at, count) => {
            let at = at % length;
            let end = (at + count).min(bytes.len());
            bytes.drain(at..end);
        }
    }
    bytes
}

/// A value of the document replaced by another one.
fn transplanted(document: &mut Value, mut at: usize, new: &Value) {
    let mut value = document;
    loop {
        let size = match &*value {
            Value::Object(map) => map.len(),
            Value::Array(list) => list.len(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        };
        if size == 0 || at.is_multiple_of(7) {
            *value = new.clone();
            return;
        }
        let below = at % size;
        at /= 2;
        let next = match value {
            Value::Object(map) => map.values_mut().nth(below),
            Value::Array(list) => list.get_mut(below),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
        };
        let Some(next) = next else { return };
        value = next;
    }
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    #[test]
    fn stored_and_read_back_it_is_the_same_document(plan in any_plan(), show_personal in any::<bool>()) {
        let first = PlanV1::from_plan(&plan, show_personal);
        let text = first.to_text().unwrap();
        let read = read(text.as_bytes()).unwrap();
        prop_assert_eq!(&PlanV1::from_plan(&read, show_personal).to_text().unwrap(), &text);
        prop_assert_eq!(
            body_digest(&read).unwrap(),
            body_digest(&plan).unwrap()
        );
        prop_assert_eq!(read.totals(), plan.totals());
    }

    #[test]
    fn damage_never_panics(damage in proptest::collection::vec(damage(), 1..4)) {
        let bytes = damage.iter().fold(stored(&every_action()).into_bytes(), damaged);
        if let Err(error) = read(&bytes) {
            prop_assert!(error.to_string().starts_with("read the plan: "));
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn other_values_anywhere_never_panic(at in any::<usize>(), new in 0usize..8) {
        let mut document = serde_json::to_value(PlanV1::from_plan(&every_action(), false)).unwrap();
        let values = json!([null, true, -1, 1e300, "", [[]], {"secret": 3}, {"a": null}]);
        transplanted(&mut document, at, values.get(new).unwrap_or(&Value::Null));
        let _ = read(document.to_string().as_bytes());
    }
}
