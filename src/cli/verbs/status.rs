//! `trueup status`: how a project stands on a target. Writes nothing.

use std::io::Write as _;

use clap::Args;

use crate::cli::arguments::{
    LimitArguments, PlanArguments, ProjectArguments, SecretArguments, SelectionArguments, TextOrJson,
};
use crate::cli::exit::{self, Exit};
use crate::cli::planning::{self, Wish};
use crate::cli::view::standing::{self, Comparison, Standing};
use crate::cli::view::terminal;
use crate::cli::{Context, project, target};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
}

/// Shows how the project stands.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let context = &context.documents(arguments.output);
    let found = target::block_on(read(context, arguments));
    let standing = match found {
        Ok(standing) => standing,
        Err(exit) => return exit,
    };
    let mut out = terminal::standard_output();
    let written = match arguments.output {
        TextOrJson::Text => standing::write_text(&mut *out.writer, &standing, out.style),
        TextOrJson::Json => standing::write_json(&mut *out.writer, &standing),
    };
    exit::after_writing(written.and_then(|()| out.writer.flush()), Exit::Done)
}

async fn read(context: &Context, arguments: &Arguments) -> Result<Standing, Exit> {
    let loaded = project::load(context, &arguments.project)?;
    let (name, on) = (loaded.desired.project.name.clone(), loaded.desired.project.target.name.clone());
    let reader = target::reader(context, &loaded.desired.project, &arguments.secrets).await?;
    let by_manifest = loaded.desired.objects.iter().filter(|object| object.reconcile_suspended);
    let by_manifest = by_manifest.map(|object| object.address.clone()).collect();
    // What is wrong with the manifests is for `validate` to say: how the target stands is known all the same.
    let comparison = if loaded.has_errors() {
        None
    } else {
        let prepared = planning::with_secrets(context, loaded, &arguments.secrets);
        let wish = Wish { arguments: &everything(), destroy: false };
        let (plan, _) = planning::plan(context, &prepared, &*reader, &wish).await?;
        Some(Comparison { drifted: plan.drift.len(), pending: plan.actions.len(), orphans: plan.orphans.len() })
    };
    let snapshot = reader.digests().await.map_err(|error| exit::provider(&error))?;
    let suspensions = reader.suspensions().await.map_err(|error| exit::provider(&error))?;
    let lease = reader.lease_holder().await.map_err(|error| exit::provider(&error))?;
    reader.close().await.map_err(|error| exit::provider(&error))?;
    let live = || snapshot.rows.iter().filter(|row| !row.archived);
    Ok(Standing {
        project: name,
        target: on,
        revision: snapshot.revision,
        managed: live().filter(|row| row.managed).count(),
        unmanaged: live().filter(|row| !row.managed).count(),
        comparison,
        suspensions,
        by_manifest,
        lease,
    })
}

/// A plan that stumbles over nothing: it is counted, not applied.
fn everything() -> PlanArguments {
    PlanArguments {
        prune: false,
        allow_empty: false,
        adopt: true,
        allow_send: true,
        replace: Vec::new(),
        limits: LimitArguments { max_deletes: None, max_changed_percent: None },
        selection: SelectionArguments { only: Vec::new(), exclude: Vec::new(), labels: Vec::new() },
    }
}
