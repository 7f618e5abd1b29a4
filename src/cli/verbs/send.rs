//! `trueup send`: to a control plane, what a system or a caller would send.

pub mod event;
pub mod notification;

use clap::Subcommand;

use crate::cli::Context;
use crate::cli::exit::{self, Exit};
use crate::provider::server::SendRefused;

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

/// Says on standard error why something was not accepted: every fault, with its place as whoever sent it knows it.
fn refused(why: SendRefused, placed: impl Fn(&str) -> String) -> Exit {
    match why {
        SendRefused::Provider(error) => exit::provider(&error),
        SendRefused::Faults(faults) => {
            for (place, detail) in faults {
                let place = place.map(|place| placed(&place)).filter(|place| !place.is_empty());
                exit::say_error(&place.map_or_else(|| detail.clone(), |place| format!("{place}: {detail}")), None);
            }
            Exit::InvalidInput
        }
    }
}
