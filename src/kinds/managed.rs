//! What a kind's file gives to the rest of the program.

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::field::Field;
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::scope::{Scope, Siblings};
use crate::base::ident::{Name, ObjectId};
use crate::base::path::Path;

/// A kind: its field table, its life cycle and what is particular to it.
pub trait Managed: Serialize + DeserializeOwned + JsonSchema + Clone + PartialEq + Debug + Send + Sync {
    /// What a change and a removal become.
    const LIFE_CYCLE: LifeCycle;
    /// One row per schema property.
    const FIELDS: &'static [Field];
    /// Whether the target makes a secret token for each object.
    const HAS_TOKEN: bool = false;
    /// What callers outside need of an object: `id`, or fields the target sets.
    const OUTPUTS: &'static [&'static str] = &[];

    /// Why an object of this kind cannot have a name that is taken by something built in; no name of the right form is.
    fn reserved_name(_name: &str) -> Option<String> {
        None
    }

    /// Fills defaults that depend on the rest of the project; whether anything changed.
    fn complete(&mut self, _siblings: &Siblings) -> bool {
        false
    }

    /// Brings it into canonical form; doing it twice changes nothing more.
    fn normalise(&mut self);

    /// What the object alone gets wrong beyond its schema.
    fn check(&self, findings: &mut Findings);

    /// What it gets wrong about others. That a referred object exists is checked by the field table, not here.
    fn check_in(&self, _name: &Name, _scope: &dyn Scope, _findings: &mut Findings) {}

    /// What the target sets at creation: lives beside the spec, is never compared.
    fn server_set(&self, _creation: &Creation) -> Value {
        Value::Object(Map::new())
    }

    /// What the target sets when it changes `before` into this at `now`; left as it was, unless the kind says otherwise.
    fn server_set_on_update(&self, before: Before<'_, Self>, _now: jiff::Timestamp) -> Value {
        before.server_set.clone()
    }

    /// Who would be reached at once by creating this, or by changing `before` into it.
    fn reach(&self, _before: Option<Before<'_, Self>>, _now: jiff::Timestamp) -> Option<Reach> {
        None
    }

    /// The field whose time lies so far back that writing this now would be without effect: refused by the plan.
    fn already_past(&self, _now: jiff::Timestamp) -> Option<Path> {
        None
    }

    /// Why the live object can no longer be changed.
    fn closed(&self, _server_set: &Value, _now: jiff::Timestamp) -> Option<String> {
        None
    }
}

/// A live object as it stands before a change.
#[derive(Debug)]
pub struct Before<'b, S> {
    /// Its spec.
    pub spec: &'b S,
    /// What the target has set on it.
    pub server_set: &'b Value,
}

/// What a target knows when it creates an object.
#[derive(Clone, Copy, Debug)]
pub struct Creation {
    /// The id it gave the object.
    pub id: ObjectId,
    /// The time of the write.
    pub now: jiff::Timestamp,
}

/// People that an action reaches at once: it needs a consent of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Audiences and end users for people, counts only: `2 audiences and 3 end users`.
    pub recipients: String,
}
