//! Who is calling: access tokens and what they allow, and the way to get one.

pub mod attempts;
mod known;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::Semaphore;

use super::api::problem::{Answer, Problem};
use super::settings::Limits;
use crate::base::ident::{ClientId, Name};
use crate::base::secret::SecretText;
use crate::object::access::{AccessKey, Scope, Scopes};
use crate::store::{Clock, Store, TokenAccess};
use attempts::Attempts;
use known::KnownTokens;

/// Log-ins that are computed at the same time: each takes a processor for some 20 ms, and 19 MiB.
const HASHING: usize = 2;

/// The address a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Whom a request speaks for. A handler takes it as an extractor; the gate has checked the endpoint's scope and project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key's public half.
    pub client_id: ClientId,
    /// The name of the key.
    pub key: Name,
    /// The only project it reaches.
    pub project: Name,
    /// What the token allows.
    pub scopes: Scopes,
}

impl Caller {
    /// How it is named in the audit: `ci (key 0e5c…)`.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("{} (key {})", self.key, self.client_id)
    }

    /// Whether the token has this scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Refuses a token without this scope.
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, scope: Scope) -> Answer<()> {
        if self.has(scope) { Ok(()) } else { Err(Problem::missing_scope(scope)) }
    }
}

impl From<TokenAccess> for Caller {
    fn from(access: TokenAccess) -> Self {
        let TokenAccess { client_id, name, project, scopes, expires_at: _ } = access;
        Self { client_id, key: name, project, scopes }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::internal("a public endpoint asks who is calling"))
    }
}

/// Keys and tokens of the server.
pub struct AccessControl {
    store: Arc<Store>,
    known: KnownTokens,
    hashing: Semaphore,
    /// Attempts to log in.
    pub attempts: Attempts,
    /// Calls with a token that no incoming webhook has.
    pub guesses: Attempts,
}

impl AccessControl {
    pub(super) fn new(store: Arc<Store>, clock: Clock, limits: &Limits) -> Self {
        let known = KnownTokens::new(Arc::clone(&store), clock.clone());
        let attempts = Attempts::new(clock.clone(), limits.login_failures);
        let guesses = Attempts::new(clock, limits.login_failures);
        Self { store, known, hashing: Semaphore::new(HASHING), attempts, guesses }
    }

    /// Whom a token speaks for; `None` when it is not good (any more).
    ///
    /// Guarantees: a revocation that was finished before this was called is obeyed, whichever process made it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn caller(&self, token: &SecretText) -> Answer<Option<Caller>> {
        Ok(self.known.access(token).await?.map(Caller::from))
    }

    /// The key, when this is its secret. Costs the same whether the key exists or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn verify(&self, client_id: Option<ClientId>, secret: SecretText) -> Answer<Option<AccessKey>> {
        let key = self.store.reads().key_to_verify(client_id).await?;
        let permit = self.hashing.acquire().await.map_err(|error| Problem::internal(error.to_string()))?;
        let verified = tokio::task::spawn_blocking(move || key.verify(&secret)).await;
        drop(permit);
        verified.map_err(|error| Problem::internal(error.to_string()))
    }
}
