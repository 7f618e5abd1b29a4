//! Secrets that the server made: `GET …/outputs`, and what a rotation answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{AddressForm, UuidForm};
use super::secret::SecretOnTheWire;
use crate::base::ident::ObjectId;
use crate::kinds::Address;

/// The token of one object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Output")]
pub struct OutputV1 {
    /// The object.
    #[schemars(with = "AddressForm")]
    pub address: Address,
    /// Its id.
    #[schemars(with = "UuidForm")]
    pub id: ObjectId,
    /// The last part of its URL: `/hooks/{token}`. Whoever knows it can call.
    pub token: SecretOnTheWire,
}

/// The tokens of a project.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Outputs")]
pub struct OutputsV1 {
    /// One for each object that has one, in the order of their addresses.
    pub outputs: Vec<OutputV1>,
}
