//! A git repository, through the `git` command: one ref of it in a shallow clone that only ever moves forward.
//!
//! The clone remembers the commit in use as a ref of its own (`CURRENT`), moved only once that commit's files are in
//! place: whatever is killed when, the next look begins with a complete commit. Credentials are git's affair, and it may
//! not ask for any.

mod command;
mod naming;

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Sighting, SourceError};
use crate::base::digest::Digest;
use crate::manifest::PROJECT_FILE;
use command::Git as Command;
use naming::{folders, full_reference};

/// The commit whose files are in place.
const CURRENT: &str = "refs/trueup/current";
/// `ssh` that fails where it would ask.
const SSH: &str = "ssh -o BatchMode=yes";
/// How long a clone's folder may be in use before that is said.
const PATIENCE: Duration = Duration::from_secs(1);
/// The commit that was fetched last.
const FETCHED: &str = "refs/trueup/fetched";
/// What git holds while it writes into a clone.
const INDEX_LOCK: &str = "index.lock";
/// And the others, which one that was killed leaves behind as well.
const LOCKS: [&str; 7] = [
    INDEX_LOCK,
    "HEAD.lock",
    "config.lock",
    "packed-refs.lock",
    "shallow.lock",
    "refs/trueup/current.lock",
    "refs/trueup/fetched.lock",
];

/// What to follow.
#[derive(Clone)]
pub struct GitSettings {
    /// The repository, as git takes it.
    pub url: String,
    /// A branch's name, or a whole ref such as `refs/tags/v1`.
    pub reference: String,
    /// The projects' folders in it; the repository's own when empty. One that is named twice counts once.
    pub paths: Vec<PathBuf>,
    /// Take only commits whose signature git verifies.
    pub verify_signatures: bool,
    /// Whether nothing in the surroundings says how to run `ssh`: then it runs so that it asks nobody anything.
    pub plain_ssh: bool,
    /// Where clones are kept.
    pub state: PathBuf,
    /// Whether somebody asked to stop: a command of git's that goes on then is ended.
    pub interrupted: fn() -> bool,
}

impl fmt::Debug for GitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, reference, paths, verify_signatures, plain_ssh: _, state, interrupted: _ } = self;
        f.debug_struct("GitSettings")
            .field("url", &command::without_password(url))
            .field("reference", reference)
            .field("paths", paths)
            .field("verify_signatures", verify_signatures)
            .field("state", state)
            .finish_non_exhaustive()
    }
}

/// A repository that is followed.
#[derive(Debug)]
pub struct Git {
    settings: GitSettings,
    reference: String,
    folders: Vec<PathBuf>,
    clone: PathBuf,
    ssh: Option<&'static str>,
    /// Held as long as this lives, and every git that it ran: two that check out into one folder would mix two commits.
    lock: File,
    /// The commit whose files are in place; none while that is not certain.
    current: Option<String>,
    /// Whether something was ended in the middle, so that the clone is to be put in order before anything else.
    is_untidy: bool,
    /// When it was made.
    current_at: Option<Timestamp>,
    /// What the remote said last of the ref, and was dealt with.
    remote: Option<String>,
}

impl Git {
    /// Takes hold of the clone's folder, and of what is in it from an earlier run.
    ///
    /// # Errors
    /// When the ref or a path is none, the folder cannot be made, another is at work in it, or there is no git.
    pub fn open(settings: GitSettings) -> Result<Self, SourceError> {
        let reference = full_reference(&settings.reference)?;
        let folders = folders(&settings.paths)?;
        let name = Digest::of_parts([settings.url.as_bytes(), reference.as_bytes()]).short();
        let clone = settings.state.join(name.trim_start_matches("sha256:"));
        let lock = hold(&clone)?;
        let mut git = Self {
            settings,
            reference,
            folders,
            clone,
            ssh: None,
            lock,
            current: None,
            is_untidy: false,
            current_at: None,
            remote: None,
        };
        git.restore()?;
        Ok(git)
    }

    /// The folder of the clone.
    #[must_use]
    pub fn clone_folder(&self) -> &Path {
        &self.clone
    }

    /// The whole ref that is followed.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The repository, as it may be shown: without a user and a password.
    #[must_use]
    pub fn shown_url(&self) -> String {
        command::without_password(&self.settings.url)
    }

