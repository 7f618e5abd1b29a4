//! `trueup apply`: brings the target into line, as one changeset.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use crate::apply::report::Report;
use crate::apply::secrets::unavailable;
use crate::apply::{ApplyError, Request, apply};
use crate::base::error_text::chain;
use crate::cli::arguments::{LoadArguments, PlanArguments, ProjectArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::planning::{self, Prepared, Wish};
use crate::cli::view::{apply_json, apply_text, message, plan_text, terminal};
use crate::cli::{Context, actor, interrupt, plan_file, project, refusal, target};
use crate::object::lease::LEASE_RENEWAL;
use crate::object::suspension::Suspension;
use crate::plan::Plan;
use crate::plan::file_v1::body_digest;

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The project (as for plan), or a saved plan; a saved plan's project is the working folder's.
    #[arg(default_value = ".", value_name = "PATH|PLAN")]
    path: PathBuf,
    #[command(flatten)]
    load: LoadArguments,
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    #[command(flatten)]
    consent: ConsentArguments,
    /// Once applied, write ids and server-made secrets as JSON to this file, which only its owner can read.
    #[arg(long, value_name = "FILE")]
    outputs_file: Option<PathBuf>,
}

/// How an apply is agreed to and reported.
#[derive(Clone, Debug, Args)]
pub struct ConsentArguments {
    /// Do not ask.
    #[arg(short = 'y', long)]
    pub auto_approve: bool,
    /// Format of the report.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: TextOrJson,
}

/// Applies.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    if let Err(exit) = check_consent(&arguments.consent) {
        return exit;
    }
    let context = &context.lines(arguments.consent.output);
    let path = context.working_folder.join(&arguments.path);
    let outcome = if plan_file::is_plan(&path) {
        target::block_on(saved(context, arguments, &path))
    } else {
        target::block_on(fresh(context, arguments))
    };
    outcome.unwrap_or_else(|exit| exit)
}

/// Without somebody to ask, consent must come with the command.
pub fn check_consent(consent: &ConsentArguments) -> Result<(), Exit> {
    if consent.auto_approve || std::io::stdin().is_terminal() && terminal::standard_error().is_terminal {
        return Ok(());
    }
    exit::say_error("there is no terminal to ask for consent", Some("add --auto-approve (-y)"));
    Err(Exit::Usage)
}

/// With consent given beforehand there is no question that a signal could answer.
pub fn watch_if_agreed(consent: &ConsentArguments) {
    if consent.auto_approve {
        interrupt::watch();
    }
}

async fn fresh(context: &Context, arguments: &Arguments) -> Result<Exit, Exit> {
    watch_if_agreed(&arguments.consent);
    let project = ProjectArguments { path: arguments.path.clone(), load: arguments.load.clone() };
    let prepared = planning::prepare(context, &project, &arguments.secrets)?;
    check_saved_plan(&prepared, "")?;
    let wish = Wish { arguments: &arguments.plan, destroy: false };
    let exit = plan_and_apply(context, &prepared, &wish, &arguments.consent).await?;
    write_outputs(context, arguments, &prepared, exit).await
}

/// Some targets take nothing but a plan that was saved, and so could be looked at before.
///
/// # Errors
/// When the project's target is one of them.
pub fn check_saved_plan(prepared: &Prepared, flags: &str) -> Result<(), Exit> {
    let target = &prepared.loaded.desired.project.target;
    if !target.require_saved_plan {
        return Ok(());
    }
    let help = format!("make one with `trueup plan{flags} --out plan.json`, then `trueup apply plan.json`");
    exit::say_error(&format!("the target {} takes only a saved plan", target.name), Some(&help));
    Err(Exit::Usage)
}

async fn write_outputs(
    context: &Context,
    arguments: &Arguments,
    prepared: &Prepared,
    exit: Exit,
) -> Result<Exit, Exit> {
    if let Some(path) = arguments.outputs_file.as_ref().filter(|_| exit == Exit::Done) {
        super::outputs::write_file(context, &prepared.loaded.desired.project, &prepared.allowed, path).await?;
    }
    Ok(exit)
}

