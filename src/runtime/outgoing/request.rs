//! From a request whose secrets are references to one that can be sent.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::Method;
use url::Url;

use super::call::{AnswerBody, Header, OutgoingCall};
use super::oauth2::{TokenCache, TokenError, TokenRequest};
use super::signature;
use crate::base::ident::{Generation, ObjectId};
use crate::base::secret::SecretText;
use crate::behaviour::request::{Content, OutgoingRequest, RequestAuth, RequestMethod, SecretPlace};

/// The object a request comes of, and its secrets.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'o> {
    /// Its id.
    pub id: ObjectId,
    /// Its generation.
    pub generation: Generation,
    /// The contents of its secrets by path.
    pub secrets: &'o BTreeMap<String, SecretText>,
}

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'s> {
    /// What the receiver can tell a repetition by, where the request is signed.
    pub id: &'s str,
    /// The time, for the signature.
    pub now: Timestamp,
    /// How long it may take.
    pub timeout: Duration,
    /// What becomes of the answer's body.
    pub answer: AnswerBody,
}

/// Why a request cannot be sent. Messages complete "failed to …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A secret it needs is not there.
    #[error("find the secret at `{0}`")]
    MissingSecret(String),
    /// Its URL is none.
    #[error("read the URL")]
    InvalidUrl,
    /// There is no token for it.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// A request ready to be sent, and the token in it, if it has one.
#[derive(Debug)]
pub struct Ready {
    /// The request.
    pub call: OutgoingCall,
    /// The token in it and what it was asked for with: to be forgotten when the receiver refuses it.
    pub token: Option<(TokenRequest, SecretText)>,
}

/// Puts the contents of secrets into a request, gets the token it needs, and signs it.
///
/// # Errors
/// When a secret is missing, the URL is none, or no token is given out.
pub async fn ready(
    request: &OutgoingRequest,
    owner: Owner<'_>,
    tokens: &TokenCache,
    sending: Sending<'_>,
) -> Result<Ready, RequestError> {
    let url = Url::parse(&request.url).map_err(|_| RequestError::InvalidUrl)?;
    let mut headers = Vec::with_capacity(request.headers.len() + 4);
    for (name, content) in &request.headers {
        let value = match content {
            Content::Plain(text) => SecretText::new(text.clone()),
            Content::Secret(place) => secret(owner, place)?.clone(),
        };
        headers.push(Header { name: name.clone(), value });
    }
    let mut token = None;
    if let Some(value) = authorization(&request.auth, owner, tokens, sending.timeout, &mut token).await? {
        headers.push(Header::new("authorization", value));
    }
    let body = request.body.clone().unwrap_or_default();
    if let Some(place) = &request.signing {
        headers.extend(signature::headers(secret(owner, place)?, sending.id, sending.now, body.as_bytes()));
    }
    let Sending { id: _, now: _, timeout, answer } = sending;
    let call = OutgoingCall { method: method(request.method), url, headers, body: body.into(), timeout, answer };
    Ok(Ready { call, token })
}

async fn authorization(
    auth: &RequestAuth,
    owner: Owner<'_>,
    tokens: &TokenCache,
    timeout: Duration,
    used: &mut Option<(TokenRequest, SecretText)>,
) -> Result<Option<String>, RequestError> {
    Ok(match auth {
        RequestAuth::None => None,
        RequestAuth::Bearer { token } => Some(format!("Bearer {}", secret(owner, token)?.expose_to_target())),
        RequestAuth::Basic { username, password } => {
            let pair = format!("{username}:{}", secret(owner, password)?.expose_to_target());
            Some(format!("Basic {}", STANDARD.encode(pair)))
        }
        RequestAuth::Oauth2 { token_url, client_id, client_secret, scopes, audience } => {
            let request = TokenRequest {
                owner: owner.id,
                generation: owner.generation,
                token_url: Url::parse(token_url).map_err(|_| RequestError::InvalidUrl)?,
                client_id: client_id.clone(),
                client_secret: secret(owner, client_secret)?.clone(),
                scopes: scopes.clone(),
                audience: audience.clone(),
                timeout,
            };
            let token = tokens.token(&request).await?;
            let value = format!("Bearer {}", token.expose_to_target());
            *used = Some((request, token));
            Some(value)
        }
    })
}

fn secret<'o>(owner: Owner<'o>, place: &SecretPlace) -> Result<&'o SecretText, RequestError> {
    owner.secrets.get(&place.path).ok_or_else(|| RequestError::MissingSecret(place.path.clone()))
}

fn method(method: RequestMethod) -> Method {
    match method {
        RequestMethod::Get => Method::GET,
        RequestMethod::Post => Method::POST,
        RequestMethod::Put => Method::PUT,
        RequestMethod::Patch => Method::PATCH,
        RequestMethod::Delete => Method::DELETE,
        RequestMethod::Head => Method::HEAD,
    }
}
