//! What becomes of an event that arrives: refused, dropped, or stored in exactly this form.
//!
//! Ids are hashed and censored properties dropped here, before anything is stored: what this returns is all that is
//! ever kept of an event.

use serde_json::{Map, Value};

use super::end_user::EndUserIds;
use super::event::{RawEvent, StoredEvent};
use super::fault::Fault;
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::kinds::catalogue::{Property, PropertyType};
use crate::kinds::scope::EventProperties;
use crate::kinds::system::SystemSpec;
use crate::kinds::system::censorship::Censorship;
use crate::kinds::time;

/// Bytes that an id, a session or an environment may have.
const ID_LIMIT: usize = 255;
/// Unknown properties of one event that are told of: a body of nothing else must not become far larger faults.
const UNKNOWN_TOLD: usize = 100;
/// Bytes that the text of a property may have.
const TEXT_LIMIT: usize = 65_536;

/// What the target knows of the System that an event names.
#[derive(Clone, Copy, Debug)]
pub struct EventSystem<'s> {
    /// Its name.
    pub name: &'s Name,
    /// Its systemId, as the target keeps it.
    pub system_id: &'s str,
    /// Its spec.
    pub spec: &'s SystemSpec,
    /// How its end-user ids are kept.
    pub end_user_ids: EndUserIds<'s>,
}

/// What stands in for what the caller left out.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The id of an event without one.
    pub event_id: String,
    /// The time of an event without one.
    pub now: jiff::Timestamp,
}

/// What becomes of an acceptable event.
#[derive(Clone, Debug, PartialEq)]
pub enum Ingested {
    /// The system censors the event as a whole: nothing of it is kept. Its id, for the answer.
    Dropped(String),
    /// To be stored.
    Stored(StoredEvent),
}

/// Decides about one event. `system` and `properties` are `None` where the project has no such System or event
/// ([`crate::kinds::scope::event_properties`]).
///
/// # Errors
/// Everything that is wrong with it.
pub fn ingest(
    raw: RawEvent,
    system: Option<EventSystem<'_>>,
    properties: Option<EventProperties<'_>>,
    defaults: Defaults,
) -> Result<Ingested, Vec<Fault>> {
    let mut faults = Vec::new();
    if properties.is_none() {
        faults.push(Fault::new(Code::UnknownEvent, "event", format!("there is no event `{}`", shown(&raw.event))));
    }
    if system.is_none() {
        let message = format!("there is no system `{}`", shown(&raw.system));
        faults.push(Fault::new(Code::UnknownReference, "system", message));
    }
    check_envelope(&raw, system, &mut faults);
    let occurred_at = match raw.occurred_at.as_deref().map(time::parse) {
        None => defaults.now,
        Some(Ok(at)) => at,
        Some(Err(error)) => {
            faults.push(Fault::new(Code::InvalidTime, "occurredAt", error.to_string()));
            defaults.now
        }
    };
    let RawEvent { event, system: _, end_user_id, event_id, occurred_at: _, environment, session_id, properties: own } =
        raw;
    let event_id = event_id.unwrap_or(defaults.event_id);
    let (Some(known), Some(system)) = (properties, system) else { return Err(faults) };
    let envelope = Envelope {
        event_id: &event_id,
        event: &event,
        occurred_at: time::canonical(occurred_at),
        system_id: system.system_id,
        environment,
        end_user_id: end_user_id.map(|id| system.end_user_ids.kept(&id).into_owned()),
        session_id,
    };
    let censorship = Censorship::of(system.spec, &event);
    let properties = take_properties(own, known, envelope, &censorship, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    if censorship.drops_all() {
        return Ok(Ingested::Dropped(event_id));
    }
    Ok(Ingested::Stored(StoredEvent { event_id, event, system: system.name.clone(), occurred_at, properties }))
}

fn check_envelope(raw: &RawEvent, system: Option<EventSystem<'_>>, faults: &mut Vec<Fault>) {
    if raw.end_user_id.is_none() {
        faults.push(Fault::new(Code::MissingField, "endUserId", "missing field `endUserId`"));
    }
    for (field, text) in [
        ("endUserId", &raw.end_user_id),
        ("eventId", &raw.event_id),
        ("environment", &raw.environment),
        ("sessionId", &raw.session_id),
    ] {
        if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > ID_LIMIT) {
            let or = if field == "endUserId" { "" } else { "; one that is not known is left out" };
            let message = format!("`{field}` has 1 to {ID_LIMIT} bytes{or}");
            faults.push(Fault::new(Code::InvalidValue, field, message));
        }
    }
    if raw.event_id.as_ref().is_some_and(|id| id.chars().any(char::is_control)) {
        let message = "`eventId` has no control characters: it is compared and shown as it is";
        faults.push(Fault::new(Code::InvalidValue, "eventId", message));
    }
    // A system that lists no environments says nothing about them.
    if let (Some(system), Some(environment)) = (system, &raw.environment)
        && !system.spec.environments.is_empty()
        && !system.spec.environments.contains_key(environment.as_str())
    {
        let message = format!("System/{} has no environment `{}`", system.name, shown(environment));
        faults.push(Fault::new(Code::InvalidValue, "environment", message));
    }
}

