//! A reference that may point outside the project: a name, or `{ id: … }`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::base::ident::{NAME_PATTERN, Name, ObjectId};

/// A name of the project, or an id outside it. The id's form is checked, its existence is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// `metadata.name` of a manifest of this project.
    Name(Name),
    /// The id of an object elsewhere; hyphens and case do not matter.
    Id(ObjectId),
}

impl Reference {
    /// The name, when it points into the project.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        match self {
            Self::Name(name) => Some(name),
            Self::Id(_) => None,
        }
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => name.serialize(serializer),
            Self::Id(id) => serde_json::json!({ "id": id.to_string() }).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match &value {
            Value::String(name) => name.parse().map(Self::Name).map_err(D::Error::custom),
            Value::Object(map) if map.len() == 1 => {
                let id = map.get("id").and_then(Value::as_str);
                let id = id.ok_or_else(|| D::Error::custom("expected a name or { id: … }"))?;
                id.parse().map(Self::Id).map_err(D::Error::custom)
            }
            _ => Err(D::Error::custom("expected a name or { id: … }")),
        }
    }
}

impl JsonSchema for Reference {
    fn schema_name() -> Cow<'static, str> {
        "Reference".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "type": "string", "pattern": NAME_PATTERN, "maxLength": 63, "description": "Name of a manifest of this project." },
                {
                    "type": "object",
                    "properties": { "id": {
                        "type": "string",
                        "pattern": "^([0-9a-fA-F]{32}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$",
                        "description": "Id of an object outside this project: a UUID."
                    } },
                    "required": ["id"],
                    "additionalProperties": false,
                    "description": "An object outside this project; its form is checked, its existence is not."
                }
            ]
        })
    }
}
