//! Reading objects: a small row of each, or the whole of some.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use sqlx::Row as _;

use super::ReadStore;
use super::error::StoreError;
use super::rows::{self, json, object_columns, parse, stored, unsigned};
use crate::base::digest::Digest;
use crate::base::ident::{Generation, Name, ObjectId, Revision};
use crate::kinds::Address;
use crate::object::record::{DigestRow, ObjectRecord, SecretSlot, Snapshot};

/// A version of an object whose versions only grow, in full.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVersion {
    /// 1 and up.
    pub version: u64,
    /// Digest of what the version freezes.
    pub digest: Digest,
    /// The spec as it was when the version was made; of the fields beside the versions the object's own hold.
    pub spec: Value,
    /// The ids that its references resolved to when it was made, by path: what it refers to may since have been
    /// replaced, and runs on this version stay with the old one.
    pub references: BTreeMap<String, ObjectId>,
}

impl ReadStore {
    /// The project's revision: 0 before its first write.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn revision(&self, project: &Name) -> Result<Revision, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Revision::default()) };
        rows::revision(&mut view, project).await
    }

    /// A row of every object of the project, archived ones included, in the order of their addresses.
    ///
    /// Guarantees: all rows belong to the one revision. Not guaranteed: that the digest is what this version of the
    /// program would compute; it is what was computed at the last write.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged (the error names it).
    pub async fn digests(&self, project: &Name) -> Result<Snapshot, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Snapshot::default()) };
        let revision = rows::revision(&mut view, project).await?;
        let mut slots = slots(&mut view, project).await?;
        let found = sqlx::query(
            "SELECT kind, name, id, generation, digest, last_applied_digest, managed, used, archived, \
             CASE WHEN instr(server_set, '\"published\"') OR instr(server_set, '\"halted\"') THEN server_set END \
             FROM objects WHERE project = ? ORDER BY kind, name, archived DESC, archived_at, generation",
        )
        .bind(project.as_str())
        .fetch_all(&mut *view)
        .await?;
        let mut all = Vec::with_capacity(found.len());
        for row in &found {
            let text = |column: usize| row.try_get::<&str, _>(column);
            let address = rows::address(text(0)?, text(1)?)?;
            let applied: Option<&str> = row.try_get(5)?;
            let server_set: Map<String, Value> = match row.try_get::<Option<&str>, _>(9)? {
                Some(text) => json(&address, "serverSet", text)?,
                None => Map::new(),
            };
            let flag = |key: &str| server_set.get(key).and_then(Value::as_bool);
            all.push(DigestRow {
                id: parse(&address, "id", text(2)?)?,
                generation: Generation(unsigned(&address, row.try_get(3)?)?),
                digest: parse(&address, "digest", text(4)?)?,
                last_applied_digest: applied.map(|text| parse(&address, "digest", text)).transpose()?,
                managed: row.try_get(6)?,
                used: row.try_get(7)?,
                archived: row.try_get(8)?,
                published: flag("published"),
                halted: flag("halted"),
                secrets: slots.remove(text(2)?).unwrap_or_default(),
                address,
            });
        }
        // Stable, so that of several with one address the archived ones stay in the order they were archived.
        all.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(Snapshot { revision, rows: all })
    }

    /// These live objects in full; all live ones when `addresses` is `None`. One that does not exist is left out.
    ///
    /// # Errors
    /// When the file cannot be read, or an object in it is damaged (the error names it).
    pub async fn read(&self, project: &Name, addresses: Option<&[Address]>) -> Result<Vec<ObjectRecord>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let found = match addresses {
            None => {
                let all =
                    concat!("SELECT ", object_columns!(), " FROM objects o WHERE o.project = ? AND o.archived = 0");
                sqlx::query(all).bind(project.as_str()).fetch_all(&mut *view).await?
            }
            Some(addresses) => {
                let some = concat!(
                    "SELECT ",
                    object_columns!(),
                    " FROM json_each(?) a CROSS JOIN objects o ON o.project = ? AND o.kind = a.value ->> 0 \
                     AND o.name = a.value ->> 1 AND o.archived = 0 GROUP BY o.id"
                );
                let query = sqlx::query(some).bind(rows::addresses(addresses)).bind(project.as_str());
                query.fetch_all(&mut *view).await?
            }
        };
        let mut records = records(&found)?;
        records.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(records)
    }

    /// The ids of all live objects, in the order of their addresses: to read many in parts.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged.
    pub async fn live_ids(&self, project: &Name) -> Result<Vec<ObjectId>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let query = sqlx::query("SELECT kind, name, id FROM objects WHERE project = ? AND archived = 0");
        let mut found = Vec::new();
        for row in query.bind(project.as_str()).fetch_all(&mut *view).await? {
            let address = rows::address(row.try_get(0)?, row.try_get(1)?)?;
            let id = parse(&address, "id", row.try_get(2)?)?;
            found.push((address, id));
        }
        found.sort();
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// Of these objects those that are live, in full and in the order of the ids.
    ///
    /// # Errors
    /// When the file cannot be read, or an object in it is damaged.
    pub async fn read_ids(&self, project: &Name, ids: &[ObjectId]) -> Result<Vec<ObjectRecord>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let query = sqlx::query(concat!(
            "SELECT ",
            object_columns!(),
            " FROM json_each(?) i CROSS JOIN objects o ON o.id = i.value AND o.project = ? AND o.archived = 0 \
             ORDER BY i.key"
        ));
        records(&query.bind(rows::texts(ids)).bind(project.as_str()).fetch_all(&mut *view).await?)
    }

    /// The archived objects of these addresses in full, the newest archive last.
    ///
    /// # Errors
    /// When the file cannot be read, or an object in it is damaged.
    pub async fn read_archived(&self, project: &Name, addresses: &[Address]) -> Result<Vec<ObjectRecord>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let query = sqlx::query(concat!(
            "SELECT ",
            object_columns!(),
            " FROM json_each(?) a CROSS JOIN objects o ON o.project = ? AND o.kind = a.value ->> 0 \
             AND o.name = a.value ->> 1 AND o.archived = 1 GROUP BY o.id ORDER BY o.archived_at, o.generation"
        ));
        records(&query.bind(rows::addresses(addresses)).bind(project.as_str()).fetch_all(&mut *view).await?)
    }

    /// One object by its id, archived or not: archived ids keep answering.
    ///
    /// # Errors
    /// When the file cannot be read, or the object in it is damaged.
    pub async fn read_by_id(&self, project: &Name, id: ObjectId) -> Result<Option<ObjectRecord>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        one(&mut view, project, id).await
    }

    /// The versions of an object whose versions only grow, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read, or a version in it is damaged.
    pub async fn versions(&self, object: ObjectId) -> Result<Vec<StoredVersion>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let query = sqlx::query("SELECT version, digest, spec, links FROM versions WHERE object = ? ORDER BY version");
        let found = query.bind(object.to_string()).fetch_all(&mut *view).await?;
        let what = format!("a version of object {object}");
        let version = |row: &sqlx::sqlite::SqliteRow| {
            Ok(StoredVersion {
                version: unsigned(&what, row.try_get(0)?)?,
                digest: parse(&what, "digest", row.try_get(1)?)?,
                spec: json(&what, "spec", row.try_get(2)?)?,
                references: json(&what, "references", row.try_get(3)?)?,
            })
        };
        found.iter().map(version).collect()
    }
}

