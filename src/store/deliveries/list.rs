//! Lists of deliveries with their attempts.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::super::ReadStore;
use super::super::clock::from_column;
use super::super::error::StoreError;
use super::super::rows::parse;
use super::id;
use crate::base::ident::Name;
use crate::object::delivery::{AttemptRecord, DeliveryRecord, DeliveryState};

/// The most attempts of a delivery that are listed, the latest: one that is begun anew for ever has ever more.
const ATTEMPTS: i64 = 100;

/// Which deliveries are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Those of the webhook that had this name.
    pub webhook: Option<Name>,
    /// Those in this state.
    pub state: Option<DeliveryState>,
    /// Those of this event.
    pub event_id: Option<String>,
}

/// A statement that selects deliveries. A macro because a statement must be a literal; which index serves is for us to
/// say, because SQLite keeps no statistics here.
macro_rules! deliveries {
    ($condition:literal) => {
        concat!(
            "SELECT d.id, d.webhook_name, e.event_id, d.state, d.due_at FROM deliveries d \
             CROSS JOIN events e ON e.sequence = d.event WHERE d.project = ?1 AND ",
            $condition
        )
    };
}

impl ReadStore {
    /// Deliveries of a project, the newest first: those behind (that is, older than) `behind`.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged.
    pub async fn deliveries(
        &self,
        project: &Name,
        filter: &DeliveryFilter,
        behind: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let DeliveryFilter { webhook, state, event_id } = filter;
        let sql = match (event_id, webhook, state) {
            (Some(_), _, _) => deliveries!(
                "d.event = (SELECT sequence FROM events WHERE project = ?1 AND event_id = ?6) \
                 AND d.id < ?2 AND (?4 IS NULL OR d.webhook_name = ?4) AND (?5 IS NULL OR d.state = ?5) \
                 ORDER BY d.id DESC LIMIT ?3"
            ),
            (None, Some(_), _) => deliveries!(
                "d.webhook_name = ?4 AND d.id < ?2 AND (?5 IS NULL OR d.state = ?5) AND ?6 IS NULL \
                 ORDER BY d.webhook_name, d.id DESC LIMIT ?3"
            ),
            (None, None, Some(DeliveryState::Pending | DeliveryState::Dead)) => deliveries!(
                "d.state <> 'delivered' AND d.state = ?5 AND d.id < ?2 AND ?4 IS NULL AND ?6 IS NULL \
                 ORDER BY d.state, d.id DESC LIMIT ?3"
            ),
            (None, None, Some(DeliveryState::Delivered) | None) => deliveries!(
                "d.id < ?2 AND (?5 IS NULL OR d.state = ?5) AND ?4 IS NULL AND ?6 IS NULL ORDER BY d.id DESC LIMIT ?3"
            ),
        };
        let behind = behind.unwrap_or(Uuid::max());
        let query = sqlx::query(sql)
            .bind(project.as_str())
            .bind(behind.as_bytes().as_slice())
            .bind(limit)
            .bind(webhook.as_ref().map(Name::as_str))
            .bind(state.map(DeliveryState::as_str))
            .bind(event_id.as_deref());
        let mut found = Vec::new();
        for row in query.fetch_all(&mut *view).await? {
            found.push(delivery(&row)?);
        }
        let mut attempts = attempts(&mut view, &found).await?;
        for record in &mut found {
            record.attempts = attempts.remove(&record.id).unwrap_or_default();
        }
        Ok(found)
    }

    /// One delivery of a project.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged.
    pub async fn delivery(&self, project: &Name, id: Uuid) -> Result<Option<DeliveryRecord>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        let query = sqlx::query(deliveries!("d.id = ?2")).bind(project.as_str()).bind(id.as_bytes().as_slice());
        let Some(row) = query.fetch_optional(&mut *view).await? else { return Ok(None) };
        let mut record = delivery(&row)?;
        record.attempts = attempts(&mut view, std::slice::from_ref(&record)).await?.remove(&id).unwrap_or_default();
        Ok(Some(record))
    }
}

fn delivery(row: &sqlx::sqlite::SqliteRow) -> Result<DeliveryRecord, StoreError> {
    let what = "a delivery";
    let state: DeliveryState = parse(&what, "state", row.try_get(3)?)?;
    let due_at = from_column(&what, row.try_get(4)?)?;
    Ok(DeliveryRecord {
        id: id(row.try_get(0)?)?,
        webhook: parse(&what, "webhook", row.try_get(1)?)?,
        event_id: row.try_get(2)?,
        state,
        due_at: (state == DeliveryState::Pending).then_some(due_at),
        attempts: Vec::new(),
    })
}

async fn attempts(
    connection: &mut SqliteConnection,
    of: &[DeliveryRecord],
) -> Result<HashMap<Uuid, Vec<AttemptRecord>>, StoreError> {
    let ids = of.iter().map(|record| Value::String(record.id.simple().to_string()));
    let query = sqlx::query(
        "SELECT a.delivery, a.at, a.status, a.error FROM json_each(?1) i \
         CROSS JOIN deliveries d ON d.id = unhex(i.value) \
         CROSS JOIN attempts a ON a.delivery = d.id AND a.number > d.made - ?2 ORDER BY a.delivery, a.number",
    );
    let mut attempts: HashMap<Uuid, Vec<AttemptRecord>> = HashMap::new();
    for row in query.bind(Value::Array(ids.collect()).to_string()).bind(ATTEMPTS).fetch_all(connection).await? {
        let attempt = AttemptRecord {
            at: from_column(&"an attempt", row.try_get(1)?)?,
            status: row.try_get(2)?,
            error: row.try_get(3)?,
        };
        attempts.entry(id(row.try_get(0)?)?).or_default().push(attempt);
    }
    Ok(attempts)
}
