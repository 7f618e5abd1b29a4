//! The target that is a control plane, reached over HTTP.
//!
//! Guarantees: credentials and contents go to the one server that was named and nowhere else (no redirect is followed);
//! what may be repeated is repeated with growing pauses, what may not is never sent twice; an answer that does not come
//! whole is none. A changeset is safe to repeat, because a plan is applied once: when no answer comes at all, the server
//! is asked what became of it, and a late arrival is kept out by giving the lease back first.

mod failure;
mod http;
mod patience;
mod reader;
mod token;
mod writer;

#[cfg(test)]
mod tests;

use std::time::Duration;

use backon::Retryable as _;
use bytes::Bytes;
use reqwest::{Method, Response, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ProviderError;
use crate::base::ident::Name;
use crate::base::secret::SecretText;
use crate::base::server_url::ServerUrl;
use crate::object::wire_v1::problem::FaultV1;

pub use patience::Patience;

use failure::{Failure, Repeatable};
use token::Credentials;

/// Which server, as whom, for which project.
pub struct ServerSettings {
    /// The server.
    pub url: ServerUrl,
    /// The project; the key must be one of it.
    pub project: Name,
    /// The public half of the key.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretText,
    /// Certificates of authorities to trust in place of the system's, PEM.
    pub authorities: Option<Vec<u8>>,
    /// How long the server is waited for.
    pub patience: Patience,
}

/// One project of one control plane.
pub struct ServerTarget {
    client: reqwest::Client,
    url: ServerUrl,
    project: Name,
    credentials: Credentials,
    patience: Patience,
}

impl ServerTarget {
    /// Makes ready to talk to a server; nothing is sent before the first request. Proxies are taken from the environment,
    /// as command lines do.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn new(settings: ServerSettings) -> Result<Self, ProviderError> {
        let ServerSettings { url, project, client_id, client_secret, authorities, patience } = settings;
        // Another part of the process may have chosen one already: that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let unusable = |error: reqwest::Error| ProviderError::Unavailable {
            context: "use the certificates of --ca-file".to_owned(),
            source: Some(Box::new(error)),
        };
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience.connect)
            .referer(false);
        if let Some(pem) = authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(&pem).map_err(unusable)?;
            if authorities.is_empty() {
                let context = "use the certificates of --ca-file: there are none in it".to_owned();
                return Err(ProviderError::Unavailable { context, source: None });
            }
            client = client.tls_certs_only(authorities);
        }
        let client = client.build().map_err(unusable)?;
        Ok(Self { client, url, project, credentials: Credentials::new(client_id, client_secret), patience })
    }

    /// The path of something of the project.
    fn path(&self, rest: &str) -> String {
        format!("/v1/projects/{}/{rest}", self.project)
    }

    /// What was tried, with where.
    fn what(&self, what: &str) -> String {
        format!("{what} at {}", self.url)
    }
}

/// One request, as often as it has to be sent.
struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    accept: &'static str,
    repeatable: Repeatable,
    /// For the answer to begin, and for each further part of it.
    patience: Duration,
}

/// How an answer is read.
#[derive(Clone, Copy)]
enum Form {
    Document,
    Lines,
}

impl ServerTarget {
    fn call(&self, method: Method, path: String) -> Call {
        Call {
            method,
            path,
            query: Vec::new(),
            body: None,
            accept: "application/json",
            repeatable: Repeatable::Yes,
            patience: self.patience.answer,
        }
    }

    fn get(&self, rest: &str) -> Call {
        self.call(Method::GET, self.path(rest))
    }

    fn post(&self, rest: &str, body: &impl Serialize) -> Result<Call, Failure> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Failure::Strange(format!("the request cannot be written: {error}")))?;
        Ok(Call { body: Some(body.into()), ..self.call(Method::POST, self.path(rest)) })
    }

    /// A document.
    async fn document<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        let found: Vec<T> = self.repeat(&call, Form::Document).await?;
        found.into_iter().next().ok_or_else(|| Failure::Strange("the answer is empty".to_owned()))
    }

    /// Lines.
    async fn lines<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, Failure> {
        self.repeat(&Call { accept: "application/x-ndjson", ..call }, Form::Lines).await
    }

    /// Nothing but the status.
    async fn nothing(&self, call: &Call) -> Result<(), Failure> {
        let attempt = || async { self.attempt(call).await.map(drop) };
        self.persist(call.repeatable, attempt).await
    }

    async fn repeat<T: DeserializeOwned>(&self, call: &Call, form: Form) -> Result<Vec<T>, Failure> {
        let attempt = || async {
            let response = self.attempt(call).await?;
            match form {
                Form::Document => http::json(response, call.patience).await.map(|found| vec![found]),
                Form::Lines => http::lines(response, call.patience).await,
            }
        };
        self.persist(call.repeatable, attempt).await
    }

    /// Tries again as long as it is worth while and safe.
    async fn persist<T, F>(&self, repeatable: Repeatable, attempt: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let longest = self.patience.longest_wish;
        attempt
            .retry(self.patience)
            .sleep(tokio::time::sleep)
            .when(|failure: &Failure| {
                failure.may_repeat(repeatable) && failure.wish().is_none_or(|wish| wish <= longest)
            })
            .adjust(|failure, pause| pause.map(|pause| failure.wish().map_or(pause, |wish| pause.max(wish))))
            .notify(|failure, pause| tracing::debug!(?failure, ?pause, "the server is asked again"))
            .await
    }

    /// Sends once, or twice when the token has ended meanwhile.
    async fn attempt(&self, call: &Call) -> Result<Response, Failure> {
        let mut renewed = false;
        loop {
            let token = self.credentials.token(&self.client, &self.url, self.patience.answer).await?;
            let response = self.send(call, &token).await?;
            if response.status() == StatusCode::UNAUTHORIZED && !renewed {
                self.credentials.forget(&token).await;
                renewed = true;
                continue;
            }
            return http::check(response, call.patience).await;
        }
    }

    async fn send(&self, call: &Call, token: &SecretText) -> Result<Response, Failure> {
        let mut request = self
            .client
            .request(call.method.clone(), self.url.at(&call.path))
            .bearer_auth(token.expose_to_target())
            .header(header::ACCEPT, call.accept);
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        http::send(request, call.patience).await
    }
}
