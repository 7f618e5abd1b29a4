//! The load: files are read, and each document parsed, patched, resolved and handed on, before the next is looked at.
//!
//! Only what the caller makes of a document is kept. Keeping all trees of a large project costs three times the
//! memory. Files are shared out over threads; the results come in the order of files and documents all the same.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use super::discovery::{self, FILE_LIMIT, Found};
use super::finish::{Context, finish};
use super::project::{Prepared, Project, prepare};
use super::project_file::PROJECT_FILE;
use super::settings::Given;
use super::yaml::{self, Tree};
use crate::base::diagnostic::Diagnostic;
use crate::base::ident::Name;
use crate::base::positions::Positions;
use crate::base::source::{FileId, SourceMap, Span};

/// What standard input is called in positions.
pub const STDIN_NAME: &str = "<stdin>";

/// Where manifests come from.
#[derive(Clone, Debug)]
pub enum Input {
    /// A project's folder, a folder within it, or one file.
    Path(PathBuf),
    /// The text of standard input; the project is that of the working folder.
    Stdin(String),
}

/// What to load and for which target.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Where manifests come from; a relative path starts at `working_folder`.
    pub path: Input,
    /// An absolute folder.
    pub working_folder: PathBuf,
    /// `--target`.
    pub target: Option<Name>,
    /// `--var`, in the order given: name and text. The last of a name counts.
    pub vars: Vec<(String, String)>,
    /// `--var-file`, in the order given; relative paths start at `working_folder`. A later file wins.
    pub var_files: Vec<PathBuf>,
    /// Threads to read with; absent: as many as the machine has.
    pub threads: Option<NonZeroUsize>,
}

/// One document, ready for its schema.
#[derive(Debug)]
pub struct Document {
    /// The file it is in.
    pub file: FileId,
    /// All of it, before any patch.
    pub span: Span,
    /// Its value: patched, variables replaced, without fields that were null.
    pub value: Value,
    /// Where each value of it stands.
    pub positions: Positions,
    /// False when a problem of this document was reported already. Its identity can be trusted; further findings may
    /// be consequences.
    pub sound: bool,
}

/// What a load found. Errors among the diagnostics mean that manifests may be missing.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The project and its chosen target.
    pub project: Project,
    /// What was made of each document, in the order of files and documents.
    pub items: Vec<T>,
    /// All problems of this stage, in the same order.
    pub diagnostics: Vec<Diagnostic>,
    /// All files read.
    pub sources: SourceMap,
    /// The files that were asked for, where the path is not the whole project's.
    pub asked: Option<BTreeSet<FileId>>,
    /// Whether the project may have manifests that were not read, so that nothing may be pruned.
    pub partial: bool,
}

/// There is not even a project to speak of: the path, the project file, or the target.
#[derive(Debug, thiserror::Error)]
#[error("load the project")]
pub struct Failure {
    /// What is wrong; at least one error.
    pub diagnostics: Vec<Diagnostic>,
    /// The files they point into.
    pub sources: SourceMap,
}

/// Loads a project: `each` is called for every document, on any thread, and its results are kept in order.
///
/// # Errors
/// When the path cannot be read, the project file is broken, or the target does not exist. Everything that is wrong
/// with manifests comes as diagnostics instead, all of it.
pub fn load<T: Send>(options: &LoadOptions, each: &(dyn Fn(Document) -> T + Sync)) -> Result<Loaded<T>, Failure> {
    let mut sources = SourceMap::default();
    let mut diagnostics = Vec::new();
    let Some((found, inputs)) = inputs(options, &mut diagnostics) else { return Err(Failure { diagnostics, sources }) };
    let Some(prepared) = project(options, &found, &mut sources, &mut diagnostics) else {
        return Err(Failure { diagnostics, sources });
    };
    let first = sources.files().len();
    let results = read_all(&inputs, first, options.threads, &prepared, each);

    let before = diagnostics.len();
    let mut items = Vec::with_capacity(results.iter().map(|result| result.items.len()).sum());
    let mut addresses = Vec::new();
    let mut asked = found.asked.as_ref().map(|_| BTreeSet::new());
    for (result, input) in results.into_iter().zip(inputs) {
        let file = sources.add(input.shown, result.text);
        items.extend(result.items);
        if input.asked {
            diagnostics.extend(result.diagnostics);
            if let Some(asked) = &mut asked {
                asked.insert(file);
            }
        }
        addresses.extend(result.addresses);
    }
    // With a part of the manifests, or with some that could not be read, that a patch met nothing means nothing.
    if !found.partial && asked.is_none() && diagnostics.len() == before {
        prepared.patches.report_unmet(&addresses, &mut diagnostics);
    }
    Ok(Loaded { project: prepared.project, items, diagnostics, sources, asked, partial: found.partial })
}

/// One thing to read.
struct ManifestSource {
    shown: String,
    text: Text,
    /// Whether it was asked for, rather than read to make sense of what was.
    asked: bool,
}

enum Text {
    File(PathBuf),
    Given(Arc<str>),
}

