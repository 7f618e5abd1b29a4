use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::advance::{Unexpected, advance, task_can_end};
use super::effect::{Delivery, Effect, Event, HttpResult, TaskOutcome};
use super::place::form::FormText;
use super::place::header::fill_line;
use super::place::json::Json;
use super::place::url::fill_url;
use super::place::xml::Xml;
use super::state::{Outcome, Position, RunState, STEP_BUDGET, Waiting};
use super::text::{fill, fill_plain};
use super::variables::Variables;
use super::{data, intent, response};
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::workflow::step_webhook::WebhookStep;
use crate::kinds::{Kind, Spec};

fn workflow(value: Value) -> WorkflowSpec {
    serde_json::from_value(value).expect("a readable workflow")
}

/// The workflow of the kind's own documentation.
fn newsletter() -> WorkflowSpec {
    let text = Kind::Workflow.documentation();
    let yaml = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let value: Value = serde_yaml::from_str(yaml).expect("YAML");
    match Kind::Workflow.read_spec(&value["spec"]).expect("a spec") {
        Spec::Workflow(spec) => *spec,
        other => panic!("{other:?}"),
    }
}

fn begun(workflow: &WorkflowSpec, given: &Value) -> (RunState, Effect) {
    let given = given.as_object().cloned().unwrap_or_default();
    let mut state = RunState::new("run", data::begin(&workflow.data, &given).expect("data"));
    let effect = advance(workflow, &mut state, Event::Begin).expect("a begin");
    (state, effect)
}

fn answered(status: u16, body: &str) -> Event {
    let content_type = Some("application/json".to_owned());
    Event::Response(HttpResult::Answered { status, content_type, body: body.into() })
}

