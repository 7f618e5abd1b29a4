//! Integration tests: one binary, one file per area.

mod architecture;
mod examples;
#[cfg(unix)]
mod readme;
mod support;
