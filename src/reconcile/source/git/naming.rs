//! What a person may name of a repository: a ref, and folders.

use std::path::{Component, Path, PathBuf};

use crate::reconcile::source::SourceError;

/// A branch's name made a whole ref. What git would take for a pattern or an option is none.
pub(super) fn full_reference(reference: &str) -> Result<String, SourceError> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '+' | '@' | '#' | '=' | ',');
    let fits = !reference.is_empty()
        && !reference.starts_with(['-', '/', '.'])
        && !reference.ends_with(['/', '.'])
        && !reference.contains("..")
        && reference.chars().all(plain);
    match fits {
        false => Err(SourceError::NoRef(reference.to_owned())),
        true if reference.starts_with("refs/") => Ok(reference.to_owned()),
        true => Ok(format!("refs/heads/{reference}")),
    }
}

/// The folders of projects, each once and without detours; the repository's own where none is named. What would lead
/// out of it is none.
pub(super) fn folders(paths: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let mut folders: Vec<PathBuf> = Vec::with_capacity(paths.len());
    for path in paths {
        let folder = folder(path).ok_or_else(|| SourceError::NoFolder(path.display().to_string()))?;
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    if folders.is_empty() {
        folders.push(PathBuf::new());
    }
    Ok(folders)
}

fn folder(path: &Path) -> Option<PathBuf> {
    let plain = |part| match part {
        Component::Normal(name) => Some(Some(name)),
        Component::CurDir => Some(None),
        Component::Prefix(_) | Component::RootDir | Component::ParentDir => None,
    };
    let parts: Vec<_> = path.components().map(plain).collect::<Option<_>>()?;
    Some(parts.into_iter().flatten().collect())
}
