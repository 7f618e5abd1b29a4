//! Runs of workflows as a target keeps them: the request, its tasks, the log of its steps, its e-mails.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::base::ident::{Name, ObjectId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// As written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}

words! {
    /// How far a run has come.
    RunStatus {
        /// The engine is at it.
        Running "running",
        /// It has said something and waits for an answer.
        WaitingForInput "waitingForInput",
        /// It waits for somebody to do a task.
        WaitingForTask "waitingForTask",
        /// It came to an end of its workflow.
        Completed "completed",
        /// It was cancelled.
        Cancelled "cancelled",
        /// It could not go on; `reason` says why.
        Failed "failed",
    }
}

/// What lists say of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHead {
    /// Its identity; rises with time.
    pub id: Uuid,
    /// The request's number within the project, from 1.
    pub number: u64,
    /// The workflow.
    pub workflow: ObjectId,
    /// The workflow's name when the run was started.
    pub workflow_name: Name,
    /// The version it runs on to its end.
    pub version: u64,
    /// Whether it was started on the test pointer.
    pub is_test: bool,
    /// Who started it.
    pub started_by: String,
    /// On whose behalf it was started.
    pub started_for: Option<String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How far it has come.
    pub status: RunStatus,
}

/// A run: what a request of a workflow is while it is carried out, and afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// What lists say of it.
    pub head: RunHead,
    /// Its project.
    pub project: Name,
    /// Whether the engine has something to do for it.
    pub active: bool,
    /// How often it was saved.
    pub saves: u64,
    /// Where it stands.
    pub state: Value,
}

words! {
    /// How far a task has come.
    TaskState {
        /// It waits for somebody.
        Open "open",
        /// Somebody did it.
        Completed "completed",
        /// It was cancelled, or its run was.
        Cancelled "cancelled",
        /// It was cancelled as an error.
        Error "error",
    }
}

/// A task of a run: an action that a person takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecord {
    /// Its number within the run, from 1 as tasks open.
    pub number: u64,
    /// The step.
    pub step: String,
    /// Which visit of the run it belongs to: a place in the path, from 1.
    pub visit: u64,
    /// The user who has to act; nobody while it is absent. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub assignee: Option<String>,
    /// How far it has come.
    pub state: TaskState,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub ended_at: Option<Timestamp>,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub ended_by: Option<String>,
    /// Why it was cancelled, in the words of whoever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TaskException")]
    pub exception: Option<TaskException>,
}

/// Why a task was cancelled (domain §4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskException {
    /// What happened.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// One request that a webhook step made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepLog {
    /// The step.
    pub step: String,
    /// Which visit of the run: a place in the path, from 1.
    pub visit: u64,
    /// When it was sent.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Where it went.
    pub url: String,
    /// Its headers; the values of secret and sensitive ones are `****`.
    pub headers: Vec<(String, String)>,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The body that was sent, where the step asks for it. Secrets are `****`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub request_body: Option<String>,
    /// The body that came back, where the step asks for it. Secrets are `****`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub response_body: Option<String>,
}

words! {
    /// What became of an e-mail.
    EmailState {
        /// No mail server is configured: it lies here.
        Kept "kept",
        /// It is on its way.
        Sending "sending",
        /// The mail server took it.
        Sent "sent",
        /// The mail server refused it, or could not be reached.
        Bounced "bounced",
    }
}

/// An e-mail of a run, in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailRecord {
    /// Its Message-ID: one for one visit of one run.
    pub message_id: String,
    /// The step.
    pub step: String,
    /// Who it comes from.
    pub from: String,
    /// Who it goes to. Personal data.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// What became of it.
    pub state: EmailState,
    /// Why it bounced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub error: Option<String>,
    /// When the run came to it.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// What belongs to a run beside its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunDetails {
    /// Its tasks, by number.
    pub tasks: Vec<TaskRecord>,
    /// Its requests, in order.
    pub logs: Vec<StepLog>,
    /// Its e-mails, in order.
    pub emails: Vec<EmailRecord>,
}

/// A step of a run, to be written down as one.
#[derive(Clone, Debug, PartialEq)]
pub struct RunChange {
    /// Where it stands now.
    pub state: Value,
    /// What that comes to.
    pub status: RunStatus,
    /// Whether the engine has something to do for it.
    pub active: bool,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What is new or has changed: tasks by their number, e-mails by their Message-ID; logs are always new.
    pub details: RunDetails,
}
