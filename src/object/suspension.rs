//! When `reconcile` leaves a project, or one object of it, alone until a person says otherwise.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wire_v1::schema::{AddressForm, TimeForm};
use crate::kinds::Address;

/// Characters that a reason may have.
pub const REASON_LIMIT: usize = 1_000;
/// What the audit calls it when somebody suspends: `resume` alone is that of a halted destination.
pub const SUSPENDED: &str = "suspend-reconcile";
/// And when somebody resumes.
pub const RESUMED: &str = "resume-reconcile";

/// A standing order to `reconcile`: do not write this. A person's `apply` goes on as ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suspension {
    /// The one object that is left alone; the whole project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AddressForm>")]
    pub address: Option<Address>,
    /// Why, in the words of who suspended it.
    pub reason: String,
    /// Who suspended it.
    pub actor: String,
    /// Since when.
    #[schemars(with = "TimeForm")]
    pub since: Timestamp,
    /// Until when; until a person resumes it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeForm>")]
    pub until: Option<Timestamp>,
}

impl Suspension {
    /// Whether it is in force at this time: an end that has passed counts as resumed.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// By whom, since and until when, and why: `suspended by ana@host since … until …: reason`. Times to the second.
impl fmt::Display for Suspension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address: _, reason, actor, since, until } = self;
        write!(f, "suspended by {actor} since {since:.0} ")?;
        match until {
            Some(until) => write!(f, "until {until:.0}: {reason}"),
            None => write!(f, "until it is resumed: {reason}"),
        }
    }
}

/// What is asked for when something is suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspendOrder {
    /// The one object; the whole project when `None`.
    pub address: Option<Address>,
    /// Why; at most [`REASON_LIMIT`] characters, and not empty.
    pub reason: String,
    /// Who suspends it.
    pub actor: String,
    /// Until when; until a person resumes it when `None`.
    pub until: Option<Timestamp>,
}

/// What is resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeScope {
    /// The project; objects that were suspended one by one stay so.
    Project,
    /// These objects; the project stays as it is.
    Objects(Vec<Address>),
    /// The project and every object of it.
    Everything,
}

impl ResumeScope {
    /// Whether this suspension would be lifted.
    #[must_use]
    pub fn covers(&self, suspension: &Suspension) -> bool {
        match (self, &suspension.address) {
            (Self::Everything, _) | (Self::Project, None) => true,
            (Self::Objects(addresses), Some(address)) => addresses.contains(address),
            (Self::Project, Some(_)) | (Self::Objects(_), None) => false,
        }
    }
}
