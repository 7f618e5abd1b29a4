//! What a control plane refuses, and what the way to it loses, as this seam tells them apart.

use std::error::Error as _;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::call::member;
use crate::kinds::Address;
use crate::provider::ProviderError;

/// Why a request has no good answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not answered: whether it arrived is not known.
    Lost {
        /// Why.
        error: reqwest::Error,
        /// Scheme, host and port of the server.
        server: Option<String>,
    },
    /// It was answered, and refused.
    Refused(Problem),
    /// An answer of success came that cannot be read to its end.
    Cut(String),
    /// What answers is no control plane.
    NotAServer(String),
    /// As said by what was tried, once the tries are used up.
    Told(ProviderError),
}

/// `application/problem+json`, as far as it was one.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    retry_after: Option<Duration>,
    body: Value,
}

impl Problem {
    pub(super) fn read(status: StatusCode, retry_after: Option<Duration>, bytes: &[u8]) -> Self {
        Self { status, retry_after, body: serde_json::from_slice(bytes).unwrap_or(Value::Null) }
    }

    pub(super) fn code(&self) -> &str {
        self.text("code").unwrap_or_default()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// What is wrong, one by one: place, if it has one, and what.
    pub(super) fn faults(&self) -> Vec<(Option<String>, String)> {
        let faults = self.body.get("errors").and_then(Value::as_array).into_iter().flatten();
        let said = |fault: &Value, name: &str| fault.get(name).and_then(Value::as_str).map(str::to_owned);
        faults.filter_map(|fault| Some((said(fault, "place"), said(fault, "detail")?))).collect()
    }

    fn detail(&self) -> String {
        let said = self.text("detail").or_else(|| self.text("error_description")).or_else(|| self.text("error"));
        said.map_or_else(|| format!("the server answers {}", self.status), str::to_owned)
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        // The address may have been typed with a password in it, and may hold one anywhere else.
        let server = error.url().map(|url| url.origin().ascii_serialization());
        Self::Lost { error: error.without_url(), server }
    }
}

impl Failure {
    /// Whether trying again may help.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            // A certificate that is refused stays refused.
            Self::Lost { error, server: _ } => {
                !error.is_builder() && !matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(_)))
            }
            Self::Refused(problem) => {
                problem.status == StatusCode::TOO_MANY_REQUESTS
                    || problem.status == StatusCode::REQUEST_TIMEOUT
                    || problem.status.is_server_error()
            }
            Self::Cut(_) => true,
            Self::NotAServer(_) | Self::Told(_) => false,
        }
    }

    /// Whether it says what became of every earlier attempt too: the plan was not, and will not be, written under it.
    pub(super) fn holds_for_all(&self) -> bool {
        match self {
            Self::Refused(problem) => matches!(problem.code(), "stale" | "plan-reused" | "lease-lost"),
            Self::Lost { .. } | Self::Cut(_) | Self::NotAServer(_) | Self::Told(_) => false,
        }
    }

    /// How long the server wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            Self::Lost { .. } | Self::Cut(_) | Self::NotAServer(_) | Self::Told(_) => None,
        }
    }

    /// Whether a write that failed so may have happened all the same.
    pub(super) fn leaves_open(&self) -> bool {
        match self {
            Self::Lost { error, server: _ } => !error.is_connect() && !error.is_builder(),
            // In our own server's words nothing was done.
            Self::Refused(problem) => problem.status.is_server_error() && problem.code() != "unavailable",
            // What answers in the server's place may have asked it.
            Self::Cut(_) | Self::NotAServer(_) => true,
            Self::Told(_) => false,
        }
    }

    /// With what was tried, once and for all; one that leaves the outcome open stays as it is.
    pub(super) fn during(self, what: &str) -> Self {
        if self.leaves_open() { self } else { Self::Told(self.into_error(what)) }
    }

    /// As the seam tells it of a request that is sent once; `what` completes "failed to …".
    pub(super) fn into_error_of_once(self, what: &str) -> ProviderError {
        if self.leaves_open() {
            return ProviderError::UnknownOutcome { source: Some(self.into_error(what).into()) };
        }
        self.into_error(what)
    }

    /// As the seam tells it; `what` completes "failed to …".
    pub(super) fn into_error(self, what: &str) -> ProviderError {
        match self {
            Self::Told(error) => error,
            Self::Lost { error, server } => {
                let cause = Plain::of(&error);
                let context = match server.filter(|_| error.is_connect()) {
                    Some(server) => format!("{what}: {server} cannot be reached"),
                    None => what.to_owned(),
                };
                ProviderError::Unavailable { context, source: Some(Box::new(cause)) }
            }
            Self::Cut(why) => ProviderError::Unavailable { context: format!("{what}: {why}"), source: None },
            Self::NotAServer(why) => ProviderError::Unavailable {
                context: format!("{what}: what answers is no control plane: {why}"),
                source: None,
            },
            Self::Refused(problem) => refused(&problem, what),
        }
    }
}

