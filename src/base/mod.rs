//! What every module may use: names, source positions, paths into documents, diagnostics, secrets and digests.
//!
//! Nothing here knows a kind, a target or a file system.

pub mod code;
pub mod diagnostic;
pub mod digest;
pub mod fingerprint;
pub mod ident;
pub mod path;
pub mod positions;
pub mod secret;
pub mod source;
