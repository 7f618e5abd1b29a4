//! Integration tests: one binary, one file per area.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails, and says why")]

mod architecture;
mod bad_input;
mod behaviour;
mod blame;
mod command_line;
mod configuration_model;
mod data_flow;
mod deliveries;
mod drift;
mod engine_rig;
mod events;
mod examples;
mod fault_proxy;
mod generated;
mod hooks;
mod killable;
mod laws;
mod life_cycles;
mod notifications;
mod offline_verbs;
mod policies;
mod provider_suite;
#[cfg(unix)]
mod readme;
mod retention;
mod rig;
mod rotate;
mod runs;
mod safety;
mod security;
mod selection;
mod send;
mod served;
mod server_access;
mod server_http;
mod server_isolation;
mod server_keys_and_pins;
mod server_process;
mod server_rig;
mod stories;
mod support;
mod tour;
mod world;