/// One object by its id, archived or not.
pub(super) async fn one(
    connection: &mut sqlx::SqliteConnection,
    project: &Name,
    id: ObjectId,
) -> Result<Option<ObjectRecord>, StoreError> {
    let query = sqlx::query(concat!("SELECT ", object_columns!(), " FROM objects o WHERE o.id = ? AND o.project = ?"));
    let row = query.bind(id.to_string()).bind(project.as_str()).fetch_optional(connection).await?;
    row.map(|row| stored(&row)?.into_record()).transpose()
}

fn records(found: &[sqlx::sqlite::SqliteRow]) -> Result<Vec<ObjectRecord>, StoreError> {
    found.iter().map(|row| stored(row)?.into_record()).collect()
}

/// The secrets of all objects of a project, by object id.
async fn slots(
    connection: &mut sqlx::SqliteConnection,
    project: &Name,
) -> Result<HashMap<String, Vec<SecretSlot>>, StoreError> {
    let query = sqlx::query(
        "SELECT s.object, s.path, s.salt FROM objects o JOIN secrets s ON s.object = o.id \
         WHERE o.project = ? ORDER BY s.object, s.path",
    );
    let mut slots: HashMap<String, Vec<SecretSlot>> = HashMap::new();
    for row in query.bind(project.as_str()).fetch_all(connection).await? {
        let slot = SecretSlot { path: row.try_get(1)?, salt: row.try_get(2)? };
        slots.entry(row.try_get(0)?).or_default().push(slot);
    }
    Ok(slots)
}