/// The properties that stand beside `properties` in the call, ready to be stored.
struct Envelope<'e> {
    event_id: &'e str,
    event: &'e str,
    occurred_at: String,
    system_id: &'e str,
    environment: Option<String>,
    end_user_id: Option<String>,
    session_id: Option<String>,
}

/// Whose business a property is.
enum Origin {
    /// The envelope's or the target's, with the value if there is one.
    Envelope(Option<Value>),
    /// That of `properties` in the call.
    Properties,
}

impl Envelope<'_> {
    /// Takes a property's value out, if it is one of these.
    fn take(&mut self, name: &str) -> Origin {
        Origin::Envelope(match name {
            "eventId" => Some(self.event_id.into()),
            "event" => Some(self.event.into()),
            "occurredAt" => Some(std::mem::take(&mut self.occurred_at).into()),
            "systemId" => Some(self.system_id.into()),
            "environment" => self.environment.take().map(Value::String),
            "endUserId" => self.end_user_id.take().map(Value::String),
            "sessionId" => self.session_id.take().map(Value::String),
            _ => return Origin::Properties,
        })
    }
}

fn take_properties(
    mut own: Map<String, Value>,
    known: EventProperties<'_>,
    mut envelope: Envelope<'_>,
    censorship: &Censorship<'_>,
    faults: &mut Vec<Fault>,
) -> Map<String, Value> {
    let mut taken = Map::with_capacity(own.len() + 6);
    for name in known.names() {
        let given = own.swap_remove(name);
        let value = match (envelope.take(name), given) {
            (Origin::Envelope(_), Some(_)) => {
                let message = format!("`{name}` stands beside `properties`, or is set by the target");
                faults.push(Fault::new(Code::InvalidValue, format!("properties.{name}"), message));
                None
            }
            (Origin::Envelope(value), None) => value,
            (Origin::Properties, Some(value)) => match known.get(name).map(|property| typed(value, property)) {
                Some(Ok(value)) => Some(value),
                Some(Err(unfit)) => {
                    faults.push(unfit.at(name));
                    None
                }
                None => None,
            },
            (Origin::Properties, None) => None,
        };
        if let Some(value) = value
            && !censorship.drops(name)
        {
            taken.insert(name.to_owned(), value);
        }
    }
    // Sorted, because what is left was reordered by taking the rest out.
    let mut unknown: Vec<&String> = own.keys().collect();
    unknown.sort();
    for name in unknown.into_iter().take(UNKNOWN_TOLD) {
        let message = format!("the event `{}` has no property `{}`", shown(envelope.event), shown(name));
        faults.push(Fault::new(Code::UnknownProperty, format!("properties.{}", shown(name)), message));
    }
    taken
}

enum Unfit {
    Type(PropertyType),
    Time,
    Length,
}

impl Unfit {
    fn at(&self, name: &str) -> Fault {
        let field = format!("properties.{name}");
        match self {
            Self::Type(wanted) => Fault::new(Code::WrongType, field, format!("`{name}` is a {}", wanted.as_str())),
            Self::Time => {
                let message =
                    format!("`{name}` is a datetime: {}", "YYYY-MM-DD, YYYY-MM-DD hh:mm (both UTC) or RFC 3339");
                Fault::new(Code::InvalidTime, field, message)
            }
            Self::Length => Fault::new(Code::TooLarge, field, format!("`{name}` has at most {TEXT_LIMIT} bytes")),
        }
    }
}

/// A value as it is stored: datetimes in their canonical form, everything else as it came.
fn typed(value: Value, property: Property) -> Result<Value, Unfit> {
    let wanted = property.value_type;
    match (wanted, value) {
        (PropertyType::String, Value::String(text)) if text.len() > TEXT_LIMIT => Err(Unfit::Length),
        (PropertyType::Datetime, Value::String(text)) => {
            time::parse(&text).map(|at| Value::String(time::canonical(at))).map_err(|_| Unfit::Time)
        }
        (PropertyType::String, value @ Value::String(_))
        | (PropertyType::Number, value @ Value::Number(_))
        | (PropertyType::Boolean, value @ Value::Bool(_)) => Ok(value),
        (PropertyType::String | PropertyType::Number | PropertyType::Boolean | PropertyType::Datetime, _) => {
            Err(Unfit::Type(wanted))
        }
    }
}

/// A caller's text within a message: not at any length.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
