//! Stage 5: the plan, a value that leaves apply no choice. Pure: the clock and the plan's id are arguments.

pub mod plan_value;
pub mod reason;
pub mod shown;