fn refused(problem: &Problem, what: &str) -> ProviderError {
    let unavailable = || ProviderError::Unavailable { context: format!("{what}: {}", problem.detail()), source: None };
    let rejected = || {
        let fault = problem.body.get("errors").and_then(|errors| errors.get(0));
        let said = |name: &str| fault.and_then(|fault| fault.get(name)).and_then(Value::as_str);
        let address: Option<Address> = said("place").and_then(|place| place.split_whitespace().next()?.parse().ok());
        let reason = match (&address, said("detail")) {
            (Some(_), Some(detail)) => detail.to_owned(),
            (_, _) => problem.detail(),
        };
        ProviderError::Rejected { address, reason }
    };
    match problem.code() {
        "stale" => member(&problem.body, "stale").map_or_else(rejected, ProviderError::Conflict),
        "lease-held" => member(&problem.body, "holder").map_or_else(unavailable, ProviderError::LeaseHeld),
        "suspended" => {
            member(&problem.body, "suspension").map_or_else(unavailable, |one| ProviderError::Suspended(Box::new(one)))
        }
        "lease-lost" => ProviderError::LeaseLost,
        "plan-reused" => ProviderError::PlanReused,
        "invalid" | "malformed-body" | "malformed-request" | "too-large" => rejected(),
        _ => match problem.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                ProviderError::Unauthorised(format!("{what}: {}", problem.detail()))
            }
            // A key reaches one project, and is not told of others.
            StatusCode::NOT_FOUND => ProviderError::Unauthorised(format!("{what}: {}", problem.detail())),
            _ => unavailable(),
        },
    }
}

/// The innermost cause of a lost request in one sentence: the layers around it say no more than that it failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Plain(String);

impl Plain {
    fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self("no answer came in time".into());
        }
        if let Some(tls) = tls_error(error) {
            return Self(of_tls(tls));
        }
        let mut innermost: &(dyn std::error::Error + 'static) = error;
        while let Some(cause) = cause_of(innermost) {
            innermost = cause;
        }
        Self(innermost.to_string())
    }
}

/// The next cause. An `io::Error` hands on the source of what it wraps and skips that itself.
fn cause_of<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e (dyn std::error::Error + 'static)> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as &(dyn std::error::Error + 'static)).or_else(|| error.source())
}

/// What TLS says, if that is why a request was lost.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    std::iter::successors(error.source(), |cause| cause_of(*cause)).find_map(|cause| cause.downcast_ref())
}

/// What a failed handshake means to whoever wrote the target's URL.
fn of_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => "what answers does not speak TLS; is its URL one of http?".to_owned(),
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "its certificate is of an authority that is not trusted; --ca-file names one that is".to_owned()
        }
        // What `openssl req -x509` makes unless it is told otherwise. The library says it in the text of an inner error only;
        // should it find other words, its own are shown.
        rustls::Error::InvalidCertificate(error) if format!("{error:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is an authority's, which cannot be a server's own as well (CA:FALSE is missing in it)"
                .to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_handshakes_say_what_to_do() {
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(of_tls(&untrusted).contains("--ca-file"));
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert!(of_tls(&plain).contains("does not speak TLS"));
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert_eq!(of_tls(&expired), expired.to_string());
    }
}
