//! A **Workflow** is a set of steps: a run begins at `start`, and each step's exits lead to the next.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Workflow
//! metadata: { name: newsletter }
//! spec:
//!   access: { subProcess: true, public: true }
//!   data:
//!     - { name: EMAIL, type: text, required: true, class: personal }
//!     - { name: AMOUNT, type: numeric }
//!   start: ask
//!   steps:
//!     - name: ask
//!       type: sayGather
//!       say: "What is your e-mail address?"
//!       gather: { variable: email, class: personal }
//!       routes: { gathered: lookup, noInput: bye }
//!     - name: lookup
//!       type: webhook
//!       method: GET
//!       url: "https://shop.acme.test/subscribers?email={{email}}"
//!       headers: { X-Api-Key: { fromEnv: SHOP_KEY } }
//!       timeoutSeconds: 5
//!       logResponseBody: true
//!       setVariables:
//!         - { name: users.0.title, type: variable, target: discountTitle }
//!         - { name: users.0.id, type: linkedId, target: Custom Database }
//!       onFailure: { set: { lookupFailed: true } }
//!       routes: { success: bye, failure: offer }
//!     - name: offer
//!       type: sayIntent
//!       say: "Would you like our newsletter?"
//!       intents: { agree: ["yes", sure, of course], decline: ["no", later] }
//!       routes: { agree: subscribe, decline: bye, noMatch: bye }
//!     - name: subscribe
//!       type: webhook
//!       method: POST
//!       url: "https://shop.acme.test/subscribers"
//!       contentType: json                # json | xml | formEncoded | formData
//!       body: '{"email": "{{email}}"}'      # or  form: { email: "{{email}}" }  for formEncoded and formData
//!       routes: { success: send-code, failure: bye }
//!     - name: send-code
//!       type: sendEmail
//!       from: shop@acme.test
//!       to: "{{email}}"
//!       subject: Your code
//!       body: "Thank you. Your code is WELCOME10."
//!       routes: { delivered: bye, bounced: bye }
//!     - { name: bye, type: end }
//!     # also:
//!     # { name: approve, type: task, assignee: "{{manager}}", routes: { completed: pay, cancelled: bye, error: bye } }
//!     # { name: tell, type: notify, template: lead-assigned, endUsers: ["{{manager}}"], override: { URL: "…" }, routes: { next: bye } }
//!     # { name: big, type: branch, cases: [ { when: { property: AMOUNT, operator: greaterThan, value: 1000 }, to: approve } ], otherwise: pay }
//!     # { name: mark, type: set, values: { state: "new" }, routes: { next: bye } }
//! ```
//!
//! | Step type | Does | Exits |
//! |---|---|---|
//! | `webhook` | calls a URL and keeps parts of the answer | `success`, `failure` (transport error, timeout, status outside 2xx) |
//! | `sayGather` | says something and takes the answer | `gathered`, `noInput` |
//! | `sayIntent` | says something and tells the intent of the answer | one per intent, `noMatch` |
//! | `sendEmail` | sends an e-mail | `delivered`, `bounced` |
//! | `task` | waits for a person | `completed`; `cancelled` and `error` where routed |
//! | `notify` | notifies people by a Template | `next` |
//! | `branch` | goes by conditions over variables | its `cases` and `otherwise` |
//! | `set` | sets variables | `next` |
//! | `end` | ends the run | none |
//!
//! Every exit must be routed, a task's `cancelled` and `error` apart: without a route the task cannot be cancelled that
//! way. A cycle needs a step that waits for a person, and some way from `start` an `end`. `{{name}}` stands for a variable of the run: its data and what its
//! steps set, in one case-sensitive name space; `{{name.0.key}}` reaches into a value.
//!
//! Versions of a workflow only grow. A change of `data`, `start` or `steps` makes a new version and moves the pointer
//! that `release` names to it; runs under way stay on theirs. `access`, `roles`, `release` and the contents of secrets
//! live beside the versions and change in place. A removal archives the workflow and never deletes it.
//!
//! Steps of type `notify` refer to Templates and Audiences; IncomingWebhooks refer to the workflow.

