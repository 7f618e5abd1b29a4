//! Tick after tick, until somebody asks to stop.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::backoff;
use super::hands::Hands;
use super::outcome::Tick;
use super::source::{Folder, Git, Sighting, SourceError};
use super::tick::Reconciler;

/// Waiting, and chance: as the command line has them and tests give them.
pub trait Pace {
    /// Waits so long, or until somebody asks to stop or to go on at once. Whether to go on.
    fn wait(&mut self, time: Duration) -> impl Future<Output = bool>;

    /// From 0 to 1.
    fn random(&mut self) -> f64;
}

/// Where manifests come from.
#[derive(Debug)]
pub enum Source {
    /// A folder on this machine.
    Folder(Folder),
    /// A git repository.
    Git(Box<Git>),
}

/// One look at a source: each project by its path, and why the source could not be brought up to date.
#[derive(Debug)]
pub struct Sightings {
    /// The way to each project in the source, with what was seen of it.
    pub projects: Vec<(String, Result<Sighting, SourceError>)>,
    /// Why it may be out of date.
    pub error: Option<Arc<SourceError>>,
}

impl Source {
    /// The ways to the projects in it.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        match self {
            Self::Folder(_) => vec![String::new()],
            Self::Git(git) => git.paths(),
        }
    }

    /// Brings it up to date, as far as that is possible, and looks at it.
    pub fn look(&mut self) -> Sightings {
        match self {
            Self::Folder(folder) => Sightings { projects: vec![(String::new(), folder.see())], error: None },
            Self::Git(git) => {
                let error = git.update().err().map(Arc::new);
                Sightings { projects: git.see(), error }
            }
        }
    }
}

/// All projects of a source.
pub struct Reconcile<H> {
    source: Source,
    projects: Vec<Reconciler<H>>,
}

impl<H: Hands> Reconcile<H> {
    /// The projects of a source, in the order in which it shows them: one for a folder, one a path for a repository.
    #[must_use]
    pub fn new(source: Source, projects: Vec<Reconciler<H>>) -> Self {
        Self { source, projects }
    }

    /// Where manifests come from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The projects: each by its way in the source, with whether it applies just now.
    #[must_use]
    pub fn projects(&self) -> Vec<(String, Arc<AtomicBool>)> {
        let paths = self.source.paths().into_iter();
        paths.zip(&self.projects).map(|(path, reconciler)| (path, reconciler.applying())).collect()
    }

    /// One tick of every project.
    pub async fn once(&mut self) -> Vec<Tick> {
        let began = Instant::now();
        let Sightings { projects, error } = self.source.look();
        let asked = began.elapsed();
        let mut ticks = Vec::with_capacity(self.projects.len());
        let mut seen = projects.into_iter();
        let mut paths = self.source.paths().into_iter();
        for reconciler in &mut self.projects {
            let began = Instant::now();
            let path = paths.next().unwrap_or_default();
            let mut tick = match (seen.next(), &error) {
                // Git was stopped in the middle of something: what it left is put in order at the next start.
                (_, Some(error)) if matches!(**error, SourceError::Interrupted { .. }) => reconciler.interrupted(&path),
                (Some((_, Ok(sighting))), error) => reconciler.tick(&sighting, error.as_ref()).await,
                (Some((path, Err(error))), _) => reconciler.without_source(&path, &Arc::new(error)),
                (None, Some(error)) => reconciler.without_source(&path, error),
                (None, None) => reconciler.without_source(&path, &Arc::new(SourceError::NoFolder(path.clone()))),
            };
            tick.took = asked + began.elapsed();
            ticks.push(tick);
        }
        ticks
    }

    /// Ticks until waiting says to stop. `told` hears of every tick.
    pub async fn run(&mut self, interval: Duration, pace: &mut impl Pace, told: &mut dyn FnMut(&Tick)) {
        loop {
            self.once().await.iter().for_each(&mut *told);
            // The project that is best off sets the pace: one whose target is down must not slow the others down. A commit
            // that cannot be used does not slow anything: the next may mend it, and asking for it is one small question.
            let outages = self.projects.iter().map(Reconciler::outages).min().unwrap_or(0);
            let random = pace.random();
            if !pace.wait(backoff::wait(interval, outages, random)).await {
                return;
            }
        }
    }
}
