//! Exit codes: the one place on the command line where an outcome becomes a number (design §12).

use std::io;
use std::process::ExitCode;

use super::view::terminal;
use crate::base::error_text::chain;
use crate::provider::ProviderError;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// With `--detailed-exitcode`: there are changes or drift.
    Changes,
    /// Manifests, a plan file, or something the target cannot express.
    InvalidInput,
    /// Not authenticated or not allowed.
    NotAllowed,
    /// Refused by a policy or by `--fail-on`.
    Refused,
    /// A stale plan, a conflict, or an object made by hand.
    Conflict,
    /// The lease is held by another.
    LeaseHeld,
    /// A safety limit or a protected object.
    SafetyLimit,
    /// Wrong usage.
    Usage,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// All of them, by number.
    pub const ALL: &'static [Self] = &[
        Self::Done,
        Self::Failed,
        Self::Changes,
        Self::InvalidInput,
        Self::NotAllowed,
        Self::Refused,
        Self::Conflict,
        Self::LeaseHeld,
        Self::SafetyLimit,
        Self::Usage,
        Self::Interrupted,
    ];

    /// What it means, for the reference.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done (with `--detailed-exitcode`: and nothing to change)",
            Self::Failed => "failed",
            Self::Changes => "only with `--detailed-exitcode`: changes or drift present",
            Self::InvalidInput => "invalid input: manifests, a plan file, something the target cannot express",
            Self::NotAllowed => "not authenticated or not allowed",
            Self::Refused => "refused by a policy or by `--fail-on`",
            Self::Conflict => "a stale plan, a conflict or an unmanaged object",
            Self::LeaseHeld => "the lease is held by another",
            Self::SafetyLimit => "a safety limit or a protected object",
            Self::Usage => "wrong usage",
            Self::Interrupted => "interrupted",
        }
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::InvalidInput => 3,
            Self::NotAllowed => 4,
            Self::Refused => 5,
            Self::Conflict => 6,
            Self::LeaseHeld => 8,
            Self::SafetyLimit => 9,
            Self::Usage => 64,
            Self::Interrupted => 130,
        }
    }

    /// The exit code for what a target says.
    #[must_use]
    pub fn of_provider(error: &ProviderError) -> Self {
        match error {
            ProviderError::Absent(_)
            | ProviderError::Conflict(_)
            | ProviderError::PlanReused
            | ProviderError::Suspended(_)
            | ProviderError::LeaseLost => Self::Conflict,
            ProviderError::Rejected { .. } => Self::InvalidInput,
            ProviderError::Unauthorised(_) => Self::NotAllowed,
            ProviderError::LeaseHeld(_) => Self::LeaseHeld,
            ProviderError::Unavailable { .. } | ProviderError::UnknownOutcome { .. } => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Says on standard error what failed.
pub fn failed(message: impl std::fmt::Display) -> Exit {
    say_error(&message.to_string(), None);
    Exit::Failed
}

/// How a run ends that has `exit` to tell, once its result was written. A reader that has seen enough and went away, as
/// `head` does, is no failure.
pub fn after_writing(written: io::Result<()>, exit: Exit) -> Exit {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            failed(format!("failed to write the result: {error}"))
        }
        Ok(()) | Err(_) => exit,
    }
}

/// Says on standard error what a target said, with its causes.
pub fn provider(error: &ProviderError) -> Exit {
    say_error(&format!("failed to {}", chain(error)), advice(error));
    Exit::of_provider(error)
}

fn advice(error: &ProviderError) -> Option<&'static str> {
    match error {
        ProviderError::Conflict(_) | ProviderError::LeaseLost => Some("plan again, and apply the new plan"),
        ProviderError::LeaseHeld(_) => {
            Some("wait for it to end; if it was killed, `trueup unlock` takes the lease away")
        }
        ProviderError::Suspended(_) | ProviderError::PlanReused => Some("plan again"),
        ProviderError::Absent(_)
        | ProviderError::Rejected { .. }
        | ProviderError::Unauthorised(_)
        | ProviderError::Unavailable { .. }
        | ProviderError::UnknownOutcome { .. } => None,
    }
}

/// Writes `error: …` and, if there is any, `help: …` to standard error.
pub fn say_error(message: &str, help: Option<&str>) {
    let mut stderr = terminal::standard_error();
    // Nobody is left to tell when standard error is closed.
    let _ = super::view::message::error(&mut *stderr.writer, message, help, stderr.style);
}

/// Prints what clap says; asked-for help and version are no errors.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_a_closed_pipe_is_no_failure() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(after_writing(Err(closed), Exit::InvalidInput), Exit::InvalidInput);
        assert_eq!(after_writing(Err(io::Error::other("full")), Exit::Done), Exit::Failed);
    }
}
