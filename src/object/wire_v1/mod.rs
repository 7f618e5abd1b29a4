//! The shapes in which configuration travels between the `server` provider and the control plane, version 1.
//!
//! Values of this module are only shapes: each is made from, and turned back into, the plain values beside it. Unknown
//! fields are refused on the way in, so that a field that is misspelt, or that an older server does not know, is never
//! silently without effect.

mod changeset;
mod reading;
pub mod schema;
mod secret;
mod suspension;

pub use changeset::{
    BodyShape, ChangesetAnswer, ChangesetRequest, ExpectedShape, OperationShape, RefreshShape, SecretShape, WriteShape,
};
pub use reading::{
    AuditShape, CompareAnswer, CompareRequest, LeaseBroken, LeaseRelease, LeaseRequest, LeaseShape, Outputs,
    PutRequest, QuestionShape, ReadRequest, RecordLine, TokenShape, TokenValue,
};
pub use secret::ContentShape;
pub use suspension::{SuspendRequest, SuspensionsShape};

#[cfg(test)]
mod tests;
