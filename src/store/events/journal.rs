//! What many requests and many deliveries want written, in one transaction: a commit costs a wait for the disk, whether
//! it holds one event or a thousand.

use jiff::Timestamp;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::super::clock::to_column;
use super::super::error::StoreError;
use super::super::{Store, Writer};
use crate::base::ident::{Name, ObjectId};
use crate::object::delivery::DeliveryState;

/// An accepted event with the deliveries that come of it, as a row to be written.
///
/// The row is made where the event is accepted, not where all are written: the writer is one, those who accept are
/// many.
#[derive(Debug)]
pub struct NewEvent {
    /// The row's columns but for those that the writer knows.
    row: String,
    /// One row a delivery.
    deliveries: Vec<String>,
}

/// A delivery that comes of an event.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// A UUID of version 7.
    pub id: Uuid,
    /// The webhook.
    pub webhook: ObjectId,
    /// Its name.
    pub webhook_name: Name,
    /// Where it sends.
    pub destination: ObjectId,
}

impl NewEvent {
    /// An event of a project. `body` is JSON as [`serde_json`] writes it.
    ///
    /// # Errors
    /// Never for texts; the error is passed on rather than hidden.
    pub fn new(
        project: &Name,
        event_id: &str,
        body: &str,
        deliveries: &[NewDelivery],
    ) -> Result<Self, serde_json::Error> {
        // The body goes in as it is: SQLite hands a part of a JSON text out again as JSON.
        let row = format!("{},{},{body}", serde_json::to_string(project)?, serde_json::to_string(event_id)?);
        let delivery = |new: &NewDelivery| {
            let NewDelivery { id, webhook, webhook_name, destination } = new;
            format!("\"{}\",\"{project}\",\"{webhook}\",\"{webhook_name}\",\"{destination}\"", id.simple())
        };
        Ok(Self { row, deliveries: deliveries.iter().map(delivery).collect() })
    }

    /// How many deliveries come of it.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.deliveries.len()
    }

    /// About how many bytes it takes to write it.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.row.len() + self.deliveries.iter().map(String::len).sum::<usize>()
    }
}

/// How an attempt at a delivery ended, and what becomes of the delivery.
#[derive(Clone, Debug)]
pub struct DeliveryEnd {
    /// The delivery.
    pub id: Uuid,
    /// Where it goes next; changes when its webhook was pointed elsewhere.
    pub destination: ObjectId,
    /// What it is from now on.
    pub state: DeliveryState,
    /// Places of the retry schedule used up.
    pub tried: u32,
    /// Attempts in all, this one included.
    pub made: u32,
    /// While pending: when it is tried next.
    pub due_at: Timestamp,
    /// The attempt; `None` when there was none, because the delivery only moves.
    pub attempt: Option<AttemptEnd>,
}

/// An attempt that has ended.
#[derive(Clone, Debug)]
pub struct AttemptEnd {
    /// When.
    pub at: Timestamp,
    /// The status it was answered with.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What a write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalOutcome {
    /// When the events were accepted.
    pub at: Timestamp,
    /// For each event, in order: whether it was new. One whose id was known is left out with its deliveries.
    pub new: Vec<bool>,
}

impl Store {
    /// Writes events with their deliveries, and ends of attempts, in one transaction.
    ///
    /// Guarantees: all of it or nothing is on disk when this returns. Of events of a project with the same id the
    /// first is written, within one call and among all that are kept. An end of a delivery that is not there is
    /// ignored.
    ///
    /// # Errors
    /// When the file cannot be written. Then nothing was, except for [`StoreError::UnknownOutcome`].
    pub async fn write_journal(
        &self,
        events: &[&NewEvent],
        ends: &[&DeliveryEnd],
    ) -> Result<JournalOutcome, StoreError> {
        let written = self.journal(events, ends).await;
        self.tidy_if_full(written).await
    }

