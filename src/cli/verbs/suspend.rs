//! `trueup suspend`: keeps `reconcile` from writing to a project, or to single objects of it. `apply` goes on.

use std::io::Write as _;
use std::path::Path;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::cli::arguments::{ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::view::standing::{self, Change};
use crate::cli::view::terminal;
use crate::cli::{Context, actor, project, since, target};
use crate::kinds::{Address, time};
use crate::manifest::Project;
use crate::object::suspension::{SuspendOrder, Suspension};

/// Arguments of `suspend`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// Only these objects, in place of the whole project.
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<Address>,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Why, for whoever finds it suspended.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Resume by itself at this time, for example 2026-11-01 or "2026-11-01 08:30" (UTC).
    #[arg(long, value_name = "WHEN", value_parser = when, conflicts_with = "for")]
    until: Option<Timestamp>,
    /// Resume by itself after so long, for example 2h.
    #[arg(long, value_name = "TIME", value_parser = since::how_long)]
    r#for: Option<SignedDuration>,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

fn when(text: &str) -> Result<Timestamp, String> {
    time::parse(text.trim()).map_err(|error| error.to_string())
}

/// Suspends.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let context = &context.documents(arguments.output);
    let (place, addresses) = place(context, &arguments.project, &arguments.addresses);
    let until = match arguments.r#for {
        Some(time) => Some(Timestamp::now().checked_add(time).unwrap_or(Timestamp::MAX)),
        None => arguments.until,
    };
    let suspended = target::block_on(async {
        let loaded = project::load(context, &place)?;
        let project = loaded.desired.project;
        check_there(context, &project, &arguments.secrets, &addresses).await?;
        let writer = target::writer(context, &project, &arguments.secrets).await?;
        let whole = addresses.is_empty().then_some(None);
        let mut suspensions: Vec<Suspension> = Vec::new();
        for address in whole.into_iter().chain(addresses.iter().cloned().map(Some)) {
            let (reason, actor) = (arguments.reason.clone(), actor::actor());
            let order = SuspendOrder { address, reason, actor, until };
            suspensions.push(writer.suspend(&order).await.map_err(|error| exit::provider(&error))?);
        }
        writer.close().await.map_err(|error| exit::provider(&error))?;
        Ok((project, suspensions))
    });
    match suspended {
        Ok((project, suspensions)) => say(&project, Change::Suspended(&suspensions), arguments.output),
        Err(exit) => exit,
    }
}

/// Says what was suspended or resumed.
pub(super) fn say(project: &Project, change: Change<'_>, output: TextOrJson) -> Exit {
    let mut out = terminal::standard_output();
    let written = match output {
        TextOrJson::Text => standing::change_text(&mut *out.writer, project, change),
        TextOrJson::Json => standing::change_json(&mut *out.writer, project, change),
    };
    exit::after_writing(written.and_then(|()| out.writer.flush()), Exit::Done)
}

/// The project and the objects that are meant: a first word that is an address and no path there is one more object.
pub(super) fn place(
    context: &Context,
    project: &ProjectArguments,
    addresses: &[Address],
) -> (ProjectArguments, Vec<Address>) {
    let mut addresses = addresses.to_vec();
    let mut project = project.clone();
    let first = project.path.to_str().and_then(|text| text.parse::<Address>().ok());
    if let Some(address) = first.filter(|_| !context.working_folder.join(&project.path).exists()) {
        addresses.insert(0, address);
        project.path = Path::new(".").to_path_buf();
    }
    addresses.sort();
    addresses.dedup();
    (project, addresses)
}

/// A slip in an address would otherwise make a target, or leave the object it means as it is.
async fn check_there(
    context: &Context,
    project: &Project,
    allowed: &SecretArguments,
    addresses: &[Address],
) -> Result<(), Exit> {
    if addresses.is_empty() {
        return Ok(());
    }
    let reader = target::reader(context, project, allowed).await?;
    let found = reader.read(Some(addresses)).await.map_err(|error| exit::provider(&error))?;
    reader.close().await.map_err(|error| exit::provider(&error))?;
    let mut missing = addresses.iter().filter(|address| !found.iter().any(|record| record.address == **address));
    match missing.next() {
        None => Ok(()),
        Some(address) => {
            exit::say_error(&format!("the target {} has no {address}", project.target.name), None);
            Err(Exit::InvalidInput)
        }
    }
}
