//! A run as others see it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::list::ListedRun;
use super::pinned::Pinned;
use crate::behaviour::run::advance::advance;
use crate::behaviour::run::effect::{Effect, Event};
use crate::behaviour::run::state::{Outcome, Position, Problem, RunState, Waiting};
use crate::object::run::{EmailRecord, RunDetails, RunHead, RunStatus, StepLog, TaskRecord};

/// How far a run has come.
pub(super) fn status(state: &RunState) -> RunStatus {
    match &state.position {
        Position::Waiting(Waiting::Input) => RunStatus::WaitingForInput,
        Position::Waiting(Waiting::Task) => RunStatus::WaitingForTask,
        Position::New | Position::Waiting(Waiting::Response | Waiting::Email | Waiting::Notification) => {
            RunStatus::Running
        }
        Position::Ended(Outcome::Completed) => RunStatus::Completed,
        Position::Ended(Outcome::Cancelled) => RunStatus::Cancelled,
        Position::Ended(Outcome::Failed(_)) => RunStatus::Failed,
    }
}

/// A run, told briefly.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Its identity.
    #[schemars(with = "String")]
    pub id: Uuid,
    /// The request's number within the project.
    pub number: u64,
    /// How far it has come.
    pub state: RunStatus,
}

/// A run with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// What lists say of it.
    #[serde(flatten)]
    pub listed: ListedRun,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// What it has said, while it waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub say: Option<String>,
    /// The steps it visited; the last is where it stands.
    pub path: Vec<String>,
    /// Its variables.
    pub variables: Map<String, Value>,
    /// What its steps set beside variables: by type of target, then by target.
    pub targets: BTreeMap<String, BTreeMap<String, Value>>,
    /// What did not go as the workflow meant it.
    pub problems: Vec<RunProblem>,
    /// Its tasks.
    pub tasks: Vec<TaskRecord>,
    /// The requests of its webhook steps.
    pub logs: Vec<StepLog>,
    /// Its e-mails.
    pub emails: Vec<EmailRecord>,
}

/// What did not go as the workflow meant it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunProblem {
    /// Which visit: a place in the path, from 1.
    pub visit: usize,
    /// The step.
    pub step: String,
    /// What happened.
    pub message: String,
}

/// Puts a run together for others to see. `process` is the workflow's number, if it has one.
pub(super) fn view(
    head: RunHead,
    state: RunState,
    details: RunDetails,
    pinned: &Pinned,
    process: Option<u64>,
) -> RunView {
    let RunDetails { tasks, logs, emails } = details;
    let say = match head.status {
        RunStatus::WaitingForInput => match advance(&pinned.spec, &mut state.clone(), Event::Resume) {
            Ok(Effect::WaitForInput { say }) => Some(say),
            Ok(_) | Err(_) => None,
        },
        RunStatus::Running
        | RunStatus::WaitingForTask
        | RunStatus::Completed
        | RunStatus::Cancelled
        | RunStatus::Failed => None,
    };
    let reason = match state.outcome() {
        Some(Outcome::Failed(reason)) => Some(reason.clone()),
        Some(Outcome::Completed | Outcome::Cancelled) | None => None,
    };
    let RunState { key: _, variables, targets, path, problems, position: _ } = state;
    let problem = |Problem { visit, step, message }| RunProblem { visit, step, message };
    RunView {
        listed: ListedRun::of(process, head),
        reason,
        say,
        path,
        variables: variables.into_map(),
        targets,
        problems: problems.into_iter().map(problem).collect(),
        tasks,
        logs,
        emails,
    }
}
