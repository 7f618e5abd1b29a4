//! The file format: how a file of ours is told from others, and the steps from an older format to this one.
//!
//! A step that was released is never changed; a new format is a new step at the end.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::error::{StoreError, code_of, codes};

/// `TrUp`, in the header of every file of ours.
const APPLICATION_ID: i64 = 0x5472_5570;

/// One step per format; after step n the file's `user_version` is n.
const STEPS: &[&str] = &["
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE projects (
    name     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;

-- Times are microseconds since 1970. metadata, spec, last_applied, server_set are JSON.
CREATE TABLE objects (
    id                  TEXT PRIMARY KEY,
    project             TEXT NOT NULL REFERENCES projects (name),
    kind                TEXT NOT NULL,
    name                TEXT NOT NULL,
    metadata            TEXT NOT NULL,
    spec                TEXT NOT NULL,
    digest              TEXT NOT NULL,
    generation          INTEGER NOT NULL,
    last_applied        TEXT,
    last_applied_digest TEXT,
    server_set          TEXT NOT NULL,
    managed             INTEGER NOT NULL,
    used                INTEGER NOT NULL,
    archived            INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    archived_at         INTEGER
) STRICT;
CREATE UNIQUE INDEX objects_live ON objects (project, kind, name) WHERE archived = 0;
CREATE INDEX objects_all ON objects (project, kind, name);

-- links: the ids that the spec's references resolved to when the version was made, by path.
CREATE TABLE versions (
    object     TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    spec       TEXT NOT NULL,
    links      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (object, version)
) STRICT;

-- salt, nonce and ciphertext are base64.
CREATE TABLE secrets (
    object     TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    path       TEXT NOT NULL,
    salt       TEXT NOT NULL,
    nonce      TEXT NOT NULL,
    ciphertext TEXT NOT NULL,
    PRIMARY KEY (object, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    object     TEXT PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,
    lookup     TEXT NOT NULL UNIQUE,
    nonce      TEXT NOT NULL,
    ciphertext TEXT NOT NULL
) STRICT;

-- Who refers to whom, of live objects only.
CREATE TABLE object_references (
    object TEXT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    path   TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (object, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX object_references_target ON object_references (target);

CREATE TABLE applied_plans (
    project  TEXT NOT NULL REFERENCES projects (name),
    plan     TEXT NOT NULL,
    body     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (project, plan)
) STRICT;

-- A row stays when the lease is given back (owner NULL), so that its token never falls.
CREATE TABLE leases (
    project    TEXT PRIMARY KEY REFERENCES projects (name),
    token      INTEGER NOT NULL,
    owner      TEXT,
    actor      TEXT NOT NULL,
    since      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ends_with_process INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    project  TEXT NOT NULL REFERENCES projects (name),
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    kind     TEXT,
    name     TEXT,
    revision INTEGER NOT NULL,
    plan     TEXT,
    source   TEXT,
    before   TEXT,
    after    TEXT
) STRICT;
CREATE INDEX audit_object ON audit (project, kind, name, sequence);
CREATE TRIGGER audit_only_grows_1 BEFORE UPDATE ON audit BEGIN SELECT RAISE (ABORT, 'audit entries are only added'); END;
CREATE TRIGGER audit_only_grows_2 BEFORE DELETE ON audit BEGIN SELECT RAISE (ABORT, 'audit entries are only added'); END;
"];

/// The format this program writes.
pub(super) const FORMAT: i64 = 1;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// No table yet: made and not filled.
    Empty,
    /// Ours, in this format (never a newer one).
    Ours(i64),
}

/// Looks at a file without changing it.
pub(super) async fn identify(connection: &mut SqliteConnection, path: &Path) -> Result<Identity, StoreError> {
    let look = async {
        // One moment: another process may be making the file just now.
        let mut view = connection.begin().await?;
        let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *view).await?;
        let format: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *view).await?;
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *view).await?;
        view.rollback().await?;
        Ok((id, format, tables))
    };
    let (id, format, tables) = look.await.map_err(|error| damaged(path, error))?;
    match id {
        APPLICATION_ID if format > FORMAT => Err(StoreError::Newer { path: path.into(), found: format, known: FORMAT }),
        APPLICATION_ID => Ok(Identity::Ours(format)),
        0 if format == 0 && tables == 0 => Ok(Identity::Empty),
        _ => Err(StoreError::Foreign(path.into())),
    }
}

fn damaged(path: &Path, error: sqlx::Error) -> StoreError {
    match code_of(&error) {
        Some(codes::NOTADB | codes::CORRUPT) => StoreError::NotADatabase { path: path.into(), source: Box::new(error) },
        Some(codes::CANTOPEN) => StoreError::Open { path: path.into(), source: Box::new(error) },
        Some(_) | None => error.into(),
    }
}

/// Brings a file to this format, within the caller's transaction.
pub(super) async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let from = match identify(connection, path).await? {
        Identity::Empty => 0,
        Identity::Ours(format) => format,
    };
    for step in STEPS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        sqlx::raw_sql(*step).execute(&mut *connection).await?;
    }
    if from < FORMAT {
        // A pragma takes no parameters; both numbers are constants of this file.
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}");
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FORMAT, STEPS};

    #[test]
    fn the_format_counts_the_steps() {
        assert_eq!(i64::try_from(STEPS.len()), Ok(FORMAT));
    }
}
