//! Writing runs.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::super::Store;
use super::super::clock::to_column;
use super::super::error::StoreError;
use super::super::rows::{signed, unsigned};
use crate::base::ident::{Name, ObjectId};
use crate::object::run::{EmailRecord, RunChange, RunDetails, TaskRecord};

/// A run that is about to begin.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// A UUID of version 7.
    pub id: Uuid,
    /// Its project.
    pub project: Name,
    /// The workflow.
    pub workflow: ObjectId,
    /// The workflow's name.
    pub workflow_name: Name,
    /// The version it runs on.
    pub version: u64,
    /// Whether it was started on the test pointer.
    pub is_test: bool,
    /// Who started it.
    pub started_by: String,
    /// On whose behalf.
    pub started_for: Option<String>,
    /// When.
    pub started_at: Timestamp,
}

/// What became of a write to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is on disk.
    Written,
    /// Somebody wrote to the run meanwhile; nothing was changed.
    Overtaken,
}

impl Store {
    /// Writes a new run down; answers its number, the next of its project.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn insert_run(&self, new: NewRun, change: RunChange) -> Result<u64, StoreError> {
        let written = self.insert(new, change).await;
        self.tidy_if_full(written).await
    }

    async fn insert(&self, new: NewRun, change: RunChange) -> Result<u64, StoreError> {
        let NewRun { id, project, workflow, workflow_name, version, is_test, started_by, started_for, started_at } =
            new;
        let RunChange { state, status, active, ended_at, details } = change;
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let insert = "INSERT INTO runs (id, project, number, workflow, workflow_name, version, is_test, started_by, started_for, \
             started_at, ended_at, active, saves, state, status) \
             VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM runs WHERE project = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
             ?10, ?11, 1, ?12, ?13) RETURNING number";
        let row = sqlx::query(insert)
            .bind(id.to_string())
            .bind(project.as_str())
            .bind(workflow.to_string())
            .bind(workflow_name.as_str())
            .bind(signed(version))
            .bind(is_test)
            .bind(&started_by)
            .bind(started_for.as_deref())
            .bind(to_column(started_at))
            .bind(ended_at.map(to_column))
            .bind(active)
            .bind(state.to_string())
            .bind(status.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        let number = unsigned(&"a run", row.try_get(0)?)?;
        drop(row);
        write_details(&mut transaction, id, &details).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(number)
    }

    /// Writes a step of a run down, if nobody has written to it since it was read with `saves`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn save_run(&self, id: Uuid, saves: u64, change: &RunChange) -> Result<Saved, StoreError> {
        let written = self.save(id, saves, change).await;
        self.tidy_if_full(written).await
    }

    async fn save(&self, id: Uuid, saves: u64, change: &RunChange) -> Result<Saved, StoreError> {
        let RunChange { state, status, active, ended_at, details } = change;
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let update = "UPDATE runs SET state = ?, status = ?, active = ?, ended_at = ?, saves = saves + 1 WHERE id = ? AND saves = ?";
        let updated = sqlx::query(update)
            .bind(state.to_string())
            .bind(status.as_str())
            .bind(active)
            .bind(ended_at.map(to_column))
            .bind(id.to_string())
            .bind(signed(saves))
            .execute(&mut *transaction)
            .await?;
        if updated.rows_affected() == 0 {
            return Ok(Saved::Overtaken);
        }
        write_details(&mut transaction, id, details).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(Saved::Written)
    }
}

async fn write_details(connection: &mut SqliteConnection, run: Uuid, details: &RunDetails) -> Result<(), StoreError> {
    let RunDetails { tasks, logs, emails } = details;
    let what = "a run";
    let unwritable = |error: serde_json::Error| StoreError::corrupt(what, &error);
    for task in tasks {
        let TaskRecord { number, step, visit, assignee, state, opened_at, ended_at, ended_by, exception } = task;
        let upsert = "INSERT INTO run_tasks (run, number, step, visit, assignee, state, opened_at, ended_at, ended_by, exception) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, number) DO UPDATE SET assignee = excluded.assignee, \
             state = excluded.state, ended_at = excluded.ended_at, ended_by = excluded.ended_by, exception = excluded.exception";
        let exception = exception.as_ref().map(serde_json::to_string).transpose().map_err(unwritable)?;
        sqlx::query(upsert)
            .bind(run.to_string())
            .bind(signed(*number))
            .bind(step)
            .bind(signed(*visit))
            .bind(assignee.as_deref())
            .bind(state.as_str())
            .bind(to_column(*opened_at))
            .bind(ended_at.map(to_column))
            .bind(ended_by.as_deref())
            .bind(exception)
            .execute(&mut *connection)
            .await?;
    }
    for log in logs {
        let body = serde_json::to_string(log).map_err(unwritable)?;
        let insert = sqlx::query("INSERT INTO run_logs (run, body) VALUES (?, ?)");
        insert.bind(run.to_string()).bind(body).execute(&mut *connection).await?;
    }
    for email in emails {
        let EmailRecord { message_id, step, from, to, subject, body, state, error, at } = email;
        let upsert = "INSERT INTO emails (message_id, run, step, sender, recipient, subject, body, state, error, at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (message_id) DO UPDATE SET state = excluded.state, error = excluded.error";
        sqlx::query(upsert)
            .bind(message_id)
            .bind(run.to_string())
            .bind(step)
            .bind(from)
            .bind(to)
            .bind(subject)
            .bind(body)
            .bind(state.as_str())
            .bind(error.as_deref())
            .bind(to_column(*at))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
