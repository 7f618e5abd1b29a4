//! Writing a stage back: a statement per table and thousand rows.
//!
//! Rows travel as one JSON array each, which `json_each` takes apart inside SQLite. A thousand rows at a time cost as
//! little as all at once, and the text of all at once would weigh as much as the project again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::clock::to_column;
use super::error::StoreError;
use super::key::{Keys, Place};
use super::references::{Linked, REFERENCES};
use super::rows::{self, signed};
use super::stage::Stage;
use super::staged::Staged;
use super::suspensions;
use super::versions::NewVersion;
use crate::object::changeset::Changeset;

/// Who writes and why, for the audit.
pub(super) struct Author<'a> {
    pub(super) actor: &'a str,
    pub(super) changeset: Option<&'a Changeset>,
}

/// Writes everything that changed, the project's new revision and the audit.
pub(super) async fn flush(
    connection: &mut SqliteConnection,
    stage: &Stage,
    linked: &Linked,
    keys: &Keys,
    author: &Author<'_>,
) -> Result<(), StoreError> {
    let revision = sqlx::query("UPDATE projects SET revision = ? WHERE name = ?");
    revision.bind(signed(stage.revision.0)).bind(stage.project.as_str()).execute(&mut *connection).await?;
    remove(connection, stage).await?;
    objects(connection, stage).await?;
    versions(connection, stage).await?;
    secrets(connection, stage, keys).await?;
    tokens(connection, stage, keys).await?;
    references(connection, stage, linked).await?;
    suspensions::follow(connection, stage).await?;
    audit(connection, stage, author).await
}

/// The most rows of a statement.
const ROWS: usize = 1_000;

/// Runs a statement whose one parameter is an array of rows, as often as the rows need; never for none.
async fn run(connection: &mut SqliteConnection, sql: &'static str, rows: Vec<Value>) -> Result<(), StoreError> {
    for some in rows.chunks(ROWS) {
        let some = serde_json::to_string(some).map_err(|error| StoreError::corrupt("rows to be written", &error))?;
        sqlx::query(sql).bind(some).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn remove(connection: &mut SqliteConnection, stage: &Stage) -> Result<(), StoreError> {
    let stored = || stage.in_order().filter(|staged| staged.before.is_some());
    let deleted = stored().filter(|staged| staged.deleted).map(|staged| json!(staged.id)).collect();
    run(connection, "DELETE FROM objects WHERE id IN (SELECT value FROM json_each(?))", deleted).await?;
    // Two objects may have exchanged their names, and SQLite looks at uniqueness after each row. A slash occurs in no
    // name, so nobody else has these.
    let renamed = stored().filter(|staged| {
        !staged.deleted && staged.before.as_ref().is_some_and(|before| before.address != staged.address)
    });
    let renamed = renamed.map(|staged| json!(staged.id)).collect();
    let park = "UPDATE objects SET name = '/' || id WHERE id IN (SELECT value FROM json_each(?))";
    run(connection, park, renamed).await
}

async fn objects(connection: &mut SqliteConnection, stage: &Stage) -> Result<(), StoreError> {
    let mut changed: Vec<&Staged> = stage.in_order().filter(|staged| staged.changed && !staged.deleted).collect();
    // What is archived frees its address for what comes after it.
    changed.sort_by_key(|staged| staged.is_live());
    let project = stage.project.as_str();
    let row = |staged: &&Staged| {
        let applied = staged.last_applied.as_ref();
        Ok(json!([
            staged.id,
            project,
            staged.address.kind,
            staged.address.name,
            serde_json::to_string(&staged.content.metadata)?,
            staged.content.spec_value().to_string(),
            staged.digest,
            staged.generation,
            applied.map(|applied| &applied.canonical),
            applied.map(|applied| applied.digest),
            serde_json::to_string(&staged.server_set)?,
            i32::from(staged.managed),
            i32::from(staged.used),
            i32::from(staged.archived_at.is_some()),
            to_column(staged.created_at),
            staged.archived_at.map(to_column),
        ]))
    };
    let upsert = "INSERT INTO objects (id, project, kind, name, metadata, spec, digest, generation, last_applied, \
         last_applied_digest, server_set, managed, used, archived, created_at, archived_at) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, \
         value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15 \
         FROM json_each(?) WHERE true \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, metadata = excluded.metadata, spec = excluded.spec, \
         digest = excluded.digest, generation = excluded.generation, last_applied = excluded.last_applied, \
         last_applied_digest = excluded.last_applied_digest, server_set = excluded.server_set, \
         managed = excluded.managed, used = excluded.used, archived = excluded.archived, \
         archived_at = excluded.archived_at";
    for some in changed.chunks(ROWS) {
        let rows: Result<Vec<Value>, serde_json::Error> = some.iter().map(row).collect();
        let rows = rows.map_err(|error| StoreError::corrupt("an object to be written", &error))?;
        run(connection, upsert, rows).await?;
    }
    Ok(())
}

async fn versions(connection: &mut SqliteConnection, stage: &Stage) -> Result<(), StoreError> {
    let at = to_column(stage.now);
    let rows = stage.in_order().filter(|staged| !staged.deleted).flat_map(|staged| {
        // A version is frozen with the objects it refers to.
        let links = staged.server_set.get(REFERENCES).map_or_else(|| "{}".into(), Value::to_string);
        let row = move |new: &NewVersion| json!([staged.id, new.version, new.digest, new.spec, links, at]);
        staged.new_versions.iter().map(row)
    });
    let insert = "INSERT INTO versions (object, version, digest, spec, links, created_at) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)";
    run(connection, insert, rows.collect()).await
}

async fn secrets(connection: &mut SqliteConnection, stage: &Stage, keys: &Keys) -> Result<(), StoreError> {
    let kept = || stage.in_order().filter(|staged| !staged.deleted);
    let forgotten = kept().flat_map(|staged| staged.forgotten().map(|path| json!([staged.id, path])));
    let delete = "DELETE FROM secrets WHERE (object, path) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))";
    run(connection, delete, forgotten.collect()).await?;
    let mut rows = Vec::new();
    for staged in kept() {
        for (path, content) in &staged.fresh {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).map_err(StoreError::Random)?;
            let sealed = keys.seal(&Place { project: &stage.project, object: staged.id, path }, content)?;
            rows.push(json!([staged.id, path, STANDARD.encode(salt), sealed.nonce, sealed.ciphertext]));
        }
    }
    let upsert = "INSERT INTO secrets (object, path, salt, nonce, ciphertext) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) WHERE true \
         ON CONFLICT (object, path) DO UPDATE SET salt = excluded.salt, nonce = excluded.nonce, \
         ciphertext = excluded.ciphertext";
    run(connection, upsert, rows).await
}

async fn tokens(connection: &mut SqliteConnection, stage: &Stage, keys: &Keys) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    let made = stage.in_order().filter(|staged| staged.before.is_none() && !staged.deleted);
    for staged in made.filter(|staged| staged.address.kind.has_token()) {
        let token = super::tokens::new_token()?;
        let place = Place { project: &stage.project, object: staged.id, path: super::tokens::PATH };
        let sealed = keys.seal(&place, &token)?;
        rows.push(json!([staged.id, keys.lookup(&token), sealed.nonce, sealed.ciphertext]));
    }
    let insert = "INSERT INTO tokens (object, lookup, nonce, ciphertext) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)";
    run(connection, insert, rows).await
}