/// Plans, shows the plan, asks, applies.
pub async fn plan_and_apply(
    context: &Context,
    prepared: &Prepared,
    wish: &Wish<'_>,
    consent: &ConsentArguments,
) -> Result<Exit, Exit> {
    let reader = target::reader(context, &prepared.loaded.desired.project, &prepared.allowed).await?;
    let plan = planning::reviewed(context, prepared, &*reader, wish, None).await?;
    reader.close().await.map_err(|error| exit::provider(&error))?;
    if consent.output == TextOrJson::Json || context.quiet {
        // The plan, which says them too, is not shown.
        project::say_warnings(&prepared.loaded);
        say_suspended(plan.project_suspension());
    } else {
        let mut out = terminal::standard_output();
        let shown = plan_text::write(&mut *out.writer, &plan, out.style, out.is_terminal);
        let _ = shown.and_then(|()| out.writer.flush());
    }
    refusal::check(&plan.refusals)?;
    carry_out(context, prepared, &plan, consent).await
}

/// Who applies to what is suspended should know, because somebody had a reason; it is no refusal.
fn say_suspended(suspension: Option<&Suspension>) {
    if let Some(suspension) = suspension {
        let mut err = terminal::standard_error();
        let message = format!("reconcile leaves this project alone: {suspension}");
        // Nobody is left to tell when standard error is closed.
        let _ = message::warning(&mut *err.writer, &message, err.style);
    }
}

async fn saved(context: &Context, arguments: &Arguments, path: &std::path::Path) -> Result<Exit, Exit> {
    watch_if_agreed(&arguments.consent);
    let PlanArguments { prune, allow_empty, adopt, allow_send, replace, limits, selection } = &arguments.plan;
    if *prune || *allow_empty || *adopt || !replace.is_empty() || !selection.selection().is_everything() {
        exit::say_error(
            "a saved plan leaves no choice to apply",
            Some("give these flags to `trueup plan --out` instead"),
        );
        return Err(Exit::Usage);
    }
    let mut plan = plan_file::read(path)?;
    let mut load = arguments.load.clone();
    if let Some(asked) = load.target.as_ref().filter(|asked| **asked != plan.target) {
        exit::say_error(&format!("the plan is for the target {}, not {asked}", plan.target), None);
        return Err(Exit::InvalidInput);
    }
    load.target = Some(plan.target.clone());
    let project = ProjectArguments { path: ".".into(), load };
    let prepared = planning::prepare(context, &project, &arguments.secrets)?;
    let desired = &prepared.loaded.desired;
    if desired.project.name != plan.project {
        let message =
            format!("the plan is of the project {}, and this folder is {}", plan.project, desired.project.name);
        exit::say_error(&message, Some("run it in the folder of its project"));
        return Err(Exit::InvalidInput);
    }
    let reader = target::reader(context, &desired.project, &prepared.allowed).await?;
    let applied = reader.applied(plan.plan_id).await.map_err(|error| exit::provider(&error))?;
    let suspensions = reader.suspensions().await.map_err(|error| exit::provider(&error))?;
    reader.close().await.map_err(|error| exit::provider(&error))?;
    let suspended = suspensions.iter().find(|suspension| suspension.address.is_none());
    if applied.is_none() && desired.digest != plan.desired {
        exit::say_error(
            "the manifests, variables or target settings changed since the plan was made",
            Some("plan again, and apply the new plan"),
        );
        return Err(Exit::Conflict);
    }
    if applied.is_none() {
        refusal::lift(&mut plan.refusals, *allow_send, planning::limits_of(desired, limits));
        refusal::check(&plan.refusals)?;
    }
    if consent_text(&arguments.consent) && !context.quiet && applied.is_none() {
        let mut out = terminal::standard_output();
        let shown = plan_text::write(&mut *out.writer, &plan, out.style, out.is_terminal);
        let _ = shown.and_then(|()| out.writer.flush());
        // What the plan says itself was said just now.
        say_suspended(suspended.filter(|suspended| plan.project_suspension() != Some(suspended)));
    } else if applied.is_none() {
        say_suspended(suspended);
    }
    let exit = carry_out(context, &prepared, &plan, &arguments.consent).await?;
    write_outputs(context, arguments, &prepared, exit).await
}

fn consent_text(consent: &ConsentArguments) -> bool {
    consent.output == TextOrJson::Text
}

