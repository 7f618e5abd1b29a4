//! A run from beginning to end, with what the case says in place of the world.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::report::CaseError;
use super::super::why::{Asked, RowOutcome};
use crate::base::path::Path;
use crate::behaviour::run::advance::{advance, property_type};
use crate::behaviour::run::data;
use crate::behaviour::run::effect::{Delivery, Effect, Event, HeaderContent, HttpRequest, HttpResult, TaskOutcome};
use crate::behaviour::run::intent;
use crate::behaviour::run::state::{Outcome, RunState};
use crate::kinds::header::HeaderValue;
use crate::kinds::test::given::{Answer, GivenRun, Response};
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::workflow::step::{Branch, End, NO_MATCH, Step};

/// The key of the run: idempotency keys are `test-1`, `test-2` and so on by the visit.
const KEY: &str = "test";

/// A run that has ended.
pub(in crate::review) struct Ran {
    /// How it stands at its end.
    pub(in crate::review) state: RunState,
    /// Its visits in order, one for each step of its path.
    pub(super) visits: Vec<Visit>,
    /// The requests it made, in order.
    pub(in crate::review) requests: Vec<Request>,
}

/// Why a run came to no end.
pub(in crate::review) struct Stopped {
    /// What stopped it.
    pub(in crate::review) error: CaseError,
    /// The step it stood at, and what is said of it.
    pub(super) at: Option<(String, &'static str)>,
}

/// A visit of a step.
pub(super) struct Visit {
    /// The step.
    pub(super) step: String,
    /// How it was left.
    pub(super) left: Left,
}

/// How a step was left.
pub(super) enum Left {
    /// By this exit.
    Exit(String),
    /// By a case of a branch, or by none of them.
    Branched {
        /// `cases[n]` or `otherwise`.
        exit: String,
        /// The place that decided.
        path: Path,
        /// The rows that decided, with the place of the condition they belong to.
        deciding: Vec<(Path, Vec<RowOutcome>)>,
        /// All rows that were asked.
        rows: Vec<RowOutcome>,
    },
    /// The run ended at it.
    Ended,
}

/// A request that was made.
pub(in crate::review) struct Request {
    /// The step that made it.
    pub(in crate::review) step: String,
    /// What is sent.
    pub(in crate::review) sent: HttpRequest,
    /// Its headers as they are expected: secrets as their references.
    pub(in crate::review) headers: Vec<(String, Value)>,
}

/// What the world answers, and the exit that comes of it.
struct Answered {
    event: Event,
    exit: String,
}

/// Runs a workflow.
///
/// # Errors
/// When the data do not fit, when the case does not say what is needed to go on, or when the run fails.
pub(in crate::review) fn simulate(workflow: &WorkflowSpec, given: &GivenRun) -> Result<Ran, Stopped> {
    let stopped = |error: CaseError| Stopped { error, at: None };
    let variables = data::begin(&workflow.data, &given.data).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        stopped(CaseError::new(format!("a server would refuse to start it: {}", errors.join("; "))))
    })?;
    let mut ran = Ran { state: RunState::new(KEY, variables), visits: Vec::new(), requests: Vec::new() };
    let mut event = Event::Begin;
    loop {
        let (before, taken) = (ran.state.clone(), event.clone());
        let effect = advance(workflow, &mut ran.state, event);
        let effect = effect.map_err(|error| stopped(CaseError::new(error.to_string())))?;
        walked(workflow, &before, &taken, &mut ran);
        let name = ran.state.path.last().cloned().unwrap_or_default();
        let step = workflow.step(&name);
        let world = World { given, step, visit: ran.state.path.iter().filter(|other| **other == name).count() - 1 };
        let answered = match effect {
            Effect::Ended(Outcome::Completed) => return Ok(ran),
            Effect::Ended(Outcome::Cancelled) => return Err(stopped(CaseError::new("the run was cancelled"))),
            Effect::Ended(Outcome::Failed(reason)) => {
                let error = CaseError::new(format!("the run failed: {reason}"));
                return Err(Stopped { error, at: Some((name, "it stood here")) });
            }
            Effect::CallHttp(request) => {
                let headers = headers(step, &request);
                ran.requests.push(Request { step: name.clone(), sent: *request, headers });
                world.response()
            }
            Effect::WaitForInput { say: _ } => world.said(),
            Effect::WaitForTask { assignee: _ } => world.task(),
            Effect::SendEmail(_) => world.email(),
            Effect::Notify(_) => Ok(Answered { event: Event::Notified, exit: "next".to_owned() }),
        };
        let answered = answered.map_err(|(message, help)| {
            let error = CaseError::new(message).help(help);
            Stopped { error, at: Some((name.clone(), "the run waits here")) }
        })?;
        if let Some(last) = ran.visits.last_mut() {
            last.left = Left::Exit(answered.exit);
        }
        event = answered.event;
    }
}

