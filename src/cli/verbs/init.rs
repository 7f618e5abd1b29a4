//! `trueup init`: a small project that applies at once, as a place to start from.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::base::ident::Name;
use crate::cli::Context;
use crate::cli::exit::{self, Exit};
use crate::cli::schemas::PublishedSchema;
use crate::cli::view::{message, terminal};
use crate::kinds::schema::Variety;
use crate::manifest::PROJECT_FILE;

const PROJECT: &str = include_str!("init/trueup.yaml");
const MANIFESTS: &str = include_str!("init/quotes.yaml");
const MANIFESTS_FILE: &str = "quotes.yaml";
const TESTS: &str = include_str!("init/tests.yaml");
const TESTS_FILE: &str = "tests.yaml";
const IGNORE_FILE: &str = ".gitignore";
/// What the project's folder for data is called there.
const IGNORED: &str = ".trueup/";
const SCHEMA_FOLDER: &str = ".trueup/schemas";

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder; made if it does not exist.
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,
}

/// Writes the project.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    let folder = context.working_folder.join(&arguments.path);
    let existing: Vec<&str> = [PROJECT_FILE, MANIFESTS_FILE, TESTS_FILE]
        .into_iter()
        .filter(|file| folder.join(file).symlink_metadata().is_ok())
        .collect();
    if !existing.is_empty() {
        return refused(&arguments.path, &existing);
    }
    match write_all(&folder) {
        Ok(keeps_data_out_of_git) => said(context, &arguments.path, keeps_data_out_of_git),
        Err(Failure { file, error }) if error.kind() == io::ErrorKind::AlreadyExists => {
            refused(&arguments.path, &[&file])
        }
        Err(Failure { file, error }) => {
            exit::failed(format!("failed to write {}: {error}", shown(&arguments.path, &file)))
        }
    }
}

fn refused(folder: &Path, existing: &[&str]) -> Exit {
    let names: Vec<String> = existing.iter().map(|file| shown(folder, file)).collect();
    let verb = if names.len() == 1 { "exists" } else { "exist" };
    let help = "nothing is overwritten: choose another folder, or remove what is there";
    exit::say_error(&format!("{} already {verb}", names.join(" and ")), Some(help));
    Exit::InvalidInput
}

/// A file as it was asked for; the folder itself when there is none.
fn shown(folder: &Path, file: &str) -> String {
    let path = if file.is_empty() { folder.to_owned() } else { folder.join(file) };
    path.display().to_string()
}

/// What could not be written.
struct Failure {
    file: String,
    error: io::Error,
}

/// Writes all files; whether `.gitignore` names the folder for data.
fn write_all(folder: &Path) -> Result<bool, Failure> {
    let failure = |file: &str| {
        let file = file.to_owned();
        move |error| Failure { file, error }
    };
    fs::create_dir_all(folder).map_err(failure(""))?;
    let folder = folder.canonicalize().map_err(failure(""))?;
    let name = Name::from_any(&folder.file_name().unwrap_or_default().to_string_lossy());
    let create = |file: &str, text: &str| {
        // Between the look and the writing somebody else may have made the file.
        let mut file = fs::File::create_new(folder.join(file))?;
        file.write_all(text.as_bytes())
    };
    create(PROJECT_FILE, &PROJECT.replace("@name@", name.as_str())).map_err(failure(PROJECT_FILE))?;
    create(MANIFESTS_FILE, MANIFESTS).map_err(failure(MANIFESTS_FILE))?;
    create(TESTS_FILE, TESTS).map_err(failure(TESTS_FILE))?;
    write_schema(&folder).map_err(failure(SCHEMA_FOLDER))?;
    match create(IGNORE_FILE, &format!("{IGNORED}\n")) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(folder.join(IGNORE_FILE)).unwrap_or_default();
            Ok(text.lines().any(|line| matches!(line.trim().trim_start_matches('/'), IGNORED | ".trueup")))
        }
        Err(error) => Err(failure(IGNORE_FILE)(error)),
    }
}

/// The schema that the manifests' first lines name for editors. It stays out of git: it belongs to the program's version.
fn write_schema(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // The target's data will lie beside it.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder.join(SCHEMA_FOLDER))?;
    let schema = PublishedSchema::Manifest;
    match fs::File::create_new(folder.join(SCHEMA_FOLDER).join(schema.file())) {
        Ok(mut file) => file.write_all(schema.text(Variety::Editor).as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn said(context: &Context, path: &Path, keeps_data_out_of_git: bool) -> Exit {
    if !keeps_data_out_of_git {
        let mut err = terminal::standard_error();
        let text = format!("{} does not name {IGNORED}: add it", path.join(IGNORE_FILE).display());
        // Nobody is left to tell when standard error is closed.
        let _ = message::warning(&mut *err.writer, &text, err.style);
    }
    if context.quiet {
        return Exit::Done;
    }
    let shown = if path == Path::new(".") { String::new() } else { format!(" {}", quoted(path)) };
    let text = format!(
        "Wrote {}, {} and {}. Next:\n\n  trueup validate{shown}\n  trueup test{shown}\n  trueup plan{shown}\n  trueup apply{shown}\n\n\
         After a clone or an upgrade, `trueup schema --out-dir {SCHEMA_FOLDER}` renews the schema for editors.\n",
        path.join(PROJECT_FILE).display(),
        path.join(MANIFESTS_FILE).display(),
        path.join(TESTS_FILE).display(),
    );
    exit::after_writing(terminal::standard_output().writer.write_all(text.as_bytes()), Exit::Done)
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) && !text.starts_with('-');
    if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
