//! One object while a write changes it, with every rule that concerns it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::content::Content;
use super::error::StoreError;
use super::rows::{LastApplied, Stored};
use super::stage::HALTED;
use super::versions::{self, NewVersion};
use crate::base::digest::Digest;
use crate::base::ident::{Generation, ObjectId};
use crate::base::path::Path;
use crate::base::secret::SecretText;
use crate::kinds::{Address, LifeCycle, managed};
use crate::object::changeset::SecretWrite;

/// One object while it is being changed.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) address: Address,
    pub(super) id: ObjectId,
    pub(super) content: Arc<Content>,
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

impl Staged {
    pub(super) fn of(stored: Stored, held: BTreeSet<String>) -> Result<Self, StoreError> {
        let content = Content::recall(&stored.address, stored.metadata, &stored.spec)?;
        Ok(Self {
            before: Some(Before { address: stored.address.clone(), archived: stored.archived }),
            address: stored.address,
            id: stored.id,
            content: Arc::new(content),
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

    pub(super) fn life_cycle(&self) -> LifeCycle {
        self.address.kind.life_cycle()
    }

    /// Sets what was last applied to what it is now, or to what the caller says that counts as applied.
    pub(super) fn mark_applied(&mut self, applied: Option<&Value>) -> Result<(), StoreError> {
        let applied = applied.map(|applied| Content::accept_canonical(&self.address, applied)).transpose()?;
        let content: &Content = applied.as_ref().unwrap_or(&self.content);
        let canonical = content.canonical.to_string();
        self.last_applied = Some(LastApplied { canonical, digest: content.digest });
        self.changed = true;
        Ok(())
    }

    pub(super) fn check_change(&self, content: &Content, now: Timestamp) -> Result<(), StoreError> {
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

    pub(super) fn settle_versions(&mut self, content: &Content, versioning: Versioning) -> Result<(), StoreError> {
        let (address, server_set) = (&self.address, &mut self.server_set);
        let reject = |reason: &str| Err(StoreError::rejected(address, reason));
        if address.kind.life_cycle() != LifeCycle::VersionsGrow {
            return match versioning {
                Versioning::Keep | Versioning::Fit => Ok(()),
                Versioning::Grow | Versioning::Point(_) => reject("its kind has no versions"),
            };
        }
        let same = || versions::frozen_digest(address, content) == versions::frozen_digest(address, &self.content);
        match versioning {
            Versioning::Keep | Versioning::Fit if same() => {}
            Versioning::Keep => return reject("the change needs a new version"),
            Versioning::Point(version) => versions::point(address, server_set, content, version)?,
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

    pub(super) fn take_secrets(&mut self, content: &Content, secrets: &[SecretWrite]) -> Result<(), StoreError> {
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

    pub(super) fn refresh_server_set(&mut self, content: &Content, now: Timestamp) {
        let server_set = Value::Object(std::mem::take(&mut self.server_set));
        let before = managed::Before { spec: &self.content.spec, server_set: &server_set };
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

    pub(super) fn set_content(&mut self, content: Content) {
        self.digest = content.digest;
        self.content = Arc::new(content);
        self.changed = true;
        self.relinked = true;
    }
}
