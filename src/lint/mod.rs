//! Stage 2b: what a valid configuration still gets wrong. Warnings only; one rule, one file.
//!
//! What an object gets wrong by itself, such as a step that cannot be reached or a destination without TLS, is said by
//! its kind. Here is what shows only when objects are looked at together, or takes reasoning about conditions.

pub mod condition_logic;
mod row_logic;
mod sample_event;
mod senders;
mod written;

mod duplicate_delivery;
mod impossible_condition;
mod same_host;
mod shadowed_condition;
mod unused;

#[cfg(test)]
pub(crate) mod sample;

use crate::base::diagnostic::Diagnostic;
use crate::desired::Desired;

/// A rule: what it finds in a project that was loaded without errors, in the order of the objects.
type Rule = fn(&Desired) -> Vec<Diagnostic>;

const RULES: &[Rule] = &[
    duplicate_delivery::check,
    same_host::check,
    impossible_condition::check,
    shadowed_condition::check,
    unused::check,
];

/// All warnings. With errors in the load it would take what is missing for what is wrong: do not ask then.
#[must_use]
pub fn check(desired: &Desired) -> Vec<Diagnostic> {
    RULES.iter().flat_map(|rule| rule(desired)).collect()
}
