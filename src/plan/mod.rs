//! Stage 5: the plan, a value that leaves apply no choice. Pure: the clock and the plan's id are arguments.

pub mod build;
pub mod changes;
pub mod content;
pub mod data_flow;
pub mod file_v1;
pub mod limits;
pub mod options;
pub mod order;
pub mod orphans;
mod per_object;
pub mod plan_value;
pub mod policy_finding;
pub mod preview;
pub mod publish;
mod re_point;
pub mod reason;
pub mod referrers;
mod refusal_text;
pub mod review;
pub mod selection;
pub mod shown;
mod suspended;
pub mod wanted;

#[cfg(test)]
pub(crate) mod sample;

pub use build::build;
pub use options::PlanOptions;
pub use plan_value::{Action, Plan};
