//! Secrets: the reference that stands in a manifest, and the content that can be neither printed nor serialised.

use std::fmt;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Where the content of a secret comes from. A literal is refused by the schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretRef {
    /// Name of an environment variable of the process that plans or applies.
    FromEnv(#[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"))] String),
    /// A file; relative to the project's folder. One newline at its end is not part of the secret.
    FromFile(#[schemars(length(min = 1))] String),
    /// A program and its arguments; its standard output, less one newline at the end, is the secret.
    FromCommand(#[schemars(length(min = 1))] Vec<String>),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromEnv(name) => write!(f, "fromEnv: {name}"),
            Self::FromFile(path) => write!(f, "fromFile: {path}"),
            Self::FromCommand(words) => write!(f, "fromCommand: {}", words.join(" ")),
        }
    }
}

/// The content of a secret. Wiped from memory when dropped; has no way to be printed, serialised or compared by accident.
#[derive(Clone)]
pub struct SecretText(SecretString);

impl SecretText {
    /// Wraps a content.
    #[must_use]
    pub fn new(content: String) -> Self {
        Self(SecretString::from(content))
    }

    /// The content itself: only for encrypting it, fingerprinting it, or sending it to where it belongs.
    #[must_use]
    pub fn expose_to_target(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether the content is what consoles show in place of a secret (`****`, `••••`).
    ///
    /// Writing a mask back destroys the real secret, so it is refused on the way out (domain §7).
    #[must_use]
    pub fn looks_masked(&self) -> bool {
        looks_masked(self.0.expose_secret())
    }
}

/// Whether a text is what consoles show in place of a secret: see [`SecretText::looks_masked`].
#[must_use]
pub fn looks_masked(text: &str) -> bool {
    let text = text.trim();
    let masks = text.chars().filter(|c| matches!(c, '*' | '•' | '●')).count();
    masks >= 4 && (masks * 2 >= text.chars().count() || text.starts_with("****"))
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_cannot_be_printed() {
        let secret = SecretText::new("hunter2hunter2".into());
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn masks_are_recognised() {
        for mask in ["****", "********", "••••••", "****abcd", "ab****"] {
            assert!(SecretText::new(mask.into()).looks_masked(), "{mask}");
        }
        for real in ["", "***", "pa*s*s*w*ord-long", "tok_1234"] {
            assert!(!SecretText::new(real.into()).looks_masked(), "{real}");
        }
    }
}
