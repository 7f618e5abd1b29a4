//! Users and processes as callers of incoming webhooks number them: from 1 within a project, in the order of their first
//! mention, and never again otherwise.

use std::collections::HashMap;

use sqlx::{Row as _, SqliteConnection};

use super::error::StoreError;
use super::rows::{self, parse, signed, unsigned};
use super::{ReadStore, Store};
use crate::base::ident::{Name, ObjectId};

impl Store {
    /// The numbers of users, in the order of the names given. One that was never mentioned comes into being.
    ///
    /// Guarantees: a name has one number in its project, for ever, and a number one name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn mention_users(&self, project: &Name, names: &[&str]) -> Result<Vec<u64>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        rows::ensure_project(&mut transaction, project).await?;
        let mut numbers = Vec::with_capacity(names.len());
        for name in names {
            numbers.push(mention_user(&mut transaction, project, name).await?);
        }
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(numbers)
    }

    /// The number of a workflow, which it gets with its first mention.
    ///
    /// Guarantees: as [`Store::mention_users`]; the workflow keeps its number under another name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn mention_process(&self, project: &Name, workflow: ObjectId) -> Result<u64, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        rows::ensure_project(&mut transaction, project).await?;
        let insert = sqlx::query(
            "INSERT INTO processes (project, number, object) \
             SELECT ?1, 1 + coalesce(max(number), 0), ?2 FROM processes WHERE project = ?1 \
             ON CONFLICT (project, object) DO NOTHING",
        );
        insert.bind(project.as_str()).bind(workflow.to_string()).execute(&mut *transaction).await?;
        let number = sqlx::query_scalar("SELECT number FROM processes WHERE project = ? AND object = ?");
        let number = number.bind(project.as_str()).bind(workflow.to_string()).fetch_one(&mut *transaction).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        unsigned(&"a process", number)
    }
}

/// The number of a user, who comes into being if need be, within the caller's transaction.
pub(super) async fn mention_user(
    connection: &mut SqliteConnection,
    project: &Name,
    name: &str,
) -> Result<u64, StoreError> {
    let insert = sqlx::query(
        "INSERT INTO users (project, number, name) \
         SELECT ?1, 1 + coalesce(max(number), 0), ?2 FROM users WHERE project = ?1 \
         ON CONFLICT (project, name) DO NOTHING",
    );
    insert.bind(project.as_str()).bind(name).execute(&mut *connection).await?;
    let number = sqlx::query_scalar("SELECT number FROM users WHERE project = ? AND name = ?");
    unsigned(&"a user", number.bind(project.as_str()).bind(name).fetch_one(connection).await?)
}

impl ReadStore {
    /// The name of the user with this number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn user_name(&self, project: &Name, number: u64) -> Result<Option<String>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        let query = sqlx::query_scalar("SELECT name FROM users WHERE project = ? AND number = ?");
        Ok(query.bind(project.as_str()).bind(signed(number)).fetch_optional(&mut *view).await?)
    }

    /// The number of each workflow that has one.
    ///
    /// # Errors
    /// When the file cannot be read, or a row is damaged.
    pub async fn process_numbers(&self, project: &Name) -> Result<HashMap<ObjectId, u64>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(HashMap::new()) };
        let query = sqlx::query("SELECT object, number FROM processes WHERE project = ?");
        let found = query.bind(project.as_str()).fetch_all(&mut *view).await?;
        let number = |row: &sqlx::sqlite::SqliteRow| {
            let number = unsigned(&"a process", row.try_get(1)?)?;
            Ok((parse(&"a process", "object", row.try_get(0)?)?, number))
        };
        found.iter().map(number).collect()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::Clock;

    #[tokio::test]
    async fn names_are_numbered_by_project_as_they_are_mentioned() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let store = Store::open(&folder.path().join("s.db"), None, Clock::system()).await?;
        let (acme, other) = (Name::from_any("acme"), Name::from_any("other"));
        assert_eq!(store.mention_users(&acme, &["kim", "bo", "kim"]).await?, [1, 2, 1]);
        assert_eq!(store.mention_users(&acme, &["Kim", "bo"]).await?, [3, 2]);
        assert_eq!(store.mention_users(&other, &["bo"]).await?, [1]);
        assert_eq!(store.reads().user_name(&acme, 2).await?.as_deref(), Some("bo"));
        assert_eq!(store.reads().user_name(&acme, 4).await?, None);
        assert_eq!(store.reads().user_name(&other, 2).await?, None);
        assert_eq!(store.reads().user_name(&acme, u64::MAX).await?, None);

        let (one, two) = (ObjectId(Uuid::from_u128(1)), ObjectId(Uuid::from_u128(2)));
        assert_eq!(store.mention_process(&acme, two).await?, 1);
        assert_eq!(store.mention_process(&acme, one).await?, 2);
        assert_eq!(store.mention_process(&acme, two).await?, 1);
        assert_eq!(store.mention_process(&other, one).await?, 1);
        assert_eq!(store.reads().process_numbers(&acme).await?, HashMap::from([(two, 1), (one, 2)]));
        Ok(())
    }
}
