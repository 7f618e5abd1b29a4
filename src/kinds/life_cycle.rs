//! The three life cycles a planner must know (domain §6).

/// What a change and a removal become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeCycle {
    /// Updated in place; deleted.
    Mutable,
    /// Updated in place until it is used, then replaced by a new object with a new id, the old one archived.
    /// Deleted while unused, else archived.
    FrozenOnceUsed,
    /// A change is a new version and moves a pointer to it; never deleted, only archived.
    VersionsGrow,
}

impl LifeCycle {
    /// One sentence for the reference.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Mutable => "A change updates the object in place; a removal deletes it.",
            Self::FrozenOnceUsed => {
                "A change updates the object while it is unused and replaces it once it was used; a removal archives it once it was used and deletes it otherwise."
            }
            Self::VersionsGrow => {
                "A change makes a new version, and an earlier version can be made current again; a removal archives the object and never deletes it."
            }
        }
    }
}
