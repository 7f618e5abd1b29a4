//! `trueup reconcile`: keeps live state as the manifests of a folder or a git repository say.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::base::error_text::chain;
use crate::cli::arguments::{LimitArguments, LoadArguments, SecretArguments, TextOrJson};
use crate::cli::exit::{self, Exit};
use crate::cli::listening::ListenArguments;
use crate::cli::reconciling::{CommandLineHands, WallClock, exit_of};
use crate::cli::since::Since;
use crate::cli::telling::{TellArguments, Telling};
use crate::cli::view::log::{self, LogFormat, LogLevel};
use crate::cli::view::reconcile_json::reasons;
use crate::cli::view::{reconcile_json, reconcile_text, terminal};
use crate::cli::{Context, actor, interrupt, target};
use crate::reconcile::outcome::Tick;
use crate::reconcile::run::{Reconcile, Source};
use crate::reconcile::source::git::GitSettings;
use crate::reconcile::source::watch::Watch;
use crate::reconcile::source::{Folder, Git, SourceError};
use crate::reconcile::tick::Reconciler;
use crate::reconcile::wish::{Mode, Wish};
use crate::steward::standing::{About, Standing};

/// The shortest interval: a target is asked that often.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// Arguments of `reconcile`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The project's folder, or a folder or file in it.
    #[arg(default_value = ".", value_name = "PATH", conflicts_with = "git")]
    path: PathBuf,
    /// Take the manifests from this git repository.
    #[arg(long, value_name = "URL", value_parser = url)]
    git: Option<String>,
    /// The branch to follow, or a whole ref such as refs/tags/v1.
    // `requires` alone lets it pass beside PATH, which `--git` cannot stand beside.
    #[arg(long = "ref", value_name = "REF", default_value = "main", requires = "git", conflicts_with = "path",
        value_parser = reference)]
    reference: String,
    /// A project's folder in the repository; several are reconciled side by side [default: the repository's own].
    #[arg(long = "path", id = "paths", value_name = "DIR", requires = "git", conflicts_with = "path",
        action = clap::ArgAction::Append, value_parser = folder_within)]
    paths: Vec<PathBuf>,
    /// Take only commits whose signature git verifies.
    #[arg(long, requires = "git", conflicts_with = "path")]
    verify_signatures: bool,
    /// Keep the clone in this folder.
    #[arg(long, value_name = "DIR", default_value = ".trueup/reconcile", requires = "git")]
    state_dir: PathBuf,
    #[command(flatten)]
    load: LoadArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// How often to look, such as 30s, 5m or 1h.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = interval)]
    interval: Duration,
    /// Whether to write.
    #[arg(long, value_enum, default_value_t)]
    mode: ModeArgument,
    /// Remove managed objects that are no longer in the manifests.
    #[arg(long)]
    prune: bool,
    /// Let notifications reach people at once.
    #[arg(long)]
    allow_send: bool,
    #[command(flatten)]
    limits: LimitArguments,
    #[command(flatten)]
    telling: TellArguments,
    /// Look once, and end with the exit code of what came of it.
    #[arg(long)]
    once: bool,
    /// With --once: exit with 2 when something was or would be done.
    #[arg(long, requires = "once")]
    detailed_exitcode: bool,
    /// Format of what is told of each look: a line, or a JSON document in a line.
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
    #[command(flatten)]
    listen: ListenArguments,
    /// Form of the log on standard error [default: that of --output].
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    /// Least of what is logged.
    #[arg(long, value_enum, default_value_t)]
    log_level: LogLevel,
}

/// Whether reconciling writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ModeArgument {
    /// Only tell what differs.
    #[default]
    Report,
    /// Write what differs, as apply would.
    Heal,
}

/// Reconciles.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    target::block_on(reconcile(context, arguments)).unwrap_or_else(|exit| exit)
}

