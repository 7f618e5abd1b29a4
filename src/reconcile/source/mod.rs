//! Where manifests come from: a folder, or a git repository that is kept as a clone.

pub mod folder;
pub mod git;
pub mod watch;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::base::digest::Digest;

pub use folder::Folder;
pub use git::Git;

/// What was seen of one project in its source.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The project's folder.
    pub folder: PathBuf,
    /// The way to it in the source, for people; empty for the source itself.
    pub path: String,
    /// Another whenever something may be another.
    pub state: Digest,
    /// The commit, where the source knows it.
    pub commit: Option<String>,
    /// When the commit was made, where the source knows it.
    pub committed_at: Option<Timestamp>,
}

/// Why a source could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A folder or file cannot be read or written.
    #[error("{action} {}: {reason}", .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        reason: String,
    },
    /// `git` could not be run.
    #[error("run git: {0}")]
    NoGit(String),
    /// `git` says no.
    #[error("{action}: {said}")]
    Git {
        /// What was tried.
        action: String,
        /// Its last words on standard error.
        said: String,
    },
    /// It took longer than a repository may take.
    #[error("{action}: git took longer than {seconds} seconds")]
    TooSlow {
        /// What was tried.
        action: String,
        /// The limit.
        seconds: u64,
    },
    /// Somebody asked to stop while git was at it.
    #[error("{action}: interrupted")]
    Interrupted {
        /// What was tried.
        action: String,
    },
    /// The repository has no such ref.
    #[error("find {0} in the repository")]
    NoRef(String),
    /// The history was rewritten.
    #[error("move on to {new}: {old} is not in its history, so the branch was rewritten")]
    Rewritten {
        /// The commit that is in use.
        old: String,
        /// The commit that the ref names now.
        new: String,
        /// What accepts it.
        accept: String,
    },
    /// The commit has no signature that can be relied on.
    #[error("verify the signature of {commit}: {said}")]
    Unsigned {
        /// The commit.
        commit: String,
        /// What git says of it.
        said: String,
    },
    /// The project's folder is not in the source.
    #[error("find the folder {0} in the source")]
    NoFolder(String),
    /// There is no project file in the project's folder, nor above it in the source.
    #[error("find trueup.yaml in {}", place(.0))]
    NoProject(String),
    /// The state folder is in use.
    #[error("use {}: another reconcile is at work in it", .0.display())]
    Held(PathBuf),
}

impl SourceError {
    /// Whether it is what a commit lacks, so that only another commit mends it.
    #[must_use]
    pub fn is_of_commit(&self) -> bool {
        match self {
            Self::NoFolder(_) | Self::NoProject(_) => true,
            Self::File { .. }
            | Self::NoGit(_)
            | Self::Git { .. }
            | Self::TooSlow { .. }
            | Self::Interrupted { .. }
            | Self::NoRef(_)
            | Self::Rewritten { .. }
            | Self::Unsigned { .. }
            | Self::Held(_) => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Rewritten { accept, .. } => {
                Some(format!("nothing is changed; to accept the new history, run `{accept}`"))
            }
            Self::Unsigned { .. } => {
                Some("git must know the keys that you trust: see `git help verify-commit`".to_owned())
            }
            Self::Held(_) => Some("give each its own --state-dir".to_owned()),
            Self::NoGit(_) => Some("install git".to_owned()),
            Self::File { .. }
            | Self::Git { .. }
            | Self::TooSlow { .. }
            | Self::Interrupted { .. }
            | Self::NoRef(_)
            | Self::NoFolder(_) => None,
            Self::NoProject(_) => {
                Some("the project's file says which target is meant: it must be in the repository".to_owned())
            }
        }
    }
}

/// A folder of the source, for people.
fn place(path: &str) -> String {
    if path.is_empty() { "the source".to_owned() } else { format!("{path}, or in a folder above it in the source") }
}

/// What there is to see of a file without reading it: size, times, identity. Links are followed, so that a file that is
/// swapped behind one is seen. What is not there has a stamp too.
#[must_use]
pub fn stamp(file: &Path) -> Digest {
    let mut bytes = Vec::new();
    write_stamp(&mut bytes, file.as_os_str(), fs::metadata(file).ok().as_ref());
    Digest::of_bytes(&bytes)
}

/// Writes down what a stamp is made of: a file's name with what is known of it, apart from whatever comes next.
fn write_stamp(bytes: &mut Vec<u8>, name: &OsStr, metadata: Option<&fs::Metadata>) {
    bytes.extend_from_slice(name.as_encoded_bytes());
    bytes.extend_from_slice(&[0, u8::from(metadata.is_some())]);
    let Some(metadata) = metadata else { return };
    bytes.extend_from_slice(&metadata.len().to_le_bytes());
    let changed = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    bytes.extend_from_slice(&changed.map_or(0, |since| since.as_nanos()).to_le_bytes());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // Of the three only this one cannot be set back by whoever writes the file.
        bytes.extend_from_slice(&metadata.ctime().to_le_bytes());
        bytes.extend_from_slice(&metadata.ctime_nsec().to_le_bytes());
        bytes.extend_from_slice(&metadata.ino().to_le_bytes());
    }
}
