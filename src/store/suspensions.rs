//! What `reconcile` leaves alone until a person resumes it, or until its end has come.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::clock::{from_column, to_column};
use super::error::StoreError;
use super::stage::Stage;
use super::{ReadStore, Store, audit, rows};
use crate::base::ident::Name;
use crate::kinds::Address;
use crate::object::suspension::{REASON_LIMIT, RESUMED, ResumeScope, SUSPENDED, SuspendOrder, Suspension};

impl ReadStore {
    /// What is suspended now: the project itself first, then objects in the order of their addresses.
    ///
    /// Guarantees: one whose end has passed is not among them.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged.
    pub async fn suspensions(&self, project: &Name) -> Result<Vec<Suspension>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(Vec::new()) };
        in_force(&mut view, project, self.clock.now()).await
    }
}

impl Store {
    /// Suspends the project, or one object of it; what was suspended already gets the new reason and end and keeps its
    /// beginning. Noted in the audit unless nothing changes by it.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] for a reason that is empty or too long, or an end that has passed;
    /// [`StoreError::Absent`] for an object that is not live.
    pub async fn suspend(&self, project: &Name, order: &SuspendOrder) -> Result<Suspension, StoreError> {
        let SuspendOrder { address, reason, actor, until } = order;
        let reason = reason.trim();
        let now = self.reads.clock.now();
        check(address.as_ref(), reason, *until, now)?;
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        rows::ensure_project(&mut transaction, project).await?;
        if let Some(address) = address {
            let live = "SELECT count(*) FROM objects WHERE project = ? AND kind = ? AND name = ? AND archived = 0";
            let live = sqlx::query_scalar(live).bind(project.as_str()).bind(address.kind.as_str());
            let live: i64 = live.bind(address.name.as_str()).fetch_one(&mut *transaction).await?;
            if live == 0 {
                return Err(StoreError::Absent(address.clone()));
            }
        }
        let before = in_force(&mut transaction, project, now).await?;
        let before = before.into_iter().find(|suspension| suspension.address == *address);
        let suspension = Suspension {
            address: address.clone(),
            reason: reason.to_owned(),
            actor: actor.clone(),
            // As the database keeps it, so that what is answered is what is read.
            since: before.as_ref().map_or_else(|| kept(now), |before| before.since),
            until: until.map(kept),
        };
        if before.as_ref() == Some(&suspension) {
            return Ok(suspension);
        }
        remove(&mut transaction, project, address.as_ref()).await?;
        // Those that ended by themselves, so that rows do not gather.
        let ended = sqlx::query("DELETE FROM suspensions WHERE project = ? AND until <= ?");
        ended.bind(project.as_str()).bind(to_column(now)).execute(&mut *transaction).await?;
        insert(&mut transaction, project, &suspension).await?;
        rows::raise_revision(&mut transaction, project).await?;
        audit::note(&mut transaction, project, now, actor, SUSPENDED, address.as_ref()).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(suspension)
    }

    /// Resumes, and says what was suspended until now. Each is noted in the audit.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn resume(
        &self,
        project: &Name,
        scope: &ResumeScope,
        actor: &str,
    ) -> Result<Vec<Suspension>, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let mut lifted = in_force(&mut transaction, project, now).await?;
        lifted.retain(|suspension| scope.covers(suspension));
        if !lifted.is_empty() {
            rows::raise_revision(&mut transaction, project).await?;
        }
        for suspension in &lifted {
            remove(&mut transaction, project, suspension.address.as_ref()).await?;
            audit::note(&mut transaction, project, now, actor, RESUMED, suspension.address.as_ref()).await?;
        }
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(lifted)
    }
}

