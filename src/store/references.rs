//! References between objects: names resolved to ids once all writes of a changeset are done, objects marked as used,
//! and removals refused while somebody still refers to what is removed.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};
use sqlx::{Row as _, SqliteConnection};

use super::content::address_of;
use super::error::StoreError;
use super::rows::{self, parse};
use super::stage::{AuditDraft, Stage};
use crate::base::digest::Digest;
use crate::base::ident::{Generation, ObjectId};
use crate::kinds::{Address, LifeCycle};

/// Where resolved references stand in `serverSet`: `{"spec.template": "<id>"}`.
pub(super) const REFERENCES: &str = "references";

/// A reference to be kept.
pub(super) struct ReferenceRow {
    pub(super) object: ObjectId,
    pub(super) path: String,
    pub(super) target: ObjectId,
}

/// What linking found out.
#[derive(Default)]
pub(super) struct Linked {
    pub(super) references: Vec<ReferenceRow>,
    /// Objects outside the stage that are used from now on.
    pub(super) newly_used: Vec<ObjectId>,
}

struct Target {
    id: ObjectId,
    address: Address,
    used: bool,
    digest: Digest,
}

/// Resolves the references of everything that was written, and refuses what cannot be.
pub(super) async fn link(connection: &mut SqliteConnection, stage: &mut Stage) -> Result<Linked, StoreError> {
    let outside = look_up(connection, stage).await?;
    let mut linked = Linked::default();
    let mut targets: BTreeSet<ObjectId> = BTreeSet::new();
    for n in 0..stage.order.len() {
        let Some(staged) = stage.order.get(n).and_then(|id| stage.objects.get(id)) else { continue };
        if !staged.relinked || !staged.is_live() {
            continue;
        }
        let mut resolved = Map::new();
        for (path, kind, name) in &staged.content.links.names {
            let target = address_of(*kind, name).and_then(|address| {
                stage.live(&address).map(|staged| staged.id).or_else(|| outside.names.get(&address).map(|t| t.id))
            });
            let unknown = || StoreError::rejected(&staged.address, format!("{path}: there is no {kind}/{name}"));
            let target = target.ok_or_else(unknown)?;
            resolved.insert(path.clone(), Value::String(target.to_string()));
            linked.references.push(ReferenceRow { object: staged.id, path: path.clone(), target });
            targets.insert(target);
        }
        targets.extend(&staged.content.links.ids);
        let id = staged.id;
        if let Some(staged) = stage.objects.get_mut(&id) {
            if resolved.is_empty() {
                staged.server_set.shift_remove(REFERENCES);
            } else {
                staged.server_set.insert(REFERENCES.into(), Value::Object(resolved));
            }
        }
    }
    mark_used(stage, &outside, &targets, &mut linked);
    refuse_dangling(connection, stage).await?;
    Ok(linked)
}

struct Outside {
    names: HashMap<Address, Target>,
    ids: HashMap<ObjectId, Target>,
}

/// The objects outside the stage that its objects refer to: two queries, however many there are.
async fn look_up(connection: &mut SqliteConnection, stage: &Stage) -> Result<Outside, StoreError> {
    let linked = || stage.in_order().filter(|staged| staged.relinked && staged.is_live());
    let names = linked().flat_map(|staged| &staged.content.links.names);
    let names: BTreeSet<Address> = names.filter_map(|(_, kind, name)| address_of(*kind, name)).collect();
    let names = rows::addresses(names.iter().filter(|address| !stage.live.contains_key(*address)));
    let query = sqlx::query(
        "SELECT o.id, o.kind, o.name, o.used, o.digest FROM json_each(?) a CROSS JOIN objects o ON o.project = ? \
         AND o.kind = a.value ->> 0 AND o.name = a.value ->> 1 AND o.archived = 0",
    );
    let mut found = Outside { names: HashMap::new(), ids: HashMap::new() };
    for row in query.bind(names).bind(stage.project.as_str()).fetch_all(&mut *connection).await? {
        let target = target(&row)?;
        // What the stage holds has been deleted, archived or renamed there, or it would have been found there.
        if !stage.objects.contains_key(&target.id) {
            found.names.insert(target.address.clone(), target);
        }
    }
    let ids: BTreeSet<ObjectId> = linked().flat_map(|staged| staged.content.links.ids.iter().copied()).collect();
    if !ids.is_empty() {
        let query = sqlx::query(
            "SELECT o.id, o.kind, o.name, o.used, o.digest FROM json_each(?) a CROSS JOIN objects o ON o.id = a.value \
             WHERE o.project = ?",
        );
        for row in query.bind(rows::texts(&ids)).bind(stage.project.as_str()).fetch_all(connection).await? {
            let target = target(&row)?;
            found.ids.insert(target.id, target);
        }
    }
    Ok(found)
}

