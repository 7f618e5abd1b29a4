//! What is suspended, and what is asked for when something is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{AddressForm, TimeForm};
use crate::kinds::Address;
use crate::object::suspension::{SuspendOrder, Suspension};

/// The body of `PUT …/suspension`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SuspendRequest {
    /// The one object, `Kind/name`; the whole project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AddressForm>")]
    pub address: Option<Address>,
    /// Why, for people.
    #[schemars(length(min = 1, max = 1_000))]
    pub reason: String,
    /// Until when; until somebody resumes it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    pub until: Option<Timestamp>,
    /// Who suspends it; the name of the key stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub actor: Option<String>,
}

impl From<&SuspendOrder> for SuspendRequest {
    fn from(order: &SuspendOrder) -> Self {
        let SuspendOrder { address, reason, actor, until } = order;
        Self { address: address.clone(), reason: reason.clone(), until: *until, actor: Some(actor.clone()) }
    }
}

/// What is, or was until now, suspended: the project first, then objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuspensionsShape {
    /// Each with its reason.
    pub suspensions: Vec<Suspension>,
}
