//! What a test gets wrong about the objects of its project: names that are nothing, values of another type.

use std::collections::BTreeSet;

use super::expectation::Expectation;
use super::given::{GivenAudience, GivenEvent, GivenRender, GivenRun, Response};
use super::{Given, TestSpec};
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::kinds::catalogue::PropertyType;
use crate::kinds::finding::Findings;
use crate::kinds::placeholder::bare_name;
use crate::kinds::scope::{Scope, event_properties};
use crate::kinds::system::unknown_event;
use crate::kinds::workflow::step::{NO_MATCH, Step};
use crate::kinds::workflow::{WorkflowSpec, variables};
use crate::kinds::{Kind, Spec, overrides, time};

/// Checks all cases.
pub(super) fn check(spec: &TestSpec, scope: &dyn Scope, findings: &mut Findings) {
    for (n, case) in spec.cases.iter().enumerate() {
        let at = Path::keys("spec.cases").index(n);
        let expect = &case.expect;
        for given in case.all_given() {
            let here = at.key(given.field());
            let expected = at.key("expect");
            match given {
                Given::Event(event) => check_event(event, &here, scope, findings),
                Given::Render(render) => check_render(render, &here, expect, &expected, scope, findings),
                Given::Audience(audience) => check_audience(audience, &here, scope, findings),
                Given::Workflow(run) => check_run(run, &here, expect, &expected, scope, findings),
            }
        }
        for (m, delivery) in expect.deliveries.iter().flatten().enumerate() {
            let at = at.key("expect").key("deliveries").index(m).key("webhook");
            let _ = object(Kind::Webhook, &delivery.webhook, at, scope, findings);
        }
    }
}

/// The object of a name; reports one that is not there.
fn object<'s>(kind: Kind, name: &Name, at: Path, scope: &'s dyn Scope, findings: &mut Findings) -> Option<&'s Spec> {
    let found = scope.get(kind, name.as_str());
    if found.is_none() {
        findings
            .error(Code::UnknownReference, at, format!("there is no {kind}/{name}"))
            .help(format!("add a manifest of kind {kind} named `{name}`, or correct the name"))
            .did_you_mean(name.as_str(), scope.names(kind).into_iter().map(Name::as_str));
    }
    found
}

fn check_event(event: &GivenEvent, at: &Path, scope: &dyn Scope, findings: &mut Findings) {
    let system = object(Kind::System, &event.system, at.key("system"), scope, findings);
    if let (Some(Spec::System(system)), Some(environment)) = (system, &event.environment)
        && !system.environments.is_empty()
        && !system.environments.contains_key(environment.as_str())
    {
        let message = format!("System/{} has no environment `{environment}`", event.system);
        findings
            .error(Code::InvalidValue, at.key("environment"), message)
            .did_you_mean(environment, system.environments.keys().map(Name::as_str));
    }
    let Some(known) = event_properties(scope, &event.event) else {
        return unknown_event(&event.event, scope, at.key("event"), findings);
    };
    for (name, value) in &event.properties {
        let here = at.key("properties").key(name);
        let Some(property) = known.get(name) else {
            findings
                .error(Code::UnknownProperty, here, format!("the event `{}` has no property `{name}`", event.event))
                .at_key()
                .did_you_mean(name, known.names());
            continue;
        };
        let fits = match property.value_type {
            PropertyType::String => value.is_string(),
            PropertyType::Number => value.is_number(),
            PropertyType::Boolean => value.is_boolean(),
            PropertyType::Datetime => match value.as_str().map(time::parse) {
                Some(Err(error)) => {
                    findings.error(Code::InvalidTime, here, format!("`{name}` cannot be read: {error}"));
                    continue;
                }
                Some(Ok(_)) => true,
                None => false,
            },
        };
        if !fits {
            findings.error(Code::WrongType, here, format!("`{name}` is a {}", property.value_type.as_str()));
        }
    }
}

