//! What was told already, so that a tick that finds the same says nothing.
//!
//! Kept in memory, and beside a clone in its state folder, so that a restart repeats nothing either.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::commit_status::CommitState;
use crate::base::digest::Digest;
use crate::base::ident::Revision;

/// The version of the file: of another one nothing is read.
const VERSION: u32 = 1;
/// The largest file that is read, in bytes: drift of a hundred thousand objects.
const LIMIT: u64 = 16 * 1024 * 1024;

/// What was told of every project, by its path in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    version: u32,
    projects: BTreeMap<String, ProjectNotes>,
}

/// What was told of one project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectNotes {
    /// Its name, once it was known: a broken manifest later takes nothing away from that.
    pub project: Option<String>,
    /// Its target.
    pub target: Option<String>,
    /// Ticks in a row that failed.
    pub failures: u32,
    /// Whether `failing` was told and not yet `recovered`.
    pub failing: bool,
    /// The refusal that was told and is not over.
    pub refused: Option<Digest>,
    /// The drift that was told and is still there.
    pub drift: BTreeSet<Digest>,
    /// The fights that were told, by address, and are still stopped.
    pub fights: BTreeMap<String, Digest>,
    /// The suspension that was told and is still in force.
    pub suspension: Option<Digest>,
    /// The revision of the last apply that was told.
    pub applied: Option<Revision>,
    /// The state that a commit was last given.
    pub status: Option<StatusNote>,
}

/// The state that a commit was last given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusNote {
    /// The commit.
    pub commit: String,
    /// Its state.
    pub state: CommitState,
}

impl Notes {
    /// What was told of a project.
    pub fn of(&mut self, path: &str) -> &mut ProjectNotes {
        self.projects.entry(path.to_owned()).or_default()
    }
}

/// The file that notes are kept in.
#[derive(Debug)]
pub struct NotesFile {
    path: PathBuf,
    written: Notes,
    /// Whether it was told that it cannot be written.
    complained: bool,
}

impl NotesFile {
    /// The file in this folder, and what it says. One that cannot be read says nothing, which costs events told again.
    #[must_use]
    pub fn open(folder: &Path) -> (Self, Notes) {
        let path = folder.join("told.json");
        let notes = match read(&path) {
            Ok(notes) => notes,
            Err(reason) => {
                let file = path.display();
                tracing::warn!(%file, %reason, "what was told before is not known: some of it is told again");
                Notes::default()
            }
        };
        (Self { path, written: notes.clone(), complained: false }, notes)
    }

    /// Writes notes that changed. A disk that is full costs events told again after a restart, and nothing else; it is
    /// said once, and again only after there was room in between.
    pub fn keep(&mut self, notes: &Notes) {
        if let Some(error) = self.complaint(notes) {
            let file = self.path.display();
            tracing::warn!(%file, %error, "what was told cannot be kept: some of it is told again after a restart");
        }
    }

    fn complaint(&mut self, notes: &Notes) -> Option<std::io::Error> {
        if *notes == self.written {
            return None;
        }
        match write(&self.path, notes) {
            Ok(()) => {
                self.written = notes.clone();
                self.complained = false;
                None
            }
            Err(error) => (!std::mem::replace(&mut self.complained, true)).then_some(error),
        }
    }
}

fn read(path: &Path) -> Result<Notes, String> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > LIMIT => return Err(format!("it is larger than {LIMIT} bytes")),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Notes::default()),
        Err(error) => return Err(error.to_string()),
    }
    let text = fs::read(path).map_err(|error| error.to_string())?;
    let notes: Notes = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    if notes.version == VERSION { Ok(notes) } else { Err(format!("it is of version {}", notes.version)) }
}

/// Written beside and put in place, so that a kill leaves the old or the new one.
fn write(path: &Path, notes: &Notes) -> std::io::Result<()> {
    let text = serde_json::to_vec(&Notes { version: VERSION, projects: notes.projects.clone() })?;
    let beside = path.with_extension("json.new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_and_broken_ones_are_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut file, mut notes) = NotesFile::open(folder.path());
        assert_eq!(notes, Notes::default());
        file.keep(&notes);
        assert!(!folder.path().join("told.json").exists(), "nothing to keep");
        notes.of("acme").failing = true;
        notes.of("acme").drift.insert(Digest::of_bytes(b"x"));
        notes.of("acme").status = Some(StatusNote { commit: "c".into(), state: CommitState::Success });
        file.keep(&notes);
        let (_, mut again) = NotesFile::open(folder.path());
        assert_eq!(again.of("acme"), notes.of("acme"));
        for broken in ["{", "[]", r#"{"version":2,"projects":{}}"#] {
            fs::write(folder.path().join("told.json"), broken).expect("a file");
            assert_eq!(NotesFile::open(folder.path()).1, Notes::default(), "{broken}");
        }
        // A later version may note more of a project, and less.
        fs::write(folder.path().join("told.json"), r#"{"version":1,"projects":{"a":{"more":1}}}"#).expect("a file");
        assert_eq!(*NotesFile::open(folder.path()).1.of("a"), ProjectNotes::default());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_complained_of_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("state");
        let (mut file, mut notes) = NotesFile::open(&inner);
        notes.of("acme").failing = true;
        assert!(file.complaint(&notes).is_some(), "there is no such folder");
        assert!(file.complaint(&notes).is_none());
        notes.of("acme").failures = 2;
        assert!(file.complaint(&notes).is_none());
        fs::create_dir(&inner).expect("a folder");
        assert!(file.complaint(&notes).is_none());
        assert_eq!(NotesFile::open(&inner).1.of("acme").failures, 2, "written as soon as it can be");
        fs::remove_dir_all(&inner).expect("a folder");
        notes.of("acme").failures = 3;
        assert!(file.complaint(&notes).is_some(), "it had worked in between");
    }
}
