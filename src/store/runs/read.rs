//! Reading runs.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::super::ReadStore;
use super::super::clock::from_column;
use super::super::error::StoreError;
use super::super::objects::StoredVersion;
use super::super::rows::{json, parse, signed, unsigned};
use super::list::{head, head_columns};
use crate::base::ident::{Name, ObjectId};
use crate::object::run::{EmailRecord, RunDetails, RunRecord, StepLog, TaskRecord};

/// A statement that selects runs. A macro because a statement must be a literal.
macro_rules! runs {
    ($condition:literal) => {
        concat!("SELECT ", head_columns!(), ", project, active, saves, state FROM runs WHERE ", $condition)
    };
}

impl ReadStore {
    /// A run by its identity, of whichever project.
    ///
    /// # Errors
    /// When the file cannot be read, or the run in it is damaged.
    pub async fn run(&self, id: Uuid) -> Result<Option<RunRecord>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        let row = sqlx::query(runs!("id = ?")).bind(id.to_string()).fetch_optional(&mut *view).await?;
        row.as_ref().map(record).transpose()
    }

    /// A project's run by its number.
    ///
    /// # Errors
    /// When the file cannot be read, or the run in it is damaged.
    pub async fn run_numbered(&self, project: &Name, number: u64) -> Result<Option<RunRecord>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        let query = sqlx::query(runs!("project = ? AND number = ?")).bind(project.as_str()).bind(signed(number));
        let row = query.fetch_optional(&mut *view).await?;
        row.as_ref().map(record).transpose()
    }

    /// The runs for which the engine has something to do, in the order of their identities: those behind `after`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn active_runs(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let query = sqlx::query("SELECT id FROM runs WHERE active = 1 AND id > ? ORDER BY id LIMIT ?");
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = query.bind(after).bind(limit).fetch_all(&mut *view).await?;
        rows.iter().map(|row| parse(&"a run", "id", row.try_get(0)?)).collect()
    }

    /// How many tasks a run has opened.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn task_count(&self, id: Uuid) -> Result<u64, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(0) };
        let query = sqlx::query_scalar("SELECT count(*) FROM run_tasks WHERE run = ?");
        unsigned(&"the tasks of a run", query.bind(id.to_string()).fetch_one(&mut *view).await?)
    }

    /// The tasks, logs and e-mails of a run.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged.
    pub async fn run_details(&self, id: Uuid) -> Result<RunDetails, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(RunDetails::default()) };
        let tasks = "SELECT number, step, visit, assignee, state, opened_at, ended_at, ended_by, exception \
             FROM run_tasks WHERE run = ? ORDER BY number";
        let tasks = sqlx::query(tasks).bind(id.to_string()).fetch_all(&mut *view).await?;
        let logs = sqlx::query("SELECT body FROM run_logs WHERE run = ? ORDER BY sequence");
        let logs = logs.bind(id.to_string()).fetch_all(&mut *view).await?;
        let emails = "SELECT message_id, step, sender, recipient, subject, body, state, error, at FROM emails \
             WHERE run = ? ORDER BY at, message_id";
        let emails = sqlx::query(emails).bind(id.to_string()).fetch_all(&mut *view).await?;
        Ok(RunDetails {
            tasks: tasks.iter().map(task).collect::<Result<_, _>>()?,
            logs: logs.iter().map(log).collect::<Result<_, _>>()?,
            emails: emails.iter().map(email).collect::<Result<_, _>>()?,
        })
    }

    /// One version of an object whose versions only grow.
    ///
    /// # Errors
    /// When the file cannot be read, or the version in it is damaged.
    pub async fn version(&self, object: ObjectId, version: u64) -> Result<Option<StoredVersion>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        let query = sqlx::query("SELECT digest, spec, links FROM versions WHERE object = ? AND version = ?");
        let row = query.bind(object.to_string()).bind(signed(version)).fetch_optional(&mut *view).await?;
        let what = format!("version {version} of object {object}");
        let read = |row: SqliteRow| {
            Ok(StoredVersion {
                version,
                digest: parse(&what, "digest", row.try_get(0)?)?,
                spec: json(&what, "spec", row.try_get(1)?)?,
                references: json(&what, "references", row.try_get(2)?)?,
            })
        };
        row.map(read).transpose()
    }
}

fn record(row: &SqliteRow) -> Result<RunRecord, StoreError> {
    let what = "a run";
    Ok(RunRecord {
        head: head(row)?,
        project: parse(&what, "project", row.try_get(11)?)?,
        active: row.try_get(12)?,
        saves: unsigned(&what, row.try_get(13)?)?,
        state: json(&what, "state", row.try_get(14)?)?,
    })
}

fn task(row: &SqliteRow) -> Result<TaskRecord, StoreError> {
    let what = "a task of a run";
    Ok(TaskRecord {
        number: unsigned(&what, row.try_get(0)?)?,
        step: row.try_get(1)?,
        visit: unsigned(&what, row.try_get(2)?)?,
        assignee: row.try_get(3)?,
        state: parse(&what, "state", row.try_get(4)?)?,
        opened_at: from_column(&what, row.try_get(5)?)?,
        ended_at: row.try_get::<Option<i64>, _>(6)?.map(|at| from_column(&what, at)).transpose()?,
        ended_by: row.try_get(7)?,
        exception: row.try_get::<Option<&str>, _>(8)?.map(|text| json(&what, "exception", text)).transpose()?,
    })
}

fn log(row: &SqliteRow) -> Result<StepLog, StoreError> {
    json(&"the log of a run", "body", row.try_get(0)?)
}

fn email(row: &SqliteRow) -> Result<EmailRecord, StoreError> {
    let what = "an e-mail of a run";
    Ok(EmailRecord {
        message_id: row.try_get(0)?,
        step: row.try_get(1)?,
        from: row.try_get(2)?,
        to: row.try_get(3)?,
        subject: row.try_get(4)?,
        body: row.try_get(5)?,
        state: parse(&what, "state", row.try_get(6)?)?,
        error: row.try_get(7)?,
        at: from_column(&what, row.try_get(8)?)?,
    })
}
