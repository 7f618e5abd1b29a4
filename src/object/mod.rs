//! What travels between reconciler and target: objects as a target has them, changesets, leases, suspensions, capabilities,
//! audit.
//!
//! Plain values; nothing here knows a database or HTTP.

pub mod access;
pub mod action;
pub mod audit;
pub mod capability;
pub mod changeset;
pub mod delivery;
pub mod lease;
pub mod notification;
pub mod record;
pub mod run;
pub mod secret_comparison;
pub mod suspension;
pub mod wire_v1;
