//! Ingest: from events as callers send them to events and deliveries on the disk.

use std::sync::Arc;

use uuid::Uuid;

use super::configuration::{Configuration, Configurations, LiveObject};
use super::deliveries::DeliveryFigures;
use super::deliveries::figures::add;
use super::deliveries::queued::{Offer, Queued};
use super::journal::{Journal, JournalEvent};
use super::prepared::{Prepared, Secrets};
use super::timer::Timer;
use crate::base::ident::Name;
use crate::behaviour::delivery::Route;
use crate::behaviour::end_user::{EndUserIds, SALT_PATH};
use crate::behaviour::event::{RawEvent, StoredEvent};
use crate::behaviour::fault::Fault;
use crate::behaviour::ingest::{Defaults, EventSystem, Ingested, ingest};
use crate::kinds::scope::event_properties;
use crate::kinds::system::SystemSpec;
use crate::kinds::{Kind, Spec};
use crate::store::{NewDelivery, NewEvent, StoreError};

/// Takes events in.
pub struct Events {
    configurations: Arc<Configurations>,
    prepared: Arc<Prepared>,
    timer: Timer,
    journal: Journal,
    figures: Arc<DeliveryFigures>,
}

/// Why events were not accepted. Nothing of the batch was, then.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// Some are wrong: everything that is, in order.
    #[error("accept events: {} problems", .0.len())]
    Invalid(Vec<EventFault>),
    /// The store failed.
    #[error("accept events")]
    Store(#[source] Arc<StoreError>),
}

/// What is wrong with one event of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFault {
    /// Which one, counted from 0.
    pub index: usize,
    /// What is wrong.
    pub fault: Fault,
}

impl From<StoreError> for EventsError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// A system that events of a batch name, ready to take them in.
struct System<'c> {
    object: &'c LiveObject,
    spec: &'c SystemSpec,
    /// What callers know it by.
    number: &'c str,
    secrets: Option<Secrets>,
    published: bool,
}

/// Systems of a batch that were looked up already, by what events call them.
type Systems<'c, 'n> = Vec<(&'n str, System<'c>)>;

impl Events {
    pub(super) fn new(
        configurations: Arc<Configurations>,
        prepared: Arc<Prepared>,
        timer: Timer,
        journal: Journal,
        figures: Arc<DeliveryFigures>,
    ) -> Self {
        Self { configurations, prepared, timer, journal, figures }
    }

    /// Accepts a batch of events, each a JSON text, all or none of them; answers their ids in order.
    ///
    /// Guarantees: when it returns, the events and the deliveries that come of them are on the disk; ids of end users
    /// are hashed and censored properties dropped before. An event whose id is known to the project is accepted and
    /// does nothing.
    ///
    /// # Errors
    /// [`EventsError::Invalid`] with everything that is wrong with any of them; [`EventsError::Store`] when the store
    /// cannot be read or written.
    pub async fn accept(&self, project: &Name, bodies: &[&[u8]]) -> Result<Vec<String>, EventsError> {
        let configuration = self.configurations.of(project).await?;
        let mut faults = Vec::new();
        let mut raws = Vec::with_capacity(bodies.len());
        for (index, body) in bodies.iter().enumerate() {
            match RawEvent::read(body) {
                Ok(raw) => raws.push((index, raw)),
                Err(fault) => faults.push(EventFault { index, fault }),
            }
        }
        let names: Vec<String> = raws.iter().map(|(_, raw)| raw.system.clone()).collect();
        let systems = self.systems(project, &configuration, &names).await?;
        let mut ids = Vec::with_capacity(raws.len());
        let mut taken = Vec::with_capacity(raws.len());
        for (index, raw) in raws {
            let system = find(&systems, &raw.system).map(System::for_ingest).transpose()?;
            match self.take(&configuration, system, raw) {
                Ok((id, stored)) => {
                    ids.push(id);
                    taken.extend(stored);
                }
                Err(found) => faults.extend(found.into_iter().map(|fault| EventFault { index, fault })),
            }
        }
        if !faults.is_empty() {
            faults.sort_by_key(|fault| fault.index);
            return Err(EventsError::Invalid(faults));
        }
        let mut written = Vec::with_capacity(taken.len());
        for event in &taken {
            written.push(self.written(project, &configuration, &systems, event)?);
        }
        add(&self.figures.accepted, ids.len());
        add(&self.figures.queued, written.iter().map(|event| event.offers.len()).sum());
        if !written.is_empty() {
            self.journal.accept(written).await.map_err(EventsError::Store)?;
        }
        Ok(ids)
    }

