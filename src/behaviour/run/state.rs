//! Where a run stands: everything that has to be kept between two events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::variables::{VARIABLES_LIMIT, Variables, weight};
use crate::kinds::workflow::variable_target::TargetType;

/// Steps a run may visit. A workflow has no cycle without a person in it, but a person's patience has no limit.
pub const STEP_BUDGET: usize = 1_000;

/// Values by target, by the type of target.
pub type Targets = BTreeMap<String, BTreeMap<String, Value>>;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunState {
    /// Tells this run from all others, for ever; idempotency keys are made of it.
    pub key: String,
    /// Its variables: the request's data and what its steps set.
    pub variables: Variables,
    /// What webhook steps set beside variables: by type of target (`linkedId` …), then by target.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: Targets,
    /// The steps it visited, in order; the last is where it stands.
    pub path: Vec<String>,
    /// What did not go as the workflow meant it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// What it does there.
    pub position: Position,
}

/// What did not go as the workflow meant it, and did not stop the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Problem {
    /// Which visit, counted from 1: a place in the path.
    pub visit: usize,
    /// The step.
    pub step: String,
    /// What happened. Contains no values.
    pub message: String,
}

/// What a run does where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Position {
    /// It has not begun.
    New,
    /// It waits at the last step of its path.
    Waiting(Waiting),
    /// It has ended.
    Ended(Outcome),
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Waiting {
    /// The answer to a request.
    Response,
    /// What somebody says.
    Input,
    /// What somebody does.
    Task,
    /// The fate of an e-mail.
    Email,
    /// A notification to be made.
    Notification,
}

impl Waiting {
    /// Whether it may take a person any time; everything else the engine does at once.
    #[must_use]
    pub fn is_for_a_person(self) -> bool {
        match self {
            Self::Input | Self::Task => true,
            Self::Response | Self::Email | Self::Notification => false,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// At an `end`.
    Completed,
    /// It was cancelled from outside.
    Cancelled,
    /// It could not go on.
    Failed(String),
}

impl RunState {
    /// A run that has not begun. `key` tells it from all others: letters, digits and hyphens.
    #[must_use]
    pub fn new(key: impl Into<String>, variables: Variables) -> Self {
        Self {
            key: key.into(),
            variables,
            targets: Targets::new(),
            path: Vec::new(),
            problems: Vec::new(),
            position: Position::New,
        }
    }

    /// Which visit this is, counted from 1; 0 before the first.
    #[must_use]
    pub fn visit(&self) -> usize {
        self.path.len()
    }

    /// The same for the same visit of the same run, and for no other.
    #[must_use]
    pub fn visit_key(&self) -> String {
        format!("{}-{}", self.key, self.visit())
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.position {
            Position::Ended(outcome) => Some(outcome),
            Position::New | Position::Waiting(_) => None,
        }
    }

    /// Ends it from outside. One that has ended stays as it is.
    pub fn cancel(&mut self) {
        if self.outcome().is_none() {
            self.position = Position::Ended(Outcome::Cancelled);
        }
    }

    /// Notes something about the step it stands at; once a visit, since a step that waits is entered again by
    /// [`Event::Resume`](super::Event::Resume).
    pub(super) fn note(&mut self, message: impl Into<String>) {
        let step = self.path.last().cloned().unwrap_or_default();
        let problem = Problem { visit: self.visit(), step, message: message.into() };
        if !self.problems.iter().rev().take_while(|noted| noted.visit == problem.visit).any(|noted| *noted == problem) {
            self.problems.push(problem);
        }
    }

    /// Keeps a value under a target that is no variable; `null` takes it away.
    pub(super) fn set_target(&mut self, target_type: TargetType, target: &str, value: Value) -> Result<(), String> {
        let others: usize = self.targets.values().flatten().map(|(name, value)| name.len() + weight(value)).sum();
        if others + target.len() + weight(&value) > VARIABLES_LIMIT {
            return Err(format!("would make the run's targets larger than {VARIABLES_LIMIT} bytes"));
        }
        let of_type = self.targets.entry(target_type.as_str().to_owned()).or_default();
        if value.is_null() {
            of_type.remove(target);
        } else {
            of_type.insert(target.to_owned(), value);
        }
        self.targets.retain(|_, of_type| !of_type.is_empty());
        Ok(())
    }
}
