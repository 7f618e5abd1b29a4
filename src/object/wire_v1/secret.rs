//! The content of a secret on its way: to the target with a write, or back in an answer that is nothing but secrets.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::secret::SecretText;

/// A content that is written out in JSON; nowhere else can it be printed. Whoever serialises a value that holds one
/// sends it: to a target that keeps it, or to a caller who may have it.
#[derive(Clone, Debug)]
pub struct SecretOnTheWire(pub SecretText);

impl Serialize for SecretOnTheWire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_to_target())
    }
}

impl<'de> Deserialize<'de> for SecretOnTheWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretText::new(text)))
    }
}

impl JsonSchema for SecretOnTheWire {
    fn schema_name() -> Cow<'static, str> {
        "SecretContent".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 1_048_576 })
    }
}
