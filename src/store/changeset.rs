//! A plan's writes, all or none, in one transaction.

use std::collections::{BTreeSet, HashSet};

use sqlx::{Row as _, SqliteConnection};

use super::clock::{from_column, to_column};
use super::content::Content;
use super::error::StoreError;
use super::flush::{self, Author};
use super::key::Keys;
use super::rows::{self, object_columns, parse, signed, stored, unsigned};
use super::stage::{AuditDraft, PUBLISHED, Stage};
use super::staged::{Staged, Versioning};
use super::{ReadStore, Store, lease, references, secrets, suspensions, unique};
use crate::base::ident::{Name, ObjectId, PlanId, Revision};
use crate::kinds::Address;
use crate::object::changeset::{
    AppliedPlan, Body, Changeset, ChangesetOutcome, Expected, Operation, Stale, Write, WriteResult,
};

impl ReadStore {
    /// Whether and when a plan was applied.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn applied(&self, project: &Name, plan: PlanId) -> Result<Option<AppliedPlan>, StoreError> {
        let Some(mut view) = self.view().await? else { return Ok(None) };
        applied(&mut view, project, plan).await
    }
}

impl Store {
    /// Writes all of a changeset or nothing.
    ///
    /// Guarantees: a plan is applied once, and asked again (even without a lease, so that an unknown outcome can be
    /// settled) it is answered with [`ChangesetOutcome::AlreadyApplied`]. Every expectation is looked at before
    /// anything is written, and all that fail are named. Digests, references and effective values are computed here.
    /// The project's revision rises by one, and everything written has it as its generation; what is only refreshed
    /// keeps its generation. Once answered it is on disk.
    ///
    /// Not guaranteed: rules that need the whole project's manifests (an event's properties, a template's
    /// placeholders); those are checked before planning.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::Suspended`], [`StoreError::PlanReused`], [`StoreError::Conflict`] and
    /// [`StoreError::Rejected`]: nothing was written. [`StoreError::UnknownOutcome`]: ask [`ReadStore::applied`].
    pub async fn changeset(&self, changeset: &Changeset) -> Result<ChangesetOutcome, StoreError> {
        let written = self.write(changeset).await;
        self.tidy_if_full(written).await
    }

