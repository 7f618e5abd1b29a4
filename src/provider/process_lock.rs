//! Whether another process on this machine is applying to the same file: an operating-system lock, which ends with the
//! process that holds it, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::ProviderError;

/// A lock on a file beside a store.
#[derive(Debug)]
pub(super) struct ProcessLock {
    path: PathBuf,
    held: Mutex<Option<File>>,
}

impl ProcessLock {
    /// The lock of a store's file; nothing is made before it is first held.
    pub(super) fn beside(store: &Path) -> Self {
        let mut path = store.as_os_str().to_owned();
        path.push(".lock");
        Self { path: path.into(), held: Mutex::new(None) }
    }

    /// Takes the lock if no other process has it; whether this one has it now.
    pub(super) fn hold(&self) -> Result<bool, ProviderError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(true);
        }
        let unavailable = |source: std::io::Error| ProviderError::Unavailable {
            context: format!("lock {}", self.path.display()),
            source: Some(Box::new(source)),
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {
                *held = Some(file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            // A file system without locks cannot tell; then the lease's term decides, as on any other target.
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(false),
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }

    /// Whether this one has the lock.
    pub(super) fn is_held(&self) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Gives the lock back.
    pub(super) fn let_go(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let store = folder.path().join("s.db");
        let (one, two) = (ProcessLock::beside(&store), ProcessLock::beside(&store));
        assert!(one.hold()? && one.hold()?);
        assert!(!two.hold()?);
        one.let_go();
        assert!(two.hold()?);
        Ok(())
    }
}
