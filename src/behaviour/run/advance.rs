//! How a run goes on: an event, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::effect::{Delivery, Effect, Event, HttpResult, NotifyRequest, TaskOutcome};
use super::state::{Outcome, Position, RunState, STEP_BUDGET, Waiting};
use super::text::{Refusal, fill_plain};
use super::variables::Variables;
use super::{email, intent, response, webhook_step};
use crate::base::path::Path;
use crate::behaviour::condition::{CompiledCondition, Values};
use crate::kinds::catalogue::PropertyType;
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::workflow::data::Data;
use crate::kinds::workflow::step::{Branch, NO_MATCH, Notify, Step};

/// An event that does not fit where the run stands. The state is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexpected {
    /// The run has ended.
    #[error("the run has ended")]
    Ended,
    /// The run waits for something else.
    #[error("the run does not wait for this at its step `{step}`")]
    Other {
        /// Where it stands.
        step: String,
    },
    /// The task has no route for this exit.
    #[error("the task `{step}` has no route `{exit}`: it cannot end that way")]
    NotRouted {
        /// The task's step.
        step: String,
        /// The exit.
        exit: &'static str,
    },
    /// The workflow has no such step: it is not the version the run began on.
    #[error("the workflow has no step `{0}`")]
    UnknownStep(String),
}

/// Takes a run as far as it gets: `workflow` is the version it began on.
///
/// Guarantees: the same workflow, state and event lead to the same state and effect. Steps that need nothing of the world
/// are walked through. With [`Event::Resume`] the effect that is waited for is worked out again.
///
/// # Errors
/// When the event does not fit; the state is unchanged then.
pub fn advance(workflow: &WorkflowSpec, state: &mut RunState, event: Event) -> Result<Effect, Unexpected> {
    let waiting = match (&state.position, &event) {
        (Position::Ended(outcome), Event::Resume) => return Ok(Effect::Ended(outcome.clone())),
        (Position::Ended(_), _) => return Err(Unexpected::Ended),
        (Position::New, Event::Begin | Event::Resume) => {
            let next = workflow.start.clone();
            return Ok(walk(workflow, state, Ok(&next)));
        }
        (Position::New, _) => return Err(Unexpected::Other { step: workflow.start.clone() }),
        (Position::Waiting(waiting), _) => *waiting,
    };
    let name = state.path.last().cloned().unwrap_or_default();
    let step = workflow.step(&name).ok_or_else(|| Unexpected::UnknownStep(name.clone()))?;
    let other = || Err(Unexpected::Other { step: name.clone() });
    let exit = match (step, waiting, event) {
        (_, _, Event::Resume) => return Ok(walk(workflow, state, Err(step))),
        (Step::Webhook(step), Waiting::Response, Event::Response(result)) => {
            response::take(step, &workflow.data, result, state)
        }
        (Step::SayGather(step), Waiting::Input, Event::Input(text)) if !text.trim().is_empty() => {
            let set = state.variables.set(&workflow.data, &step.gather.variable, Value::String(text));
            if let Err(reason) = set {
                state.note(format!("`{}` is not set: it {reason}", step.gather.variable));
            }
            "gathered"
        }
        (Step::SayGather(_), Waiting::Input, Event::Input(_) | Event::NoInput) => "noInput",
        (Step::SayIntent(step), Waiting::Input, Event::Input(text)) => {
            intent::recognise(&step.intents, &text).unwrap_or(NO_MATCH)
        }
        (Step::SayIntent(_), Waiting::Input, Event::NoInput) => NO_MATCH,
        (Step::Task(task), Waiting::Task, Event::TaskDone(outcome)) => {
            let exit = outcome.exit();
            if !task.routes.contains_key(exit) {
                return Err(Unexpected::NotRouted { step: name, exit });
            }
            exit
        }
        (Step::SendEmail(_), Waiting::Email, Event::Email(Delivery::Delivered)) => "delivered",
        (Step::SendEmail(_), Waiting::Email, Event::Email(Delivery::Bounced)) => "bounced",
        (Step::Notify(_), Waiting::Notification, Event::Notified) => "next",
        (Step::Notify(_), Waiting::Notification, Event::NotNotified { reason }) => {
            state.note(reason);
            "next"
        }
        (
            _,
            _,
            Event::Begin
            | Event::Input(_)
            | Event::NoInput
            | Event::TaskDone(_)
            | Event::Response(_)
            | Event::Email(_)
            | Event::Notified
            | Event::NotNotified { .. },
        ) => return other(),
    };
    match route(step, exit) {
        Ok(next) => Ok(walk(workflow, state, Ok(next))),
        Err(reason) => Ok(end(state, Outcome::Failed(reason))),
    }
}

/// Whether the task a run waits for can end this way.
#[must_use]
pub fn task_can_end(workflow: &WorkflowSpec, state: &RunState, outcome: TaskOutcome) -> bool {
    let step = state.path.last().and_then(|name| workflow.step(name));
    state.position == Position::Waiting(Waiting::Task)
        && matches!(step, Some(Step::Task(task)) if task.routes.contains_key(outcome.exit()))
}

fn route<'w>(step: &'w Step, exit: &str) -> Result<&'w str, String> {
    let next = step.routes().and_then(|routes| routes.get(exit));
    next.map(String::as_str).ok_or_else(|| format!("the step `{}` has no route `{exit}`", step.name()))
}

fn end(state: &mut RunState, outcome: Outcome) -> Effect {
    state.position = Position::Ended(outcome.clone());
    Effect::Ended(outcome)
}

/// What comes of entering a step.
enum Entered<'w> {
    Waits(Waiting, Effect),
    Next(Result<&'w str, String>),
    Ends,
}

