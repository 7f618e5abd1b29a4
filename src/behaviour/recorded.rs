//! Events in files: one a line, in the shape of `POST /v1/events`.
//!
//! A line that a caller wrote is an event that is yet to arrive: ids of end users are hashed and censored properties
//! dropped when it is replayed. A line of an event that a target has stored says so by `stored`, and nothing is hashed
//! or dropped a second time:
//!
//! ```json
//! {"event":"survey.submitted","system":"crm","endUserId":"u4ID…","eventId":"e1","occurredAt":"2031-12-01T08:30:00Z",
//!  "properties":{"score":3},"stored":{"systemId":"bcf4c7f5682b4aa6875a0fc9bdfa21ca"}}
//! ```
//!
//! An event as `GET /v1/events` lists it (all its properties below `properties`) is taken for a stored one too.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::{RawEvent, StoredEvent};
use super::fault::Fault;
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::named_fields;
use crate::kinds::time;

/// Properties that stand beside `properties` on a line, in the order they have in a stored event.
const BESIDE: [&str; 7] = ["eventId", "event", "occurredAt", "systemId", "environment", "endUserId", "sessionId"];
/// Those of them that a caller of `POST /v1/events` may not give below `properties`, and that every stored event has
/// unless its system drops them.
const OF_STORED: [&str; 4] = ["eventId", "event", "occurredAt", "systemId"];

/// What a line holds.
#[derive(Clone, Debug, PartialEq)]
pub enum EventLine {
    /// An event as a caller sends it.
    Raw(RawEvent),
    /// An event as a target has stored it.
    Stored(StoredEvent),
}

/// A line.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    event: String,
    system: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurred_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<StoredMark>,
}

/// Says that the event is as it is stored, with what `POST /v1/events` has no place for.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredMark {
    /// The property `systemId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    system_id: Option<String>,
    /// Properties that the line names beside `properties` because it must, and that the system drops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    without: Vec<String>,
}

impl EventLine {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, as `POST /v1/events` says it.
    pub fn read(json: &[u8]) -> Result<Self, Fault> {
        let line: Line = named_fields::from_slice(json).map_err(|error| Fault::of_json(&error).of_a_line())?;
        if line.stored.is_none()
            && line.end_user_id.is_none()
            && OF_STORED.iter().any(|n| line.properties.contains_key(*n))
        {
            return line.into_listed().map(Self::Stored);
        }
        let Line {
            event,
            system,
            end_user_id,
            event_id,
            occurred_at,
            environment,
            session_id,
            properties,
            stored: Some(mark),
        } = line
        else {
            return Ok(Self::Raw(line.into_raw()));
        };
        let (event_id, occurred_at) = required(event_id, occurred_at.as_deref())?;
        let StoredMark { system_id, without } = mark;
        let beside = [
            Some(event_id.clone()),
            Some(event.clone()),
            Some(time::canonical(occurred_at)),
            system_id,
            environment,
            end_user_id,
            session_id,
        ];
        let mut all = Map::with_capacity(properties.len() + BESIDE.len());
        for (name, value) in BESIDE.iter().zip(beside) {
            if let Some(value) = value.filter(|_| !without.iter().any(|dropped| dropped == name)) {
                all.insert((*name).to_owned(), Value::String(value));
            }
        }
        for (name, value) in properties {
            if BESIDE.contains(&name.as_str()) {
                let message = format!("`{name}` stands beside `properties`");
                return Err(Fault::new(Code::InvalidValue, format!("properties.{name}"), message));
            }
            all.insert(name, value);
        }
        Ok(Self::Stored(StoredEvent { event_id, event, system: name(&system)?, occurred_at, properties: all }))
    }
}

impl Line {
    fn into_raw(self) -> RawEvent {
        let Self { event, system, end_user_id, event_id, occurred_at, environment, session_id, properties, stored: _ } =
            self;
        RawEvent { event, system, end_user_id, event_id, occurred_at, environment, session_id, properties }
    }

    fn into_listed(self) -> Result<StoredEvent, Fault> {
        let Self {
            event,
            system,
            end_user_id: _,
            event_id,
            occurred_at,
            environment,
            session_id,
            properties,
            stored: _,
        } = self;
        for (field, value) in [("environment", environment), ("sessionId", session_id)] {
            if value.is_some() {
                let message = format!("a stored event has `{field}` among its properties");
                return Err(Fault::new(Code::InvalidValue, field, message));
            }
        }
        let (event_id, occurred_at) = required(event_id, occurred_at.as_deref())?;
        Ok(StoredEvent { event_id, event, system: name(&system)?, occurred_at, properties })
    }
}

fn required(event_id: Option<String>, occurred_at: Option<&str>) -> Result<(String, Timestamp), Fault> {
    let missing = |field: &str| Fault::new(Code::MissingField, field, format!("a stored event has `{field}`"));
    let event_id = event_id.ok_or_else(|| missing("eventId"))?;
    let occurred_at = occurred_at.ok_or_else(|| missing("occurredAt"))?;
    // What the target lists has fractions of any length; what a person writes has one of the domain's formats.
    let at = occurred_at.parse().or_else(|_| time::parse(occurred_at));
    let at = at.map_err(|error| Fault::new(Code::InvalidTime, "occurredAt", error.to_string()))?;
    Ok((event_id, at))
}