fn headers(step: Option<&Step>, request: &HttpRequest) -> Vec<(String, Value)> {
    let own = match step {
        Some(Step::Webhook(step)) => Some(&step.headers),
        _ => None,
    };
    let header = |(name, content): &(String, HeaderContent)| {
        let value = match content {
            HeaderContent::Plain(text) => Value::String(text.clone()),
            HeaderContent::Secret(path) => match own.and_then(|own| own.get(name)) {
                Some(HeaderValue::Secret(reference)) => json!(reference),
                Some(HeaderValue::Plain(_)) | None => Value::String(path.clone()),
            },
        };
        (name.clone(), value)
    };
    request.headers.iter().map(header).collect()
}

/// Notes the steps that were walked through since the run last waited: how each was left, but for the last.
fn walked(workflow: &WorkflowSpec, before: &RunState, event: &Event, ran: &mut Ran) {
    let path = ran.state.path.clone();
    for (n, name) in path.iter().enumerate().skip(before.path.len()) {
        let left = match (workflow.step(name), path.get(n + 1)) {
            (Some(Step::Branch(branch)), Some(_)) => branched(workflow, branch, before, event),
            (Some(step), Some(next)) => Left::Exit(exit_to(step, next)),
            (_, None) | (None, _) => Left::Ended,
        };
        ran.visits.push(Visit { step: name.clone(), left });
    }
}

/// The exit of a step that needed nothing of the world: `next`, or the one that is taken when nothing could be sent.
fn exit_to(step: &Step, next: &str) -> String {
    let exit = match step {
        Step::Webhook(_) => "failure",
        Step::SayGather(_) => "noInput",
        Step::SayIntent(_) => NO_MATCH,
        Step::SendEmail(_) => "bounced",
        Step::Task(_) => "error",
        Step::Notify(_) | Step::Set(_) => "next",
        Step::Branch(_) | Step::End(_) => "",
    };
    let routes = step.routes();
    let is_it = routes.and_then(|routes| routes.get(exit)).is_some_and(|to| to == next);
    let other = || routes?.iter().find(|(_, to)| *to == next).map(|(exit, _)| exit.clone());
    if is_it { exit.to_owned() } else { other().unwrap_or_else(|| exit.to_owned()) }
}

/// How a branch was left. What the run knew there is found out by letting it end there.
fn branched(workflow: &WorkflowSpec, branch: &Branch, before: &RunState, event: &Event) -> Left {
    let mut ending = workflow.clone();
    for step in &mut ending.steps {
        if step.name() == branch.name {
            *step = Step::End(End { name: branch.name.clone() });
        }
    }
    let mut there = before.clone();
    // What was walked through once is walked through again.
    let _ = advance(&ending, &mut there, event.clone());
    let at = Path::keys("spec.steps").element(&branch.name);
    let asked = Asked { type_of: &|name| property_type(&workflow.data, name), values: &there.variables };
    let mut rows = Vec::new();
    let mut against = Vec::new();
    for (n, case) in branch.cases.iter().enumerate() {
        let case_at = at.key("cases").index(n);
        let when = case_at.key("when");
        rows.extend(asked.rows(&case.when, &when));
        let (holds, deciding) = asked.deciding(&case.when, &when);
        if holds {
            let deciding = vec![(when, deciding)];
            return Left::Branched { exit: format!("cases[{n}]"), path: case_at.key("to"), deciding, rows };
        }
        against.push((when, deciding));
    }
    Left::Branched { exit: "otherwise".to_owned(), path: at.key("otherwise"), deciding: against, rows }
}

/// What a case says of the step at which a run waits.
struct World<'w> {
    given: &'w GivenRun,
    step: Option<&'w Step>,
    /// Earlier visits of the step.
    visit: usize,
}

