//! A case of an event: what is delivered of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::case::Case;
use super::configuration::{Configuration, Hook, text};
use super::message::Message;
use super::report::{CaseError, Decider};
use super::shaped;
use super::why::{Asked, RowOutcome};
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::behaviour::delivery::{Delivery, deliveries};
use crate::behaviour::end_user::EndUserIds;
use crate::behaviour::event::{RawEvent, StoredEvent};
use crate::behaviour::ingest::{Defaults, EventSystem, Ingested, ingest};
use crate::behaviour::request::{OutgoingRequest, RequestAuth};
use crate::kinds::scope::event_properties;
use crate::kinds::test::expectation::ExpectedDelivery;
use crate::kinds::test::given::GivenEvent;
use crate::kinds::{Address, Kind, Spec};

/// What stands in for an id that is left out.
const STAND_IN: &str = "test";
/// What stands in for the systemId of a system that leaves it to the target.
const SYSTEM_ID: &str = "00000000000000000000000000000000";

/// Evaluates a case.
pub(super) fn evaluate(
    configuration: &Configuration<'_>,
    given: &GivenEvent,
    expected: &[ExpectedDelivery],
    case: &mut Case<'_>,
) -> Result<(), CaseError> {
    let Some(event) = stored(configuration, given)? else {
        let address = Address::new(Kind::System, given.system.clone());
        let says = format!("System/{} censors `{}`: nothing of it is kept", given.system, given.event);
        let decided = || vec![configuration.decider(&address, Path::keys("spec.censor.events"), says.clone())];
        for (n, delivery) in expected.iter().enumerate() {
            missing(delivery, n, decided(), case);
        }
        return Ok(());
    };
    let listeners = configuration.listeners(given.system.as_str(), &given.event);
    touch(configuration, listeners, &event, case);
    let made = deliveries(&event, listeners.iter().map(Hook::route));
    for (n, wanted) in expected.iter().enumerate() {
        let hook = listeners.iter().find(|hook| hook.object.address.name == wanted.webhook);
        let delivery = made.iter().find(|delivery| *delivery.webhook == wanted.webhook);
        match (hook, delivery) {
            (Some(hook), Some(delivery)) => {
                let at = ComparedDelivery { configuration, hook, event: &event, given, n };
                at.compare(wanted, &delivery.request, case);
            }
            _ => missing(wanted, n, why_not(configuration, given, &event, &wanted.webhook)?, case),
        }
    }
    let wanted: BTreeSet<&Name> = expected.iter().map(|delivery| &delivery.webhook).collect();
    for Delivery { webhook, destination: _, request } in made.iter().filter(|made| !wanted.contains(made.webhook)) {
        let hook = listeners.iter().find(|hook| hook.object.address.name == **webhook);
        let decided = hook.map(|hook| why(configuration, hook, &event)).unwrap_or_default();
        let actual = described(webhook, request);
        case.differs(path_of(webhook), &Path::keys("deliveries"), (None, Some(actual)), decided);
    }
    Ok(())
}

/// The event as it would be stored; `None` when the system censors it as a whole.
fn stored(configuration: &Configuration<'_>, given: &GivenEvent) -> Result<Option<StoredEvent>, CaseError> {
    let object = configuration.object(Kind::System, &given.system)?;
    let Spec::System(system) = &*object.spec else {
        return Err(CaseError::new(format!("{} is no System", object.address)));
    };
    let GivenEvent { event, system: name, end_user_id, event_id, occurred_at, environment, session_id, properties } =
        given;
    let raw = RawEvent {
        event: event.clone(),
        system: name.to_string(),
        end_user_id: Some(end_user_id.clone().unwrap_or_else(|| STAND_IN.to_owned())),
        event_id: event_id.clone(),
        occurred_at: occurred_at.clone(),
        environment: environment.clone(),
        session_id: session_id.clone(),
        properties: properties.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    };
    let scope = configuration.scope();
    let system = EventSystem {
        name,
        system_id: system.system_id.as_deref().unwrap_or(SYSTEM_ID),
        spec: system,
        // The case gives ids as they would be stored.
        end_user_ids: EndUserIds::PLAIN,
    };
    // The year 2000 in seconds.
    let now = jiff::Timestamp::from_second(946_684_800).unwrap_or_default();
    let defaults = Defaults { event_id: STAND_IN.to_owned(), now };
    match ingest(raw, Some(system), event_properties(&scope, event), defaults) {
        Ok(Ingested::Stored(event)) => Ok(Some(event)),
        Ok(Ingested::Dropped(_)) => Ok(None),
        Err(faults) => {
            let faults: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            Err(CaseError::new(format!("a server would refuse this event: {}", faults.join("; "))))
        }
    }
}

