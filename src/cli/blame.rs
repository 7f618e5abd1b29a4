//! Who last changed the lines that a plan's changes come from, asked of `git`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;

use crate::plan::Plan;
use crate::plan::plan_value::{Blame, Change, Origin};

/// Lines that are asked of one process: a command line has a length limit.
const LINES_AT_ONCE: usize = 2_000;
/// Bytes of a commit's summary that are kept.
const SUMMARY_LIMIT: usize = 200;

/// Why nobody can be named.
#[derive(Debug, thiserror::Error)]
pub enum BlameError {
    /// There is no `git`.
    #[error("ask git who changed a line: git cannot be started")]
    NoGit(#[source] std::io::Error),
    /// It refuses, for example because the project is in no repository.
    #[error("ask git who changed a line of {file}: {reason}")]
    Refused {
        /// Relative to the project's folder.
        file: String,
        /// Its first line on standard error.
        reason: String,
    },
}

/// Adds to every change the commit that last changed its line.
///
/// A file that no commit has, and a line that was changed since, stay without: [`Blame`] is of commits.
///
/// # Errors
/// When git cannot be asked.
pub fn add(plan: &mut Plan, root: &Path) -> Result<(), BlameError> {
    let mut wanted: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for origin in origins(plan) {
        wanted.entry(origin.location.file.to_string()).or_default().insert(origin.location.line);
    }
    let mut found: BTreeMap<String, BTreeMap<u32, Blame>> = BTreeMap::new();
    for (file, lines) in wanted {
        if !is_tracked(root, &file)? {
            continue;
        }
        let lines: Vec<u32> = lines.into_iter().collect();
        let of_file = found.entry(file.clone()).or_default();
        for some in lines.chunks(LINES_AT_ONCE) {
            of_file.extend(ask(root, &file, some)?);
        }
    }
    for origin in origins(plan) {
        let of_file = found.get(&*origin.location.file);
        origin.blame = of_file.and_then(|lines| lines.get(&origin.location.line)).cloned();
    }
    Ok(())
}

fn origins(plan: &mut Plan) -> impl Iterator<Item = &mut Origin> {
    let of_actions = plan.actions.iter_mut().flat_map(|action| &mut action.changes);
    let of_drift = plan.drift.iter_mut().flat_map(|drift| &mut drift.changes);
    of_actions.chain(of_drift).filter_map(|change: &mut Change| change.origin.as_mut())
}

/// `git`, in a folder, with nothing that waits for a person or runs what a repository configures.
fn git(root: &Path, arguments: &[OsString]) -> Result<std::process::Output, BlameError> {
    Command::new("git")
        .args(["--no-pager", "-c", "core.fsmonitor=false", "-c", "blame.ignoreRevsFile="])
        .args(arguments)
        .current_dir(root)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(BlameError::NoGit)
}

fn is_tracked(root: &Path, file: &str) -> Result<bool, BlameError> {
    let output = git(root, &["ls-tree".into(), "--name-only".into(), "HEAD".into(), "--".into(), file.into()])?;
    if output.status.success() { Ok(!output.stdout.is_empty()) } else { Err(refused(file, &output.stderr)) }
}

fn refused(file: &str, stderr: &[u8]) -> BlameError {
    let text = String::from_utf8_lossy(stderr);
    let reason = text.lines().next().unwrap_or("git says nothing").trim_start_matches("fatal: ").to_owned();
    BlameError::Refused { file: file.to_owned(), reason }
}

fn ask(root: &Path, file: &str, lines: &[u32]) -> Result<BTreeMap<u32, Blame>, BlameError> {
    let mut arguments: Vec<OsString> = vec!["blame".into(), "--line-porcelain".into()];
    arguments.extend(lines.iter().map(|line| format!("-L{line},{line}").into()));
    arguments.extend(["--".into(), file.into()]);
    let output = git(root, &arguments)?;
    if !output.status.success() {
        return Err(refused(file, &output.stderr));
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads `git blame --line-porcelain`: for each line a header `<commit> <line then> <line now>`, then `<key> <value>`, then
/// the line itself behind a tab.
fn parse(text: &str) -> BTreeMap<u32, Blame> {
    let mut found = BTreeMap::new();
    let mut header: Option<(String, u32)> = None;
    let (mut author, mut at, mut summary) = (String::new(), None, String::new());
    for line in text.lines() {
        if line.starts_with('\t') {
            if let (Some((commit, line)), Some(at)) = (header.take(), at.take())
                // What no commit has is all zeros.
                && commit.bytes().any(|digit| digit != b'0')
            {
                let (author, summary) = (std::mem::take(&mut author), std::mem::take(&mut summary));
                found.insert(line, Blame { commit, author, at, summary });
            }
            continue;
        }
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "author" => value.clone_into(&mut author),
            "author-time" => at = value.parse().ok().and_then(|second| Timestamp::from_second(second).ok()),
            "summary" => {
                summary = value.chars().take(SUMMARY_LIMIT).collect();
            }
            commit if commit.len() >= 40 && commit.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                let now = value.split(' ').nth(1).and_then(|line| line.parse().ok());
                header = now.map(|line| (commit.to_owned(), line));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_commits_are_read_and_those_of_none_are_not() {
        let text = "3f2a1bc0000000000000000000000000000000aa 7 9 1\nauthor Ana\nauthor-time 1763800000\nsummary Widen the survey\nfilename a.yaml\n\t  score: 7\n\
                    0000000000000000000000000000000000000000 1 2 1\nauthor Not Committed Yet\nauthor-time 1763800001\nsummary Version of a.yaml\n\tx: author Bo\n";
        let found = parse(text);
        assert_eq!(found.len(), 1);
        let blame = &found[&9];
        assert_eq!((blame.author.as_str(), blame.summary.as_str()), ("Ana", "Widen the survey"));
        assert_eq!(blame.at.as_second(), 1_763_800_000);
    }
}
