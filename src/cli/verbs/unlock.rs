//! `trueup unlock`: takes the lease away from an apply that was killed.

use clap::Args;

use super::apply::{ConsentArguments, agree, check_consent};
use crate::cli::arguments::{ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::{message, terminal};
use crate::cli::{Context, actor, project, target};

/// Arguments of `unlock`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Do not ask.
    #[arg(short = 'y', long)]
    auto_approve: bool,
}

/// Takes the lease away.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let consent = ConsentArguments { auto_approve: arguments.auto_approve, output: TextOrJson::Text };
    if let Err(exit) = check_consent(&consent) {
        return exit;
    }
    let outcome = target::block_on(async {
        let loaded = project::load(context, &arguments.project)?;
        agree(arguments.auto_approve, "Take the lease away from whoever holds it?")?;
        let writer = target::writer(context, &loaded.desired.project, &arguments.secrets).await?;
        let holder = writer.break_lease(&actor::actor()).await.map_err(|error| exit::provider(&error))?;
        writer.close().await.map_err(|error| exit::provider(&error))?;
        Ok(holder)
    });
    let mut out = terminal::standard_output();
    match outcome {
        Ok(holder) => {
            let text = holder.map_or_else(
                || "There was no lease.".to_owned(),
                |holder| {
                    format!(
                        "The lease of {} for plan {}, held since {}, was taken away.",
                        holder.actor, holder.owner, holder.since
                    )
                },
            );
            exit::after_writing(message::result(&mut *out.writer, &text), Exit::Done)
        }
        Err(exit) => exit,
    }
}
