//! One server for a folder: a lock of the operating system, which ends with the process that holds it however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock; given back when dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Why a folder cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum FolderLockError {
    /// Another server works on it.
    #[error("lock {}: another server works on it", .0.display())]
    Held(PathBuf),
    /// The lock file cannot be made or locked.
    #[error("lock {}", folder.display())]
    File {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FolderLock {
    /// Takes the lock of a folder, which must exist.
    ///
    /// # Errors
    /// When another server has it, or the lock file cannot be made.
    pub fn take(folder: &Path) -> Result<Self, FolderLockError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let failed = |source| FolderLockError::File { folder: folder.to_owned(), source };
        let file = options.open(folder.join("server.lock")).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(FolderLockError::Held(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = FolderLock::take(folder.path()).expect("taken");
        assert!(matches!(FolderLock::take(folder.path()), Err(FolderLockError::Held(held)) if held == folder.path()));
        drop(first);
        assert!(FolderLock::take(folder.path()).is_ok());
    }
}
