//! Runs of a project as lists show them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{RunError, Runner};
use crate::base::ident::Name;
use crate::behaviour::hook::identifier::Identifier;
use crate::object::run::{RunHead, RunStatus};
use crate::store::RunFilter;

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedRun {
    /// Its identity.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: Uuid,
    /// The request's number within the project.
    pub number: u64,
    /// The request's id as callers of incoming webhooks see it.
    pub request_id: String,
    /// The process's id as callers of incoming webhooks see it; absent while no call has mentioned the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub process_id: Option<String>,
    /// The workflow's name when the run was started.
    pub workflow: String,
    /// The version it runs on.
    pub version: u64,
    /// Whether it was started on the test pointer.
    pub is_test: bool,
    /// Who started it.
    pub started_by: String,
    /// On whose behalf it was started. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub started_for: Option<String>,
    /// When it was started.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub ended_at: Option<Timestamp>,
    /// How far it has come.
    pub state: RunStatus,
}

impl ListedRun {
    /// A run for others to see. `process` is the workflow's number, if it has one.
    pub(super) fn of(process: Option<u64>, head: RunHead) -> Self {
        let RunHead {
            id,
            number,
            workflow: _,
            workflow_name,
            version,
            is_test,
            started_by,
            started_for,
            started_at,
            ended_at,
            status,
        } = head;
        Self {
            id,
            number,
            request_id: Identifier::Request(number).encode(),
            process_id: process.map(|number| Identifier::Process(number).encode()),
            workflow: workflow_name.to_string(),
            version,
            is_test,
            started_by,
            started_for,
            started_at,
            ended_at,
            state: status,
        }
    }
}

/// A page of runs, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<ListedRun>,
    /// Where to go on; absent when there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub next: Option<Uuid>,
}

impl Runner {
    /// Runs of a project, the newest first, at most `limit`: those behind (that is, older than) `behind`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        project: &Name,
        filter: &RunFilter,
        behind: Option<Uuid>,
        limit: u32,
    ) -> Result<RunPage, RunError> {
        let reads = self.0.store.reads();
        // One more than wanted tells whether there are more.
        let mut heads = reads.runs(project, filter, behind, limit.saturating_add(1)).await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = heads.len() > wanted;
        heads.truncate(wanted);
        let next = heads.last().filter(|_| has_more).map(|last| last.id);
        let processes = reads.process_numbers(project).await?;
        let process = |head: &RunHead| processes.get(&head.workflow).copied();
        let runs = heads.into_iter().map(|head| ListedRun::of(process(&head), head)).collect();
        Ok(RunPage { runs, next })
    }
}
