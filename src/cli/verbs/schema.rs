//! `trueup schema`: the JSON Schemas of manifests, the project file and plans.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::base::diagnostic::nearest;
use crate::cli::Context;
use crate::cli::exit::{self, Exit};
use crate::cli::schemas::PublishedSchema;
use crate::cli::view::style::count;
use crate::cli::view::{message, terminal};
use crate::kinds::schema::Variety;

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A kind, or `manifest`, `manifest-draft-07`, `project`, `plan`; absent: lists them.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The schemas for authors, in which variable references stand where other values will: the default, and stronger than --strict.
    #[arg(long)]
    editor: bool,
    /// The schemas of manifests whose variables are replaced.
    #[arg(long)]
    strict: bool,
    /// Write into this folder, without a name all of them.
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
}

/// Prints, lists or writes schemas.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let Arguments { name, editor, strict, out_dir } = arguments;
    // No conflict of arguments: one of them may come from the environment and be meant for other runs.
    let variety = if *strict && !editor { Variety::Strict } else { Variety::Editor };
    let named = match name.as_deref().map(|name| PublishedSchema::named(name).ok_or(name)) {
        Some(Err(name)) => return unknown(name),
        Some(Ok(schema)) => Some(schema),
        None => None,
    };
    let printed = match (named, out_dir) {
        (None, Some(folder)) => return write_files(context, folder, &PublishedSchema::all(), variety),
        (Some(schema), Some(folder)) => return write_files(context, folder, &[schema], variety),
        (Some(schema), None) => terminal::standard_output().writer.write_all(schema.text(variety).as_bytes()),
        (None, None) => list(&mut *terminal::standard_output().writer),
    };
    exit::after_writing(printed, Exit::Done)
}

fn unknown(name: &str) -> Exit {
    let names: Vec<String> = PublishedSchema::all().into_iter().map(PublishedSchema::name).collect();
    let help = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    exit::say_error(&format!("there is no schema `{name}`"), Some(&help));
    Exit::Usage
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    let all = PublishedSchema::all();
    let width = all.iter().map(|schema| schema.name().len()).max().unwrap_or_default();
    all.into_iter().try_for_each(|schema| writeln!(out, "{:width$}  {}", schema.name(), schema.about()))
}

fn write_files(context: &Context, folder: &Path, schemas: &[PublishedSchema], variety: Variety) -> Exit {
    let path = context.working_folder.join(folder);
    let written = std::fs::create_dir_all(&path).and_then(|()| {
        schemas.iter().try_for_each(|schema| std::fs::write(path.join(schema.file()), schema.text(variety)))
    });
    match written {
        Err(error) => exit::failed(format!("failed to write schemas into {}: {error}", folder.display())),
        Ok(()) if context.quiet => Exit::Done,
        Ok(()) => {
            let mut err = terminal::standard_error();
            let text = format!("Wrote {} into {}.", count(schemas.len(), "schema"), folder.display());
            // Nobody is left to tell when standard error is closed.
            let _ = message::note(&mut *err.writer, &text, err.style);
            Exit::Done
        }
    }
}
