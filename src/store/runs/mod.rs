//! Runs of workflows: each step of one is written down whole, or not at all.

mod read;
mod write;

pub use write::{NewRun, Saved};
