//! Opening and closing: for writing, which makes what is missing, and for reading, which changes nothing of what is stored.
//!
//! At rest a store is one plain file: the last writer to close it merges the write-ahead log and switches it off. That
//! is what makes reading without a trace possible: SQLite can read a file in write-ahead mode only through an index
//! beside it, which it would have to make.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, watch};

use super::clock::Clock;
use super::error::{StoreError, code_of, codes};
use super::key::{Keys, MasterKey, private_file};
use super::schema::{self, FORMAT, Identity};
use super::secrets::Limiter;
use super::{ReadStore, Source, Store};

/// The folder of a project that is all data: neither the key nor the database may be committed by mistake.
const DATA_FOLDER: &str = ".trueup";
/// How long a request waits for another process before it fails with [`StoreError::Busy`].
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that read while the one that writes is at work.
const READERS: u32 = 4;

impl ReadStore {
    /// Opens a store for reading.
    ///
    /// Guarantees: nothing is made or changed, neither the file nor anything beside it; the folder need not be
    /// writable. Only what a killed process had begun is taken back, where it cannot be read around. A file that does
    /// not exist is an empty store, and stays one for this value even if it is made later. Without a key (neither given
    /// nor in its file) everything can be read, but no secret compared.
    ///
    /// Not guaranteed: reading a file that was copied without its write-ahead index: [`StoreError::Unclosed`].
    ///
    /// # Errors
    /// When the file is not a store, is damaged, is of another format, or the key is a wrong one.
    pub async fn open(path: &Path, key: Option<MasterKey>, clock: Clock) -> Result<Self, StoreError> {
        if !exists(path)? {
            return Ok(Self::new(Source::Empty, None, clock));
        }
        let mut options = quiet_options(path).await?;
        let mut found = look(path, &options).await;
        if needs_writing(&found) {
            // The index has no mark yet that says from where on the log is being read, and needs one. It exists, so
            // this makes nothing; the mark is no part of what is stored.
            options = self::options(&uri(path, "?mode=ro"))?;
            found = look(path, &options).await;
        }
        if needs_writing(&found) {
            take_back(path).await?;
            options = quiet_options(path).await?;
            found = look(path, &options).await;
        }
        let (mut connection, identity) = found?;
        let format = match identity {
            Identity::Empty => return Ok(Self::new(Source::Empty, None, clock)),
            Identity::Ours(format) => format,
        };
        if format < FORMAT {
            return Err(StoreError::Older { path: path.into(), found: format, known: FORMAT });
        }
        let key = key.map_or_else(|| MasterKey::read(&MasterKey::file_of(path)), |key| Ok(Some(key)))?;
        let keys = key.as_ref().map(Keys::new);
        if let (Some(keys), Some(check)) = (&keys, stored_check(&mut connection).await?)
            && keys.check() != check
        {
            return Err(StoreError::WrongKey(path.into()));
        }
        connection.close().await?;
        // One connection is enough for a plan, whose questions come one after another.
        let source = Source::File { pool: pool(options, 1), path: path.into() };
        Ok(Self::new(source, keys, clock))
    }

    fn new(source: Source, keys: Option<Keys>, clock: Clock) -> Self {
        Self { source, keys, clock, limiter: std::sync::Mutex::new(Limiter::default()) }
    }

    /// Ends the use of the file.
    pub async fn close(&self) {
        match &self.source {
            Source::Empty => {}
            Source::File { pool, .. } => pool.close().await,
        }
    }
}

impl Store {
    /// Opens a store for writing; makes its folder, its file and (when no key is given) its key file if they are missing.
    ///
    /// Guarantees: a file that is not ours, damaged, or of a newer format is not touched. What is made can be read by
    /// its owner only. Every write that was answered is on disk. Several processes may have the file open; their
    /// writes wait for each other for up to 10 seconds.
    ///
    /// # Errors
    /// When the file cannot be opened or made, is not a store or of a newer format, or the key is missing or wrong.
    pub async fn open(path: &Path, key: Option<MasterKey>, clock: Clock) -> Result<Self, StoreError> {
        make(path)?;
        let options = options(&uri(path, ""))?;
        let mut writer = options.connect().await.map_err(|error| cannot_open(path, error))?;
        schema::identify(&mut writer, path).await?;
        let keys = begin(&mut writer, path, key).await.map_err(|error| not_writable(path, error))?;
        let readers = pool(options.read_only(true), READERS);
        let source = Source::File { pool: readers, path: path.into() };
        let reads = ReadStore::new(source, Some(keys), clock);
        Ok(Self { reads, writer: Mutex::new(Some(writer)), changes: watch::Sender::new(0) })
    }

