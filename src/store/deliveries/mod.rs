//! Deliveries: what is due, and what became of each.

mod list;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::Row as _;
use uuid::Uuid;

use super::clock::{from_column, to_column};
use super::error::StoreError;
use super::rows::parse;
use super::{ReadStore, Store};
use crate::base::ident::{Name, ObjectId};

pub use list::DeliveryFilter;

/// A delivery that is to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its identity.
    pub id: Uuid,
    /// Its project.
    pub project: Name,
    /// The webhook it comes of.
    pub webhook: ObjectId,
    /// The event as stored, JSON.
    pub event: String,
    /// Places of the retry schedule used up.
    pub tried: u32,
    /// Attempts in all.
    pub made: u32,
    /// Since when it is due.
    pub due_at: Timestamp,
}

/// A destination that has something pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingDestination {
    /// The destination.
    pub destination: ObjectId,
    /// When the first of its deliveries is due.
    pub due_at: Timestamp,
}

/// How much of what is due is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueLimit {
    /// Deliveries, at the most.
    pub rows: u32,
    /// Bytes of their events, about; one is read whatever its size.
    pub bytes: usize,
}

impl ReadStore {
    /// The pending deliveries to a destination that are due at a time, the longest due first, and when the next one
    /// behind them is. Those that are `held` are left out.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged.
    pub async fn due(
        &self,
        destination: ObjectId,
        now: Timestamp,
        held: impl IntoIterator<Item = Uuid> + Send,
        limit: DueLimit,
    ) -> Result<(Vec<DueDelivery>, Option<Timestamp>), StoreError> {
        let Some(mut view) = self.view().await? else { return Ok((Vec::new(), None)) };
        // One more than wanted: its time is when to come again.
        let query = sqlx::query(
            "SELECT d.id, d.project, d.webhook, e.body, d.tried, d.made, d.due_at \
             FROM deliveries d CROSS JOIN events e ON e.sequence = d.event \
             WHERE d.state = 'pending' AND d.destination = ?1 \
             AND d.id NOT IN (SELECT unhex(value) FROM json_each(?2)) ORDER BY d.due_at LIMIT ?3",
        );
        let held = super::rows::texts(held.into_iter().map(Uuid::simple));
        let query = query.bind(destination.to_string()).bind(held).bind(i64::from(limit.rows) + 1);
        let rows = usize::try_from(limit.rows).unwrap_or(usize::MAX);
        let (mut found, mut bytes) = (Vec::new(), 0);
        let mut due = query.fetch(&mut *view);
        while let Some(row) = due.try_next().await? {
            let what = "a delivery";
            let due_at = from_column(&what, row.try_get(6)?)?;
            let event: String = row.try_get(3)?;
            bytes += event.len();
            if due_at > now || found.len() >= rows || (bytes > limit.bytes && !found.is_empty()) {
                return Ok((found, Some(due_at)));
            }
            found.push(DueDelivery {
                id: id(row.try_get(0)?)?,
                project: parse(&what, "project", row.try_get(1)?)?,
                webhook: parse(&what, "webhook", row.try_get(2)?)?,
                event,
                tried: row.try_get(4)?,
                made: row.try_get(5)?,
                due_at,
            });
        }
        Ok((found, None))
    }

    /// All destinations that have something pending.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged.
    pub async fn pending_destinations(&self) -> Result<Vec<PendingDestination>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        // From one destination to the next through the index: a million deliveries to one are not looked at.
        let query = sqlx::query(
            "WITH RECURSIVE p (destination) AS ( \
               SELECT min(destination) FROM deliveries WHERE state = 'pending' \
               UNION ALL \
               SELECT (SELECT min(destination) FROM deliveries WHERE state = 'pending' AND destination > p.destination) \
               FROM p WHERE p.destination IS NOT NULL) \
             SELECT p.destination, \
               (SELECT min(due_at) FROM deliveries d WHERE d.state = 'pending' AND d.destination = p.destination) \
             FROM p WHERE p.destination IS NOT NULL",
        );
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let what = "a delivery";
            let destination = parse(&what, "destination", row.try_get(0)?)?;
            Ok(PendingDestination { destination, due_at: from_column(&what, row.try_get(1)?)? })
        };
        query.fetch_all(&mut *view).await?.iter().map(read).collect()
    }
}

/// What redelivering found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redelivered {
    /// Where the delivery goes.
    pub destination: ObjectId,
    /// When it is due.
    pub due_at: Timestamp,
}

impl Store {
    /// Makes a delivery pending again, due now, with its whole schedule before it. `None` if the project has no such
    /// delivery.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn redeliver(&self, project: &Name, delivery: Uuid) -> Result<Option<Redelivered>, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let query = sqlx::query_scalar(
            "UPDATE deliveries SET state = 'pending', tried = 0, due_at = ? WHERE id = ? AND project = ? \
             RETURNING destination",
        );
        let due_at = self.reads.clock.now();
        let query = query.bind(to_column(due_at)).bind(delivery.as_bytes().as_slice());
        let destination: Option<String> = query.bind(project.as_str()).fetch_optional(&mut *transaction).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        let destination = destination.map(|text| parse(&"a delivery", "destination", &text)).transpose()?;
        Ok(destination.map(|destination| Redelivered { destination, due_at }))
    }
}

fn id(bytes: &[u8]) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|error| StoreError::corrupt("a delivery's id", &error))
}