fn inputs(options: &LoadOptions, diagnostics: &mut Vec<Diagnostic>) -> Option<(Found, Vec<ManifestSource>)> {
    match &options.path {
        Input::Stdin(text) => {
            if text.len() as u64 > FILE_LIMIT {
                diagnostics.push(discovery::too_large(STDIN_NAME));
                return None;
            }
            let (root, has_file) = discovery::project_of(&options.working_folder);
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            let source = ManifestSource { shown: STDIN_NAME.to_owned(), text: Text::Given(text.into()), asked: true };
            Some((Found { root, has_file, files: Vec::new(), asked: None, partial: true }, vec![source]))
        }
        Input::Path(path) => {
            match discovery::find(&options.working_folder.join(path), &path.display().to_string(), diagnostics) {
                Ok(found) => {
                    let source = |file: &PathBuf| ManifestSource {
                        shown: discovery::shown_path(&found.root, file),
                        text: Text::File(file.clone()),
                        asked: found.asked.as_ref().is_none_or(|asked| file.starts_with(asked)),
                    };
                    let sources = found.files.iter().map(source).collect();
                    Some((found, sources))
                }
                Err(diagnostic) => {
                    diagnostics.push(*diagnostic);
                    None
                }
            }
        }
    }
}

fn project(
    options: &LoadOptions,
    found: &Found,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Prepared> {
    let mut read = |path: PathBuf, shown: String, diagnostics: &mut Vec<Diagnostic>| {
        let text: Arc<str> = match discovery::read_text(&path, &shown) {
            Ok(text) => text.into(),
            Err(diagnostic) => {
                diagnostics.push(*diagnostic);
                return None;
            }
        };
        let shown: Arc<str> = shown.into();
        let id = sources.add(Arc::clone(&shown), Arc::clone(&text));
        Some((shown, id, text))
    };
    let file = if found.has_file {
        Some(read(found.root.join(PROJECT_FILE), PROJECT_FILE.to_owned(), diagnostics)?)
    } else {
        None
    };
    let mut files = Vec::new();
    for path in &options.var_files {
        files.push(read(options.working_folder.join(path), path.display().to_string(), diagnostics)?);
    }
    let given = Given { vars: &options.vars, files: &files };
    let file = file.as_ref().map(|(_, id, text)| (*id, &**text));
    prepare(&found.root, file, options.target.as_ref(), &given, diagnostics)
}

/// What became of one file.
struct FileResult<T> {
    text: Arc<str>,
    items: Vec<T>,
    diagnostics: Vec<Diagnostic>,
    /// Addresses of its documents, if there are patches to compare them with.
    addresses: Vec<String>,
}

fn read_all<T: Send>(
    inputs: &[ManifestSource],
    first: usize,
    threads: Option<NonZeroUsize>,
    prepared: &Prepared,
    each: &(dyn Fn(Document) -> T + Sync),
) -> Vec<FileResult<T>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(at) else { return done };
            let file = FileId(u32::try_from(first + at).unwrap_or(u32::MAX));
            done.push((at, read_one(input, file, prepared, each)));
        }
    };
    let wanted = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let mut done: Vec<(usize, FileResult<T>)> = if wanted.min(inputs.len()) <= 1 {
        work()
    } else {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..wanted.min(inputs.len())).map(|_| scope.spawn(work)).collect();
            let join = |worker: thread::ScopedJoinHandle<'_, _>| match worker.join() {
                Ok(done) => done,
                // A panic of `each` is the caller's, not something to go on after.
                Err(panic) => std::panic::resume_unwind(panic),
            };
            workers.into_iter().flat_map(join).collect()
        })
    };
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn read_one<T>(
    input: &ManifestSource,
    file: FileId,
    prepared: &Prepared,
    each: &(dyn Fn(Document) -> T + Sync),
) -> FileResult<T> {
    let mut result = FileResult { text: "".into(), items: Vec::new(), diagnostics: Vec::new(), addresses: Vec::new() };
    let text: Arc<str> = match &input.text {
        Text::Given(text) => Arc::clone(text),
        Text::File(path) => match discovery::read_text(path, &input.shown) {
            Ok(text) if discovery::is_json(path) && discovery::is_saved_plan(&text) => return result,
            Ok(text) => text.into(),
            Err(diagnostic) => {
                result.diagnostics.push(*diagnostic);
                return result;
            }
        },
    };
    let mut sources = vec![(file, &*text)];
    sources.extend(prepared.text.as_ref().map(|(id, text)| (*id, &**text)));
    let FileResult { items, diagnostics, addresses, .. } = &mut result;
    // The documents' own problems are gathered apart, because the loader holds the list while it calls back.
    let mut found = Vec::new();
    yaml::read(file, &text, diagnostics, &mut |Tree { mut root, sound }| {
        let address = root.address();
        let span = root.span;
        if let (Some(address), false) = (&address, prepared.patches.is_empty()) {
            prepared.patches.apply(address, &mut root);
            addresses.push(address.clone());
        }
        let before = found.len();
        let context = Context {
            variables: Some(&prepared.variables),
            sources: &sources,
            address: address.as_deref(),
            allows_null: &|_| false,
        };
        let (value, positions) = finish(root, &context, &mut found);
        items.push(each(Document { file, span, value, positions, sound: sound && found.len() == before }));
    });
    diagnostics.append(&mut found);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.filter(|span| span.file == file).map(|span| span.start));
    result.text = text;
    result
}

#[cfg(test)]
mod tests;
