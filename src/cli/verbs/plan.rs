//! `trueup plan`: what apply would do, and why. Writes nothing to the target.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::base::error_text::chain;
use crate::cli::Context;
use crate::cli::arguments::{PlanArguments, ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::blame;
use crate::cli::exit::{self, Exit};
use crate::cli::plan_file;
use crate::cli::planning::{self, Wish};
use crate::cli::refusal;
use crate::cli::replaying::ReplayArguments;
use crate::cli::target;
use crate::cli::view::style::Style;
use crate::cli::view::{plan_json, plan_text, terminal};
use crate::plan::Plan;

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    #[command(flatten)]
    replay: ReplayArguments,
    #[command(flatten)]
    output: OutputArguments,
    /// Save the plan, so that `trueup apply FILE` carries out exactly this.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Plan to remove everything that is managed.
    #[arg(long)]
    destroy: bool,
    /// Show of each change the commit that last changed its line; asks git.
    #[arg(long)]
    blame: bool,
}

/// How a plan is shown.
#[derive(Clone, Debug, Args)]
pub struct OutputArguments {
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: TextOrJson,
    /// Also write the plan to a file in this format.
    #[arg(long = "output-file", value_name = "FORMAT=PATH", value_parser = output_file, action = clap::ArgAction::Append)]
    pub output_files: Vec<(TextOrJson, PathBuf)>,
    /// Show personal data in full.
    #[arg(long)]
    pub show_personal: bool,
    /// Exit with 2 when there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

fn output_file(text: &str) -> Result<(TextOrJson, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("write FORMAT=PATH, for example json=plan.json")?;
    let format = <TextOrJson as clap::ValueEnum>::from_str(format, false)
        .map_err(|_| format!("`{format}` is not a format: text or json"))?;
    Ok((format, path.into()))
}

/// Plans.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let context = &context.documents(arguments.output.output);
    let planned = target::block_on(async {
        let prepared = planning::prepare(context, &arguments.project, &arguments.secrets)?;
        let reader = target::reader(context, &prepared.loaded.desired.project, &arguments.secrets).await?;
        let replay = Some(&arguments.replay).filter(|replay| replay.replay.is_some());
        let wish = Wish { arguments: &arguments.plan, destroy: arguments.destroy, replay };
        let (mut plan, _) = planning::plan(context, &prepared, &*reader, &wish).await?;
        if arguments.blame {
            let root = &prepared.loaded.desired.project.root;
            blame::add(&mut plan, root).map_err(|error| exit::failed(format!("failed to {}", chain(&error))))?;
        }
        Ok(plan)
    });
    let plan = match planned {
        Ok(planned) => planned,
        Err(exit) => return exit,
    };
    if let Some(path) = &arguments.out
        && let Err(exit) = save(context, path, &plan, arguments.output.show_personal)
    {
        return exit;
    }
    // What was saved and shown is refused all the same, whatever changes there are.
    match show(context, &plan, &arguments.output) {
        Exit::Done | Exit::Changes if refusal::refused_in_review(&plan.refusals) => Exit::Refused,
        exit => exit,
    }
}

/// Shows a plan as asked, and says how the run ends.
pub fn show(context: &Context, plan: &Plan, output: &OutputArguments) -> Exit {
    let mut out = terminal::standard_output();
    let personal = output.show_personal || out.is_terminal;
    let written = match output.output {
        TextOrJson::Text => plan_text::write(&mut *out.writer, plan, out.style, personal),
        TextOrJson::Json => plan_json::write(&mut *out.writer, plan, output.show_personal),
    };
    if let Err(error) = written.and_then(|()| out.writer.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        return exit::failed(format!("failed to write the plan: {error}"));
    }
    for (format, path) in &output.output_files {
        let path = context.working_folder.join(path);
        let written = std::fs::File::create(&path).map(std::io::BufWriter::new).and_then(|mut file| {
            match format {
                TextOrJson::Text => plan_text::write(&mut file, plan, Style::PLAIN, output.show_personal),
                TextOrJson::Json => plan_json::write(&mut file, plan, output.show_personal),
            }?;
            file.flush()
        });
        if let Err(error) = written {
            return exit::failed(format!("failed to write {}: {error}", path.display()));
        }
    }
    if output.detailed_exitcode && !plan.is_empty() { Exit::Changes } else { Exit::Done }
}

fn save(context: &Context, path: &std::path::Path, plan: &Plan, show_personal: bool) -> Result<(), Exit> {
    let path = context.working_folder.join(path);
    if path.exists() && !plan_file::is_plan(&path) {
        let message = format!("{} exists and is not a plan", path.display());
        exit::say_error(&message, Some("name another file: what is there would be lost"));
        return Err(Exit::InvalidInput);
    }
    let written = std::fs::File::create(&path).map(std::io::BufWriter::new).and_then(|mut file| {
        plan_json::write(&mut file, plan, show_personal)?;
        file.flush()
    });
    written.map_err(|error| exit::failed(format!("failed to save the plan to {}: {error}", path.display())))
}