    async fn write(&self, changeset: &Changeset) -> Result<ChangesetOutcome, StoreError> {
        let keys = self.keys()?;
        let project = &changeset.project;
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let now = self.reads.clock.now();
        if let Some(plan) = applied(&mut transaction, project, changeset.plan_id).await? {
            let same = plan.body == changeset.body;
            return if same { Ok(ChangesetOutcome::AlreadyApplied(plan)) } else { Err(StoreError::PlanReused) };
        }
        lease::check(&mut transaction, project, changeset.plan_id, changeset.fencing_token, now).await?;
        if changeset.heeds_suspensions {
            let written: HashSet<&Address> =
                changeset.writes.iter().flat_map(|write| former(write).into_iter().chain([&write.address])).collect();
            suspensions::refuse(&mut transaction, project, &written, now).await?;
        }
        let before = rows::revision(&mut transaction, project).await?;
        let mut stage = Stage::new(project, before, now);
        load(&mut transaction, &mut stage, changeset, keys).await?;
        check_expectations(&stage, changeset)?;
        let mut touched: HashSet<&Address> = HashSet::new();
        let mut results = Vec::with_capacity(changeset.writes.len());
        for write in &changeset.writes {
            if write.expected == Expected::WrittenBefore && !touched.contains(&write.address) {
                return Err(StoreError::rejected(&write.address, "no earlier write touches it"));
            }
            results.push(stage.carry_out(write)?);
            touched.extend(former(write));
            touched.insert(&write.address);
        }
        for (address, _) in &changeset.refresh {
            stage.live_mut(address)?.mark_applied(None)?;
        }
        let linked = references::link(&mut transaction, &mut stage).await?;
        unique::check(&mut transaction, &stage).await?;
        let author = Author { actor: &changeset.actor, changeset: Some(changeset) };
        flush::flush(&mut transaction, &stage, &linked, keys, &author).await?;
        sqlx::query("INSERT INTO applied_plans (project, plan, body, at, actor, revision) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(project.as_str())
            .bind(changeset.plan_id.to_string())
            .bind(changeset.body.to_string())
            .bind(to_column(now))
            .bind(&changeset.actor)
            .bind(signed(stage.revision.0))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await.map_err(StoreError::of_commit)?;
        self.announce_change();
        Ok(ChangesetOutcome::Applied { revision: stage.revision, results })
    }
}

async fn applied(
    connection: &mut SqliteConnection,
    project: &Name,
    plan: PlanId,
) -> Result<Option<AppliedPlan>, StoreError> {
    let query = sqlx::query("SELECT body, at, actor, revision FROM applied_plans WHERE project = ? AND plan = ?");
    let found = query.bind(project.as_str()).bind(plan.to_string()).fetch_optional(connection).await?;
    let Some(row) = found else { return Ok(None) };
    let what = format!("the applied plan {plan}");
    Ok(Some(AppliedPlan {
        plan_id: plan,
        body: parse(&what, "digest", row.try_get(0)?)?,
        at: from_column(&what, row.try_get(1)?)?,
        actor: row.try_get(2)?,
        revision: Revision(unsigned(&what, row.try_get(3)?)?),
    }))
}

/// The former address of a move.
fn former(write: &Write) -> Option<&Address> {
    match &write.operation {
        Operation::Move { from, .. } => Some(from),
        Operation::Create(_)
        | Operation::Update(_)
        | Operation::Replace(_)
        | Operation::NewVersion(_)
        | Operation::MakeCurrent { .. }
        | Operation::Delete
        | Operation::Archive
        | Operation::Restore(_)
        | Operation::Adopt(_)
        | Operation::PublishSettings => None,
    }
}

async fn load(
    connection: &mut SqliteConnection,
    stage: &mut Stage,
    changeset: &Changeset,
    keys: &Keys,
) -> Result<(), StoreError> {
    let writes = &changeset.writes;
    let refreshed = changeset.refresh.iter().map(|(address, _)| address);
    let live = writes.iter().flat_map(|write| [Some(&write.address), former(write)]).flatten().chain(refreshed);
    let restored = writes.iter().filter(|write| matches!(write.operation, Operation::Restore(_)));
    load_objects(connection, stage, live.collect(), restored.map(|write| &write.address).collect()).await?;
    let replaced = writes.iter().filter(|write| matches!(write.operation, Operation::Replace(_)));
    let replaced: Vec<ObjectId> = replaced.filter_map(|write| stage.live.get(&write.address).copied()).collect();
    if !replaced.is_empty() {
        stage.contents = secrets::contents(connection, keys, &stage.project, &replaced).await?;
    }
    Ok(())
}

/// Puts the objects that live at these addresses on the stage, and the newest archived one of each address in
/// `restored`.
pub(super) async fn load_objects(
    connection: &mut SqliteConnection,
    stage: &mut Stage,
    live: BTreeSet<&Address>,
    restored: BTreeSet<&Address>,
) -> Result<(), StoreError> {
    let query = sqlx::query(concat!(
        "SELECT ",
        object_columns!(),
        " FROM json_each(?) a CROSS JOIN objects o ON o.project = ? AND o.kind = a.value ->> 0 AND o.name = a.value ->> 1 \
         AND o.archived = 0"
    ));
    let query = query.bind(rows::addresses(live)).bind(stage.project.as_str());
    let mut found = query.fetch_all(&mut *connection).await?;
    if !restored.is_empty() {
        let query = sqlx::query(concat!(
            "SELECT ",
            object_columns!(),
            " FROM json_each(?) a CROSS JOIN objects o ON o.project = ? AND o.kind = a.value ->> 0 \
             AND o.name = a.value ->> 1 AND o.archived = 1 ORDER BY o.archived_at, o.generation"
        ));
        let query = query.bind(rows::addresses(restored)).bind(stage.project.as_str());
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    let found: Result<Vec<_>, StoreError> = found.iter().map(stored).collect();
    let found = found?;
    let ids: Vec<ObjectId> = found.iter().map(|stored| stored.id).collect();
    let mut held = secrets::held(connection, &ids).await?;
    for stored in found {
        let held = held.remove(&stored.id).unwrap_or_default();
        stage.add(Staged::of(stored, held)?);
    }
    Ok(())
}

/// The address that a write leaves to others.
fn frees(write: &Write) -> Option<&Address> {
    match write.operation {
        Operation::Move { .. } => former(write),
        Operation::Delete | Operation::Archive => Some(&write.address),
        Operation::Create(_)
        | Operation::Update(_)
        | Operation::Replace(_)
        | Operation::NewVersion(_)
        | Operation::MakeCurrent { .. }
        | Operation::Restore(_)
        | Operation::Adopt(_)
        | Operation::PublishSettings => None,
    }
}

/// Looks at all expectations before the first write, and names all that do not hold.
fn check_expectations(stage: &Stage, changeset: &Changeset) -> Result<(), StoreError> {
    let mut stale = Vec::new();
    let generation = |address: &Address| stage.live(address).map(|staged| staged.generation);
    let freed: HashSet<&Address> = changeset.writes.iter().filter_map(frees).collect();
    for write in &changeset.writes {
        let address = former(write).unwrap_or(&write.address);
        let (expected, found) = match write.expected {
            Expected::WrittenBefore => continue,
            Expected::Absent => (None, generation(&write.address)),
            Expected::Generation(expected) if matches!(write.operation, Operation::Restore(_)) => {
                let archived = stage.archived.get(address).and_then(|id| stage.objects.get(id));
                (Some(expected), archived.map(|staged| staged.generation))
            }
            Expected::Generation(expected) => (Some(expected), generation(address)),
        };
        if expected != found {
            stale.push(Stale { address: address.clone(), expected, found });
        }
        // What is moved or restored comes to an address that nobody may have taken meanwhile.
        if matches!(write.operation, Operation::Move { .. } | Operation::Restore(_))
            && !freed.contains(&write.address)
            && let Some(found) = generation(&write.address)
        {
            stale.push(Stale { address: write.address.clone(), expected: None, found: Some(found) });
        }
    }
    for (address, expected) in &changeset.refresh {
        let found = generation(address);
        if found != Some(*expected) {
            stale.push(Stale { address: address.clone(), expected: Some(*expected), found });
        }
    }
    // Of two writes to one object both expect the same.
    let mut seen = BTreeSet::new();
    stale.retain(|stale| seen.insert((stale.address.clone(), stale.expected)));
    if stale.is_empty() { Ok(()) } else { Err(StoreError::Conflict(stale)) }
}

impl Stage {
    fn carry_out(&mut self, write: &Write) -> Result<WriteResult, StoreError> {
        let address = &write.address;
        let found = former(write).unwrap_or(address);
        let before = self.live(found).map(|staged| staged.digest);
        let system = self.system_of(found);
        let id = match &write.operation {
            Operation::Create(body) => Some(self.create(address, body, true)?),
            Operation::Update(body) => Some(self.apply(address, body, Versioning::Keep)?),
            Operation::NewVersion(body) => Some(self.apply(address, body, Versioning::Grow)?),
            Operation::MakeCurrent { version, body } => Some(self.apply(address, body, Versioning::Point(*version))?),
            Operation::Replace(body) => Some(self.replace(address, body)?),
            Operation::Move { from, body } => {
                let id = self.rename(from, address)?;
                if let Some(body) = body {
                    self.apply(address, body, Versioning::Fit)?;
                }
                Some(id)
            }
            Operation::Delete => {
                self.delete(address)?;
                None
            }
            Operation::Archive => {
                let id = self.live.get(address).copied();
                self.archive(address)?;
                id
            }
            Operation::Restore(body) => {
                self.restore(address)?;
                Some(self.take_over(address, body.as_ref())?)
            }
            Operation::Adopt(body) => Some(self.take_over(address, body.as_ref())?),
            Operation::PublishSettings => {
                let staged = self.touch(address)?;
                match staged.server_set.get_mut(PUBLISHED) {
                    Some(published) => *published = true.into(),
                    None => return Err(StoreError::rejected(address, "its kind has no settings to publish")),
                }
                Some(staged.id)
            }
        };
        let after = self.live(address).map(|staged| staged.digest);
        let action = write.action.as_str();
        self.audit.push(AuditDraft { action, address: Some(address.clone()), before, after, system });
        Ok(WriteResult { address: address.clone(), action: write.action, id })
    }

    /// Changes content as an apply does: it is what was last applied, and the object is managed.
    fn apply(&mut self, address: &Address, body: &Body, versioning: Versioning) -> Result<ObjectId, StoreError> {
        let id = self.change(address, body, versioning)?;
        let staged = self.live_mut(address)?;
        staged.managed = true;
        staged.mark_applied(body.applied.as_ref())?;
        Ok(id)
    }

    /// Makes an object managed as it is, or with this content.
    fn take_over(&mut self, address: &Address, body: Option<&Body>) -> Result<ObjectId, StoreError> {
        if let Some(body) = body {
            return self.apply(address, body, Versioning::Fit);
        }
        let staged = self.touch(address)?;
        staged.managed = true;
        staged.mark_applied(None)?;
        Ok(staged.id)
    }

    /// Retires the object and makes a new one, which takes over the contents of secrets that did not come anew.
    fn replace(&mut self, address: &Address, body: &Body) -> Result<ObjectId, StoreError> {
        let old = self.live_mut(address)?;
        let (old_id, fresh) = (old.id, old.fresh.clone());
        let new = Content::accept(address, &body.metadata, &body.spec)?;
        let mut body = body.clone();
        let mut kept = self.contents.remove(&old_id).unwrap_or_default();
        kept.extend(fresh);
        for (path, content) in kept {
            if new.links.secrets.contains(&path) && !body.secrets.iter().any(|secret| secret.path == path) {
                body.secrets.push(crate::object::changeset::SecretWrite { path, content });
            }
        }
        self.retire(address)?;
        self.create(address, &body, true)
    }
}
