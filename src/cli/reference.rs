//! The reference page of the command line, made of what clap knows: every verb with its arguments, and the exit codes.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use super::exit::Exit;
use crate::kinds::explain::table;

/// The page.
#[must_use]
pub fn command_line_reference() -> String {
    let mut command = super::command();
    command.build();
    let mut page = format!("# Command line\n\n{}\n", sentence(&about(&command)));
    page.push_str("\nResults go to standard output, everything else to standard error.\n\n");
    let verbs: Vec<&Command> = command.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
    // Writing to a string cannot fail.
    for verb in &verbs {
        let name = verb.get_name();
        let _ = writeln!(page, "- [`{name}`](#{name}): {}", sentence(&about(verb)));
    }
    page.push_str("\n## Options of every verb\n\n");
    page.push_str("A flag that is not given is looked for in the environment, under the name beside it.\n\n");
    page.push_str(&arguments(command.get_arguments()));
    for verb in verbs {
        page.push_str(&section(verb, verb.get_name(), "##"));
        for action in verb.get_subcommands().filter(|action| action.get_name() != "help") {
            page.push_str(&section(action, &format!("{} {}", verb.get_name(), action.get_name()), "###"));
        }
    }
    page.push_str("\n## Exit codes\n\n");
    let mut rows = vec![["Code", "Meaning"].map(str::to_owned).to_vec()];
    rows.extend(Exit::ALL.iter().map(|exit| vec![exit.code().to_string(), exit.meaning().to_owned()]));
    page + &table(&rows) + "\n"
}

/// A verb, or what it is followed by.
fn section(verb: &Command, name: &str, heading: &str) -> String {
    let mut text = format!("\n{heading} {name}\n\n{}\n", sentence(&about(verb)));
    let aliases: Vec<String> = verb.get_visible_aliases().map(code).collect();
    // Writing to a string cannot fail.
    if !aliases.is_empty() {
        let _ = write!(text, "\nAlso {}.\n", aliases.join(", "));
    }
    let usage = verb.clone().render_usage().to_string();
    let _ = writeln!(text, "\n```text\n{}\n```", usage.trim_start_matches("Usage: "));
    let own: Vec<&Arg> = verb.get_arguments().filter(|argument| !argument.is_global_set()).collect();
    let table = arguments(own);
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table);
    }
    text
}

fn arguments<'a>(arguments: impl IntoIterator<Item = &'a Arg>) -> String {
    let mut rows = vec![["Argument", "Environment", "Default", "Description"].map(str::to_owned).to_vec()];
    let is_own = |argument: &&Arg| !matches!(argument.get_id().as_str(), "help" | "version") && !argument.is_hide_set();
    rows.extend(arguments.into_iter().filter(is_own).map(row));
    if rows.len() == 1 { String::new() } else { table(&rows) + "\n" }
}

fn row(argument: &Arg) -> Vec<String> {
    let takes_value = argument.get_action().takes_values();
    let names: Vec<&str> = argument.get_value_names().into_iter().flatten().map(clap::builder::Str::as_str).collect();
    let value = names.join(" ");
    let mut written: Vec<String> = Vec::new();
    written.extend(argument.get_short().map(|short| format!("-{short}")));
    written.extend(argument.get_long().map(|long| format!("--{long}")));
    let mut written = if written.is_empty() { value.clone() } else { written.join(", ") };
    if takes_value && !argument.is_positional() {
        written = format!("{written} {value}");
    }
    if matches!(argument.get_action(), ArgAction::Append) {
        written.push_str(" …");
    }
    let environment = argument.get_env().map(|name| code(&name.to_string_lossy())).unwrap_or_default();
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|text| code(&text.to_string_lossy())).collect();
    let default = if takes_value { defaults.join(", ") } else { String::new() };
    let mut description = sentence(&argument.get_help().map(ToString::to_string).unwrap_or_default());
    let values: Vec<String> = argument.get_possible_values().iter().map(|value| code(value.get_name())).collect();
    if takes_value && !values.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(description, " One of {}.", values.join(", "));
    }
    vec![code(&written), environment, default, description]
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// clap takes the full stop from the end of what is said in one paragraph.
fn sentence(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.is_empty() || text.ends_with(['.', ']']) { text } else { text + "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_and_exit_code_has_its_place() {
        let page = command_line_reference();
        for verb in crate::cli::command().get_subcommands() {
            assert!(page.contains(&format!("\n## {}\n", verb.get_name())), "{}", verb.get_name());
        }
        assert!(page.contains("| `--target NAME` | `TRUEUP_TARGET` |"), "{page}");
        assert!(page.contains("| `-o, --output OUTPUT` | `TRUEUP_OUTPUT` | `text` |"), "{page}");
        assert!(page.contains("\n| 64 | wrong usage |\n"));
    }
}
