//! What a target can do, as data: what it cannot express is refused when planning.

use crate::kinds::Kind;

/// A target's abilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Writes a whole changeset or none of it.
    pub atomic: bool,
    /// Keeps what was last applied, so that drift can be told from change.
    pub last_applied: bool,
    /// Compares secrets by fingerprint.
    pub secret_comparison: bool,
    /// The kinds it has.
    pub kinds: Vec<Kind>,
    /// Fields it lacks, by kind and path (`spec.rateLimit`).
    pub missing_fields: Vec<(Kind, &'static str)>,
}

impl Capabilities {
    /// Everything there is.
    #[must_use]
    pub fn full() -> Self {
        Self {
            atomic: true,
            last_applied: true,
            secret_comparison: true,
            kinds: Kind::ALL.to_vec(),
            missing_fields: Vec::new(),
        }
    }
}
