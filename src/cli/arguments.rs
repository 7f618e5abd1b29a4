//! Groups of arguments that several verbs share.

use std::path::PathBuf;

use clap::Args;

use crate::base::ident::Name;
use crate::kinds::Address;
use crate::plan::selection::Selection;

/// Which project, and for which target.
#[derive(Clone, Debug, Args)]
pub struct ProjectArguments {
    /// The project's folder, a folder in it, or one file; `-` reads manifests from standard input.
    #[arg(default_value = ".", value_name = "PATH")]
    pub path: PathBuf,
    /// How manifests are resolved.
    #[command(flatten)]
    pub load: LoadArguments,
}

/// How manifests are resolved.
#[derive(Clone, Debug, Args)]
pub struct LoadArguments {
    /// The target; without it the project's default target.
    #[arg(long, value_name = "NAME")]
    pub target: Option<Name>,
    /// Sets a variable.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair, action = clap::ArgAction::Append)]
    pub vars: Vec<(String, String)>,
    /// Reads variables from a YAML or JSON file.
    #[arg(long = "var-file", value_name = "FILE", action = clap::ArgAction::Append)]
    pub var_files: Vec<PathBuf>,
}

/// Which secrets may be read.
#[derive(Clone, Debug, Args)]
pub struct SecretArguments {
    /// Let `fromCommand` secrets run their commands.
    #[arg(long)]
    pub allow_secret_commands: bool,
    /// Let `fromFile` secrets read files in this folder outside the project.
    #[arg(long, value_name = "DIR", action = clap::ArgAction::Append)]
    pub allow_secret_path: Vec<PathBuf>,
}

/// Which objects.
#[derive(Clone, Debug, Args)]
pub struct SelectionArguments {
    /// Only this object.
    #[arg(long, value_name = "ADDRESS", action = clap::ArgAction::Append)]
    pub only: Vec<Address>,
    /// Not this object.
    #[arg(long, value_name = "ADDRESS", action = clap::ArgAction::Append)]
    pub exclude: Vec<Address>,
    /// Only objects with this label.
    #[arg(short = 'l', long = "label", value_name = "KEY=VALUE", value_parser = label, action = clap::ArgAction::Append)]
    pub labels: Vec<(String, String)>,
}

impl SelectionArguments {
    /// As the planner takes it.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection { only: self.only.clone(), exclude: self.exclude.clone(), labels: self.labels.clone() }
    }
}

/// What a plan may do.
#[derive(Clone, Debug, Args)]
pub struct PlanArguments {
    /// Remove managed objects that are no longer in the manifests.
    #[arg(long)]
    pub prune: bool,
    /// Let --prune remove everything when there are no manifests at all.
    #[arg(long)]
    pub allow_empty: bool,
    /// Take over objects that were made by hand.
    #[arg(long)]
    pub adopt: bool,
    /// Let notifications reach people at once.
    #[arg(long)]
    pub allow_send: bool,
    /// Replace this object even though it could be kept.
    #[arg(long, value_name = "ADDRESS", action = clap::ArgAction::Append)]
    pub replace: Vec<Address>,
    /// Safety limits.
    #[command(flatten)]
    pub limits: LimitArguments,
    /// Which objects.
    #[command(flatten)]
    pub selection: SelectionArguments,
}

/// Safety limits.
#[derive(Clone, Debug, Args)]
pub struct LimitArguments {
    /// Most objects that may be deleted or archived [default: the project's, else 10].
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<usize>,
    /// Largest share of the managed objects that may change, in percent [default: the project's, else no limit].
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub max_changed_percent: Option<f64>,
}

/// Text for people or JSON for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TextOrJson {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() { Err("the name is empty".into()) } else { Ok((name.to_owned(), value.to_owned())) }
}

/// Reads `KEY=VALUE` of a label.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = pair(text)?;
    // `team!=x` and `team=~x` mean something to other tools; taken for the name of a label they would select nothing.
    let fits = key.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'));
    if fits {
        Ok((key, value))
    } else {
        Err(format!("`{key}` is not the name of a label; only KEY=VALUE is understood"))
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=100.0).contains(&number) { Ok(number) } else { Err("a percentage is 0 to 100".into()) }
}
