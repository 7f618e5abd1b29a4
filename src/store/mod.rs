//! The object store: one SQLite file for any number of projects, used in-process by the embedded provider and by the
//! server.
//!
//! A write is one transaction. What it touches is read into a `stage`, changed there by plain code, and written back
//! with one statement per table whatever the number of objects; so a rule that is broken by the last write of a
//! changeset leaves nothing behind, and ten thousand objects cost a dozen statements.
//!
//! Digests are computed here from what is stored, never taken from a caller. The store reads no environment and no
//! clock of its own.

mod access;
mod audit;
mod by_hand;
mod changeset;
mod clock;
mod content;
mod deliveries;
mod error;
mod events;
mod flush;
mod key;
mod lease;
mod notifications;
mod objects;
mod open;
mod references;
mod rows;
mod runs;
mod schema;
mod secrets;
mod stage;
mod staged;
mod suspensions;
mod tokens;
mod unique;
mod users;
mod versions;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use sqlx::{Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{Mutex, MutexGuard, watch};

pub use access::{IssuedToken, KeyToVerify, NewKey, TokenAccess, TokenLookup};
pub use by_hand::{IfMatch, Put, PutOutcome, Removed};
pub use clock::Clock;
pub use deliveries::{DeliveryFilter, DueDelivery, DueLimit, PendingDestination, Redelivered};
pub use error::{Cause, StoreError};
pub use events::{AttemptEnd, DeliveryEnd, EventPlace, JournalOutcome, NewDelivery, NewEvent};
pub use key::MasterKey;
pub use notifications::{ListedNotification, PrunedMarks, SentDetails, SentNotification};
pub use objects::StoredVersion;
pub use runs::{NewRun, RunFilter, Saved};
pub use tokens::TokenOwner;

use key::Keys;
use secrets::Limiter;

/// A store open for reading. Has no method that writes.
pub struct ReadStore {
    source: Source,
    keys: Option<Keys>,
    clock: Clock,
    limiter: std::sync::Mutex<Limiter>,
}

enum Source {
    /// There is no file.
    Empty,
    File {
        pool: SqlitePool,
        path: PathBuf,
    },
}

/// A store open for writing.
pub struct Store {
    reads: ReadStore,
    /// SQLite has one writer at a time; waiting here is fair and wakes at once, waiting in SQLite is neither.
    writer: Mutex<Option<SqliteConnection>>,
    /// How many writes have changed objects; raised before the write is answered.
    changes: watch::Sender<u64>,
}

impl ReadStore {
    /// A view of one moment; `None` when there is no file. Rolls back when dropped.
    async fn view(&self) -> Result<Option<Transaction<'static, Sqlite>>, StoreError> {
        match &self.source {
            Source::Empty => Ok(None),
            Source::File { pool, .. } => Ok(Some(pool.begin().await?)),
        }
    }
}

impl AsRef<ReadStore> for ReadStore {
    fn as_ref(&self) -> &ReadStore {
        self
    }
}

impl AsRef<ReadStore> for Store {
    fn as_ref(&self) -> &ReadStore {
        &self.reads
    }
}

impl Store {
    /// Its reading side.
    #[must_use]
    pub fn reads(&self) -> &ReadStore {
        &self.reads
    }

    /// How many writes of this process have changed objects, to be asked and to be waited on.
    ///
    /// Guarantees: raised after a write is on disk and before it is answered, so that whoever was answered and then
    /// asks finds the higher count. Not guaranteed: anything about writes of other processes.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Tells that objects have changed.
    fn announce_change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    async fn writer(&self) -> Writer<'_> {
        Writer(self.writer.lock().await)
    }

    /// Gives back the disk space of what a full disk kept from being written: a log stays as long as it once was, and
    /// would leave no room even for a smaller write. A best effort: the write itself has failed already.
    async fn tidy_if_full<T>(&self, written: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(written, Err(StoreError::Full))
            && let Some(connection) = self.writer.lock().await.as_mut()
        {
            // Another process that is reading keeps the log as it is: nobody waits for that.
            let patience = open::BUSY_TIMEOUT.as_millis();
            let merge =
                format!("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = {patience}");
            if sqlx::raw_sql(sqlx::AssertSqlSafe(merge)).execute(&mut *connection).await.is_err() {
                let patience = format!("PRAGMA busy_timeout = {patience}");
                let _ = sqlx::raw_sql(sqlx::AssertSqlSafe(patience)).execute(connection).await;
            }
        }
        written
    }

    fn keys(&self) -> Result<&Keys, StoreError> {
        // A store open for writing always has its keys.
        self.reads.keys.as_ref().ok_or(StoreError::BadKey)
    }
}

struct Writer<'s>(MutexGuard<'s, Option<SqliteConnection>>);

impl Writer<'_> {
    /// Begins a transaction that may write. It must say so at once: one that begins by reading and then writes fails
    /// without waiting when another process has written in between.
    async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>, StoreError> {
        let connection = self.0.as_mut().ok_or(StoreError::Closed)?;
        Ok(connection.begin_with("BEGIN IMMEDIATE").await?)
    }
}
