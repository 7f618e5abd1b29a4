//! Why a tick failed, in words of our own: what a target, git or the operating system said may hold what nobody else is
//! to read. The log has all of it.

use crate::provider::ProviderError;
use crate::reconcile::hands::OpenError;
use crate::reconcile::outcome::{Failure, Outcome};
use crate::reconcile::source::SourceError;

/// The reasons of an outcome, a sentence each.
pub(super) fn of(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Refused { refusals, .. } => refusals.iter().map(ToString::to_string).collect(),
        Outcome::TestsFailed { cases } => cases.iter().map(|case| format!("{case} did not pass")).collect(),
        Outcome::Failed(failure) => vec![of_failure(failure)],
        Outcome::Waiting(holder) => vec![format!("{} holds the lease", holder.actor)],
        Outcome::InSync
        | Outcome::Differs(_)
        | Outcome::Applied { .. }
        | Outcome::Invalid { .. }
        | Outcome::Suspended { .. }
        | Outcome::Interrupted => Vec::new(),
    }
}

fn of_failure(failure: &Failure) -> String {
    match failure {
        Failure::Source(error) => of_source(error),
        Failure::Open(OpenError::Provider(error)) | Failure::Target(error) => of_target(error),
        Failure::Open(OpenError::Unusable { .. }) => "the target cannot be used as it is configured".to_owned(),
        Failure::Open(OpenError::Failed(_)) => "the target could not be opened on this machine".to_owned(),
        Failure::Make(error) => format!("failed to {error}"),
        Failure::Live(_) => "a live object cannot be understood".to_owned(),
        Failure::OnlySavedPlans(target) => format!("the target {target} takes only a saved plan"),
        Failure::Plan(_) => "a plan could not be written down".to_owned(),
    }
}

fn of_target(error: &ProviderError) -> String {
    match error {
        ProviderError::Absent(address) => format!("the target no longer has {address}"),
        ProviderError::Conflict(stale) => {
            let addresses: Vec<String> = stale.iter().map(|stale| stale.address.to_string()).collect();
            format!("{} changed while the plan was made", addresses.join(", "))
        }
        ProviderError::PlanReused => "the target has applied another plan under the same id".to_owned(),
        ProviderError::Rejected { address: Some(address), reason: _ } => format!("the target rejected {address}"),
        ProviderError::Rejected { address: None, reason: _ } => "the target rejected what was to be written".to_owned(),
        ProviderError::Unauthorised(_) => "the target does not allow it".to_owned(),
        ProviderError::LeaseHeld(holder) => format!("{} holds the lease", holder.actor),
        ProviderError::Suspended(_) => "it is suspended".to_owned(),
        ProviderError::LeaseLost => "the lease was lost to another".to_owned(),
        ProviderError::Unavailable { .. } => "the target could not be reached or read".to_owned(),
        ProviderError::UnknownOutcome { .. } => "whether the write happened is not known".to_owned(),
    }
}

/// Why a source could not be brought up to date.
pub(super) fn of_source(error: &SourceError) -> String {
    match error {
        SourceError::File { .. } => "a folder or file of the source could not be read".to_owned(),
        SourceError::NoGit(_) => "git could not be run".to_owned(),
        SourceError::Git { .. } | SourceError::TooSlow { .. } => "the repository could not be asked".to_owned(),
        SourceError::Interrupted { .. } => "somebody asked to stop".to_owned(),
        SourceError::NoRef(_) => "the repository does not have the ref".to_owned(),
        SourceError::Rewritten { old, new, accept: _ } => {
            format!("the branch was rewritten: {old} is not in the history of {new}")
        }
        SourceError::Unsigned { commit, said: _ } => format!("the signature of {commit} cannot be verified"),
        SourceError::NoFolder(_) => "the project's folder is not in the source".to_owned(),
        SourceError::NoProject(_) => "the source has no trueup.yaml for the project's folder".to_owned(),
        SourceError::Held(_) => "another reconcile is at work in the state folder".to_owned(),
    }
}
