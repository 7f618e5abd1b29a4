//! `trueup completion`: the completion script of a shell.

use std::io::Write;

use clap::Args;
use clap_complete::Shell;

use crate::cli::exit::{self, Exit};
use crate::cli::view::terminal;

/// Arguments of `completion`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(arguments: &Arguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::cli::command(), "trueup", &mut script);
    exit::after_writing(terminal::standard_output().writer.write_all(&script), Exit::Done)
}
