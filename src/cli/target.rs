//! Opening a project's target, for reading or for writing.

use super::exit::{self, Exit};
use crate::manifest::{Project, TargetSettings};
use crate::provider::embedded::Embedded;
use crate::provider::{Reader, Writer};
use crate::store::{Clock, MasterKey};

/// Runs asynchronous work to its end on this thread.
///
/// # Errors
/// When the operating system gives no event queue.
pub fn block_on<T>(work: impl Future<Output = Result<T, Exit>>) -> Result<T, Exit> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(exit::failed(format!("failed to start: {error}"))),
    }
}

/// Opens a target for reading. What is given can write nothing.
///
/// # Errors
/// When it cannot be opened, which is said on standard error.
pub async fn reader(project: &Project) -> Result<Box<dyn Reader>, Exit> {
    match &project.target.settings {
        TargetSettings::Embedded { data } => {
            let opened = Embedded::open_read(data, project.name.clone(), master_key()?, Clock::system()).await;
            opened.map(|embedded| Box::new(embedded) as Box<dyn Reader>).map_err(|error| exit::provider(&error))
        }
    }
}

/// Opens a target for writing.
///
/// # Errors
/// When it cannot be opened, which is said on standard error.
pub async fn writer(project: &Project) -> Result<Box<dyn Writer>, Exit> {
    match &project.target.settings {
        TargetSettings::Embedded { data } => {
            let opened = Embedded::open_write(data, project.name.clone(), master_key()?, Clock::system()).await;
            opened.map(|embedded| Box::new(embedded) as Box<dyn Writer>).map_err(|error| exit::provider(&error))
        }
    }
}

/// The key given in the environment; without one the target keeps its own beside its data.
///
/// # Errors
/// When what is given is no key, which is said on standard error.
pub fn master_key() -> Result<Option<MasterKey>, Exit> {
    match std::env::var("TRUEUP_MASTER_KEY") {
        Ok(text) if !text.is_empty() => text.parse().map(Some).map_err(|_| {
            exit::say_error(
                "TRUEUP_MASTER_KEY is not a key",
                Some("a key is 32 random bytes as 64 hex digits or base64, for example of `openssl rand -hex 32`"),
            );
            Exit::InvalidInput
        }),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            exit::say_error("TRUEUP_MASTER_KEY is not text", None);
            Err(Exit::InvalidInput)
        }
    }
}
