//! Reads the files that calls name by URL: only regular files in folders that were allowed when the server started.
//!
//! The path of a URL is taken letter for letter (see [`FileUrl`]). With all its symbolic links followed it must lie below
//! an allowed folder; the file that was opened must then be the one that was looked at, so that nobody who can write in
//! the folder gets another file read by exchanging a link in between.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::behaviour::hook::file_url::FileUrl;

/// The folders calls may read from. None by default.
#[derive(Clone, Debug, Default)]
pub struct AllowedFolders(Vec<PathBuf>);

/// A folder that cannot be allowed. Messages complete "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It does not exist, or cannot be looked at.
    #[error("allow files from {}", .path.display())]
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is a file.
    #[error("allow files from {}: it is no folder", .0.display())]
    NoFolder(PathBuf),
    /// It is the root: every file of the machine.
    #[error("allow files from {}: it is the root of all files", .0.display())]
    Root(PathBuf),
}

/// A file that is not read.
#[derive(Debug, thiserror::Error)]
pub enum FileRefused {
    /// It lies in no allowed folder, or does not exist at all: which of the two is not told.
    #[error("the file lies in no folder that the server reads files from")]
    NotAllowed,
    /// It lies in an allowed folder and does not exist, is no regular file, or cannot be read.
    #[error("the file does not exist or cannot be read")]
    Unreadable,
    /// It is larger than is taken.
    #[error("the file is larger than the {0} bytes that are left for it")]
    TooLarge(usize),
}

/// A file that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct ReadFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// When it was last changed, where the system knows.
    pub modified: Option<Timestamp>,
}

impl AllowedFolders {
    /// Allows these folders; relative ones start at the process's working folder.
    ///
    /// # Errors
    /// The first that is no folder.
    pub fn new(folders: &[PathBuf]) -> Result<Self, FolderError> {
        let resolve = |path: &PathBuf| {
            let resolved = path.canonicalize();
            let resolved = resolved.map_err(|source| FolderError::Unreadable { path: path.clone(), source })?;
            if !resolved.is_dir() {
                return Err(FolderError::NoFolder(path.clone()));
            }
            if resolved.parent().is_none() {
                return Err(FolderError::Root(path.clone()));
            }
            Ok(resolved)
        };
        Ok(Self(folders.iter().map(resolve).collect::<Result<_, _>>()?))
    }

    /// Whether no file is read at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// Not guaranteed: that a file which is written to meanwhile is read as of one moment.
    ///
    /// # Errors
    /// See [`FileRefused`].
    pub async fn read(&self, url: &FileUrl, limit: usize) -> Result<ReadFile, FileRefused> {
        if self.is_empty() {
            return Err(FileRefused::NotAllowed);
        }
        let (folders, path) = (self.clone(), url.path().to_owned());
        // A folder may be on a disk that is slow.
        let read = tokio::task::spawn_blocking(move || folders.read_now(&path, limit)).await;
        read.map_err(|_| FileRefused::Unreadable)?
    }