async fn reconcile(context: &Context, arguments: &Arguments) -> Result<Exit, Exit> {
    log::begin(arguments.log_format.unwrap_or(log_format(arguments.output)), arguments.log_level);
    interrupt::watch();
    let source = source(context, arguments)?;
    let notes = arguments.git.as_ref().map(|_| context.working_folder.join(&arguments.state_dir));
    let several = source.paths().len() > 1;
    let mut telling = Telling::start(context, &arguments.telling, wish(arguments).mode, notes, several)?;
    let projects = source.paths().len();
    let reconciler = |_| {
        let hands = CommandLineHands {
            context: context.clone(),
            load: arguments.load.clone(),
            secrets: arguments.secrets.clone(),
        };
        Reconciler::new(hands, wish(arguments))
    };
    let mut reconcile = Reconcile::new(source, (0..projects).map(reconciler).collect());
    if arguments.once {
        let ticks = reconcile.once().await;
        for tick in &ticks {
            tell(context, arguments, tick);
            telling.hear(tick);
        }
        telling.finish();
        let exits = ticks.iter().map(|tick| exit_of(tick, arguments.detailed_exitcode));
        return Ok(exits.max_by_key(|exit| gravity(*exit)).unwrap_or(Exit::Done));
    }
    let wake = Arc::new(Notify::new());
    let woken = |wake: &Arc<Notify>| {
        let wake = Arc::clone(wake);
        move || wake.notify_one()
    };
    let _watch = watch(reconcile.source(), woken(&wake));
    let standing = Arc::new(Standing::new(about(arguments, reconcile.source()), reconcile.projects(), Instant::now()));
    let service = arguments.listen.start(context, &standing, woken(&wake)).await?;
    if let Some(service) = &service {
        tracing::info!(url = service.url(), "listening");
    }
    let mut pace = WallClock { wake, standing: Some(Arc::clone(&standing)) };
    let mut told = |tick: &Tick| {
        // First, so that whoever reads the line finds what it says.
        standing.note(tick, reasons(&tick.outcome));
        tell(context, arguments, tick);
        telling.hear(tick);
    };
    reconcile.run(arguments.interval, &mut pace, &mut told).await;
    standing.end();
    drop(service);
    telling.finish();
    tracing::info!("ended");
    Ok(if interrupt::was_terminated() { Exit::Done } else { Exit::Interrupted })
}

/// The log follows the form of what is told, where nothing else is said.
fn log_format(output: TextOrJson) -> LogFormat {
    match output {
        TextOrJson::Text => LogFormat::Text,
        TextOrJson::Json => LogFormat::Json,
    }
}

/// A watch of a folder; a repository is asked.
fn watch(source: &Source, saved: impl Fn() + Send + 'static) -> Option<Watch> {
    let Source::Folder(folder) = source else { return None };
    let watch = Watch::start(&folder.root(), saved);
    let unwatched = |error| tracing::warn!(error = chain(&error), "a change is seen at the next interval only");
    watch.map_err(unwatched).ok()
}

fn about(arguments: &Arguments, source: &Source) -> About {
    let (source, reference) = match source {
        Source::Folder(folder) => (folder.root().display().to_string(), None),
        Source::Git(git) => (git.shown_url(), Some(git.reference().to_owned())),
    };
    let mode = wish(arguments).mode.as_str();
    About { mode, source, reference, interval: arguments.interval, started_at: Timestamp::now() }
}

/// Of several projects the worst counts: a failure before changes, changes before none.
fn gravity(exit: Exit) -> (bool, bool) {
    (!matches!(exit, Exit::Done | Exit::Changes), exit == Exit::Changes)
}

