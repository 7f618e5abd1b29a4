//! States and plans for tests of this stage.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::states::{State, StateObject, States};
use crate::kinds::{Address, Metadata};
use crate::object::action::ActionKind;
use crate::plan::Plan;
use crate::plan::reason::Reason;
use crate::plan::sample::{action, address, empty};

/// Objects by address, in canonical form; systems are published.
pub(super) fn state(objects: &[(&str, Value)]) -> State {
    let object = |(at, spec): &(&str, Value)| {
        let address: Address = address(at);
        let mut spec = address.kind.read_spec(spec).expect("a readable spec");
        spec.normalise();
        let metadata: Metadata = serde_json::from_value(json!({"name": address.name})).expect("metadata");
        (address, StateObject { metadata: Arc::new(metadata), spec: Arc::new(spec), published: true })
    };
    State { objects: objects.iter().map(object).collect() }
}

/// A state before and one after.
pub(super) fn states(before: State, after: State, moved: &[(&str, &str)]) -> States {
    let moved = moved.iter().map(|(new, former)| (address(new), address(former)));
    States { before, after, moved: moved.collect::<BTreeMap<_, _>>() }
}

/// A plan of these actions.
pub(super) fn plan(actions: &[(ActionKind, &str)]) -> Plan {
    let mut plan = empty();
    plan.actions = actions.iter().map(|(kind, at)| action(*kind, at, Reason::ManifestChanged, Vec::new())).collect();
    plan
}

/// A web system with this further spec.
pub(super) fn system(more: Value) -> Value {
    with(json!({"platform": "web"}), more)
}

/// A destination.
pub(super) fn destination(url: &str) -> Value {
    json!({"platform": "P", "method": "POST", "url": url})
}

/// A webhook of `crm` on surveys to `d`, with this further spec.
pub(super) fn webhook(more: Value) -> Value {
    with(json!({"system": "crm", "event": "survey.submitted", "destination": "d"}), more)
}

fn with(mut spec: Value, more: Value) -> Value {
    if let (Value::Object(spec), Value::Object(more)) = (&mut spec, more) {
        spec.extend(more);
    }
    spec
}
