//! What a plan says apply must not do without a further flag.

use super::exit::{self, Exit};
use crate::plan::plan_value::Refusal;

/// Refuses while anything is left to refuse.
///
/// # Errors
/// With every refusal said on standard error.
pub fn check(refusals: &[Refusal]) -> Result<(), Exit> {
    for refusal in refusals {
        exit::say_error(&refusal.to_string(), None);
    }
    exit_of(refusals).map_or(Ok(()), Err)
}

/// The exit code that refusals give; a safety limit goes before a policy (design §12).
#[must_use]
pub fn exit_of(refusals: &[Refusal]) -> Option<Exit> {
    let exit = if refusals.iter().all(in_review) { Exit::Refused } else { Exit::SafetyLimit };
    (!refusals.is_empty()).then_some(exit)
}

/// Whether a policy or `--fail-on` refuses the plan, which `plan` itself ends with.
#[must_use]
pub fn refused_in_review(refusals: &[Refusal]) -> bool {
    refusals.iter().any(in_review)
}

fn in_review(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Policy { .. } | Refusal::FailOn { .. } => true,
        Refusal::TooManyDeletes { .. }
        | Refusal::TooMuchChanged { .. }
        | Refusal::Sends { .. }
        | Refusal::Protected(_) => false,
    }
}

/// Takes away what flags given to apply allow. What protects an object cannot be lifted by a flag.
pub fn lift(refusals: &mut Vec<Refusal>, allow_send: bool, (max_deletes, max_percent): (usize, Option<f64>)) {
    refusals.retain(|refusal| match refusal {
        Refusal::TooManyDeletes { planned, allowed } => *planned > max_deletes.max(*allowed),
        Refusal::TooMuchChanged { planned, managed, allowed } => {
            // Counts of objects are far below where a double loses a unit.
            #[expect(clippy::cast_precision_loss, reason = "counts of objects fit a double exactly")]
            let share = *planned as f64 * 100.0 / (*managed).max(1) as f64;
            share > max_percent.unwrap_or(*allowed).max(*allowed)
        }
        Refusal::Sends { .. } => !allow_send,
        Refusal::Protected(_) | Refusal::Policy { .. } | Refusal::FailOn { .. } => true,
    });
}
