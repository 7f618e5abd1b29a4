//! What is made once from an object and used many times: webhooks made ready, the contents of secrets.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use super::configuration::{Configuration, LiveObject};
use crate::base::ident::{Generation, Name, ObjectId};
use crate::base::secret::SecretText;
use crate::behaviour::delivery::CompiledWebhook;
use crate::behaviour::end_user::EndUserIds;
use crate::behaviour::membership::CompiledAudience;
use crate::kinds::scope::event_properties;
use crate::kinds::webhook::WebhookSpec;
use crate::kinds::{Kind, Spec};
use crate::store::{Store, StoreError};

/// The contents of an object's secrets by path.
pub type Secrets = Arc<BTreeMap<String, SecretText>>;

/// Of each object the latest form that was asked for.
pub struct Prepared {
    store: Arc<Store>,
    webhooks: Latest<(Generation, Option<Generation>), Option<Arc<CompiledWebhook>>>,
    audiences: Latest<Generation, Option<Arc<CompiledAudience>>>,
    secrets: Latest<Generation, Secrets>,
}

/// The most objects whose forms are kept, of each sort; beyond it all are forgotten and made again. Objects that are
/// removed are not told here, so without it what was made of them would stay for ever.
const KEPT: usize = 100_000;

struct Latest<K, V>(RwLock<HashMap<ObjectId, (K, V)>>);

impl<K: Eq + Hash, V: Clone> Latest<K, V> {
    fn new() -> Self {
        Self(RwLock::new(HashMap::new()))
    }

    fn get(&self, id: ObjectId, key: &K) -> Option<V> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.get(&id).filter(|(held, _)| held == key).map(|(_, value)| value.clone())
    }

    fn put(&self, id: ObjectId, key: K, value: V) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= KEPT && !held.contains_key(&id) {
            held.clear();
        }
        held.insert(id, (key, value));
    }
}

impl Prepared {
    /// Nothing yet.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, webhooks: Latest::new(), audiences: Latest::new(), secrets: Latest::new() }
    }

    /// A webhook made ready. `None` if the object is none, or has a condition that cannot be evaluated, which is noted
    /// in the log: the checks of the kind refuse those earlier.
    pub fn webhook(&self, configuration: &Configuration, object: &LiveObject) -> Option<Arc<CompiledWebhook>> {
        let Spec::Webhook(spec) = &object.spec else { return None };
        // The types of an own event's properties are part of what its conditions mean.
        let event_type = spec.event.parse::<Name>().ok().and_then(|name| configuration.named(Kind::EventType, &name));
        let key = (object.generation, event_type.map(|event| event.generation));
        if let Some(held) = self.webhooks.get(object.id, &key) {
            return held;
        }
        let compiled = compile(spec, configuration, object);
        self.webhooks.put(object.id, key, compiled.clone());
        compiled
    }

    /// An audience made ready, for ids as people write them. `None` if the object is none, or has a condition that
    /// cannot be evaluated, which is noted in the log.
    pub fn audience(&self, object: &LiveObject) -> Option<Arc<CompiledAudience>> {
        let Spec::Audience(spec) = &object.spec else { return None };
        if let Some(held) = self.audiences.get(object.id, &object.generation) {
            return held;
        }
        let compiled = match CompiledAudience::new(spec, EndUserIds::PLAIN) {
            Ok(compiled) => Some(Arc::new(compiled)),
            Err(error) => {
                tracing::error!(audience = %object.address, %error, "a condition cannot be evaluated");
                None
            }
        };
        self.audiences.put(object.id, object.generation, compiled.clone());
        compiled
    }

    /// The contents of an object's secrets.
    ///
    /// # Errors
    /// When the store cannot be read, or a secret in it cannot be decrypted.
    pub async fn secrets(&self, project: &Name, object: &LiveObject) -> Result<Secrets, StoreError> {
        if let Some(held) = self.secrets.get(object.id, &object.generation) {
            return Ok(held);
        }
        let secrets: Secrets = Arc::new(self.store.secrets_of(project, object.id).await?);
        self.secrets.put(object.id, object.generation, Arc::clone(&secrets));
        Ok(secrets)
    }
}

fn compile(spec: &WebhookSpec, configuration: &Configuration, object: &LiveObject) -> Option<Arc<CompiledWebhook>> {
    match CompiledWebhook::new(spec, event_properties(configuration, &spec.event)) {
        Ok(compiled) => Some(Arc::new(compiled)),
        Err(error) => {
            tracing::error!(webhook = %object.address, %error, "a condition cannot be evaluated");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_of_removed_objects_does_not_stay_for_ever() {
        let latest: Latest<u8, u8> = Latest::new();
        let id = |n: usize| ObjectId(uuid::Uuid::from_u128(n as u128));
        for n in 0..=KEPT {
            latest.put(id(n), 0, 1);
        }
        assert_eq!((latest.get(id(KEPT), &0), latest.get(id(0), &0)), (Some(1), None));
        latest.put(id(KEPT), 1, 2);
        assert_eq!((latest.get(id(KEPT), &0), latest.get(id(KEPT), &1)), (None, Some(2)));
    }
}
