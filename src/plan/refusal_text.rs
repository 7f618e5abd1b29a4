//! Why a plan is refused, in a sentence that says what lifts it.

use std::fmt;

use super::plan_value::Refusal;

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        match self {
            Self::TooManyDeletes { planned, allowed } => write!(
                f,
                "{planned} delete{} and archives, where {allowed} are allowed: --max-deletes {planned} lifts this",
                plural(*planned)
            ),
            Self::TooMuchChanged { planned, managed, allowed } => {
                let percent = planned.saturating_mul(100).div_ceil((*managed).max(1));
                write!(
                    f,
                    "{planned} of {managed} managed objects change ({percent} %), where {allowed} % are allowed: \
                     --max-changed-percent {percent} lifts this"
                )
            }
            Self::Protected(address) => {
                write!(f, "{address} is protected: take the annotation trueup.dev/protect out of its manifest first")
            }
            Self::Sends { addresses } => {
                let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                write!(f, "people are reached at once by {}: --allow-send consents", names.join(", "))
            }
            Self::Policy { errors } => {
                write!(f, "{errors} violation{} of the policies: mend what they name", plural(*errors))
            }
            Self::FailOn { reason, count } => {
                write!(f, "--fail-on {}: the replayed events show {count} of it", reason.as_str())
            }
        }
    }
}
