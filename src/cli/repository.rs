//! Where a project lies in its repository: annotations and SARIF name files from the repository's root.

use std::path::{Component, Path, PathBuf};

/// The way from a repository's root to a folder in it, with forward slashes and one at its end; empty for the root
/// itself. Without a repository it is the way from the working folder, and empty where the folder is not beneath that.
#[must_use]
pub fn prefix(folder: &Path, working_folder: &Path) -> String {
    // Both may be written with links in them, and only what is resolved compares.
    let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = resolved(folder);
    let root = folder.ancestors().find(|above| above.join(".git").exists()).map(PathBuf::from);
    let root = root.unwrap_or_else(|| resolved(working_folder));
    let Ok(way) = folder.strip_prefix(&root) else { return String::new() };
    way.components().fold(String::new(), |way, part| match part {
        Component::Normal(name) => way + &name.to_string_lossy() + "/",
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => way,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("teams/adoption");
        std::fs::create_dir_all(&project).unwrap();
        assert_eq!(prefix(&project, folder.path()), "teams/adoption/");
        assert_eq!(prefix(folder.path(), &project), "");
        std::fs::create_dir(folder.path().join("teams/.git")).unwrap();
        assert_eq!(prefix(&project, folder.path()), "adoption/");
        assert_eq!(prefix(&folder.path().join("teams"), &project), "");
    }
}
