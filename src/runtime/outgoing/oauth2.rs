//! Tokens by OAuth 2.0 client credentials (RFC 6749 §4.4), kept until shortly before they expire.
//!
//! However many deliveries need one at the same moment, one request is made; all of them get its outcome. The request
//! passes the same egress guard as every other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::call::{AnswerBody, Header, OutgoingAnswer, OutgoingCall};
use super::client::Outgoing;
use super::error::OutgoingError;
use crate::base::ident::{Generation, ObjectId};
use crate::base::secret::SecretText;
use crate::store::Clock;

/// What a token is asked for with.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// The destination, or whatever else the credentials belong to.
    pub owner: ObjectId,
    /// Its generation: a token asked for with older credentials is not used.
    pub generation: Generation,
    /// Where tokens are given out.
    pub token_url: Url,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: SecretText,
    /// Scopes asked for; none are sent when empty.
    pub scopes: Vec<String>,
    /// Audience asked for.
    pub audience: Option<String>,
    /// How long the request may take.
    pub timeout: Duration,
}

/// Why there is no token. Messages complete "failed to …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The request got no answer.
    #[error("get a token: it failed to {0}")]
    Outgoing(#[from] OutgoingError),
    /// The server refused.
    #[error("get a token: the token endpoint answered {status}{}", .error.as_ref().map(|e| format!(" ({e})")).unwrap_or_default())]
    Refused {
        /// The answer's status.
        status: u16,
        /// The code of RFC 6749 §5.2 in it.
        error: Option<String>,
    },
    /// The answer is not one of a token endpoint.
    #[error("get a token: {0}")]
    Malformed(&'static str),
}

/// Keeps tokens. One for the whole server.
pub struct TokenCache {
    outgoing: Outgoing,
    clock: Clock,
    entries: Mutex<HashMap<ObjectId, Arc<Entry>>>,
}

struct Entry {
    generation: Generation,
    /// Requests that have ended: tells who waited for one from who came later.
    ended: AtomicU64,
    last: tokio::sync::Mutex<Option<Result<Token, TokenError>>>,
}

#[derive(Clone)]
struct Token {
    content: SecretText,
    /// From when on it is not used any more.
    stale_at: Timestamp,
}

/// The most owners whose tokens are kept; beyond it all are asked for again.
const OWNERS: usize = 10_000;
/// The most bytes of an answer.
const ANSWER_LIMIT: usize = 64 * 1024;
/// How long a token is used whose server does not say how long it lives: long enough to be worth keeping.
const UNKNOWN_LIFE: i64 = 300;
/// The longest a token is kept, whatever its server says.
const LONGEST_LIFE: i64 = 86_400;
/// A token is not used in its last seconds: it has to live until the receiver has looked at it.
const SKEW: i64 = 30;

impl TokenCache {
    /// An empty cache that asks through `outgoing`.
    #[must_use]
    pub fn new(outgoing: Outgoing, clock: Clock) -> Self {
        Self { outgoing, clock, entries: Mutex::new(HashMap::new()) }
    }

    /// A token that is good for now.
    ///
    /// # Errors
    /// When the token endpoint gives none. Those who waited for the same request get the same error.
    pub async fn token(&self, request: &TokenRequest) -> Result<SecretText, TokenError> {
        let entry = self.entry(request);
        let before = entry.ended.load(Ordering::SeqCst);
        let mut last = entry.last.lock().await;
        let ended_meanwhile = entry.ended.load(Ordering::SeqCst) != before;
        match &*last {
            Some(Ok(token)) if self.clock.now() < token.stale_at => return Ok(token.content.clone()),
            Some(Err(error)) if ended_meanwhile => return Err(error.clone()),
            Some(Ok(_) | Err(_)) | None => {}
        }
        let outcome = self.ask(request).await;
        *last = Some(outcome.clone());
        entry.ended.fetch_add(1, Ordering::SeqCst);
        outcome.map(|token| token.content)
    }

    /// Drops a token that its receiver no longer accepts (401), so that the next request asks for another. Does nothing
    /// if another has taken its place already.
    pub async fn forget(&self, request: &TokenRequest, refused: &SecretText) {
        let entry = self.entry(request);
        let mut last = entry.last.lock().await;
        let is_held = |held: &Token| held.content.expose_to_target() == refused.expose_to_target();
        if matches!(&*last, Some(Ok(held)) if is_held(held)) {
            *last = None;
        }
    }

    fn entry(&self, request: &TokenRequest) -> Arc<Entry> {
        // What a panic could leave behind is an entry too many.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Entry { generation: request.generation, ended: AtomicU64::new(0), last: None.into() });
        if entries.len() >= OWNERS && !entries.contains_key(&request.owner) {
            entries.clear();
        }
        let entry = entries.entry(request.owner).or_insert_with(fresh);
        if entry.generation != request.generation {
            *entry = fresh();
        }
        Arc::clone(entry)
    }

    async fn ask(&self, request: &TokenRequest) -> Result<Token, TokenError> {
        let asked_at = self.clock.now();
        let answer = self.outgoing.send(call(request)).await?;
        let granted = read(&answer)?;
        let life = granted.expires_in.map_or(UNKNOWN_LIFE, |seconds| seconds.clamp(0, LONGEST_LIFE));
        let used = SignedDuration::from_secs(life - SKEW.min(life / 10 + 1));
        let stale_at = asked_at.checked_add(used).unwrap_or(asked_at);
        Ok(Token { content: SecretText::new(granted.access_token), stale_at })
    }
}

fn call(request: &TokenRequest) -> OutgoingCall {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !request.scopes.is_empty() {
        form.append_pair("scope", &request.scopes.join(" "));
    }
    if let Some(audience) = &request.audience {
        form.append_pair("audience", audience);
    }
    // Both are form-encoded before they are joined (RFC 6749 §2.3.1): a colon in an id would otherwise end it.
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(&request.client_id), encoded(request.client_secret.expose_to_target()));
    OutgoingCall {
        method: Method::POST,
        url: request.token_url.clone(),
        headers: vec![
            Header::new("authorization", format!("Basic {}", STANDARD.encode(pair))),
            Header::new("content-type", "application/x-www-form-urlencoded"),
            Header::new("accept", "application/json"),
        ],
        body: form.finish().into(),
        timeout: request.timeout,
        answer: AnswerBody::Kept { limit: ANSWER_LIMIT },
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<i64>,
}

/// Some servers write the number as a text.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(f64),
        Text(String),
    }
    let seconds = match Option::<Seconds>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Seconds::Number(number)) => number,
        Some(Seconds::Text(text)) => text.trim().parse().map_err(serde::de::Error::custom)?,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a cast from a float stops at the type's bounds")]
    Ok(Some(seconds as i64))
}

fn read(answer: &OutgoingAnswer) -> Result<Granted, TokenError> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    if answer.status.as_u16() != 200 {
        let said = serde_json::from_slice::<Refusal>(&answer.body).ok().map(|refusal| refusal.error);
        // What is shown in logs is one of the short codes of the standard, and never any text of theirs.
        let is_code = |text: &String| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        return Err(TokenError::Refused { status: answer.status.as_u16(), error: said.filter(is_code) });
    }
    let granted: Granted = serde_json::from_slice(&answer.body)
        .map_err(|_| TokenError::Malformed("the token endpoint's answer has no access_token"))?;
    if granted.token_type.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(TokenError::Malformed("the token endpoint gives out tokens of another type than Bearer"));
    }
    let token = &granted.access_token;
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(TokenError::Malformed("the token endpoint's access_token cannot stand in a header"));
    }
    Ok(granted)
}
