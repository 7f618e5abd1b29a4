//! What a webhook step takes from the answer to its request.

use serde_json::Value;

use super::effect::HttpResult;
use super::state::RunState;
use super::text::{evaluate, fill_plain};
use super::variables::child;
use super::xml_value;
use crate::kinds::workflow::data::Data;
use crate::kinds::workflow::step::Assignments;
use crate::kinds::workflow::step_webhook::WebhookStep;
use crate::kinds::workflow::variable_target::{SetVariable, TargetType};

/// A body that was read.
enum Body {
    Json(Value),
    Xml(Value),
}

impl Body {
    fn at(&self, path: &str) -> Option<&Value> {
        match self {
            Self::Json(value) => path.split('.').try_fold(value, child),
            Self::Xml(value) => xml_value::at(value, path),
        }
    }
}

/// Takes in what came of a step's request, and tells the exit.
pub(super) fn take(step: &WebhookStep, declared: &[Data], result: HttpResult, state: &mut RunState) -> &'static str {
    match result {
        HttpResult::Answered { status, content_type, body } if (200..300).contains(&status) => {
            if !step.set_variables.is_empty() {
                match read(content_type.as_deref(), &body) {
                    Ok(body) => step.set_variables.iter().for_each(|row| set(row, declared, &body, state)),
                    Err(reason) => state.note(format!("the answer sets no variables: {reason}")),
                }
            }
            "success"
        }
        HttpResult::Answered { status, .. } => fail(step, declared, format!("the answer's status is {status}"), state),
        HttpResult::Failed { reason } => fail(step, declared, reason, state),
    }
}

/// Notes why a step failed, sets what it sets then, and tells the exit.
pub(super) fn fail(step: &WebhookStep, declared: &[Data], reason: String, state: &mut RunState) -> &'static str {
    state.note(reason);
    if let Some(on_failure) = &step.on_failure {
        assign(&on_failure.set, declared, state);
    }
    "failure"
}

/// Gives variables the values that a step assigns: all are worked out from what was before, then all are given.
pub(super) fn assign(values: &Assignments, declared: &[Data], state: &mut RunState) {
    let evaluated: Vec<_> = values.iter().map(|(name, value)| (name, evaluate(value, &state.variables))).collect();
    for (name, value) in evaluated {
        let set = value.map_err(|refusal| refusal.0).and_then(|value| state.variables.set(declared, name, value));
        if let Err(reason) = set {
            state.note(format!("`{name}` is not set: it {reason}"));
        }
    }
}

fn set(row: &SetVariable, declared: &[Data], body: &Body, state: &mut RunState) {
    let SetVariable { name, target_type, target } = row;
    // What is not there leaves its target as it was.
    let Some(value) = body.at(name).cloned() else { return };
    let set = match target_type {
        TargetType::Variable => state.variables.set(declared, target, value),
        TargetType::Advanced => match fill_plain(target, &state.variables) {
            Ok(target) => state.set_target(*target_type, &target, value),
            Err(refusal) => Err(refusal.0),
        },
        TargetType::LinkedId | TargetType::Source | TargetType::Details | TargetType::RoutingDetails => {
            state.set_target(*target_type, target, value)
        }
    };
    if let Err(reason) = set {
        state.note(format!("`{target}` is not set: it {reason}"));
    }
}

