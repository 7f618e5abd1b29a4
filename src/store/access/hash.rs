//! Secrets of keys as they are kept: Argon2id, never the secret itself.
//!
//! A secret is 32 random bytes, so nobody guesses it from its hash whatever the hash costs; the cost is for the day when
//! somebody brings a secret of their own.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::base::secret::SecretText;
use crate::object::access::AccessKey;
use crate::store::error::StoreError;

/// The hash of no secret, made with the same parameters as every other: what is verified when there is no such key.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGF0IGhvbWU$R85hfjhFB0zz7CEhGmTDDBBXbKjUL6Bna1qL3O+9dpE";

/// What an offered secret is compared with.
#[derive(Clone)]
pub struct KeyToVerify {
    key: Option<AccessKey>,
    hash: String,
}

impl KeyToVerify {
    pub(super) fn nobody() -> Self {
        Self { key: None, hash: NOBODY.to_owned() }
    }

    pub(super) fn new(key: AccessKey, hash: String) -> Self {
        Self { key: Some(key), hash }
    }

    /// The key, when this is its secret and it is in use. Takes some 20 ms of a processor and 19 MiB, the same for every
    /// outcome: for a thread that may block.
    #[must_use]
    pub fn verify(self, secret: &SecretText) -> Option<AccessKey> {
        let Self { key, hash } = self;
        let hash = PasswordHash::new(&hash).ok()?;
        let same = Argon2::default().verify_password(secret.expose_to_target().as_bytes(), &hash).is_ok();
        key.filter(|key| same && key.revoked_at.is_none())
    }
}

/// The hash to keep. Runs on a thread that may block.
pub(super) async fn of(secret: SecretText) -> Result<String, StoreError> {
    let hashed = tokio::task::spawn_blocking(move || {
        let hash = Argon2::default().hash_password(secret.expose_to_target().as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
    });
    let failed = |reason: &dyn std::fmt::Display| StoreError::corrupt("the hash of a secret", &reason.to_string());
    match hashed.await {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(reason)) => Err(failed(&reason)),
        Err(error) => Err(failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_stands_for_nobody_costs_as_much_as_a_key() {
        let real = of(SecretText::new("secret".into())).await.expect("a hash");
        let (real, nobody) = (PasswordHash::new(&real).expect("a hash"), PasswordHash::new(NOBODY).expect("a hash"));
        assert_eq!(real.algorithm, nobody.algorithm);
        assert_eq!(real.version, nobody.version);
        assert_eq!(real.params, nobody.params);
        assert_eq!(real.hash.map(|hash| hash.len()), nobody.hash.map(|hash| hash.len()));
        assert!(KeyToVerify::nobody().verify(&SecretText::new(String::new())).is_none());
    }
}
