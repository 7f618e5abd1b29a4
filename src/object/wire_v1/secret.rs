//! The content of a secret on its way to the target: the only place where one is written into a message.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::secret::SecretText;

/// A content in a message. Goes to the target and never comes back, tokens that the target made apart.
#[derive(Clone)]
pub struct ContentShape(pub SecretText);

impl fmt::Debug for ContentShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentShape(…)")
    }
}

impl Serialize for ContentShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_to_target())
    }
}

impl<'de> Deserialize<'de> for ContentShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|content| Self(SecretText::new(content)))
    }
}

impl JsonSchema for ContentShape {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretContent".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}
