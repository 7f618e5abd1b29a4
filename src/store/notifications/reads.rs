//! Who has read which notification. Kept by the notification's id, so that changing one does not reset it.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row as _;

use super::super::clock::{from_column, to_column};
use super::super::error::StoreError;
use super::super::{ReadStore, Store, rows};
use crate::base::ident::ObjectId;

impl Store {
    /// Marks a notification as read by an end user; returns when it was read first.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] when the system is gone; when the file cannot be written.
    pub async fn mark_read(
        &self,
        notification: ObjectId,
        system: ObjectId,
        end_user: &str,
    ) -> Result<Timestamp, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let mark = sqlx::query(
            "INSERT INTO notification_reads (notification, system, end_user, read_at) \
             SELECT ?1, id, ?3, ?4 FROM objects WHERE id = ?2 \
             ON CONFLICT DO UPDATE SET read_at = read_at RETURNING read_at",
        );
        let mark = mark.bind(notification.to_string()).bind(system.to_string()).bind(end_user).bind(to_column(now));
        let row = mark.fetch_optional(&mut *transaction).await?;
        let gone = || StoreError::Rejected { address: None, reason: "its system is gone".to_owned() };
        let read_at: i64 = row.ok_or_else(gone)?.try_get(0)?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        from_column(&notification, read_at)
    }
}

impl ReadStore {
    /// Of these notifications, those that an end user has read, and when.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn read_by(
        &self,
        system: ObjectId,
        end_user: &str,
        notifications: &[ObjectId],
    ) -> Result<HashMap<ObjectId, Timestamp>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(HashMap::new()) };
        let query = sqlx::query(
            "SELECT r.notification, r.read_at FROM json_each(?) i CROSS JOIN notification_reads r \
             ON r.notification = i.value AND r.system = ? AND r.end_user = ?",
        );
        let query = query.bind(rows::texts(notifications)).bind(system.to_string()).bind(end_user);
        let mut read = HashMap::new();
        for row in query.fetch_all(&mut *view).await? {
            let id: ObjectId = rows::parse(&"who has read a notification", "notification", row.try_get(0)?)?;
            read.insert(id, from_column(&id, row.try_get(1)?)?);
        }
        Ok(read)
    }

    /// How many end users have read each of these notifications; none is 0.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn readers(&self, notifications: &[ObjectId]) -> Result<HashMap<ObjectId, u64>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(HashMap::new()) };
        let query = sqlx::query(
            "SELECT r.notification, count(*) FROM json_each(?) i CROSS JOIN notification_reads r \
             ON r.notification = i.value GROUP BY r.notification",
        );
        let mut readers = HashMap::new();
        for row in query.bind(rows::texts(notifications)).fetch_all(&mut *view).await? {
            let id: ObjectId = rows::parse(&"who has read a notification", "notification", row.try_get(0)?)?;
            readers.insert(id, rows::unsigned(&id, row.try_get(1)?)?);
        }
        Ok(readers)
    }
}
