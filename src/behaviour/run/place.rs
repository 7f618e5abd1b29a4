//! The places where a variable can stand in a request, each with the escape that keeps its value from changing what
//! stands around it.

pub mod form;
pub mod header;
pub mod json;
pub mod url;
pub mod xml;
