//! Who changed what, and when. Entries are only added; the database itself refuses to change one.

use sqlx::{Row as _, SqliteConnection};

use super::ReadStore;
use super::clock::{from_column, to_column};
use super::error::StoreError;
use super::rows::{self, parse, signed, unsigned};
use crate::base::ident::{Name, Revision};
use crate::kinds::Address;
use crate::object::audit::{AuditEntry, AuditQuery};

impl ReadStore {
    /// Audit entries of the project, oldest first.
    ///
    /// With `latest_only`, of each object the newest entry that changed its content: being used or published says
    /// nothing about who made it what it is.
    ///
    /// # Errors
    /// When the file cannot be read, or an entry in it is damaged.
    pub async fn audit(&self, project: &Name, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        let AuditQuery { addresses, latest_only, system, from, to, limit, offset } = query;
        let some = (!addresses.is_empty()).then(|| rows::addresses(addresses));
        let found = sqlx::query(
            "SELECT sequence, at, actor, action, kind, name, revision, plan, source, before, after, subject FROM audit a \
             WHERE project = ?1 \
             AND (?2 IS NULL OR (kind, name) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))) \
             AND (?3 IS NULL OR at >= ?3) AND (?4 IS NULL OR at < ?4) AND (?8 IS NULL OR system = ?8) \
             AND (NOT ?5 OR (kind IS NOT NULL AND before IS NOT after AND NOT EXISTS ( \
               SELECT 1 FROM audit l WHERE l.project = a.project AND l.kind = a.kind AND l.name = a.name \
               AND l.sequence > a.sequence AND l.before IS NOT l.after))) \
             ORDER BY sequence LIMIT ?6 OFFSET ?7",
        )
        .bind(project.as_str())
        .bind(some)
        .bind(from.map(to_column))
        .bind(to.map(to_column))
        .bind(*latest_only)
        .bind(limit.map_or(-1, i64::from))
        .bind(i64::from(*offset))
        .bind(system.as_ref().map(Name::as_str))
        .fetch_all(&mut *view)
        .await?;
        found.iter().map(entry).collect()
    }
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<AuditEntry, StoreError> {
    let sequence: i64 = row.try_get(0)?;
    let what = format!("audit entry {sequence}");
    let text = |column: usize| row.try_get::<Option<&str>, _>(column);
    let address = match (text(4)?, text(5)?) {
        (Some(kind), Some(name)) => Some(rows::address(kind, name)?),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(StoreError::corrupt(&what, "half an address")),
    };
    Ok(AuditEntry {
        sequence: unsigned(&what, sequence)?,
        at: from_column(&what, row.try_get(1)?)?,
        actor: row.try_get(2)?,
        action: row.try_get(3)?,
        subject: row.try_get(11)?,
        address,
        revision: Revision(unsigned(&what, row.try_get(6)?)?),
        plan_id: text(7)?.map(|plan| parse(&what, "plan", plan)).transpose()?,
        commit: row.try_get(8)?,
        before: text(9)?.map(|digest| parse(&what, "digest", digest)).transpose()?,
        after: text(10)?.map(|digest| parse(&what, "digest", digest)).transpose()?,
    })
}

/// Adds an entry that is about the project or changes no content.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    project: &Name,
    at: jiff::Timestamp,
    actor: &str,
    action: &str,
    address: Option<&Address>,
) -> Result<(), StoreError> {
    let revision = rows::revision(connection, project).await?;
    let insert = sqlx::query(
        "INSERT INTO audit (project, at, actor, action, kind, name, revision, system) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, \
         CASE ?5 WHEN 'System' THEN ?6 ELSE (SELECT o.spec ->> 'system' FROM objects o \
           WHERE o.project = ?1 AND o.kind = ?5 AND o.name = ?6 AND o.archived = 0) END)",
    );
    insert
        .bind(project.as_str())
        .bind(to_column(at))
        .bind(actor)
        .bind(action)
        .bind(address.map(|address| address.kind.as_str()))
        .bind(address.map(|address| address.name.as_str().to_owned()))
        .bind(signed(revision.0))
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds an entry about something that is no object, such as a key.
pub(super) async fn note_subject(
    connection: &mut SqliteConnection,
    project: &Name,
    at: jiff::Timestamp,
    actor: &str,
    action: &str,
    subject: &str,
) -> Result<(), StoreError> {
    let revision = rows::revision(connection, project).await?;
    let insert =
        sqlx::query("INSERT INTO audit (project, at, actor, action, subject, revision) VALUES (?, ?, ?, ?, ?, ?)");
    let insert = insert.bind(project.as_str()).bind(to_column(at)).bind(actor).bind(action).bind(subject);
    insert.bind(signed(revision.0)).execute(connection).await?;
    Ok(())
}