fn touch(configuration: &Configuration<'_>, listeners: &[Hook<'_>], event: &StoredEvent, case: &mut Case<'_>) {
    if case.touched.is_none() {
        return;
    }
    for hook in listeners {
        let address = &hook.object.address;
        let delivered = hook.route().carries(event);
        let rows = ask(configuration, hook, event).map(|asking| asking.all);
        case.touch(|touched| {
            if delivered {
                touched.webhook(address);
            }
            touched.rows(address, rows.unwrap_or_default());
        });
    }
}

/// What became of the rows of a webhook's conditions.
struct Asking {
    /// Of all of them.
    all: Vec<RowOutcome>,
    /// Of those that decided.
    deciding: Vec<RowOutcome>,
}

fn ask(configuration: &Configuration<'_>, hook: &Hook<'_>, event: &StoredEvent) -> Option<Asking> {
    let conditions = hook.spec.conditions.as_ref()?;
    let scope = configuration.scope();
    let known = event_properties(&scope, &hook.spec.event);
    let asked = Asked { type_of: &|name| known?.get(name).map(|property| property.value_type), values: event };
    let at = Path::keys("spec.conditions");
    Some(Asking { all: asked.rows(conditions, &at), deciding: asked.deciding(conditions, &at).1 })
}

/// Why a webhook sends an event.
fn why(configuration: &Configuration<'_>, hook: &Hook<'_>, event: &StoredEvent) -> Vec<Decider> {
    let address = &hook.object.address;
    let rows = ask(configuration, hook, event).map(|asking| asking.deciding);
    match rows {
        Some(rows) if !rows.is_empty() => configuration.rows(address, &Path::keys("spec.conditions"), rows),
        _ => {
            let says = format!("it sends every `{}` of System/{}: it has no conditions", event.event, event.system);
            vec![configuration.decider(address, Path::keys("spec.event"), says)]
        }
    }
}

/// Why a webhook does not send an event.
fn why_not(
    configuration: &Configuration<'_>,
    given: &GivenEvent,
    event: &StoredEvent,
    webhook: &Name,
) -> Result<Vec<Decider>, CaseError> {
    let object = configuration.object(Kind::Webhook, webhook)?;
    let Spec::Webhook(spec) = &*object.spec else {
        return Err(CaseError::new(format!("{} is no Webhook", object.address)));
    };
    let at = |path: &str, says: String| vec![configuration.decider(&object.address, Path::keys(path), says)];
    if spec.event != given.event {
        return Ok(at("spec.event", format!("it listens to `{}`, and this is `{}`", spec.event, given.event)));
    }
    if spec.system != given.system {
        let says = format!("it listens to System/{}, and this is of System/{}", spec.system, given.system);
        return Ok(at("spec.system", says));
    }
    if !spec.enabled {
        return Ok(at("spec.enabled", "it is not enabled".to_owned()));
    }
    let listeners = configuration.listeners(given.system.as_str(), &given.event);
    let Some(hook) = listeners.iter().find(|hook| hook.object.address.name == *webhook) else {
        return Err(CaseError::new(format!("{} cannot be made ready", object.address)));
    };
    let rows = ask(configuration, hook, event).map(|asking| asking.deciding);
    Ok(configuration.rows(&object.address, &Path::keys("spec.conditions"), rows.unwrap_or_default()))
}

