//! # trueup
#![doc = ""]
pub mod base;
pub mod kinds;
pub mod object;
pub mod provider;
pub mod store;
