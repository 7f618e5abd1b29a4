//! What a workflow does, step by step.
//!
//! A run is a [`state::RunState`]: plain data that is kept between two events. [`advance::advance`] takes an event in,
//! walks through every step that needs nothing of the world (`branch`, `set`), and says what has to happen next as an
//! [`effect::Effect`]: a request, an e-mail, a notification, or waiting for a person. Who carries the effects out, and
//! keeps the state safe meanwhile, is not decided here: the server's runner does it over the network, a test from what
//! its case says.

pub mod advance;
pub mod data;
pub mod effect;
pub mod email;
pub mod intent;
pub mod place;
pub mod state;
pub mod text;
pub mod variables;
pub mod webhook_step;
pub mod xml_value;

mod response;

#[cfg(test)]
mod tests;
