//! Problems: the one place where a failure becomes a status.
//!
//! A problem is answered as `application/problem+json` (RFC 9457): `{"type", "title", "status", "detail", "code"}`, with
//! `errors` where there are several faults and further members where a program needs them. `code` is stable.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::code::Code;
use crate::base::error_text::chain;
use crate::object::access::Scope;
use crate::store::StoreError;

/// What a handler returns.
pub type Answer<T> = Result<T, Problem>;

/// Faults that an answer lists: a small body must not become a large answer. Whoever has more says how many in `detail`.
pub const FAULTS_LISTED: usize = 100;

/// Where each code is explained.
const TYPE_BASE: &str = "https://trueup.dev/problems/";

macro_rules! problem_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:ident $code:literal $title:literal,)+) => {
        /// What went wrong, for programs. Codes are added and never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemCode {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ProblemCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// How it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// In a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means and what to do, for the reference.
            #[must_use]
            pub fn meaning(self) -> String {
                match self { $(Self::$name => [$($doc),+].concat().trim().to_owned(),)+ }
            }

            /// The status it is answered with.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }
        }
    };
}

problem_codes! {
    /// The path, the query or a header cannot be read: not the expected form, an unknown query parameter.
    MalformedRequest = BAD_REQUEST "malformed-request" "The request cannot be read",
    /// The body cannot be read: no JSON, another shape than described, an unknown field.
    MalformedBody = BAD_REQUEST "malformed-body" "The body cannot be read",
    /// The request is well-formed and breaks a rule. Nothing was done.
    Invalid = BAD_REQUEST "invalid" "The request breaks a rule",
    /// The only `grant_type` of the token endpoint is `client_credentials`.
    UnsupportedGrantType = BAD_REQUEST "unsupported-grant-type" "The grant type is not known",
    /// A scope that there is not, or that the key does not have, was asked for.
    UnknownScope = BAD_REQUEST "unknown-scope" "The scope cannot be given",
    /// No access token, or one that is unknown, has ended or was revoked. Get a new one from `/accounts/connect/token`.
    Unauthenticated = UNAUTHORIZED "unauthenticated" "An access token is needed",
    /// A push hook was not signed with the secret that is set, or not signed at all. Nothing was done.
    BadSignature = UNAUTHORIZED "bad-signature" "The signature is not good",
    /// The key does not have the scope this needs. `scope` names it.
    MissingScope = FORBIDDEN "missing-scope" "The key may not do this",
    /// The one on whose behalf it is asked may not do this.
    NotAllowed = FORBIDDEN "not-allowed" "It is not allowed",
    /// There is no such thing, or the key does not reach its project.
    NotFound = NOT_FOUND "not-found" "There is no such thing",
    /// The address exists and does not know the method.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method-not-allowed" "The method is not known here",
    /// The body did not arrive in time.
    RequestTimeout = REQUEST_TIMEOUT "request-timeout" "The body did not arrive in time",
    /// What is there is in the way. Nothing was done.
    Conflict = CONFLICT "conflict" "Something is in the way",
    /// Another plan holds the project's lease. `holder` says which, whose and until when.
    LeaseHeld = CONFLICT "lease-held" "The lease is held by another",
    /// The lease ran out, was taken away or passed to another. Nothing was done.
    LeaseLost = CONFLICT "lease-lost" "The lease was lost",
    /// What was to be written is suspended. `suspension` says by whom, why and until when. Nothing was done.
    Suspended = CONFLICT "suspended" "It is suspended",
    /// Another plan was applied under the same id. Nothing was done.
    PlanReused = CONFLICT "plan-reused" "The plan id was used for another plan",
    /// Objects are not in the state the request expects. `stale` lists them. Nothing was done.
    Stale = PRECONDITION_FAILED "stale" "It was changed meanwhile",
    /// The body is larger than this endpoint takes.
    TooLarge = PAYLOAD_TOO_LARGE "too-large" "The body is too large",
    /// The body is of another type than this endpoint takes.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "The body is of another type",
    /// The request must say which state it expects.
    PreconditionRequired = PRECONDITION_REQUIRED "precondition-required" "A precondition is needed",
    /// Too many requests of this sort. `Retry-After` says when the next is welcome.
    RateLimited = TOO_MANY_REQUESTS "rate-limited" "Too many requests",
    /// The server failed. What it knows is in its log, under the request id of the answer.
    Internal = INTERNAL_SERVER_ERROR "internal" "The server failed",
    /// The server cannot answer now: it is ending, busy, or its disk is full. Nothing was done.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "The server cannot answer now",
    /// The write may or may not have happened: read before it is tried again.
    UnknownOutcome = SERVICE_UNAVAILABLE "unknown-outcome" "It is not known whether it was done",
}

