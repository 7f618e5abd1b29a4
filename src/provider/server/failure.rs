//! What can go wrong with one request, told apart by whether it may be sent again; and what it means to who asked.

use std::time::Duration;

use reqwest::StatusCode;

use crate::object::wire_v1::problem::{LEASE_HELD, LEASE_LOST, PLAN_REUSED, ProblemV1, STALE, UNKNOWN_OUTCOME};
use crate::provider::ProviderError;

/// A failed attempt.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was sent.
    NotSent(reqwest::Error),
    /// It was sent, at least in part, and no whole answer came.
    NoAnswer(reqwest::Error),
    /// It was sent, and the answer is too long in coming.
    TooLong,
    /// An answer came that is none: not what the server would say.
    Strange(String),
    /// The server said no.
    Refused {
        status: StatusCode,
        problem: ProblemV1,
        /// How long it asks to be left alone.
        wish: Option<Duration>,
    },
    /// The token endpoint said no: the key is wrong or gone.
    BadKey(String),
}

/// Whether a request that may have arrived may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeatable {
    /// It does the same as one.
    Yes,
    /// Two do something else than one.
    No,
}

impl Failure {
    /// Whether another attempt is worth while and safe.
    pub(super) fn may_repeat(&self, repeatable: Repeatable) -> bool {
        match self {
            Self::NotSent(_) => true,
            // A proxy's page for people comes and goes.
            Self::NoAnswer(_) | Self::TooLong | Self::Strange(_) => repeatable == Repeatable::Yes,
            Self::Refused { status, problem, .. } => match status.as_u16() {
                408 | 429 => true,
                503 if problem.code == UNKNOWN_OUTCOME => repeatable == Repeatable::Yes,
                // In our own server's words nothing was done.
                503 if !problem.code.is_empty() => true,
                500..=599 => repeatable == Repeatable::Yes,
                _ => false,
            },
            Self::BadKey(_) => false,
        }
    }

    /// How long the server asks to be left alone.
    pub(super) fn wish(&self) -> Option<Duration> {
        match self {
            Self::Refused { wish, .. } => *wish,
            Self::NotSent(_) | Self::NoAnswer(_) | Self::TooLong | Self::Strange(_) | Self::BadKey(_) => None,
        }
    }

    /// Whether the request may have been carried out all the same.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::BadKey(_) => false,
            Self::NoAnswer(_) | Self::TooLong | Self::Strange(_) => true,
            Self::Refused { status, problem, .. } => {
                problem.code == UNKNOWN_OUTCOME
                    || status.is_server_error() && (problem.code.is_empty() || problem.code == "internal")
            }
        }
    }

    /// Whether it tells what became of *every* attempt: the server knows the plan, or refuses for a reason that held for
    /// an earlier attempt too.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if matches!(problem.code.as_str(), STALE | PLAN_REUSED | LEASE_LOST))
    }

    /// Whether the server says that there is no such thing.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::NOT_FOUND, problem, .. } if problem.code == "not-found")
    }

    /// As an error of the provider; `what` was tried and completes "failed to …".
    pub(super) fn into_error(self, what: &str) -> ProviderError {
        let unavailable = |context: String| ProviderError::Unavailable { context, source: None };
        match self {
            Self::NotSent(error) | Self::NoAnswer(error) => ProviderError::Unavailable {
                context: what.to_owned(),
                source: Some(Box::new(Cause::of(&error.without_url()))),
            },
            Self::TooLong => unavailable(format!("{what}: no answer came in time")),
            Self::Strange(why) => unavailable(format!("{what}: {why}")),
            Self::BadKey(why) => ProviderError::Unauthorised(format!("log in to {what}: {why}")),
            Self::Refused { status, problem, wish } => refused(what, status, problem, wish),
        }
    }
}

fn refused(what: &str, status: StatusCode, problem: ProblemV1, wish: Option<Duration>) -> ProviderError {
    let ProblemV1 { code, detail, stale, holder, scope, errors } = problem;
    let detail = if detail.is_empty() { format!("the server answered {status}") } else { detail };
    match (status.as_u16(), code.as_str()) {
        (401, _) => ProviderError::Unauthorised(format!("{what}: {detail}")),
        (403, _) => ProviderError::Unauthorised(match scope {
            Some(scope) => format!("{what}: the key lacks the scope {scope}"),
            None => format!("{what}: {detail}"),
        }),
        // A key learns nothing of other projects, not even whether they exist.
        (404, "not-found") => ProviderError::Unauthorised(format!("{what}: {detail}")),
        (_, STALE) => ProviderError::Conflict(stale),
        (_, PLAN_REUSED) => ProviderError::PlanReused,
        (_, LEASE_LOST) => ProviderError::LeaseLost,
        (_, LEASE_HELD) => match holder {
            Some(holder) => ProviderError::LeaseHeld(holder),
            None => ProviderError::Unavailable { context: format!("{what}: {detail}"), source: None },
        },
        (_, UNKNOWN_OUTCOME) => ProviderError::UnknownOutcome { source: None },
        (400 | 409 | 412 | 413 | 415 | 422 | 428, code) if !code.is_empty() => {
            let address = errors.iter().find_map(super::FaultV1::address);
            let reason = match errors.as_slice() {
                [fault] if !fault.detail.is_empty() => fault.detail.clone(),
                _ => detail,
            };
            ProviderError::Rejected { address, reason }
        }
        (429, _) => {
            let wish = wish.map(|wish| format!("; it asks to wait {} s", wish.as_secs())).unwrap_or_default();
            ProviderError::Unavailable { context: format!("{what}: {detail}{wish}"), source: None }
        }
        _ => ProviderError::Unavailable { context: format!("{what}: {detail}"), source: None },
    }
}

/// Why a request failed, in one line: the library's errors name each layer, and the innermost says it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Cause(String);

impl Cause {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut innermost: &dyn std::error::Error = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self(if error.is_timeout() { "it took too long".to_owned() } else { innermost.to_string() })
    }
}
