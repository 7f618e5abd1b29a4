//! One request to a control plane: with a token, repeated where that is safe, its answer read to the end.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Server;
use super::failure::{Failure, Problem};
use crate::base::chance;
use crate::provider::ProviderError;

/// How long, and how often, requests are tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one request with its answer.
    pub request: Duration,
    /// For a connection.
    pub connect: Duration,
    /// How often a request that may be repeated is tried in all.
    pub attempts: usize,
    /// The longest first wait between two attempts; each further one may be twice as long.
    pub first_wait: Duration,
    /// The longest wait, whatever the server says.
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            request: Duration::from_mins(2),
            connect: Duration::from_secs(10),
            attempts: 6,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(20),
        }
    }
}

const JSON: &str = "application/json";

/// The most bytes of an answer that are read: a hundred times the largest project that was tried.
const ANSWER_LIMIT: usize = 1 << 30;

/// A request.
pub(super) struct Call<'c> {
    pub(super) method: Method,
    /// What the path stands below.
    pub(super) root: Root,
    /// Each part as it is, to be encoded.
    pub(super) path: &'c [&'c str],
    pub(super) query: &'c [(&'c str, String)],
    /// An entity tag: the answer is wanted only while it is another, and its body not at all.
    pub(super) unless: Option<String>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) content_type: &'static str,
    pub(super) repeat: Repeat,
}

/// What a path stands below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// `/v1/projects/<project>`
    Project,
    /// `/v1`, where the project is the key's.
    Key,
}

/// Whether a request that may have arrived is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Twice does the same as once: reads change nothing, a changeset is known by its plan, a lease by its owner.
    Safe,
    /// Twice does more than once.
    Unsafe,
}

impl<'c> Call<'c> {
    pub(super) fn get(path: &'c [&'c str]) -> Self {
        Self {
            method: Method::GET,
            root: Root::Project,
            path,
            query: &[],
            unless: None,
            body: None,
            content_type: JSON,
            repeat: Repeat::Safe,
        }
    }

    pub(super) fn post<T: Serialize>(path: &'c [&'c str], body: &T) -> Result<Self, ProviderError> {
        let body = serde_json::to_vec(body).map_err(|error| ProviderError::Unavailable {
            context: "write a request".into(),
            source: Some(error.into()),
        })?;
        Ok(Self { method: Method::POST, body: Some(body), ..Self::get(path) })
    }
}

/// An answer of success.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) entity_tag: Option<String>,
    pub(super) bytes: Vec<u8>,
}

impl Reply {
    /// As JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T, ProviderError> {
        serde_json::from_slice(&self.bytes).map_err(|error| unreadable(what, error))
    }

    /// As lines of JSON.
    pub(super) fn lines<T: DeserializeOwned>(&self, what: &str) -> Result<Vec<T>, ProviderError> {
        let lines = self.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(|error| unreadable(what, error))).collect()
    }
}

fn unreadable(what: &str, error: serde_json::Error) -> ProviderError {
    ProviderError::Unavailable {
        context: format!("read {what}: the server's answer is not as expected"),
        source: Some(error.into()),
    }
}

impl Server {
    /// Sends a request until it is answered, as often as that is safe.
    pub(super) async fn send(&self, what: &str, call: &Call<'_>) -> Result<Reply, Failure> {
        self.persist(call.repeat, || self.attempt(call)).await.map_err(|failure| failure.during(what))
    }

    /// Tries until it works, as often as that is safe and may help.
    pub(super) async fn persist<T, F>(&self, repeat: Repeat, attempt: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let patience = self.patience;
        let waits = ExponentialBuilder::default()
            .with_min_delay(patience.first_wait)
            .with_max_delay(patience.longest_wait)
            .with_max_times(patience.attempts.saturating_sub(1));
        let again = |failure: &Failure| failure.may_pass() && (repeat == Repeat::Safe || !failure.leaves_open());
        let tried = attempt.retry(waits).sleep(tokio::time::sleep).when(again).adjust(|failure, wait| {
            let wait = wait?;
            // Full jitter: many that failed together do not come back together. What the server asks for is the least.
            let jittered = wait.mul_f64(chance::random());
            Some(failure.retry_after().unwrap_or_default().max(jittered).min(patience.longest_wait))
        });
        tried.await
    }

    /// Sends a request once, with a new token if the one at hand has ended meanwhile.
    pub(super) async fn attempt(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let token = self.token(None).await?;
        match self.exchange(call, &token.text).await {
            Err(Failure::Refused(problem)) if problem.status == StatusCode::UNAUTHORIZED => {
                let token = self.token(Some(token.number)).await?;
                self.exchange(call, &token.text).await
            }
            answered => answered,
        }
    }

    async fn exchange(&self, call: &Call<'_>, token: &crate::base::secret::SecretText) -> Result<Reply, Failure> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().push("v1");
                match call.root {
                    Root::Project => segments.extend(["projects", self.project.as_str()]),
                    Root::Key => &mut segments,
                }
                .extend(call.path);
            }
            Err(()) => return Err(Failure::NotAServer("its address has no path".into())),
        }
        let request = self.client.request(call.method.clone(), url);
        let request = if call.query.is_empty() { request } else { request.query(call.query) };
        let mut request = request.bearer_auth(token.expose_to_target());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, call.content_type).body(body.clone());
        }
        if let Some(tag) = &call.unless {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let answer = request.header(ACCEPT, "application/x-ndjson, application/json").send().await?;
        let status = answer.status();
        if call.unless.is_some() && matches!(status, StatusCode::NOT_MODIFIED | StatusCode::OK) {
            // The status says it all; whoever wants the objects asks for them.
            return Ok(Reply { status, entity_tag: None, bytes: Vec::new() });
        }
        read(answer).await
    }
}

/// Reads an answer to its end.
pub(super) async fn read(mut answer: reqwest::Response) -> Result<Reply, Failure> {
    let status = answer.status();
    let headers = answer.headers().clone();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Failure::NotAServer("its answer has no end".into()));
        }
        bytes.extend_from_slice(&chunk);
    }
    if status.is_success() {
        let entity_tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        return Ok(Reply { status, entity_tag, bytes });
    }
    if status.is_redirection() {
        return Err(Failure::NotAServer(format!("it answers {status}, and redirects are not followed")));
    }
    Err(Failure::Refused(Problem::read(status, retry_after(&headers), &bytes)))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An extra member of a problem.
pub(super) fn member<T: DeserializeOwned>(body: &Value, name: &str) -> Option<T> {
    serde_json::from_value(body.get(name)?.clone()).ok()
}
