//! Keys of the API and the access tokens given out for them.
//!
//! A revocation is in force as soon as its transaction is: a token is looked up together with its key, and who keeps
//! what was looked up compares [`ReadStore::access_changes`] first.

mod hash;
mod tokens;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::clock::{from_column, to_column};
use super::error::StoreError;
use super::rows::{self, parse};
use super::{ReadStore, Store, audit};
use crate::base::ident::{ClientId, Name};
use crate::base::secret::SecretText;
use crate::object::access::{AccessKey, Scopes};

pub use hash::KeyToVerify;
pub use tokens::{IssuedToken, TokenAccess, TokenLookup};

/// A key that was just made: the only time its secret is known.
#[derive(Debug)]
pub struct NewKey {
    /// The key.
    pub key: AccessKey,
    /// Its secret.
    pub secret: SecretText,
}

impl Store {
    /// Makes a key with a random id and secret, and notes it in the audit.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] when a key in use has this name, or there is no scope.
    pub async fn create_key(
        &self,
        project: &Name,
        name: &Name,
        scopes: &Scopes,
        actor: &str,
    ) -> Result<NewKey, StoreError> {
        let rejected = |reason: String| StoreError::Rejected { address: None, reason };
        if scopes.is_empty() {
            return Err(rejected("a key without a scope could do nothing".to_owned()));
        }
        let secret = tokens::random()?;
        let hash = hash::of(secret.clone()).await?;
        let client_id = ClientId(Uuid::new_v4());
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        rows::ensure_project(&mut transaction, project).await?;
        let taken = sqlx::query("SELECT 1 FROM keys WHERE project = ? AND name = ? AND revoked_at IS NULL");
        let taken = taken.bind(project.as_str()).bind(name.as_str()).fetch_optional(&mut *transaction).await?;
        if taken.is_some() {
            return Err(rejected(format!("project {project} has a key named {name} already")));
        }
        let insert = sqlx::query(
            "INSERT INTO keys (client_id, project, name, scopes, secret_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(client_id.to_string()).bind(project.as_str()).bind(name.as_str());
        let insert = insert.bind(scopes.to_string()).bind(hash).bind(to_column(now));
        insert.execute(&mut *transaction).await?;
        audit::note_subject(&mut transaction, project, now, actor, "key-create", &client_id.to_string()).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        let key = AccessKey {
            client_id,
            name: name.clone(),
            project: project.clone(),
            scopes: scopes.clone(),
            // As it will be read.
            created_at: Timestamp::from_microsecond(to_column(now)).unwrap_or(now),
            revoked_at: None,
        };
        Ok(NewKey { key, secret })
    }

    /// Revokes a key and every token given out for it, and notes it in the audit; `None` when there is no such key.
    /// One that was revoked before stays as it is.
    ///
    /// Guarantees: once this has returned, no token of the key is found any more, by no process.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn revoke_key(&self, client_id: ClientId, actor: &str) -> Result<Option<AccessKey>, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let Some(mut key) = key(&mut transaction, client_id).await? else { return Ok(None) };
        if key.revoked_at.is_some() {
            return Ok(Some(key));
        }
        let revoke = sqlx::query("UPDATE keys SET revoked_at = ? WHERE client_id = ?");
        revoke.bind(to_column(now)).bind(client_id.to_string()).execute(&mut *transaction).await?;
        let forget = sqlx::query("DELETE FROM access_tokens WHERE client_id = ?");
        forget.bind(client_id.to_string()).execute(&mut *transaction).await?;
        changed(&mut transaction).await?;
        let subject = client_id.to_string();
        audit::note_subject(&mut transaction, &key.project, now, actor, "key-revoke", &subject).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        key.revoked_at = Some(now);
        Ok(Some(key))
    }

    /// Notes in the audit of its project that a key was used with a wrong secret, or after it was revoked. Does nothing
    /// for an id that no key has: there is no project to tell.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn note_login_failure(&self, client_id: ClientId, from: &str) -> Result<(), StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let Some(key) = key(&mut transaction, client_id).await? else { return Ok(()) };
        let subject = client_id.to_string();
        audit::note_subject(&mut transaction, &key.project, now, from, "login-failure", &subject).await?;
        transaction.commit().await.map_err(StoreError::of_commit)
    }
}

impl ReadStore {
    /// The keys of one project, or of all, revoked ones included, in the order they were made.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn keys(&self, project: Option<&Name>) -> Result<Vec<AccessKey>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let query = sqlx::query(
            "SELECT client_id, project, name, scopes, created_at, revoked_at FROM keys \
             WHERE ?1 IS NULL OR project = ?1 ORDER BY created_at, client_id",
        );
        let found = query.bind(project.map(Name::as_str)).fetch_all(&mut *view).await?;
        found.iter().map(read_key).collect()
    }

    /// What an offered secret is compared with; also when there is no such key, so that both cost the same.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn key_to_verify(&self, client_id: Option<ClientId>) -> Result<KeyToVerify, StoreError> {
        let (Some(mut view), Some(client_id)) = (self.view().await?, client_id) else {
            return Ok(KeyToVerify::nobody());
        };
        let query = sqlx::query(
            "SELECT client_id, project, name, scopes, created_at, revoked_at, secret_hash FROM keys \
             WHERE client_id = ?",
        );
        match query.bind(client_id.to_string()).fetch_optional(&mut *view).await? {
            None => Ok(KeyToVerify::nobody()),
            Some(row) => Ok(KeyToVerify::new(read_key(&row)?, row.try_get(6)?)),
        }
    }
}

/// Says that tokens were taken away before their end.
async fn changed(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE access_changes SET count = count + 1").execute(connection).await?;
    Ok(())
}

async fn key(connection: &mut SqliteConnection, client_id: ClientId) -> Result<Option<AccessKey>, StoreError> {
    let query =
        sqlx::query("SELECT client_id, project, name, scopes, created_at, revoked_at FROM keys WHERE client_id = ?");
    let found = query.bind(client_id.to_string()).fetch_optional(connection).await?;
    found.as_ref().map(read_key).transpose()
}

fn read_key(row: &SqliteRow) -> Result<AccessKey, StoreError> {
    let text = |column: usize| row.try_get::<&str, _>(column);
    let what = format!("key {}", text(0)?);
    let revoked_at: Option<i64> = row.try_get(5)?;
    Ok(AccessKey {
        client_id: parse(&what, "client id", text(0)?)?,
        project: parse(&what, "project", text(1)?)?,
        name: parse(&what, "name", text(2)?)?,
        scopes: parse(&what, "scopes", text(3)?)?,
        created_at: from_column(&what, row.try_get(4)?)?,
        revoked_at: revoked_at.map(|at| from_column(&what, at)).transpose()?,
    })
}
