//! The program: hands its arguments to the library's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    trueup::cli::run(std::env::args_os())
}
