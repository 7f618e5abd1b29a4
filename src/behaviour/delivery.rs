//! What webhooks make of an event: which of them pick it, what of it they send, and the request that sends it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::condition::{CompiledCondition, InvalidCondition};
use super::event::StoredEvent;
use super::request::{Content, OutgoingRequest, RequestAuth, RequestMethod, SecretPlace, percent_encode};
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::base::secret::SecretRef;
use crate::kinds::catalogue::PropertyType;
use crate::kinds::destination::{Auth, DestinationSpec, Method, Signing};
use crate::kinds::header::HeaderValue;
use crate::kinds::scope::EventProperties;
use crate::kinds::webhook::{Include, Properties, WebhookSpec};

/// A webhook made ready.
#[derive(Clone, Debug)]
pub struct CompiledWebhook {
    system: Name,
    event: String,
    enabled: bool,
    conditions: Option<CompiledCondition>,
    properties: Properties,
}

impl CompiledWebhook {
    /// Makes a webhook ready. `known` are the properties of its event
    /// ([`crate::kinds::scope::event_properties`]).
    ///
    /// # Errors
    /// When a condition cannot be evaluated, which the checks of the kind refuse earlier.
    pub fn new(spec: &WebhookSpec, known: Option<EventProperties<'_>>) -> Result<Self, InvalidCondition> {
        let type_of = |name: &str| -> Option<PropertyType> { known?.get(name).map(|property| property.value_type) };
        let conditions = spec.conditions.as_ref().map(|it| CompiledCondition::new(it, &type_of)).transpose()?;
        let mut properties = spec.properties.clone();
        if let Include::These(list) = &mut properties.include {
            list.sort();
        }
        Ok(Self {
            system: spec.system.clone(),
            event: spec.event.clone(),
            enabled: spec.enabled,
            conditions,
            properties,
        })
    }

    /// Whether it sends this event.
    #[must_use]
    pub fn picks(&self, event: &StoredEvent) -> bool {
        self.enabled
            && self.event == event.event
            && self.system == event.system
            && self.conditions.as_ref().is_none_or(|conditions| conditions.holds(event))
    }

    /// Whether another webhook makes the same of an event, static properties apart: as comparing what both
    /// [shape](Self::shape), at a fraction of the cost.
    #[must_use]
    pub fn sends_alike(&self, other: &Self, event: &StoredEvent) -> bool {
        let mut names = event.properties.keys();
        names.all(|name| self.properties.sent_as(name) == other.properties.sent_as(name))
    }

    /// What it sends of an event: the chosen properties that the event has, in the order of the event's catalogue and
    /// under their new names, then the static ones by name.
    #[must_use]
    pub fn shape(&self, event: &StoredEvent) -> Map<String, Value> {
        let mut shaped = Map::with_capacity(event.properties.len() + self.properties.fixed.len());
        for (name, value) in &event.properties {
            if let Some(sent) = self.properties.sent_as(name) {
                shaped.insert(sent.to_owned(), value.clone());
            }
        }
        for (name, value) in &self.properties.fixed {
            shaped.insert(name.clone(), value.clone());
        }
        shaped
    }
}

/// The request that brings shaped properties to a destination: with `GET` in the query, after the URL's own, otherwise
/// as a JSON body.
#[must_use]
pub fn request(shaped: &Map<String, Value>, destination: &DestinationSpec) -> OutgoingRequest {
    let (method, body) = match destination.method {
        Method::Get => (RequestMethod::Get, None),
        Method::Post => (RequestMethod::Post, Some(json(shaped))),
        Method::Put => (RequestMethod::Put, Some(json(shaped))),
        Method::Patch => (RequestMethod::Patch, Some(json(shaped))),
        Method::Delete => (RequestMethod::Delete, Some(json(shaped))),
    };
    let url = match method {
        RequestMethod::Get => with_query(&destination.url, shaped),
        RequestMethod::Post
        | RequestMethod::Put
        | RequestMethod::Patch
        | RequestMethod::Delete
        | RequestMethod::Head => destination.url.clone(),
    };
    let signing = destination.signing.as_ref().map(|Signing { secret }| place("spec.signing.secret".into(), secret));
    OutgoingRequest {
        method,
        url,
        headers: headers(destination, body.is_some()),
        body,
        auth: auth(destination),
        signing,
    }
}

