//! Checking the content of an object before the store sees it.

use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

use crate::base::code::Code;
use crate::base::diagnostic::Severity;
use crate::kinds::finding::Findings;
use crate::kinds::schema::validator;
use crate::kinds::scope::Siblings;
use crate::kinds::{Address, Kind, Metadata};
use crate::runtime::configuration::Configuration;
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
        let place = Some(format!("{address} {pointer}"));
        Fault { code: Some(code(error.kind())), place, detail: error.masked_with("…").to_string() }
    };
    Ok(validator.iter_errors(&manifest).take(FAULTS).map(fault).collect())
}

/// The code of what a schema says, as a manifest author would be told.
fn code(kind: &ValidationErrorKind) -> Code {
    match kind {
        ValidationErrorKind::AdditionalProperties { .. } | ValidationErrorKind::UnevaluatedProperties { .. } => {
            Code::UnknownField
        }
        ValidationErrorKind::Required { .. } => Code::MissingField,
        ValidationErrorKind::Type { .. } => Code::WrongType,
        // The schema has a rule for each kind of value; the message says which is broken.
        _ => Code::InvalidValue,
    }
}

/// The faults of an object in the light of the others, as far as they are live: an event without the property that a
/// webhook asks for, a template without a placeholder. The content has passed its schema.
pub(super) fn faults_among(address: &Address, spec: &Value, others: &Configuration) -> Vec<Fault> {
    // One that cannot be read all the same is left to the store, which says so.
    let Ok(mut spec) = address.kind.read_spec(spec) else { return Vec::new() };
    spec.complete(&Siblings::of(others.of_kind(Kind::System).map(|system| (&system.address.name, &system.spec))));
    let mut findings = Findings::default();
    spec.check_in(&address.name, others, &mut findings);
    let errors = findings.as_slice().iter().filter(|finding| finding.severity == Severity::Error);
    errors
        .take(FAULTS)
        .map(|finding| Fault {
            code: Some(finding.code),
            place: Some(format!("{address} {}", finding.path)),
            detail: finding.message.clone(),
        })
        .collect()
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
