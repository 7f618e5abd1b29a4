//! What a case is given: an event, a template, an audience or a run of a workflow.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::base::ident::Name;
use crate::kinds::overrides::Overrides;

/// An event, as it would be stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct GivenEvent {
    /// One of the 32 built-in events, or the name of an EventType.
    #[schemars(length(min = 1))]
    pub event: String,
    /// The system where it happens.
    pub system: Name,
    /// Who it happens to, as the id would be stored: where the system hashes ids, the hash or a stand-in for it. `test` when
    /// absent. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub end_user_id: Option<String>,
    /// Its id; `test` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub event_id: Option<String>,
    /// When it happens; `2000-01-01T00:00:00Z` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// An environment of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub environment: Option<String>,
    /// The end user's session. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub session_id: Option<String>,
    /// The event's other properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "scalars")]
    pub properties: BTreeMap<String, Value>,
}

/// A template that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct GivenRender {
    /// The template.
    pub template: Name,
    /// The reader's language, such as `de` or `pt-BR`; the template's own texts when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub locale: Option<String>,
    /// Values of the template's placeholders, by name with or without the hashes.
    #[serde(default, rename = "override", skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
}

/// An audience that is asked about somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct GivenAudience {
    /// The audience.
    pub name: Name,
    /// The end user's id, for an audience with `members`. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub end_user_id: Option<String>,
    /// The end user's attributes, for an audience with `match`. Personal data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "scalars")]
    pub attributes: BTreeMap<String, Value>,
}

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct GivenRun {
    /// The workflow.
    pub name: Name,
    /// Values of the workflow's data, by name. Personal data.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "values")]
    pub data: Map<String, Value>,
    /// What is said at a `sayGather` or `sayIntent` step, by its name; a list says one thing at each visit. Personal data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Each<String>>,
    /// How a step ends, by its name: for a `webhook` an answer (`status`, `headers`, `body`) or `timeout`, for any other the
    /// name of an exit; a list has one for each visit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub responses: BTreeMap<String, Each<Response>>,
}

/// One thing for all visits of a step, or one for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Each<T> {
    /// The same at every visit.
    Same(T),
    /// One for each visit, in order.
    InTurn(Vec<T>),
}

impl<T> Each<T> {
    /// What there is for a visit, counted from 0.
    #[must_use]
    pub fn at(&self, visit: usize) -> Option<&T> {
        match self {
            Self::Same(value) => Some(value),
            Self::InTurn(list) => list.get(visit),
        }
    }

    /// All there are.
    #[must_use]
    pub fn all(&self) -> &[T] {
        match self {
            Self::Same(value) => std::slice::from_ref(value),
            Self::InTurn(list) => list,
        }
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match Value::deserialize(deserializer)? {
            list @ Value::Array(_) => serde_json::from_value(list).map(Self::InTurn).map_err(D::Error::custom),
            one => serde_json::from_value(one).map(Self::Same).map_err(D::Error::custom),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Each<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Each{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::json_schema(generator);
        json_schema!({
            "if": { "type": "array" },
            "then": { "items": one.clone(), "minItems": 1 },
            "else": one
        })
    }
}

/// How a step ends that waits for something else than words.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// The name of an exit, or `timeout` of a webhook.
    Exit(String),
    /// The answer to a webhook's request.
    Answer(Answer),
}

/// The answer to a webhook step's request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Answer {
    /// Its status.
    #[serde(deserialize_with = "status")]
    #[schemars(range(min = 100, max = 599))]
    pub status: u16,
    /// Its headers; a workflow reads `Content-Type`, which is `application/json` when absent and the body is no text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body: a text as it is, everything else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "value")]
    pub body: Option<Value>,
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    use serde::de::Error as _;
    let number = crate::kinds::whole_number::read(deserializer)?;
    u16::try_from(number).map_err(|_| D::Error::custom("a status is 100 to 599"))
}

impl<'de> Deserialize<'de> for Response {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match Value::deserialize(deserializer)? {
            Value::String(exit) => Ok(Self::Exit(exit)),
            map @ Value::Object(_) => serde_json::from_value(map).map(Self::Answer).map_err(D::Error::custom),
            _ => Err(D::Error::custom("expected an answer (status, headers, body), `timeout` or the name of an exit")),
        }
    }
}

impl JsonSchema for Response {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Response".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let answer = Answer::json_schema(generator);
        json_schema!({
            "if": { "type": "object" },
            "then": answer,
            "else": { "type": "string", "minLength": 1 }
        })
    }
}

fn scalars(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
}

/// The schema of values by name.
pub(super) fn values(_: &mut SchemaGenerator) -> Schema {
    let any = ["string", "number", "boolean", "object", "array"];
    json_schema!({ "type": "object", "additionalProperties": { "type": any } })
}

/// The schema of any value.
pub(super) fn value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "number", "boolean", "object", "array"] })
}
