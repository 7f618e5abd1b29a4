//! From columns to values. Nothing in the file is trusted to be well-formed: what is not is an error that names it.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::clock::from_column;
use super::error::StoreError;
use crate::base::digest::Digest;
use crate::base::ident::{Generation, Name, ObjectId, Revision};
use crate::kinds::{Address, Metadata};
use crate::object::record::ObjectRecord;

/// A column that holds a number which is never negative.
pub(super) fn unsigned(what: &impl ToString, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::corrupt(what, &format!("{value} is below 0")))
}

/// A counter as a column.
pub(super) fn signed(value: u64) -> i64 {
    // Counters rise by one a write; 2^63 writes do not happen.
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A column whose text has a form.
pub(super) fn parse<T: std::str::FromStr>(what: &impl ToString, column: &str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt(what, &format!("its {column} is malformed")))
}

/// A column of JSON.
pub(super) fn json<T: DeserializeOwned>(what: &impl ToString, column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(what, &format!("its {column}: {error}")))
}

/// The address in columns `kind` and `name`.
pub(super) fn address(kind: &str, name: &str) -> Result<Address, StoreError> {
    let what = format!("{kind}/{name}");
    Ok(Address { kind: parse(&what, "kind", kind)?, name: parse(&what, "name", name)? })
}

/// The columns that [`stored`] reads, in its order. A macro because a statement must be a literal.
macro_rules! object_columns {
    () => {
        "o.kind, o.name, o.id, o.generation, o.digest, o.managed, o.used, o.archived, o.metadata, o.spec, \
         o.last_applied, o.last_applied_digest, o.server_set, o.created_at, o.archived_at"
    };
}
pub(super) use object_columns;

/// An object as it lies in the database.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) address: Address,
    pub(super) id: ObjectId,
    pub(super) generation: Generation,
    pub(super) digest: Digest,
    pub(super) managed: bool,
    pub(super) used: bool,
    pub(super) archived: bool,
    pub(super) metadata: Metadata,
    pub(super) spec: Value,
    pub(super) last_applied: Option<LastApplied>,
    pub(super) server_set: Map<String, Value>,
    pub(super) created_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
}

/// What was last applied to an object: the canonical form as text, and its digest.
#[derive(Clone, Debug)]
pub(super) struct LastApplied {
    pub(super) canonical: String,
    pub(super) digest: Digest,
}

/// Reads a row of [`object_columns`].
pub(super) fn stored(row: &SqliteRow) -> Result<Stored, StoreError> {
    let text = |column: usize| row.try_get::<&str, _>(column);
    let address = address(text(0)?, text(1)?)?;
    let what = &address;
    let last_applied = match (row.try_get::<Option<String>, _>(10)?, row.try_get::<Option<&str>, _>(11)?) {
        (Some(canonical), Some(digest)) => {
            Some(LastApplied { canonical, digest: parse(what, "digest of what was last applied", digest)? })
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(StoreError::corrupt(what, "what was last applied is incomplete"));
        }
    };
    let archived_at: Option<i64> = row.try_get(14)?;
    Ok(Stored {
        id: parse(what, "id", text(2)?)?,
        generation: Generation(unsigned(what, row.try_get(3)?)?),
        digest: parse(what, "digest", text(4)?)?,
        managed: row.try_get(5)?,
        used: row.try_get(6)?,
        archived: row.try_get(7)?,
        metadata: json(what, "metadata", text(8)?)?,
        spec: json(what, "spec", text(9)?)?,
        last_applied,
        server_set: json(what, "serverSet", text(12)?)?,
        created_at: from_column(what, row.try_get(13)?)?,
        archived_at: archived_at.map(|at| from_column(what, at)).transpose()?,
        address,
    })
}

impl Stored {
    pub(super) fn into_record(self) -> Result<ObjectRecord, StoreError> {
        let Self {
            address,
            id,
            generation,
            digest,
            managed,
            used,
            archived,
            metadata,
            spec,
            last_applied,
            server_set,
            created_at: _,
            archived_at: _,
        } = self;
        let last_applied =
            last_applied.map(|applied| json(&address, "last applied", &applied.canonical)).transpose()?;
        let server_set = Value::Object(server_set);
        Ok(ObjectRecord {
            address,
            id,
            generation,
            digest,
            managed,
            used,
            archived,
            metadata,
            spec,
            last_applied,
            server_set,
        })
    }
}

/// The revision a project is at; 0 for one that was never written.
pub(super) async fn revision(connection: &mut sqlx::SqliteConnection, project: &Name) -> Result<Revision, StoreError> {
    let query = sqlx::query_scalar("SELECT revision FROM projects WHERE name = ?");
    let revision: Option<i64> = query.bind(project.as_str()).fetch_optional(connection).await?;
    Ok(Revision(unsigned(&"the project's revision", revision.unwrap_or(0))?))
}

/// Makes the project's row, if it is not there.
pub(super) async fn ensure_project(connection: &mut sqlx::SqliteConnection, project: &Name) -> Result<(), StoreError> {
    let query = sqlx::query("INSERT INTO projects (name, revision) VALUES (?, 0) ON CONFLICT DO NOTHING");
    query.bind(project.as_str()).execute(connection).await?;
    Ok(())
}

/// Raises the project's revision for what is no object and is yet to be seen by whoever asks whether anything moved.
pub(super) async fn raise_revision(connection: &mut sqlx::SqliteConnection, project: &Name) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE projects SET revision = revision + 1 WHERE name = ?");
    query.bind(project.as_str()).execute(connection).await?;
    Ok(())
}

/// Addresses as the parameter of a `json_each`: `[["Kind", "name"], …]`.
///
/// Such a statement joins with `CROSS JOIN`, which keeps SQLite from turning the join round: it knows nothing of the
/// size of a `json_each` and would rather go through it once for every object, which takes a minute for 10,000.
pub(super) fn addresses<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let pairs = addresses.into_iter().map(|a| serde_json::json!([a.kind.as_str(), a.name.as_str()]));
    Value::Array(pairs.collect()).to_string()
}

/// Texts as the parameter of a `json_each`.
pub(super) fn texts<T: ToString>(texts: impl IntoIterator<Item = T>) -> String {
    Value::Array(texts.into_iter().map(|text| Value::String(text.to_string())).collect()).to_string()
}