    /// The ways to the projects in it, in the order of [`Self::see`].
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.folders.iter().map(|path| path.display().to_string()).collect()
    }

    fn git(&self) -> Command<'_> {
        Command::within(&self.clone, &self.lock, self.ssh, self.settings.interrupted)
    }

    /// Puts in order what a run, or a git, that was killed may have left.
    fn restore(&mut self) -> Result<(), SourceError> {
        self.current = None;
        let files = self.clone.join(".git");
        let was_writing = files.join(INDEX_LOCK).exists();
        // Nobody else is at work in here, so that a lock of git's is one of a git that was killed.
        for left in LOCKS {
            let _ = fs::remove_file(files.join(left));
        }
        self.git().run("make a repository", &["init", "--quiet"])?;
        let configured = self.git().run("read the configuration", &["config", "--get", "core.sshCommand"]);
        self.ssh = (self.settings.plain_ssh && configured.is_err()).then_some(SSH);
        if was_writing && let Some(commit) = self.resolve(FETCHED) {
            // Files that git wrote and had not yet noted would stay beside those of another commit. Now it notes them.
            let _ = self.check_out(&commit);
        }
        let Some(commit) = self.resolve(CURRENT) else { return Ok(()) };
        match self.verify(&commit) {
            // It came here when signatures were not asked for; why it is not used is said when the repository is asked.
            Err(SourceError::Unsigned { .. }) => return Ok(()),
            verified => verified?,
        }
        self.check_out(&commit)?;
        self.current_at = self.time_of(&commit);
        self.current = Some(commit);
        Ok(())
    }

    /// When a commit was made, as its committer says.
    fn time_of(&self, commit: &str) -> Option<Timestamp> {
        let said = self
            .git()
            .run("read the commit's time", &["show", "--no-patch", "--no-show-signature", "--format=%ct", commit])
            .ok()?;
        Timestamp::from_second(said.trim().parse().ok()?).ok()
    }

    fn resolve(&self, reference: &str) -> Option<String> {
        let commit = format!("{reference}^{{commit}}");
        let found = self.git().run("read the commit in use", &["rev-parse", "--quiet", "--verify", &commit]);
        found.ok().map(|commit| commit.trim().to_owned())
    }

    /// A ref that names a commit in a file of its own, without running git for it.
    fn loose(&self, reference: &str) -> Option<String> {
        let text = fs::read_to_string(self.clone.join(".git").join(reference)).ok()?;
        let name = text.trim();
        // SHA-1 or SHA-256; anything else is for git to understand.
        let is_name = matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_name.then(|| name.to_owned())
    }

    /// Brings the clone up to date, one small question when nothing moved. On an error nothing has changed, and
    /// [`Self::see`] goes on with the commit in use.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn update(&mut self) -> Result<(), SourceError> {
        if !self.clone.join(".git").is_dir() {
            // Somebody took the folder away: it is made anew, as at the start.
            if !self.clone.with_extension("lock").exists() {
                self.lock = hold(&self.clone)?;
            }
            fs::create_dir_all(&self.clone).map_err(|error| SourceError::File {
                action: "make the folder",
                path: self.clone.clone(),
                reason: error.to_string(),
            })?;
            self.is_untidy = true;
        }
        if self.is_untidy {
            self.restore()?;
            self.is_untidy = false;
        }
        let updated = self.follow();
        self.is_untidy |= matches!(updated, Err(SourceError::TooSlow { .. } | SourceError::Interrupted { .. }));
        updated
    }

    fn follow(&mut self) -> Result<(), SourceError> {
        let listed = self
            .git()
            .run("ask the repository", &["ls-remote", "--quiet", "--", &self.settings.url, &self.reference])?;
        let remote = listed.lines().find_map(|line| {
            let (commit, name) = line.split_once('\t')?;
            (name == self.reference).then(|| commit.to_owned())
        });
        let remote = remote.ok_or_else(|| SourceError::NoRef(self.reference.clone()))?;
        // A commit that was accepted by hand is told from one that was refused by the ref in the clone.
        let current = self.loose(CURRENT).or_else(|| self.resolve(CURRENT));
        if self.remote.as_ref() == Some(&remote) && current == self.current && current.is_some() {
            return Ok(());
        }
        self.move_to(current.as_deref())?;
        self.remote = Some(remote);
        Ok(())
    }

    fn move_to(&mut self, current: Option<&str>) -> Result<(), SourceError> {
        let wanted = format!("+{}:{FETCHED}", self.reference);
        let mut words = vec!["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
        // The first time nothing but the commit; later what lies between, for only that shows that it moved forward.
        if current.is_none() {
            words.push("--depth=1");
        }
        words.extend(["--", &self.settings.url, &wanted]);
        self.git().run("fetch from the repository", &words)?;
        let new = self.resolve(FETCHED).ok_or_else(|| SourceError::NoRef(self.reference.clone()))?;
        if let Some(old) = current
            && !self.is_forward(old, &new)?
        {
            let accept = format!("git -C {} update-ref {CURRENT} {new}", self.clone.display());
            return Err(SourceError::Rewritten { old: old.to_owned(), new, accept });
        }
        self.verify(&new)?;
        // From here on files change.
        self.current = None;
        if let Err(error) = self.put_in_place(&new) {
            self.is_untidy = !matches!(error, SourceError::Interrupted { .. }) && self.restore().is_err();
            return Err(error);
        }
        self.current_at = self.time_of(&new);
        self.current = Some(new);
        Ok(())
    }

    fn put_in_place(&self, commit: &str) -> Result<(), SourceError> {
        self.check_out(commit)?;
        self.git().run("note the commit", &["update-ref", CURRENT, commit]).map(|_| ())
    }

    /// Whether the commit may be used: where signatures are asked for, its own is good.
    fn verify(&self, commit: &str) -> Result<(), SourceError> {
        if !self.settings.verify_signatures {
            return Ok(());
        }
        let verified = self.git().run("verify the commit", &["verify-commit", commit]);
        verified.map(|_| ()).map_err(|error| match error {
            SourceError::Git { action: _, said } => {
                let said = if said.is_empty() { "it has no signature".to_owned() } else { said };
                SourceError::Unsigned { commit: commit.to_owned(), said }
            }
            other => other,
        })
    }

    fn is_forward(&self, old: &str, new: &str) -> Result<bool, SourceError> {
        match self.git().run("compare commits", &["merge-base", "--is-ancestor", old, new]) {
            Ok(_) => Ok(true),
            Err(SourceError::Git { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    fn check_out(&self, commit: &str) -> Result<(), SourceError> {
        self.git().run("check out the commit", &["checkout", "--quiet", "--force", "--detach", commit]).map(|_| ())
    }

    /// The projects at the commit in use; none before the first that was fetched.
    #[must_use]
    pub fn see(&self) -> Vec<(String, Result<Sighting, SourceError>)> {
        let Some(commit) = &self.current else { return Vec::new() };
        self.folders.iter().map(|path| (path.display().to_string(), self.see_one(path, commit))).collect()
    }

    fn see_one(&self, path: &Path, commit: &str) -> Result<Sighting, SourceError> {
        let shown = path.display().to_string();
        let folder = self.clone.join(path);
        // A link in the repository must not lead out of it.
        let resolved = folder.canonicalize().ok();
        let inside = self.clone.canonicalize().ok().zip(resolved).filter(|(clone, folder)| folder.starts_with(clone));
        let (clone, folder) = inside.ok_or_else(|| SourceError::NoFolder(shown.clone()))?;
        // Of a folder without one, discovery would make the project around the clone, or one of its own.
        let above = folder.ancestors().take_while(|folder| folder.starts_with(&clone));
        let file = above.map(|folder| folder.join(PROJECT_FILE)).find(|file| file.is_file());
        let is_inside = |file: &PathBuf| file.canonicalize().is_ok_and(|file| file.starts_with(&clone));
        file.filter(is_inside).ok_or_else(|| SourceError::NoProject(shown.clone()))?;
        let state = Digest::of_parts([commit.as_bytes(), shown.as_bytes()]);
        Ok(Sighting { folder, path: shown, state, commit: Some(commit.to_owned()), committed_at: self.current_at })
    }
}

/// Makes the clone's folder where there is none, and holds it for this process alone.
fn hold(clone: &Path) -> Result<File, SourceError> {
    let failed = |action, path: &Path, error: &dyn std::fmt::Display| SourceError::File {
        action,
        path: path.to_owned(),
        reason: error.to_string(),
    };
    fs::create_dir_all(clone).map_err(|error| failed("make the folder", clone, &error))?;
    let lock_path = clone.with_extension("lock");
    let lock = File::options().create(true).truncate(false).read(true).write(true).open(&lock_path);
    let lock = lock.map_err(|error| failed("make the file", &lock_path, &error))?;
    let begin = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            // A git of one that was killed may be about to end.
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => thread::sleep(PATIENCE / 20),
            Err(TryLockError::WouldBlock) => return Err(SourceError::Held(clone.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &lock_path, &error)),
        }
    }
}

#[cfg(test)]
mod tests;
