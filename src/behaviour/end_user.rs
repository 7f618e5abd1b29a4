//! Ids of end users: as they arrive, or as a hash where their System says so (domain §3).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::kinds::system::{EndUserId, HashAlgorithm, IdHash, SystemSpec};

/// Path of the salt among the secrets of a System.
pub const SALT_PATH: &str = "spec.endUserId.hash.salt";

/// The System has a salt and its content was not handed over. Hashing without it would yield other ids, silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the salt for end-user ids is not at hand")]
pub struct MissingSalt;

/// How one System's end-user ids are kept. Cheap to copy.
#[derive(Clone, Copy)]
pub struct EndUserIds<'s>(Option<(HashAlgorithm, &'s [u8])>);

impl<'s> EndUserIds<'s> {
    /// Ids as they arrive.
    pub const PLAIN: EndUserIds<'static> = EndUserIds(None);

    /// As the System says. `salt` is the content of its secret at [`SALT_PATH`].
    ///
    /// # Errors
    /// When the System has a salt and `salt` is `None`.
    pub fn of(system: &SystemSpec, salt: Option<&'s [u8]>) -> Result<Self, MissingSalt> {
        match &system.end_user_id {
            None => Ok(Self(None)),
            Some(EndUserId { hash: IdHash { algorithm, salt: None } }) => Ok(Self(Some((*algorithm, &[])))),
            Some(EndUserId { hash: IdHash { algorithm, salt: Some(_) } }) => {
                Ok(Self(Some((*algorithm, salt.ok_or(MissingSalt)?))))
            }
        }
    }

    /// Whether ids are hashed.
    #[must_use]
    pub fn hashed(&self) -> bool {
        self.0.is_some()
    }

    /// An id as it is kept: itself, or the base64 (with padding) of the hash of the salt's bytes followed by the id's.
    #[must_use]
    pub fn kept<'i>(&self, id: &'i str) -> Cow<'i, str> {
        match self.0 {
            None => Cow::Borrowed(id),
            Some((HashAlgorithm::Sha256, salt)) => {
                let digest = Sha256::new().chain_update(salt).chain_update(id).finalize();
                Cow::Owned(STANDARD.encode(digest))
            }
        }
    }
}

impl std::fmt::Debug for EndUserIds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The salt is a secret.
        f.write_str(if self.hashed() { "EndUserIds(hashed)" } else { "EndUserIds(plain)" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn system(more: &serde_json::Value) -> SystemSpec {
        serde_json::from_value(json!({"platform": "web", "endUserId": {"hash": more}})).expect("a readable spec")
    }

    #[test]
    fn a_salt_that_is_missing_is_an_error_and_never_printed() {
        let salted = system(&json!({"algorithm": "sha256", "salt": {"fromEnv": "SALT"}}));
        assert_eq!(EndUserIds::of(&salted, None).map(|ids| ids.hashed()), Err(MissingSalt));
        let ids = EndUserIds::of(&salted, Some(b"pepper-and-salt")).expect("with its salt");
        assert!(!format!("{ids:?}").contains("pepper"));
    }

    #[test]
    fn without_a_salt_the_hash_is_plain() {
        let ids = system(&json!({"algorithm": "sha256"}));
        let ids = EndUserIds::of(&ids, None).expect("no salt is needed");
        // printf %s u1 | openssl dgst -sha256 -binary | base64
        assert_eq!(ids.kept("u1"), "u4IDDbwryroyqQvy4geoSoVvxfAzt3xICDarb3f0Dxk=");
        assert_eq!(EndUserIds::PLAIN.kept("u1"), "u1");
    }
}
