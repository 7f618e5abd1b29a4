//! Events as stored.

mod journal;
mod prune;

use std::fmt;
use std::str::FromStr;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::Row as _;

use super::ReadStore;
use super::clock::to_column;
use super::error::StoreError;
use super::rows;
use crate::base::ident::Name;
use crate::object::delivery::EventPage;

pub use journal::{AttemptEnd, DeliveryEnd, JournalOutcome, NewDelivery, NewEvent};

/// Bytes of events that are read at once, about; one is read whatever its size.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// A place in the list of events: behind the event with this sequence, accepted at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPlace {
    /// When it was accepted, in microseconds since 1970.
    pub at: i64,
    /// Its place in the order of acceptance.
    pub sequence: i64,
}

/// A text that is no place in a list of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not `next` of the page before")]
pub struct NoPlace;

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, sequence } = self;
        write!(f, "{at}.{sequence}")
    }
}

impl FromStr for EventPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (at, sequence) = text.split_once('.').ok_or(NoPlace)?;
        Ok(Self { at: at.parse().map_err(|_| NoPlace)?, sequence: sequence.parse().map_err(|_| NoPlace)? })
    }
}

impl ReadStore {
    /// A page of a project's events in the order of acceptance: those accepted at `since` or later, and behind `behind`.
    ///
    /// At most `limit`, and fewer where they are large. Guarantees: whoever goes on from `next` misses nothing that is
    /// accepted later and sees nothing twice, as long as the clock is not set back.
    ///
    /// # Errors
    /// When the file cannot be read, or an event in it is damaged.
    pub async fn event_page(
        &self,
        project: &Name,
        since: Option<Timestamp>,
        behind: Option<EventPlace>,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        let found = self.events(project, since, behind, limit).await?;
        let next = found.last().map(|(place, _)| *place).or(behind).map(|place| place.to_string());
        Ok(EventPage { events: found.into_iter().map(|(_, event)| event).collect(), next })
    }

    /// The events of a page, each with its place.
    pub(super) async fn events(
        &self,
        project: &Name,
        since: Option<Timestamp>,
        behind: Option<EventPlace>,
        limit: u32,
    ) -> Result<Vec<(EventPlace, Value)>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let since = since.map_or(i64::MIN, to_column);
        let behind = behind.unwrap_or(EventPlace { at: i64::MIN, sequence: 0 });
        let query = sqlx::query(
            "SELECT sequence, at, body FROM events WHERE project = ?1 AND at >= max(?2, ?3) \
             AND (at, sequence) > (?3, ?4) ORDER BY at, sequence LIMIT ?5",
        );
        let query = query.bind(project.as_str()).bind(since).bind(behind.at).bind(behind.sequence).bind(limit);
        let (mut found, mut bytes) = (Vec::new(), 0);
        let mut events = query.fetch(&mut *view);
        while let Some(row) = events.try_next().await? {
            let place = EventPlace { sequence: row.try_get(0)?, at: row.try_get(1)? };
            let what = format!("event {}", place.sequence);
            let body: &str = row.try_get(2)?;
            bytes += body.len();
            if bytes > PAGE_BYTES && !found.is_empty() {
                break;
            }
            found.push((place, rows::json(&what, "body", body)?));
        }
        Ok(found)
    }
}
