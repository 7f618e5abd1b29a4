//! What a change will do before it is made: both states side by side, and what reviewers learn from them.
//!
//! Pure, like `plan`: everything it needs is an argument. What it finds becomes the plan's [`crate::plan::review::Review`],
//! so that every view shows the same.

pub mod links;
pub mod policy;
pub mod states;
pub mod test;
