//! A webhook step's request: made, answered, and logged without what is secret.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Method;
use url::Url;

use crate::base::secret::SecretText;
use crate::behaviour::run::effect::{HeaderContent, HttpRequest, HttpResult};
use crate::behaviour::run::place::url::percent_encoded;
use crate::behaviour::run::webhook_step::IDEMPOTENCY_KEY;
use crate::kinds::workflow::step_webhook::StepMethod;
use crate::object::run::StepLog;
use crate::runtime::outgoing::{AnswerBody, Header, Outgoing, OutgoingCall, OutgoingError};

/// Bytes of an answer that are read; a longer one is a failure, because no part of it would be the answer.
pub const ANSWER_LIMIT: usize = 1 << 20;
/// Bytes of a body that the log keeps.
const LOGGED: usize = 64 << 10;
/// What stands in the place of a secret.
const MASK: &str = "****";
/// Shorter contents are left in logged bodies: they would be found everywhere.
const SHORTEST_SECRET: usize = 4;

/// Where in a run a request belongs.
pub(super) struct Visit {
    pub(super) step: String,
    pub(super) number: u64,
    pub(super) at: Timestamp,
}

/// Makes a request.
pub(super) async fn make(
    outgoing: &Outgoing,
    request: &HttpRequest,
    secrets: &BTreeMap<String, SecretText>,
    visit: Visit,
) -> (HttpResult, StepLog) {
    let began = Instant::now();
    let result = match prepare(request, secrets) {
        Ok(call) => match outgoing.send(call).await {
            Ok(answer) => HttpResult::Answered {
                status: answer.status.as_u16(),
                content_type: answer.header("content-type").map(str::to_owned),
                body: answer.body.to_vec(),
            },
            Err(OutgoingError::Timeout(_)) => HttpResult::timed_out(request.timeout_seconds),
            Err(error) => HttpResult::Failed { reason: format!("failed to {error}") },
        },
        Err(reason) => HttpResult::Failed { reason },
    };
    let log = log(request, secrets, visit, &result, began.elapsed());
    (result, log)
}

fn prepare(request: &HttpRequest, secrets: &BTreeMap<String, SecretText>) -> Result<OutgoingCall, String> {
    let HttpRequest { method, url, headers, body, timeout_seconds, log_request_body: _, log_response_body: _ } =
        request;
    let header = |(name, content): &(String, HeaderContent)| match content {
        HeaderContent::Plain(text) => Ok(Header::new(name, text)),
        HeaderContent::Secret(path) => match secrets.get(path) {
            Some(secret) => Ok(Header { name: name.clone(), value: secret.clone() }),
            None => Err(format!("the secret at {path} is not kept any more")),
        },
    };
    Ok(OutgoingCall {
        method: match method {
            StepMethod::Get => Method::GET,
            StepMethod::Post => Method::POST,
            StepMethod::Put => Method::PUT,
            StepMethod::Patch => Method::PATCH,
            StepMethod::Head => Method::HEAD,
            StepMethod::Delete => Method::DELETE,
        },
        url: Url::parse(url).map_err(|error| format!("the URL cannot be called: {error}"))?,
        headers: headers.iter().map(header).collect::<Result<_, _>>()?,
        body: body.clone().map(Bytes::from).unwrap_or_default(),
        timeout: Duration::from_secs(u64::from(*timeout_seconds)),
        answer: AnswerBody::Kept { limit: ANSWER_LIMIT },
    })
}

fn log(
    request: &HttpRequest,
    secrets: &BTreeMap<String, SecretText>,
    visit: Visit,
    result: &HttpResult,
    duration: Duration,
) -> StepLog {
    let Visit { step, number, at } = visit;
    let headers = request.headers.iter().map(|(name, content)| match content {
        HeaderContent::Plain(text) if !is_sensitive(name) => (name.clone(), redacted(text, secrets)),
        HeaderContent::Plain(_) | HeaderContent::Secret(_) => (name.clone(), MASK.to_owned()),
    });
    let (status, error, answer) = match result {
        HttpResult::Answered { status, content_type: _, body } => (Some(*status), None, Some(body)),
        HttpResult::Failed { reason } => (None, Some(redacted(reason, secrets)), None),
    };
    let answer = answer.filter(|_| request.log_response_body);
    StepLog {
        step,
        visit: number,
        at,
        method: request.method.as_str().to_owned(),
        url: redacted(&request.url, secrets),
        headers: headers.collect(),
        status,
        error,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        request_body: request.body.as_deref().filter(|_| request.log_request_body).map(|body| kept(body, secrets)),
        response_body: answer.map(|body| kept(&String::from_utf8_lossy(body), secrets)),
    }
}

