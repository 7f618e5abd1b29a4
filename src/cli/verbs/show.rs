//! `trueup show`: a saved plan, for people or programs.

use std::path::PathBuf;

use clap::Args;

use super::plan::OutputArguments;
use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::plan_file;

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The saved plan.
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    #[command(flatten)]
    output: OutputArguments,
}

/// Shows a saved plan.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    match plan_file::read(&context.working_folder.join(&arguments.plan)) {
        // A plan does not say where its project lies: the working folder is taken for it, as `apply PLAN` does.
        Ok(plan) => super::plan::show(context, &plan, &arguments.output, &context.working_folder),
        Err(exit) => exit,
    }
}