fn wish(arguments: &Arguments) -> Wish {
    Wish {
        mode: match arguments.mode {
            ModeArgument::Report => Mode::Report,
            ModeArgument::Heal => Mode::Heal,
        },
        prune: arguments.prune,
        allow_send: arguments.allow_send,
        max_deletes: arguments.limits.max_deletes,
        max_changed_percent: arguments.limits.max_changed_percent,
        actor: format!("{} (reconcile)", actor::actor()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn source(context: &Context, arguments: &Arguments) -> Result<Source, Exit> {
    let Some(url) = &arguments.git else {
        return Ok(Source::Folder(Folder::new(context.working_folder.join(&arguments.path))));
    };
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let settings = GitSettings {
        url: repository(url, &context.working_folder),
        reference: arguments.reference.clone(),
        paths: arguments.paths.clone(),
        verify_signatures: arguments.verify_signatures,
        plain_ssh: !is_set("GIT_SSH_COMMAND") && !is_set("GIT_SSH"),
        state: context.working_folder.join(&arguments.state_dir),
        interrupted: interrupt::came,
    };
    Git::open(settings).map(|git| Source::Git(Box::new(git))).map_err(|error| {
        exit::say_error(&format!("failed to {}", chain(&error)), error.help().as_deref());
        match error {
            SourceError::NoRef(_) | SourceError::NoFolder(_) => Exit::Usage,
            SourceError::Interrupted { .. } => Exit::Interrupted,
            SourceError::File { .. }
            | SourceError::NoGit(_)
            | SourceError::Git { .. }
            | SourceError::TooSlow { .. }
            | SourceError::Rewritten { .. }
            | SourceError::Unsigned { .. }
            | SourceError::NoProject(_)
            | SourceError::Held(_) => Exit::Failed,
        }
    })
}

fn tell(context: &Context, arguments: &Arguments, tick: &Tick) {
    if context.quiet && !tick.looked && !tick.outcome.is_failure() && tick.source_error.is_none() {
        return;
    }
    let mut out = terminal::standard_output();
    let written = match arguments.output {
        TextOrJson::Text => reconcile_text::write(&mut *out.writer, tick, out.style),
        TextOrJson::Json => reconcile_json::write(&mut *out.writer, tick, wish(arguments).mode),
    };
    // Live state is kept whether anybody listens or not.
    let _ = written.and_then(|()| out.writer.flush());
}

/// Git runs in the clone: a way to a folder from here has to be a whole one.
fn repository(url: &str, working_folder: &Path) -> String {
    // As git tells the two apart: what has a colon before any slash names a scheme or a host.
    let is_folder = url.split('/').next().is_none_or(|first| !first.contains(':'));
    let whole = is_folder.then(|| working_folder.join(url));
    whole.as_ref().and_then(|folder| folder.to_str()).unwrap_or(url).to_owned()
}

/// An address of a repository; one that begins with a dash would be an option of git.
fn url(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && !text.starts_with('-') && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| "not an address of a repository".to_owned())
}

/// A branch or a ref; whether git knows such names, and this one, shows when it is asked.
fn reference(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && !text.starts_with('-') && !text.chars().any(|char| char.is_control() || char == ' ');
    fits.then(|| text.to_owned()).ok_or_else(|| "write a branch, or a whole ref such as refs/tags/v1".to_owned())
}

/// A folder in the repository, written in one way: `./a/` is `a`, and the repository's own is empty.
fn folder_within(text: &str) -> Result<PathBuf, String> {
    let mut within = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(name) => within.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err("write the way to it from the top of the repository, such as teams/adoption".to_owned());
            }
        }
    }
    Ok(within)
}

fn interval(text: &str) -> Result<Duration, String> {
    let help = || "write a time from 1s to 7d, such as 30s, 5m or 1h".to_owned();
    let Ok(Since::Ago(time)) = Since::read(text) else { return Err(help()) };
    let time = Duration::try_from(time).map_err(|_| help())?;
    if (SHORTEST..=LONGEST).contains(&time) { Ok(time) } else { Err(help()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_addresses_say_how_they_are_written() {
        assert_eq!(interval("60s"), Ok(Duration::from_mins(1)));
        assert_eq!(interval("1h"), Ok(Duration::from_hours(1)));
        for bad in ["", "0s", "60", "8d", "-1m", "2026-01-01", "100ms"] {
            assert!(interval(bad).is_err_and(|help| help.contains("30s")), "{bad}");
        }
        assert!(url("--upload-pack=x").is_err() && url("").is_err() && url("a\nb").is_err());
        assert!(url("git@git.test:acme/config.git").is_ok());
        let here = Path::new("/work/here");
        for folder in ["config", "./config", "/work/here/config"] {
            assert_eq!(repository(folder, here).replace("/./", "/"), "/work/here/config", "{folder}");
        }
        for address in ["git@git.test:acme/config.git", "https://git.test/a.git", "file:///a", "host:a"] {
            assert_eq!(repository(address, here), address);
        }
    }

    #[test]
    fn refs_and_folders_of_a_repository_say_how_they_are_written() {
        assert!(reference("release/2").is_ok());
        for bad in ["", "-x", "a b", "a\nb"] {
            assert!(reference(bad).is_err_and(|help| help.contains("refs/tags/v1")), "{bad}");
        }
        assert_eq!(folder_within("./teams//adoption/"), Ok(PathBuf::from("teams/adoption")));
        assert_eq!(folder_within("."), Ok(PathBuf::new()));
        for bad in ["/teams", "../x", "a/../b"] {
            assert!(folder_within(bad).is_err_and(|help| help.contains("teams/adoption")), "{bad}");
        }
    }

    #[test]
    fn of_several_projects_the_worst_counts() {
        let worst = |exits: &[Exit]| exits.iter().copied().max_by_key(|exit| gravity(*exit));
        assert_eq!(worst(&[Exit::Done, Exit::Changes, Exit::Done]), Some(Exit::Changes));
        assert_eq!(worst(&[Exit::Changes, Exit::InvalidInput, Exit::Done]), Some(Exit::InvalidInput));
    }
}
