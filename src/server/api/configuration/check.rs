//! Checking the content of an object before the store sees it.

use serde_json::{Value, json};

use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::path::Path;
use crate::base::positions::Positions;
use crate::base::schema_errors::{SchemaContext, schema_diagnostics};
use crate::kinds::finding::Findings;
use crate::kinds::schema::{strict, validator};
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
    if validator.is_valid(&manifest) {
        return Ok(Vec::new());
    }
    // In the words an author of manifests gets; they never repeat what stands in a secret's place.
    let context = SchemaContext {
        schema: strict(address.kind),
        instance: &manifest,
        positions: &Positions::default(),
        base: &Path::root(),
        address: None,
    };
    let fault = |Diagnostic { code, message, path, help, .. }: Diagnostic| Fault {
        code: Some(code),
        place: Some(path.map_or_else(|| address.to_string(), |path| format!("{address} {path}"))),
        detail: help.map_or_else(|| message.clone(), |help| format!("{message}; {help}")),
    };
    let found = schema_diagnostics(validator.iter_errors(&manifest), context);
    Ok(found.into_iter().take(FAULTS).map(fault).collect())
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
