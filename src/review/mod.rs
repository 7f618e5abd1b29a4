//! What a change will do before it is made: both states side by side, and what reviewers learn from them.
//!
//! Pure, like `plan`: everything it needs is an argument. What it finds becomes the plan's [`crate::plan::review::Review`],
//! so that every view shows the same.

pub mod complete;
pub mod data_flow;
pub mod links;
pub mod lost_listener;
pub mod policy;
pub mod preview;
pub mod states;
pub mod test;

#[cfg(test)]
mod sample;