    async fn journal(&self, events: &[&NewEvent], ends: &[&DeliveryEnd]) -> Result<JournalOutcome, StoreError> {
        let events_text = array(events.iter().map(|event| event.row.as_str()));
        let numbered = events
            .iter()
            .enumerate()
            .flat_map(|(n, event)| event.deliveries.iter().map(move |delivery| format!("{n},{delivery}")));
        let deliveries: Vec<String> = numbered.collect();
        let ends_text: Vec<String> = ends.iter().map(|end| end_row(end)).collect();
        let ends_text = array(ends_text.iter().map(String::as_str));
        let attempts = ends.iter().filter_map(|end| Some(attempt_row(end, end.attempt.as_ref()?)));
        let attempts_text = array_of(attempts)?;

        let mut writer: Writer<'_> = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let mut new = vec![true; events.len()];
        if !events.is_empty() {
            let first = insert_events(&mut transaction, &events_text, now, &mut new).await?;
            insert_deliveries(&mut transaction, &deliveries, first, now).await?;
        }
        if !ends.is_empty() {
            let update = "UPDATE deliveries SET destination = value ->> 1, state = value ->> 2, tried = value ->> 3, \
                 made = value ->> 4, due_at = value ->> 5 FROM json_each(?) WHERE deliveries.id = unhex(value ->> 0)";
            sqlx::query(update).bind(ends_text).execute(&mut *transaction).await?;
            let insert = "INSERT INTO attempts (delivery, number, at, status, error) \
                 SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) \
                 WHERE EXISTS (SELECT 1 FROM deliveries d WHERE d.id = unhex(value ->> 0)) \
                 ON CONFLICT (delivery, number) DO NOTHING";
            sqlx::query(insert).bind(attempts_text).execute(&mut *transaction).await?;
        }
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(JournalOutcome { at: now, new })
    }
}

/// Writes the events that are new, says which are, and returns the sequence of the first.
async fn insert_events(
    connection: &mut SqliteConnection,
    events: &str,
    now: Timestamp,
    new: &mut [bool],
) -> Result<i64, StoreError> {
    let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";
    let last: i64 = sqlx::query_scalar(last).fetch_one(&mut *connection).await?;
    let insert = "INSERT INTO events (sequence, project, event_id, at, body) \
         SELECT ?1 + key, value ->> 0, value ->> 1, ?2, value -> 2 FROM json_each(?3) WHERE true \
         ON CONFLICT (project, event_id) DO NOTHING";
    let query = sqlx::query(insert).bind(last + 1).bind(to_column(now)).bind(events);
    let inserted = query.execute(&mut *connection).await?.rows_affected();
    if usize::try_from(inserted).is_ok_and(|inserted| inserted < new.len()) {
        new.fill(false);
        let query = sqlx::query_scalar("SELECT sequence FROM events WHERE sequence > ?");
        let sequences: Vec<i64> = query.bind(last).fetch_all(connection).await?;
        for sequence in sequences {
            if let Some(new) = usize::try_from(sequence - last - 1).ok().and_then(|n| new.get_mut(n)) {
                *new = true;
            }
        }
    }
    Ok(last + 1)
}

/// Writes the deliveries of the events that were written.
async fn insert_deliveries(
    connection: &mut SqliteConnection,
    deliveries: &[String],
    first: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let insert = "INSERT INTO deliveries \
         (id, project, event, webhook, webhook_name, destination, state, tried, made, due_at) \
         SELECT unhex(value ->> 1), value ->> 2, ?1 + (value ->> 0), value ->> 3, value ->> 4, value ->> 5, 'pending', \
         0, 0, ?2 FROM json_each(?3) WHERE EXISTS (SELECT 1 FROM events WHERE sequence = ?1 + (value ->> 0))";
    let deliveries = array(deliveries.iter().map(String::as_str));
    sqlx::query(insert).bind(first).bind(to_column(now)).bind(deliveries).execute(connection).await?;
    Ok(())
}

/// An array of rows out of what stands between their brackets.
fn array<'a>(rows: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for (n, row) in rows.enumerate() {
        text.push_str(if n == 0 { "[" } else { ",[" });
        text.push_str(row);
        text.push(']');
    }
    text.push(']');
    text
}

fn array_of(rows: impl Iterator<Item = Result<String, serde_json::Error>>) -> Result<String, StoreError> {
    let rows: Result<Vec<String>, serde_json::Error> = rows.collect();
    let rows = rows.map_err(|error| StoreError::corrupt("attempts to be written", &error))?;
    Ok(array(rows.iter().map(String::as_str)))
}

fn end_row(end: &DeliveryEnd) -> String {
    let DeliveryEnd { id, destination, state, tried, made, due_at, attempt: _ } = end;
    let due_at = to_column(*due_at);
    format!("\"{}\",\"{destination}\",\"{state}\",{tried},{made},{due_at}", id.simple())
}

fn attempt_row(end: &DeliveryEnd, attempt: &AttemptEnd) -> Result<String, serde_json::Error> {
    let AttemptEnd { at, status, error } = attempt;
    let (status, error) = (serde_json::to_string(status)?, serde_json::to_string(error)?);
    Ok(format!("\"{}\",{},{},{status},{error}", end.id.simple(), end.made, to_column(*at)))
}