/// Whether a header's value says who somebody is or lets somebody in, going by its name.
fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words =
        ["auth", "cookie", "token", "secret", "password", "passwd", "key", "session", "signature", "credential"];
    !name.eq_ignore_ascii_case(IDEMPOTENCY_KEY) && words.iter().any(|word| name.contains(word))
}

/// As much of a body as the log keeps, without secrets: they are taken out first, so that none is cut in two.
fn kept(body: &str, secrets: &BTreeMap<String, SecretText>) -> String {
    let redacted = redacted(body, secrets);
    if redacted.len() <= LOGGED {
        return redacted;
    }
    let end = (0..=LOGGED).rev().find(|end| redacted.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", redacted.get(..end).unwrap_or_default())
}

/// A text with every secret masked: as it is, as JSON writes it, and as a URL does.
fn redacted(text: &str, secrets: &BTreeMap<String, SecretText>) -> String {
    let mut forms: Vec<String> = Vec::new();
    for secret in secrets.values() {
        let content = secret.expose_to_target();
        if content.len() >= SHORTEST_SECRET {
            let quoted = serde_json::Value::from(content).to_string();
            forms.push(content.to_owned());
            forms.push(quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned());
            forms.push(percent_encoded(content));
        }
    }
    // The longest first: one may be a part of another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), MASK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> BTreeMap<String, SecretText> {
        let secret = |path: &str, content: &str| (path.to_owned(), SecretText::new(content.to_owned()));
        BTreeMap::from([
            secret("a", "hunter2hunter2"),
            secret("b", "hunter2"),
            secret("c", "q\"uote/d"),
            secret("d", "x"),
        ])
    }

    #[test]
    fn logs_keep_no_secret() {
        let request = HttpRequest {
            method: StepMethod::Post,
            url: "https://a.test/q%22uote%2Fd".into(),
            headers: vec![
                ("X-Api".into(), HeaderContent::Secret("a".into())),
                ("Authorization".into(), HeaderContent::Plain("Bearer t".into())),
                ("Idempotency-Key".into(), HeaderContent::Plain("run-1".into())),
                ("X-Plain".into(), HeaderContent::Plain("hunter2 x".into())),
            ],
            body: Some("{\"a\": \"hunter2hunter2\", \"b\": \"q\\\"uote/d\"}".into()),
            timeout_seconds: 1,
            log_request_body: true,
            log_response_body: true,
        };
        let visit = || Visit { step: "s".into(), number: 1, at: Timestamp::UNIX_EPOCH };
        let body = b"you sent hunter2hunter2".to_vec();
        let result = HttpResult::Answered { status: 200, content_type: None, body };
        let log = super::log(&request, &secrets(), visit(), &result, Duration::from_millis(5));
        assert_eq!(log.url, "https://a.test/****");
        let values: Vec<&str> = log.headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["****", "****", "run-1", "**** x"]);
        assert_eq!(log.request_body.as_deref(), Some("{\"a\": \"****\", \"b\": \"****\"}"));
        assert_eq!(log.response_body.as_deref(), Some("you sent ****"));
        let quiet = HttpRequest { log_request_body: false, log_response_body: false, ..request };
        let log = super::log(&quiet, &secrets(), visit(), &result, Duration::ZERO);
        assert_eq!((log.request_body, log.response_body), (None, None));
    }

    #[test]
    fn a_long_body_is_cut_behind_the_redaction() {
        let body = format!("{}hunter2hunter2{}", "y".repeat(LOGGED - 5), "ü".repeat(100));
        let kept = kept(&body, &secrets());
        assert!(!kept.contains("hunter2") && kept.ends_with('…') && kept.len() < LOGGED + 8);
    }

    #[test]
    fn a_secret_that_is_gone_sends_nothing() {
        let request = HttpRequest {
            method: StepMethod::Get,
            url: "https://a.test".into(),
            headers: vec![("X".into(), HeaderContent::Secret("gone".into()))],
            body: None,
            timeout_seconds: 1,
            log_request_body: false,
            log_response_body: false,
        };
        assert_eq!(prepare(&request, &secrets()).err().as_deref(), Some("the secret at gone is not kept any more"));
    }
}
