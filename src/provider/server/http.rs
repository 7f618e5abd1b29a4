//! One exchange: a request sent, an answer looked at, a body read within bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::{RequestBuilder, Response, header};
use serde::de::DeserializeOwned;

use super::failure::Failure;
use crate::object::wire_v1::problem::ProblemV1;

/// The largest description of a failure, in bytes: it may list every object of a changeset.
const PROBLEM_BYTES: usize = 16 * 1024 * 1024;
/// The largest answer, in bytes: a project of a million objects.
const ANSWER_BYTES: usize = 1024 * 1024 * 1024;
/// The longest line of an answer in lines.
const LINE_BYTES: usize = 64 * 1024 * 1024;

/// Sends, and waits for the answer to begin.
pub(super) async fn send(request: RequestBuilder, patience: Duration) -> Result<Response, Failure> {
    let answer = tokio::time::timeout(patience, request.send()).await.map_err(|_| Failure::TooLong)?;
    answer.map_err(|error| {
        // What could not connect sent nothing.
        if error.is_connect() || error.is_builder() { Failure::NotSent(error) } else { Failure::NoAnswer(error) }
    })
}

/// Turns an answer that is a refusal into one.
pub(super) async fn check(response: Response, patience: Duration) -> Result<Response, Failure> {
    let status = response.status();
    if status.is_success() || status == reqwest::StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    if status.is_redirection() {
        let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
        let to: String = to.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(Failure::Strange(format!(
            "the server points to {to}, where credentials do not follow; give that as the server's URL if it is right"
        )));
    }
    let wish = wish(response.headers());
    let is_json = content_type(&response).ends_with("json");
    let body = body(response, PROBLEM_BYTES, patience).await.unwrap_or_default();
    let problem =
        if is_json { serde_json::from_slice::<ProblemV1>(&body).unwrap_or_default() } else { ProblemV1::default() };
    Err(Failure::Refused { status, problem, wish })
}

fn content_type(response: &Response) -> String {
    let value = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// `Retry-After`, in seconds or as a time. A time is taken by the server's own clock.
fn wish(headers: &header::HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let after = text(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |text: &str| -> Option<Timestamp> { Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp()) };
    let wait = time(after)?.duration_since(time(text(header::DATE)?)?);
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// Refuses an answer that is not of this type.
pub(super) fn expect_type(response: &Response, wanted: &str) -> Result<(), Failure> {
    let found = content_type(response);
    if found == wanted {
        return Ok(());
    }
    let found: String = found.chars().filter(|c| !c.is_control()).take(80).collect();
    Err(Failure::Strange(format!("the answer is of type `{found}`, not {wanted}: is this a control plane?")))
}

/// The next part of a body.
async fn part(response: &mut Response, patience: Duration) -> Result<Option<Bytes>, Failure> {
    let part = tokio::time::timeout(patience, response.chunk()).await.map_err(|_| Failure::TooLong)?;
    part.map_err(Failure::NoAnswer)
}

/// The whole body, within a bound.
pub(super) async fn body(mut response: Response, limit: usize, patience: Duration) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(part) = part(&mut response, patience).await? {
        if body.len() + part.len() > limit {
            return Err(Failure::Strange(format!("the answer is larger than {limit} bytes")));
        }
        body.extend_from_slice(&part);
    }
    Ok(body.freeze())
}

/// A body of one JSON document.
pub(super) async fn json<T: DeserializeOwned>(response: Response, patience: Duration) -> Result<T, Failure> {
    expect_type(&response, "application/json")?;
    let body = body(response, ANSWER_BYTES, patience).await?;
    serde_json::from_slice(&body).map_err(|error| Failure::Strange(format!("the answer cannot be read: {error}")))
}

/// A body of JSON lines, read one by one, within bounds.
pub(super) async fn lines<T: DeserializeOwned>(mut response: Response, patience: Duration) -> Result<Vec<T>, Failure> {
    expect_type(&response, "application/x-ndjson")?;
    let unreadable =
        |error: serde_json::Error| Failure::Strange(format!("a line of the answer cannot be read: {error}"));
    let (mut found, mut rest, mut total) = (Vec::new(), BytesMut::new(), 0);
    while let Some(part) = part(&mut response, patience).await? {
        total += part.len();
        // What came before holds no line break, or it would be gone.
        let mut looked_at = rest.len();
        rest.extend_from_slice(&part);
        while let Some(end) = rest[looked_at..].iter().position(|byte| *byte == b'\n') {
            let line = rest.split_to(looked_at + end + 1);
            looked_at = 0;
            if !line.trim_ascii().is_empty() {
                found.push(serde_json::from_slice(&line).map_err(unreadable)?);
            }
        }
        if rest.len() > LINE_BYTES || total > ANSWER_BYTES {
            return Err(Failure::Strange("the answer is larger than anything a control plane sends".to_owned()));
        }
    }
    // Every line ends with a break: what does not was cut.
    if rest.trim_ascii().is_empty() { Ok(found) } else { Err(Failure::Strange("the answer was cut short".to_owned())) }
}
