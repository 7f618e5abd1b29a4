//! Notifications sent by calls, end users with their attributes, and who has read what.
//!
//! Notifications of manifests are objects; of them only who has read them is kept here. Ids of end users come as their
//! system keeps them.

mod end_users;
mod prune;
mod reads;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::clock::{from_column, to_column};
use super::error::StoreError;
use super::{ReadStore, Store, audit, rows};
use crate::base::ident::{Name, ObjectId};
use crate::kinds::template::NotificationType;

pub use prune::PrunedMarks;

/// A notification that a call sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentNotification {
    /// Its id.
    pub id: ObjectId,
    /// The system it appears on.
    pub system: ObjectId,
    /// Its template, live or archived.
    pub template: ObjectId,
    /// When it starts.
    pub start_at: Timestamp,
    /// When it ends.
    pub end_at: Timestamp,
    /// The rest.
    pub details: SentDetails,
}

/// What is only read together with its notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentDetails {
    /// How it appears.
    #[serde(rename = "type")]
    pub notification_type: NotificationType,
    /// Its own title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its own runtime title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_title: Option<String>,
    /// Its own text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_description: Option<String>,
    /// Values of placeholders, by bare name.
    #[serde(default, rename = "override", skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, String>,
    /// The audiences it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<ObjectId>,
    /// How many end users it names.
    #[serde(default)]
    pub end_users: usize,
}

/// A notification in the table of a project's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedNotification {
    /// Its place in the order of the calls.
    pub sequence: i64,
    /// The notification.
    pub notification: SentNotification,
    /// How many end users have read it.
    pub read_by: u64,
}

/// A macro because a statement must be a literal.
macro_rules! notification_columns {
    () => {
        "n.id, n.system, n.template, n.start_at, n.end_at, n.body"
    };
}

fn sent(row: &SqliteRow) -> Result<SentNotification, StoreError> {
    let id: &str = row.try_get(0)?;
    let what = format!("notification {id}");
    Ok(SentNotification {
        id: rows::parse(&what, "id", id)?,
        system: rows::parse(&what, "system", row.try_get(1)?)?,
        template: rows::parse(&what, "template", row.try_get(2)?)?,
        start_at: from_column(&what, row.try_get(3)?)?,
        end_at: from_column(&what, row.try_get(4)?)?,
        details: rows::json(&what, "body", row.try_get(5)?)?,
    })
}

impl Store {
    /// Keeps a notification, and notes in the audit who sent it. `end_users` are those it names. Returns whether it was
    /// new: one with an id that is known is left as it is, so that a caller may try again.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] when its system is gone, or its template is or was never marked as used; when the file
    /// cannot be written.
    pub async fn keep_notification(
        &self,
        project: &Name,
        notification: &SentNotification,
        end_users: &[String],
        actor: &str,
    ) -> Result<bool, StoreError> {
        let SentNotification { id, system, template, start_at, end_at, details } = notification;
        let body = serde_json::to_string(details).map_err(|error| StoreError::corrupt("a notification", &error))?;
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let insert = sqlx::query(
            "INSERT INTO notifications (id, project, system, template, start_at, end_at, to_audiences, body, created_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM objects s CROSS JOIN objects t \
             WHERE s.id = ?3 AND s.project = ?2 AND t.id = ?4 AND t.project = ?2 AND t.used = 1 \
             ON CONFLICT (id) DO NOTHING RETURNING sequence",
        );
        let insert = insert.bind(id.to_string()).bind(project.as_str()).bind(system.to_string());
        let insert = insert.bind(template.to_string()).bind(to_column(*start_at)).bind(to_column(*end_at));
        let insert = insert.bind(!details.audiences.is_empty()).bind(body).bind(to_column(now));
        let Some(row) = insert.fetch_optional(&mut *transaction).await? else {
            let known = sqlx::query("SELECT 1 FROM notifications WHERE id = ? AND project = ?");
            let known = known.bind(id.to_string()).bind(project.as_str()).fetch_optional(&mut *transaction).await?;
            let gone =
                || StoreError::Rejected { address: None, reason: "its system or its template is gone".to_owned() };
            return known.map(|_| false).ok_or_else(gone);
        };
        let sequence: i64 = row.try_get(0)?;
        let name = sqlx::query(
            "INSERT INTO notification_end_users (system, end_user, notification) \
             SELECT ?1, value, ?2 FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING",
        );
        name.bind(system.to_string()).bind(sequence).bind(rows::texts(end_users)).execute(&mut *transaction).await?;
        audit::note_subject(&mut transaction, project, now, actor, "notification-send", &id.to_string()).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(true)
    }
}

impl ReadStore {
    /// One notification that a call sent.
    ///
    /// # Errors
    /// When the file cannot be read, or it is damaged in it.
    pub async fn sent_notification(
        &self,
        project: &Name,
        id: ObjectId,
    ) -> Result<Option<SentNotification>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        let one = concat!("SELECT ", notification_columns!(), " FROM notifications n WHERE n.id = ? AND n.project = ?");
        let row = sqlx::query(one).bind(id.to_string()).bind(project.as_str()).fetch_optional(&mut *view).await?;
        row.as_ref().map(sent).transpose()
    }

    /// The notifications active at `now` on a system that name this end user (`true`) or else name audiences (`false`).
    /// The cost does not grow with those that name others.
    ///
    /// # Errors
    /// When the file cannot be read, or one of them is damaged in it.
    pub async fn active_notifications(
        &self,
        system: ObjectId,
        end_user: &str,
        now: Timestamp,
    ) -> Result<Vec<(SentNotification, bool)>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let active = concat!(
            "SELECT ",
            notification_columns!(),
            ", 1 FROM notification_end_users e CROSS JOIN notifications n ON n.sequence = e.notification \
             WHERE e.system = ?1 AND e.end_user = ?2 AND n.start_at <= ?3 AND n.end_at > ?3 \
             UNION ALL SELECT ",
            notification_columns!(),
            ", 0 FROM notifications n WHERE n.system = ?1 AND n.to_audiences = 1 AND n.end_at > ?3 AND n.start_at <= ?3 \
             AND NOT EXISTS (SELECT 1 FROM notification_end_users e \
               WHERE e.system = ?1 AND e.end_user = ?2 AND e.notification = n.sequence)"
        );
        let query = sqlx::query(active).bind(system.to_string()).bind(end_user).bind(to_column(now));
        let found = query.fetch_all(&mut *view).await?;
        found.iter().map(|row| Ok((sent(row)?, row.try_get(6)?))).collect()
    }

    /// The notifications that calls have sent, the newest first: those before `behind`.
    ///
    /// # Errors
    /// When the file cannot be read, or one of them is damaged in it.
    pub async fn sent_notifications(
        &self,
        project: &Name,
        behind: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ListedNotification>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let list = concat!(
            "SELECT ",
            notification_columns!(),
            ", n.sequence, (SELECT count(*) FROM notification_reads r WHERE r.notification = n.id) \
             FROM notifications n WHERE n.project = ? AND n.sequence < ? ORDER BY n.sequence DESC LIMIT ?"
        );
        let query = sqlx::query(list).bind(project.as_str()).bind(behind.unwrap_or(i64::MAX)).bind(limit);
        let listed = |row: &SqliteRow| {
            let notification = sent(row)?;
            let read_by = rows::unsigned(&notification.id, row.try_get(7)?)?;
            Ok(ListedNotification { sequence: row.try_get(6)?, notification, read_by })
        };
        query.fetch_all(&mut *view).await?.iter().map(listed).collect()
    }
}
