//! # trueup
#![doc = ""]
pub mod base;
