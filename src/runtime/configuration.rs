//! The live objects of a project as the engine needs them: typed, in memory, and never older than the last write that
//! was answered.
//!
//! A project is read once and then followed: a write raises the store's count of changes, and whoever asks next reads
//! the objects that changed. What nobody changed is shared by all configurations.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Mutex, watch};

use crate::base::ident::{Generation, Name, ObjectId, Revision};
use crate::kinds::scope::Scope;
use crate::kinds::{Address, Kind, Metadata, Spec};
use crate::object::record::ObjectRecord;
use crate::store::{Store, StoreError};

/// How long a configuration is believed without asking for the project's revision: another process may have written to
/// the same file, and its writes raise no count here.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// How many objects are read at once.
const READ_AT_ONCE: usize = 1_000;

/// One live object.
#[derive(Debug)]
pub struct LiveObject {
    /// Kind and name.
    pub address: Address,
    /// The target's identity.
    pub id: ObjectId,
    /// The revision that last changed it.
    pub generation: Generation,
    /// Canonical metadata.
    pub metadata: Metadata,
    /// Its spec; secrets are their references.
    pub spec: Spec,
    /// What only the target decides.
    pub server_set: Value,
}

impl LiveObject {
    /// What callers and consoles see: the display name, or else the name.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.metadata.display_name.as_deref().unwrap_or(self.address.name.as_str())
    }

    fn read(record: ObjectRecord) -> Result<Self, StoreError> {
        let ObjectRecord { address, id, generation, metadata, spec, server_set, .. } = record;
        let spec = address
            .kind
            .read_spec(&spec)
            .map_err(|error| StoreError::Corrupt { what: address.to_string(), reason: error.to_string() })?;
        Ok(Self { address, id, generation, metadata, spec, server_set })
    }
}

/// The live objects of one project at one revision.
#[derive(Debug, Default)]
pub struct Configuration {
    revision: Revision,
    objects: BTreeMap<Address, Arc<LiveObject>>,
    by_id: HashMap<ObjectId, Arc<LiveObject>>,
    /// Webhooks by system, then event.
    webhooks: HashMap<Name, HashMap<String, Vec<Arc<LiveObject>>>>,
    systems_by_id: HashMap<String, Arc<LiveObject>>,
}

impl Configuration {
    fn new(revision: Revision, objects: BTreeMap<Address, Arc<LiveObject>>) -> Self {
        let mut configuration = Self { revision, ..Self::default() };
        for object in objects.values() {
            configuration.by_id.insert(object.id, Arc::clone(object));
            match &object.spec {
                Spec::Webhook(webhook) => {
                    let of_system = configuration.webhooks.entry(webhook.system.clone()).or_default();
                    of_system.entry(webhook.event.clone()).or_default().push(Arc::clone(object));
                }
                Spec::System(_) => {
                    if let Some(id) = object.server_set.get("systemId").and_then(Value::as_str) {
                        configuration.systems_by_id.insert(id.to_owned(), Arc::clone(object));
                    }
                }
                Spec::EventType(_)
                | Spec::Template(_)
                | Spec::Audience(_)
                | Spec::Notification(_)
                | Spec::Destination(_)
                | Spec::IncomingWebhook(_)
                | Spec::Workflow(_) => {}
            }
        }
        configuration.objects = objects;
        configuration
    }

    /// The revision it is of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The object of an address.
    #[must_use]
    pub fn object(&self, address: &Address) -> Option<&Arc<LiveObject>> {
        self.objects.get(address)
    }

    /// The object of a kind and name.
    #[must_use]
    pub fn named(&self, kind: Kind, name: &Name) -> Option<&Arc<LiveObject>> {
        self.objects.get(&Address::new(kind, name.clone()))
    }

    /// The live object with this id. Archived ones answer from the store.
    #[must_use]
    pub fn by_id(&self, id: ObjectId) -> Option<&Arc<LiveObject>> {
        self.by_id.get(&id)
    }

    /// All objects of a kind, by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<LiveObject>> + Clone {
        let in_order = self.objects.iter().skip_while(move |(address, _)| address.kind < kind);
        in_order.take_while(move |(address, _)| address.kind == kind).map(|(_, object)| object)
    }

    /// The webhooks that listen to an event of a system, enabled or not, by name. The cost does not depend on how many
    /// listen to others.
    #[must_use]
    pub fn webhooks(&self, system: &Name, event: &str) -> &[Arc<LiveObject>] {
        self.webhooks.get(system).and_then(|events| events.get(event)).map_or(&[], Vec::as_slice)
    }

    /// A system by its name or its systemId (32 hex digits, in any case).
    #[must_use]
    pub fn system(&self, text: &str) -> Option<&Arc<LiveObject>> {
        let by_name = text.parse().ok().and_then(|name| self.named(Kind::System, &name));
        by_name.or_else(|| self.systems_by_id.get(&text.to_ascii_lowercase()))
    }
}

impl Scope for Configuration {
    fn get(&self, kind: Kind, name: &str) -> Option<&Spec> {
        self.named(kind, &name.parse().ok()?).map(|object| &object.spec)
    }

    fn names(&self, kind: Kind) -> Vec<&Name> {
        self.of_kind(kind).map(|object| &object.address.name).collect()
    }
}

/// The configurations of all projects that were asked for.
pub struct Configurations {
    store: Arc<Store>,
    changes: watch::Receiver<u64>,
    known: RwLock<HashMap<Name, Known>>,
    /// One at a time reads the store, so that a hundred requests after a write cost one read.
    reading: Mutex<()>,
}

#[derive(Clone)]
struct Known {
    configuration: Arc<Configuration>,
    /// The count of changes before it was read.
    count: u64,
    asked: Instant,
}

