//! Integration tests: one binary, one file per area.

mod architecture;
mod examples;
mod drift;
mod laws;
mod life_cycles;
mod rig;
mod safety;
mod selection;
mod stories;
mod support;
mod world;
