//! Changes that no plan makes: by a person through the API, or by the engine. What was last applied stays as it is,
//! so a change of content to a managed object is drift.

use std::collections::BTreeSet;

use serde_json::Value;

use super::changeset::load_objects;
use super::error::StoreError;
use super::flush::{self, Author};
use super::stage::{AuditDraft, HALTED, Retired, Stage};
use super::staged::{Staged, Versioning};
use super::{Store, objects, references, rows, unique};
use crate::base::ident::{Generation, Name, Revision};
use crate::kinds::scope::Siblings;
use crate::kinds::{Address, Kind, LifeCycle, Metadata};
use crate::object::changeset::{Body, SecretWrite, Stale};
use crate::object::record::ObjectRecord;

/// A precondition of a change by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// There is no such object.
    Absent,
    /// There is such an object.
    Exists,
    /// The object has this generation.
    Generation(Generation),
}

/// What a put has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// Made an object that is not managed.
    Created,
    /// Changed the object.
    Updated,
    /// The object is like that already; nothing was written.
    Unchanged,
}

/// An object that was put.
#[derive(Clone, Debug, PartialEq)]
pub struct Put {
    /// What was done.
    pub outcome: PutOutcome,
    /// The object as this put left it, whatever was written since.
    pub record: ObjectRecord,
}

/// What a removal has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Deleted,
    /// It was used, or has versions: it is out of use and answers by its id.
    Archived,
}

impl Store {
    /// Makes an object, or gives one this content.
    ///
    /// Guarantees: as [`Store::changeset`] for one object; what was last applied and who manages it stay. A workflow
    /// gets a new version when what versions freeze changes. A default that follows from the project's other objects
    /// is filled from the live ones.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when `if_match` does not hold, [`StoreError::Rejected`] when the content breaks a rule.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the one request")]
    pub async fn put_by_hand(
        &self,
        project: &Name,
        address: &Address,
        metadata: Metadata,
        spec: Value,
        secrets: Vec<SecretWrite>,
        actor: &str,
        if_match: Option<IfMatch>,
    ) -> Result<Put, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let mut stage = self.stage_one(&mut transaction, project, address).await?;
        check(&stage, address, if_match)?;
        let spec = complete(&mut transaction, project, address, spec).await?;
        let body = Body { metadata, spec, applied: None, secrets };
        let before = stage.live(address).map(|staged| staged.digest);
        let system = stage.system_of(address);
        let (id, outcome) = match before {
            None => (stage.create(address, &body, false)?, PutOutcome::Created),
            Some(digest) => {
                let id = stage.change(address, &body, Versioning::Fit)?;
                if stage.live(address).is_some_and(|staged| staged.digest == digest) && body.secrets.is_empty() {
                    let record = objects::one(&mut transaction, project, id).await?;
                    let record = record.ok_or_else(|| StoreError::Absent(address.clone()))?;
                    return Ok(Put { outcome: PutOutcome::Unchanged, record });
                }
                (id, PutOutcome::Updated)
            }
        };
        let after = stage.live(address).map(|staged| staged.digest);
        stage.audit.push(AuditDraft { action: "put", address: Some(address.clone()), before, after, system });
        self.write_one(&mut transaction, &mut stage, actor).await?;
        // Before the commit: behind it the next writer may have been here.
        let record = objects::one(&mut transaction, project, id).await?;
        let record = record.ok_or_else(|| StoreError::Absent(address.clone()))?;
        self.commit(transaction).await?;
        Ok(Put { outcome, record })
    }

    /// Removes an object: deletes what was never used, archives what has to be kept.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Conflict`] when `if_match` does not hold, [`StoreError::Rejected`] while
    /// something live refers to it.
    pub async fn delete_by_hand(
        &self,
        project: &Name,
        address: &Address,
        actor: &str,
        if_match: Option<IfMatch>,
    ) -> Result<Removed, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let mut stage = self.stage_one(&mut transaction, project, address).await?;
        check(&stage, address, if_match)?;
        let before = stage.live(address).map(|staged| staged.digest);
        let before = before.ok_or_else(|| StoreError::Absent(address.clone()))?;
        let system = stage.system_of(address);
        let removed = match stage.retire(address)? {
            Retired::Archived => Removed::Archived,
            Retired::Deleted => Removed::Deleted,
        };
        let (action, address) = ("remove", Some(address.clone()));
        stage.audit.push(AuditDraft { action, address, before: Some(before), after: None, system });
        self.finish(transaction, stage, actor).await?;
        Ok(removed)
    }

    /// Marks an object as used, as the engine does when a call refers to it: that freezes a Template.
    /// Does nothing if it was used before.
    ///
    /// # Errors
    /// [`StoreError::Absent`]; [`StoreError::Rejected`] for a kind that use does not freeze.
    pub async fn mark_used(&self, project: &Name, address: &Address, actor: &str) -> Result<Revision, StoreError> {
        if address.kind.life_cycle() != LifeCycle::FrozenOnceUsed {
            return Err(StoreError::rejected(address, "use does not freeze its kind"));
        }
        self.mark(project, address, actor, "mark-used", |staged| !std::mem::replace(&mut staged.used, true)).await
    }

    /// Sets whether deliveries to a Destination are halted, as the engine does when the receiver says 410.
    /// Does nothing if it is so already.
    ///
    /// # Errors
    /// [`StoreError::Absent`]; [`StoreError::Rejected`] for a kind that cannot be halted.
    pub async fn set_halted(
        &self,
        project: &Name,
        address: &Address,
        halted: bool,
        actor: &str,
    ) -> Result<Revision, StoreError> {
        let action = if halted { "halt" } else { "resume" };
        let mut possible = true;
        let set = |staged: &mut Staged| {
            if let Some(flag) = staged.server_set.get_mut(HALTED) {
                std::mem::replace(flag, halted.into()) != Value::Bool(halted)
            } else {
                possible = false;
                false
            }
        };
        let revision = self.mark(project, address, actor, action, set).await?;
        if possible { Ok(revision) } else { Err(StoreError::rejected(address, "its kind cannot be halted")) }
    }

    /// Changes one object beside its content; writes nothing when `change` says that nothing changed.
    async fn mark(
        &self,
        project: &Name,
        address: &Address,
        actor: &str,
        action: &'static str,
        change: impl FnOnce(&mut Staged) -> bool + Send,
    ) -> Result<Revision, StoreError> {
        let mut writer = self.writer().await;
        let mut transaction = writer.begin().await?;
        let mut stage = self.stage_one(&mut transaction, project, address).await?;
        if stage.live(address).is_none() {
            return Err(StoreError::Absent(address.clone()));
        }
        let staged = stage.touch(address)?;
        let digest = Some(staged.digest);
        if !change(staged) {
            return rows::revision(&mut transaction, project).await;
        }
        let address = Some(address.clone());
        stage.audit.push(AuditDraft { action, address, before: digest, after: digest, system: None });
        self.finish(transaction, stage, actor).await
    }

    async fn stage_one(
        &self,
        connection: &mut sqlx::SqliteConnection,
        project: &Name,
        address: &Address,
    ) -> Result<Stage, StoreError> {
        rows::ensure_project(connection, project).await?;
        let before = rows::revision(connection, project).await?;
        let mut stage = Stage::new(project, before, self.reads.clock.now());
        load_objects(connection, &mut stage, BTreeSet::from([address]), BTreeSet::new()).await?;
        Ok(stage)
    }

    async fn finish(
        &self,
        mut transaction: sqlx::Transaction<'_, sqlx::Sqlite>,
        mut stage: Stage,
        actor: &str,
    ) -> Result<Revision, StoreError> {
        self.write_one(&mut transaction, &mut stage, actor).await?;
        self.commit(transaction).await?;
        Ok(stage.revision)
    }

    async fn write_one(
        &self,
        connection: &mut sqlx::SqliteConnection,
        stage: &mut Stage,
        actor: &str,
    ) -> Result<(), StoreError> {
        let linked = references::link(connection, stage).await?;
        unique::check(connection, stage).await?;
        let author = Author { actor, changeset: None };
        flush::flush(connection, stage, &linked, self.keys()?, &author).await
    }

    async fn commit(&self, transaction: sqlx::Transaction<'_, sqlx::Sqlite>) -> Result<(), StoreError> {
        transaction.commit().await.map_err(StoreError::of_commit)?;
        self.announce_change();
        Ok(())
    }
}

