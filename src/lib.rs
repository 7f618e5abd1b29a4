//! # trueup
#![doc = ""]
pub mod base;
pub mod manifest;
