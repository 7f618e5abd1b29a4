//! What a write touches, in memory: read once, changed by plain code in the order of the writes, written back in bulk.
//!
//! Rules about one object need no database; rules about several (references, uniqueness) are looked
//! at once all writes are done, so that the order within a changeset does not matter to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::content::Content;
use super::error::StoreError;
use super::staged::{Staged, Versioning};
use crate::base::digest::Digest;
use crate::base::ident::{Generation, Name, ObjectId, Revision};
use crate::base::secret::SecretText;
use crate::kinds::{Address, Creation, Kind, LifeCycle};
use crate::object::changeset::Body;

/// Set by `publish-settings` and by nothing else, so that a change of the spec does not undo it.
pub(super) const PUBLISHED: &str = "published";
/// Set when a receiver has said 410.
pub(super) const HALTED: &str = "halted";

/// The objects a write touches.
pub(super) struct Stage {
    pub(super) project: Name,
    /// The revision this write makes.
    pub(super) revision: Revision,
    pub(super) now: Timestamp,
    pub(super) objects: HashMap<ObjectId, Staged>,
    /// In the order of their making, so that bulk statements and audit follow the writes.
    pub(super) order: Vec<ObjectId>,
    /// Who lives at the addresses that were looked at.
    pub(super) live: HashMap<Address, ObjectId>,
    /// The newest archived object of each address that something is restored to.
    pub(super) archived: HashMap<Address, ObjectId>,
    /// Contents of secrets of objects that will be replaced.
    pub(super) contents: HashMap<ObjectId, BTreeMap<String, SecretText>>,
    pub(super) audit: Vec<AuditDraft>,
}

/// An audit entry less what is the same for the whole write.
#[derive(Clone, Debug)]
pub(super) struct AuditDraft {
    pub(super) action: &'static str,
    pub(super) address: Option<Address>,
    pub(super) before: Option<Digest>,
    pub(super) after: Option<Digest>,
    /// The System that the object belonged to before the write.
    pub(super) system: Option<Name>,
}

/// What became of an object that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retired {
    Archived,
    Deleted,
}

impl Stage {
    pub(super) fn new(project: &Name, before: Revision, now: Timestamp) -> Self {
        Self {
            project: project.clone(),
            revision: Revision(before.0 + 1),
            now,
            objects: HashMap::new(),
            order: Vec::new(),
            live: HashMap::new(),
            archived: HashMap::new(),
            contents: HashMap::new(),
            audit: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, staged: Staged) {
        let (id, address) = (staged.id, staged.address.clone());
        if staged.is_live() {
            self.live.insert(address, id);
        } else {
            // Added in the order of archiving, so the newest stays.
            self.archived.insert(address, id);
        }
        self.order.push(id);
        self.objects.insert(id, staged);
    }

    /// All objects in the order they came in.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Staged> {
        self.order.iter().filter_map(|id| self.objects.get(id))
    }

    pub(super) fn live(&self, address: &Address) -> Option<&Staged> {
        self.objects.get(self.live.get(address)?)
    }

    pub(super) fn live_mut(&mut self, address: &Address) -> Result<&mut Staged, StoreError> {
        let id = self.live.get(address);
        id.and_then(|id| self.objects.get_mut(id)).ok_or_else(|| StoreError::rejected(address, "it does not exist"))
    }

    /// The System that an object belongs to.
    pub(super) fn system_of(&self, address: &Address) -> Option<Name> {
        let links = &self.live(address)?.content.links;
        let (_, _, name) = links.names.iter().find(|(_, kind, _)| *kind == Kind::System)?;
        name.parse().ok()
    }

    /// Makes an object.
    pub(super) fn create(&mut self, address: &Address, body: &Body, managed: bool) -> Result<ObjectId, StoreError> {
        if self.live.contains_key(address) {
            return Err(StoreError::rejected(address, "it exists already"));
        }
        let content = Arc::new(Content::accept(address, &body.metadata, &body.spec)?);
        let id = self.new_id()?;
        let server_set = match content.spec.server_set(&Creation { id, now: self.now }) {
            Value::Object(map) => map,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        };
        let mut staged = Staged {
            address: address.clone(),
            id,
            generation: Generation(self.revision.0),
            digest: content.digest,
            last_applied: None,
            server_set,
            managed,
            used: false,
            created_at: self.now,
            archived_at: None,
            before: None,
            changed: true,
            relinked: true,
            deleted: false,
            new_versions: Vec::new(),
            held: BTreeSet::new(),
            fresh: BTreeMap::new(),
            content: Arc::clone(&content),
        };
        staged.take_secrets(&content, &body.secrets)?;
        if staged.life_cycle() == LifeCycle::VersionsGrow {
            staged.settle_versions(&content, Versioning::Grow)?;
        }
        if managed {
            staged.mark_applied(body.applied.as_ref())?;
        }
        self.add(staged);
        Ok(id)
    }

