//! `POST /trigger`: somebody has pushed, so look now.

use std::io;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use http_body_util::BodyExt as _;
use serde::Serialize;
use tokio::io::AsyncReadExt as _;

use super::service::Shared;
use super::signature::{Check, Event, pushed_reference};
use crate::base::secret::SecretText;
use crate::server::api::extract::{Json, unread};
use crate::server::api::gate::too_large;
use crate::server::api::problem::{Answer, Problem, ProblemCode};
use crate::server::patience;
use crate::server::settings::Limits;

/// The largest payload: that of GitHub. It is hashed as it comes and not kept.
pub const BODY_LIMIT: usize = 25 * 1024 * 1024;
/// So much of it is kept, to read the ref; of a longer one it is not read, and counts as unknown.
const KEPT: usize = 1024 * 1024;
/// A file with more than this holds no secret.
const SECRET_LIMIT: u64 = 4096;

/// What came of a hook.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Heard {
    /// Whether there will be a look because of it.
    woken: bool,
    /// Why, or why not.
    reason: &'static str,
}

/// Why there is no secret: "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file cannot be read.
    #[error("read the secret of the push hook from {}: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds nothing that could be a secret.
    #[error("read the secret of the push hook from {}: {reason}", .file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The secret that a file holds: a line of text. Read each time, so that a new one counts at once.
///
/// # Errors
/// When it cannot be read, or holds no secret.
pub async fn read_secret(file: &Path) -> Result<SecretText, SecretFileError> {
    let failed = |source| SecretFileError::File { file: file.to_owned(), source };
    let opened = tokio::fs::File::open(file).await.map_err(failed)?;
    let mut text = String::new();
    opened.take(SECRET_LIMIT + 1).read_to_string(&mut text).await.map_err(failed)?;
    let is_long = text.len() as u64 > SECRET_LIMIT;
    let secret = SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned());
    drop(zeroize::Zeroizing::new(text));
    let wrong = |reason| Err(SecretFileError::Content { file: file.to_owned(), reason });
    match secret.expose_to_target() {
        _ if is_long => wrong("it is too long"),
        "" => wrong("it is empty"),
        content if content.chars().any(char::is_control) => wrong("it holds more than a line"),
        _ => Ok(secret),
    }
}

/// Checks a hook, and wakes the loop.
pub(super) async fn trigger(State(shared): State<Shared>, request: Request) -> Answer<(StatusCode, Json<Heard>)> {
    let Some(file) = shared.secret_file() else { return Err(Problem::internal("a trigger without a secret")) };
    let secret = read_secret(file).await.map_err(|error| Problem::internal(format!("failed to {error}")))?;
    let (head, body) = request.into_parts();
    let mut check = Check::begin(&secret, &head.headers).ok_or_else(unsigned)?;
    let declared = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > BODY_LIMIT as u64) {
        return Err(too_large(BODY_LIMIT));
    }
    let mut body = patience::guard(body, BODY_LIMIT, Limits::default().body_time);
    let mut kept = Some(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unread(&error))?;
        let Ok(part) = frame.into_data() else { continue };
        check.add(&part);
        kept = kept.and_then(|kept| with(kept, &part));
    }
    if !check.end() {
        return Err(unsigned());
    }
    let event = Event::of(&head.headers);
    if event == Event::Ping {
        return Ok((StatusCode::OK, Json(Heard { woken: false, reason: "a ping" })));
    }
    let pushed = kept.filter(|_| event == Event::Push).and_then(|payload| pushed_reference(&payload));
    let followed = shared.standing().about().reference.as_deref();
    if pushed.zip(followed).is_some_and(|(pushed, followed)| pushed != followed) {
        return Ok((StatusCode::OK, Json(Heard { woken: false, reason: "another ref was pushed" })));
    }
    shared.wake();
    Ok((StatusCode::ACCEPTED, Json(Heard { woken: true, reason: "a look follows" })))
}

/// The payload so far; `None` once it is too long to be kept.
fn with(mut kept: Vec<u8>, part: &Bytes) -> Option<Vec<u8>> {
    (kept.len() + part.len() <= KEPT).then(|| {
        kept.extend_from_slice(part);
        kept
    })
}

fn unsigned() -> Problem {
    let detail =
        "it needs X-Hub-Signature-256, the HMAC-SHA-256 of the body, or X-Gitlab-Token, by the secret that is set";
    Problem::new(ProblemCode::BadSignature, detail)
}
