//! What a run asks of the world: requests, e-mails, notifications, and people's answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::email::Email;
use super::state::Outcome;
use crate::kinds::reference::Reference;
use crate::kinds::workflow::step_webhook::StepMethod;

/// What has to happen before a run can go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this request; answer with `Event::Response`.
    CallHttp(Box<HttpRequest>),
    /// Say this and wait; answer with `Event::Input` or `Event::NoInput`.
    WaitForInput {
        /// What is said.
        say: String,
    },
    /// Open a task and wait; answer with `Event::TaskDone`.
    WaitForTask {
        /// Name of the user who has to act.
        assignee: String,
    },
    /// Send this e-mail; answer with `Event::Email`.
    SendEmail(Box<Email>),
    /// Notify these people; answer with `Event::Notified` or `Event::NotNotified`.
    Notify(Box<NotifyRequest>),
    /// Nothing more: the run has ended.
    Ended(Outcome),
}

/// A request of a webhook step.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRequest {
    /// Request type.
    pub method: StepMethod,
    /// Where it goes.
    pub url: String,
    /// Headers in order, content type and idempotency key among them.
    pub headers: Vec<(String, HeaderContent)>,
    /// The body; `None` where the method has none.
    pub body: Option<String>,
    /// How long it may take.
    pub timeout_seconds: u32,
    /// Whether the log keeps the request's body.
    pub log_request_body: bool,
    /// Whether the log keeps the response's body.
    pub log_response_body: bool,
}

/// The value of a header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderContent {
    /// A text, with the run's variables in it.
    Plain(String),
    /// The content of the workflow's secret at this path, such as `spec.steps[lookup].headers.X-Api-Key`.
    Secret(String),
}

/// People to notify by a template.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifyRequest {
    /// The path of the step, below which the version's references stand: `….template`, `….audiences[0]`.
    pub path: String,
    /// The template.
    pub template: Reference,
    /// Audiences.
    pub audiences: Vec<Reference>,
    /// Ids of end users; without repeats.
    pub end_users: Vec<String>,
    /// Values by placeholder.
    pub overrides: BTreeMap<String, String>,
    /// The same for the same visit of the same run, and for no other: a second request with it is the same request.
    pub key: String,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpResult {
    /// There was an answer.
    Answered {
        /// Its status.
        status: u16,
        /// Its `Content-Type`, if it had one.
        content_type: Option<String>,
        /// Its body.
        body: Vec<u8>,
    },
    /// There was none: refused, cut off, timed out.
    Failed {
        /// Why, without secrets.
        reason: String,
    },
}

/// How an e-mail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// It was handed over.
    Delivered,
    /// It was refused.
    Bounced,
}

/// How a task ended; each is an exit of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskOutcome {
    /// Somebody did it.
    Completed,
    /// It was cancelled (the cancel exception).
    Cancelled,
    /// It was cancelled as an error (the default exception).
    Error,
}

impl TaskOutcome {
    /// The step's exit.
    #[must_use]
    pub fn exit(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

/// What happened in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The run is to begin.
    Begin,
    /// The effect that is waited for is wanted again: the process that was at it has gone.
    Resume,
    /// Somebody answered. A text of nothing but white space counts as no answer.
    Input(String),
    /// Nobody answered.
    NoInput,
    /// The task ended.
    TaskDone(TaskOutcome),
    /// The request ended.
    Response(HttpResult),
    /// The e-mail ended.
    Email(Delivery),
    /// The notification was made.
    Notified,
    /// The notification could not be made; the run notes why and goes on.
    NotNotified {
        /// Why.
        reason: String,
    },
}