pub mod data;
pub mod graph;
pub mod step;
pub mod step_webhook;
pub mod variable_target;
pub mod variables;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::field::{Compare, DataClass, Field, field};
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::managed::Managed;
use super::scope::Scope;
use super::{overrides, recipients};
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::path::Path;
use data::Data;
use step::{NO_MATCH, Step};

/// Spec of a Workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowSpec {
    /// Who may start it from outside.
    #[serde(default)]
    pub access: Access,
    /// Users with rights of their own on its requests.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// The pointer that a new version takes.
    #[serde(default)]
    pub release: Release,
    /// What a request starts with and keeps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
    /// The step a run begins at.
    #[schemars(length(min = 1))]
    pub start: String,
    /// Its steps; the order is for people.
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
}

/// Who may start a workflow from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Access {
    /// It can be started by something else than a person: its sub-process mode.
    #[serde(default)]
    pub sub_process: bool,
    /// Anybody may do so.
    #[serde(default)]
    pub public: bool,
}

impl Access {
    /// Whether incoming webhooks can start it: sub-process mode with public access (domain §4).
    #[must_use]
    pub fn can_be_started_from_outside(self) -> bool {
        let Self { sub_process, public } = self;
        sub_process && public
    }
}

/// Users with rights of their own on a workflow's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Roles {
    /// Names of users with system access to its requests. Personal data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub administrators: Vec<String>,
    /// Names of users who may cancel its actions. Personal data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub supervisors: Vec<String>,
}

impl Roles {
    /// Whether nobody has a role.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { administrators, supervisors } = self;
        administrators.is_empty() && supervisors.is_empty()
    }
}

/// The pointer that a new version takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Release {
    /// What requests run on.
    #[default]
    Current,
    /// What requests with `isTest` run on.
    Test,
}

/// The data class of what people enter, unless it is said to be another.
fn content() -> DataClass {
    DataClass::Content
}

