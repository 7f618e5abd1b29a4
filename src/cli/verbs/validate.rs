//! `trueup validate`: everything that can be said of manifests without asking a target or reading a secret.

use clap::Args;

use crate::base::code::Code;
use crate::cli::arguments::ProjectArguments;
use crate::cli::exit::{self, Exit};
use crate::cli::{Context, Problems, project};
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

impl ValidateFormat {
    fn problems(self) -> Problems {
        match self {
            Self::Text => Problems::Text,
            Self::Json => Problems::Document,
            Self::Sarif => Problems::Sarif,
            Self::Github => Problems::Github,
        }
    }
}

/// Validates.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let context = &context.telling_as(arguments.output.problems());
    let mut loaded = match project::options(context, &arguments.project) {
        Ok(options) => project::read(&options),
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
    let written = project::tell_all(context, diagnostics, sources, manifests, root);
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
