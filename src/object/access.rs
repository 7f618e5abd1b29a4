//! Who may do what: scopes, and the keys that hold them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::ident::{ClientId, Name};

/// A right that a key holds. Each stands for one sort of request; none includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Reading configuration.
    ConfigRead,
    /// Changing configuration.
    ConfigWrite,
    /// Letting a change take effect for people.
    Publish,
    /// Sending events.
    EventsWrite,
    /// Sending notifications.
    NotificationsWrite,
    /// Starting runs and answering their steps.
    RunsWrite,
    /// Reading what happened.
    RuntimeRead,
    /// Reading who did what.
    AuditRead,
}

impl Scope {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::ConfigRead,
        Self::ConfigWrite,
        Self::Publish,
        Self::EventsWrite,
        Self::NotificationsWrite,
        Self::RunsWrite,
        Self::RuntimeRead,
        Self::AuditRead,
    ];

    /// How it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigRead => "config:read",
            Self::ConfigWrite => "config:write",
            Self::Publish => "publish",
            Self::EventsWrite => "events:write",
            Self::NotificationsWrite => "notifications:write",
            Self::RunsWrite => "runs:write",
            Self::RuntimeRead => "runtime:read",
            Self::AuditRead => "audit:read",
        }
    }

    /// What it allows, for the reference.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::ConfigRead => "read configuration; enough for `plan`",
            Self::ConfigWrite => "changesets, single objects, the lease, outputs",
            Self::Publish => "beside `config:write`: publish settings, new versions of workflows and which is current",
            Self::EventsWrite => "send events and attributes of end users",
            Self::NotificationsWrite => "send notifications, mark inbox entries as read",
            Self::RunsWrite => "start runs and answer their steps",
            Self::RuntimeRead => "read recorded events, deliveries, runs and inboxes",
            Self::AuditRead => "read the audit; lets `drift` say who and when",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

fn list_of_scopes() -> String {
    Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

/// Why a text is not a [`Scope`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a scope: there are {all}", all = list_of_scopes())]
pub struct ScopeError(String);

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let found = Self::ALL.iter().copied().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| ScopeError(text.chars().take(40).collect()))
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let all: Vec<&str> = Self::ALL.iter().map(|scope| scope.as_str()).collect();
        json_schema!({ "type": "string", "enum": all })
    }
}

/// A set of scopes; written with spaces between them, in one order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Every scope there is.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether it is among them.
    #[must_use]
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether all of these are among those.
    #[must_use]
    pub fn is_within(&self, others: &Self) -> bool {
        self.0.is_subset(&others.0)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In one order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::parse).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.0.iter().enumerate() {
            let space = if n == 0 { "" } else { " " };
            write!(f, "{space}{scope}")?;
        }
        Ok(())
    }
}

/// A key of the API, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessKey {
    /// The public half.
    pub client_id: ClientId,
    /// What people call it; unique among the project's keys in use.
    pub name: Name,
    /// The only project it reaches.
    pub project: Name,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked; `None` while it is in use.
    pub revoked_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        let all = Scopes::all();
        assert_eq!(all.to_string().parse::<Scopes>(), Ok(all.clone()));
        assert_eq!("".parse::<Scopes>(), Ok(Scopes::default()));
        assert!("config:read  config:read".parse::<Scopes>().is_ok_and(|one| one.iter().count() == 1));
        assert!("config:admin".parse::<Scopes>().is_err());
        assert!(Scopes::default().is_within(&all) && !all.is_within(&Scopes::default()));
    }
}
