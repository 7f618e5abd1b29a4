//! Integration tests: one binary, one file per area.

mod architecture;
mod generated;
mod offline_verbs;
mod support;
