//! Names that people choose and identifiers that targets give, each a type of its own.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// The longest a [`Name`] may be, in bytes (design §4).
pub const NAME_LIMIT: usize = 63;
/// The pattern of a [`Name`], as it stands in the schemas.
pub const NAME_PATTERN: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

/// A user-chosen name: `metadata.name`, the name of a project, of a target.
///
/// Lower-case letters, digits and hyphens, at most 63, neither first nor last a hyphen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(Box<str>);

/// Why a text is not a [`Name`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a name: use lower-case letters, digits and hyphens, at most 63, and no hyphen at either end")]
pub struct NameError(String);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes a valid name out of any text: what cannot stay becomes a hyphen.
    ///
    /// Used where a project is named after its folder. Falls back to `project`.
    #[must_use]
    pub fn from_any(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars() {
            match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9') => name.push(c),
                _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
                _ => {}
            }
            if name.len() == NAME_LIMIT {
                break;
            }
        }
        let name = name.trim_end_matches('-');
        Self(if name.is_empty() { "project" } else { name }.into())
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bytes = text.as_bytes();
        let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let ends = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
        let middle = bytes.iter().all(|b| alphanumeric(b) || *b == b'-');
        if ends && middle && bytes.len() <= NAME_LIMIT {
            Ok(Self(text.into()))
        } else {
            Err(NameError(text.chars().take(80).collect()))
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": NAME_PATTERN, "maxLength": NAME_LIMIT })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_newtype! {
    /// The identity a target gives an object: a UUID that is never reused.
    ObjectId
}
uuid_newtype! {
    /// The random identity of one plan; the owner of the lease it is applied under.
    PlanId
}
uuid_newtype! {
    /// The public half of an API key: what a client names itself by.
    ClientId
}

macro_rules! counter_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter_newtype! {
    /// A project's counter on a target: raised by every write, never reused. 0 before the first write.
    Revision
}
counter_newtype! {
    /// The [`Revision`] that last changed an object.
    Generation
}
counter_newtype! {
    /// The rising number every write under a lease carries; a target refuses a lower one than it has seen.
    FencingToken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_pattern() {
        for good in ["a", "0", "nps-to-slack", &"a".repeat(63)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a b", "ä", &"a".repeat(64)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn any_text_becomes_a_name() {
        assert_eq!(Name::from_any("My Project_2").as_str(), "my-project-2");
        assert_eq!(Name::from_any("..").as_str(), "project");
        assert!(Name::from_any(&"x-".repeat(100)).as_str().parse::<Name>().is_ok());
    }
}
