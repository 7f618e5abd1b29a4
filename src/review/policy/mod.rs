//! Policies: rules in the Common Expression Language that manifests and plans must keep.
//!
//! A rule's source comes from whoever may propose a change, so it runs in a cage: `expression` says before it is run
//! whether it can be (its length, nesting, names, functions), `meter` counts what it costs while it runs, and
//! `cage` runs it on a thread of its own with a stack that is large enough, and gives up on it in the end.
//! `rules` are a project's policies, compiled once; [`of_manifests`] and [`of_plan`] say what breaks them.

mod bad_rules;
mod cage;
mod error_text;
mod expression;
mod input;
mod meter;
mod metered;
mod place;
mod rules;
mod type_of;
mod verdicts;
mod walk;

pub use bad_rules::bad_rules;
pub use cage::Limits;
pub use verdicts::{of_manifests, of_plan, refusal};

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
