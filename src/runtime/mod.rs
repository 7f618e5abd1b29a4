//! The moving parts of the control plane: ingest, the delivery worker, notifications, the runner of workflows.
//!
//! What is to be done is decided by `behaviour`; here it is done, over the store, with a clock that is handed in.

pub mod outgoing;
pub mod timer;
