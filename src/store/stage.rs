//! What a write touches, in memory: read once, changed by plain code in the order of the writes, written back in bulk.
//!
//! Every rule about one object is here and needs no database; rules about several (references, uniqueness) are looked
//! at once all writes are done, so that the order within a changeset does not matter to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::content::Content;
use super::error::StoreError;
use super::rows::{LastApplied, Stored};
use super::versions::{self, NewVersion};
use crate::base::digest::Digest;
use crate::base::ident::{Generation, Name, ObjectId, Revision};
use crate::base::path::Path;
use crate::base::secret::SecretText;
use crate::kinds::{self, Address, Creation, LifeCycle};
use crate::object::changeset::{Body, SecretWrite};

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

/// One object while it is being changed.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) address: Address,
    pub(super) id: ObjectId,
    pub(super) content: Content,
    pub(super) generation: Generation,
    pub(super) digest: Digest,
    pub(super) last_applied: Option<LastApplied>,
    pub(super) server_set: Map<String, Value>,
    pub(super) managed: bool,
    pub(super) used: bool,
    pub(super) created_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
    /// What it was in the database; `None` for a new one.
    pub(super) before: Option<Before>,
    /// Whether its row has to be written.
    pub(super) changed: bool,
    /// Whether its references have to be resolved anew.
    pub(super) relinked: bool,
    pub(super) deleted: bool,
    pub(super) new_versions: Vec<NewVersion>,
    /// Paths of secrets the database holds.
    pub(super) held: BTreeSet<String>,
    /// Contents that came with the write.
    pub(super) fresh: BTreeMap<String, SecretText>,
}

/// An object before the write.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) address: Address,
    pub(super) archived: bool,
}

/// An audit entry less what is the same for the whole write.
#[derive(Clone, Debug)]
pub(super) struct AuditDraft {
    pub(super) action: &'static str,
    pub(super) address: Option<Address>,
    pub(super) before: Option<Digest>,
    pub(super) after: Option<Digest>,
}

/// What becomes of the versions of a kind whose versions only grow when its content changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versioning {
    /// What versions freeze may not change.
    Keep,
    /// A version is added.
    Grow,
    /// The pointer moves to this version, which must be equal to the content.
    Point(u64),
    /// Kept if nothing frozen changes, pointed to an equal version if there is one, else grown.
    Fit,
}

/// What became of an object that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retired {
    Archived,
    Deleted,
}

impl Staged {
    pub(super) fn of(stored: Stored, held: BTreeSet<String>) -> Result<Self, StoreError> {
        let content = Content::recall(&stored.address, stored.metadata, &stored.spec)?;
        Ok(Self {
            before: Some(Before { address: stored.address.clone(), archived: stored.archived }),
            address: stored.address,
            id: stored.id,
            content,
            generation: stored.generation,
            digest: stored.digest,
            last_applied: stored.last_applied,
            server_set: stored.server_set,
            managed: stored.managed,
            used: stored.used,
            created_at: stored.created_at,
            archived_at: stored.archived_at,
            changed: false,
            relinked: false,
            deleted: false,
            new_versions: Vec::new(),
            held,
            fresh: BTreeMap::new(),
        })
    }

    /// Whether it can be named: neither deleted nor archived.
    pub(super) fn is_live(&self) -> bool {
        !self.deleted && self.archived_at.is_none()
    }

    fn life_cycle(&self) -> LifeCycle {
        self.address.kind.life_cycle()
    }

    /// Sets what was last applied to what it is now, or to what the caller says that counts as applied.
    pub(super) fn mark_applied(&mut self, applied: Option<&Value>) -> Result<(), StoreError> {
        let applied = applied.map(|applied| Content::accept_canonical(&self.address, applied)).transpose()?;
        let content = applied.as_ref().unwrap_or(&self.content);
        let canonical = content.canonical.to_string();
        self.last_applied = Some(LastApplied { canonical, digest: content.digest });
        self.changed = true;
        Ok(())
    }

