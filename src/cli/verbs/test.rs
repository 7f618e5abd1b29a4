//! `trueup test`: what the configuration does, compared with what its Test manifests expect. Offline; reads no secret.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::base::diagnostic::nearest;
use crate::base::source::SourceMap;
use crate::cli::arguments::{ProjectArguments, TextOrJson, label};
use crate::cli::exit::{self, Exit};
use crate::cli::view::style::Style;
use crate::cli::view::{message, terminal, test_json, test_junit, test_text};
use crate::cli::{Context, output_file, project};
use crate::desired::Desired;
use crate::review::test::report::TestReport;
use crate::review::test::selection::TestSelection;
use crate::review::test::{names, run as run_cases};

/// Arguments of `test`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// Only the test of this name; `*` stands for any characters.
    #[arg(long = "test", value_name = "NAME", action = clap::ArgAction::Append)]
    tests: Vec<String>,
    /// Only cases whose name contains this text, in whatever case of letters.
    #[arg(long = "case", value_name = "TEXT", action = clap::ArgAction::Append)]
    cases: Vec<String>,
    /// Only tests with this label.
    #[arg(short = 'l', long = "label", value_name = "KEY=VALUE", value_parser = label, action = clap::ArgAction::Append)]
    labels: Vec<(String, String)>,
    /// Tell which webhooks, conditions, workflow routes and placeholders no case touches.
    #[arg(long)]
    coverage: bool,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: TestFormat,
    /// Also write the result to a file in this format.
    #[arg(long = "output-file", value_name = "FORMAT=PATH", value_parser = output_file::read::<TestFormat>, action = clap::ArgAction::Append)]
    output_files: Vec<(TestFormat, PathBuf)>,
}

/// How the result of tests is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TestFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// JUnit XML, for continuous integration.
    Junit,
}

impl TestFormat {
    fn write(self, out: &mut dyn Write, report: &TestReport, sources: &SourceMap, style: Style) -> io::Result<()> {
        match self {
            Self::Text => test_text::write(out, report, sources, style),
            Self::Json => test_json::write(out, report, sources),
            Self::Junit => test_junit::write(out, report, sources),
        }
    }
}

/// Tests.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let Arguments { project: project_arguments, tests, cases, labels, coverage, output, output_files } = arguments;
    let context = &match output {
        TestFormat::Text | TestFormat::Junit => context.clone(),
        TestFormat::Json => context.documents(TextOrJson::Json),
    };
    let loaded = match project::load_sound(context, project_arguments) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let selection = TestSelection { tests: tests.clone(), cases: cases.clone(), labels: labels.clone() };
    let report = run_cases(&loaded.desired, &selection, *coverage);
    if report.tests.is_empty()
        && let Err(exit) = nothing_selected(context, &loaded.desired, &selection)
    {
        return exit;
    }
    let sources = &loaded.desired.sources;
    for (format, path) in output_files {
        let path = context.working_folder.join(path);
        if let Err(exit) = output_file::write(&path, |file| format.write(file, &report, sources, Style::PLAIN)) {
            return exit;
        }
    }
    let mut out = terminal::standard_output();
    let written = output.write(&mut *out.writer, &report, sources, out.style).and_then(|()| out.writer.flush());
    exit::after_writing(written, if report.counts().all_passed() { Exit::Done } else { Exit::Failed })
}

/// A project without tests is in order; a selection that selects none of its tests is a slip.
fn nothing_selected(context: &Context, desired: &Desired, selection: &TestSelection) -> Result<(), Exit> {
    let known: Vec<&str> = names(desired).collect();
    if selection.is_everything() && desired.asked.is_none() {
        if !context.quiet {
            let mut err = terminal::standard_error();
            // Nobody is left to tell when standard error is closed.
            let _ = message::warning(&mut *err.writer, "the project has no manifests of kind Test", err.style);
        }
        return Ok(());
    }
    let near = selection.tests.iter().find_map(|name| nearest(name, known.iter().copied()));
    let help = match near {
        Some(near) => format!("did you mean --test {near}?"),
        None if known.is_empty() => "there are no tests in the path given".to_owned(),
        None => "--test, --case and --label together select what is run: leave one out".to_owned(),
    };
    exit::say_error("no case is selected", Some(&help));
    Err(Exit::InvalidInput)
}