    /// The systems that some events name, each once.
    async fn systems<'c, 'n>(
        &self,
        project: &Name,
        configuration: &'c Configuration,
        names: &'n [String],
    ) -> Result<Systems<'c, 'n>, StoreError> {
        let mut systems: Systems<'c, 'n> = Vec::new();
        for name in names {
            if systems.iter().any(|(known, _)| known == name) {
                continue;
            }
            let Some(object) = configuration.system(name) else { continue };
            let Spec::System(spec) = &object.spec else { continue };
            let set = |key: &str| object.server_set.get(key);
            let secrets = match &spec.end_user_id {
                Some(_) => Some(self.prepared.secrets(project, object).await?),
                None => None,
            };
            let number = set("systemId").and_then(serde_json::Value::as_str).unwrap_or_default();
            let published = set("published").and_then(serde_json::Value::as_bool).unwrap_or(false);
            systems.push((name, System { object, spec, number, secrets, published }));
        }
        Ok(systems)
    }

    /// The id of an event, and the event as it is stored, unless its system drops it.
    fn take(
        &self,
        configuration: &Configuration,
        system: Option<EventSystem<'_>>,
        raw: RawEvent,
    ) -> Result<(String, Option<StoredEvent>), Vec<Fault>> {
        let properties = event_properties(configuration, &raw.event);
        let defaults = Defaults { event_id: Uuid::now_v7().to_string(), now: self.timer.now() };
        Ok(match ingest(raw, system, properties, defaults)? {
            Ingested::Dropped(id) => (id, None),
            Ingested::Stored(event) => (event.event_id.clone(), Some(event)),
        })
    }

    /// An event with its deliveries, ready to be written.
    fn written(
        &self,
        project: &Name,
        configuration: &Configuration,
        systems: &Systems<'_, '_>,
        event: &StoredEvent,
    ) -> Result<JournalEvent, StoreError> {
        let damaged = |error: serde_json::Error| StoreError::Corrupt {
            what: "an event to be written".to_owned(),
            reason: error.to_string(),
        };
        let body: Arc<str> = serde_json::to_string(event).map_err(damaged)?.into();
        let system = systems.iter().find(|(_, system)| system.object.address.name == event.system);
        let published = system.is_some_and(|(_, system)| system.published);
        let mut deliveries = Vec::new();
        for object in configuration.webhooks(&event.system, &event.event) {
            deliveries.extend(self.delivery(configuration, object, event, published));
        }
        let row = NewEvent::new(project, &event.event_id, &body, &deliveries).map_err(damaged)?;
        let offers = deliveries.into_iter().map(|new| Offer {
            destination: new.destination,
            delivery: Queued {
                id: new.id,
                project: project.clone(),
                webhook: new.webhook,
                event: Arc::clone(&body),
                tried: 0,
                made: 0,
            },
        });
        Ok(JournalEvent { row, offers: offers.collect() })
    }

    /// The delivery that a webhook makes of an event, if it does.
    fn delivery(
        &self,
        configuration: &Configuration,
        object: &LiveObject,
        event: &StoredEvent,
        published: bool,
    ) -> Option<NewDelivery> {
        let Spec::Webhook(spec) = &object.spec else { return None };
        let destination = configuration.named(Kind::Destination, &spec.destination)?;
        let Spec::Destination(destination_spec) = &destination.spec else { return None };
        let webhook = self.prepared.webhook(configuration, object)?;
        let name = &object.address.name;
        let route =
            Route { name, webhook: &webhook, destination: &destination.address.name, destination_spec, published };
        route.carries(event).then(|| NewDelivery {
            id: Uuid::now_v7(),
            webhook: object.id,
            webhook_name: name.clone(),
            destination: destination.id,
        })
    }
}

/// The system that an event calls so.
fn find<'s, 'c>(systems: &'s Systems<'c, '_>, name: &str) -> Option<&'s System<'c>> {
    systems.iter().find(|(known, _)| *known == name).map(|(_, system)| system)
}

impl System<'_> {
    fn for_ingest(&self) -> Result<EventSystem<'_>, StoreError> {
        let salt = self.secrets.as_ref().and_then(|secrets| secrets.get(SALT_PATH));
        let salt = salt.map(|salt| salt.expose_to_target().as_bytes());
        let end_user_ids = EndUserIds::of(self.spec, salt).map_err(|error| StoreError::Corrupt {
            what: self.object.address.to_string(),
            reason: error.to_string(),
        })?;
        let name = &self.object.address.name;
        Ok(EventSystem { name, system_id: self.number, spec: self.spec, end_user_ids })
    }
}
