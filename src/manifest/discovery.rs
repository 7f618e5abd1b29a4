//! Finding the project and its manifests on disk.
//!
//! Of a project's folder, these are manifests: `*.yaml`, `*.yml` and `*.json`, in the order of their paths. These are
//! passed over: what begins with a dot (tools keep YAML of their own there), symbolic links (a manifest would be
//! read twice, or the walk never end), what `.trueupignore` files name, and folders with a `trueup.yaml` of their
//! own, which are projects of their own.

use std::fs;
use std::io::{self, Read};
use std::path::{Path as FilePath, PathBuf};

use ignore::WalkBuilder;
use ignore::gitignore::GitignoreBuilder;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::project_file::PROJECT_FILE;
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;

/// Bytes a manifest file may have: positions are 32 bits, and nobody reviews more.
pub const FILE_LIMIT: u64 = 64 << 20;
/// Gitignore syntax; names what is not a manifest.
const IGNORE_FILE: &str = ".trueupignore";

/// What a path stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The project's folder, absolute.
    pub(super) root: PathBuf,
    /// Whether it has a project file.
    pub(super) has_file: bool,
    /// Manifest files, absolute, in the order of their paths.
    pub(super) files: Vec<PathBuf>,
    /// The file or folder that was asked for, where it is not the whole project: the rest is read to make sense of it.
    pub(super) asked: Option<PathBuf>,
    /// Whether the project may have manifests that are not among the files.
    pub(super) partial: bool,
}

/// Finds the project of a path and the manifests the path stands for.
pub(super) fn find(
    path: &FilePath,
    written: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Found, Box<Diagnostic>> {
    let path = fs::canonicalize(path).map_err(|error| Box::new(unreadable(written, &error)))?;
    let kind = fs::metadata(&path).map_err(|error| Box::new(unreadable(written, &error)))?;
    let is_project_file = path.file_name().is_some_and(|name| name == PROJECT_FILE);
    let folder = path.parent().unwrap_or(&path);
    if kind.is_file() && !is_project_file {
        let (root, has_file) = project_of(folder);
        // Without a project file nothing says that what lies beside a file belongs to it.
        if !has_file {
            return Ok(Found { root, has_file, files: vec![path], asked: None, partial: true });
        }
        let mut files = walk(&root, diagnostics);
        // A file that was asked for by name counts even where discovery would pass it over.
        if !files.contains(&path) {
            files.push(path.clone());
            files.sort_by_cached_key(|file| shown_path(&root, file));
        }
        return Ok(Found { root, has_file, files, asked: Some(path), partial: false });
    }
    if !kind.is_dir() && !kind.is_file() {
        let message = format!("{written} cannot be read: it is neither a file nor a folder");
        return Err(Box::new(Diagnostic::error(Code::UnreadableFile, message).in_file(written)));
    }
    let start = if kind.is_file() { folder } else { &path };
    let (root, has_file) = project_of(start);
    let files = walk(&root, diagnostics);
    let asked = (root != start).then(|| start.to_owned());
    Ok(Found { root, has_file, files, asked, partial: false })
}

/// The nearest folder with a project file, from `folder` upwards; `folder` itself if there is none.
pub(super) fn project_of(folder: &FilePath) -> (PathBuf, bool) {
    let found = folder.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file());
    (found.unwrap_or(folder).to_owned(), found.is_some())
}

/// All manifest files of a project.
fn walk(root: &FilePath, diagnostics: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut builder = WalkBuilder::new(root);
    builder.standard_filters(false).follow_links(false).add_custom_ignore_filename(IGNORE_FILE);
    let top = root.to_owned();
    builder.filter_entry(move |entry| {
        let path = entry.path();
        if path == top {
            return true;
        }
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let is_project = is_folder && path.join(PROJECT_FILE).is_file();
        !is_hidden && !is_project
    });
    let mut files = Vec::new();
    for entry in builder.build() {
        match entry {
            Err(error) => diagnostics.push(walk_error(root, &error)),
            Ok(entry) => {
                if let Some(error) = entry.error().filter(|error| error.io_error().is_some()) {
                    diagnostics.push(walk_error(root, error));
                }
                if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                    check_patterns(root, &entry.path().join(IGNORE_FILE), diagnostics);
                }
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                let is_project_file = entry.file_name() == PROJECT_FILE && entry.depth() == 1;
                let extension = entry.path().extension().and_then(|extension| extension.to_str());
                if is_file && !is_project_file && matches!(extension, Some("yaml" | "yml" | "json")) {
                    files.push(entry.into_path());
                }
            }
        }
    }
    files.sort_by_cached_key(|file| shown_path(root, file));
    files
}

