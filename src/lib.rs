//! # trueup
#![doc = ""]
pub mod base;
pub mod diff;
pub mod kinds;
pub mod object;
pub mod plan;
pub mod provider;
