//! What every module may use: names, source positions, paths into documents, diagnostics, secrets and digests.
//!
//! Nothing here knows a kind, a target or a file system.

pub mod chance;
pub mod code;
pub mod diagnostic;
pub mod diagnostic_record;
pub mod digest;
pub mod error_text;
pub mod fingerprint;
pub mod ident;
pub mod locator;
pub mod module_text;
pub mod named_fields;
pub mod path;
pub mod positions;
pub mod schema;
pub mod schema_errors;
mod schema_words;
pub mod secret;
pub mod source;