fn target(row: &sqlx::sqlite::SqliteRow) -> Result<Target, StoreError> {
    let address = rows::address(row.try_get(1)?, row.try_get(2)?)?;
    Ok(Target {
        id: parse(&address, "id", row.try_get(0)?)?,
        used: row.try_get(3)?,
        digest: parse(&address, "digest", row.try_get(4)?)?,
        address,
    })
}

/// An object that freezes once it is used is used as soon as something live refers to it.
fn mark_used(stage: &mut Stage, outside: &Outside, targets: &BTreeSet<ObjectId>, linked: &mut Linked) {
    let generation = Generation(stage.revision.0);
    let freezes = |address: &Address| address.kind.life_cycle() == LifeCycle::FrozenOnceUsed;
    let by_name: HashMap<ObjectId, &Target> = outside.names.values().map(|target| (target.id, target)).collect();
    for id in targets {
        let (address, digest) = if let Some(staged) = stage.objects.get_mut(id) {
            if staged.used || !freezes(&staged.address) {
                continue;
            }
            staged.used = true;
            staged.changed = true;
            staged.generation = generation;
            (staged.address.clone(), staged.digest)
        } else {
            let target = by_name.get(id).copied().or_else(|| outside.ids.get(id));
            let Some(target) = target.filter(|target| !target.used && freezes(&target.address)) else { continue };
            linked.newly_used.push(*id);
            (target.address.clone(), target.digest)
        };
        let (before, after) = (Some(digest), Some(digest));
        stage.audit.push(AuditDraft { action: "mark-used", address: Some(address), before, after, system: None });
    }
}

/// Refuses the write when something live still refers to what it deletes, archives, replaces or renames.
async fn refuse_dangling(connection: &mut SqliteConnection, stage: &Stage) -> Result<(), StoreError> {
    let gone: Vec<ObjectId> = stage
        .in_order()
        .filter(|staged| {
            staged
                .before
                .as_ref()
                .is_some_and(|before| !before.archived && (!staged.is_live() || before.address != staged.address))
        })
        .map(|staged| staged.id)
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(
        "SELECT o.id, o.kind, o.name, r.path, t.kind, t.name FROM json_each(?) g \
         CROSS JOIN object_references r ON r.target = g.value CROSS JOIN objects o ON o.id = r.object \
         CROSS JOIN objects t ON t.id = r.target WHERE o.archived = 0 ORDER BY o.kind, o.name, r.path",
    );
    for row in query.bind(rows::texts(&gone)).fetch_all(connection).await? {
        let referrer = rows::address(row.try_get(1)?, row.try_get(2)?)?;
        let id: ObjectId = parse(&referrer, "id", row.try_get(0)?)?;
        // One that was written has been resolved anew, and one that is gone refers to nothing.
        if stage.objects.get(&id).is_some_and(|staged| staged.relinked || !staged.is_live()) {
            continue;
        }
        let target = rows::address(row.try_get(4)?, row.try_get(5)?)?;
        let path: String = row.try_get(3)?;
        return Err(StoreError::rejected(&target, format!("{referrer} still refers to it ({path})")));
    }
    Ok(())
}
