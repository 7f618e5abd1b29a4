//! Fingerprints under which secrets are compared: asker and target compute them by this one function.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::secret::SecretText;

/// HMAC-SHA-256 of the content under the salt, base64.
///
/// `salt` is base64 as a target hands it out; a text that is none is used as it stands, so that an odd target still
/// gets an answer that only the same content gives.
#[must_use]
pub fn fingerprint(salt: &str, content: &SecretText) -> String {
    let key = STANDARD.decode(salt).unwrap_or_else(|_| salt.as_bytes().to_vec());
    STANDARD.encode(hmac_sha256(&key, &[content.expose_to_target().as_bytes()]))
}

/// HMAC-SHA-256 of the joined parts.
#[must_use]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = KeyedHash::new(key);
    for part in parts {
        mac.add(part);
    }
    mac.end()
}

/// HMAC-SHA-256 of parts that come one after the other.
#[derive(Clone)]
pub struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    /// Of nothing yet.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        // HMAC takes keys of any length, so the error arm is never taken; an all-zero key there would still be no match
        // for anything computed properly.
        let mac = Hmac::<Sha256>::new_from_slice(key);
        Self(mac.unwrap_or_else(|_| Hmac::<Sha256>::new(&hmac::digest::array::Array::default())))
    }

    /// The next part.
    pub fn add(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The hash of all parts.
    #[must_use]
    pub fn end(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_under_the_same_salt_is_the_same() {
        let of = |salt, text: &str| fingerprint(salt, &SecretText::new(text.to_owned()));
        assert_eq!(of("c2FsdA==", "a"), of("c2FsdA==", "a"));
        assert_ne!(of("c2FsdA==", "a"), of("c2FsdA==", "b"));
        assert_ne!(of("c2FsdA==", "a"), of("cGVwcGVy", "a"));
    }

    #[test]
    fn it_is_plain_hmac() {
        // RFC 4231, test case 2.
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