async fn references(connection: &mut SqliteConnection, stage: &Stage, linked: &Linked) -> Result<(), StoreError> {
    // Archived objects hold nothing back: their references are resolved again if they are restored.
    let old = stage.in_order().filter(|staged| staged.before.is_some() && !staged.deleted);
    let old = old.filter(|staged| staged.relinked || !staged.is_live()).map(|staged| json!(staged.id)).collect();
    run(connection, "DELETE FROM object_references WHERE object IN (SELECT value FROM json_each(?))", old).await?;
    let new = linked.references.iter().map(|row| json!([row.object, row.path, row.target])).collect();
    let insert = "INSERT INTO object_references (object, path, target) \
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)";
    run(connection, insert, new).await?;
    if !linked.newly_used.is_empty() {
        let used = "UPDATE objects SET used = 1, generation = ? WHERE id IN (SELECT value FROM json_each(?))";
        let query = sqlx::query(used).bind(signed(stage.revision.0));
        query.bind(rows::texts(&linked.newly_used)).execute(connection).await?;
    }
    Ok(())
}

async fn audit(connection: &mut SqliteConnection, stage: &Stage, author: &Author<'_>) -> Result<(), StoreError> {
    let rows = stage.audit.iter().map(|draft| {
        let address = draft.address.as_ref();
        json!([
            draft.action,
            address.map(|a| a.kind),
            address.map(|a| &a.name),
            draft.before,
            draft.after,
            draft.system
        ])
    });
    let rows: Vec<Value> = rows.collect();
    // The objects are written already: what is still there says itself to which System it belongs, in the field that
    // every kind of which there is one calls so.
    let insert = "INSERT INTO audit \
         (project, at, actor, revision, plan, source, action, kind, name, before, after, system) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
         CASE value ->> 1 WHEN 'System' THEN value ->> 2 ELSE coalesce((SELECT o.spec ->> 'system' FROM objects o \
           WHERE o.project = ?1 AND o.kind = value ->> 1 AND o.name = value ->> 2 AND o.archived = 0), value ->> 5) END \
         FROM json_each(?7) ORDER BY key";
    if rows.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(insert)
        .bind(stage.project.as_str())
        .bind(to_column(stage.now))
        .bind(author.actor)
        .bind(signed(stage.revision.0))
        .bind(author.changeset.map(|changeset| changeset.plan_id.to_string()))
        .bind(author.changeset.and_then(|changeset| changeset.commit.as_deref()))
        .bind(Value::Array(rows).to_string());
    query.execute(connection).await?;
    Ok(())
}
