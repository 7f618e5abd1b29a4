//! `trueup send`: sends something to a control plane by hand.

mod notification;

use clap::{Args, Subcommand};

use crate::cli::Context;
use crate::cli::exit::Exit;

/// Arguments of `send`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// What is sent.
#[derive(Debug, Subcommand)]
enum What {
    /// Send a notification to end users and audiences.
    Notification(Box<notification::Arguments>),
}

/// Sends.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    match &arguments.what {
        What::Notification(arguments) => notification::run(context, arguments),
    }
}