    /// Ends the use of the file: what was written is merged into it, so that one plain file stays behind (unless
    /// another process has it open). Later requests fail with [`StoreError::Closed`]. Not calling it loses nothing.
    ///
    /// # Errors
    /// When the file cannot be closed. What was answered before is on disk all the same.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.reads.close().await;
        let Some(mut writer) = self.writer.lock().await.take() else { return Ok(()) };
        // Another process that has the file open keeps it in write-ahead mode; it will merge when it closes.
        let merge = "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE";
        let merged = sqlx::raw_sql(merge).execute(&mut writer).await;
        writer.close().await?;
        match merged.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Busy) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Brings a file that was opened for writing to this format, with its key, and into write-ahead mode.
async fn begin(writer: &mut SqliteConnection, path: &Path, key: Option<MasterKey>) -> Result<Keys, StoreError> {
    sqlx::raw_sql("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").execute(&mut *writer).await?;
    // In one transaction, so that of two processes that open a new store one makes the key and the other reads it.
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    schema::migrate(&mut transaction, path).await?;
    let keys = settle_key(&mut transaction, path, key).await?;
    transaction.commit().await.map_err(StoreError::of_commit)?;
    // Only now: what makes a new file would otherwise take its place on the disk twice, in the log and in the file.
    let switched = sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(writer).await;
    match switched.map_err(StoreError::from) {
        // The switch needs the file alone, and does not wait for it. Without it this process writes with a rollback
        // journal: as safely, only slower; whoever opens the file next tries again.
        Ok(_) | Err(StoreError::Busy) => Ok(keys),
        Err(error) => Err(error),
    }
}

async fn stored_check(connection: &mut SqliteConnection) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT value FROM meta WHERE key = 'key check'").fetch_optional(connection).await?)
}

async fn settle_key(
    connection: &mut SqliteConnection,
    path: &Path,
    given: Option<MasterKey>,
) -> Result<Keys, StoreError> {
    let key_file = MasterKey::file_of(path);
    let stored = stored_check(connection).await?;
    let key = match given.map_or_else(|| MasterKey::read(&key_file), |key| Ok(Some(key)))? {
        Some(key) => key,
        // A new key would make every secret of the file unreadable, so none is made for a file that has one.
        None if stored.is_some() => return Err(StoreError::MissingKey { path: path.into(), key_file }),
        None => {
            let key = MasterKey::random()?;
            key.write(&key_file)?;
            key
        }
    };
    let keys = Keys::new(&key);
    match stored {
        Some(check) if check != keys.check() => Err(StoreError::WrongKey(path.into())),
        Some(_) => Ok(keys),
        None => {
            let insert = sqlx::query("INSERT INTO meta (key, value) VALUES ('key check', ?)");
            insert.bind(keys.check()).execute(connection).await?;
            Ok(keys)
        }
    }
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    let error = |source| StoreError::File { action: "read", path: path.into(), source };
    // An empty file is what is left when the making of a store was interrupted.
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(StoreError::Folder(path.into())),
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(error(source)),
    }
}

