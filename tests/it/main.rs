//! Integration tests: one binary, one file per area.

#![expect(clippy::expect_used, reason = "a helper that fails is a failed test")]

mod architecture;
mod examples;
mod support;
