//! `trueup resume`: lets `reconcile` write again to what was suspended.

use clap::Args;

use super::suspend::{place, say};
use crate::cli::arguments::{ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::standing::Change;
use crate::cli::{Context, actor, project, target};
use crate::kinds::Address;
use crate::object::suspension::{ResumeScope, Suspension};

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// Only these objects, in place of the project.
    #[arg(value_name = "ADDRESS", conflicts_with = "all")]
    addresses: Vec<Address>,
    #[command(flatten)]
    secrets: SecretArguments,
    /// The project and every object of it.
    #[arg(long)]
    all: bool,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Resumes.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let context = &context.documents(arguments.output);
    let (place, addresses) = place(context, &arguments.project, &arguments.addresses);
    let scope = match (arguments.all, addresses.is_empty()) {
        (true, true) => ResumeScope::Everything,
        (true, false) => {
            exit::say_error("--all leaves no object to name", Some("leave one of the two out"));
            return Exit::Usage;
        }
        (false, true) => ResumeScope::Project,
        (false, false) => ResumeScope::Objects(addresses),
    };
    let resumed = target::block_on(async {
        let loaded = project::load(context, &place)?;
        let project = loaded.desired.project;
        let reader = target::reader(context, &project, &arguments.secrets).await?;
        let suspended = reader.suspensions().await.map_err(|error| exit::provider(&error))?;
        reader.close().await.map_err(|error| exit::provider(&error))?;
        // A target is not opened for writing, let alone made, where there is nothing to lift.
        let lifted = if suspended.iter().any(|suspension| scope.covers(suspension)) {
            let writer = target::writer(context, &project, &arguments.secrets).await?;
            let lifted = writer.resume(&scope, &actor::actor()).await.map_err(|error| exit::provider(&error))?;
            writer.close().await.map_err(|error| exit::provider(&error))?;
            lifted
        } else {
            Vec::new()
        };
        let still: Vec<Suspension> = suspended.into_iter().filter(|suspension| !scope.covers(suspension)).collect();
        Ok((project, lifted, still))
    });
    match resumed {
        Ok((project, lifted, still)) => {
            say(&project, Change::Resumed { lifted: &lifted, still: &still }, arguments.output)
        }
        Err(exit) => exit,
    }
}
