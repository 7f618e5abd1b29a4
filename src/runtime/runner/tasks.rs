//! Tasks: what people do in a run.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Loaded, RunError, RunSummary, Runner, view};
use crate::base::ident::Name;
use crate::behaviour::run::advance::task_can_end;
use crate::behaviour::run::data;
use crate::behaviour::run::effect::{Event, TaskOutcome};
use crate::object::run::{RunStatus, TaskException, TaskRecord, TaskState};

/// How a task is cancelled (domain §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskCancellation {
    /// By the cancel exception: the exit `cancelled`.
    Cancel,
    /// By the default exception: the exit `error`.
    Error,
}

impl TaskCancellation {
    fn outcome(self) -> TaskOutcome {
        match self {
            Self::Cancel => TaskOutcome::Cancelled,
            Self::Error => TaskOutcome::Error,
        }
    }
}

impl Runner {
    /// A task of a run.
    ///
    /// # Errors
    /// When there is no such run or task in the project, or the store fails.
    pub async fn task(&self, project: &Name, run: Uuid, number: u64) -> Result<TaskRecord, RunError> {
        self.load(project, run).await?;
        let details = self.0.store.reads().run_details(run).await?;
        details.tasks.into_iter().find(|task| task.number == number).ok_or(RunError::UnknownTask)
    }

    /// Whether a task is open and could be cancelled so: without a route for it, it cannot.
    ///
    /// # Errors
    /// As [`Runner::task`].
    pub async fn can_cancel_task(
        &self,
        project: &Name,
        run: Uuid,
        number: u64,
        how: TaskCancellation,
    ) -> Result<bool, RunError> {
        let task = self.task(project, run, number).await?;
        let loaded = self.load(project, run).await?;
        Ok(task.state == TaskState::Open && task_can_end(&loaded.pinned.spec, &loaded.state, how.outcome()))
    }

    /// Completes a task, with new values for the run's data.
    ///
    /// # Errors
    /// As [`Runner::task`]; when the task has ended or the values do not fit.
    pub async fn complete_task(
        &self,
        project: &Name,
        run: Uuid,
        number: u64,
        by: &str,
        values: &Map<String, Value>,
    ) -> Result<RunSummary, RunError> {
        let _lock = self.lock(run).await;
        let (mut loaded, task) = self.open_task(project, run, number).await?;
        let declared = &loaded.pinned.spec.data;
        data::update(declared, values, &mut loaded.state.variables).map_err(RunError::Data)?;
        self.end_task(&mut loaded, task, by, TaskOutcome::Completed, None).await
    }

    /// Cancels a task.
    ///
    /// # Errors
    /// As [`Runner::task`]; when the task has ended or its step does not route that exit.
    pub async fn cancel_task(
        &self,
        project: &Name,
        run: Uuid,
        number: u64,
        by: &str,
        how: TaskCancellation,
        exception: Option<TaskException>,
    ) -> Result<RunSummary, RunError> {
        let _lock = self.lock(run).await;
        let (mut loaded, task) = self.open_task(project, run, number).await?;
        self.end_task(&mut loaded, task, by, how.outcome(), exception).await
    }

    /// Gives a task to a user; `None` takes it from whoever has it.
    ///
    /// # Errors
    /// As [`Runner::task`]; when the task has ended.
    pub async fn assign_task(
        &self,
        project: &Name,
        run: Uuid,
        number: u64,
        assignee: Option<&str>,
    ) -> Result<RunSummary, RunError> {
        let _lock = self.lock(run).await;
        let (mut loaded, mut task) = self.open_task(project, run, number).await?;
        task.assignee = assignee.map(str::to_owned);
        loaded.details.tasks.push(task);
        let active = loaded.record.active;
        self.save(&mut loaded, active).await
    }

    /// Takes a task from whoever has it.
    ///
    /// # Errors
    /// As [`Runner::assign_task`].
    pub async fn unassign_task(&self, project: &Name, run: Uuid, number: u64) -> Result<RunSummary, RunError> {
        self.assign_task(project, run, number, None).await
    }

    async fn open_task(&self, project: &Name, run: Uuid, number: u64) -> Result<(Loaded, TaskRecord), RunError> {
        let loaded = self.load(project, run).await?;
        let task = self.task(project, run, number).await?;
        let waits = view::status(&loaded.state) == RunStatus::WaitingForTask;
        if task.state != TaskState::Open || !waits || task.visit != loaded.state.visit() as u64 {
            return Err(RunError::TaskEnded);
        }
        Ok((loaded, task))
    }

    async fn end_task(
        &self,
        loaded: &mut Loaded,
        mut task: TaskRecord,
        by: &str,
        outcome: TaskOutcome,
        exception: Option<TaskException>,
    ) -> Result<RunSummary, RunError> {
        task.state = match outcome {
            TaskOutcome::Completed => TaskState::Completed,
            TaskOutcome::Cancelled => TaskState::Cancelled,
            TaskOutcome::Error => TaskState::Error,
        };
        (task.ended_at, task.ended_by) = (Some(self.0.timer.now()), Some(by.to_owned()));
        task.exception = exception;
        loaded.details.tasks.push(task);
        self.go_on(loaded, Event::TaskDone(outcome)).await
    }
}