fn check(stage: &Stage, address: &Address, if_match: Option<IfMatch>) -> Result<(), StoreError> {
    let found = stage.live(address).map(|staged| staged.generation);
    let expected = match if_match {
        None => return Ok(()),
        Some(IfMatch::Exists) if found.is_some() => return Ok(()),
        Some(IfMatch::Exists | IfMatch::Absent) => None,
        Some(IfMatch::Generation(generation)) => Some(generation),
    };
    if expected == found && if_match != Some(IfMatch::Exists) {
        return Ok(());
    }
    Err(StoreError::Conflict(vec![Stale { address: address.clone(), expected, found }]))
}

/// Fills defaults that follow from the project's other objects. A spec that cannot be read is left for the check that
/// says so.
async fn complete(
    connection: &mut sqlx::SqliteConnection,
    project: &Name,
    address: &Address,
    spec: Value,
) -> Result<Value, StoreError> {
    let Ok(mut typed) = address.kind.read_spec(&spec) else { return Ok(spec) };
    let query = sqlx::query_as("SELECT name, spec FROM objects WHERE project = ? AND kind = ? AND archived = 0");
    let systems: Vec<(String, String)> =
        query.bind(project.as_str()).bind(Kind::System.as_str()).fetch_all(connection).await?;
    let mut known = Vec::new();
    for (name, spec) in systems {
        let system = rows::address(Kind::System.as_str(), &name)?;
        let spec: Value = rows::json(&system, "spec", &spec)?;
        let spec = Kind::System.read_spec(&spec).map_err(|error| StoreError::corrupt(&system, &error))?;
        known.push((system.name, spec));
    }
    if !typed.complete(&Siblings::of(known.iter().map(|(name, spec)| (name, spec)))) {
        return Ok(spec);
    }
    typed.to_value().map_err(|error| StoreError::rejected(address, error.to_string()))
}
