//! Reading secrets for the command line, under guard: manifests may come from strangers.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::arguments::SecretArguments;
use crate::base::secret::{SecretRef, SecretText};
use crate::desired::secrets::{SecretProblem, SecretSource};

/// The folder of a project's root in which targets keep their data.
const DATA_FOLDER: &str = ".trueup";
/// The largest secret, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// Reads environment variables, files and the output of commands, as far as flags allow.
#[derive(Debug)]
pub struct GuardedSource {
    root: PathBuf,
    commands: bool,
    folders: Vec<PathBuf>,
}

impl GuardedSource {
    /// A source for a project in `root`. Relative folders start at the working folder.
    #[must_use]
    pub fn new(root: &Path, working_folder: &Path, allowed: &SecretArguments) -> Self {
        let folders = allowed.allow_secret_path.iter().map(|folder| working_folder.join(folder)).collect();
        Self { root: root.to_owned(), commands: allowed.allow_secret_commands, folders }
    }

    fn file(&self, written: &str) -> Result<SecretText, SecretProblem> {
        let unreadable =
            |error: std::io::Error| SecretProblem::Unreadable { path: written.into(), reason: error.to_string() };
        // Links are followed before the place is judged, so that one inside the project cannot lead out of it.
        let file = self.root.join(written).canonicalize().map_err(unreadable)?;
        let allowed = std::iter::once(&self.root).chain(&self.folders);
        let inside = allowed.filter_map(|folder| folder.canonicalize().ok()).any(|folder| file.starts_with(folder));
        if !inside {
            return Err(SecretProblem::NotAllowed(format!(
                "the file {written} is outside the project: allow its folder with --allow-secret-path"
            )));
        }
        if self.belongs_to_a_target(&file) {
            return Err(SecretProblem::NotAllowed(format!(
                "the file {written} belongs to a target's own data, which is no source of secrets"
            )));
        }
        let size = std::fs::metadata(&file).map_err(unreadable)?.len();
        if size > LIMIT {
            return Err(SecretProblem::Unusable("larger than 1 MiB"));
        }
        content(std::fs::read(&file).map_err(unreadable)?)
    }

    /// Whether a file, its links followed, is a database, the key beside one, or anything in the project's data folder:
    /// a manifest of a stranger could otherwise send out the key that all secrets are encrypted under.
    fn belongs_to_a_target(&self, file: &Path) -> bool {
        let in_data = |folder: PathBuf| folder.canonicalize().is_ok_and(|folder| file.starts_with(folder));
        let guarded = in_data(self.root.join(DATA_FOLDER));
        let has_end = |file: &Path, ends: &[&str]| {
            let end = file.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
            ends.contains(&end.as_str())
        };
        let database = |file: &Path| has_end(file, &["db", "db-wal", "db-shm"]) || is_database(file);
        guarded || database(file) || has_end(file, &["key"]) && database(&file.with_extension(""))
    }

    fn command(&self, words: &[String]) -> Result<SecretText, SecretProblem> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(SecretProblem::Unusable("the output of no command"));
        };
        if !self.commands {
            return Err(SecretProblem::NotAllowed(format!(
                "the command `{program}` is not run: allow commands with --allow-secret-commands"
            )));
        }
        let failed = |reason: String| SecretProblem::CommandFailed { program: program.clone(), reason };
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            // What a program says of its failure may quote the secret; it goes to the terminal, never into a report.
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if output.status.success() { content(output.stdout) } else { Err(failed(output.status.to_string())) }
    }
}

impl SecretSource for GuardedSource {
    fn read(&self, reference: &SecretRef) -> Result<SecretText, SecretProblem> {
        match reference {
            SecretRef::FromEnv(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => Ok(SecretText::new(value)),
                Ok(_) | Err(std::env::VarError::NotPresent) => Err(SecretProblem::NotSet(name.clone())),
                Err(std::env::VarError::NotUnicode(_)) => Err(SecretProblem::Unusable("not text")),
            },
            SecretRef::FromFile(path) => self.file(path),
            SecretRef::FromCommand(words) => self.command(words),
        }
    }
}

