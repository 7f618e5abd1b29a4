//! `trueup validate`: everything that can be said of manifests without asking a target or reading a secret.

use clap::Args;

use crate::base::diagnostic::Diagnostic;
use crate::cli::Context;
use crate::cli::arguments::ProjectArguments;
use crate::cli::exit::{self, Exit};
use crate::cli::repository;
use crate::cli::view::finding::Finding;
use crate::cli::view::{diagnostic_json, diagnostic_text, github, sarif, terminal};

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
    let loaded = match crate::cli::project::options(context, &arguments.project) {
        Ok(options) => crate::cli::project::read(&options),
        Err(exit) => return exit,
    };
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
    let has_errors = diagnostics.iter().any(Diagnostic::is_error);
    exit::after_writing(written, if has_errors { Exit::InvalidInput } else { Exit::Done })
}
