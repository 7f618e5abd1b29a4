//! `trueup graph`: what refers to what in the manifests, without a look at the target.

use clap::Args;

use crate::cli::Context;
use crate::cli::arguments::ProjectArguments;
use crate::cli::exit::{self, Exit};
use crate::cli::view::graph::{self, GraphFormat};
use crate::cli::view::terminal;

/// Arguments of `graph`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// Language of the graph.
    #[arg(short, long, value_enum, default_value_t)]
    output: GraphFormat,
}

/// Draws.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let Arguments { project, output } = arguments;
    let loaded = match crate::cli::project::load_sound(context, project) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let mut out = terminal::standard_output();
    exit::after_writing(graph::write(&mut *out.writer, &loaded.desired.objects, *output), Exit::Done)
}
