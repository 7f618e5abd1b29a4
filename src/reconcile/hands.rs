//! The effects of a tick, as the command line has them and tests give them.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use jiff::Timestamp;
use uuid::Uuid;

use crate::desired::Desired;
use crate::desired::load::{LoadedProject, NoProject};
use crate::desired::secrets::Secrets;
use crate::manifest::Project;
use crate::provider::{ProviderError, Reader, Writer};

/// A target that is being opened.
pub type Opening<'a, T> = Pin<Box<dyn Future<Output = Result<Box<T>, OpenError>> + 'a>>;

/// Ends when somebody asks to stop.
pub type Stopping = Pin<Box<dyn Future<Output = ()>>>;

/// Why a target cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The target says so.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// What is configured of it does not do.
    #[error("{message}")]
    Unusable {
        /// A sentence.
        message: String,
        /// What to do.
        help: Option<String>,
        /// Whether it is a matter of what is allowed, not of what is right.
        forbidden: bool,
    },
    /// Something on this machine failed.
    #[error("{0}")]
    Failed(String),
}

/// What a tick does to the world around it.
pub trait Hands: Sync {
    /// Loads and checks the project of a folder. Asks no target and reads no secret.
    ///
    /// # Errors
    /// When there is no project to speak of.
    fn load(&self, folder: &Path) -> Result<LoadedProject, NoProject>;

    /// Reads the secrets of a project.
    fn secrets(&self, desired: &Desired) -> Secrets;

    /// Opens a target for reading.
    fn reader<'a>(&'a self, project: &'a Project) -> Opening<'a, dyn Reader>;

    /// Opens a target for writing.
    fn writer<'a>(&'a self, project: &'a Project) -> Opening<'a, dyn Writer>;

    /// The commit that a folder is at, for the audit, when its source does not say.
    fn commit(&self, folder: &Path) -> Option<String>;

    /// Files outside the project whose contents count.
    fn files_outside(&self) -> Vec<PathBuf>;

    /// The time.
    fn now(&self) -> Timestamp;

    /// A new random id.
    fn new_id(&self) -> Uuid;

    /// Whether somebody asked to stop.
    fn interrupted(&self) -> bool;

    /// Ends when somebody asks to stop: what only reads is given up then. Nobody does by default.
    fn stopping(&self) -> Stopping {
        Box::pin(std::future::pending())
    }
}
