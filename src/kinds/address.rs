//! `Kind/name`: the identity of an object within a project.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Kind;
use crate::base::diagnostic::nearest;
use crate::base::ident::Name;

/// Kind and name; ordered by kind in the order of the kinds' list, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The kind.
    pub kind: Kind,
    /// The name.
    pub name: Name,
}

/// Why a text is not an [`Address`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// No slash.
    #[error("`{0}` is not an address: write Kind/name, for example Webhook/nps-to-slack")]
    Form(String),
    /// The part before the slash names no kind.
    #[error("`{kind}` is not a kind{}", .nearest.map(|k| format!(": did you mean `{k}`?")).unwrap_or_default())]
    Kind {
        /// What was written.
        kind: String,
        /// A kind whose name is close to it.
        nearest: Option<&'static str>,
    },
    /// The part after the slash is not a name.
    #[error(transparent)]
    Name(#[from] crate::base::ident::NameError),
}

impl Address {
    /// An address.
    #[must_use]
    pub fn new(kind: Kind, name: Name) -> Self {
        Self { kind, name }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (kind, name) = text.split_once('/').ok_or_else(|| AddressError::Form(text.chars().take(120).collect()))?;
        let kind = kind.parse().map_err(|()| AddressError::Kind {
            kind: kind.chars().take(80).collect(),
            nearest: nearest(kind, Kind::ALL.iter().map(|k| k.as_str())),
        })?;
        Ok(Self { kind, name: name.parse()? })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        let address: Result<Address, _> = "Webhook/nps-to-slack".parse();
        assert_eq!(address.as_ref().map(ToString::to_string), Ok("Webhook/nps-to-slack".to_owned()));
        let slip: Result<Address, _> = "Webhok/x".parse();
        assert_eq!(slip.map_err(|e| e.to_string()), Err("`Webhok` is not a kind: did you mean `Webhook`?".to_owned()));
    }
}
