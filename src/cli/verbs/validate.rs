//! `trueup validate`: everything that can be said of manifests without asking a target or reading a secret.

use clap::Args;

use crate::base::diagnostic::Diagnostic;
use crate::cli::Context;
use crate::cli::arguments::{ProjectArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::{diagnostic_json, diagnostic_text, terminal};

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Validates.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let loaded = match crate::cli::project::options(context, &arguments.project) {
        Ok(options) => crate::cli::project::read(&options),
        Err(exit) => return exit,
    };
    let (diagnostics, sources, manifests) = match &loaded {
        Ok(loaded) => (&loaded.diagnostics, &loaded.desired.sources, loaded.manifests),
        Err(none) => (&none.diagnostics, &none.sources, 0),
    };
    let mut out = terminal::standard_output();
    let mut err = terminal::standard_error();
    let written = match arguments.output {
        TextOrJson::Json => diagnostic_json::write(&mut *out.writer, diagnostics, sources, manifests),
        TextOrJson::Text => diagnostic_text::write(&mut *err.writer, diagnostics, sources, manifests, err.style),
    };
    let has_errors = diagnostics.iter().any(Diagnostic::is_error);
    exit::after_writing(written, if has_errors { Exit::InvalidInput } else { Exit::Done })
}
