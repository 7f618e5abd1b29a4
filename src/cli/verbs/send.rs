//! `trueup send`: to a control plane, what a system or a caller would send.

pub mod event;
pub mod notification;

use clap::Subcommand;

use crate::cli::Context;
use crate::cli::exit::Exit;

/// What is sent.
#[derive(Debug, Subcommand)]
pub enum Thing {
    /// Send an event, or a file of them.
    Event(Box<event::Arguments>),
    /// Send a notification to end users and audiences.
    Notification(Box<notification::Arguments>),
}

/// Sends it.
pub fn run(context: &Context, thing: Thing) -> Exit {
    match thing {
        Thing::Event(arguments) => event::run(context, &arguments),
        Thing::Notification(arguments) => notification::run(context, &arguments),
    }
}
