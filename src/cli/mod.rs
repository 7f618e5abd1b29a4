//! The command line: one file per verb; `view` renders values. The only place that reads the environment and exits.

pub mod actor;
pub mod arguments;
pub mod blame;
pub mod exit;
pub mod interrupt;
pub mod listening;
pub mod output_file;
pub mod plan_file;
pub mod plan_format;
pub mod planning;
pub mod private_file;
pub mod project;
pub mod reconciling;
pub mod reference;
pub mod refusal;
pub mod replaying;
pub mod repository;
pub mod schemas;
pub mod secret_source;
pub mod server_folder;
pub mod since;
pub mod target;
pub mod verbs;
pub mod view;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgAction, Command, CommandFactory, FromArgMatches, Parser};

use exit::Exit;
use verbs::Verb;

/// Where a verb's help lists the options that all verbs have: behind its own, which clap would mix them with.
const EVERYWHERE: &str = "Options of every verb";

/// Plans, reviews and applies notification, webhook and workflow configuration kept as YAML in git.
#[derive(Debug, Parser)]
#[command(
    name = "trueup",
    version,
    about,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct CommandLine {
    /// Work in this folder instead of the present one.
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    chdir: Option<std::path::PathBuf>,
    /// Say nothing but results, warnings and errors.
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    quiet: bool,
    #[command(flatten)]
    server: target::ServerArguments,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb may need besides its own arguments.
#[derive(Clone, Debug)]
pub struct Context {
    /// The working folder, absolute.
    pub working_folder: std::path::PathBuf,
    /// Say nothing but results, warnings and errors.
    pub quiet: bool,
    /// In which form problems are told.
    pub problems: Problems,
    /// How a control plane is reached.
    pub server: target::ServerArguments,
}

/// The form in which the problems that end a run are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Problems {
    /// As text on standard error.
    #[default]
    Text,
    /// As the document of `validate -o json` on standard output: who asked for a document gets one.
    Document,
    /// As a version record and one record each, in lines, on standard output.
    Lines,
    /// As a comment in Markdown, on standard output.
    Markdown,
    /// As SARIF, on standard output.
    Sarif,
    /// As annotations of GitHub, on standard output.
    Github,
}

impl Context {
    /// The same, telling problems as a document when the result would have been one.
    #[must_use]
    pub fn documents(&self, output: arguments::TextOrJson) -> Self {
        self.telling(output, Problems::Document)
    }

    /// The same, telling problems in lines when the result would have come in lines.
    #[must_use]
    pub fn lines(&self, output: arguments::TextOrJson) -> Self {
        self.telling(output, Problems::Lines)
    }

    fn telling(&self, output: arguments::TextOrJson, json: Problems) -> Self {
        self.telling_as(match output {
            arguments::TextOrJson::Text => Problems::Text,
            arguments::TextOrJson::Json => json,
        })
    }

    /// The same, telling problems in this form.
    #[must_use]
    pub fn telling_as(&self, problems: Problems) -> Self {
        Self { problems, ..self.clone() }
    }
}

/// Runs the program with these arguments, the first being its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = command();
    let matches = match command.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return exit::usage(&error),
    };
    match CommandLine::from_arg_matches(&matches) {
        Ok(line) => execute(line).into(),
        Err(error) => exit::usage(&error),
    }
}

/// The whole command line as clap knows it, for parsing, completion and the reference.
#[must_use]
pub fn command() -> Command {
    with_environment(CommandLine::command())
}

fn execute(line: CommandLine) -> Exit {
    let CommandLine { chdir, quiet, server, verb } = line;
    let folder = match std::env::current_dir() {
        Ok(present) => chdir.map_or_else(|| present.clone(), |folder| present.join(folder)),
        Err(error) => return exit::failed(format!("failed to find the working folder: {error}")),
    };
    let folder = match folder.canonicalize() {
        Ok(folder) => folder,
        Err(error) => return exit::failed(format!("failed to enter {}: {error}", folder.display())),
    };
    verb.run(&Context { working_folder: folder, quiet, problems: Problems::Text, server })
}

/// Gives every flag its `TRUEUP_…` twin.
fn with_environment(mut command: Command) -> Command {
    command = command.mut_args(|argument| {
        let Some(long) = argument.get_long().filter(|long| !matches!(*long, "help" | "version")) else {
            return argument;
        };
        let name = format!("TRUEUP_{}", long.to_uppercase().replace('-', "_"));
        let flag = matches!(argument.get_action(), ArgAction::SetTrue);
        let list = matches!(argument.get_action(), ArgAction::Append);
        // A variable that is set to nothing is taken as not set, as shells and CI systems leave them.
        let is_empty = std::env::var_os(&name).is_some_and(|value| value.is_empty());
        let mut argument = if is_empty { argument } else { argument.env(name).hide_env_values(true) };
        if flag {
            // A word that is neither yes nor no must not consent to anything.
            argument = argument.value_parser(clap::builder::BoolishValueParser::new());
        }
        if list {
            // In the environment several are separated: addresses have no comma, other values no line break.
            let by_comma = matches!(argument.get_long(), Some("only" | "exclude" | "replace" | "fail-on" | "path"));
            argument = argument.value_delimiter(if by_comma { ',' } else { '\n' });
        }
        argument
    });
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, with_environment);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_twin_in_the_environment() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments().filter(|a| a.get_long().is_some_and(|long| long != "help")) {
                assert!(argument.get_env().is_some(), "{} --{:?}", command.get_name(), argument.get_long());
            }
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }
}
