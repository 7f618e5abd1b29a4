//! One file per verb: its arguments and what it does.

pub mod completion;
pub mod explain;
pub mod graph;
pub mod init;
pub mod schema;
pub mod validate;
pub mod version;

use clap::Subcommand;

use super::Context;
use super::exit::Exit;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a project: a project file and manifests that apply at once.
    Init(init::Arguments),
    /// Check manifests: schema, types, references, lint. Offline.
    Validate(validate::Arguments),
    /// Print a JSON Schema; without a name, list them.
    Schema(schema::Arguments),
    /// Explain a kind, a field, an event or a diagnostic code; without a topic, list the kinds.
    Explain(explain::Arguments),
    /// Draw what refers to what. Offline.
    Graph(graph::Arguments),
    /// Print the completion script of a shell.
    Completion(completion::Arguments),
    /// Print the version.
    Version(version::Arguments),
}

impl Verb {
    /// Runs the verb.
    pub fn run(self, context: &Context) -> Exit {
        match self {
            Self::Init(arguments) => init::run(context, &arguments),
            Self::Validate(arguments) => validate::run(context, &arguments),
            Self::Schema(arguments) => schema::run(context, &arguments),
            Self::Explain(arguments) => explain::run(&arguments),
            Self::Graph(arguments) => graph::run(context, &arguments),
            Self::Completion(arguments) => completion::run(&arguments),
            Self::Version(arguments) => version::run(&arguments),
        }
    }
}