impl Managed for WorkflowSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::VersionsGrow;
    const FIELDS: &'static [Field] = &[
        field("spec.access").compare(Compare::Group).beside_versions(),
        field("spec.access.subProcess").beside_versions(),
        field("spec.access.public").beside_versions(),
        field("spec.roles").compare(Compare::Group).beside_versions(),
        field("spec.roles.administrators").compare(Compare::Set).class(DataClass::Personal).beside_versions(),
        field("spec.roles.supervisors").compare(Compare::Set).class(DataClass::Personal).beside_versions(),
        field("spec.release").beside_versions(),
        field("spec.data").compare(Compare::Keyed("name")),
        field("spec.data[]").compare(Compare::Group),
        field("spec.data[].name"),
        field("spec.data[].type"),
        field("spec.data[].required"),
        field("spec.data[].default").class(DataClass::Content),
        field("spec.data[].class"),
        field("spec.start"),
        field("spec.steps").compare(Compare::Keyed("name")),
        field("spec.steps[]").compare(Compare::Group),
        field("spec.steps[].name"),
        field("spec.steps[].type"),
        field("spec.steps[].routes").compare(Compare::Map),
        field("spec.steps[].routes.*"),
        // webhook
        field("spec.steps[].method"),
        field("spec.steps[].url"),
        field("spec.steps[].headers").compare(Compare::Map),
        field("spec.steps[].headers.*").secret(),
        field("spec.steps[].contentType"),
        field("spec.steps[].body").compare(Compare::Text).class(DataClass::Content),
        field("spec.steps[].form").compare(Compare::Map),
        field("spec.steps[].form.*").class(DataClass::Content),
        field("spec.steps[].timeoutSeconds"),
        field("spec.steps[].logRequestBody"),
        field("spec.steps[].logResponseBody"),
        field("spec.steps[].setVariables").compare(Compare::List),
        field("spec.steps[].setVariables[]").compare(Compare::Group),
        field("spec.steps[].setVariables[].name"),
        field("spec.steps[].setVariables[].type"),
        field("spec.steps[].setVariables[].target"),
        field("spec.steps[].onFailure").compare(Compare::Group),
        field("spec.steps[].onFailure.set").compare(Compare::Map),
        field("spec.steps[].onFailure.set.*").class(DataClass::Content),
        // sayGather, sayIntent
        field("spec.steps[].say").compare(Compare::Text).class(DataClass::Content),
        field("spec.steps[].gather").compare(Compare::Group),
        field("spec.steps[].gather.variable"),
        field("spec.steps[].gather.class"),
        field("spec.steps[].intents").compare(Compare::Map),
        field("spec.steps[].intents.*").compare(Compare::Set).class(DataClass::Content),
        // sendEmail
        field("spec.steps[].from").class(DataClass::Content),
        field("spec.steps[].to").class(DataClass::Personal),
        field("spec.steps[].subject").class(DataClass::Content),
        // task
        field("spec.steps[].assignee").class(DataClass::Personal),
        // notify
        field("spec.steps[].template").refers_to(Kind::Template),
        field("spec.steps[].audiences").compare(Compare::Set),
        field("spec.steps[].audiences[]").refers_to(Kind::Audience),
        field("spec.steps[].endUsers").compare(Compare::Set).class(DataClass::Personal),
        field("spec.steps[].override").compare(Compare::Map),
        field("spec.steps[].override.*").class(DataClass::Content),
        // branch
        field("spec.steps[].cases").compare(Compare::List),
        field("spec.steps[].cases[]").compare(Compare::Group),
        field("spec.steps[].cases[].when").compare(Compare::List).opaque(),
        field("spec.steps[].cases[].to"),
        field("spec.steps[].otherwise"),
        // set
        field("spec.steps[].values").compare(Compare::Map),
        field("spec.steps[].values.*").class(DataClass::Content),
    ];

    fn normalise(&mut self) {
        for users in [&mut self.roles.administrators, &mut self.roles.supervisors] {
            users.sort();
            users.dedup();
        }
        self.data.iter_mut().for_each(Data::normalise);
        self.steps.iter_mut().for_each(Step::normalise);
    }

    fn check(&self, findings: &mut Findings) {
        data::check(&self.data, findings);
        self.check_steps(findings);
        graph::check(&self.start, &self.steps, findings);
        variables::check(&self.data, &self.steps, findings);
    }

    fn check_in(&self, _name: &Name, scope: &dyn Scope, findings: &mut Findings) {
        for (step, at) in self.steps.iter().zip(step_paths(&self.steps)) {
            if let Step::Notify(step) = step {
                let at = at.key("override");
                overrides::check_against(&step.overrides, &step.template, &[], scope, &at, findings);
            }
        }
    }
}

impl WorkflowSpec {
    /// The step of a name.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name() == name)
    }

    fn check_steps(&self, findings: &mut Findings) {
        let all = Path::keys("spec.steps");
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (n, step) in self.steps.iter().enumerate() {
            if let Some(first) = seen.insert(step.name(), n) {
                findings
                    .error(
                        Code::DuplicateStep,
                        all.index(n).key("name"),
                        format!("there are two steps `{}`", step.name()),
                    )
                    .related("the other one", all.index(first).key("name"));
            }
        }
        for (step, at) in self.steps.iter().zip(step_paths(&self.steps)) {
            match step {
                Step::Webhook(step) => step.check(&at, findings),
                Step::SayIntent(step) => {
                    check_phrases(&step.intents, &at.key("intents"), findings);
                    if step.intents.contains_key(NO_MATCH) {
                        let message = format!("`{NO_MATCH}` is the exit for an answer of no intent");
                        findings
                            .error(Code::InvalidValue, at.key("intents").key(NO_MATCH), message)
                            .at_key()
                            .help("give the intent another name");
                    }
                }
                Step::Notify(step) => {
                    recipients::check(&step.audiences, &step.end_users, &at, findings);
                    overrides::check(&step.overrides, &at.key("override"), findings);
                }
                Step::SendEmail(step) => {
                    for (key, text) in [("from", &step.from), ("to", &step.to), ("subject", &step.subject)] {
                        if text.contains(['\n', '\r']) {
                            let message = format!("`{key}` is one line of an e-mail's head and has a line break");
                            findings.error(Code::InvalidValue, at.key(key), message).help("write it in one line");
                        }
                    }
                }
                Step::SayGather(_) | Step::Task(_) | Step::Branch(_) | Step::Set(_) | Step::End(_) => {}
            }
        }
    }
}

