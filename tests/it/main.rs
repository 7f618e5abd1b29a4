//! Integration tests: one binary, one file per area.

mod laws;
mod rig;
mod support;
mod world;