/// One of several faults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fault {
    /// What sort of fault, where it is told apart: one of `docs/reference/codes.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub code: Option<Code>,
    /// Where, if it has a place: an address, a field's path, a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What is wrong.
    pub detail: String,
}

/// A failed request.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: ProblemCode,
    detail: String,
    faults: Vec<Fault>,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    challenge: Option<String>,
    /// For the log only.
    cause: Option<String>,
}

impl Problem {
    /// A problem; `detail` is one sentence for people and holds nothing the caller may not see.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let (members, detail) = (Map::new(), detail.into());
        let faults = Vec::new();
        Self(Box::new(Parts { code, detail, faults, members, retry_after: None, challenge: None, cause: None }))
    }

    /// A failure of the server: the caller learns that it failed, the log why.
    pub fn internal(cause: impl Into<String>) -> Self {
        let detail = "the server failed; its log says more under the request id";
        Self::new(ProblemCode::Internal, detail).caused_by(cause)
    }

    /// No token, or (`was_offered`) one that is not good.
    #[must_use]
    pub fn unauthenticated(was_offered: bool) -> Self {
        let (detail, challenge) = if was_offered {
            ("the access token is unknown, has ended or was revoked", r#"Bearer realm="trueup", error="invalid_token""#)
        } else {
            ("an access token is needed: `Authorization: Bearer …`", r#"Bearer realm="trueup""#)
        };
        Self::new(ProblemCode::Unauthenticated, detail).challenge(challenge)
    }

    /// The token does not have this scope.
    #[must_use]
    pub fn missing_scope(scope: Scope) -> Self {
        let problem = Self::new(ProblemCode::MissingScope, format!("the access token does not have the scope {scope}"));
        let challenge = format!(r#"Bearer realm="trueup", error="insufficient_scope", scope="{scope}""#);
        problem.challenge(challenge).with("scope", scope.as_str())
    }

    /// Too many requests; the next one is welcome after this time.
    pub fn rate_limited(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(ProblemCode::RateLimited, detail).retry_after(retry_after)
    }

    /// With a list of faults, of which the first [`FAULTS_LISTED`] are answered.
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        let room = FAULTS_LISTED.saturating_sub(self.0.faults.len());
        self.0.faults.extend(faults.into_iter().take(room));
        self
    }

    /// With a further member, for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.0.retry_after = Some(time);
        self
    }

    /// With why, for the log only.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// With `WWW-Authenticate`.
    #[must_use]
    pub fn challenge(mut self, challenge: impl Into<String>) -> Self {
        self.0.challenge = Some(challenge.into());
        self
    }

    /// What went wrong, for programs.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// What went wrong, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// A further member.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.0.members.get(name)
    }

    /// Why, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The body.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut value = Map::new();
        value.insert("type".into(), format!("{TYPE_BASE}{}", self.0.code.as_str()).into());
        value.insert("title".into(), self.0.code.title().into());
        value.insert("status".into(), self.0.code.status().as_u16().into());
        value.insert("detail".into(), self.0.detail.as_str().into());
        value.insert("code".into(), self.0.code.as_str().into());
        if !self.0.faults.is_empty() {
            let faults = self.0.faults.iter().map(|fault| {
                let mut member = Map::new();
                if let Some(code) = fault.code {
                    member.insert("code".into(), code.as_str().into());
                }
                if let Some(place) = &fault.place {
                    member.insert("place".into(), place.as_str().into());
                }
                member.insert("detail".into(), fault.detail.as_str().into());
                Value::Object(member)
            });
            value.insert("errors".into(), faults.collect());
        }
        value.extend(self.0.members.clone());
        Value::Object(value)
    }

    /// As an answer with this body in place of the usual one: some endpoints speak a tongue of their own.
    #[must_use]
    pub fn respond_with(self, content_type: &'static str, body: &Value) -> Response {
        let mut response = (self.0.code.status(), body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(time) = self.0.retry_after {
            // Whole seconds, and never too early.
            let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.0.challenge.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        // For the log, and for endpoints that render it in their own way.
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.to_value();
        self.respond_with("application/problem+json", &body)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let cause = chain(&error);
        match error {
            StoreError::Absent(address) => Self::new(ProblemCode::NotFound, format!("there is no {address}")),
            StoreError::Conflict(stale) => {
                let detail = format!("{} object(s) are not in the state the request expects", stale.len());
                let stale = serde_json::to_value(&stale).unwrap_or_default();
                Self::new(ProblemCode::Stale, detail).with("stale", stale)
            }
            StoreError::PlanReused => Self::new(ProblemCode::PlanReused, "another plan was applied under the same id"),
            StoreError::Rejected { address, reason } => {
                let place = address.map(|address| address.to_string());
                let detail = place.as_ref().map_or_else(|| reason.clone(), |place| format!("{place}: {reason}"));
                let fault = Fault { code: None, place, detail: reason };
                Self::new(ProblemCode::Invalid, detail).faults([fault])
            }
            StoreError::TooManyComparisons { limit } => {
                let detail = format!("more than {limit} comparisons of secrets a minute");
                Self::rate_limited(detail, Duration::from_mins(1))
            }
            StoreError::LeaseHeld(holder) => {
                let detail = format!("{} holds the lease until {}", holder.actor, holder.expires_at);
                let holder = serde_json::to_value(&holder).unwrap_or_default();
                Self::new(ProblemCode::LeaseHeld, detail).with("holder", holder)
            }
            StoreError::Suspended(suspension) => {
                let detail = format!("{} suspended it: {}", suspension.actor, suspension.reason);
                let suspension = serde_json::to_value(&suspension).unwrap_or_default();
                Self::new(ProblemCode::Suspended, detail).with("suspension", suspension)
            }
            StoreError::LeaseLost => Self::new(ProblemCode::LeaseLost, "the lease was lost"),
            StoreError::Full => Self::new(ProblemCode::Unavailable, "the disk is full; nothing was done"),
            StoreError::Busy => {
                let problem = Self::new(ProblemCode::Unavailable, "the store is busy; nothing was done");
                problem.retry_after(Duration::from_secs(1))
            }
            StoreError::Closed => Self::new(ProblemCode::Unavailable, "the server is ending; nothing was done"),
            StoreError::UnknownOutcome(_) => {
                Self::new(ProblemCode::UnknownOutcome, "it is not known whether it was written").caused_by(cause)
            }
            StoreError::Foreign(_)
            | StoreError::NotADatabase { .. }
            | StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::Unclosed(_)
            | StoreError::Open { .. }
            | StoreError::File { .. }
            | StoreError::WrongKey(_)
            | StoreError::MissingKey { .. }
            | StoreError::ExposedKey(_)
            | StoreError::Folder(_)
            | StoreError::ReadOnly { .. }
            | StoreError::BadKey
            | StoreError::Corrupt { .. }
            | StoreError::Random(_)
            | StoreError::Database(_) => Self::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_explained() {
        let codes: BTreeSet<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
            assert!(code.meaning().ends_with('.') && !code.title().ends_with('.'), "{code:?}");
        }
    }

    #[test]
    fn an_answer_lists_so_many_faults_and_no_more() {
        let faults = (0..100_000).map(|n| Fault { code: None, place: None, detail: n.to_string() });
        let problem = Problem::new(ProblemCode::Invalid, "many").faults(faults);
        let listed = problem.to_value()["errors"].as_array().map(Vec::len);
        assert_eq!(listed, Some(FAULTS_LISTED));
    }

    #[test]
    fn inner_causes_stay_inside() {
        let error = StoreError::Corrupt { what: "the database".into(), reason: "page 7 of /srv/data".into() };
        let problem = Problem::from(error);
        assert!(problem.cause().is_some_and(|cause| cause.contains("page 7")));
        assert!(!problem.to_value().to_string().contains("page 7"));
    }
}
