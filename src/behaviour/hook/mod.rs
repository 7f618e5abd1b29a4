//! What a call to an incoming webhook means: which operation, on what, with which values, and whether the caller may.
//!
//! A call is read by [`call`], its values are fitted to the workflow's data by [`dataset`], and [`rights`] says whether
//! it may be carried out. Everything that can be wrong with a call is a [`HookError`] with a stable code; errors of one
//! stage are collected, not only the first is said.

pub mod answer;
pub mod call;
pub mod dataset;
pub mod error;
pub mod file;
pub mod file_url;
pub mod identifier;
pub mod parameter;
pub mod process;
mod reader;
pub mod rights;
pub mod schema;

#[cfg(test)]
mod vectors;

pub use error::{HookCode, HookError};
