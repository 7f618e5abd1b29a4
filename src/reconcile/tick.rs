//! One project kept true: a tick asks whether anything moved, and only then looks and, in `heal`, applies.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::hands::{Hands, Stopping};
use super::look::{Look, Looked, sound};
use super::memory::{Memory, Question};
use super::outcome::{Failure, Findings, Outcome, Tick};
use super::source::{self, Sighting, SourceError};
use super::wish::{Mode, Wish};
use crate::apply::secrets::unavailable;
use crate::apply::{ApplyError, Request, apply};
use crate::base::diagnostic_record::records;
use crate::base::digest::Digest;
use crate::base::ident::Revision;
use crate::base::secret::SecretRef;
use crate::desired::Desired;
use crate::desired::load::LoadedProject;
use crate::desired::secrets::Secrets;
use crate::kinds::Address;
use crate::manifest::{Project, TargetSettings};
use crate::object::action::ActionKind;
use crate::object::lease::LEASE_RENEWAL;
use crate::object::suspension::{SuspendOrder, Suspension};
use crate::plan::Plan;
use crate::plan::file_v1::body_digest;
use crate::provider::{ProviderError, Reader, Writer};

/// One project with what was learnt of it.
pub struct Reconciler<H> {
    hands: H,
    wish: Wish,
    memory: Memory,
    project: Option<Project>,
    reader: Option<Box<dyn Reader>>,
    /// Files that secrets were read from: a rotated secret is a change of the source.
    secret_files: Vec<PathBuf>,
    /// What is suspended on the target, as far as was learnt.
    suspensions: Arc<[Suspension]>,
    /// Objects that are suspended on the target, or that differ and are left alone.
    suspended_objects: usize,
    /// What the last look could not write.
    failed: Vec<(Address, ActionKind)>,
    /// Whether it applies just now, for those who watch.
    applying: Arc<AtomicBool>,
}

/// What a look leaves behind.
struct Seen {
    revision: Option<Revision>,
    outcome: Outcome,
}

/// What a tick tells of source and target.
struct Told {
    commit: Option<String>,
    committed_at: Option<Timestamp>,
    revision: Option<Revision>,
    looked: bool,
}

impl Seen {
    fn at(revision: Option<Revision>, outcome: Outcome) -> Self {
        Self { revision, outcome }
    }
}

/// What came of a plan.
enum Acted {
    /// This; it is done with.
    Seen(Box<Seen>),
    /// Somebody suspended what it was about: look again.
    Suspended,
}

impl Acted {
    fn seen(revision: Option<Revision>, outcome: Outcome) -> Self {
        Self::Seen(Box::new(Seen::at(revision, outcome)))
    }
}

/// How often a tick looks again because something was suspended meanwhile.
const LOOKS: usize = 3;

impl<H: Hands> Reconciler<H> {
    /// A project of which nothing is known yet.
    #[must_use]
    pub fn new(hands: H, wish: Wish) -> Self {
        Self {
            hands,
            wish,
            memory: Memory::default(),
            project: None,
            reader: None,
            secret_files: Vec::new(),
            suspensions: Arc::new([]),
            suspended_objects: 0,
            failed: Vec::new(),
            applying: Arc::default(),
        }
    }

