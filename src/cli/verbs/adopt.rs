//! `trueup adopt`: writes manifests for objects that were made by hand, and marks them managed.

use std::path::{Path, PathBuf};

use clap::Args;

use super::apply::{ConsentArguments, carry_out};
use crate::base::error_text::chain;
use crate::cli::arguments::{
    LimitArguments, LoadArguments, PlanArguments, ProjectArguments, SecretArguments, SelectionArguments, TextOrJson,
};
use crate::cli::exit::{self, Exit};
use crate::cli::planning::{self, Wish};
use crate::cli::{Context, project, target};
use crate::desired::Desired;
use crate::export::document;
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::record::ObjectRecord;

/// Arguments of `adopt`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Objects that were made by hand.
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<Address>,
    /// The project's folder.
    #[arg(long, value_name = "PATH", default_value = ".")]
    project: PathBuf,
    #[command(flatten)]
    load: LoadArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// The manifest file to add to, in the project's folder.
    #[arg(long, value_name = "FILE", default_value = "adopted.yaml")]
    file: PathBuf,
    /// Format of the report.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Adopts.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    target::block_on(adopt(&context.lines(arguments.output), arguments)).unwrap_or_else(|exit| exit)
}

async fn adopt(context: &Context, arguments: &Arguments) -> Result<Exit, Exit> {
    let project = ProjectArguments { path: arguments.project.clone(), load: arguments.load.clone() };
    let loaded = project::load_sound(context, &project)?;
    let records = records(context, &loaded.desired, &arguments.secrets, &arguments.addresses).await?;
    let mut added = String::new();
    for record in &records {
        let text = document(record).map_err(|error| exit::failed(format!("failed to {}", chain(&error))))?;
        added.push_str(&text);
    }
    let file = loaded.desired.project.root.join(&arguments.file);
    let before = existing(&file)?;
    let mut text = before.clone().unwrap_or_default();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&added);
    write(&file, text.as_bytes())?;
    let outcome = mark_managed(context, arguments, &project).await;
    if !matches!(outcome, Ok(Exit::Done)) {
        match marks(context, &loaded.desired, arguments).await {
            // Without the mark on the target the manifests would be a plan that nobody asked for.
            Marks::None => take_back(&file, before.as_deref())?,
            // With it, and without manifests, the next prune would remove the objects.
            Marks::Some => keep(&file, "objects were marked as managed"),
            Marks::Unknown => keep(&file, "it is not known whether objects were marked as managed"),
        }
    }
    outcome
}

/// The objects in full; every one must be live, made by hand and absent from the manifests.
async fn records(
    context: &Context,
    desired: &Desired,
    allowed: &SecretArguments,
    addresses: &[Address],
) -> Result<Vec<ObjectRecord>, Exit> {
    let reader = target::reader(context, &desired.project, allowed).await?;
    let records = reader.read(Some(addresses)).await.map_err(|error| exit::provider(&error))?;
    let mut refused = None;
    for address in addresses {
        let record = records.iter().find(|record| record.address == *address);
        let (problem, help) = match record {
            None => (format!("the target {} has no {address}", desired.project.target.name), None),
            Some(record) if record.managed => (format!("{address} is managed already"), None),
            Some(_) if desired.get(address).is_some() => {
                (format!("{address} is in the manifests"), Some("`trueup apply --adopt` takes it over"))
            }
            Some(_) => continue,
        };
        exit::say_error(&problem, help);
        refused = Some(Exit::InvalidInput);
    }
    refused.map_or(Ok(records), Err)
}

/// Whether objects bear the mark of being managed, after an attempt that failed somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marks {
    None,
    Some,
    Unknown,
}

async fn marks(context: &Context, desired: &Desired, arguments: &Arguments) -> Marks {
    let Ok(reader) = target::reader(context, &desired.project, &arguments.secrets).await else { return Marks::Unknown };
    let records = reader.read(Some(&arguments.addresses)).await;
    // What was read stays read.
    let _ = reader.close().await;
    match records {
        Ok(records) if records.iter().any(|record| record.managed) => Marks::Some,
        Ok(_) => Marks::None,
        Err(_) => Marks::Unknown,
    }
}

fn take_back(file: &Path, before: Option<&str>) -> Result<(), Exit> {
    match before {
        Some(before) => write(file, before.as_bytes()),
        None => std::fs::remove_file(file)
            .map_err(|error| exit::failed(format!("failed to remove {}: {error}", file.display()))),
    }
}

fn keep(file: &Path, why: &str) {
    let message = format!("{} keeps the manifests: {why}", file.display());
    exit::say_error(&message, Some("`trueup plan` says what is left; `trueup apply --adopt` marks objects as managed"));
}

async fn mark_managed(context: &Context, arguments: &Arguments, project: &ProjectArguments) -> Result<Exit, Exit> {
    let plan = PlanArguments {
        prune: false,
        allow_empty: false,
        adopt: true,
        allow_send: false,
        replace: Vec::new(),
        limits: LimitArguments { max_deletes: None, max_changed_percent: None },
        selection: SelectionArguments { only: arguments.addresses.clone(), exclude: Vec::new(), labels: Vec::new() },
    };
    let prepared = planning::prepare(context, project, &arguments.secrets)?;
    let reader = target::reader(context, &prepared.loaded.desired.project, &arguments.secrets).await?;
    let (mut plan, _) =
        planning::plan(context, &prepared, &*reader, &Wish { arguments: &plan, destroy: false }).await?;
    reader.close().await.map_err(|error| exit::provider(&error))?;
    let adopts = |action: &crate::plan::Action| action.action == ActionKind::Adopt && action.changes.is_empty();
    if !plan.actions.iter().all(adopts) {
        let others: Vec<String> = plan
            .actions
            .iter()
            .filter(|action| !adopts(action))
            .map(|action| format!("{} {}", action.action, action.address))
            .collect();
        exit::say_error(
            &format!("adopting would also {}", others.join(", ")),
            Some("adopt what it needs along with it, or use `trueup plan --adopt`"),
        );
        return Err(Exit::Conflict);
    }
    plan.unknown_secrets.clear();
    let consent = ConsentArguments { auto_approve: true, output: arguments.output };
    carry_out(context, &prepared, &plan, &consent).await
}

fn existing(file: &Path) -> Result<Option<String>, Exit> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(exit::failed(format!("failed to read {}: {error}", file.display()))),
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Exit> {
    std::fs::write(file, bytes).map_err(|error| exit::failed(format!("failed to write {}: {error}", file.display())))
}
