//! Loading a project for a verb, and saying what is wrong with it.

use std::io::{self, Read, Write};
use std::path::Path;

use super::arguments::ProjectArguments;
use super::exit::{self, Exit};
use super::view::finding::Finding;
use super::view::{apply_json, diagnostic_json, diagnostic_text, github, markdown, sarif, terminal};
use super::{Context, Problems, repository};
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::SourceMap;
use crate::desired::load::{LoadedProject, NoProject, load_project};
use crate::lint;
use crate::manifest::{FILE_LIMIT, Input, LoadOptions};
use crate::review::policy;

/// What the arguments ask to be loaded. Reads standard input for `-`.
///
/// # Errors
/// When standard input cannot be read as text.
pub fn options(context: &Context, arguments: &ProjectArguments) -> Result<LoadOptions, Exit> {
    let path = if arguments.path == Path::new("-") {
        Input::Stdin(standard_input()?)
    } else {
        Input::Path(arguments.path.clone())
    };
    Ok(LoadOptions {
        path,
        working_folder: context.working_folder.clone(),
        target: arguments.load.target.clone(),
        vars: arguments.load.vars.clone(),
        var_files: arguments.load.var_files.clone(),
        threads: None,
    })
}

fn standard_input() -> Result<String, Exit> {
    let mut bytes = Vec::new();
    let limit = FILE_LIMIT + 1;
    if let Err(error) = std::io::stdin().lock().take(limit).read_to_end(&mut bytes) {
        return Err(exit::failed(format!("failed to read standard input: {error}")));
    }
    String::from_utf8(bytes).map_err(|_| {
        exit::say_error("standard input is not UTF-8 text", None);
        Exit::InvalidInput
    })
}

/// Loads a project and, if it has no errors, looks for what it gets wrong all the same: the one way in for every verb,
/// so that all show the same warnings.
///
/// # Errors
/// When there is no project to speak of.
pub fn read(options: &LoadOptions) -> Result<LoadedProject, NoProject> {
    let mut loaded = load_project(options)?;
    let bad_rules = policy::bad_rules(&loaded.desired, policy::Limits::default());
    loaded.add(bad_rules);
    if !loaded.has_errors() {
        let warnings = lint::check(&loaded.desired);
        loaded.add(warnings);
    }
    Ok(loaded)
}

/// Loads a project whatever is wrong with its manifests; only without a project there is nothing.
///
/// # Errors
/// When there is no project to speak of, which is said on standard error.
pub fn load(context: &Context, arguments: &ProjectArguments) -> Result<LoadedProject, Exit> {
    let options = options(context, arguments)?;
    read(&options).map_err(|NoProject { diagnostics, sources }| {
        tell(context, &diagnostics, &sources, 0, &context.working_folder);
        Exit::InvalidInput
    })
}

/// Loads a project that must be free of errors; warnings are said on standard error.
///
/// # Errors
/// When anything is wrong with it, which is said on standard error.
pub fn load_sound(context: &Context, arguments: &ProjectArguments) -> Result<LoadedProject, Exit> {
    let loaded = load(context, arguments)?;
    if loaded.has_errors() {
        let LoadedProject { desired, diagnostics, manifests } = &loaded;
        // Nobody is left to tell when the output is closed.
        let _ = tell_all(context, diagnostics, &desired.sources, *manifests, &desired.project.root);
        return Err(Exit::InvalidInput);
    }
    Ok(loaded)
}

/// Tells the problems that end a run, in the form its result was asked for in. `root` is the project's folder.
pub fn tell(context: &Context, diagnostics: &[Diagnostic], sources: &SourceMap, manifests: usize, root: &Path) {
    if context.problems == Problems::Text {
        say(diagnostics, sources);
    } else {
        // Nobody is left to tell when the output is closed.
        let _ = tell_all(context, diagnostics, sources, manifests, root);
    }
}

/// Tells all diagnostics of a load, in the form that is asked for: as text with a last line of their counts. `root` is
/// the project's folder.
///
/// # Errors
/// When they cannot be written.
pub fn tell_all(
    context: &Context,
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    manifests: usize,
    root: &Path,
) -> io::Result<()> {
    let findings = || Finding::of_diagnostics(diagnostics, sources);
    let prefix = || repository::prefix(root, &context.working_folder);
    let mut out = terminal::standard_output();
    match context.problems {
        Problems::Text => {
            let mut err = terminal::standard_error();
            diagnostic_text::write(&mut *err.writer, diagnostics, sources, manifests, err.style)
        }
        Problems::Document => diagnostic_json::write(&mut *out.writer, diagnostics, sources, manifests),
        Problems::Lines => {
            apply_json::write_problems(&mut *out.writer, diagnostics, sources, env!("CARGO_PKG_VERSION"))
        }
        Problems::Markdown => markdown::write_problems(&mut *out.writer, diagnostics, sources, manifests),
        Problems::Sarif => sarif::write(&mut *out.writer, &findings(), &prefix()),
        Problems::Github => github::write(&mut *out.writer, &findings(), &prefix()),
    }
    .and_then(|()| out.writer.flush())
}

/// Says diagnostics on standard error.
pub fn say(diagnostics: &[Diagnostic], sources: &SourceMap) {
    let mut err = terminal::standard_error();
    let _ = diagnostic_text::write_diagnostics(&mut *err.writer, diagnostics, sources, err.style);
}

/// Says the warnings among diagnostics on standard error.
pub fn say_warnings(loaded: &LoadedProject) {
    let warnings: Vec<Diagnostic> =
        loaded.diagnostics.iter().filter(|found| found.severity == Severity::Warning).cloned().collect();
    say(&warnings, &loaded.desired.sources);
}
