//! `trueup plan`: what apply would do, and why. Writes nothing to the target.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::base::error_text::chain;
use crate::cli::Context;
use crate::cli::arguments::{PlanArguments, ProjectArguments, SecretArguments};
use crate::cli::blame;
use crate::cli::exit::{self, Exit};
use crate::cli::output_file;
use crate::cli::plan_file;
use crate::cli::plan_format::{Look, PlanFormat};
use crate::cli::planning::{self, Wish};
use crate::cli::refusal;
use crate::cli::replaying::ReplayArguments;
use crate::cli::view::style::Style;
use crate::cli::view::{plan_json, terminal};
use crate::cli::{repository, target};
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
    pub output: PlanFormat,
    /// Also write the plan to a file in this format; may be given several times.
    #[arg(long = "output-file", value_name = "FORMAT=PATH", value_parser = output_file::read::<PlanFormat>, action = clap::ArgAction::Append)]
    pub output_files: Vec<(PlanFormat, PathBuf)>,
    /// Show personal data in full.
    #[arg(long)]
    pub show_personal: bool,
    /// Exit with 2 when there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Plans.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let context = &context.telling_as(arguments.output.output.problems());
    let planned = target::block_on(async {
        let prepared = planning::prepare(context, &arguments.project, &arguments.secrets)?;
        let reader = target::reader(context, &prepared.loaded.desired.project, &arguments.secrets).await?;
        let wish = Wish { arguments: &arguments.plan, destroy: arguments.destroy };
        let mut plan = planning::reviewed(context, &prepared, &*reader, &wish, Some(&arguments.replay)).await?;
        let root = prepared.loaded.desired.project.root;
        if arguments.blame {
            blame::add(&mut plan, &root).map_err(|error| exit::failed(format!("failed to {}", chain(&error))))?;
        }
        Ok((plan, root))
    });
    let (plan, root) = match planned {
        Ok(planned) => planned,
        Err(exit) => return exit,
    };
    if let Some(path) = &arguments.out
        && let Err(exit) = save(context, path, &plan, arguments.output.show_personal)
    {
        return exit;
    }
    // What was saved and shown is refused all the same, whatever changes there are.
    match show(context, &plan, &arguments.output, &root) {
        Exit::Done | Exit::Changes if refusal::refused_in_review(&plan.refusals) => Exit::Refused,
        exit => exit,
    }
}

/// Shows a plan as asked, and says how the run ends. `root` is the project's folder.
pub fn show(context: &Context, plan: &Plan, output: &OutputArguments, root: &Path) -> Exit {
    let prefix = repository::prefix(root, &context.working_folder);
    let mut out = terminal::standard_output();
    let personal = output.show_personal || (out.is_terminal && output.output == PlanFormat::Text);
    let look = Look { style: out.style, show_personal: personal, prefix: &prefix };
    if let Err(error) = output.output.write(&mut *out.writer, plan, look).and_then(|()| out.writer.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        return exit::failed(format!("failed to write the plan: {error}"));
    }
    for (format, path) in &output.output_files {
        let path = context.working_folder.join(path);
        let look = Look { style: Style::PLAIN, show_personal: output.show_personal, prefix: &prefix };
        if let Err(exit) = output_file::write(&path, |file| format.write(file, plan, look)) {
            return exit;
        }
    }
    if output.detailed_exitcode && !plan.is_empty() { Exit::Changes } else { Exit::Done }
}

fn save(context: &Context, path: &Path, plan: &Plan, show_personal: bool) -> Result<(), Exit> {
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
