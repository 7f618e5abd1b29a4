//! Runs of workflows: each step of one is written down whole, or not at all.

mod list;
mod prune;
mod read;
mod write;

pub use list::RunFilter;
pub use write::{NewRun, Saved};