fn path_of(webhook: &Name) -> Path {
    Path::keys("deliveries").element(webhook.as_str())
}

fn missing(wanted: &ExpectedDelivery, n: usize, decided: Vec<Decider>, case: &mut Case<'_>) {
    let expected = serde_json::to_value(wanted).unwrap_or_default();
    case.differs(path_of(&wanted.webhook), &Path::keys("deliveries").index(n), (Some(expected), None), decided);
}

/// A delivery in the form in which it would be expected.
fn described(webhook: &Name, request: &OutgoingRequest) -> Value {
    let OutgoingRequest { method, url, headers, body, auth, signing: _ } = request;
    let mut map = Map::new();
    map.insert("webhook".into(), text(webhook.as_str()));
    map.insert("method".into(), text(method.as_str()));
    map.insert("url".into(), text(url));
    if !headers.is_empty() {
        let headers = headers.iter().map(|(name, content)| (name.clone(), json!(content)));
        map.insert("headers".into(), Value::Object(headers.collect()));
    }
    if *auth != RequestAuth::None {
        map.insert("auth".into(), json!(auth));
    }
    if let Some(body) = body {
        map.insert("body".into(), serde_json::from_str(body).unwrap_or_else(|_| text(body)));
    }
    Value::Object(map)
}

/// A delivery that was expected and made.
struct ComparedDelivery<'c> {
    configuration: &'c Configuration<'c>,
    hook: &'c Hook<'c>,
    event: &'c StoredEvent,
    given: &'c GivenEvent,
    n: usize,
}

impl ComparedDelivery<'_> {
    fn compare(&self, wanted: &ExpectedDelivery, made: &OutgoingRequest, case: &mut Case<'_>) {
        let ExpectedDelivery { webhook, method, url, headers: _, auth, body: _, body_includes: _ } = wanted;
        let message = Message {
            headers: made.headers.iter().map(|(name, content)| (name.as_str(), json!(content))).collect(),
            body: made.body.as_deref(),
            shown: path_of(webhook),
            written: Path::keys("deliveries").index(self.n),
        };
        let wanted_method = method.map(|method| json!(method));
        let decided = || self.destination("spec.method", "the destination's request type");
        message.field("method", wanted_method, text(made.method.as_str()), decided, case);
        let decided = || self.destination("spec.url", "the destination's URL");
        message.field("url", url.as_deref().map(text), text(&made.url), decided, case);
        let decided = || self.destination("spec.auth", "how the destination is authenticated");
        message.field("auth", auth.as_ref().map(|auth| json!(auth)), json!(made.auth), decided, case);
        let header = |name: &str, is_there: bool| {
            let path = Path::keys("spec.headers").key(name);
            let says = if is_there { "the destination's header" } else { "the destination has no such header" };
            vec![self.configuration.decider(&self.hook.destination_address(), path, says)]
        };
        let body = |key: Option<&str>| match (made.body.is_some(), key) {
            (true, Some(key)) => vec![shaped::decider(self.configuration, self.hook, self.event, self.given, key)],
            (true, None) => self.webhook("spec.properties", "what the webhook sends of the event"),
            (false, _) => {
                self.destination("spec.method", "with this request type properties go into the query, not a body")
            }
        };
        message.compare(wanted.message(), header, body, case);
    }

    fn destination(&self, path: &str, says: &str) -> Vec<Decider> {
        vec![self.configuration.decider(&self.hook.destination_address(), Path::keys(path), says)]
    }

    fn webhook(&self, path: &str, says: &str) -> Vec<Decider> {
        vec![self.configuration.decider(&self.hook.object.address, Path::keys(path), says)]
    }
}
