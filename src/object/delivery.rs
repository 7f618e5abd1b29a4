//! Events as a target has stored them, and the deliveries that came of them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::base::ident::Name;

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// It has not been tried yet, or will be tried again.
    Pending,
    /// The receiver answered with a status from 200 to 299.
    Delivered,
    /// All attempts failed, or it cannot be made any more.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// One delivery: an event on its way to a webhook's destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRecord {
    /// Its identity; rises with time.
    pub id: Uuid,
    /// The webhook's name when the event was accepted.
    pub webhook: Name,
    /// The event's id.
    pub event_id: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// While pending: when it is tried next, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub due_at: Option<Timestamp>,
    /// Its attempts that have ended, oldest first.
    pub attempts: Vec<AttemptRecord>,
}

/// One attempt that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRecord {
    /// When it ended.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// The status it was answered with; absent when there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed; absent when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A page of deliveries, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPage {
    /// Each with the attempts that have ended; of very many the latest hundred.
    pub deliveries: Vec<DeliveryRecord>,
    /// Where to go on; absent when there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// An accepted event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedEvent {
    /// Its id: the caller's, or else the one that was made for it.
    pub event_id: String,
}

/// The events of a batch that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedEvents {
    /// One for each line, in order.
    pub events: Vec<AcceptedEvent>,
}

/// Which recorded events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Those accepted at this time or later.
    pub since: Option<Timestamp>,
    /// How many at the most: 1 to 1,000.
    pub limit: u32,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// A page of events in the order they were accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// Each exactly as it was stored: ids of end users hashed where the system says so, censored properties gone.
    pub events: Vec<Value>,
    /// Where to go on, now or once there are more; absent as long as there was never one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