impl Known {
    fn is_fresh(&self, count: u64) -> bool {
        self.count == count && self.asked.elapsed() < BELIEVED_FOR
    }
}

impl Configurations {
    /// Reads from this store.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        let changes = store.changes();
        Self { store, changes, known: RwLock::default(), reading: Mutex::default() }
    }

    /// The configuration of a project: empty for one that was never written.
    ///
    /// Guarantees: no write of this process that was answered before is missing. Writes of other processes are seen
    /// within a second.
    ///
    /// # Errors
    /// When the store cannot be read, or an object in it is damaged.
    pub async fn of(&self, project: &Name) -> Result<Arc<Configuration>, StoreError> {
        if let Some(known) = self.known(project).filter(|known| known.is_fresh(self.count())) {
            return Ok(known.configuration);
        }
        let _alone = self.reading.lock().await;
        // Before the read: a write in between makes the next one ask again.
        let count = self.count();
        let known = self.known(project);
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh(count)) {
            return Ok(Arc::clone(&known.configuration));
        }
        let configuration = self.follow(project, known.map(|known| known.configuration)).await?;
        let known = Known { configuration: Arc::clone(&configuration), count, asked: Instant::now() };
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(project.clone(), known);
        Ok(configuration)
    }

    fn count(&self) -> u64 {
        *self.changes.borrow()
    }

    fn known(&self, project: &Name) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(project).cloned()
    }

    /// The present configuration, made from the one before and what changed since.
    async fn follow(
        &self,
        project: &Name,
        before: Option<Arc<Configuration>>,
    ) -> Result<Arc<Configuration>, StoreError> {
        let reads = self.store.reads();
        if let Some(before) = before.as_ref()
            && reads.revision(project).await? == before.revision
        {
            return Ok(Arc::clone(before));
        }
        let snapshot = reads.digests(project).await?;
        let mut objects = BTreeMap::new();
        let mut changed = Vec::new();
        for row in snapshot.rows.into_iter().filter(|row| !row.archived) {
            let kept = before.as_ref().and_then(|before| before.by_id(row.id));
            match kept.filter(|kept| kept.generation == row.generation && kept.address == row.address) {
                Some(kept) => {
                    objects.insert(row.address, Arc::clone(kept));
                }
                None => changed.push(row.address),
            }
        }
        for some in changed.chunks(READ_AT_ONCE) {
            for record in reads.read(project, Some(some)).await? {
                let object = LiveObject::read(record)?;
                objects.insert(object.address.clone(), Arc::new(object));
            }
        }
        Ok(Arc::new(Configuration::new(snapshot.revision, objects)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Clock;

    async fn put(store: &Store, project: &Name, address: &str, spec: Value) {
        let address: Address = address.parse().expect("an address");
        let metadata = Metadata::named(address.name.clone());
        store.put_by_hand(project, &address, metadata, spec, Vec::new(), "ana", None).await.expect("written");
    }

    fn webhook(event: &str) -> Value {
        json!({ "system": "crm", "event": event, "destination": "chat" })
    }

    #[tokio::test]
    async fn a_write_that_was_answered_is_seen_and_the_rest_is_shared() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("s.db"), None, Clock::system()).await.expect("opened");
        let store = Arc::new(store);
        let configurations = Configurations::new(Arc::clone(&store));
        let project = Name::from_any("acme");
        assert_eq!(configurations.of(&project).await.expect("read").revision(), Revision(0));

        put(&store, &project, "System/crm", json!({ "platform": "web" })).await;
        let destination = json!({ "platform": "Chat", "method": "POST", "url": "https://chat.test" });
        put(&store, &project, "Destination/chat", destination).await;
        put(&store, &project, "Webhook/a", webhook("launcher.clicked")).await;
        put(&store, &project, "Webhook/b", webhook("menu.opened")).await;
        let before = configurations.of(&project).await.expect("read");
        let crm = Name::from_any("crm");
        let listening = |configuration: &Configuration, event: &str| -> Vec<String> {
            configuration.webhooks(&crm, event).iter().map(|webhook| webhook.address.to_string()).collect()
        };
        assert_eq!(listening(&before, "launcher.clicked"), ["Webhook/a"]);
        assert_eq!(before.of_kind(Kind::Webhook).count(), 2);
        assert_eq!(before.names(Kind::System), [&crm]);
        let system = before.system("crm").expect("a system");
        let id = system.server_set.get("systemId").and_then(Value::as_str).expect("an id");
        assert_eq!(before.system(&id.to_ascii_uppercase()).map(|found| found.id), Some(system.id));

        put(&store, &project, "Webhook/b", webhook("launcher.clicked")).await;
        let after = configurations.of(&project).await.expect("read");
        assert_eq!(listening(&after, "launcher.clicked"), ["Webhook/a", "Webhook/b"]);
        assert_eq!(listening(&after, "menu.opened"), [""; 0]);
        let of = |configuration: &Configuration| Arc::clone(configuration.system("crm").expect("a system"));
        assert!(Arc::ptr_eq(&of(&before), &of(&after)), "what did not change is not read again");
        let again = configurations.of(&project).await.expect("read");
        assert!(Arc::ptr_eq(&after, &again), "without a write nothing is read");

        store.delete_by_hand(&project, &"Webhook/a".parse().expect("an address"), "ana", None).await.expect("removed");
        let without = configurations.of(&project).await.expect("read");
        assert_eq!(listening(&without, "launcher.clicked"), ["Webhook/b"]);
        assert!(without.by_id(before.webhooks(&crm, "launcher.clicked")[0].id).is_none());
    }
}