    /// Changes an object's content in place.
    pub(super) fn change(
        &mut self,
        address: &Address,
        body: &Body,
        versioning: Versioning,
    ) -> Result<ObjectId, StoreError> {
        let (now, generation) = (self.now, Generation(self.revision.0));
        let content = Content::accept(address, &body.metadata, &body.spec)?;
        let staged = self.live_mut(address)?;
        staged.check_change(&content, now)?;
        staged.settle_versions(&content, versioning)?;
        staged.take_secrets(&content, &body.secrets)?;
        staged.refresh_server_set(&content, now);
        staged.set_content(content);
        staged.generation = generation;
        Ok(staged.id)
    }

    /// Changes an object beside its content.
    pub(super) fn touch(&mut self, address: &Address) -> Result<&mut Staged, StoreError> {
        let generation = Generation(self.revision.0);
        let staged = self.live_mut(address)?;
        staged.generation = generation;
        staged.changed = true;
        Ok(staged)
    }

    /// Gives an object another address; its id stays.
    pub(super) fn rename(&mut self, from: &Address, to: &Address) -> Result<ObjectId, StoreError> {
        if from.kind != to.kind {
            return Err(StoreError::rejected(to, format!("it cannot be moved from {from}: the kinds differ")));
        }
        if self.live.contains_key(to) {
            return Err(StoreError::rejected(to, "it exists already"));
        }
        let staged = self.touch(from)?;
        let content = Content::clone(&staged.content).renamed(to)?;
        staged.set_content(content);
        staged.address = to.clone();
        let id = staged.id;
        self.live.remove(from);
        self.live.insert(to.clone(), id);
        Ok(id)
    }

    /// Brings the object that was archived last under this address back.
    pub(super) fn restore(&mut self, address: &Address) -> Result<ObjectId, StoreError> {
        if self.live.contains_key(address) {
            return Err(StoreError::rejected(address, "it exists already"));
        }
        let missing = || StoreError::rejected(address, "nothing is archived under this address");
        let id = self.archived.remove(address).ok_or_else(missing)?;
        let staged = self.objects.get_mut(&id).ok_or_else(missing)?;
        staged.archived_at = None;
        staged.generation = Generation(self.revision.0);
        staged.changed = true;
        staged.relinked = true;
        self.live.insert(address.clone(), id);
        Ok(id)
    }

    pub(super) fn delete(&mut self, address: &Address) -> Result<(), StoreError> {
        let staged = self.live_mut(address)?;
        match staged.life_cycle() {
            LifeCycle::Mutable => {}
            LifeCycle::FrozenOnceUsed if !staged.used => {}
            LifeCycle::FrozenOnceUsed => {
                return Err(StoreError::rejected(address, "it was used and can only be archived"));
            }
            LifeCycle::VersionsGrow => {
                return Err(StoreError::rejected(address, "its kind is never deleted, only archived"));
            }
        }
        staged.deleted = true;
        staged.changed = true;
        self.live.remove(address);
        Ok(())
    }

    pub(super) fn archive(&mut self, address: &Address) -> Result<(), StoreError> {
        let now = self.now;
        let staged = self.touch(address)?;
        if staged.life_cycle() == LifeCycle::Mutable {
            return Err(StoreError::rejected(address, "its kind is deleted, not archived"));
        }
        staged.archived_at = Some(now);
        let id = staged.id;
        self.live.remove(address);
        self.archived.insert(address.clone(), id);
        Ok(())
    }

    /// Archives what must be kept and deletes what need not.
    pub(super) fn retire(&mut self, address: &Address) -> Result<Retired, StoreError> {
        let staged = self.live_mut(address)?;
        let keep = match staged.life_cycle() {
            LifeCycle::Mutable => false,
            LifeCycle::FrozenOnceUsed => staged.used,
            LifeCycle::VersionsGrow => true,
        };
        if keep {
            self.archive(address).map(|()| Retired::Archived)
        } else {
            self.delete(address).map(|()| Retired::Deleted)
        }
    }

    /// Ids rise with the time, which keeps the index of a bulk insert compact.
    fn new_id(&self) -> Result<ObjectId, StoreError> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(StoreError::Random)?;
        let millis = u64::try_from(self.now.as_millisecond()).unwrap_or(0);
        Ok(ObjectId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()))
    }
}
