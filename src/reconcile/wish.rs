//! What whoever runs `reconcile` wants of it: the same consents as those of `apply`, given once.

/// What reconciling may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Say what differs; write nothing.
    #[default]
    Report,
    /// Write what differs.
    Heal,
}

impl Mode {
    /// As written on the command line and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Heal => "heal",
        }
    }
}

/// What reconciling may do, and how far it may go.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Whether it writes.
    pub mode: Mode,
    /// Remove managed objects that are no longer in the manifests.
    pub prune: bool,
    /// Let notifications reach people at once.
    pub allow_send: bool,
    /// Most objects that may be deleted or archived; the project's when `None`.
    pub max_deletes: Option<usize>,
    /// Largest share of the managed objects that may change, in percent; the project's when `None`.
    pub max_changed_percent: Option<f64>,
    /// Who applies, for the audit.
    pub actor: String,
    /// The program's version, for plans.
    pub version: String,
}
