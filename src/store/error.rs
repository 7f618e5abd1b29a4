//! What can go wrong with the store.

use std::path::PathBuf;

use crate::kinds::Address;
use crate::object::changeset::Stale;
use crate::object::lease::LeaseHolder;
use crate::object::suspension::Suspension;

/// A failed request to the store. Messages complete "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is a database of some other program. It was not touched.
    #[error("open {}: it is a database of another program", .0.display())]
    Foreign(PathBuf),
    /// The file is no database, or a damaged one. It was not touched.
    #[error("open {}: it is not a database, or it is damaged", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What the database library says.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The file was written by a newer version of this program. It was not touched.
    #[error("open {}: its format is {found}, this program knows formats up to {known}", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The file was written by an older version and has to be opened for writing once.
    #[error("read {}: its format is {found}; opening it for writing brings it to {known}", .path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The format known here.
        known: i64,
    },
    /// A write-ahead log without its index lies beside the file, and an index cannot be made without writing.
    #[error("read {}: it was not closed; opening it for writing once brings in what lies beside it", .0.display())]
    Unclosed(PathBuf),
    /// The database file cannot be opened.
    #[error("open {}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// A file or folder cannot be made or read.
    #[error("{action} {}", .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The master key is not the one the file was made with.
    #[error("open {}: the master key is not the one its secrets were encrypted with", .0.display())]
    WrongKey(PathBuf),
    /// The file needs its master key and there is none.
    #[error("open {}: its master key is missing (neither given nor in {})", .path.display(), .key_file.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// Where the key is kept.
        key_file: PathBuf,
    },
    /// The key file can be read or written by others than its owner.
    #[error("read the key file {path}: it is open to others than its owner: run `chmod 600 {path}`", path = .0.display())]
    ExposedKey(PathBuf),
    /// There is a folder where the file should be.
    #[error("open {}: it is a folder, not a database", .0.display())]
    Folder(PathBuf),
    /// The file cannot be written to.
    #[error("write to {}: {what} is read-only", .path.display())]
    ReadOnly {
        /// The database file.
        path: PathBuf,
        /// What is read-only, as far as it is known.
        what: &'static str,
    },
    /// A text or file that should be a master key is none.
    #[error("read the master key: 32 bytes are needed, as 64 hex digits or as base64")]
    BadKey,
    /// The object is not there.
    #[error("find {0}: there is no such object")]
    Absent(Address),
    /// Objects are not as expected. Nothing was written.
    #[error("write: {} object(s) changed meanwhile", .0.len())]
    Conflict(Vec<Stale>),
    /// The plan id was applied with another content. Nothing was written.
    #[error("write: another plan was applied under the same id")]
    PlanReused,
    /// The content breaks a rule. Nothing was written.
    #[error("write {}: {reason}", .address.as_ref().map_or_else(|| "the changeset".to_owned(), ToString::to_string))]
    Rejected {
        /// The object at fault, if it is one.
        address: Option<Address>,
        /// The rule.
        reason: String,
    },
    /// More secrets were compared than anybody needs who is not guessing.
    #[error("compare secrets: more than {limit} comparisons a minute")]
    TooManyComparisons {
        /// Comparisons a minute and project.
        limit: u32,
    },
    /// Another plan holds the lease.
    #[error("take the lease: {} holds it until {}", .0.actor, .0.expires_at)]
    LeaseHeld(LeaseHolder),
    /// What was to be written is suspended, and the changeset heeds that. Nothing was written.
    #[error("write: it is suspended: {}", .0.reason)]
    Suspended(Box<Suspension>),
    /// The lease ran out, was taken away or passed to another. Nothing was written.
    #[error("write: the lease was lost")]
    LeaseLost,
    /// The disk is full. Nothing was written.
    #[error("write: the disk is full; nothing was written")]
    Full,
    /// Another process kept the file locked for longer than the waiting time. Nothing was written.
    #[error("use the store: another process has kept it locked for 10 seconds")]
    Busy,
    /// The store was closed.
    #[error("use the store: it was closed")]
    Closed,
    /// A stored object cannot be read.
    #[error("read {what}: what is stored is damaged: {reason}")]
    Corrupt {
        /// The object, or the table.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The operating system gave no random bytes.
    #[error("get random bytes")]
    Random(#[source] getrandom::Error),
    /// The end of the write was not confirmed: it may or may not have happened.
    #[error("learn whether the write happened")]
    UnknownOutcome(#[source] Box<sqlx::Error>),
    /// Any other failure of the database.
    #[error("use the store")]
    Database(#[source] Box<sqlx::Error>),
}

impl StoreError {
    pub(super) fn rejected(address: &Address, reason: impl Into<String>) -> Self {
        Self::Rejected { address: Some(address.clone()), reason: reason.into() }
    }

    pub(super) fn corrupt(what: &(impl ToString + ?Sized), reason: &(impl ToString + ?Sized)) -> Self {
        Self::Corrupt { what: what.to_string(), reason: reason.to_string() }
    }

    /// For a failed commit: what is not plainly a refusal leaves the outcome open.
    pub(super) fn of_commit(error: sqlx::Error) -> Self {
        match Self::from(error) {
            Self::Database(source) => Self::UnknownOutcome(source),
            known => known,
        }
    }
}

/// SQLite's primary result codes that are told apart.
pub(super) mod codes {
    pub(in crate::store) const BUSY: i32 = 5;
    pub(in crate::store) const LOCKED: i32 = 6;
    pub(in crate::store) const READONLY: i32 = 8;
    pub(in crate::store) const IOERR: i32 = 10;
    pub(in crate::store) const CORRUPT: i32 = 11;
    pub(in crate::store) const FULL: i32 = 13;
    pub(in crate::store) const CANTOPEN: i32 = 14;
    pub(in crate::store) const NOTADB: i32 = 26;
}

/// The primary result code of an error of SQLite.
pub(super) fn code_of(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// Why the database failed, in one sentence: the library's own errors say it twice, once around and once within.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    /// The cause of an error.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        let said = error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
        Self(match code_of(error) {
            Some(codes::READONLY) => "the file, its folder or its disk is read-only".to_owned(),
            Some(codes::IOERR) => format!("the disk cannot be read or written ({said})"),
            Some(codes::CORRUPT) => "the file is damaged".to_owned(),
            Some(codes::CANTOPEN) => "the file, or one beside it, cannot be opened or made".to_owned(),
            Some(codes::NOTADB) => "the file is not a database".to_owned(),
            Some(_) | None => said,
        })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolClosed) {
            return Self::Closed;
        }
        match code_of(&error) {
            Some(codes::FULL) => Self::Full,
            Some(codes::BUSY | codes::LOCKED) => Self::Busy,
            Some(codes::CORRUPT | codes::NOTADB) => Self::corrupt("the database", &Cause::of(&error)),
            Some(_) | None => Self::Database(Box::new(error)),
        }
    }
}