/// Applies a plan that was agreed to, and reports.
///
/// # Errors
/// When it cannot be applied, which is said on standard error.
pub async fn carry_out(
    context: &Context,
    prepared: &Prepared,
    plan: &Plan,
    consent: &ConsentArguments,
) -> Result<Exit, Exit> {
    let desired = &prepared.loaded.desired;
    // An empty plan writes nothing, so the target is not opened for writing either.
    if plan.is_empty() && plan.unknown_secrets.is_empty() {
        return say_report(&Report::of_nothing(plan), consent).map(|()| Exit::Done);
    }
    check_secrets(context, prepared, plan)?;
    ask(consent, plan)?;
    let body = body_digest(plan);
    let body = body.map_err(|error| exit::failed(format!("failed to write the plan down: {error}")))?;
    // Not before the question: a signal there is an answer, and ends the run at once.
    interrupt::watch();
    // A signal that came while manifests were read or live state compared is noted before anything is written.
    tokio::task::yield_now().await;
    let commit = actor::commit(&desired.project.root);
    let actor = actor::actor();
    let request = Request {
        plan,
        body,
        desired,
        secrets: &prepared.secrets,
        actor: &actor,
        commit: commit.as_deref(),
        lease_renewal: LEASE_RENEWAL,
        interrupted: &interrupt::came,
        heeds_suspensions: false,
    };
    let writer = target::writer(context, &desired.project, &prepared.allowed).await?;
    let mut progress = (consent_text(consent) && !context.quiet).then(|| {
        let err = terminal::standard_error();
        if err.is_terminal {
            apply_text::Progress::bar(plan.actions.len(), err.style)
        } else {
            apply_text::Progress::lines(err.writer, err.style)
        }
    });
    let (report, outcome) = apply(&*writer, &request, &mut |event| {
        if let Some(progress) = &mut progress {
            // Progress is told to whoever still listens.
            let _ = progress.show(&event);
        }
    })
    .await;
    if let Some(progress) = progress {
        progress.finish();
    }
    let closed = writer.close().await;
    // What was written stays written, whether the report reaches anybody or not.
    let reported = say_report(&report, consent);
    if interrupt::came() {
        exit::say_error("interrupted", None);
        return Ok(Exit::Interrupted);
    }
    match outcome {
        Ok(()) => {
            closed.map_err(|error| exit::provider(&error))?;
            reported.map(|()| Exit::Done)
        }
        Err(ApplyError::Provider(error)) => Err(exit::provider(&error)),
        Err(error @ ApplyError::Make(_)) => {
            exit::say_error(&format!("failed to {}", chain(&error)), None);
            Err(Exit::InvalidInput)
        }
        Err(ApplyError::Interrupted) => Ok(Exit::Interrupted),
    }
}

fn say_report(report: &Report, consent: &ConsentArguments) -> Result<(), Exit> {
    let mut out = terminal::standard_output();
    let written = match consent.output {
        TextOrJson::Text => apply_text::write_report(&mut *out.writer, report, out.style),
        TextOrJson::Json => apply_json::write(&mut *out.writer, report, env!("CARGO_PKG_VERSION")),
    };
    match exit::after_writing(written.and_then(|()| out.writer.flush()), Exit::Done) {
        Exit::Done => Ok(()),
        other => Err(other),
    }
}

/// Every secret that will be written or compared must be available before the lease is taken.
fn check_secrets(context: &Context, prepared: &Prepared, plan: &Plan) -> Result<(), Exit> {
    let desired = &prepared.loaded.desired;
    let problems = unavailable(plan, desired, &prepared.secrets);
    if problems.is_empty() {
        return Ok(());
    }
    project::tell(context, &problems, &desired.sources, prepared.loaded.manifests, &desired.project.root);
    Err(Exit::InvalidInput)
}

fn ask(consent: &ConsentArguments, plan: &Plan) -> Result<(), Exit> {
    agree(consent.auto_approve, &format!("Apply this to the target {}?", plan.target))
}

/// Asks a question on the terminal, unless consent came with the command.
///
/// # Errors
/// When the answer is not `yes`.
pub fn agree(auto_approve: bool, question: &str) -> Result<(), Exit> {
    if auto_approve {
        return Ok(());
    }
    let mut err = terminal::standard_error();
    let asked = write!(err.writer, "\n{question} Only `yes` is taken as a yes: ").and_then(|()| err.writer.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| std::io::stdin().read_line(&mut answer));
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    let _ = message::note(&mut *err.writer, "Nothing was done.", err.style);
    Err(Exit::Failed)
}
