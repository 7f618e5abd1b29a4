//! All HTTP that the server makes: deliveries, the webhook steps of workflows, requests for OAuth2 tokens.
//!
//! A manifest's author decides where requests go, and may be a stranger to whoever runs the server. So every request
//! passes the egress guard (`address`, `resolver`), has a time limit, reads a bounded answer, follows no redirect and
//! keeps no cookie; `call` has the shapes.

mod address;
mod call;
mod client;
mod error;
pub mod oauth2;
pub mod pace;
pub mod request;
mod resolver;
pub mod retry_after;
pub mod signature;

#[cfg(test)]
mod tests;

pub use address::Egress;
pub use call::{AnswerBody, Header, OutgoingAnswer, OutgoingCall};
pub use client::{Outgoing, OutgoingSettings, SettingsError};
pub use error::OutgoingError;
pub use resolver::{Found, Lookup, SystemLookup};