fn check_render(
    render: &GivenRender,
    at: &Path,
    expect: &Expectation,
    expected: &Path,
    scope: &dyn Scope,
    findings: &mut Findings,
) {
    let Some(Spec::Template(template)) = object(Kind::Template, &render.template, at.key("template"), scope, findings)
    else {
        return;
    };
    let name = render.template.as_str();
    let known: BTreeSet<&str> = template.placeholders();
    for key in render.overrides.keys().filter(|key| !known.contains(bare_name(key))) {
        overrides::unknown(key, name, &known, at.key("override").key(key), findings).at_key();
    }
    for (n, key) in expect.unresolved.iter().flatten().enumerate() {
        if !known.contains(bare_name(key)) {
            overrides::unknown(key, name, &known, expected.key("unresolved").index(n), findings);
        }
    }
}

fn check_audience(given: &GivenAudience, at: &Path, scope: &dyn Scope, findings: &mut Findings) {
    let Some(Spec::Audience(audience)) = object(Kind::Audience, &given.name, at.key("name"), scope, findings) else {
        return;
    };
    if audience.members.is_some() {
        if given.end_user_id.is_none() {
            let message = format!("Audience/{} is a list of members: an id is needed to ask about", given.name);
            findings.error(Code::MissingField, at.clone(), message).help("add endUserId");
        }
        if !given.attributes.is_empty() {
            let message = format!("Audience/{} is a list of members: attributes say nothing", given.name);
            findings.warning(Code::Unused, at.key("attributes"), message).at_key().help("remove them");
        }
    } else if given.end_user_id.is_some() {
        let message = format!("Audience/{} goes by attributes: an id says nothing", given.name);
        findings.warning(Code::Unused, at.key("endUserId"), message).at_key().help("remove it");
    }
}

fn check_run(
    run: &GivenRun,
    at: &Path,
    expect: &Expectation,
    expected: &Path,
    scope: &dyn Scope,
    findings: &mut Findings,
) {
    let Some(Spec::Workflow(workflow)) = object(Kind::Workflow, &run.name, at.key("name"), scope, findings) else {
        return;
    };
    let run_of = RunOf { name: &run.name, workflow };
    check_data(run, workflow, at, findings);
    for step in run.inputs.keys() {
        let here = at.key("inputs").key(step);
        match run_of.step(step, here.clone(), true, findings) {
            None | Some(Step::SayGather(_) | Step::SayIntent(_)) => {}
            Some(other) => {
                let message = format!("nothing is said at `{step}`: it is a {}", type_of(other));
                findings
                    .error(Code::InvalidValue, here, message)
                    .at_key()
                    .help("only sayGather and sayIntent take inputs; how other steps end stands under responses");
            }
        }
    }
    for (step, responses) in &run.responses {
        let here = at.key("responses").key(step);
        if let Some(found) = run_of.step(step, here.clone(), true, findings) {
            for (n, response) in responses.all().iter().enumerate() {
                let here = if responses.all().len() > 1 { here.index(n) } else { here.clone() };
                check_response(found, response, here, findings);
            }
        }
    }
    for (n, step) in expect.path.iter().flatten().enumerate() {
        let _ = run_of.step(step, expected.key("path").index(n), false, findings);
    }
    for (n, request) in expect.requests.iter().flatten().enumerate() {
        let here = expected.key("requests").index(n).key("step");
        match run_of.step(&request.step, here.clone(), false, findings) {
            None | Some(Step::Webhook(_)) => {}
            Some(other) => {
                let message = format!("`{}` makes no request: it is a {}", request.step, type_of(other));
                findings.error(Code::InvalidValue, here, message).help("only webhook steps make requests");
            }
        }
    }
    let declared = variables::declared(&workflow.data, &workflow.steps);
    for name in expect.variables.iter().flat_map(|variables| variables.keys()) {
        let root = variables::root(name);
        if !declared.contains(root) {
            let message = format!("no data and no step of Workflow/{} sets the variable `{root}`", run.name);
            findings
                .error(Code::UndeclaredVariable, expected.key("variables").key(name), message)
                .at_key()
                .did_you_mean(root, declared.iter().copied());
        }
    }
}

