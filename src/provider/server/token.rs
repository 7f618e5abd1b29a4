//! The access token: fetched when it is first needed, kept until shortly before its end.

use std::time::{Duration, Instant};

use reqwest::{StatusCode, header};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::failure::Failure;
use super::http;
use crate::base::secret::SecretText;
use crate::base::server_url::ServerUrl;

/// A token is not used any more so long before its end: the request has to arrive, too.
const MARGIN: Duration = Duration::from_secs(60);
/// The largest answer of the token endpoint, in bytes.
const ANSWER_BYTES: usize = 64 * 1024;

/// A key, and the token that it was given.
pub(super) struct Credentials {
    client_id: String,
    client_secret: SecretText,
    token: Mutex<Option<Token>>,
}

struct Token {
    text: SecretText,
    /// When another one is fetched.
    until: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

/// As the token endpoint says no (RFC 6749, 5.2); our server says it as a problem as well.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Denied {
    error_description: Option<String>,
    detail: Option<String>,
}

impl Credentials {
    pub(super) fn new(client_id: String, client_secret: SecretText) -> Self {
        Self { client_id, client_secret, token: Mutex::new(None) }
    }

    /// The token; fetched by one of those who ask at the same time.
    pub(super) async fn token(
        &self,
        client: &reqwest::Client,
        server: &ServerUrl,
        patience: Duration,
    ) -> Result<SecretText, Failure> {
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| Instant::now() < token.until) {
            return Ok(token.text.clone());
        }
        let token = self.fetch(client, server, patience).await?;
        let text = token.text.clone();
        *kept = Some(token);
        Ok(text)
    }

    /// Forgets this token, which the server does not take any more.
    pub(super) async fn forget(&self, token: &SecretText) {
        let mut kept = self.token.lock().await;
        kept.take_if(|kept| kept.text.expose_to_target() == token.expose_to_target());
    }

    async fn fetch(&self, client: &reqwest::Client, server: &ServerUrl, patience: Duration) -> Result<Token, Failure> {
        let began = Instant::now();
        let request = client
            .post(server.at("/accounts/connect/token"))
            .basic_auth(&self.client_id, Some(self.client_secret.expose_to_target()))
            .header(header::ACCEPT, "application/json")
            .form(&[("grant_type", "client_credentials")]);
        let response = http::send(request, patience).await?;
        let status = response.status();
        if matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let body = http::body(response, ANSWER_BYTES, patience).await.unwrap_or_default();
            let denied: Denied = serde_json::from_slice(&body).unwrap_or_default();
            let said = denied.error_description.or(denied.detail);
            return Err(Failure::BadKey(said.unwrap_or_else(|| "the client id or secret is wrong".to_owned())));
        }
        let response = http::check(response, patience).await?;
        let body = http::body(response, ANSWER_BYTES, patience).await?;
        let granted: Granted = serde_json::from_slice(&body)
            .map_err(|_| Failure::Strange("what answers for a token is not a control plane".to_owned()))?;
        let lasts = Duration::from_secs(granted.expires_in.min(86_400)).saturating_sub(MARGIN);
        Ok(Token { text: SecretText::new(granted.access_token), until: began + lasts })
    }
}
