//! Why a run does not do what is asked of it.

use crate::behaviour::run::advance::Unexpected;
use crate::behaviour::run::data::DataError;
use crate::store::StoreError;

/// A request about a run that was refused; nothing was changed. Messages are sentences without their full stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such workflow.
    #[error("there is no such workflow")]
    UnknownWorkflow,
    /// The pointer that was asked for points nowhere: no version was released to it.
    #[error("the workflow has no {pointer} version")]
    NoVersion {
        /// `current` or `test`.
        pointer: &'static str,
    },
    /// There is no such run in the project.
    #[error("there is no such run")]
    UnknownRun,
    /// The run has no such task.
    #[error("the run has no such task")]
    UnknownTask,
    /// The task has ended.
    #[error("the task has ended")]
    TaskEnded,
    /// What was given does not fit the workflow's data.
    #[error("the data do not fit: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Data(Vec<DataError>),
    /// The run does not wait for this.
    #[error(transparent)]
    Unexpected(#[from] Unexpected),
    /// A text is longer than a run takes.
    #[error("the text is longer than {limit} bytes")]
    TooLong {
        /// The most bytes.
        limit: usize,
    },
    /// Somebody else changed the run at the same moment; asking again may succeed.
    #[error("the run was changed at the same moment")]
    Overtaken,
    /// The engine is ending and begins nothing.
    #[error("the engine is ending")]
    Ending,
    /// The store failed.
    #[error("failed to {0}")]
    Store(#[from] StoreError),
}
