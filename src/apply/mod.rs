//! Stage 6: the only stage with effects. Carries out a plan on a target and reports every action's final state.

pub mod changeset;
pub mod execute;
pub mod report;
pub mod secrets;

pub use execute::{ApplyError, Request, apply};