fn name(system: &str) -> Result<Name, Fault> {
    system
        .parse()
        .map_err(|_| Fault::new(Code::InvalidValue, "system", "a stored event has the name of its System".to_owned()))
}

/// A stored event as a line of a file, without the line break.
///
/// # Errors
/// Never for an event that was stored; the error is passed on rather than hidden.
pub fn line(event: &StoredEvent) -> Result<String, serde_json::Error> {
    let StoredEvent { event_id, event: event_name, system, occurred_at, properties } = event;
    let text = |name: &str| properties.get(name).and_then(Value::as_str).map(str::to_owned);
    let without = ["eventId", "event", "occurredAt"].into_iter().filter(|name| !properties.contains_key(*name));
    let own = properties.iter().filter(|(name, _)| !BESIDE.contains(&name.as_str()));
    serde_json::to_string(&Line {
        event: event_name.clone(),
        system: system.to_string(),
        end_user_id: text("endUserId"),
        event_id: Some(event_id.clone()),
        occurred_at: Some(occurred_at.to_string()),
        environment: text("environment"),
        session_id: text("sessionId"),
        properties: own.map(|(name, value)| (name.clone(), value.clone())).collect(),
        stored: Some(StoredMark { system_id: text("systemId"), without: without.map(str::to_owned).collect() }),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(properties: &Value) -> StoredEvent {
        let event = json!({"eventId": "e1", "event": "survey.submitted", "system": "crm",
            "occurredAt": "2031-12-01T08:30:00.123456789Z", "properties": properties});
        serde_json::from_value(event).expect("a stored event")
    }

    fn read(value: &Value) -> Result<EventLine, (Code, String)> {
        EventLine::read(value.to_string().as_bytes()).map_err(|fault| (fault.code, fault.field))
    }

    #[test]
    fn what_was_stored_comes_back_to_the_letter() {
        let all = json!({"eventId": "e1", "event": "survey.submitted", "occurredAt": "2031-12-01T08:30:00.123456789Z",
            "systemId": "0".repeat(32), "environment": "test", "endUserId": "u4ID", "sessionId": "s", "pageUrl": "https://x",
            "score": 3.5, "answer": "a \"b\"\n"});
        let mut few = all.clone();
        for name in ["eventId", "systemId", "endUserId", "pageUrl"] {
            few.as_object_mut().expect("a map").shift_remove(name);
        }
        for event in [stored(&all), stored(&few), stored(&json!({}))] {
            let text = line(&event).expect("a line");
            let back = EventLine::read(text.as_bytes()).expect("a good line");
            assert_eq!(back, EventLine::Stored(event.clone()), "{text}");
            let EventLine::Stored(back) = back else { panic!("a stored event") };
            // The order of properties is the order in the request.
            assert!(back.properties.keys().eq(event.properties.keys()), "{text}");
        }
    }

    #[test]
    fn a_callers_event_and_a_listed_one_are_told_apart() {
        let raw = json!({"event": "menu.opened", "system": "crm", "endUserId": "ana", "properties": {"itemId": "i"}});
        assert!(matches!(read(&raw), Ok(EventLine::Raw(_))));
        let event = stored(&json!({"eventId": "e1", "endUserId": "u4ID", "score": 1}));
        let listed = serde_json::to_value(&event).expect("JSON");
        assert_eq!(read(&listed), Ok(EventLine::Stored(event)));
    }

    #[test]
    fn a_line_names_its_fields() {
        assert_eq!(read(&json!(["menu.opened", "crm", "ana"])).map_err(|error| error.0), Err(Code::WrongType));
        let mark = json!({"event": "menu.opened", "system": "crm", "eventId": "e", "occurredAt": "2031-01-01",
            "stored": ["0"]});
        assert_eq!(read(&mark).map_err(|error| error.0), Err(Code::WrongType));
    }

    #[test]
    fn a_stored_event_is_whole() {
        let mark = |more: &Value| {
            let mut event = json!({"event": "menu.opened", "system": "crm", "eventId": "e", "stored": {}});
            let fields = more.as_object().expect("a map").clone();
            event.as_object_mut().expect("a map").extend(fields);
            read(&event)
        };
        assert_eq!(mark(&json!({})), Err((Code::MissingField, "occurredAt".into())));
        assert_eq!(mark(&json!({"occurredAt": "soon"})), Err((Code::InvalidTime, "occurredAt".into())));
        assert_eq!(
            mark(&json!({"occurredAt": "2031-01-01", "system": "Not A Name"})),
            Err((Code::InvalidValue, "system".into()))
        );
        let beside = json!({"occurredAt": "2031-01-01", "properties": {"endUserId": "u"}});
        assert_eq!(mark(&beside), Err((Code::InvalidValue, "properties.endUserId".into())));
        assert_eq!(
            mark(&json!({"occurredAt": "2031-01-01", "stored": {"x": 1}})).map_err(|e| e.0),
            Err(Code::UnknownField)
        );
        assert!(mark(&json!({"occurredAt": "2031-01-01 08:30"})).is_ok());
    }
}
