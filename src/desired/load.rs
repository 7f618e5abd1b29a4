//! Loading a project's desired state: the one way in for every verb, so that `plan` accepts what `validate` accepts.

use std::collections::BTreeSet;

use super::Desired;
use super::assemble::{Assembled, assemble};
use super::document::{Outcome, read};
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::{FileId, SourceMap};
use crate::manifest::{self, LoadOptions};

/// A project that was read, with everything that is wrong with it.
#[derive(Debug)]
pub struct LoadedProject {
    /// The desired state. With errors among the diagnostics it lacks the manifests that could not be read.
    pub desired: Desired,
    /// All problems, in the order of files and positions.
    pub diagnostics: Vec<Diagnostic>,
    /// How many manifests there are, broken ones included.
    pub manifests: usize,
}

/// There is no project to speak of.
#[derive(Debug)]
pub struct NoProject {
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The files they point into.
    pub sources: SourceMap,
}

impl LoadedProject {
    /// Whether any diagnostic is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Adds what a later look at the project found.
    pub fn add(&mut self, mut found: Vec<Diagnostic>) {
        found.retain(|found| found.span.is_none_or(|span| self.desired.is_asked_file(span.file)));
        if !found.is_empty() {
            self.diagnostics.append(&mut found);
            sort(&mut self.diagnostics);
        }
    }
}

/// Loads, types and checks a project. Resolves no secret and asks no target.
///
/// # Errors
/// When the path, the project file or the target cannot be used at all.
pub fn load_project(options: &LoadOptions) -> Result<LoadedProject, NoProject> {
    let loaded = manifest::load(options, &read)
        .map_err(|failure| NoProject { diagnostics: failure.diagnostics, sources: failure.sources })?;
    let manifest::Loaded { project, items, mut diagnostics, sources, asked, partial } = loaded;
    let mut outcomes: Vec<Outcome> = items;
    let files: Vec<FileId> = outcomes.iter().map(|outcome| outcome.file).collect();
    let manifest_files: BTreeSet<FileId> = files.iter().copied().collect();
    for outcome in &mut outcomes {
        diagnostics.append(&mut outcome.diagnostics);
    }
    let Assembled { objects, client_side, digest } = assemble(outcomes, partial, &mut diagnostics);
    sort(&mut diagnostics);
    let is_asked = |file: FileId| asked.as_ref().is_none_or(|asked| asked.contains(&file));
    let manifests = files.into_iter().filter(|file| is_asked(*file)).count();
    // What is wrong elsewhere in the project is not what was asked about; the project file is always part of it.
    diagnostics
        .retain(|found| found.span.is_none_or(|span| is_asked(span.file) || !manifest_files.contains(&span.file)));
    let desired = Desired { project, objects, client_side, digest, sources, asked, partial };
    Ok(LoadedProject { desired, diagnostics, manifests })
}

fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_cached_key(|d| (d.span.map(|s| (s.file, s.start)), d.severity, d.code, d.message.clone()));
}
