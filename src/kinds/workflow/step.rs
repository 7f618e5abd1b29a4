//! The nine step types, with their fields, exits and routes.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::step_webhook::WebhookStep;
use crate::base::path::Path;
use crate::kinds::condition::Condition;
use crate::kinds::field::DataClass;
use crate::kinds::overrides::{self, Overrides};
use crate::kinds::recipients;
use crate::kinds::reference::Reference;

/// The next step by exit.
pub type Routes = BTreeMap<String, String>;

/// Texts, numbers and booleans by the variable they are given to.
pub type Assignments = BTreeMap<String, Value>;

/// One step. What a run does here depends on its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
#[schemars(inline)]
pub enum Step {
    /// Calls a URL. Exits: `success`, `failure`.
    Webhook(Box<WebhookStep>),
    /// Says something and takes what the other side answers. Exits: `gathered`, `noInput`.
    SayGather(SayGather),
    /// Says something and tells the intent of the answer. Exits: one per intent, `noMatch`.
    SayIntent(SayIntent),
    /// Sends an e-mail. Exits: `delivered`, `bounced`.
    SendEmail(SendEmail),
    /// Waits for a person. Exits: `completed`, and if they are routed `cancelled` and `error`.
    Task(Task),
    /// Notifies people by a template. Exit: `next`.
    Notify(Notify),
    /// Goes on by conditions over the run's variables.
    Branch(Branch),
    /// Sets variables. Exit: `next`.
    Set(Set),
    /// Ends the run.
    End(End),
}

/// Says something and takes what the other side answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct SayGather {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// What is said, with `{{variables}}`.
    #[schemars(length(min = 1))]
    pub say: String,
    /// What becomes of the answer.
    pub gather: Gather,
    /// The next step by exit.
    #[serde(default, skip_serializing_if = "Routes::is_empty")]
    pub routes: Routes,
}

/// What becomes of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Gather {
    /// The variable it is put into.
    #[schemars(regex(pattern = r"^[^\s.{}]+$"))]
    pub variable: String,
    /// What it says about people.
    #[serde(default = "super::content")]
    pub class: DataClass,
}

/// Says something and tells the intent of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct SayIntent {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// What is said, with `{{variables}}`.
    #[schemars(length(min = 1))]
    pub say: String,
    /// Phrases by the intent they express; each intent is an exit.
    #[schemars(schema_with = "intents")]
    pub intents: BTreeMap<String, Vec<String>>,
    /// The next step by exit.
    #[serde(default, skip_serializing_if = "Routes::is_empty")]
    pub routes: Routes,
}

/// Sends an e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct SendEmail {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Address it comes from, with `{{variables}}`.
    #[schemars(length(min = 1))]
    pub from: String,
    /// Address it goes to, with `{{variables}}`.
    #[schemars(length(min = 1))]
    pub to: String,
    /// Its subject, with `{{variables}}`.
    #[schemars(length(min = 1))]
    pub subject: String,
    /// Its text, with `{{variables}}`.
    #[schemars(length(min = 1))]
    pub body: String,
    /// The next step by exit.
    #[serde(default, skip_serializing_if = "Routes::is_empty")]
    pub routes: Routes,
}

/// Waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Task {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Name of the user who has to act, with `{{variables}}`.
    #[schemars(length(min = 1))]
    pub assignee: String,
    /// The next step by exit. Without `cancelled` or `error` the task cannot be cancelled that way.
    #[serde(default, skip_serializing_if = "Routes::is_empty")]
    pub routes: Routes,
}

/// Notifies people by a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Notify {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// The template with the texts.
    pub template: Reference,
    /// Audiences that are notified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<Reference>,
    /// Ids of end users that are notified, with `{{variables}}`; at most 100. Personal data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1)))]
    pub end_users: Vec<String>,
    /// Values of the template's placeholders, with `{{variables}}`, by name with or without the hashes.
    #[serde(default, rename = "override", skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// The next step by exit.
    #[serde(default, skip_serializing_if = "Routes::is_empty")]
    pub routes: Routes,
}

/// Goes on by conditions over the run's variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Branch {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Tried in order; the first that holds is taken.
    #[schemars(length(min = 1))]
    pub cases: Vec<Case>,
    /// The next step when none of the cases holds.
    #[schemars(length(min = 1))]
    pub otherwise: String,
}

/// One case of a branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Case {
    /// When it is taken; `property` names a variable of the run. A list means that all of its rows must hold.
    pub when: Condition,
    /// The next step.
    #[schemars(length(min = 1))]
    pub to: String,
}

/// Sets variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Set {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Values by variable: texts (with `{{variables}}`), numbers, booleans.
    #[schemars(schema_with = "assignments")]
    pub values: Assignments,
    /// The next step by exit.
    #[serde(default, skip_serializing_if = "Routes::is_empty")]
    pub routes: Routes,
}

/// Ends the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct End {
    /// Name of the step, unique within the workflow.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// The exit of a [`SayIntent`] that is none of its intents.
pub const NO_MATCH: &str = "noMatch";

/// The exits of a step: those that must be routed, and those that may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exits<'s> {
    /// A run can leave by these in any case.
    pub required: Vec<&'s str>,
    /// A run can leave by these only where they are routed.
    pub optional: Vec<&'s str>,
}

