//! The hands of `reconcile`: manifests, secrets and targets as every other verb gets at them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use super::arguments::{LoadArguments, SecretArguments};
use super::exit::Exit;
use super::secret_source::GuardedSource;
use super::{Context, actor, interrupt, project, refusal, target};
use crate::base::chance;
use crate::desired::Desired;
use crate::desired::load::{LoadedProject, NoProject};
use crate::desired::secrets::Secrets;
use crate::manifest::{Input, LoadOptions, Project};
use crate::provider::{Reader, Writer};
use crate::reconcile::hands::{Hands, Opening, Stopping};
use crate::reconcile::outcome::{Failure, Outcome, Tick};
use crate::reconcile::run::Pace;
use crate::steward::standing::Standing;

/// The effects of ticks, by the arguments of the command line.
#[derive(Clone, Debug)]
pub struct CommandLineHands {
    /// The working folder and the rest.
    pub context: Context,
    /// How manifests are resolved.
    pub load: LoadArguments,
    /// Which secrets may be read.
    pub secrets: SecretArguments,
}

impl Hands for CommandLineHands {
    fn load(&self, folder: &Path) -> Result<LoadedProject, NoProject> {
        project::read(&LoadOptions {
            path: Input::Path(folder.to_owned()),
            working_folder: self.context.working_folder.clone(),
            target: self.load.target.clone(),
            vars: self.load.vars.clone(),
            var_files: self.load.var_files.clone(),
            threads: None,
        })
    }

    fn secrets(&self, desired: &Desired) -> Secrets {
        let source = GuardedSource::new(&desired.project.root, &self.context.working_folder, &self.secrets);
        let references = desired.objects.iter().flat_map(|object| &object.secrets);
        Secrets::read(&source, references.map(|secret| &secret.reference))
    }

    fn reader<'a>(&'a self, project: &'a Project) -> Opening<'a, dyn Reader> {
        Box::pin(target::try_reader(&self.context, project, &self.secrets))
    }

    fn writer<'a>(&'a self, project: &'a Project) -> Opening<'a, dyn Writer> {
        Box::pin(target::try_writer(&self.context, project, &self.secrets))
    }

    fn commit(&self, folder: &Path) -> Option<String> {
        actor::commit(if folder.is_dir() { folder } else { folder.parent()? })
    }

    fn files_outside(&self) -> Vec<PathBuf> {
        self.load.var_files.iter().map(|file| self.context.working_folder.join(file)).collect()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn new_id(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn interrupted(&self) -> bool {
        interrupt::came()
    }

    fn stopping(&self) -> Stopping {
        Box::pin(interrupt::coming())
    }
}

/// Waits by the clock on the wall, until a signal comes or somebody wakes it.
#[derive(Clone, Debug, Default)]
pub struct WallClock {
    /// Wakes it. However often that was done during a tick, one more tick follows.
    pub wake: Arc<Notify>,
    /// Hears when the next tick begins.
    pub standing: Option<Arc<Standing>>,
}

impl Pace for WallClock {
    async fn wait(&mut self, time: Duration) -> bool {
        if let Some(standing) = &self.standing {
            standing.waits(time, Instant::now());
        }
        tokio::select! {
            biased;
            () = interrupt::coming() => false,
            () = self.wake.notified() => true,
            () = tokio::time::sleep(time) => true,
        }
    }

    fn random(&mut self) -> f64 {
        chance::random()
    }
}

/// How a run of one tick ends. `detailed` is `--detailed-exitcode`.
#[must_use]
pub fn exit_of(tick: &Tick, detailed: bool) -> Exit {
    let exit = of_outcome(&tick.outcome, detailed);
    // What could be seen is in order, and yet it may not be what the repository says now.
    if tick.source_error.is_some() && matches!(exit, Exit::Done | Exit::Changes) { Exit::Failed } else { exit }
}

fn of_outcome(outcome: &Outcome, detailed: bool) -> Exit {
    match outcome {
        Outcome::Differs(_) | Outcome::Applied { .. } if detailed => Exit::Changes,
        Outcome::Suspended { findings, .. } if detailed && !findings.actions.is_empty() => Exit::Changes,
        Outcome::InSync | Outcome::Differs(_) | Outcome::Applied { .. } | Outcome::Suspended { .. } => Exit::Done,
        Outcome::Refused { refusals, .. } => refusal::exit_of(refusals).unwrap_or(Exit::SafetyLimit),
        Outcome::Invalid { conflict: true, .. } => Exit::Conflict,
        Outcome::Invalid { conflict: false, .. } => Exit::InvalidInput,
        Outcome::TestsFailed { .. } => Exit::Failed,
        Outcome::Waiting(_) => Exit::LeaseHeld,
        Outcome::Interrupted => Exit::Interrupted,
        Outcome::Failed(failure) => match failure {
            Failure::Source(_) | Failure::Live(_) | Failure::Plan(_) => Exit::Failed,
            Failure::Open(error) => target::exit_of(error),
            Failure::Target(error) => Exit::of_provider(error),
            Failure::Make(_) => Exit::InvalidInput,
            Failure::OnlySavedPlans(_) => Exit::Usage,
        },
    }
}
