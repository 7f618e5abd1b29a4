//! Running `git`: without a terminal, within a time, with a bound on what it may say.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::reconcile::source::SourceError;

/// How long one command may take.
const LIMIT: Duration = Duration::from_mins(5);
/// How much of an output is kept.
const KEPT: u64 = 1024 * 1024;
/// How much of what it complains of is told.
const TOLD: usize = 500;

/// Settings of every call: no hooks of the clone run, and a connection that stands still ends.
const SETTINGS: [&str; 10] = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "http.lowSpeedLimit=1000",
    "-c",
    "http.lowSpeedTime=60",
    "-c",
    "advice.detachedHead=false",
    "-c",
    "gc.auto=0",
];

/// Git in a folder.
pub(super) struct Git<'f> {
    folder: &'f Path,
    ssh: Option<&'static str>,
    interrupted: fn() -> bool,
}

/// How a command ended.
enum Ended {
    /// By itself.
    ByItself(ExitStatus),
    /// It was ended because its time was over.
    TooSlow,
    /// It was ended because somebody asked to stop.
    Interrupted,
}

impl<'f> Git<'f> {
    /// `ssh` is run in place of `ssh` where it is given; `interrupted` says whether somebody asked to stop.
    pub(super) fn within(folder: &'f Path, ssh: Option<&'static str>, interrupted: fn() -> bool) -> Self {
        Self { folder, ssh, interrupted }
    }

    /// Runs a command to its end; what it wrote on standard output.
    pub(super) fn run(&self, action: &str, words: &[&str]) -> Result<String, SourceError> {
        let mut child = Command::new("git")
            .arg("-C")
            .arg(self.folder)
            .args(SETTINGS)
            .args(words)
            // Whatever repository the surroundings are about, this is about the clone.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .env("GIT_TERMINAL_PROMPT", "0")
            .envs(self.ssh.iter().map(|command| ("GIT_SSH_COMMAND", command)))
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| SourceError::NoGit(error.to_string()))?;
        let out = read(child.stdout.take());
        let err = read(child.stderr.take());
        let ended = wait(&mut child, self.interrupted).map_err(|error| SourceError::NoGit(error.to_string()))?;
        // What git has started may hold the pipes for a while longer: they are not waited for.
        let status = match ended {
            Ended::ByItself(status) => status,
            Ended::TooSlow => {
                return Err(SourceError::TooSlow { action: action.to_owned(), seconds: LIMIT.as_secs() });
            }
            Ended::Interrupted => return Err(SourceError::Interrupted { action: action.to_owned() }),
        };
        let (out, err) = (joined(out), joined(err));
        if status.success() { Ok(out) } else { Err(SourceError::Git { action: action.to_owned(), said: told(&err) }) }
    }
}

/// Waits for the end, or until the time is over or somebody asks to stop, and then ends it.
fn wait(child: &mut Child, interrupted: fn() -> bool) -> std::io::Result<Ended> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::ByItself(status));
        }
        let stopped = interrupted();
        if stopped || begin.elapsed() > LIMIT {
            let _ = child.kill();
            child.wait()?;
            return Ok(if stopped { Ended::Interrupted } else { Ended::TooSlow });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Reads a pipe to its end beside the process, which would otherwise wait for room in it.
fn read(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still of use.
            let _ = pipe.by_ref().take(KEPT).read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        String::from_utf8_lossy(&kept).into_owned()
    })
}

fn joined(reading: JoinHandle<String>) -> String {
    reading.join().unwrap_or_default()
}

/// The last words of a complaint, in one line; without passwords that stand in addresses.
fn told(err: &str) -> String {
    let lines: Vec<&str> = err.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let words = lines.join(" · ");
    let words: Vec<String> = words.split(' ').map(without_password).collect();
    words.join(" ").chars().take(TOLD).collect()
}

/// `https://user:secret@host/…` becomes `https://…@host/…`.
pub(super) fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..authority_end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://…{}", rest.get(at..).unwrap_or_default()),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn complaints_are_short_and_tell_no_password() {
        let said = told("fatal: Authentication failed for 'https://kim:s3cret@git.test/a.git/'\nhint: x\n");
        assert_eq!(said, "fatal: Authentication failed for 'https://…@git.test/a.git/' · hint: x");
        assert_eq!(told(&"x".repeat(5_000)).len(), 500);
    }
}
