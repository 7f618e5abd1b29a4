//! The variables of a run: where they are set, and where `{{name}}` uses them.
//!
//! There is one case-sensitive name space: the workflow's data and whatever its steps set. Order does not matter here: a
//! variable that a step on another path sets is declared, and empty until then.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::data::{Data, DataType};
use super::step::{Assignments, Branch, Notify, SayGather, SayIntent, SendEmail, Set, Step, Task};
use super::step_paths;
use super::step_webhook::WebhookStep;
use super::variable_target::TargetType;
use crate::base::code::Code;
use crate::base::path::Path;
use crate::kinds::catalogue::PropertyType;
use crate::kinds::condition::Operator;
use crate::kinds::field::DataClass;
use crate::kinds::finding::Findings;
use crate::kinds::header::HeaderValue;
use crate::kinds::placeholder::brace_names;
use crate::kinds::time;

/// Checks that every variable used is declared, and that conditions fit the data they compare.
pub fn check(data: &[Data], steps: &[Step], findings: &mut Findings) {
    let typed: BTreeMap<&str, DataType> = data.iter().map(|data| (data.name.as_str(), data.data_type)).collect();
    let declared = declared(data, steps);

    for (step, at) in steps.iter().zip(step_paths(steps)) {
        for (place, text) in texts(step, &at) {
            let used: BTreeSet<&str> = brace_names(text).into_iter().map(root).collect();
            for name in used.difference(&declared) {
                undeclared(name, &declared, place.clone(), findings);
            }
        }
        check_assigned(step, &at, &typed, findings);
        if let Step::Branch(Branch { name: _, cases, otherwise: _ }) = step {
            for (n, case) in cases.iter().enumerate() {
                case.when.rows_at_top(&at.key("cases").index(n).key("when"), &mut |row, place| {
                    if typed.get(row.property.as_str()) == Some(&DataType::File) && row.operator != Operator::Exists {
                        let message = format!("`{}` does not compare a file", row.operator.as_str());
                        findings.error(Code::OperandType, place.key("operator"), message).help("a file can only exist");
                    }
                });
                case.when.check(
                    &at.key("cases").index(n).key("when"),
                    &|property| match typed.get(property) {
                        Some(data_type) => Ok(data_type.compared_as()),
                        None if declared.contains(root(property)) => Ok(None),
                        None => Err(()),
                    },
                    &mut |findings, row, place| undeclared(root(&row.property), &declared, place, findings),
                    findings,
                );
            }
        }
    }
}

/// The classes that are said of variables, of data items and of what is gathered: the most guarded one of each name.
#[must_use]
pub fn classes<'w>(data: &'w [Data], steps: &'w [Step]) -> BTreeMap<&'w str, DataClass> {
    let gathered = steps.iter().filter_map(|step| match step {
        Step::SayGather(step) => Some((step.gather.variable.as_str(), step.gather.class)),
        Step::SayIntent(_)
        | Step::Webhook(_)
        | Step::SendEmail(_)
        | Step::Task(_)
        | Step::Notify(_)
        | Step::Branch(_)
        | Step::Set(_)
        | Step::End(_) => None,
    });
    let mut classes = BTreeMap::new();
    for (name, class) in data.iter().map(|data| (data.name.as_str(), data.class)).chain(gathered) {
        let known = classes.entry(name).or_insert(class);
        *known = class.max(*known);
    }
    classes
}

/// The names of all variables: the data, and what the steps set.
#[must_use]
pub fn declared<'w>(data: &'w [Data], steps: &'w [Step]) -> BTreeSet<&'w str> {
    data.iter().map(|data| data.name.as_str()).chain(steps.iter().flat_map(set_by)).collect()
}

/// Checks the name of a variable that is set: dots, braces and spaces could not be told from a path or its end.
pub(super) fn check_name(name: &str, at: &Path, at_key: bool, findings: &mut Findings) {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || matches!(c, '.' | '{' | '}')) {
        findings
            .error(Code::InvalidValue, at.clone(), format!("`{name}` is not the name of a variable"))
            .help("a name has no dots, braces or spaces")
            .at_key = at_key;
    }
}

/// The variable that a dotted path begins with.
#[must_use]
pub fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or(path).trim()
}

