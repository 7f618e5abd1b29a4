//! Access tokens: asked for when first needed, and again when the server no longer takes the one at hand.

use std::sync::Arc;

use reqwest::StatusCode;
use serde::Deserialize;

use super::Server;
use super::call::read;
use super::failure::Failure;
use crate::base::secret::SecretText;
use crate::provider::ProviderError;

/// A token at hand.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: Arc<SecretText>,
    /// Rises with every token, so that two requests that are refused together ask for one new token.
    pub(super) number: u64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

impl Server {
    /// The token at hand; a new one when there is none or when it is the one that was `refused`.
    pub(super) async fn token(&self, refused: Option<u64>) -> Result<Token, Failure> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| Some(token.number) != refused) {
            return Ok(token.clone());
        }
        let number = held.as_ref().map_or(0, |token| token.number + 1);
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(["accounts", "connect", "token"]);
            }
            Err(()) => return Err(Failure::NotAServer("its address has no path".into())),
        }
        let request = self.client.post(url).basic_auth(&self.client_id, Some(self.client_secret.expose_to_target()));
        let answer = request.form(&[("grant_type", "client_credentials")]).send().await?;
        let reply = match read(answer).await {
            // So that the request which needed it does not ask a second time.
            Err(Failure::Refused(problem)) if problem.status == StatusCode::UNAUTHORIZED => {
                return Err(Failure::Told(ProviderError::Unauthorised(
                    "log in: the server does not know the client id, or the secret is another".into(),
                )));
            }
            // A path that is not the server's, or another server.
            Err(Failure::Refused(problem)) if problem.status == StatusCode::NOT_FOUND => {
                return Err(Failure::NotAServer("it has no address for access tokens".into()));
            }
            answered => answered?,
        };
        let granted: Granted =
            serde_json::from_slice(&reply.bytes).map_err(|_| Failure::NotAServer("it gives no access token".into()))?;
        let token = Token { text: Arc::new(SecretText::new(granted.access_token)), number };
        *held = Some(token.clone());
        Ok(token)
    }
}
