//! Checking the content of an object before the store sees it.

use serde_json::{Value, json};

use crate::kinds::schema::validator;
use crate::kinds::{Address, Metadata};
use crate::server::api::problem::{Answer, Fault, Problem, ProblemCode};

/// How many faults are told of one object.
const FAULTS: usize = 20;

/// The faults of an object by its kind's JSON Schema: what an editor would underline.
pub(super) fn faults(address: &Address, metadata: &Metadata, spec: &Value) -> Answer<Vec<Fault>> {
    let validator = validator(address.kind).map_err(|error| Problem::internal(error.to_string()))?;
    let metadata = serde_json::to_value(metadata).map_err(|error| Problem::internal(error.to_string()))?;
    let manifest = json!({ "apiVersion": "trueup/v1", "kind": address.kind, "metadata": metadata, "spec": spec });
    let fault = |error: jsonschema::ValidationError<'_>| {
        let pointer = error.instance_path().to_string();
        // The value itself may be what somebody typed in place of a secret's reference.
        Fault { place: Some(format!("{address} {pointer}")), detail: error.masked_with("…").to_string() }
    };
    Ok(validator.iter_errors(&manifest).take(FAULTS).map(fault).collect())
}

/// Refuses a content with faults.
pub(super) fn refuse(faults: Vec<Fault>) -> Answer<()> {
    match faults.first() {
        None => Ok(()),
        Some(first) => {
            let more = if faults.len() > 1 { format!(", and {} more", faults.len() - 1) } else { String::new() };
            let place = first.place.as_deref().unwrap_or_default();
            let detail = format!("{place}: {}{more}", first.detail);
            Err(Problem::new(ProblemCode::Invalid, detail).faults(faults))
        }
    }
}