fn undeclared(name: &str, declared: &BTreeSet<&str>, at: Path, findings: &mut Findings) {
    findings
        .error(Code::UndeclaredVariable, at, format!("no data and no step sets the variable `{name}`"))
        .help("add it to data, or set it in a step")
        .did_you_mean(name, declared.iter().copied());
}

/// The variables a step sets.
fn set_by(step: &Step) -> Vec<&str> {
    match step {
        Step::SayGather(step) => vec![&step.gather.variable],
        Step::Webhook(step) => {
            let rows = step.set_variables.iter().filter(|row| row.target_type == TargetType::Variable);
            let failed = step.on_failure.iter().flat_map(|on_failure| on_failure.set.keys());
            rows.map(|row| row.target.as_str()).chain(failed.map(String::as_str)).collect()
        }
        Step::Set(step) => step.values.keys().map(String::as_str).collect(),
        Step::SayIntent(_) | Step::SendEmail(_) | Step::Task(_) | Step::Notify(_) | Step::Branch(_) | Step::End(_) => {
            Vec::new()
        }
    }
}

/// The texts of a step in which variables are replaced, each with its place.
fn texts<'s>(step: &'s Step, at: &Path) -> Vec<(Path, &'s str)> {
    match step {
        Step::Webhook(step) => webhook_texts(step, at),
        Step::SayGather(SayGather { name: _, say, gather: _, routes: _ })
        | Step::SayIntent(SayIntent { name: _, say, intents: _, routes: _ }) => vec![(at.key("say"), say)],
        Step::SendEmail(SendEmail { name: _, from, to, subject, body, routes: _ }) => {
            vec![(at.key("from"), from), (at.key("to"), to), (at.key("subject"), subject), (at.key("body"), body)]
        }
        Step::Task(Task { name: _, assignee, routes: _ }) => vec![(at.key("assignee"), assignee)],
        Step::Notify(Notify { name: _, template: _, audiences: _, end_users, overrides, routes: _ }) => {
            let users = end_users.iter().enumerate().map(|(n, user)| (at.key("endUsers").index(n), user.as_str()));
            let overrides = overrides.iter().map(|(key, text)| (at.key("override").key(key), text.as_str()));
            users.chain(overrides).collect()
        }
        Step::Set(Set { name: _, values, routes: _ }) => assigned_texts(values, &at.key("values")),
        // The properties of a branch's conditions are names, not texts: see `check`.
        Step::Branch(_) | Step::End(_) => Vec::new(),
    }
}

/// The texts of a webhook step that its request is made of, each with its place.
#[must_use]
pub fn request_texts<'s>(step: &'s WebhookStep, at: &Path) -> Vec<(Path, &'s str)> {
    let WebhookStep {
        name: _,
        method: _,
        url,
        headers,
        content_type: _,
        body,
        form,
        timeout_seconds: _,
        log_request_body: _,
        log_response_body: _,
        // What is done with the answer stays in the run.
        set_variables: _,
        on_failure: _,
        routes: _,
    } = step;
    let mut texts = vec![(at.key("url"), url.as_str())];
    for (name, value) in headers {
        match value {
            HeaderValue::Plain(text) => texts.push((at.key("headers").key(name), text)),
            HeaderValue::Secret(_) => {}
        }
    }
    texts.extend(body.iter().map(|body| (at.key("body"), body.as_str())));
    texts.extend(form.iter().flatten().map(|(key, text)| (at.key("form").key(key), text.as_str())));
    texts
}

fn webhook_texts<'s>(step: &'s WebhookStep, at: &Path) -> Vec<(Path, &'s str)> {
    let mut texts = request_texts(step, at);
    for (n, row) in step.set_variables.iter().enumerate().filter(|(_, row)| row.target_type == TargetType::Advanced) {
        texts.push((at.key("setVariables").index(n).key("target"), &row.target));
    }
    if let Some(on_failure) = &step.on_failure {
        texts.extend(assigned_texts(&on_failure.set, &at.key("onFailure").key("set")));
    }
    texts
}

fn assigned_texts<'s>(values: &'s Assignments, at: &Path) -> Vec<(Path, &'s str)> {
    values.iter().filter_map(|(name, value)| Some((at.key(name), Value::as_str(value)?))).collect()
}

