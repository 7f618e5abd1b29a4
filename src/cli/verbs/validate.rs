//! `trueup validate`: everything that can be said of manifests without asking a target or reading a secret.

use clap::Args;

use crate::base::code::Code;
use crate::cli::Context;
use crate::cli::arguments::{ProjectArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::{diagnostic_json, diagnostic_text, terminal};
use crate::review::policy;

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