    fn read_now(&self, path: &Path, limit: usize) -> Result<ReadFile, FileRefused> {
        let resolved = path.canonicalize().map_err(|_| self.missing(path))?;
        if !self.allow(&resolved) {
            return Err(FileRefused::NotAllowed);
        }
        let unreadable = |_| FileRefused::Unreadable;
        let seen = resolved.symlink_metadata().map_err(unreadable)?;
        // Opening a pipe or a device could wait for ever, or do something.
        if !seen.is_file() {
            return Err(FileRefused::Unreadable);
        }
        let file = open(&resolved).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let still = path.canonicalize().map_err(unreadable)?;
        if !metadata.is_file() || !is_same(&seen, &metadata) || still != resolved {
            return Err(FileRefused::Unreadable);
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() > limit {
            return Err(FileRefused::TooLarge(limit));
        }
        let modified = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        Ok(ReadFile { bytes, modified })
    }

    fn allow(&self, resolved: &Path) -> bool {
        self.0.iter().any(|folder| resolved.starts_with(folder) && resolved != folder)
    }

    /// What is said of a path that leads nowhere: only below an allowed folder that it does not exist.
    fn missing(&self, path: &Path) -> FileRefused {
        let parent = path.ancestors().skip(1).find_map(|parent| parent.canonicalize().ok());
        match parent {
            Some(parent) if self.0.iter().any(|folder| parent.starts_with(folder)) => FileRefused::Unreadable,
            Some(_) | None => FileRefused::NotAllowed,
        }
    }
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // `O_NONBLOCK`: were the file exchanged for a pipe in this moment, opening it would not wait for a writer. A number,
    // because the constant's crate is no dependency; systems on which it has another value read without it.
    const NON_BLOCKING: i32 = if cfg!(target_os = "linux") { 0o4000 } else { 0 };
    OpenOptions::new().read(true).custom_flags(NON_BLOCKING).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len() && one.modified().ok() == other.modified().ok()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Fixture {
        folder: tempfile::TempDir,
        allowed: AllowedFolders,
    }

    #[expect(clippy::expect_used, reason = "a test that cannot go on fails, and says why")]
    impl Fixture {
        /// A folder `in` that is allowed beside one `out` that is not.
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for name in ["in", "in/deep", "out", "inner"] {
                fs::create_dir(folder.path().join(name)).expect("a folder");
            }
            for name in ["in/a.txt", "in/deep/b.txt", "out/secret.txt", "inner/c.txt"] {
                fs::write(folder.path().join(name), "hi").expect("a file");
            }
            let allowed = AllowedFolders::new(&[folder.path().join("in")]).expect("allowed");
            Self { folder, allowed }
        }

        async fn read(&self, path: &str) -> Result<ReadFile, FileRefused> {
            let url = format!("file://{}/{path}", self.folder.path().display());
            self.allowed.read(&FileUrl::parse(&url).expect("a URL"), 2).await
        }
    }

    #[tokio::test]
    async fn files_below_an_allowed_folder_are_read() {
        let fixture = Fixture::new();
        for path in ["in/a.txt", "in/deep/b.txt"] {
            let file = fixture.read(path).await.expect("read");
            assert_eq!(file.bytes, b"hi");
            assert!(file.modified.is_some());
        }
        symlink("deep/b.txt", fixture.folder.path().join("in/link")).expect("a link");
        assert_eq!(fixture.read("in/link").await.expect("read").bytes, b"hi");
    }

    #[tokio::test]
    async fn others_are_not_and_nothing_is_told_of_them() {
        let fixture = Fixture::new();
        let root = fixture.folder.path();
        symlink(root.join("out/secret.txt"), root.join("in/file-link")).expect("a link");
        symlink(root.join("out"), root.join("in/folder-link")).expect("a link");
        symlink("../out", root.join("in/relative-link")).expect("a link");
        for path in [
            "out/secret.txt",
            "out/absent.txt",
            "inner/c.txt",
            "in/file-link",
            "in/folder-link/secret.txt",
            "in/folder-link/absent.txt",
            "in/relative-link/secret.txt",
        ] {
            assert!(matches!(fixture.read(path).await, Err(FileRefused::NotAllowed)), "{path}");
        }
        let none = AllowedFolders::default();
        let url = FileUrl::parse("file:///etc/hostname").expect("a URL");
        assert!(matches!(none.read(&url, 2).await, Err(FileRefused::NotAllowed)));
        let etc = fixture.allowed.read(&url, 2).await;
        assert!(matches!(etc, Err(FileRefused::NotAllowed)));
    }

    #[tokio::test]
    async fn what_is_no_file_or_too_large_is_refused() {
        let fixture = Fixture::new();
        for path in ["in/absent.txt", "in/deep", "in/absent/deeper", "in/a.txt/below"] {
            assert!(matches!(fixture.read(path).await, Err(FileRefused::Unreadable)), "{path}");
        }
        fs::write(fixture.folder.path().join("in/large"), "abc").expect("a file");
        assert!(matches!(fixture.read("in/large").await, Err(FileRefused::TooLarge(2))));
        let socket = std::os::unix::net::UnixListener::bind(fixture.folder.path().join("in/socket"));
        let _socket = socket.expect("a socket");
        assert!(matches!(fixture.read("in/socket").await, Err(FileRefused::Unreadable)));
    }

    #[test]
    fn only_folders_are_allowed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        fs::write(&file, "").expect("a file");
        assert!(matches!(AllowedFolders::new(&[file]), Err(FolderError::NoFolder(_))));
        let absent = folder.path().join("b");
        assert!(matches!(AllowedFolders::new(&[absent]), Err(FolderError::Unreadable { .. })));
        assert!(matches!(AllowedFolders::new(&["/".into()]), Err(FolderError::Root(_))));
    }
}
