//! The master key and what is derived from it: encryption of secrets and tokens, look-up of tokens.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::error::StoreError;
use crate::base::fingerprint::hmac_sha256;
use crate::base::ident::{Name, ObjectId};
use crate::base::secret::SecretText;

/// The key everything secret in a store is encrypted under. Wiped when dropped; cannot be printed.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl FromStr for MasterKey {
    type Err = StoreError;

    /// 64 hex digits, or base64 of 32 bytes in any common alphabet.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let text = text.trim();
        let bytes = Zeroizing::new(from_hex(text).or_else(|| from_base64(text)).ok_or(StoreError::BadKey)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| StoreError::BadKey)?;
        Ok(Self(Zeroizing::new(key)))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|n| u8::from_str_radix(text.get(n * 2..n * 2 + 2)?, 16).ok()).collect()
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    [STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD].iter().find_map(|alphabet| alphabet.decode(text).ok())
}

impl MasterKey {
    /// A new random key.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn random() -> Result<Self, StoreError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(StoreError::Random)?;
        Ok(Self(key))
    }

    /// The file beside a database in which its key is kept when none is given.
    #[must_use]
    pub fn file_of(database: &Path) -> PathBuf {
        let mut name = database.as_os_str().to_owned();
        name.push(".key");
        name.into()
    }

    /// The key in a file; `None` when there is no such file. One that others than its owner can use is refused.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        #[cfg(unix)]
        if let Ok(metadata) = std::fs::metadata(path)
            && std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
        {
            return Err(StoreError::ExposedKey(path.into()));
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text).parse().map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::File { action: "read the key file", path: path.into(), source }),
        }
    }

    /// Writes a new key file that only its owner can read. It is on disk before anything is encrypted under it.
    pub(super) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let error = |source| StoreError::File { action: "write the key file", path: path.into(), source };
        let mut file = private_file(path).map_err(error)?;
        let text = Zeroizing::new(self.0.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")) + "\n");
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(error)
    }

    fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hmac_sha256(self.0.as_slice(), &[b"trueup/", purpose]))
    }
}

/// Makes a file that only its owner can read; fails if it exists.
pub(super) fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What is derived from the master key: one key for each use.
pub(super) struct Keys {
    cipher: XChaCha20Poly1305,
    lookup: Zeroizing<[u8; 32]>,
    access: Zeroizing<[u8; 32]>,
    check: String,
}

/// An encrypted text, both parts base64.
pub(super) struct Sealed {
    pub(super) nonce: String,
    pub(super) ciphertext: String,
}

impl Keys {
    pub(super) fn new(master: &MasterKey) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(Key::from_slice(master.derive(b"secrets").as_slice())),
            lookup: master.derive(b"token look-up"),
            access: master.derive(b"access token look-up"),
            check: STANDARD.encode(master.derive(b"key check").as_slice()),
        }
    }

    /// Tells a wrong key from the right one without giving the key away.
    pub(super) fn check(&self) -> &str {
        &self.check
    }

    /// Encrypts for one place: the result opens nowhere else.
    pub(super) fn seal(&self, place: &Place<'_>, content: &SecretText) -> Result<Sealed, StoreError> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(StoreError::Random)?;
        let payload = Payload { msg: content.expose_to_target().as_bytes(), aad: &place.bytes() };
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| StoreError::corrupt(&place.what(), "it is too long to encrypt"))?;
        Ok(Sealed { nonce: STANDARD.encode(nonce), ciphertext: STANDARD.encode(sealed) })
    }

    /// Decrypts what was sealed for the same place.
    pub(super) fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<SecretText, StoreError> {
        let damaged = || StoreError::corrupt(&place.what(), "it cannot be decrypted");
        let nonce = STANDARD.decode(&sealed.nonce).map_err(|_| damaged())?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| damaged())?;
        let ciphertext = STANDARD.decode(&sealed.ciphertext).map_err(|_| damaged())?;
        let payload = Payload { msg: &ciphertext, aad: &place.bytes() };
        let content = self.cipher.decrypt(XNonce::from_slice(&nonce), payload).map_err(|_| damaged())?;
        String::from_utf8(content).map(SecretText::new).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            damaged()
        })
    }

    /// As [`Self::lookup`], for the access tokens of keys.
    pub(super) fn access_lookup(&self, token: &SecretText) -> String {
        STANDARD.encode(hmac_sha256(self.access.as_slice(), &[token.expose_to_target().as_bytes()]))
    }

    /// The column a token is found by: without the key nobody can tell which token it belongs to.
    pub(super) fn lookup(&self, token: &SecretText) -> String {
        STANDARD.encode(hmac_sha256(self.lookup.as_slice(), &[token.expose_to_target().as_bytes()]))
    }
}

/// Where a secret belongs; bound into its encryption, so that a ciphertext moved to another row does not open.
pub(super) struct Place<'p> {
    pub(super) project: &'p Name,
    pub(super) object: ObjectId,
    /// The secret's path, or `token`.
    pub(super) path: &'p str,
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        // Neither names nor ids contain a zero byte, so the parts cannot run into each other.
        format!("{}\0{}\0{}", self.project, self.object, self.path).into_bytes()
    }

    fn what(&self) -> String {
        format!("the secret {} of object {}", self.path, self.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_hex_and_base64_and_never_printed() {
        let hex: MasterKey = "ab".repeat(32).parse().expect("hex");
        let base64: MasterKey = STANDARD.encode([0xab; 32]).parse().expect("base64");
        assert_eq!(hex.0, base64.0);
        assert!(!format!("{hex:?}").contains("171"));
        assert!("short".parse::<MasterKey>().is_err());
    }

    #[test]
    fn a_ciphertext_opens_only_in_its_place() {
        let keys = Keys::new(&MasterKey::random().expect("random"));
        let project = Name::from_any("p");
        let object = ObjectId(uuid::Uuid::nil());
        let here = Place { project: &project, object, path: "spec.a" };
        let there = Place { project: &project, object, path: "spec.b" };
        let sealed = keys.seal(&here, &SecretText::new("content".into())).expect("sealed");
        assert_eq!(keys.open(&here, &sealed).expect("opened").expose_to_target(), "content");
        assert!(keys.open(&there, &sealed).is_err());
    }
}
