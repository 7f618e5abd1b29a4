//! `trueup destroy`: removes everything that is managed.

use clap::Args;

use super::apply::{ConsentArguments, check_consent, check_saved_plan, plan_and_apply, watch_if_agreed};
use crate::cli::Context;
use crate::cli::arguments::{LimitArguments, PlanArguments, ProjectArguments, SecretArguments, SelectionArguments};
use crate::cli::exit::Exit;
use crate::cli::planning::{self, Wish};
use crate::cli::target;

/// Arguments of `destroy`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    limits: LimitArguments,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    consent: ConsentArguments,
    #[command(flatten)]
    secrets: SecretArguments,
}

/// Removes.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    if let Err(exit) = check_consent(&arguments.consent) {
        return exit;
    }
    let plan = PlanArguments {
        prune: false,
        allow_empty: false,
        adopt: false,
        allow_send: false,
        replace: Vec::new(),
        limits: arguments.limits.clone(),
        selection: arguments.selection.clone(),
    };
    let context = &context.lines(arguments.consent.output);
    let outcome = target::block_on(async {
        watch_if_agreed(&arguments.consent);
        let prepared = planning::prepare(context, &arguments.project, &arguments.secrets)?;
        check_saved_plan(&prepared, " --destroy")?;
        let wish = Wish { arguments: &plan, destroy: true };
        plan_and_apply(context, &prepared, &wish, &arguments.consent).await
    });
    outcome.unwrap_or_else(|exit| exit)
}