/// Enters the step of a name, or again the step the run stands at, and goes on until something has to happen.
fn walk<'w>(workflow: &'w WorkflowSpec, state: &mut RunState, from: Result<&'w str, &'w Step>) -> Effect {
    let mut next = from;
    loop {
        let step = match next {
            Err(step) => step,
            Ok(name) => {
                if state.path.len() >= STEP_BUDGET {
                    let reason = format!("it visited {STEP_BUDGET} steps and did not end");
                    return end(state, Outcome::Failed(reason));
                }
                let Some(step) = workflow.step(name) else {
                    return end(state, Outcome::Failed(format!("the workflow has no step `{name}`")));
                };
                state.path.push(name.to_owned());
                step
            }
        };
        match enter(workflow, step, state) {
            Entered::Waits(waiting, effect) => {
                state.position = Position::Waiting(waiting);
                return effect;
            }
            Entered::Next(Ok(name)) => next = Ok(name),
            Entered::Next(Err(reason)) => return end(state, Outcome::Failed(reason)),
            Entered::Ends => return end(state, Outcome::Completed),
        }
    }
}

fn enter<'w>(workflow: &'w WorkflowSpec, step: &'w Step, state: &mut RunState) -> Entered<'w> {
    match step {
        Step::Webhook(webhook) => match webhook_step::build(webhook, state) {
            Ok(request) => Entered::Waits(Waiting::Response, Effect::CallHttp(Box::new(request))),
            Err(Refusal(reason)) => {
                let reason = format!("the request was not sent: {reason}");
                Entered::Next(route(step, response::fail(webhook, &workflow.data, reason, state)))
            }
        },
        Step::SayGather(say) => said(step, &say.say, "noInput", state),
        Step::SayIntent(say) => said(step, &say.say, NO_MATCH, state),
        Step::SendEmail(email) => match email::build(email, state) {
            Ok(email) => Entered::Waits(Waiting::Email, Effect::SendEmail(Box::new(email))),
            Err(Refusal(reason)) => {
                state.note(format!("the e-mail was not sent: {reason}"));
                Entered::Next(route(step, "bounced"))
            }
        },
        Step::Task(task) => {
            let assignee = super::place::header::fill_line(&task.assignee, &state.variables);
            let assignee = assignee.unwrap_or_else(|Refusal(reason)| {
                state.note(format!("the task is nobody's: {reason}"));
                String::new()
            });
            Entered::Waits(Waiting::Task, Effect::WaitForTask { assignee: assignee.trim().to_owned() })
        }
        Step::Notify(notify) => match notification(notify, state) {
            Ok(request) => Entered::Waits(Waiting::Notification, Effect::Notify(Box::new(request))),
            Err(Refusal(reason)) => {
                state.note(format!("nobody was notified: {reason}"));
                Entered::Next(route(step, "next"))
            }
        },
        Step::Branch(branch) => Entered::Next(Ok(choose(workflow, branch, state))),
        Step::Set(set) => {
            response::assign(&set.values, &workflow.data, state);
            Entered::Next(route(step, "next"))
        }
        Step::End(_) => Entered::Ends,
    }
}

fn said<'w>(step: &'w Step, say: &str, otherwise: &str, state: &mut RunState) -> Entered<'w> {
    match fill_plain(say, &state.variables) {
        Ok(say) => Entered::Waits(Waiting::Input, Effect::WaitForInput { say }),
        Err(Refusal(reason)) => {
            state.note(format!("nothing was said: {reason}"));
            Entered::Next(route(step, otherwise))
        }
    }
}

/// End users a notification can have (domain §1.3).
const END_USERS: usize = 100;

fn notification(step: &Notify, state: &RunState) -> Result<NotifyRequest, Refusal> {
    let Notify { name, template, audiences, end_users, overrides, routes: _ } = step;
    let users = end_users.iter().map(|user| Ok(fill_plain(user, &state.variables)?.trim().to_owned()));
    let users: BTreeSet<String> = users.collect::<Result<_, Refusal>>()?;
    let end_users: Vec<String> = users.into_iter().filter(|user| !user.is_empty()).take(END_USERS).collect();
    if end_users.is_empty() && audiences.is_empty() {
        return Err(Refusal::new("there is neither an audience nor an end user"));
    }
    let overrides = overrides.iter().map(|(key, text)| Ok((key.clone(), fill_plain(text, &state.variables)?)));
    Ok(NotifyRequest {
        path: Path::keys("spec.steps").element(name).to_string(),
        template: template.clone(),
        audiences: audiences.clone(),
        end_users,
        overrides: overrides.collect::<Result<BTreeMap<_, _>, Refusal>>()?,
        key: state.visit_key(),
    })
}

impl Values for Variables {
    fn value(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

fn choose<'w>(workflow: &'w WorkflowSpec, branch: &'w Branch, state: &mut RunState) -> &'w str {
    for case in &branch.cases {
        match CompiledCondition::new(&case.when, &|name| property_type(&workflow.data, name)) {
            Ok(condition) if condition.holds(&state.variables) => return &case.to,
            Ok(_) => {}
            Err(error) => state.note(error.to_string()),
        }
    }
    &branch.otherwise
}

/// How a variable is compared in a condition: by the type of the data item of its name; `None` where it has none.
#[must_use]
pub fn property_type(declared: &[Data], name: &str) -> Option<PropertyType> {
    declared.iter().find(|data| data.name == name)?.data_type.compared_as()
}

impl HttpResult {
    /// A request that got no answer in time.
    #[must_use]
    pub fn timed_out(seconds: u32) -> Self {
        Self::Failed { reason: format!("there was no answer within {seconds} s") }
    }
}
