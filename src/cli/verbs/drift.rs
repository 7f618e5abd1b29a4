//! `trueup drift`: what was changed outside the manifests, by whom and when. Writes nothing to the target.

use clap::Args;

use crate::cli::arguments::{
    LimitArguments, PlanArguments, ProjectArguments, SecretArguments, SelectionArguments, TextOrJson,
};
use crate::cli::exit::{self, Exit};
use crate::cli::planning::{self, Wish};
use crate::cli::view::drift::{self, DriftView};
use crate::cli::view::terminal;
use crate::cli::{Context, target};

/// Arguments of `drift`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
    /// Show personal data in full.
    #[arg(long)]
    show_personal: bool,
    /// Exit with 2 when there is drift or a halted destination.
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Shows drift.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let plan = PlanArguments {
        prune: false,
        allow_empty: false,
        // An object made by hand is reported here; it is no reason to report nothing else.
        adopt: true,
        allow_send: true,
        replace: Vec::new(),
        limits: LimitArguments { max_deletes: None, max_changed_percent: None },
        selection: arguments.selection.clone(),
    };
    let context = &context.documents(arguments.output);
    let planned = target::block_on(async {
        let prepared = planning::prepare(context, &arguments.project, &arguments.secrets)?;
        let reader = target::reader(context, &prepared.loaded.desired.project, &arguments.secrets).await?;
        planning::plan(context, &prepared, &*reader, &Wish { arguments: &plan, destroy: false }).await
    });
    let (plan, live) = match planned {
        Ok(planned) => planned,
        Err(exit) => return exit,
    };
    let mut out = terminal::standard_output();
    let personal = arguments.show_personal || (out.is_terminal && arguments.output == TextOrJson::Text);
    let view = DriftView {
        plan: &plan,
        halted: live.rows.values().filter(|row| row.halted == Some(true)).map(|row| &row.address).collect(),
        unmanaged: live.rows.values().filter(|row| !row.managed).map(|row| &row.address).collect(),
    };
    let written = match arguments.output {
        TextOrJson::Text => drift::write_text(&mut *out.writer, &view, out.style, personal),
        TextOrJson::Json => drift::write_json(&mut *out.writer, &view, personal),
    };
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            exit::failed(format!("failed to write the drift: {error}"))
        }
        Ok(()) | Err(_) if arguments.detailed_exitcode && !view.is_clean() => Exit::Changes,
        Ok(()) | Err(_) => Exit::Done,
    }
}
