//! Forgetting notifications that ended long ago, and who has read them.

use jiff::Timestamp;
use sqlx::Row as _;

use super::super::clock::to_column;
use super::super::error::StoreError;
use super::super::{Store, rows};
use crate::kinds::time;

/// What a step of forgetting read marks did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunedMarks {
    /// How many marks went.
    pub gone: u64,
    /// Where the next step goes on; `None` when all notifications were looked at.
    pub next: Option<String>,
}

impl Store {
    /// Forgets marks of who has read notifications that ended before a time or are gone, where the mark is as old: at
    /// most `limit` marks, of at most `limit` notifications behind `after` in the order of their ids. For a notification
    /// of a manifest, its end is what the target has set.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn prune_read_marks(
        &self,
        before: Timestamp,
        after: Option<&str>,
        limit: u32,
    ) -> Result<PrunedMarks, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        // From one notification to the next, however many have read it. A live object without a time is kept.
        let look = "WITH RECURSIVE n (id) AS ( \
             SELECT min(notification) FROM notification_reads WHERE notification > ?1 UNION ALL \
             SELECT (SELECT min(notification) FROM notification_reads WHERE notification > n.id) FROM n \
             WHERE n.id IS NOT NULL LIMIT ?2) \
             SELECT id, NOT EXISTS (SELECT 1 FROM notifications c WHERE c.id = n.id AND c.end_at >= ?3) \
             AND NOT EXISTS (SELECT 1 FROM objects o WHERE o.id = n.id AND o.archived = 0 \
             AND coalesce(o.server_set ->> 'endAt' >= ?4, 1)) \
             FROM n WHERE id IS NOT NULL";
        let query = sqlx::query(look).bind(after.unwrap_or_default()).bind(limit).bind(to_column(before));
        // Texts of this form stand in the order of their times, to the second.
        let looked_at = query.bind(time::canonical(before)).fetch_all(&mut *transaction).await?;
        let mut over: Vec<String> = Vec::new();
        for row in &looked_at {
            if row.try_get(1)? {
                over.push(row.try_get(0)?);
            }
        }
        let last: Option<String> = looked_at.last().map(|row| row.try_get(0)).transpose()?;
        let delete = "DELETE FROM notification_reads WHERE (notification, system, end_user) IN ( \
             SELECT r.notification, r.system, r.end_user FROM json_each(?) i \
             CROSS JOIN notification_reads r ON r.notification = i.value WHERE r.read_at < ? LIMIT ?)";
        let query = sqlx::query(delete).bind(rows::texts(&over)).bind(to_column(before)).bind(limit);
        let gone = query.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await.map_err(StoreError::of_commit)?;
        let next = if gone >= u64::from(limit) {
            // There may be more of the same.
            Some(after.unwrap_or_default().to_owned())
        } else {
            last.filter(|_| looked_at.len() >= usize::try_from(limit).unwrap_or(usize::MAX))
        };
        Ok(PrunedMarks { gone, next })
    }

    /// Forgets notifications of calls that ended before a time and that nobody's mark refers to any more, at most so
    /// many. Says how many went: fewer than asked for, and there are no more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn prune_notifications(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let delete = "DELETE FROM notifications WHERE sequence IN ( \
             SELECT sequence FROM notifications n WHERE n.end_at < ? AND NOT EXISTS ( \
             SELECT 1 FROM notification_reads r WHERE r.notification = n.id) ORDER BY n.end_at LIMIT ?)";
        let query = sqlx::query(delete).bind(to_column(before)).bind(limit);
        let gone = query.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(gone)
    }
}