/// The secret in a file that whoever runs the program names, not a manifest: no guard stands before it.
///
/// # Errors
/// When it cannot be read, is empty, too large or no text.
pub fn of_file(path: &Path) -> Result<SecretText, SecretProblem> {
    let unreadable = |error: std::io::Error| SecretProblem::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT { Err(SecretProblem::Unusable("larger than 1 MiB")) } else { content(bytes) }
}

/// Whether a file begins as databases do.
fn is_database(file: &Path) -> bool {
    let mut start = [0; 16];
    std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"SQLite format 3\0"
}

fn content(bytes: Vec<u8>) -> Result<SecretText, SecretProblem> {
    let mut text = String::from_utf8(bytes).map_err(|_| SecretProblem::Unusable("not text"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() { Err(SecretProblem::Unusable("empty")) } else { Ok(SecretText::new(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(root: &Path, commands: bool, folders: Vec<PathBuf>) -> GuardedSource {
        GuardedSource::new(root, root, &SecretArguments { allow_secret_commands: commands, allow_secret_path: folders })
    }

    #[test]
    fn files_outside_the_project_and_commands_need_permission() -> std::io::Result<()> {
        let project = tempfile::tempdir()?;
        let elsewhere = tempfile::tempdir()?;
        let outside = elsewhere.path().join("key");
        std::fs::write(&outside, "outside\n")?;
        std::fs::write(project.path().join("key"), "inside\r\n")?;
        std::os::unix::fs::symlink(&outside, project.path().join("link"))?;
        let read = |source: &GuardedSource, path: &str| {
            source.read(&SecretRef::FromFile(path.into())).map(|text| text.expose_to_target().to_owned())
        };
        let guarded = source(project.path(), false, Vec::new());
        assert_eq!(read(&guarded, "key"), Ok("inside".into()));
        assert!(matches!(read(&guarded, "link"), Err(SecretProblem::NotAllowed(_))));
        assert!(matches!(read(&guarded, &outside.to_string_lossy()), Err(SecretProblem::NotAllowed(_))));
        let open = source(project.path(), false, vec![elsewhere.path().to_owned()]);
        assert_eq!(read(&open, "link"), Ok("outside".into()));

        let echo = SecretRef::FromCommand(vec!["echo".into(), "hello".into()]);
        assert!(matches!(guarded.read(&echo), Err(SecretProblem::NotAllowed(_))));
        let commands = source(project.path(), true, Vec::new());
        assert!(commands.read(&echo).is_ok_and(|text| text.expose_to_target() == "hello"));
        let fails = SecretRef::FromCommand(vec!["false".into()]);
        assert!(matches!(commands.read(&fails), Err(SecretProblem::CommandFailed { .. })));
        Ok(())
    }

    #[test]
    fn what_belongs_to_a_target_is_no_secret() -> std::io::Result<()> {
        let project = tempfile::tempdir()?;
        let at = |name: &str| project.path().join(name);
        std::fs::create_dir(at(".trueup"))?;
        std::fs::create_dir(at("x"))?;
        let files = [".trueup/local.db.key", ".trueup/other", "else.db", "else.db.key", "odd.sqlite", "odd.sqlite.key"];
        for name in files {
            std::fs::write(at(name), "SQLite format 3\0 and more")?;
        }
        std::fs::write(at("tls.key"), "mine")?;
        std::os::unix::fs::symlink(at(".trueup"), at("folder"))?;
        std::os::unix::fs::symlink(at(".trueup/local.db.key"), at("link"))?;
        // Not even where the folder was allowed.
        let source = source(project.path(), false, vec![at(".trueup")]);
        let absolute = at(files[0]);
        let ways = ["./x/../.trueup/local.db.key", "folder/local.db.key", "link", &*absolute.to_string_lossy()];
        for path in files.into_iter().chain(ways) {
            let read = source.read(&SecretRef::FromFile(path.into()));
            assert!(matches!(read, Err(SecretProblem::NotAllowed(_))), "{path}");
        }
        assert!(source.read(&SecretRef::FromFile("tls.key".into())).is_ok());
        Ok(())
    }
}