    fn check_change(&self, content: &Content, now: Timestamp) -> Result<(), StoreError> {
        let reject = |reason: String| Err(StoreError::rejected(&self.address, reason));
        if content.spec_value() == self.content.spec_value() {
            return Ok(());
        }
        if self.life_cycle() == LifeCycle::FrozenOnceUsed && self.used {
            return reject("it was used and can only be replaced".into());
        }
        if let Some(reason) = self.content.spec.closed(&Value::Object(self.server_set.clone()), now) {
            return reject(reason);
        }
        for field in self.address.kind.fields().iter().filter(|field| field.immutable) {
            // Where the target has filled an absent value in, writing that value out changes nothing.
            let path = Path::keys(field.path);
            let last = field.path.rsplit('.').next().unwrap_or(field.path);
            let (old, new) = (path.of(&self.content.canonical), path.of(&content.canonical));
            let filled = self.server_set.get(last);
            if old.or(filled) != new.or(filled) {
                return reject(format!("{} cannot be changed; give it a new name", field.path));
            }
        }
        Ok(())
    }

    fn settle_versions(&mut self, content: &Content, versioning: Versioning) -> Result<(), StoreError> {
        let (address, server_set) = (&self.address, &mut self.server_set);
        let reject = |reason: &str| Err(StoreError::rejected(address, reason));
        if address.kind.life_cycle() != LifeCycle::VersionsGrow {
            return match versioning {
                Versioning::Keep | Versioning::Fit => Ok(()),
                Versioning::Grow | Versioning::Point(_) => reject("its kind has no versions"),
            };
        }
        let same = versions::frozen_digest(address, content) == versions::frozen_digest(address, &self.content);
        match versioning {
            Versioning::Keep if same => {}
            Versioning::Keep => return reject("the change needs a new version"),
            Versioning::Point(version) => versions::point(address, server_set, content, version)?,
            Versioning::Fit if same => {}
            Versioning::Fit => match versions::equal_version(address, server_set, content)? {
                Some(version) => versions::point(address, server_set, content, version)?,
                None => self.new_versions.push(versions::grow(address, server_set, content)?),
            },
            Versioning::Grow => {
                // A restore that carried new content has made the version already.
                let digest = versions::frozen_digest(address, content);
                match self.new_versions.last().filter(|new| new.digest == digest) {
                    Some(new) => versions::point(address, server_set, content, new.version)?,
                    None => self.new_versions.push(versions::grow(address, server_set, content)?),
                }
            }
        }
        Ok(())
    }

    fn take_secrets(&mut self, content: &Content, secrets: &[SecretWrite]) -> Result<(), StoreError> {
        let reject = |reason: String| Err(StoreError::rejected(&self.address, reason));
        for SecretWrite { path, content: secret } in secrets {
            if !content.links.secrets.contains(path) {
                return reject(format!("a content came for {path}, where no secret stands"));
            }
            if secret.looks_masked() {
                return reject(format!("the content of the secret {path} looks like a mask"));
            }
            self.fresh.insert(path.clone(), secret.clone());
        }
        if self.life_cycle() != LifeCycle::VersionsGrow {
            self.fresh.retain(|path, _| content.links.secrets.contains(path));
        }
        match content.links.secrets.iter().find(|path| !self.held.contains(*path) && !self.fresh.contains_key(*path)) {
            Some(path) => reject(format!("the secret {path} has no content")),
            None => Ok(()),
        }
    }

    /// Paths of held secrets that nothing refers to any more. An older version may still need its secrets, so a kind
    /// whose versions only grow keeps them all.
    pub(super) fn forgotten(&self) -> impl Iterator<Item = &String> {
        let keeps = self.life_cycle() == LifeCycle::VersionsGrow;
        self.held.iter().filter(move |path| !keeps && !self.content.links.secrets.contains(path))
    }

    fn refresh_server_set(&mut self, content: &Content, now: Timestamp) {
        let server_set = Value::Object(std::mem::take(&mut self.server_set));
        let before = kinds::managed::Before { spec: &self.content.spec, server_set: &server_set };
        let after = content.spec.server_set_on_update(before, now);
        if let Value::Object(map) = after {
            self.server_set = map;
        } else if let Value::Object(map) = server_set {
            self.server_set = map;
        }
        // Changing it is how people say that the receiver is well again.
        if let Some(halted) = self.server_set.get_mut(HALTED) {
            *halted = false.into();
        }
    }

    fn set_content(&mut self, content: Content) {
        self.digest = content.digest;
        self.content = content;
        self.changed = true;
        self.relinked = true;
    }
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

    /// Makes an object.
    pub(super) fn create(&mut self, address: &Address, body: &Body, managed: bool) -> Result<ObjectId, StoreError> {
        if self.live.contains_key(address) {
            return Err(StoreError::rejected(address, "it exists already"));
        }
        let content = Content::accept(address, &body.metadata, &body.spec)?;
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
            content: content.clone(),
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
        let content = staged.content.clone().renamed(to)?;
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