/// Reads a body by its content type; by its first character where that says neither JSON nor XML.
fn read(content_type: Option<&str>, body: &[u8]) -> Result<Body, String> {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().to_ascii_lowercase();
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let json = || serde_json::from_str(text).map(Body::Json).map_err(|_| "its body is no JSON".to_owned());
    let xml = || xml_value::read(text).map(Body::Xml).map_err(|error| format!("its body: {error}"));
    match text.chars().next() {
        None => Err("it has no body".to_owned()),
        Some(_) if essence.contains("json") => json(),
        Some(_) if essence.contains("xml") => xml(),
        Some('<') => xml(),
        Some(_) => json(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(rows: &Value) -> WebhookStep {
        let step = json!({"name": "s", "method": "GET", "url": "https://a.test", "setVariables": rows,
            "onFailure": {"set": {"failed": true, "copy": "{{x}}"}}});
        serde_json::from_value(step).expect("a readable step")
    }

    fn taken(step: &WebhookStep, status: u16, content_type: &str, body: &str) -> (&'static str, RunState) {
        let declared: Vec<Data> = serde_json::from_value(json!([{"name": "N", "type": "numeric"}])).expect("data");
        let variables = serde_json::from_value(json!({"x": "before"})).unwrap_or_default();
        let mut state = RunState::new("run", variables);
        state.path.push("s".into());
        let content_type = Some(content_type.to_owned()).filter(|text| !text.is_empty());
        let result = HttpResult::Answered { status, content_type, body: body.into() };
        let exit = take(step, &declared, result, &mut state);
        (exit, state)
    }

    #[test]
    fn every_target_type_is_set() {
        let rows = json!([
            {"name": "users.0.title", "type": "variable", "target": "title"},
            {"name": "users.0.id", "type": "linkedId", "target": "Zendesk"},
            {"name": "users.0.id", "type": "source", "target": "Person Id"},
            {"name": "users", "type": "details", "target": "Tags"},
            {"name": "users.0.id", "type": "routingDetails", "target": "Task"},
            {"name": "users.0.id", "type": "advanced", "target": "of {{x}}"},
            {"name": "users.1.id", "type": "variable", "target": "x"},
            {"name": "gone", "type": "variable", "target": "title"},
        ]);
        let (exit, state) =
            taken(&step(&rows), 200, "application/json", r#"{"users": [{"id": 7, "title": "T"}], "gone": null}"#);
        assert_eq!(exit, "success");
        // `gone` is null, which takes the title away again; a second user is not there, so `x` stays.
        assert_eq!(serde_json::to_value(&state.variables).ok(), Some(json!({"x": "before"})));
        assert_eq!(
            serde_json::to_value(&state.targets).ok(),
            Some(json!({
                "advanced": {"of before": 7}, "details": {"Tags": [{"id": 7, "title": "T"}]}, "linkedId": {"Zendesk": 7},
                "routingDetails": {"Task": 7}, "source": {"Person Id": 7},
            }))
        );
    }

    #[test]
    fn bodies_are_told_apart() {
        let rows = json!([{"name": "a.b", "type": "variable", "target": "N"}]);
        for (content_type, body) in [
            ("application/json; charset=utf-8", r#"{"a": {"b": 5}}"#),
            ("application/problem+json", r#"{"a": {"b": "5"}}"#),
            ("text/xml", "<a><b>5</b></a>"),
            ("", "<a><b>5</b></a>"),
            ("text/plain", "\u{feff} {\"a\": {\"b\": 5}}"),
        ] {
            let (_, state) = taken(&step(&rows), 201, content_type, body);
            assert_eq!(state.variables.get("N"), Some(&json!(5)), "{content_type} {body}");
        }
        for (content_type, body) in
            [("application/json", "<a/>"), ("text/xml", "{}"), ("", ""), ("text/plain", "hello")]
        {
            let (exit, state) = taken(&step(&rows), 200, content_type, body);
            assert_eq!((exit, state.problems.len()), ("success", 1), "{content_type} {body}");
        }
    }

    #[test]
    fn a_status_outside_2xx_is_a_failure() {
        for status in [199, 300, 302, 404, 500] {
            let rows = json!([{"name": "a", "type": "variable", "target": "a"}]);
            let (exit, state) = taken(&step(&rows), status, "application/json", r#"{"a": 1}"#);
            assert_eq!(exit, "failure");
            let expected = json!({"x": "before", "failed": true, "copy": "before"});
            assert_eq!(serde_json::to_value(&state.variables).ok(), Some(expected), "{status}");
        }
    }

    #[test]
    fn what_does_not_fit_the_data_is_not_set() {
        let rows = json!([{"name": "a", "type": "variable", "target": "N"}]);
        let (exit, state) = taken(&step(&rows), 200, "application/json", r#"{"a": "many"}"#);
        assert_eq!((exit, state.variables.get("N")), ("success", None));
        assert_eq!(state.problems.first().map(|p| p.message.as_str()), Some("`N` is not set: it takes a number"));
    }
}
