//! An event as a caller sends it, and as it is stored.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::condition::Values;
use super::fault::Fault;
use crate::base::ident::Name;
use crate::base::named_fields;

/// An event as a caller sends it: the body of `POST /v1/events`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawEvent {
    /// One of the 32 built-in events, or the name of an EventType.
    pub event: String,
    /// Name of the System where it happened, or its systemId.
    pub system: String,
    /// Who it happened to, as the system knows them.
    #[serde(default)]
    pub end_user_id: Option<String>,
    /// Chosen by the caller so that sending it again does nothing; made by the target when absent.
    #[serde(default)]
    pub event_id: Option<String>,
    /// When it happened; when it arrived, if absent.
    #[serde(default)]
    pub occurred_at: Option<String>,
    /// Name of an environment of the system.
    #[serde(default)]
    pub environment: Option<String>,
    /// The end user's session.
    #[serde(default)]
    pub session_id: Option<String>,
    /// The event's other properties.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

impl RawEvent {
    /// Reads one event from JSON.
    ///
    /// # Errors
    /// When it is no JSON, or has an unknown, missing or wrongly typed field.
    pub fn read(json: &[u8]) -> Result<Self, Fault> {
        named_fields::from_slice(json).map_err(|error| Fault::of_json(&error))
    }
}

/// An event exactly as it is stored: ids of end users as they are kept, what is censored gone.
///
/// The fields are what the engine needs to handle it; `properties` is all that conditions and receivers ever see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredEvent {
    /// Unique in its project.
    pub event_id: String,
    /// Which event.
    pub event: String,
    /// Name of the System.
    pub system: Name,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its properties by name, the common ones included, in the order of the event's catalogue.
    pub properties: Map<String, Value>,
}

impl Values for StoredEvent {
    fn value(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }
}
