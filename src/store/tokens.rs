//! Tokens the store makes for objects of kinds that have one, such as the last part of a hook's URL.

use sqlx::Row as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::StoreError;
use super::key::{Place, Sealed};
use super::rows::{self, parse};
use super::{ReadStore, Store, audit};
use crate::base::ident::{Name, ObjectId};
use crate::base::secret::SecretText;
use crate::kinds::Address;

/// Stands where a secret's path stands when a token is encrypted.
pub(super) const PATH: &str = "token";

/// Whom a token belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    /// The project.
    pub project: Name,
    /// The object's address.
    pub address: Address,
    /// The object's id.
    pub id: ObjectId,
}

impl Store {
    /// The tokens of a project's live objects, in the order of their addresses.
    ///
    /// # Errors
    /// When the file cannot be read, or a token cannot be decrypted.
    pub async fn tokens(&self, project: &Name) -> Result<Vec<(Address, ObjectId, SecretText)>, StoreError> {
        let keys = self.keys()?;
        let Some(mut view) = self.reads.view().await? else { return Ok(Vec::new()) };
        let query = sqlx::query(
            "SELECT o.kind, o.name, o.id, t.nonce, t.ciphertext FROM objects o JOIN tokens t ON t.object = o.id \
             WHERE o.project = ? AND o.archived = 0",
        );
        let mut tokens = Vec::new();
        for row in query.bind(project.as_str()).fetch_all(&mut *view).await? {
            let address = rows::address(row.try_get(0)?, row.try_get(1)?)?;
            let id = parse(&address, "id", row.try_get(2)?)?;
            let sealed = Sealed { nonce: row.try_get(3)?, ciphertext: row.try_get(4)? };
            tokens.push((address, id, keys.open(&Place { project, object: id, path: PATH }, &sealed)?));
        }
        tokens.sort_by(|(a, _, _), (b, _, _)| a.cmp(b));
        Ok(tokens)
    }
}

impl Store {
    /// Gives an object a new token in place of its own, and notes it in the audit.
    ///
    /// Guarantees: once answered, the old token belongs to nobody. The object itself stays as it is, also its generation:
    /// a token is no part of what is configured.
    ///
    /// # Errors
    /// [`StoreError::Absent`]; [`StoreError::Rejected`] for a kind without tokens.
    pub async fn rotate_token(
        &self,
        project: &Name,
        address: &Address,
        actor: &str,
    ) -> Result<(ObjectId, SecretText), StoreError> {
        if !address.kind.has_token() {
            return Err(StoreError::rejected(address, "its kind has no token"));
        }
        let keys = self.keys()?;
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let find = "SELECT id FROM objects WHERE project = ? AND kind = ? AND name = ? AND archived = 0";
        let query = sqlx::query_scalar(find).bind(project.as_str()).bind(address.kind.as_str());
        let found: Option<String> = query.bind(address.name.as_str()).fetch_optional(&mut *transaction).await?;
        let id: ObjectId = parse(address, "id", &found.ok_or_else(|| StoreError::Absent(address.clone()))?)?;
        let token = new_token()?;
        let sealed = keys.seal(&Place { project, object: id, path: PATH }, &token)?;
        sqlx::query(
            "INSERT INTO tokens (object, lookup, nonce, ciphertext) VALUES (?, ?, ?, ?) ON CONFLICT (object) DO UPDATE \
             SET lookup = excluded.lookup, nonce = excluded.nonce, ciphertext = excluded.ciphertext",
        )
        .bind(id.to_string())
        .bind(keys.lookup(&token))
        .bind(&sealed.nonce)
        .bind(&sealed.ciphertext)
        .execute(&mut *transaction)
        .await?;
        audit::note(&mut transaction, project, self.reads.clock.now(), actor, "rotate", Some(address)).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok((id, token))
    }
}

/// A token nobody can guess: 32 random bytes, in characters that need no escaping in a URL.
pub(super) fn new_token() -> Result<SecretText, StoreError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(StoreError::Random)?;
    Ok(SecretText::new(URL_SAFE_NO_PAD.encode(random)))
}

impl ReadStore {
    /// The live object, of any project, that a token belongs to.
    ///
    /// Guarantees: the look-up is by a keyed hash, so its duration tells nothing about other tokens.
    ///
    /// # Errors
    /// When the file cannot be read. Without a key nothing is found.
    pub async fn by_token(&self, token: &SecretText) -> Result<Option<TokenOwner>, StoreError> {
        let (Some(mut view), Some(keys)) = (self.view().await?, &self.keys) else { return Ok(None) };
        let query = sqlx::query(
            "SELECT o.project, o.kind, o.name, o.id FROM tokens t JOIN objects o ON o.id = t.object \
             WHERE t.lookup = ? AND o.archived = 0",
        );
        let Some(row) = query.bind(keys.lookup(token)).fetch_optional(&mut *view).await? else { return Ok(None) };
        let address = rows::address(row.try_get(1)?, row.try_get(2)?)?;
        let project = parse(&address, "project", row.try_get(0)?)?;
        Ok(Some(TokenOwner { project, id: parse(&address, "id", row.try_get(3)?)?, address }))
    }
}
