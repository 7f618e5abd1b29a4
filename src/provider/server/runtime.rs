//! What a control plane carries out: events and notifications sent to it, deliveries it made.

use reqwest::Method;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Server;
use super::call::{Call, Repeat, Root};
use super::failure::Failure;
use crate::base::ident::Name;
use crate::object::delivery::{AcceptedEvents, DeliveryPage, DeliveryState, EventPage, EventQuery};
use crate::object::notification::{NotificationCall, NotificationSent};
use crate::provider::ProviderError;

/// Why what was sent was not accepted.
#[derive(Debug)]
pub enum SendRefused {
    /// What is wrong with it, one by one: place (`line 3: properties.score`), if it has one, and what.
    Faults(Vec<(Option<String>, String)>),
    /// Anything else.
    Provider(ProviderError),
}

/// Which deliveries.
#[derive(Clone, Debug, Default)]
pub struct DeliveryQuery {
    /// Those of this webhook.
    pub webhook: Option<Name>,
    /// Those in this state.
    pub state: Option<DeliveryState>,
    /// Those of this event.
    pub event_id: Option<String>,
    /// How many at the most.
    pub limit: u32,
    /// `next` of the page before.
    pub cursor: Option<Uuid>,
}

impl Server {
    /// Sends events, each a line of JSON with an `eventId`, all or none; answers their ids.
    ///
    /// Guarantees: sent again when the answer was lost, because known ids do nothing a second time.
    ///
    /// # Errors
    /// When they are refused, or it is not known whether they were accepted.
    pub async fn send_events(&self, lines: &str) -> Result<AcceptedEvents, SendRefused> {
        let what = "send events";
        let call = Call {
            method: Method::POST,
            root: Root::Key,
            body: Some(lines.as_bytes().to_vec()),
            content_type: "application/x-ndjson",
            ..Call::get(&["events"])
        };
        self.submit(what, &call).await
    }

    /// Sends a notification. It is sent once: should no answer come, it is not known whether it was sent.
    ///
    /// # Errors
    /// When it is refused, or the server does not answer.
    pub async fn send_notification(&self, call: &NotificationCall) -> Result<NotificationSent, SendRefused> {
        let what = "send the notification";
        let request = Call::post(&["notifications"], call).map_err(SendRefused::Provider)?;
        let request = Call { root: Root::Key, repeat: Repeat::Unsafe, ..request };
        self.submit(what, &request).await
    }

    /// Sends what may be refused fault by fault. What is sent once leaves open what became of it, should no answer come.
    async fn submit<T: DeserializeOwned>(&self, what: &str, call: &Call<'_>) -> Result<T, SendRefused> {
        match self.persist(call.repeat, || self.attempt(call)).await {
            Ok(reply) => reply.json(what).map_err(SendRefused::Provider),
            Err(Failure::Refused(problem)) if !problem.faults().is_empty() => {
                Err(SendRefused::Faults(problem.faults()))
            }
            Err(failure) => Err(SendRefused::Provider(match call.repeat {
                Repeat::Safe => failure.into_error(what),
                Repeat::Unsafe => failure.into_error_of_once(what),
            })),
        }
    }

    /// A page of recorded events.
    pub(super) async fn recorded_events(&self, query: &EventQuery) -> Result<EventPage, ProviderError> {
        let what = "read recorded events";
        let EventQuery { since, limit, cursor } = query;
        let mut parameters = vec![("limit", limit.to_string())];
        parameters.extend(since.map(|since| ("since", since.to_string())));
        parameters.extend(cursor.as_ref().map(|cursor| ("cursor", cursor.clone())));
        let call = Call { root: Root::Key, query: &parameters, ..Call::get(&["events"]) };
        self.ask(what, &call).await?.json(what)
    }

    /// Deliveries with their attempts, the newest first.
    ///
    /// # Errors
    /// When the server cannot be asked, or the key may not.
    pub async fn deliveries(&self, query: &DeliveryQuery) -> Result<DeliveryPage, ProviderError> {
        let what = "read deliveries";
        let DeliveryQuery { webhook, state, event_id, limit, cursor } = query;
        let mut parameters = vec![("limit", limit.to_string())];
        parameters.extend(webhook.as_ref().map(|name| ("webhook", name.to_string())));
        parameters.extend(state.map(|state| ("state", state.to_string())));
        parameters.extend(event_id.as_ref().map(|id| ("eventId", id.clone())));
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_string())));
        let call = Call { root: Root::Key, query: &parameters, ..Call::get(&["deliveries"]) };
        self.ask(what, &call).await?.json(what)
    }
}
