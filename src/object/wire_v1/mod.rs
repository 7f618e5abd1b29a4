//! The shapes of the configuration API, version 1, as server and `server` provider both read and write them.
//!
//! What is sent to a server refuses unknown fields, so that a slip is no silence; what a server answers may grow, and a
//! caller passes over what it does not know. A field is never renamed and never changes its meaning: what needs that is
//! another version beside this one.

pub mod audit;
pub mod by_hand;
pub mod changeset;
pub mod lease;
pub mod limits;
pub mod object;
pub mod output;
pub mod problem;
pub mod schema;
pub mod secret;

#[cfg(test)]
mod tests;
