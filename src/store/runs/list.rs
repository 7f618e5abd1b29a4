//! Lists of runs.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::super::ReadStore;
use super::super::clock::from_column;
use super::super::error::StoreError;
use super::super::rows::{parse, unsigned};
use crate::base::ident::Name;
use crate::object::run::{RunHead, RunStatus};

/// Which runs are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Those of the workflow that had this name.
    pub workflow: Option<Name>,
    /// Those that have come so far.
    pub status: Option<RunStatus>,
}

/// What [`head`] reads, in its order. A macro because a statement must be a literal.
macro_rules! head_columns {
    () => {
        "id, number, workflow, workflow_name, version, is_test, started_by, started_for, started_at, ended_at, status"
    };
}
pub(super) use head_columns;

/// A statement that selects what lists say of runs. A macro because a statement must be a literal; which index serves
/// follows from the order.
macro_rules! heads {
    ($condition:literal) => {
        concat!("SELECT ", head_columns!(), " FROM runs WHERE project = ?1 AND id < ?2 AND ", $condition, " LIMIT ?3")
    };
}

impl ReadStore {
    /// Runs of a project, the newest first: those behind (that is, older than) `behind`.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged.
    pub async fn runs(
        &self,
        project: &Name,
        filter: &RunFilter,
        behind: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<RunHead>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let RunFilter { workflow, status } = filter;
        let sql = match (workflow, status) {
            (Some(_), _) => {
                heads!("workflow_name = ?4 AND (?5 IS NULL OR status = ?5) ORDER BY workflow_name, id DESC")
            }
            (None, Some(_)) => heads!("?4 IS NULL AND status = ?5 ORDER BY status, id DESC"),
            (None, None) => heads!("?4 IS NULL AND ?5 IS NULL ORDER BY id DESC"),
        };
        let query = sqlx::query(sql)
            .bind(project.as_str())
            .bind(behind.unwrap_or(Uuid::max()).to_string())
            .bind(limit)
            .bind(workflow.as_ref().map(Name::as_str))
            .bind(status.map(RunStatus::as_str));
        query.fetch_all(&mut *view).await?.iter().map(head).collect()
    }
}

/// What lists say of a run, from the first columns of a row.
pub(super) fn head(row: &SqliteRow) -> Result<RunHead, StoreError> {
    let what = "a run";
    Ok(RunHead {
        id: parse(&what, "id", row.try_get(0)?)?,
        number: unsigned(&what, row.try_get(1)?)?,
        workflow: parse(&what, "workflow", row.try_get(2)?)?,
        workflow_name: parse(&what, "workflow's name", row.try_get(3)?)?,
        version: unsigned(&what, row.try_get(4)?)?,
        is_test: row.try_get(5)?,
        started_by: row.try_get(6)?,
        started_for: row.try_get(7)?,
        started_at: from_column(&what, row.try_get(8)?)?,
        ended_at: row.try_get::<Option<i64>, _>(9)?.map(|at| from_column(&what, at)).transpose()?,
        status: parse(&what, "status", row.try_get(10)?)?,
    })
}
