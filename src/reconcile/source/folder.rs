//! A folder on this machine: its files' names, sizes and times tell whether it moved, and nothing is read for it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::{Sighting, SourceError, bytes_of};
use crate::base::digest::Digest;

/// The one file beginning with a dot that counts: it says what is a manifest.
const IGNORE_FILE: &str = ".trueupignore";

/// A folder that holds a project.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The source of a project in this folder, or of the one that this file or folder belongs to.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder whose files count.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        project_folder(&self.path)
    }

    /// What there is to see now.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn see(&self) -> Result<Sighting, SourceError> {
        let state = state(&self.root())?;
        Ok(Sighting { folder: self.path.clone(), path: String::new(), state, commit: None, committed_at: None })
    }
}

/// The folder whose files count: the project's, as discovery finds it upwards.
fn project_folder(path: &Path) -> PathBuf {
    let start = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let project = start.ancestors().find(|folder| folder.join(crate::manifest::PROJECT_FILE).is_file());
    project.unwrap_or(start).to_owned()
}

/// Whether a file or folder of this name counts: what begins with a dot does not, as tools keep things of their own
/// there.
pub(super) fn counts(name: &OsStr) -> bool {
    !name.to_string_lossy().starts_with('.') || name == IGNORE_FILE
}

/// The state of all files of a folder that count.
fn state(folder: &Path) -> Result<Digest, SourceError> {
    let unreadable = |path: &Path, reason: String| SourceError::File { action: "read", path: path.to_owned(), reason };
    std::fs::read_dir(folder).map_err(|error| unreadable(folder, error.to_string()))?;
    let mut builder = WalkBuilder::new(folder);
    builder.standard_filters(false).follow_links(false).sort_by_file_path(Path::cmp);
    builder.filter_entry(|entry| entry.depth() == 0 || counts(entry.file_name()));
    let mut parts = Vec::new();
    for entry in builder.build() {
        // A file that went away meanwhile is seen at the next look; one that cannot be read is told when it is loaded.
        let Ok(entry) = entry else { continue };
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            parts.push(bytes_of(entry.path(), entry.metadata().ok().as_ref()));
        }
    }
    Ok(Digest::of_parts(parts.iter().map(Vec::as_slice)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_file_is_seen_and_hidden_ones_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("deep")).unwrap();
        std::fs::write(path("trueup.yaml"), "a").unwrap();
        let source = Folder::new(path("deep"));
        let first = source.see().unwrap().state;
        assert_eq!(source.see().unwrap().state, first);
        std::fs::create_dir(path(".trueup")).unwrap();
        std::fs::write(path(".trueup/local.db"), "x").unwrap();
        assert_eq!(source.see().unwrap().state, first);
        std::fs::write(path("deep/b.yaml"), "b").unwrap();
        let second = source.see().unwrap().state;
        assert_ne!(second, first);
        std::fs::rename(path("deep/b.yaml"), path("deep/c.yaml")).unwrap();
        let third = source.see().unwrap().state;
        assert_ne!(third, second);
        std::fs::write(path(".trueupignore"), "c.yaml").unwrap();
        assert_ne!(source.see().unwrap().state, third);
        let gone = Folder::new(path("gone"));
        std::fs::remove_file(path("trueup.yaml")).unwrap();
        assert!(gone.see().is_err());
    }
}