/// Reports the lines of an ignore file that are no patterns: what they were to name would be loaded.
fn check_patterns(root: &FilePath, file: &FilePath, diagnostics: &mut Vec<Diagnostic>) {
    // That it cannot be read is said by the walk.
    let Ok(text) = fs::read_to_string(file) else { return };
    let shown = shown_path(root, file);
    for (at, line) in text.lines().enumerate() {
        let mut builder = GitignoreBuilder::new(root);
        // Taken literally otherwise, which nobody means.
        builder.allow_unclosed_class(false);
        let Err(error) = builder.add_line(None, line) else { continue };
        let reason = match &error {
            ignore::Error::Glob { err, .. } => err.clone(),
            error => error.to_string(),
        };
        let message = format!("line {} of {shown} is not a pattern: {reason}", at + 1);
        diagnostics.push(Diagnostic::error(Code::UnreadableFile, message).in_file(shown.clone()));
    }
}

fn walk_error(root: &FilePath, error: &ignore::Error) -> Diagnostic {
    let path = place_of(error).map_or_else(String::new, |path| shown_path(root, path));
    let reason = error.io_error().map_or_else(|| error.to_string(), reason);
    Diagnostic::error(Code::UnreadableFile, format!("{} cannot be read: {reason}", subject(&path))).in_file(path)
}

fn place_of(error: &ignore::Error) -> Option<&FilePath> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => place_of(err),
        ignore::Error::Partial(errors) => errors.iter().find_map(place_of),
        _ => None,
    }
}

/// A file's path as people see it: relative to the project's folder, with forward slashes.
pub(super) fn shown_path(root: &FilePath, file: &FilePath) -> String {
    let relative = file.strip_prefix(root).unwrap_or(file);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    if relative.is_absolute() { relative.display().to_string() } else { parts.join("/") }
}

/// Reads a file as text, without its byte order mark.
pub(super) fn read_text(path: &FilePath, shown: &str) -> Result<String, Box<Diagnostic>> {
    let bytes = read_bytes(path).map_err(|error| Box::new(unreadable(shown, &error)))?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(Box::new(too_large(shown)));
    }
    text_of(bytes, shown)
}

/// What a file of this size is refused with.
pub(super) fn too_large(shown: &str) -> Diagnostic {
    let message = format!("{shown} is over the limit of {} MiB", FILE_LIMIT >> 20);
    Diagnostic::error(Code::TooLarge, message).in_file(shown).help("split it, or name it in .trueupignore")
}

fn read_bytes(path: &FilePath) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let size = file.metadata()?.len().min(FILE_LIMIT);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    // A file may grow while it is read; one byte over the limit is enough to know.
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text_of(bytes: Vec<u8>, shown: &str) -> Result<String, Box<Diagnostic>> {
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            Ok(text)
        }
        Err(error) => {
            let message = format!("{shown} is not UTF-8 text (byte {})", error.utf8_error().valid_up_to() + 1);
            let help = "save it as UTF-8, or name it in .trueupignore";
            Err(Box::new(Diagnostic::error(Code::NotText, message).in_file(shown).help(help)))
        }
    }
}

/// Whether a file is JSON by its name.
pub(super) fn is_json(path: &FilePath) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// Whether a JSON text is a saved plan, which is no manifest.
pub(super) fn is_saved_plan(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Top {
        #[serde(rename = "format_version")]
        version: Option<IgnoredAny>,
    }
    // The cheap test comes first: hardly any manifest has the word.
    // The report of an apply is lines of JSON, of which the first says as much.
    let first = || serde_json::Deserializer::from_str(text).into_iter::<Top>().next();
    text.contains("\"format_version\"") && first().is_some_and(|top| top.is_ok_and(|top| top.version.is_some()))
}

/// The diagnostic of a file or folder the operating system does not give out.
pub(super) fn unreadable(shown: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::error(Code::UnreadableFile, format!("{} cannot be read: {}", subject(shown), reason(error)))
        .in_file(shown)
}

/// What a message is about, by the path that people see.
fn subject(shown: &str) -> &str {
    if shown.is_empty() { "the project's folder" } else { shown }
}

/// The reason in words that are the same on every system, where there are such.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
