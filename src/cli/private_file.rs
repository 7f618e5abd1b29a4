//! Files that only their owner can read.

use std::io::Write;
use std::path::Path;

/// Writes a file with mode 0600, whatever mode it had before.
///
/// # Errors
/// When it cannot be made or written.
pub fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // An existing file keeps the mode it was made with, unless it is told otherwise before anything stands in it.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(content)?;
    file.sync_all()
}
