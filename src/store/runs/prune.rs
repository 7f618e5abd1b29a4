//! Forgetting runs that ended long ago.

use jiff::Timestamp;

use super::super::Store;
use super::super::clock::to_column;
use super::super::error::StoreError;

impl Store {
    /// Forgets runs that ended before a time, those that ended first before others and at most so many, with their
    /// tasks, logs and e-mails. The latest run of a project stays: its number says which is the next, and numbers are
    /// never given out again. Says how many went: fewer than asked for, and there are no more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn prune_runs(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let delete = "DELETE FROM runs WHERE id IN ( \
             SELECT id FROM runs r WHERE r.ended_at < ? AND r.active = 0 \
             AND r.number < (SELECT max(number) FROM runs l WHERE l.project = r.project) ORDER BY r.ended_at LIMIT ?)";
        let query = sqlx::query(delete).bind(to_column(before)).bind(limit);
        let gone = query.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(gone)
    }
}
