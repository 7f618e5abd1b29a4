//! Comparing a secret without showing it: a fingerprint goes to the target, *same* or *different* comes back.

use crate::kinds::Address;

/// A content to be compared with what the target holds.
#[derive(Clone, Debug)]
pub struct SecretQuestion {
    /// The object.
    pub address: Address,
    /// The secret's path.
    pub path: String,
    /// HMAC-SHA-256(salt, content), base64; the salt is the slot's.
    pub fingerprint: String,
}

/// The answer to a [`SecretQuestion`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretAnswer {
    /// The target holds this content.
    Same,
    /// It holds another.
    Different,
    /// It holds none there, or cannot compare.
    Unknown,
}
