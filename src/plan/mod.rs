//! Stage 5: the plan, a value that leaves apply no choice. Pure: the clock and the plan's id are arguments.

pub mod file_v1;
pub mod plan_value;
pub mod reason;
pub mod shown;

#[cfg(test)]
pub(crate) mod sample;