impl Step {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Webhook(step) => &step.name,
            Self::SayGather(step) => &step.name,
            Self::SayIntent(step) => &step.name,
            Self::SendEmail(step) => &step.name,
            Self::Task(step) => &step.name,
            Self::Notify(step) => &step.name,
            Self::Branch(step) => &step.name,
            Self::Set(step) => &step.name,
            Self::End(step) => &step.name,
        }
    }

    /// Its routes by exit; `None` for `branch` and `end`, which have none.
    #[must_use]
    pub fn routes(&self) -> Option<&Routes> {
        match self {
            Self::Webhook(step) => Some(&step.routes),
            Self::SayGather(step) => Some(&step.routes),
            Self::SayIntent(step) => Some(&step.routes),
            Self::SendEmail(step) => Some(&step.routes),
            Self::Task(step) => Some(&step.routes),
            Self::Notify(step) => Some(&step.routes),
            Self::Set(step) => Some(&step.routes),
            Self::Branch(_) | Self::End(_) => None,
        }
    }

    /// Its exits; none for `branch`, which goes by its cases, and for `end`.
    #[must_use]
    pub fn exits(&self) -> Exits<'_> {
        let required = |required: &[&'static str]| Exits { required: required.to_vec(), optional: Vec::new() };
        match self {
            Self::Webhook(_) => required(&["success", "failure"]),
            Self::SayGather(_) => required(&["gathered", "noInput"]),
            Self::SayIntent(step) => {
                let intents = step.intents.keys().map(String::as_str).filter(|intent| *intent != NO_MATCH);
                Exits { required: intents.chain([NO_MATCH]).collect(), optional: Vec::new() }
            }
            Self::SendEmail(_) => required(&["delivered", "bounced"]),
            Self::Task(_) => Exits { required: vec!["completed"], optional: vec!["cancelled", "error"] },
            Self::Notify(_) | Self::Set(_) => required(&["next"]),
            Self::Branch(_) | Self::End(_) => Exits::default(),
        }
    }

    /// The steps that can come next, each with the place that says so below `at`, the step's own path.
    #[must_use]
    pub fn targets(&self, at: &Path) -> Vec<(Path, &str)> {
        if let Self::Branch(Branch { name: _, cases, otherwise }) = self {
            let cases_at = at.key("cases");
            let cases = cases.iter().enumerate().map(|(n, case)| (cases_at.index(n).key("to"), case.to.as_str()));
            return cases.chain([(at.key("otherwise"), otherwise.as_str())]).collect();
        }
        let routes_at = at.key("routes");
        self.routes().into_iter().flatten().map(|(exit, next)| (routes_at.key(exit), next.as_str())).collect()
    }

    /// Whether a run stops here until a person has done something.
    #[must_use]
    pub fn waits_for_a_person(&self) -> bool {
        match self {
            Self::SayGather(_) | Self::SayIntent(_) | Self::Task(_) => true,
            Self::Webhook(_) | Self::SendEmail(_) | Self::Notify(_) | Self::Branch(_) | Self::Set(_) | Self::End(_) => {
                false
            }
        }
    }

    /// Brings it into canonical form.
    pub fn normalise(&mut self) {
        match self {
            Self::SayIntent(step) => {
                for phrases in step.intents.values_mut() {
                    phrases.sort();
                    phrases.dedup();
                }
            }
            Self::Notify(step) => {
                recipients::normalise(&mut step.audiences, &mut step.end_users);
                overrides::normalise(&mut step.overrides);
            }
            Self::Branch(step) => step.cases.iter_mut().for_each(|case| case.when.normalise()),
            Self::Webhook(step) => step.normalise(),
            Self::SayGather(_) | Self::SendEmail(_) | Self::Task(_) | Self::Set(_) | Self::End(_) => {}
        }
    }
}

fn intents(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": { "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 } }
    })
}

/// The schema of [`Assignments`].
pub(super) fn assignments(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": { "type": ["string", "number", "boolean"] }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_is_read_by_its_type_and_refuses_what_it_does_not_have() {
        let read = |step| serde_json::from_value::<Step>(step);
        assert!(read(json!({"name": "bye", "type": "end"})).is_ok());
        assert!(read(json!({"name": "bye", "type": "end", "routes": {}})).is_err());
        assert!(read(json!({"name": "bye", "type": "stop"})).is_err());
        assert!(read(json!({"name": "go", "type": "set", "values": {"a": 1}, "say": "x"})).is_err());
        let task = json!({"type": "task", "name": "t", "assignee": "bo", "routes": {"completed": "x"}});
        assert_eq!(read(task.clone()).ok().and_then(|step| serde_json::to_value(step).ok()), Some(task));
    }

    #[test]
    fn exits_follow_from_the_type() -> Result<(), serde_json::Error> {
        let exits = |step| -> Result<(Vec<String>, usize), serde_json::Error> {
            let step: Step = serde_json::from_value(step)?;
            let Exits { required, optional } = step.exits();
            Ok((required.into_iter().map(str::to_owned).collect(), optional.len()))
        };
        let step =
            json!({"name": "s", "type": "sayIntent", "say": "?", "intents": {"agree": ["yes"], "decline": ["no"]}});
        assert_eq!(exits(step)?, (vec!["agree".into(), "decline".into(), "noMatch".into()], 0));
        assert_eq!(exits(json!({"name": "t", "type": "task", "assignee": "bo"}))?, (vec!["completed".into()], 2));
        assert_eq!(exits(json!({"name": "e", "type": "end"}))?, (vec![], 0));
        Ok(())
    }
}