fn make(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let is_new = !folder.exists();
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(folder);
        made.map_err(|source| StoreError::File { action: "make the folder", path: folder.into(), source })?;
        if is_new && folder.file_name().is_some_and(|name| name == DATA_FOLDER) {
            // Another process may have made it at the same moment.
            let ignored = private_file(&folder.join(".gitignore")).and_then(|mut file| file.write_all(b"*\n"));
            match ignored {
                Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(StoreError::File { action: "make .gitignore in", path: folder.into(), source });
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
    if path.is_dir() {
        return Err(StoreError::Folder(path.into()));
    }
    match private_file(path) {
        Ok(_) => Ok(()),
        Err(source) if source.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File { action: "make", path: path.into(), source }),
    }
}

/// How to open an existing file without leaving a trace.
///
/// The file itself must not be looked into by ordinary means: closing it would drop the locks that SQLite holds on it
/// for the whole process.
async fn quiet_options(path: &Path) -> Result<SqliteConnectOptions, StoreError> {
    let wal = beside(path, "-wal");
    let index = beside(path, "-shm");
    let log_length = std::fs::metadata(&wal).map_or(0, |metadata| metadata.len());
    if index.exists() && wal.exists() {
        // Open elsewhere, or left by a process that was killed: the index is read and not written.
        return options(&uri(path, "?mode=ro&readonly_shm=1"));
    }
    if log_length > 0 {
        return Err(StoreError::Unclosed(path.into()));
    }
    // Without locks SQLite refuses a file in write-ahead mode before it makes anything; any other file it opens.
    let mut probe =
        options(&uri(path, "?mode=ro&nolock=1"))?.connect().await.map_err(|error| cannot_open(path, error))?;
    let schema: Result<i64, _> = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut probe).await;
    probe.close().await?;
    match schema {
        // In write-ahead mode with no log: a copy of the file alone. Nobody writes it, or there would be a log.
        Err(error) if code_of(&error) == Some(codes::CANTOPEN) => options(&uri(path, "?mode=ro&immutable=1")),
        Ok(_) | Err(_) => options(&uri(path, "?mode=ro&readonly_shm=1")),
    }
}

/// Opens an existing file and looks what it is.
async fn look(path: &Path, options: &SqliteConnectOptions) -> Result<(SqliteConnection, Identity), StoreError> {
    let mut connection = options.connect().await.map_err(|error| cannot_open(path, error))?;
    match schema::identify(&mut connection, path).await {
        Ok(identity) => Ok((connection, identity)),
        Err(error) => {
            connection.close().await?;
            Err(error)
        }
    }
}

/// Whether a file cannot be read without writing something.
fn needs_writing<T>(found: &Result<T, StoreError>) -> bool {
    matches!(found, Err(StoreError::Database(error)) if code_of(error) == Some(codes::READONLY))
}

/// Lets SQLite undo what was begun by a process that was killed before the file was in write-ahead mode, or after it had
/// left it. It has to be undone before anybody can read, and only a writer can do that: its first read does it.
async fn take_back(path: &Path) -> Result<(), StoreError> {
    let options = options(&uri(path, "?mode=rw"))?;
    let (writer, _) = look(path, &options).await.map_err(|error| not_writable(path, error))?;
    Ok(writer.close().await?)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn cannot_open(path: &Path, error: sqlx::Error) -> StoreError {
    match code_of(&error) {
        Some(codes::NOTADB | codes::CORRUPT) => StoreError::NotADatabase { path: path.into(), source: Box::new(error) },
        Some(codes::BUSY | codes::LOCKED) => StoreError::Busy,
        Some(_) | None => StoreError::Open { path: path.into(), source: Box::new(error) },
    }
}

/// What the first write to a file says of one that may only be read.
fn not_writable(path: &Path, error: StoreError) -> StoreError {
    let StoreError::Database(source) = &error else { return error };
    let is_locked = std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly());
    match code_of(source) {
        Some(codes::READONLY) if is_locked => StoreError::ReadOnly { path: path.into(), what: "the file" },
        // A journal could not be made beside the file.
        Some(codes::READONLY | codes::CANTOPEN) => {
            StoreError::ReadOnly { path: path.into(), what: "the file, its folder or its disk" }
        }
        Some(_) | None => error,
    }
}

/// A `file:` name of SQLite's: every path is written so, because a path that begins with `file:` would be taken for one.
fn uri(path: &Path, query: &str) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            other => uri.extend(['%', hex(other >> 4), hex(other & 15)]),
        }
    }
    uri + query
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0')
}

fn options(uri: &str) -> Result<SqliteConnectOptions, StoreError> {
    let options = SqliteConnectOptions::from_str("sqlite::memory:")?.in_memory(false).shared_cache(false);
    let read_only = uri.contains("?mode=ro");
    Ok(options.filename(uri).read_only(read_only).busy_timeout(BUSY_TIMEOUT).disable_statement_logging())
}

fn pool(options: SqliteConnectOptions, connections: u32) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(BUSY_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options)
}
