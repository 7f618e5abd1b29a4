//! The file format: how a file of ours is told from others, and the steps from an older format to this one.
//!
//! A step that was released is never changed; a new format is a new step at the end.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::error::{StoreError, code_of, codes};

/// `TrUp`, in the header of every file of ours.
const APPLICATION_ID: i64 = 0x5472_5570;

/// One step per format; after step n the file's `user_version` is n.
const STEPS: &[&str] = &[
    include_str!("schema/objects.sql"),
    // The engine's own data, a file per area.
    concat!(
        include_str!("schema/access.sql"),
        include_str!("schema/audit.sql"),
        include_str!("schema/events.sql"),
        include_str!("schema/notifications.sql"),
        include_str!("schema/runs.sql"),
        include_str!("schema/users.sql"),
    ),
    concat!(include_str!("schema/retention.sql"), include_str!("schema/run_lists.sql")),
    include_str!("schema/suspensions.sql"),
];

/// The format this program writes.
pub(super) const FORMAT: i64 = 4;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// No table yet: made and not filled.
    Empty,
    /// Ours, in this format (never a newer one).
    Ours(i64),
}

/// Looks at a file without changing it.
pub(super) async fn identify(connection: &mut SqliteConnection, path: &Path) -> Result<Identity, StoreError> {
    let look = async {
        // One moment: another process may be making the file just now.
        let mut view = connection.begin().await?;
        let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *view).await?;
        let format: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *view).await?;
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *view).await?;
        view.rollback().await?;
        Ok((id, format, tables))
    };
    let (id, format, tables) = look.await.map_err(|error| damaged(path, error))?;
    match id {
        APPLICATION_ID if format > FORMAT => Err(StoreError::Newer { path: path.into(), found: format, known: FORMAT }),
        APPLICATION_ID => Ok(Identity::Ours(format)),
        0 if format == 0 && tables == 0 => Ok(Identity::Empty),
        _ => Err(StoreError::Foreign(path.into())),
    }
}

fn damaged(path: &Path, error: sqlx::Error) -> StoreError {
    match code_of(&error) {
        Some(codes::NOTADB | codes::CORRUPT) => StoreError::NotADatabase { path: path.into(), source: Box::new(error) },
        Some(codes::CANTOPEN) => StoreError::Open { path: path.into(), source: Box::new(error) },
        Some(_) | None => error.into(),
    }
}

/// Brings a file to this format, within the caller's transaction.
pub(super) async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let from = match identify(connection, path).await? {
        Identity::Empty => 0,
        Identity::Ours(format) => format,
    };
    for step in STEPS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        sqlx::raw_sql(*step).execute(&mut *connection).await?;
    }
    if from < FORMAT {
        // A pragma takes no parameters; both numbers are constants of this file.
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}");
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_counts_the_steps() {
        assert_eq!(i64::try_from(STEPS.len()), Ok(FORMAT));
    }

    #[tokio::test]
    async fn an_older_file_comes_to_this_format_with_what_is_in_it() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("a database");
        for step in &STEPS[..2] {
            sqlx::raw_sql(*step).execute(&mut connection).await.expect("an older step");
        }
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2");
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut connection).await.expect("marked");
        let positions = [
            (r#""new""#, "running"),
            (r#"{"waiting": "response"}"#, "running"),
            (r#"{"waiting": "input"}"#, "waitingForInput"),
            (r#"{"waiting": "task"}"#, "waitingForTask"),
            (r#"{"ended": "completed"}"#, "completed"),
            (r#"{"ended": "cancelled"}"#, "cancelled"),
            (r#"{"ended": {"failed": "why"}}"#, "failed"),
        ];
        for (n, (position, _)) in positions.iter().enumerate() {
            let insert = "INSERT INTO runs (id, project, number, workflow, workflow_name, version, is_test, started_by, \
                 started_at, active, saves, state) VALUES (?1, 'acme', ?1, 'w', 'talk', 1, 0, 'kim', 0, 0, 1, ?2)";
            let state = format!("{{\"position\": {position}}}");
            let n = i64::try_from(n).expect("a number");
            sqlx::query(insert).bind(n).bind(state).execute(&mut connection).await.expect("written");
        }
        migrate(&mut connection, Path::new("older.db")).await.expect("brought to this format");
        let found = sqlx::query_scalar("SELECT status FROM runs ORDER BY number").fetch_all(&mut connection).await;
        let found: Vec<String> = found.expect("read");
        assert_eq!(found, positions.map(|(_, status)| status));
        assert_eq!(identify(&mut connection, Path::new("older.db")).await.expect("read"), Identity::Ours(FORMAT));
    }

    #[tokio::test]
    async fn a_file_without_suspensions_gets_an_empty_list_of_them() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("a database");
        for step in &STEPS[..3] {
            sqlx::raw_sql(*step).execute(&mut connection).await.expect("an older step");
        }
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 3");
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut connection).await.expect("marked");
        let project = "INSERT INTO projects (name, revision) VALUES ('acme', 7)";
        sqlx::raw_sql(project).execute(&mut connection).await.expect("written");
        migrate(&mut connection, Path::new("older.db")).await.expect("brought to this format");
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM suspensions").fetch_one(&mut connection).await;
        assert_eq!(count.expect("read"), 0_i64);
        let insert = "INSERT INTO suspensions (project, reason, actor, since) VALUES ('acme', 'why', 'ana', 1)";
        sqlx::raw_sql(insert).execute(&mut connection).await.expect("the project is suspended");
        assert!(sqlx::raw_sql(insert).execute(&mut connection).await.is_err(), "once and no more");
        let revision = sqlx::query_scalar::<_, i64>("SELECT revision FROM projects").fetch_one(&mut connection).await;
        assert_eq!(revision.expect("read"), 7_i64, "what was there stays");
    }
}