fn json(shaped: &Map<String, Value>) -> String {
    serde_json::to_string(shaped).unwrap_or_default()
}

/// The destination's own headers by name, and before them the content type, if there is a body and none of them gives it.
fn headers(destination: &DestinationSpec, has_body: bool) -> Vec<(String, Content)> {
    let own = destination.headers.iter().map(|(name, value)| {
        let content = match value {
            HeaderValue::Plain(text) => Content::Plain(text.clone()),
            HeaderValue::Secret(reference) => {
                Content::Secret(place(Path::keys("spec.headers").key(name).to_string(), reference))
            }
        };
        (name.clone(), content)
    });
    let typed = destination.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
    let json = (has_body && !typed).then(|| ("Content-Type".to_owned(), Content::Plain("application/json".to_owned())));
    json.into_iter().chain(own).collect()
}

fn auth(destination: &DestinationSpec) -> RequestAuth {
    match &destination.auth {
        Auth::None {} => RequestAuth::None,
        Auth::Bearer { token } => RequestAuth::Bearer { token: place("spec.auth.token".into(), token) },
        Auth::Basic { username, password } => {
            RequestAuth::Basic { username: username.clone(), password: place("spec.auth.password".into(), password) }
        }
        Auth::Oauth2 { token_url, client_id, client_secret, scopes, audience } => RequestAuth::Oauth2 {
            token_url: token_url.clone(),
            client_id: client_id.clone(),
            client_secret: place("spec.auth.clientSecret".into(), client_secret),
            scopes: scopes.clone(),
            audience: audience.clone(),
        },
    }
}

fn place(path: String, reference: &SecretRef) -> SecretPlace {
    SecretPlace { path, reference: reference.clone() }
}

/// A URL with properties added to its query. The URL's own parameters stay as they are written, even one of the same
/// name; a fragment, which is never sent, goes.
fn with_query(url: &str, shaped: &Map<String, Value>) -> String {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let mut with = url.to_owned();
    let mut separator = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, query)) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in shaped {
        let text = match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.to_string()),
        };
        with.push_str(separator);
        percent_encode(name, &mut with);
        with.push('=');
        percent_encode(&text, &mut with);
        separator = "&";
    }
    with
}

/// A webhook with what it needs to send: how a configuration is handed to [`deliveries`].
#[derive(Clone, Copy, Debug)]
pub struct Route<'c> {
    /// The webhook's name.
    pub name: &'c Name,
    /// The webhook.
    pub webhook: &'c CompiledWebhook,
    /// The name of its destination.
    pub destination: &'c Name,
    /// Its destination.
    pub destination_spec: &'c DestinationSpec,
    /// Whether the settings of its system are published: without that nothing is sent (domain §2).
    pub published: bool,
}

impl Route<'_> {
    /// Whether this webhook sends the event.
    #[must_use]
    pub fn carries(&self, event: &StoredEvent) -> bool {
        self.published && self.webhook.picks(event)
    }
}

/// A request that an event gives rise to.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery<'c> {
    /// The webhook's name.
    pub webhook: &'c Name,
    /// The destination's name.
    pub destination: &'c Name,
    /// The request.
    pub request: OutgoingRequest,
}

/// All that a configuration does with an event, in the order of the routes. Routes of other events may be among them;
/// who has many keeps an index and hands over only the event's own.
pub fn deliveries<'c>(event: &StoredEvent, routes: impl IntoIterator<Item = Route<'c>>) -> Vec<Delivery<'c>> {
    let carrying = routes.into_iter().filter(|route| route.carries(event));
    carrying
        .map(|route| Delivery {
            webhook: route.name,
            destination: route.destination,
            request: request(&route.webhook.shape(event), route.destination_spec),
        })
        .collect()
}

#[cfg(test)]
mod tests;