fn check_data(run: &GivenRun, workflow: &WorkflowSpec, at: &Path, findings: &mut Findings) {
    let at = at.key("data");
    for (name, value) in &run.data {
        let here = at.key(name);
        match workflow.data.iter().find(|data| data.name == *name) {
            None => {
                findings
                    .error(Code::UndeclaredVariable, here, format!("Workflow/{} has no data `{name}`", run.name))
                    .at_key()
                    .did_you_mean(name, workflow.data.iter().map(|data| data.name.as_str()));
            }
            // A file is a map with rules of its own, which are those of a request.
            Some(data) if value.is_object() => {
                if !data.data_type.is_file() {
                    findings.error(Code::WrongType, here, format!("`{name}` is not a file"));
                }
            }
            Some(data) if data.data_type.is_file() => {
                findings
                    .error(Code::WrongType, here, format!("`{name}` is a file"))
                    .help("give a map: { name, content (base64), contentType, … }");
            }
            Some(data) => {
                if let Err((code, message)) = data.data_type.check_value(value) {
                    findings.error(code, here, format!("`{name}` {message}"));
                }
            }
        }
    }
    for data in &workflow.data {
        if data.required && data.default.is_none() && !run.data.contains_key(&data.name) {
            let message = format!("Workflow/{} needs the data `{}`", run.name, data.name);
            findings
                .error(Code::MissingField, at.clone(), message)
                .at_key()
                .help(format!("add `{}` to data", data.name));
        }
    }
}

/// A workflow that a case runs.
struct RunOf<'w> {
    name: &'w Name,
    workflow: &'w WorkflowSpec,
}

impl<'w> RunOf<'w> {
    /// The step of a name; reports one that is not there.
    fn step(&self, name: &str, at: Path, at_key: bool, findings: &mut Findings) -> Option<&'w Step> {
        let found = self.workflow.step(name);
        if found.is_none() {
            findings
                .error(Code::UnknownReference, at, format!("Workflow/{} has no step `{name}`", self.name))
                .did_you_mean(name, self.workflow.steps.iter().map(Step::name))
                .at_key = at_key;
        }
        found
    }
}

fn check_response(step: &Step, response: &Response, at: Path, findings: &mut Findings) {
    let name = step.name();
    let exits: Vec<&str> = match step {
        Step::Webhook(_) => vec!["success", "failure", "timeout"],
        Step::SayGather(_) => vec!["noInput"],
        Step::SayIntent(_) => vec![NO_MATCH],
        Step::SendEmail(_) | Step::Task(_) | Step::Notify(_) => {
            let exits = step.exits();
            exits.required.into_iter().chain(exits.optional).collect()
        }
        Step::Branch(_) | Step::Set(_) | Step::End(_) => {
            let message = format!("`{name}` waits for nothing: it is a {}", type_of(step));
            findings.error(Code::InvalidValue, at, message).help("remove it: the workflow decides how it ends");
            return;
        }
    };
    match response {
        Response::Answer(_) if matches!(step, Step::Webhook(_)) => {}
        Response::Answer(_) => {
            let message = format!("`{name}` makes no request: it is a {}", type_of(step));
            findings.error(Code::InvalidValue, at, message).help(format!("write one of {}", exits.join(", ")));
        }
        Response::Exit(exit) if exits.contains(&exit.as_str()) => {
            // Only the two ways to cancel a task may be without a route.
            if let Step::Task(task) = step
                && !task.routes.contains_key(exit)
            {
                let message = format!("the task `{name}` has no route `{exit}`: it cannot end that way");
                findings.error(Code::UnknownExit, at, message);
            }
        }
        Response::Exit(exit) => {
            let finding = findings.error(Code::UnknownExit, at, format!("`{name}` cannot end by `{exit}`"));
            let said = matches!(step, Step::SayGather(_) | Step::SayIntent(_));
            let more = if said { "; what is said stands under inputs" } else { "" };
            finding.help(format!("write one of {}{more}", exits.join(", ")));
            finding.did_you_mean(exit, exits.iter().copied());
        }
    }
}

fn type_of(step: &Step) -> &'static str {
    match step {
        Step::Webhook(_) => "webhook",
        Step::SayGather(_) => "sayGather",
        Step::SayIntent(_) => "sayIntent",
        Step::SendEmail(_) => "sendEmail",
        Step::Task(_) => "task",
        Step::Notify(_) => "notify",
        Step::Branch(_) => "branch",
        Step::Set(_) => "set",
        Step::End(_) => "end",
    }
}