/// An answer of a phrase that two intents share would be taken for either.
fn check_phrases(intents: &BTreeMap<String, Vec<String>>, at: &Path, findings: &mut Findings) {
    let mut seen: BTreeMap<String, (&str, Path)> = BTreeMap::new();
    for (intent, phrases) in intents {
        for (n, phrase) in phrases.iter().enumerate() {
            let here = at.key(intent).index(n);
            match seen.entry(phrase.trim().to_lowercase()) {
                Entry::Vacant(entry) => {
                    entry.insert((intent, here));
                }
                Entry::Occupied(entry) => {
                    let (other, first) = entry.get();
                    if other != intent {
                        let message = format!("`{other}` and `{intent}` share the phrase `{phrase}`");
                        findings
                            .warning(Code::InvalidValue, here, message)
                            .help("remove it from one of the two")
                            .related("the other one", first.clone());
                    }
                }
            }
        }
    }
}

/// The path of each step: by its name, or by its place where the name does not tell.
#[must_use]
pub fn step_paths(steps: &[Step]) -> Vec<Path> {
    let all = Path::keys("spec.steps");
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let twice: BTreeSet<&str> = steps.iter().map(Step::name).filter(|name| !seen.insert(name)).collect();
    let path = |(n, step): (usize, &Step)| match step.name() {
        name if twice.contains(name) => all.index(n),
        name => all.element(name),
    };
    steps.iter().enumerate().map(path).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kinds::{Address, Spec};

    fn read(more: Value) -> WorkflowSpec {
        let mut spec = json!({"start": "bye", "steps": [{"name": "bye", "type": "end"}]});
        if let (Value::Object(spec), Value::Object(more)) = (&mut spec, more) {
            spec.extend(more);
        }
        serde_json::from_value(spec).expect("a readable spec")
    }

    fn found(more: Value) -> Vec<(Code, String)> {
        let mut findings = Findings::default();
        read(more).check(&mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect()
    }

    #[test]
    fn the_canonical_form_has_its_defaults() -> Result<(), serde_json::Error> {
        let mut spec = read(json!({
            "roles": {"administrators": ["b", "a", "b"]},
            "data": [{"name": "D", "type": "datetime", "default": "2031-01-01"}, {"name": "A", "type": "text"}],
            "steps": [
                {"name": "ask", "type": "sayIntent", "say": "?", "intents": {"agree": ["yes", "sure", "yes"]}},
                {"name": "which", "type": "branch", "otherwise": "bye",
                 "cases": [{"when": {"property": "A", "operator": "exists"}, "to": "bye"}]},
                {"name": "tell", "type": "notify", "template": "t", "endUsers": ["b", "a"], "override": {"###U###": "u"}},
            ],
        }));
        spec.normalise();
        assert_eq!(
            serde_json::to_value(&spec)?,
            json!({
                "access": {"subProcess": false, "public": false}, "roles": {"administrators": ["a", "b"]}, "release": "current",
                "data": [
                    {"name": "D", "type": "datetime", "required": false, "default": "2031-01-01T00:00:00Z", "class": "content"},
                    {"name": "A", "type": "text", "required": false, "class": "content"}
                ],
                "start": "bye",
                "steps": [
                    {"type": "sayIntent", "name": "ask", "say": "?", "intents": {"agree": ["sure", "yes"]}},
                    {"type": "branch", "name": "which", "otherwise": "bye",
                     "cases": [{"when": [{"property": "A", "operator": "exists"}], "to": "bye"}]},
                    {"type": "notify", "name": "tell", "template": "t", "endUsers": ["a", "b"], "override": {"U": "u"}},
                ],
            })
        );
        Ok(())
    }

    #[test]
    fn names_are_unique() {
        assert_eq!(
            found(
                json!({"data": [{"name": "A", "type": "text"}, {"name": "a", "type": "text"}, {"name": "A", "type": "file"}]})
            ),
            [(Code::DuplicateData, "spec.data[2].name".to_owned())]
        );
        let twice = found(json!({"steps": [{"name": "bye", "type": "end"}, {"name": "bye", "type": "end"}]}));
        assert_eq!(twice.first(), Some(&(Code::DuplicateStep, "spec.steps[1].name".to_owned())));
    }

    #[test]
    fn two_intents_share_no_phrase() {
        let ask = json!({"name": "ask", "type": "sayIntent", "say": "?", "intents": {"agree": ["yes", "yes"], "decline": ["no", "Yes "]},
            "routes": {"agree": "bye", "decline": "bye", "noMatch": "bye"}});
        assert_eq!(
            found(json!({"start": "ask", "steps": [ask, {"name": "bye", "type": "end"}]})),
            [(Code::InvalidValue, "spec.steps[ask].intents.decline[1]".to_owned())]
        );
    }

    #[test]
    fn the_head_of_an_email_has_no_line_breaks() {
        let send = json!({"name": "send", "type": "sendEmail", "from": "a@a.test", "to": "b@a.test", "subject": "x\nBcc: c@a.test",
            "body": "a\nb", "routes": {"delivered": "bye", "bounced": "bye"}});
        assert_eq!(
            found(json!({"start": "send", "steps": [send, {"name": "bye", "type": "end"}]})),
            [(Code::InvalidValue, "spec.steps[send].subject".to_owned())]
        );
    }

    #[test]
    fn an_intent_is_not_the_exit_for_no_intent() {
        let ask = json!({"name": "ask", "type": "sayIntent", "say": "?", "intents": {"noMatch": ["x"]}, "routes": {"noMatch": "bye"}});
        assert_eq!(
            found(json!({"start": "ask", "steps": [ask, {"name": "bye", "type": "end"}]})),
            [(Code::InvalidValue, "spec.steps[ask].intents.noMatch".to_owned())]
        );
    }

    #[test]
    fn a_notify_step_addresses_somebody_and_fits_its_template() {
        let tell = |more: Value| {
            let mut step = json!({"name": "tell", "type": "notify", "template": "t", "endUsers": ["kim"], "routes": {"next": "bye"}});
            if let (Value::Object(step), Value::Object(more)) = (&mut step, more) {
                step.extend(more);
            }
            json!({"start": "tell", "steps": [step, {"name": "bye", "type": "end"}]})
        };
        assert_eq!(found(tell(json!({}))), []);
        assert_eq!(found(tell(json!({"endUsers": []}))), [(Code::ExclusiveFields, "spec.steps[tell]".to_owned())]);
        assert_eq!(
            found(tell(json!({"override": {"###U###": "a", "U": "b"}}))),
            [(Code::DuplicateKey, "spec.steps[tell].override.U".to_owned())]
        );
        let template = Kind::Template.read_spec(&json!({"title": "x", "body": "###NAME###"})).expect("a template");
        let scope: BTreeMap<Address, Spec> = [(Address::new(Kind::Template, Name::from_any("t")), template)].into();
        let mut findings = Findings::default();
        read(tell(json!({"override": {"NAMES": "n"}}))).check_in(&Name::from_any("w"), &scope, &mut findings);
        let found: Vec<_> = findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect();
        assert_eq!(
            found,
            [
                (Code::UnknownOverride, "spec.steps[tell].override.NAMES".to_owned()),
                (Code::MissingOverride, "spec.steps[tell].override".to_owned())
            ]
        );
    }
}
