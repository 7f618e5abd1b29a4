//! Integration tests: one binary, one file per area.

mod architecture;
mod examples;
mod support;