type Unanswered = (String, String);

impl World<'_> {
    fn name(&self) -> &str {
        self.step.map_or("", Step::name)
    }

    fn given(&self) -> Option<&Response> {
        self.given.responses.get(self.name())?.at(self.visit)
    }

    fn unanswered(&self, what: &str, where_: &str, example: &str) -> Unanswered {
        let name = self.name();
        let visit = if self.visit == 0 { String::new() } else { format!(" at its visit {}", self.visit + 1) };
        (
            format!("the run comes to `{name}`, and the case does not say {what}{visit}"),
            format!("add `{name}: {example}` to {where_}"),
        )
    }

    fn response(&self) -> Result<Answered, Unanswered> {
        let seconds = match self.step {
            Some(Step::Webhook(step)) => step.timeout_seconds,
            _ => 0,
        };
        let result = match self.given() {
            None => return Err(self.unanswered("how its request ends", "responses", "{ status: 200 }")),
            Some(Response::Exit(exit)) => match exit.as_str() {
                "success" => HttpResult::Answered { status: 200, content_type: None, body: Vec::new() },
                "timeout" => HttpResult::timed_out(seconds),
                _ => HttpResult::Failed { reason: "the request failed, as the case says".to_owned() },
            },
            Some(Response::Answer(answer)) => answered(answer),
        };
        let is_success = matches!(result, HttpResult::Answered { status: 200..300, .. });
        let exit = if is_success { "success" } else { "failure" };
        Ok(Answered { event: Event::Response(result), exit: exit.to_owned() })
    }

    fn said(&self) -> Result<Answered, Unanswered> {
        let input = self.given.inputs.get(self.name()).and_then(|inputs| inputs.at(self.visit));
        let answered = |event, exit: &str| Ok(Answered { event, exit: exit.to_owned() });
        let silent = if matches!(self.step, Some(Step::SayIntent(_))) { NO_MATCH } else { "noInput" };
        match (input, self.given(), self.step) {
            (Some(text), _, Some(Step::SayIntent(step))) => {
                let exit = intent::recognise(&step.intents, text).unwrap_or(NO_MATCH);
                answered(Event::Input(text.clone()), exit)
            }
            (Some(text), _, _) => {
                let exit = if text.trim().is_empty() { "noInput" } else { "gathered" };
                answered(Event::Input(text.clone()), exit)
            }
            (None, Some(Response::Exit(_)), _) => answered(Event::NoInput, silent),
            (None, _, _) => {
                let (message, help) = self.unanswered("what is said", "inputs", "some text");
                Err((message, format!("{help}, or `{}: {silent}` to responses", self.name())))
            }
        }
    }

    fn task(&self) -> Result<Answered, Unanswered> {
        let outcome = match self.given() {
            Some(Response::Exit(exit)) if exit == "completed" => TaskOutcome::Completed,
            Some(Response::Exit(exit)) if exit == "cancelled" => TaskOutcome::Cancelled,
            Some(Response::Exit(exit)) if exit == "error" => TaskOutcome::Error,
            Some(_) | None => return Err(self.unanswered("how its task ends", "responses", "completed")),
        };
        Ok(Answered { event: Event::TaskDone(outcome), exit: outcome.exit().to_owned() })
    }

    fn email(&self) -> Result<Answered, Unanswered> {
        let (outcome, exit) = match self.given() {
            Some(Response::Exit(exit)) if exit == "delivered" => (Delivery::Delivered, exit),
            Some(Response::Exit(exit)) if exit == "bounced" => (Delivery::Bounced, exit),
            Some(_) | None => {
                return Err(self.unanswered("whether its e-mail is delivered", "responses", "delivered"));
            }
        };
        Ok(Answered { event: Event::Email(outcome), exit: exit.clone() })
    }
}

fn answered(answer: &Answer) -> HttpResult {
    let Answer { status, headers, body } = answer;
    let by_lower: BTreeMap<String, &String> =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let content_type = by_lower.get("content-type").map(|value| (*value).clone());
    let (body, default) = match body {
        None => (Vec::new(), None),
        Some(Value::String(text)) => (text.clone().into_bytes(), None),
        Some(value) => (value.to_string().into_bytes(), Some("application/json".to_owned())),
    };
    HttpResult::Answered { status: *status, content_type: content_type.or(default), body }
}
