//! The folder in which a server keeps its data: where its database lies, and opening it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use super::exit::{self, Exit};
use super::target::master_key;
use crate::base::error_text::chain;
use crate::store::{Clock, ReadStore, Store, StoreError};

/// The folder of a server.
#[derive(Clone, Debug, Args)]
pub struct FolderArguments {
    /// The folder with the server's data; made if it is missing.
    #[arg(long = "data", value_name = "DIR")]
    data: PathBuf,
}

impl FolderArguments {
    /// The folder, absolute.
    #[must_use]
    pub fn folder(&self, context: &Context) -> PathBuf {
        context.working_folder.join(&self.data)
    }

    /// Whether a server, or `keys create`, has been in it.
    #[must_use]
    pub fn is_made(&self, context: &Context) -> bool {
        database(&self.folder(context)).exists()
    }

    /// For what is only done where one has been: a folder that was misspelt is not made, and not taken for an empty one.
    ///
    /// # Errors
    /// When there is no database in it, which is said on standard error.
    pub fn existing(&self, context: &Context) -> Result<(), Exit> {
        if self.is_made(context) {
            return Ok(());
        }
        let folder = self.folder(context);
        let help = "`trueup keys create` and `trueup serve` make it";
        exit::say_error(&format!("there is no server's data in {}", folder.display()), Some(help));
        Err(Exit::InvalidInput)
    }

    /// Opens its store for writing.
    ///
    /// # Errors
    /// When it cannot be opened, which is said on standard error.
    pub async fn open(&self, context: &Context) -> Result<Store, Exit> {
        let opened = Store::open(&database(&self.folder(context)), master_key()?, Clock::system()).await;
        opened.map_err(|error| failed(&error))
    }

    /// Opens its store for reading.
    ///
    /// # Errors
    /// When it cannot be opened, which is said on standard error.
    pub async fn open_read(&self, context: &Context) -> Result<ReadStore, Exit> {
        let opened = ReadStore::open(&database(&self.folder(context)), master_key()?, Clock::system()).await;
        opened.map_err(|error| failed(&error))
    }
}

/// Says on standard error what the store said.
pub fn failed(error: &StoreError) -> Exit {
    let code = match error {
        StoreError::Rejected { .. } | StoreError::BadKey => Exit::InvalidInput,
        _ => Exit::Failed,
    };
    let message = match error {
        // Nothing here is written as a changeset: the rule alone says what is wrong.
        StoreError::Rejected { address: None, reason } => reason.clone(),
        _ => format!("failed to {}", chain(error)),
    };
    exit::say_error(&message, None);
    code
}

/// The database of a server's folder.
#[must_use]
pub fn database(folder: &Path) -> PathBuf {
    folder.join("trueup.db")
}
