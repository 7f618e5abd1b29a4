//! What a reconcile that runs as a service tells and hears over HTTP: whether it lives, what it does, how live state
//! stands, and that somebody has pushed.
//!
//! The loop writes what it learns into [`standing::Standing`] after each tick; a thread of its own answers from there,
//! however long a tick takes. What it hears wakes the loop and does nothing else.

pub mod metrics;
pub mod service;
pub mod signature;
pub mod standing;
pub mod status;
pub mod trigger;
