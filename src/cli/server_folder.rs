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
    exit::say_error(&format!("failed to {}", chain(error)), None);
    code
}

/// The database of a server's folder.
#[must_use]
pub fn database(folder: &Path) -> PathBuf {
    folder.join("trueup.db")
}
