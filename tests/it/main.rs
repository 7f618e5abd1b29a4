//! Integration tests: one binary, one file per area.

mod architecture;
mod support;
