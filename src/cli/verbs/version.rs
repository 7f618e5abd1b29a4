//! `trueup version`.

use std::io::Write;

use clap::Args;

use crate::cli::arguments::TextOrJson;
use crate::cli::exit::{self, Exit};
use crate::cli::view::terminal;

/// Arguments of `version`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Prints the version.
pub fn run(arguments: &Arguments) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = terminal::standard_output();
    let written = match arguments.output {
        TextOrJson::Text => writeln!(out.writer, "trueup {version}"),
        TextOrJson::Json => writeln!(out.writer, "{}", serde_json::json!({ "version": version })),
    };
    exit::after_writing(written, Exit::Done)
}
