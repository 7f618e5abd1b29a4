//! A folder that says by itself when something in it was saved. What it says only ends a wait early: whether anything
//! moved is learnt by looking, and the look at each interval finds what no event told.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecursiveMode, Watcher as _};

use super::folder::counts;
use crate::base::error_text::chain;

/// So long nothing more may be saved before it is told: editors and `git checkout` write many files.
const QUIET: Duration = Duration::from_millis(200);
/// After so long it is told all the same.
const LONGEST: Duration = Duration::from_secs(1);

/// A folder that is watched as long as this lives.
#[derive(Debug)]
pub struct Watch {
    _watcher: notify::RecommendedWatcher,
}

/// Why a folder cannot be watched: "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system does not do it: too many watches, a file system that tells nothing.
    #[error("watch {}: {reason}", .folder.display())]
    System {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// No thread can be started.
    #[error("start a thread that watches")]
    Thread(#[source] std::io::Error),
}

impl Watch {
    /// Watches a folder and all below it. `saved` is called soon after something was saved in it that counts, once for
    /// all that is saved together.
    ///
    /// # Errors
    /// When that cannot be done; whoever looks now and then misses nothing.
    pub fn start(folder: &Path, saved: impl Fn() + Send + 'static) -> Result<Self, WatchError> {
        let failed = |error: &notify::Error| WatchError::System { folder: folder.to_owned(), reason: chain(error) };
        let (sender, receiver) = mpsc::channel();
        // Events name files by the folder as it was given to the watcher.
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let seen = Seen { root: root.clone(), sender };
        let mut watcher = notify::recommended_watcher(move |event| seen.hear(event)).map_err(|error| failed(&error))?;
        watcher.watch(&root, RecursiveMode::Recursive).map_err(|error| failed(&error))?;
        let told = thread::Builder::new().name("watch".to_owned()).spawn(move || tell(&receiver, &saved));
        told.map_err(WatchError::Thread)?;
        Ok(Self { _watcher: watcher })
    }
}

struct Seen {
    root: PathBuf,
    sender: Sender<()>,
}

impl Seen {
    fn hear(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) => {
                let of_interest =
                    event.need_rescan() || event.paths.iter().any(|path| is_of_interest(&self.root, path));
                if of_interest && !matches!(event.kind, EventKind::Access(_)) {
                    // Whoever is gone needs to hear nothing.
                    let _ = self.sender.send(());
                }
            }
            Err(error) => tracing::warn!(error = chain(&error), "the folder could not be watched for a moment"),
        }
    }
}

/// Whether a file counts: neither it nor a folder above it begins with a dot.
fn is_of_interest(root: &Path, path: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(|path| path.components().all(|part| counts(part.as_os_str())))
}

/// Waits for events until there is nobody left to send any, and tells of those that come together once.
fn tell(events: &Receiver<()>, saved: &dyn Fn()) {
    while events.recv().is_ok() {
        let first = Instant::now();
        while first.elapsed() < LONGEST {
            match events.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        saved();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_told_and_hidden_files_are_not_heard_of() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(".trueup")).unwrap();
        std::fs::create_dir_all(folder.path().join("deep")).unwrap();
        let (told, heard) = mpsc::channel();
        let watch = Watch::start(folder.path(), move || told.send(()).unwrap()).unwrap();
        std::fs::write(folder.path().join("deep/a.yaml"), "a").unwrap();
        heard.recv_timeout(Duration::from_mins(1)).unwrap();
        drop(watch);
        // The other end is gone with the watch, whatever was saved meanwhile.
        while heard.recv().is_ok() {}
        assert!(Watch::start(&folder.path().join("gone"), || ()).is_err());

        let root = Path::new("/project");
        assert!(is_of_interest(root, Path::new("/project/a/b.yaml")));
        assert!(is_of_interest(root, Path::new("/project/.trueupignore")));
        assert!(!is_of_interest(root, Path::new("/project/.trueup/local.db-wal")));
        assert!(!is_of_interest(root, Path::new("/project/a/.b.yaml.swp")));
        assert!(!is_of_interest(root, Path::new("/other/a.yaml")));
    }
}
