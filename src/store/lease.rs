//! The lease: one applier at a time per project, with a token that never falls.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use super::clock::{from_column, to_column};
use super::error::StoreError;
use super::rows::{self, parse, signed, unsigned};
use super::{ReadStore, Store, audit};
use crate::base::ident::{FencingToken, Name, PlanId};
use crate::object::lease::{LEASE_TERM, LeaseGrant, LeaseHolder};

struct Lease {
    token: FencingToken,
    /// `None` once it was given back or taken away.
    holder: Option<LeaseHolder>,
}

impl Lease {
    /// A lease that ends later than any can that was taken by this clock was taken before the clock was set back. Its
    /// holder would have renewed it if it were alive, and if it is, the next one's token keeps it from writing.
    fn held_at(&self, now: Timestamp) -> Option<&LeaseHolder> {
        let latest = now.checked_add(term() * 2).unwrap_or(Timestamp::MAX);
        self.holder.as_ref().filter(|holder| now < holder.expires_at && holder.expires_at <= latest)
    }
}

fn term() -> SignedDuration {
    SignedDuration::try_from(LEASE_TERM).unwrap_or(SignedDuration::ZERO)
}

impl ReadStore {
    /// Who holds the project's lease now; `None` while nobody does.
    ///
    /// # Errors
    /// When the file cannot be read, or the lease in it is damaged.
    pub async fn lease_holder(&self, project: &Name) -> Result<Option<LeaseHolder>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        let lease = lease(&mut view, project).await?;
        Ok(lease.as_ref().and_then(|lease| lease.held_at(self.clock.now())).cloned())
    }
}

impl Store {
    /// Takes the project's lease, or renews it for the plan that holds it.
    ///
    /// Guarantees: a plan that holds it, or held it last and lost it only to the clock, keeps its token; everybody else
    /// gets a higher one than there ever was. Not guaranteed: that the holder still runs; a lease says nothing about
    /// that until it expires.
    ///
    /// # Errors
    /// [`StoreError::LeaseHeld`] while another plan holds it.
    pub async fn take_lease(&self, project: &Name, owner: PlanId, actor: &str) -> Result<LeaseGrant, StoreError> {
        self.lease_to(project, owner, actor, false).await
    }

    /// As [`Store::take_lease`], for a holder whose process alone keeps it: the lease says so, for those who can tell
    /// whether that process still runs.
    ///
    /// # Errors
    /// [`StoreError::LeaseHeld`] while another plan holds it.
    pub async fn take_process_lease(
        &self,
        project: &Name,
        owner: PlanId,
        actor: &str,
    ) -> Result<LeaseGrant, StoreError> {
        self.lease_to(project, owner, actor, true).await
    }

    async fn lease_to(
        &self,
        project: &Name,
        owner: PlanId,
        actor: &str,
        ends_with_process: bool,
    ) -> Result<LeaseGrant, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        rows::ensure_project(&mut transaction, project).await?;
        let before = lease(&mut transaction, project).await?;
        if let Some(holder) = before.as_ref().and_then(|lease| lease.held_at(now))
            && holder.owner != owner
        {
            return Err(StoreError::LeaseHeld(holder.clone()));
        }
        let last = before.as_ref().map_or(FencingToken(0), |lease| lease.token);
        let own = before.and_then(|lease| lease.holder).filter(|holder| holder.owner == owner);
        let token = if own.is_some() { last } else { FencingToken(last.0 + 1) };
        let since = own.map_or(now, |holder| holder.since);
        let expires_at = now.checked_add(term()).unwrap_or(Timestamp::MAX);
        sqlx::query(
            "INSERT INTO leases (project, token, owner, actor, since, expires_at, ends_with_process) \
             VALUES (?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (project) DO UPDATE SET token = excluded.token, owner = excluded.owner, \
             actor = excluded.actor, since = excluded.since, expires_at = excluded.expires_at, \
             ends_with_process = excluded.ends_with_process",
        )
        .bind(project.as_str())
        .bind(signed(token.0))
        .bind(owner.to_string())
        .bind(actor)
        .bind(to_column(since))
        .bind(to_column(expires_at))
        .bind(ends_with_process)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(LeaseGrant { token, expires_at })
    }

    /// Gives the lease back; does nothing if it passed to another.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn release_lease(&self, project: &Name, owner: PlanId, token: FencingToken) -> Result<(), StoreError> {
        match self.give_back(project, owner, token).await {
            // What was written under the lease may have taken the last space; merging it leaves enough for this.
            full @ Err(StoreError::Full) => {
                let _ = self.tidy_if_full(full).await;
                self.give_back(project, owner, token).await
            }
            done => done,
        }
    }

    async fn give_back(&self, project: &Name, owner: PlanId, token: FencingToken) -> Result<(), StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        sqlx::query("UPDATE leases SET owner = NULL WHERE project = ? AND owner = ? AND token = ?")
            .bind(project.as_str())
            .bind(owner.to_string())
            .bind(signed(token.0))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await.map_err(StoreError::of_commit)
    }

    /// Takes the lease away from whoever holds it, says who that was, and notes it in the audit.
    ///
    /// Guarantees: a changeset under the broken lease is refused from now on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn break_lease(&self, project: &Name, actor: &str) -> Result<Option<LeaseHolder>, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        let Some(lease) = lease(&mut transaction, project).await? else { return Ok(None) };
        let Some(holder) = lease.held_at(now).cloned() else { return Ok(None) };
        let clear = sqlx::query("UPDATE leases SET owner = NULL WHERE project = ?");
        clear.bind(project.as_str()).execute(&mut *transaction).await?;
        audit::note(&mut transaction, project, now, actor, "unlock", None).await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(Some(holder))
    }
}

async fn lease(connection: &mut SqliteConnection, project: &Name) -> Result<Option<Lease>, StoreError> {
    let query =
        sqlx::query("SELECT token, owner, actor, since, expires_at, ends_with_process FROM leases WHERE project = ?");
    let Some(row) = query.bind(project.as_str()).fetch_optional(connection).await? else { return Ok(None) };
    let what = "the lease";
    let holder = match row.try_get::<Option<&str>, _>(1)? {
        None => None,
        Some(owner) => Some(LeaseHolder {
            owner: parse(&what, "owner", owner)?,
            actor: row.try_get(2)?,
            since: from_column(&what, row.try_get(3)?)?,
            expires_at: from_column(&what, row.try_get(4)?)?,
            ends_with_process: row.try_get(5)?,
        }),
    };
    Ok(Some(Lease { token: FencingToken(unsigned(&what, row.try_get(0)?)?), holder }))
}

/// Refuses a write that is not made under the current, unexpired lease of its plan.
pub(super) async fn check(
    connection: &mut SqliteConnection,
    project: &Name,
    owner: PlanId,
    token: FencingToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    let lease = lease(connection, project).await?;
    let held = lease.filter(|lease| lease.token == token);
    match held.as_ref().and_then(|lease| lease.held_at(now)) {
        Some(holder) if holder.owner == owner => Ok(()),
        Some(_) | None => Err(StoreError::LeaseLost),
    }
}