#[test]
fn the_newsletter_reaches_an_unknown_subscriber() -> Result<(), Unexpected> {
    let workflow = newsletter();
    let (mut state, effect) = begun(&workflow, &json!({"EMAIL": "kim@acme.test"}));
    assert_eq!(effect, Effect::WaitForInput { say: "What is your e-mail address?".into() });
    let Effect::CallHttp(request) = advance(&workflow, &mut state, Event::Input("kim@acme.test".into()))? else {
        panic!("no request")
    };
    assert_eq!(request.url, "https://shop.acme.test/subscribers?email=kim%40acme.test");
    let effect = advance(&workflow, &mut state, answered(404, "{}"))?;
    assert_eq!(effect, Effect::WaitForInput { say: "Would you like our newsletter?".into() });
    let Effect::CallHttp(request) = advance(&workflow, &mut state, Event::Input("Sure!".into()))? else {
        panic!("no request")
    };
    assert_eq!(request.body.as_deref(), Some(r#"{"email": "kim@acme.test"}"#));
    let Effect::SendEmail(email) = advance(&workflow, &mut state, answered(201, "{}"))? else { panic!("no e-mail") };
    assert_eq!((email.to.address.as_str(), email.key.as_str()), ("kim@acme.test", "run-5"));
    let effect = advance(&workflow, &mut state, Event::Email(Delivery::Delivered))?;
    assert_eq!(effect, Effect::Ended(Outcome::Completed));
    assert_eq!(state.path, ["ask", "lookup", "offer", "subscribe", "send-code", "bye"]);
    assert_eq!(state.variables.get("lookupFailed"), Some(&json!(true)));
    Ok(())
}

#[test]
fn the_newsletter_knows_a_subscriber() -> Result<(), Unexpected> {
    let workflow = newsletter();
    let (mut state, _) = begun(&workflow, &json!({"EMAIL": "kim@acme.test"}));
    advance(&workflow, &mut state, Event::Input("kim@acme.test".into()))?;
    let effect = advance(&workflow, &mut state, answered(200, r#"{"users": [{"id": 7, "title": "Ten"}]}"#))?;
    assert_eq!(effect, Effect::Ended(Outcome::Completed));
    assert_eq!(state.variables.get("discountTitle"), Some(&json!("Ten")));
    assert_eq!(json!(state.targets), json!({"linkedId": {"Custom Database": 7}}));
    Ok(())
}

/// A workflow with every step type, that goes round as long as people answer.
fn every_step() -> WorkflowSpec {
    workflow(json!({
        "data": [{"name": "N", "type": "numeric", "default": 1}],
        "start": "mark",
        "steps": [
            {"name": "mark", "type": "set", "values": {"seen": "{{said}}", "N": "{{said}}"}, "routes": {"next": "which"}},
            {"name": "which", "type": "branch", "cases": [
                {"when": {"property": "N", "operator": "greaterThan", "value": 10}, "to": "approve"},
                {"when": {"property": "said", "operator": "exists"}, "to": "call"}
            ], "otherwise": "ask"},
            {"name": "ask", "type": "sayGather", "say": "again, {{said}}?", "gather": {"variable": "said"},
             "routes": {"gathered": "mark", "noInput": "offer"}},
            {"name": "call", "type": "webhook", "method": "POST", "url": "https://a.test/{{said}}",
             "headers": {"X-Said": "{{said}}", "X-Key": {"fromEnv": "K"}}, "contentType": "json", "body": "{\"a\": {{said}}}",
             "setVariables": [{"name": "id", "type": "variable", "target": "id"}, {"name": "id", "type": "details", "target": "Notes"}],
             "onFailure": {"set": {"failed": true}}, "routes": {"success": "offer", "failure": "mail"}},
            {"name": "offer", "type": "sayIntent", "say": "?", "intents": {"agree": ["yes"]},
             "routes": {"agree": "approve", "noMatch": "mail"}},
            {"name": "approve", "type": "task", "assignee": "{{said}}", "routes": {"completed": "tell", "error": "bye"}},
            {"name": "tell", "type": "notify", "template": "t", "endUsers": ["{{said}}"], "override": {"U": "{{id}}"},
             "routes": {"next": "mail"}},
            {"name": "mail", "type": "sendEmail", "from": "a@b.test", "to": "{{said}}", "subject": "{{said}}", "body": "{{said}}",
             "routes": {"delivered": "bye", "bounced": "ask"}},
            {"name": "bye", "type": "end"}
        ]
    }))
}

#[test]
fn events_that_do_not_fit_change_nothing() {
    let workflow = every_step();
    let (mut state, _) = begun(&workflow, &json!({}));
    let before = state.clone();
    for event in [Event::Begin, Event::TaskDone(TaskOutcome::Completed), answered(200, "{}"), Event::Notified] {
        let other = Err(Unexpected::Other { step: "ask".into() });
        assert_eq!(advance(&workflow, &mut state, event.clone()), other, "{event:?}");
        assert_eq!(state, before);
    }
    assert_eq!(advance(&workflow, &mut state, Event::Resume), Ok(Effect::WaitForInput { say: "again, ?".into() }));
    assert_eq!(state, before);
}

#[test]
fn a_task_ends_only_as_it_is_routed() {
    let workflow = every_step();
    let (mut state, _) = begun(&workflow, &json!({}));
    let effect = advance(&workflow, &mut state, Event::Input("12".into()));
    assert_eq!(effect, Ok(Effect::WaitForTask { assignee: "12".into() }));
    assert_eq!(state.position, Position::Waiting(Waiting::Task));
    assert!(task_can_end(&workflow, &state, TaskOutcome::Error));
    assert!(!task_can_end(&workflow, &state, TaskOutcome::Cancelled));
    let cancelled = advance(&workflow, &mut state, Event::TaskDone(TaskOutcome::Cancelled));
    assert_eq!(cancelled, Err(Unexpected::NotRouted { step: "approve".into(), exit: "cancelled" }));
    let failed = advance(&workflow, &mut state, Event::TaskDone(TaskOutcome::Error));
    assert_eq!(failed, Ok(Effect::Ended(Outcome::Completed)));
    assert_eq!(advance(&workflow, &mut state, Event::NoInput), Err(Unexpected::Ended));
    assert!(!task_can_end(&workflow, &state, TaskOutcome::Error));
}

#[test]
fn what_did_not_go_is_noted_once_however_often_a_run_is_resumed() {
    let workflow = every_step();
    let (mut state, _) = begun(&workflow, &json!({}));
    let effect = advance(&workflow, &mut state, Event::Input("12\u{2028}".into()));
    assert_eq!(effect, Ok(Effect::WaitForTask { assignee: String::new() }));
    let before = state.clone();
    assert!(before.problems.last().is_some_and(|problem| problem.step == "approve"), "{before:?}");
    assert_eq!(advance(&workflow, &mut state, Event::Resume), effect);
    assert_eq!(state, before);
}

#[test]
fn a_run_ends_after_its_budget_of_steps() -> Result<(), Unexpected> {
    let workflow = every_step();
    let (mut state, mut effect) = begun(&workflow, &json!({}));
    let mut events = 0;
    while state.outcome().is_none() {
        let event = match effect {
            Effect::CallHttp(_) => Event::Response(HttpResult::timed_out(1)),
            Effect::SendEmail(_) => Event::Email(Delivery::Bounced),
            Effect::WaitForInput { .. } => Event::Input("x@y.test".into()),
            other => panic!("{other:?}"),
        };
        effect = advance(&workflow, &mut state, event)?;
        events += 1;
        assert!(events < STEP_BUDGET);
    }
    assert!(matches!(state.outcome(), Some(Outcome::Failed(_))));
    assert_eq!(state.path.len(), STEP_BUDGET);
    Ok(())
}

#[test]
fn a_cancelled_run_stays_cancelled() {
    let workflow = every_step();
    let (mut state, _) = begun(&workflow, &json!({}));
    state.cancel();
    assert_eq!(advance(&workflow, &mut state, Event::Input("x".into())), Err(Unexpected::Ended));
    assert_eq!(advance(&workflow, &mut state, Event::Resume), Ok(Effect::Ended(Outcome::Cancelled)));
}

/// Some event for what is waited for.
fn event(effect: &Effect, text: &str, choice: u8) -> Option<Event> {
    Some(match (effect, choice % 3) {
        (Effect::CallHttp(_), 0) => answered(200, &json!({ "id": text }).to_string()),
        (Effect::CallHttp(_), 1) => answered(500, text),
        (Effect::CallHttp(_), _) => Event::Response(HttpResult::timed_out(5)),
        (Effect::WaitForInput { .. }, 0) => Event::NoInput,
        (Effect::WaitForInput { .. }, _) => Event::Input(text.to_owned()),
        (Effect::WaitForTask { .. }, 0) => Event::TaskDone(TaskOutcome::Error),
        (Effect::WaitForTask { .. }, _) => Event::TaskDone(TaskOutcome::Completed),
        (Effect::SendEmail(_), 0) => Event::Email(Delivery::Delivered),
        (Effect::SendEmail(_), _) => Event::Email(Delivery::Bounced),
        (Effect::Notify(_), 0) => Event::NotNotified { reason: "no".into() },
        (Effect::Notify(_), _) => Event::Notified,
        (Effect::Ended(_), _) => return None,
    })
}

proptest! {
    #[test]
    fn a_state_survives_being_written_down_between_any_two_events(
        events in prop::collection::vec((any::<u8>(), prop_oneof![any::<String>(), Just("yes".into()), Just("12".into()), Just("a@b.test".into())]), 1..24)
    ) {
        let workflow = every_step();
        let (mut kept, mut effect) = begun(&workflow, &json!({}));
        for (choice, text) in events {
            let Some(event) = event(&effect, &text, choice) else { break };
            let written = serde_json::to_string(&kept).expect("writable");
            let mut read: RunState = serde_json::from_str(&written).expect("readable");
            prop_assert_eq!(&read, &kept);
            let resumed = advance(&workflow, &mut read, Event::Resume);
            prop_assert_eq!(resumed.as_ref(), Ok(&effect));
            prop_assert_eq!(&read, &kept);
            let after = advance(&workflow, &mut read, event.clone());
            effect = advance(&workflow, &mut kept, event).expect("it fits");
            prop_assert_eq!(after.as_ref(), Ok(&effect));
            prop_assert_eq!(&read, &kept);
        }
    }
}

/// The vectors of the boxes that have a key.
fn vectors(key: &str) -> Vec<Map<String, Value>> {
    let text = include_str!("../../../docs/behaviour.md");
    let boxes = text.split("```jsonl\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = boxes.flat_map(str::lines).map(|line| serde_json::from_str(line).expect(line));
    let found: Vec<Map<String, Value>> = lines.filter(|vector: &Map<String, Value>| vector.contains_key(key)).collect();
    assert!(found.len() >= 5, "{key}");
    found
}

fn text<'v>(vector: &'v Map<String, Value>, key: &str) -> &'v str {
    vector.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no {key} in {vector:?}"))
}

#[test]
fn places_are_filled_as_documented() {
    for vector in vectors("place") {
        let variables = Variables::from(Map::from_iter([("x".to_owned(), vector["x"].clone())]));
        let template = text(&vector, "template");
        let filled = match text(&vector, "place") {
            "url" => fill_url(template, &variables),
            "line" => fill_line(template, &variables),
            "json" => fill(template, &variables, &mut Json::default()),
            "xml" => fill(template, &variables, &mut Xml::default()),
            "form" => fill(template, &variables, &mut FormText),
            "text" => fill_plain(template, &variables),
            other => panic!("no place {other}"),
        };
        assert_eq!(filled.ok().as_deref(), vector["filled"].as_str(), "{vector:?}");
    }
}

#[test]
fn answers_are_read_as_documented() {
    for vector in vectors("body") {
        let step = json!({"name": "s", "method": "GET", "url": "https://a.test",
            "setVariables": [{"name": vector["path"], "type": "variable", "target": "v"}]});
        let step: WebhookStep = serde_json::from_value(step).expect("a readable step");
        let mut state = RunState::new("run", Variables::default());
        let body = text(&vector, "body").into();
        response::take(&step, &[], HttpResult::Answered { status: 200, content_type: None, body }, &mut state);
        assert_eq!(state.variables.get("v").cloned().unwrap_or_default(), vector["value"], "{vector:?}");
    }
}

#[test]
fn intents_are_recognised_as_documented() {
    for vector in vectors("intents") {
        let intents: BTreeMap<String, Vec<String>> =
            serde_json::from_value(vector["intents"].clone()).expect("intents");
        assert_eq!(intent::recognise(&intents, text(&vector, "answer")), vector["intent"].as_str(), "{vector:?}");
    }
}