/// Takes the suspensions of objects to where the objects went: to the new address of one that moved, away with one that
/// is gone and that no other took the place of.
pub(super) async fn follow(connection: &mut SqliteConnection, stage: &Stage) -> Result<(), StoreError> {
    // From each address that an object left: where to, if it did not go altogether.
    let mut left: BTreeMap<&Address, Option<&Address>> = BTreeMap::new();
    for staged in stage.in_order() {
        let Some(before) = staged.before.as_ref().filter(|before| !before.archived) else { continue };
        if !staged.is_live() {
            left.entry(&before.address).or_insert(None);
        } else if before.address != staged.address {
            left.insert(&before.address, Some(&staged.address));
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    let mut kept: BTreeMap<Address, Suspension> = BTreeMap::new();
    for suspension in in_force(connection, &stage.project, stage.now).await? {
        let Some(address) = suspension.address.clone() else { continue };
        let Some(to) = left.get(&address) else { continue };
        remove(connection, &stage.project, Some(&address)).await?;
        // What was replaced is the same to a person.
        let to = to.cloned().or_else(|| stage.live(&address).filter(|staged| staged.before.is_none()).map(|_| address));
        kept.extend(to.map(|to| (to.clone(), Suspension { address: Some(to), ..suspension })));
    }
    for (address, suspension) in kept {
        remove(connection, &stage.project, Some(&address)).await?;
        insert(connection, &stage.project, &suspension).await?;
    }
    Ok(())
}

fn check(address: Option<&Address>, reason: &str, until: Option<Timestamp>, now: Timestamp) -> Result<(), StoreError> {
    let rejected = |reason: String| StoreError::Rejected { address: address.cloned(), reason };
    if reason.is_empty() {
        return Err(rejected("a suspension needs a reason".to_owned()));
    }
    if reason.chars().count() > REASON_LIMIT || reason.chars().any(char::is_control) {
        let reason = format!("a reason has at most {REASON_LIMIT} characters and no control characters");
        return Err(rejected(reason));
    }
    match until {
        Some(until) if until <= now => Err(rejected(format!("a suspension until {until} would have ended already"))),
        Some(_) | None => Ok(()),
    }
}

/// A time at the precision of a column.
fn kept(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(to_column(time)).unwrap_or(time)
}

async fn remove(
    connection: &mut SqliteConnection,
    project: &Name,
    address: Option<&Address>,
) -> Result<(), StoreError> {
    let delete = sqlx::query("DELETE FROM suspensions WHERE project = ? AND kind IS ? AND name IS ?");
    delete
        .bind(project.as_str())
        .bind(address.map(|address| address.kind.as_str()))
        .bind(address.map(|address| address.name.as_str().to_owned()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert(connection: &mut SqliteConnection, project: &Name, suspension: &Suspension) -> Result<(), StoreError> {
    let Suspension { address, reason, actor, since, until } = suspension;
    let insert = "INSERT INTO suspensions (project, kind, name, reason, actor, since, until) \
                  VALUES (?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(insert)
        .bind(project.as_str())
        .bind(address.as_ref().map(|address| address.kind.as_str()))
        .bind(address.as_ref().map(|address| address.name.as_str().to_owned()))
        .bind(reason)
        .bind(actor)
        .bind(to_column(*since))
        .bind(until.map(to_column))
        .execute(connection)
        .await?;
    Ok(())
}

/// Refuses what is suspended: the project, or one of these objects of it.
pub(super) async fn refuse(
    connection: &mut SqliteConnection,
    project: &Name,
    written: &HashSet<&Address>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let stands_in_the_way = |one: &Suspension| one.address.as_ref().is_none_or(|address| written.contains(address));
    match in_force(connection, project, now).await?.into_iter().find(stands_in_the_way) {
        Some(suspension) => Err(StoreError::Suspended(Box::new(suspension))),
        None => Ok(()),
    }
}

async fn in_force(
    connection: &mut SqliteConnection,
    project: &Name,
    now: Timestamp,
) -> Result<Vec<Suspension>, StoreError> {
    let query = sqlx::query(
        "SELECT kind, name, reason, actor, since, until FROM suspensions \
         WHERE project = ? AND (until IS NULL OR until > ?)",
    );
    let found = query.bind(project.as_str()).bind(to_column(now)).fetch_all(connection).await?;
    let mut all: Vec<Suspension> = found.iter().map(suspension).collect::<Result<_, _>>()?;
    all.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(all)
}

fn suspension(row: &SqliteRow) -> Result<Suspension, StoreError> {
    let what = "a suspension";
    let text = |column: usize| row.try_get::<Option<&str>, _>(column);
    let address = match (text(0)?, text(1)?) {
        (Some(kind), Some(name)) => Some(rows::address(kind, name)?),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(StoreError::corrupt(what, "half an address")),
    };
    let until: Option<i64> = row.try_get(5)?;
    Ok(Suspension {
        address,
        reason: row.try_get(2)?,
        actor: row.try_get(3)?,
        since: from_column(&what, row.try_get(4)?)?,
        until: until.map(|until| from_column(&what, until)).transpose()?,
    })
}
