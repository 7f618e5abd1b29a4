//! `trueup export`: live objects as manifests, or recorded events as lines.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::base::error_text::chain;
use crate::behaviour::recorded;
use crate::cli::arguments::{ProjectArguments, SecretArguments};
use crate::cli::exit::{self, Exit};
use crate::cli::replaying::Pages;
use crate::cli::since::Since;
use crate::cli::view::terminal;
use crate::cli::{Context, project, target};
use crate::export::document;
use crate::kinds::Kind;
use crate::object::record::ObjectRecord;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    secrets: SecretArguments,
    /// Write one file per kind into this folder instead of one stream to standard output.
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Overwrite files that exist.
    #[arg(long, requires = "out_dir")]
    overwrite: bool,
    /// Also export objects that were made by hand; planning those asks for --adopt.
    #[arg(long)]
    unmanaged: bool,
    /// Write recorded events instead of objects, one a line and as they are stored, for `trueup plan --replay FILE`
    /// (`runtime:read`). They may hold personal data.
    #[arg(long, conflicts_with_all = ["out_dir", "unmanaged"])]
    events: bool,
    /// Only events accepted since then: `24h`, `7d`, `2026-11-01`.
    #[arg(long, value_name = "WHEN", requires = "events", value_parser = Since::read)]
    since: Option<Since>,
}

/// Exports.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    if arguments.events {
        return events(context, arguments);
    }
    let records = target::block_on(async {
        let loaded = project::load(context, &arguments.project)?;
        let reader = target::reader(context, &loaded.desired.project, &arguments.secrets).await?;
        reader.read(None).await.map_err(|error| exit::provider(&error))
    });
    let mut records = match records {
        Ok(records) => records,
        Err(exit) => return exit,
    };
    records.retain(|record| arguments.unmanaged || record.managed);
    records.sort_by(|a, b| a.address.cmp(&b.address));
    let documents = match documents(&records) {
        Ok(documents) => documents,
        Err(exit) => return exit,
    };
    match &arguments.out_dir {
        Some(folder) => write_files(&context.working_folder.join(folder), &documents, arguments.overwrite),
        None => {
            let mut out = terminal::standard_output();
            let text: String = documents.into_iter().map(|(_, text)| text).collect();
            let written = out.writer.write_all(text.as_bytes()).and_then(|()| out.writer.flush());
            match written {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    exit::failed(format!("failed to write the export: {error}"))
                }
                Ok(()) | Err(_) => Exit::Done,
            }
        }
    }
}

/// Writes recorded events, each page as it comes.
fn events(context: &Context, arguments: &Arguments) -> Exit {
    let since = arguments.since.map(|since| since.before(Timestamp::now()));
    let written = target::block_on(async {
        let loaded = project::load(context, &arguments.project)?;
        let reader = target::reader(context, &loaded.desired.project, &arguments.secrets).await?;
        let mut pages = Pages::new(&*reader, since);
        let mut out = terminal::standard_output();
        while let Some(events) = pages.next().await? {
            let mut text = String::new();
            for event in &events {
                let line = recorded::line(event);
                text.push_str(&line.map_err(|error| exit::failed(format!("failed to write an event: {error}")))?);
                text.push('\n');
            }
            if let Err(error) = out.writer.write_all(text.as_bytes()) {
                return Ok(Err(error));
            }
        }
        Ok(out.writer.flush())
    });
    written.map_or_else(|exit| exit, |written| exit::after_writing(written, Exit::Done))
}

fn documents(records: &[ObjectRecord]) -> Result<Vec<(Kind, String)>, Exit> {
    let documents: Result<Vec<_>, _> =
        records.iter().map(|record| document(record).map(|text| (record.address.kind, text))).collect();
    documents.map_err(|error| exit::failed(format!("failed to {}", chain(&error))))
}

fn write_files(folder: &std::path::Path, documents: &[(Kind, String)], overwrite: bool) -> Exit {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (kind, text) in documents {
        let name = format!("{}.yaml", kind.as_str().to_lowercase());
        files.entry(folder.join(name)).or_default().push_str(text);
    }
    let taken: Vec<String> = files.keys().filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
    if !taken.is_empty() && !overwrite {
        exit::say_error(&format!("these files exist: {}", taken.join(", ")), Some("--overwrite replaces them"));
        return Exit::InvalidInput;
    }
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| files.iter().try_for_each(|(path, text)| std::fs::write(path, text)));
    match written {
        Ok(()) => Exit::Done,
        Err(error) => exit::failed(format!("failed to write to {}: {error}", folder.display())),
    }
}