    /// Whether it applies just now: a view for those who watch.
    #[must_use]
    pub fn applying(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.applying)
    }

    /// A tick that somebody stopped before it began.
    pub fn interrupted(&mut self, path: &str) -> Tick {
        let nothing = Told { commit: None, committed_at: None, revision: None, looked: false };
        self.told(path, nothing, Arc::new(Outcome::Interrupted), None)
    }

    /// Ticks in a row that failed for a reason that may pass; see [`Memory::outages`].
    #[must_use]
    pub fn outages(&self) -> u32 {
        self.memory.outages()
    }

    /// A tick whose source was never brought here.
    pub fn without_source(&mut self, path: &str, error: &Arc<SourceError>) -> Tick {
        let outcome = Arc::new(Outcome::Failed(Failure::Source(Arc::clone(error))));
        self.memory.count(&outcome);
        let nothing = Told { commit: None, committed_at: None, revision: None, looked: false };
        self.told(path, nothing, outcome, Some(error))
    }

    /// A tick.
    pub async fn tick(&mut self, sighting: &Sighting, source_error: Option<&Arc<SourceError>>) -> Tick {
        if self.hands.interrupted() {
            return self.interrupted(&sighting.path);
        }
        let outside = self.outside(sighting);
        let (looked, revision, outcome) = match self.memory.question(with_stamps(outside, &self.secret_files)) {
            Question::Rest(outcome) => (false, None, outcome),
            Question::Ask(revision, outcome) => match self.unless_stopped_moved(revision).await {
                Ok(Some(false)) => (false, Some(revision), outcome),
                Ok(Some(true)) => self.look(sighting, outside).await,
                Ok(None) => (false, None, Arc::new(Outcome::Interrupted)),
                Err(failure) => (false, None, Arc::new(Outcome::Failed(failure))),
            },
            Question::Look => self.look(sighting, outside).await,
        };
        self.rest(&outcome).await;
        self.memory.count(&outcome);
        let commit = sighting.commit.clone().or_else(|| self.commit_of(sighting, looked));
        let told = Told { commit, committed_at: sighting.committed_at, revision, looked };
        self.told(&sighting.path, told, outcome, source_error)
    }

    /// What a folder is at; asking runs a command, for which a tick that rests has no reason.
    fn commit_of(&self, sighting: &Sighting, looked: bool) -> Option<String> {
        looked.then(|| self.hands.commit(&sighting.folder)).flatten()
    }

    fn told(&mut self, path: &str, told: Told, outcome: Arc<Outcome>, source_error: Option<&Arc<SourceError>>) -> Tick {
        let Told { commit, committed_at, revision, looked } = told;
        let failed = std::mem::take(&mut self.failed);
        let project = self.project.as_ref();
        Tick {
            at: self.hands.now(),
            path: path.to_owned(),
            project: project.map(|project| project.name.clone()),
            target: project.map(|project| project.target.name.clone()),
            commit,
            revision,
            looked,
            outcome,
            source_error: source_error.cloned(),
            failures: self.memory.failures(),
            committed_at,
            failed,
            suspensions: Arc::clone(&self.suspensions),
            suspended_objects: self.suspended_objects,
            took: Duration::ZERO,
        }
    }

    /// The state of the source, with that of the files outside the project.
    fn outside(&self, sighting: &Sighting) -> Digest {
        with_stamps(sighting.state, &self.hands.files_outside())
    }

    /// Whether the target moved; `None` when somebody asked to stop.
    async fn unless_stopped_moved(&mut self, revision: Revision) -> Result<Option<bool>, Failure> {
        let stopping = self.hands.stopping();
        unless(stopping, self.has_moved(revision)).await.transpose()
    }

    async fn has_moved(&mut self, revision: Revision) -> Result<bool, Failure> {
        let suspended = Arc::clone(&self.suspensions);
        let reader = self.reader().await?;
        if reader.moved_since(revision).await? {
            return Ok(true);
        }
        // Whoever suspends or resumes raises the revision; an end passes by itself.
        let ends = suspended.iter().any(|suspension| suspension.until.is_some());
        Ok(ends && *reader.suspensions().await? != *suspended)
    }

    async fn reader(&mut self) -> Result<&dyn Reader, Failure> {
        if self.reader.is_none() {
            let Some(project) = &self.project else { return Err(Failure::Live("no project was loaded".to_owned())) };
            self.reader = Some(self.hands.reader(project).await?);
        }
        match &self.reader {
            Some(reader) => Ok(&**reader),
            None => Err(Failure::Live("the target was not opened".to_owned())),
        }
    }

    /// Lets go of the target where it must not stay open: of a file, because others write to it and it may be replaced;
    /// of whatever failed, so that the next tick begins anew.
    async fn rest(&mut self, outcome: &Outcome) {
        let is_file = |project: &Project| matches!(project.target.settings, TargetSettings::Embedded { .. });
        if outcome.is_passing() || self.project.as_ref().is_none_or(is_file) {
            self.close().await;
        }
    }

    async fn close(&mut self) {
        if let Some(reader) = self.reader.take()
            && let Err(error) = reader.close().await
        {
            tracing::debug!(%error, "closing a target that was read");
        }
    }

    /// `outside` was taken before anything is read: what changes meanwhile is seen at the next tick.
    async fn look(&mut self, sighting: &Sighting, outside: Digest) -> (bool, Option<Revision>, Arc<Outcome>) {
        let mut state = with_stamps(outside, &self.secret_files);
        let Seen { revision, outcome } = self.see(sighting, outside, &mut state).await;
        let outcome = Arc::new(outcome);
        self.memory.settle(state, revision, &Arc::clone(&outcome).afterwards());
        (true, revision, outcome)
    }

    async fn see(&mut self, sighting: &Sighting, outside: Digest, state: &mut Digest) -> Seen {
        let loaded = match sound(self.hands.load(&sighting.folder)) {
            Ok(loaded) => loaded,
            Err(outcome) => return Seen::at(None, *outcome),
        };
        let desired = &loaded.desired;
        self.change_project(&desired.project).await;
        self.secret_files = secret_files(desired);
        *state = with_stamps(outside, &self.secret_files);
        let secrets = self.hands.secrets(desired);
        for _ in 0..LOOKS {
            let (wish, now, id) = (self.wish.clone(), self.hands.now(), self.hands.new_id());
            let stopping = self.hands.stopping();
            let looking = async {
                let reader = self.reader().await?;
                Ok(Look { wish: &wish, desired, secrets: &secrets, reader, now, id }.run(&loaded).await)
            };
            let looked = match unless(stopping, looking).await {
                Some(Ok(looked)) => looked,
                Some(Err(failure)) => return Seen::at(None, Outcome::Failed(failure)),
                None => return Seen::at(None, Outcome::Interrupted),
            };
            let Looked { plan, findings } = match looked {
                Ok(looked) => looked,
                Err((revision, outcome)) => return Seen::at(revision, *outcome),
            };
            self.note_suspensions(&plan, &findings);
            match self.act(sighting, &loaded, &secrets, plan, findings).await {
                Acted::Seen(seen) => return *seen,
                Acted::Suspended => {}
            }
        }
        Seen::at(None, Outcome::Interrupted)
    }

    fn note_suspensions(&mut self, plan: &Plan, findings: &Findings) {
        let by_person = plan.suspensions.iter().filter_map(|suspension| suspension.address.as_ref());
        self.suspended_objects = by_person.chain(&findings.left_alone).collect::<BTreeSet<&Address>>().len();
        self.suspensions = plan.suspensions.clone().into();
    }

    async fn change_project(&mut self, project: &Project) {
        let same = |known: &Project| known.name == project.name && known.target.settings == project.target.settings;
        if !self.project.as_ref().is_some_and(same) {
            self.close().await;
        }
        self.project = Some(project.clone());
    }

    /// What the mode makes of a plan.
    async fn act(
        &mut self,
        sighting: &Sighting,
        loaded: &LoadedProject,
        secrets: &Secrets,
        plan: Plan,
        findings: Findings,
    ) -> Acted {
        let at = Some(plan.revision);
        let nothing = plan.is_empty() && plan.unknown_secrets.is_empty();
        if let Some(suspension) = plan.project_suspension() {
            return Acted::seen(at, Outcome::Suspended { suspension: suspension.clone(), findings });
        }
        if self.wish.mode == Mode::Report {
            let same = plan.is_empty();
            return Acted::seen(at, if same { Outcome::InSync } else { Outcome::Differs(findings) });
        }
        if nothing && findings.fights.is_empty() {
            let same = findings.left_alone.is_empty();
            return Acted::seen(at, if same { Outcome::InSync } else { Outcome::Differs(findings) });
        }
        if !plan.refusals.is_empty() {
            return Acted::seen(at, Outcome::Refused { findings, refusals: plan.refusals });
        }
        let project = &loaded.desired.project;
        if project.target.require_saved_plan {
            return Acted::seen(at, Outcome::Failed(Failure::OnlySavedPlans(project.target.name.clone())));
        }
        let problems = unavailable(&plan, &loaded.desired, secrets);
        if !problems.is_empty() {
            let diagnostics = records(&problems, &loaded.desired.sources);
            return Acted::seen(at, Outcome::Invalid { diagnostics, conflict: false });
        }
        // One process must not write to a file that it still reads.
        self.close().await;
        self.applying.store(true, Ordering::Relaxed);
        let healed = self.heal(sighting, loaded, secrets, &plan, findings).await;
        self.applying.store(false, Ordering::Relaxed);
        match healed {
            Ok(acted) => acted,
            Err(failure) => {
                // A changeset is written whole or not at all.
                self.failed = plan.actions.iter().map(|action| (action.address.clone(), action.action)).collect();
                Acted::seen(None, Outcome::Failed(failure))
            }
        }
    }

    async fn heal(
        &mut self,
        sighting: &Sighting,
        loaded: &LoadedProject,
        secrets: &Secrets,
        plan: &Plan,
        mut findings: Findings,
    ) -> Result<Acted, Failure> {
        let suspended = plan.suspensions.iter().filter_map(|suspension| suspension.address.clone());
        let left_alone: BTreeSet<Address> = suspended.chain(findings.left_alone.iter().cloned()).collect();
        let body = body_digest(plan).map_err(|error| Failure::Plan(error.to_string()))?;
        let writer = self.hands.writer(&loaded.desired.project).await?;
        let stopped = self.stop_fights(&*writer, &findings).await;
        let commit = sighting.commit.clone().or_else(|| self.hands.commit(&sighting.folder));
        let request = Request {
            plan,
            body,
            desired: &loaded.desired,
            secrets,
            actor: &self.wish.actor,
            commit: commit.as_deref(),
            lease_renewal: LEASE_RENEWAL,
            interrupted: &|| self.hands.interrupted(),
            left_alone: Some(&left_alone),
        };
        let (report, outcome) = apply(&*writer, &request, &mut |_| {}).await;
        let closed = writer.close().await;
        let stopped = stopped?;
        match outcome {
            Ok(()) => closed?,
            Err(ApplyError::Provider(ProviderError::LeaseHeld(holder))) => {
                return Ok(Acted::seen(None, Outcome::Waiting(holder)));
            }
            Err(ApplyError::Provider(error)) => return Err(error.into()),
            Err(ApplyError::Make(error)) => return Err(error.into()),
            Err(ApplyError::Interrupted) => return Ok(Acted::seen(None, Outcome::Interrupted)),
            Err(ApplyError::Suspended) => return Ok(Acted::Suspended),
        }
        findings.actions = report.actions.iter().map(|action| (action.address.clone(), action.action)).collect();
        let Some(revision) = report.revision else {
            let same = findings.left_alone.is_empty();
            let outcome = if same { Outcome::InSync } else { Outcome::Differs(findings) };
            return Ok(Acted::seen(Some(plan.revision), outcome));
        };
        // Where others wrote since the plan was made, the target has moved on from what was looked at.
        let alone = Revision(plan.revision.0.saturating_add(stopped).saturating_add(1)) == revision;
        let looked_at = if alone { revision } else { plan.revision };
        Ok(Acted::seen(Some(looked_at), Outcome::Applied { findings, totals: report.totals }))
    }

    /// Suspends what is fought over, until a person resumes it; how many were.
    async fn stop_fights(&mut self, writer: &dyn Writer, findings: &Findings) -> Result<u64, ProviderError> {
        let mut suspensions = self.suspensions.to_vec();
        let mut stopped = 0;
        for fight in &findings.fights {
            let order = SuspendOrder {
                address: Some(fight.address.clone()),
                reason: fight.reason(),
                actor: self.wish.actor.clone(),
                until: None,
            };
            match writer.suspend(&order).await {
                Ok(suspension) => {
                    stopped += 1;
                    suspensions.push(suspension);
                }
                Err(ProviderError::Absent(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if stopped > 0 {
            // In the order in which the target tells them.
            suspensions.sort_by(|one, other| one.address.cmp(&other.address));
            self.suspensions = suspensions.into();
        }
        Ok(stopped)
    }
}

/// The work's end, or `None` when somebody asked to stop before it.
async fn unless<T>(stopping: Stopping, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stopping => None,
        done = work => Some(done),
    }
}

fn with_stamps(state: Digest, files: &[PathBuf]) -> Digest {
    let stamps: Vec<Digest> = files.iter().map(|file| source::stamp(file)).collect();
    let parts = std::iter::once(&state).chain(&stamps).map(|digest| digest.as_bytes().as_slice());
    Digest::of_parts(parts)
}

/// The files that a project's secrets come from.
fn secret_files(desired: &Desired) -> Vec<PathBuf> {
    let references = desired.objects.iter().flat_map(|object| &object.secrets).map(|secret| &secret.reference);
    let mut files: Vec<PathBuf> = references
        .filter_map(|reference| match reference {
            SecretRef::FromFile(file) => Some(desired.project.root.join(file)),
            SecretRef::FromEnv(_) | SecretRef::FromCommand(_) => None,
        })
        .collect();
    files.sort();
    files.dedup();
    files
}
