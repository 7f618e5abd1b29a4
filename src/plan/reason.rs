//! Why an action is in the plan. For people: nothing is decided by a reason.

use std::fmt;

use crate::base::path::Path;
use crate::kinds::Address;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// In the manifests and not on the target.
    New,
    /// The manifest changed.
    ManifestChanged,
    /// Only live changed.
    Drift,
    /// The manifest changed where live had changed too.
    ChangedOverDrift,
    /// Only contents of secrets changed.
    SecretChanged,
    /// A frozen template has to make room.
    Frozen(Path),
    /// Asked for by `--replace`.
    ReplaceAsked,
    /// Something it refers to is replaced.
    RePointed(Address),
    /// A version with this spec exists.
    EqualsVersion(u64),
    /// Renamed.
    RenamedFrom(Address),
    /// Archived before, and in the manifests again.
    CameBack,
    /// Made by hand, and taken over.
    Adopted,
    /// No longer in the manifests, and pruning was asked for.
    Orphan {
        /// Whether it was used, which makes it an archive instead of a delete.
        used: bool,
    },
    /// The project is destroyed.
    Destroyed,
    /// A webhook needs its system's settings to be published.
    NeededBy(Address),
    /// As a plan file states it.
    Stated(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("not on the target yet"),
            Self::ManifestChanged => f.write_str("the manifest changed"),
            Self::Drift => f.write_str("drift: changed outside the manifests"),
            Self::ChangedOverDrift => f.write_str("the manifest changed, and overwrites drift"),
            Self::SecretChanged => f.write_str("the content of a secret changed"),
            Self::Frozen(path) => write!(f, "{path} changed, and the template has been used"),
            Self::ReplaceAsked => f.write_str("asked for by --replace"),
            Self::RePointed(to) => write!(f, "re-pointed: {to} is replaced"),
            Self::EqualsVersion(version) => write!(f, "version {version} has this content"),
            Self::RenamedFrom(from) => write!(f, "renamed from {from}"),
            Self::CameBack => f.write_str("archived before, and in the manifests again"),
            Self::Adopted => f.write_str("made by hand, and taken over"),
            Self::Orphan { used: false } => f.write_str("no longer in the manifests"),
            Self::Orphan { used: true } => f.write_str("no longer in the manifests; used before, so it is archived"),
            Self::Destroyed => f.write_str("the project is destroyed"),
            Self::Stated(text) => f.write_str(text),
            Self::NeededBy(webhook) => write!(f, "{webhook} needs the system's settings to be published"),
        }
    }
}
