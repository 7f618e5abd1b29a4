//! Access tokens: opaque, random, kept as a keyed hash, good for a day.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sqlx::Row as _;
use zeroize::Zeroizing;

use crate::base::ident::{ClientId, Name};
use crate::base::secret::SecretText;
use crate::object::access::Scopes;
use crate::store::clock::{from_column, to_column};
use crate::store::error::StoreError;
use crate::store::rows::{parse, unsigned};
use crate::store::{ReadStore, Source, Store};

/// How long a token is good for, in seconds (domain §1.1).
const TOKEN_SECONDS: i64 = 86_400;
/// The most tokens of one key that are good at the same time; a further one takes the place of the oldest.
const TOKENS_PER_KEY: i64 = 1_000;

/// A token that was just given out: the only time it is known.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: SecretText,
    /// What it allows.
    pub scopes: Scopes,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl IssuedToken {
    /// How long a token is good for, in seconds.
    pub const SECONDS: i64 = TOKEN_SECONDS;
}

/// What a token is found by: a keyed hash, so that the token itself is kept nowhere, not even in memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenLookup(String);

/// Whom a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAccess {
    /// Whose it is.
    pub client_id: ClientId,
    /// The name of the key.
    pub name: Name,
    /// The only project it reaches.
    pub project: Name,
    /// What it allows.
    pub scopes: Scopes,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// 32 random bytes as 43 characters.
pub(super) fn random() -> Result<SecretText, StoreError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(StoreError::Random)?;
    Ok(SecretText::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

impl Store {
    /// Gives out a token for a key; `None` when it was revoked meanwhile.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn issue_token(&self, client_id: ClientId, scopes: &Scopes) -> Result<Option<IssuedToken>, StoreError> {
        let token = random()?;
        let lookup = self.keys()?.access_lookup(&token);
        let id = client_id.to_string();
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let expires_at = now.checked_add(SignedDuration::from_secs(TOKEN_SECONDS)).unwrap_or(Timestamp::MAX);
        let live = sqlx::query("SELECT 1 FROM keys WHERE client_id = ? AND revoked_at IS NULL");
        if live.bind(&id).fetch_optional(&mut *transaction).await?.is_none() {
            return Ok(None);
        }
        let tidy = sqlx::query("DELETE FROM access_tokens WHERE expires_at <= ?");
        tidy.bind(to_column(now)).execute(&mut *transaction).await?;
        let full = sqlx::query(
            "DELETE FROM access_tokens WHERE lookup IN (SELECT lookup FROM access_tokens WHERE client_id = ? \
             ORDER BY issued_at DESC LIMIT -1 OFFSET ?)",
        );
        if full.bind(&id).bind(TOKENS_PER_KEY - 1).execute(&mut *transaction).await?.rows_affected() > 0 {
            super::changed(&mut transaction).await?;
        }
        let insert = sqlx::query(
            "INSERT INTO access_tokens (lookup, client_id, scopes, issued_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(lookup).bind(&id).bind(scopes.to_string()).bind(to_column(now));
        insert.bind(to_column(expires_at)).execute(&mut *transaction).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(Some(IssuedToken { token, scopes: scopes.clone(), expires_at }))
    }
}

impl ReadStore {
    /// What a token is found by.
    ///
    /// # Errors
    /// When the store has no key.
    pub fn token_lookup(&self, token: &SecretText) -> Result<TokenLookup, StoreError> {
        let keys = self.keys.as_ref().ok_or(StoreError::BadKey)?;
        Ok(TokenLookup(keys.access_lookup(token)))
    }

    /// Whom a token speaks for; `None` when it is unknown, has ended or its key was revoked.
    ///
    /// Guarantees: the look-up is by a keyed hash, so its duration tells nothing about other tokens.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn token_access(&self, token: &TokenLookup) -> Result<Option<TokenAccess>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        let query = sqlx::query(
            "SELECT k.client_id, k.project, k.name, t.scopes, t.expires_at FROM access_tokens t \
             JOIN keys k ON k.client_id = t.client_id \
             WHERE t.lookup = ? AND t.expires_at > ? AND k.revoked_at IS NULL",
        );
        let query = query.bind(&token.0).bind(to_column(self.clock.now()));
        let Some(row) = query.fetch_optional(&mut *view).await? else { return Ok(None) };
        let text = |column: usize| row.try_get::<&str, _>(column);
        let what = format!("a token of key {}", text(0)?);
        Ok(Some(TokenAccess {
            client_id: parse(&what, "client id", text(0)?)?,
            project: parse(&what, "project", text(1)?)?,
            name: parse(&what, "key name", text(2)?)?,
            scopes: parse(&what, "scopes", text(3)?)?,
            expires_at: from_column(&what, row.try_get(4)?)?,
        }))
    }

    /// How often tokens were taken away before their end. While it stays, what [`ReadStore::token_access`] said holds until it ends.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn access_changes(&self) -> Result<u64, StoreError> {
        // Every request waits for this: one statement is a moment by itself and needs no transaction around it.
        let count: i64 = match &self.source {
            Source::Empty => 0,
            Source::File { pool, .. } => sqlx::query_scalar("SELECT count FROM access_changes").fetch_one(pool).await?,
        };
        unsigned(&"the count of revocations", count)
    }
}
