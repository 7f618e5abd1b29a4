//! `trueup validate`: everything that can be said of manifests without asking a target or reading a secret.

use clap::Args;

use crate::base::code::Code;
use crate::cli::Context;
use crate::cli::arguments::ProjectArguments;
use crate::cli::exit::{self, Exit};
use crate::cli::repository;
use crate::cli::view::finding::Finding;
use crate::cli::view::{diagnostic_json, diagnostic_text, github, sarif, terminal};
use crate::review::policy;

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: ValidateFormat,
}

/// In which form problems are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ValidateFormat {
    /// For people, on standard error.
    #[default]
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

/// Validates.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let mut loaded = match crate::cli::project::options(context, &arguments.project) {
        Ok(options) => crate::cli::project::read(&options),
        Err(exit) => return exit,
    };
    // With errors in the load a policy would speak of manifests that are not as they were meant.
    if let Ok(loaded) = &mut loaded
        && !loaded.has_errors()
    {
        let violations = policy::of_manifests(&loaded.desired, policy::Limits::default());
        loaded.add(violations);
    }
    let (diagnostics, sources, manifests, root) = match &loaded {
        Ok(loaded) => (&loaded.diagnostics, &loaded.desired.sources, loaded.manifests, &loaded.desired.project.root),
        Err(none) => (&none.diagnostics, &none.sources, 0, &context.working_folder),
    };
    let findings = || Finding::of_diagnostics(diagnostics, sources);
    let prefix = || repository::prefix(root, &context.working_folder);
    let mut out = terminal::standard_output();
    let mut err = terminal::standard_error();
    let written = match arguments.output {
        ValidateFormat::Json => diagnostic_json::write(&mut *out.writer, diagnostics, sources, manifests),
        ValidateFormat::Text => diagnostic_text::write(&mut *err.writer, diagnostics, sources, manifests, err.style),
        ValidateFormat::Sarif => sarif::write(&mut *out.writer, &findings(), &prefix()),
        ValidateFormat::Github => github::write(&mut *out.writer, &findings(), &prefix()),
    };
    let mut errors = diagnostics.iter().filter(|found| found.is_error()).peekable();
    let exit = if errors.peek().is_none() {
        Exit::Done
    } else if errors.any(|found| found.code == Code::PolicyViolation) {
        Exit::Refused
    } else {
        Exit::InvalidInput
    };
    exit::after_writing(written, exit)
}
