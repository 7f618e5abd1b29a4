//! One file per verb: its arguments and what it does.

pub mod validate;
pub mod version;

use clap::Subcommand;

use super::Context;
use super::exit::Exit;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check manifests: schema, types, references, lint. Offline.
    Validate(validate::Arguments),
    /// Print the version.
    Version(version::Arguments),
}

impl Verb {
    /// Runs the verb.
    pub fn run(self, context: &Context) -> Exit {
        match self {
            Self::Validate(arguments) => validate::run(context, &arguments),
            Self::Version(arguments) => version::run(&arguments),
        }
    }
}
