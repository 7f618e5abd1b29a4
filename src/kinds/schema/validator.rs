//! The compiled strict schemas.

use std::sync::Arc;

use jsonschema::{PatternOptions, ValidationError, Validator};

use super::{PerKind, strict};
use crate::kinds::ManifestKind;

/// A schema of ours that cannot be compiled: a defect of the program, never of a manifest.
#[derive(Clone, Debug, thiserror::Error)]
#[error("failed to compile the schema of {kind}")]
pub struct SchemaError {
    /// Whose schema.
    pub kind: ManifestKind,
    #[source]
    source: Arc<ValidationError<'static>>,
}

/// The validator of a kind's strict schema, compiled when it is first asked for.
///
/// # Errors
/// When the schema cannot be compiled.
pub fn validator(kind: impl Into<ManifestKind>) -> Result<&'static Validator, SchemaError> {
    static VALIDATORS: PerKind<Result<Validator, SchemaError>> = PerKind::new();
    VALIDATORS.get(kind.into(), compile).as_ref().map_err(Clone::clone)
}

fn compile(kind: ManifestKind) -> Result<Validator, SchemaError> {
    jsonschema::draft202012::options()
        // Manifests may come from strangers, so matching is in linear time, and nothing is fetched.
        .with_pattern_options(PatternOptions::regex())
        .offline()
        .build(strict(kind))
        .map_err(|source| SchemaError { kind, source: Arc::new(source) })
}