fn check_assigned(step: &Step, at: &Path, typed: &BTreeMap<&str, DataType>, findings: &mut Findings) {
    let (values, at) = match step {
        Step::Set(step) => (Some(&step.values), at.key("values")),
        Step::Webhook(step) => (step.on_failure.as_ref().map(|f| &f.set), at.key("onFailure").key("set")),
        Step::SayGather(_)
        | Step::SayIntent(_)
        | Step::SendEmail(_)
        | Step::Task(_)
        | Step::Notify(_)
        | Step::Branch(_)
        | Step::End(_) => return,
    };
    for (name, value) in values.into_iter().flatten() {
        check_name(name, &at.key(name), true, findings);
        if let Some(wanted) = typed.get(name.as_str()).and_then(|data_type| data_type.not_assigned(value)) {
            findings.error(Code::OperandType, at.key(name), format!("`{name}` takes {wanted}"));
        }
    }
}

impl DataType {
    /// What it takes instead of a value that is written out; `None` if the value fits, or is only known in a run.
    fn not_assigned(self, value: &Value) -> Option<&'static str> {
        let written = value.as_str().filter(|text| brace_names(text).is_empty());
        if value.is_string() && written.is_none() {
            return None;
        }
        match self {
            Self::Numeric if !value.is_number() => Some("a number"),
            Self::Datetime if written.is_none_or(|text| time::parse(text).is_err()) => Some("a time"),
            Self::File => Some("a file, which cannot be written out"),
            Self::Text | Self::Numeric | Self::Datetime => None,
        }
    }

    /// As which type conditions compare it; a file has none.
    #[must_use]
    pub fn compared_as(self) -> Option<PropertyType> {
        match self {
            Self::Text => Some(PropertyType::String),
            Self::Numeric => Some(PropertyType::Number),
            Self::Datetime => Some(PropertyType::Datetime),
            Self::File => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(data: Value, steps: Value) -> Vec<(Code, String, String)> {
        let data: Vec<Data> = serde_json::from_value(data).expect("readable data");
        let steps: Vec<Step> = serde_json::from_value(steps).expect("readable steps");
        let mut findings = Findings::default();
        check(&data, &steps, &mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string(), f.help.unwrap_or_default())).collect()
    }

    fn places(data: Value, steps: Value) -> Vec<String> {
        let found = found(data, steps);
        assert!(found.iter().all(|(code, ..)| *code == Code::UndeclaredVariable), "{found:?}");
        found.into_iter().map(|(_, path, _)| path).collect()
    }

    #[test]
    fn data_and_steps_declare_variables() {
        let steps = json!([
            {"name": "ask", "type": "sayGather", "say": "{{D}}", "gather": {"variable": "G"}},
            {"name": "call", "type": "webhook", "method": "GET", "url": "https://a.test/{{V.0.title}}{{ F }}",
             "setVariables": [{"name": "a", "type": "variable", "target": "V"}, {"name": "b", "type": "linkedId", "target": "Zendesk"}],
             "onFailure": {"set": {"F": true}}},
            {"name": "mark", "type": "set", "values": {"S": "{{G}}"}},
            {"name": "which", "type": "branch", "cases": [{"when": {"property": "V.x", "operator": "equalTo", "value": 1}, "to": "ask"}], "otherwise": "ask"},
        ]);
        assert_eq!(places(json!([{"name": "D", "type": "text"}]), steps), Vec::<String>::new());
    }

    #[test]
    fn every_text_is_searched() {
        let steps = json!([
            {"name": "a", "type": "webhook", "method": "POST", "url": "https://a.test/{{x}}", "headers": {"H": "{{x}}"},
             "body": "{{x}}", "form": {"f": "{{x}}"}, "setVariables": [{"name": "p", "type": "advanced", "target": "{{x}}"}],
             "onFailure": {"set": {"o": "{{x}}"}}},
            {"name": "b", "type": "sayGather", "say": "{{x}}", "gather": {"variable": "g"}},
            {"name": "c", "type": "sayIntent", "say": "{{x}}", "intents": {"i": ["p"]}},
            {"name": "d", "type": "sendEmail", "from": "{{x}}", "to": "{{x}}", "subject": "{{x}}", "body": "{{x}}"},
            {"name": "e", "type": "task", "assignee": "{{x}}"},
            {"name": "f", "type": "notify", "template": "t", "endUsers": ["{{x}}"], "override": {"K": "{{x}}"}},
            {"name": "g", "type": "branch", "cases": [{"when": [{"property": "x", "operator": "exists"}], "to": "a"}], "otherwise": "a"},
            {"name": "h", "type": "set", "values": {"v": "{{x}}"}},
        ]);
        assert_eq!(
            places(json!([]), steps),
            [
                "spec.steps[a].url",
                "spec.steps[a].headers.H",
                "spec.steps[a].body",
                "spec.steps[a].form.f",
                "spec.steps[a].setVariables[0].target",
                "spec.steps[a].onFailure.set.o",
                "spec.steps[b].say",
                "spec.steps[c].say",
                "spec.steps[d].from",
                "spec.steps[d].to",
                "spec.steps[d].subject",
                "spec.steps[d].body",
                "spec.steps[e].assignee",
                "spec.steps[f].endUsers[0]",
                "spec.steps[f].override.K",
                "spec.steps[g].cases[0].when[0].property",
                "spec.steps[h].values.v",
            ]
        );
    }

    #[test]
    fn names_are_case_sensitive_and_slips_are_recognised() {
        let steps = json!([{"name": "a", "type": "task", "assignee": "{{manager}}"}]);
        assert_eq!(
            found(json!([{"name": "Manager", "type": "text"}]), steps),
            [(Code::UndeclaredVariable, "spec.steps[a].assignee".into(), "did you mean `Manager`?".into())]
        );
    }

    #[test]
    fn conditions_fit_the_data() {
        let branch = |property: &str, operator: &str, value: Value| {
            let data = json!([{"name": "T", "type": "text"}, {"name": "N", "type": "numeric"}, {"name": "D", "type": "datetime"}, {"name": "F", "type": "file"}]);
            let when = json!({"property": property, "operator": operator, "value": value});
            let steps =
                json!([{"name": "b", "type": "branch", "cases": [{"when": when, "to": "b"}], "otherwise": "b"}]);
            found(data, steps).into_iter().map(|(code, ..)| code).collect::<Vec<_>>()
        };
        assert_eq!(branch("N", "greaterThan", json!(1000)), []);
        assert_eq!(branch("T", "greaterThan", json!(1000)), [Code::OperandType]);
        assert_eq!(branch("N", "equalTo", json!("x")), [Code::OperandType]);
        assert_eq!(branch("D", "before", json!("2031-01-01")), []);
        assert_eq!(branch("D", "before", json!("soon")), [Code::OperandType]);
        assert_eq!(branch("F.name", "endsWith", json!(".pdf")), []);
        assert_eq!(branch("F", "equalTo", json!("x")), [Code::OperandType]);
    }

    #[test]
    fn what_is_set_fits_the_data() {
        let data =
            json!([{"name": "N", "type": "numeric"}, {"name": "D", "type": "datetime"}, {"name": "T", "type": "text"}]);
        let set = |name: &str, value: Value| {
            let steps = json!([{"name": "s", "type": "set", "values": {name: value}}]);
            found(data.clone(), steps).into_iter().map(|(code, ..)| code).collect::<Vec<_>>()
        };
        for (name, value) in [
            ("N", json!(1)),
            ("N", json!("{{T}}")),
            ("D", json!("2031-01-01")),
            ("D", json!("{{T}}")),
            ("T", json!("x")),
            ("T", json!(1)),
            ("free", json!(true)),
        ] {
            assert_eq!(set(name, value.clone()), [], "{name} {value}");
        }
        for (name, value) in [("N", json!("x")), ("N", json!(true)), ("D", json!("soon")), ("D", json!(1))] {
            assert_eq!(set(name, value.clone()), [Code::OperandType], "{name} {value}");
        }
    }

    #[test]
    fn names_that_could_not_be_used_are_refused() {
        let steps = json!([
            {"name": "a", "type": "set", "values": {"x.y": 1}},
            {"name": "b", "type": "webhook", "method": "GET", "url": "https://a.test", "onFailure": {"set": {"a b": 1}}},
        ]);
        let found: Vec<_> = found(json!([]), steps).into_iter().map(|(code, path, _)| (code, path)).collect();
        assert_eq!(
            found,
            [
                (Code::InvalidValue, "spec.steps[a].values[\"x.y\"]".to_owned()),
                (Code::InvalidValue, "spec.steps[b].onFailure.set[\"a b\"]".to_owned())
            ]
        );
    }
}
