//! Forgetting what is old.

use jiff::Timestamp;

use super::super::Store;
use super::super::clock::to_column;
use super::super::error::StoreError;

impl Store {
    /// Forgets events accepted before a time, oldest first and at most so many, with their deliveries and attempts.
    /// Events with a delivery that is still pending stay. Says how many went: fewer than asked for, and there are no
    /// more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        // By project, because that is how events are found by their time. Deliveries and attempts go by cascade.
        let projects = "WITH RECURSIVE p (project) AS ( \
             SELECT min(project) FROM events UNION ALL \
             SELECT (SELECT min(project) FROM events WHERE project > p.project) FROM p WHERE p.project IS NOT NULL) \
             SELECT project FROM p WHERE project IS NOT NULL";
        let projects: Vec<String> = sqlx::query_scalar(projects).fetch_all(&mut *transaction).await?;
        let mut left = u64::from(limit);
        for project in projects {
            let delete = "DELETE FROM events WHERE sequence IN ( \
                 SELECT sequence FROM events e WHERE e.project = ? AND e.at < ? AND NOT EXISTS ( \
                 SELECT 1 FROM deliveries d WHERE d.event = e.sequence AND d.state = 'pending') \
                 ORDER BY e.at LIMIT ?)";
            let query = sqlx::query(delete).bind(project).bind(to_column(before));
            let query = query.bind(i64::try_from(left).unwrap_or(i64::MAX));
            left -= query.execute(&mut *transaction).await?.rows_affected().min(left);
            if left == 0 {
                break;
            }
        }
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(u64::from(limit) - left)
    }
}
