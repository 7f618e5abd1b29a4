//! Running `git`: without a terminal, within a time, with a bound on what it may say.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::reconcile::source::SourceError;

/// How long one command may take.
const LIMIT: Duration = Duration::from_mins(5);
/// How much of an output is kept.
const KEPT: usize = 1024 * 1024;
/// How long the end of an output is waited for once git has ended. What it has started may hold the pipe for as long as
/// that lives: an `ssh` that keeps a connection open for others does.
const LINGER: Duration = Duration::from_secs(2);
/// How much of what it complains of is told.
const TOLD: usize = 500;

/// Settings of every call: no hooks of the clone run, a connection that stands still ends, and no command line, with what
/// its address may hold, is written down.
const SETTINGS: [&str; 12] = [
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
    "-c",
    "core.logAllRefUpdates=false",
];

/// Git in a folder.
pub(super) struct Git<'f> {
    folder: &'f Path,
    lock: &'f File,
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
    /// `lock` is an empty file: each git has it as its input, so that who locked it keeps it locked until the last git
    /// has ended, even one that outlives this process. `ssh` is run in place of `ssh` where it is given; `interrupted`
    /// says whether somebody asked to stop.
    pub(super) fn within(
        folder: &'f Path,
        lock: &'f File,
        ssh: Option<&'static str>,
        interrupted: fn() -> bool,
    ) -> Self {
        Self { folder, lock, ssh, interrupted }
    }

    /// Runs a command to its end; what it wrote on standard output.
    pub(super) fn run(&self, action: &str, words: &[&str]) -> Result<String, SourceError> {
        let input = self.lock.try_clone().map_err(|error| SourceError::NoGit(error.to_string()))?;
        let mut child = Command::new("git")
            .arg("-C")
            .arg(self.folder)
            .args(SETTINGS)
            .args(words)
            // Whatever repository the surroundings are about, this is about the clone.
            .env_remove("GIT_DIR")
            .env_remove("GIT_COMMON_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_OBJECT_DIRECTORY")
            .env_remove("GIT_ALTERNATE_OBJECT_DIRECTORIES")
            .env_remove("GIT_NAMESPACE")
            .env("GIT_TERMINAL_PROMPT", "0")
            .envs(self.ssh.iter().map(|command| ("GIT_SSH_COMMAND", command)))
            .env("LC_ALL", "C")
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| SourceError::NoGit(error.to_string()))?;
        let out = read(child.stdout.take());
        let err = read(child.stderr.take());
        let ended = wait(&mut child, self.interrupted).map_err(|error| SourceError::NoGit(error.to_string()))?;
        let status = match ended {
            Ended::ByItself(status) => status,
            Ended::TooSlow => {
                return Err(SourceError::TooSlow { action: action.to_owned(), seconds: LIMIT.as_secs() });
            }
            Ended::Interrupted => return Err(SourceError::Interrupted { action: action.to_owned() }),
        };
        let (out, err) = (out.end(), err.end());
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

/// A pipe that is read beside the process, which would otherwise wait for room in it.
struct Reading {
    kept: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

fn read(pipe: Option<impl Read + Send + 'static>) -> Reading {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let filled = Arc::clone(&kept);
    let reader = thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut part = [0; 8 * 1024];
        // What was read before an error is still of use.
        while let Ok(length @ 1..) = pipe.read(&mut part) {
            let mut kept = filled.lock().unwrap_or_else(PoisonError::into_inner);
            let room = KEPT.saturating_sub(kept.len());
            kept.extend(part.iter().take(length.min(room)));
        }
    });
    Reading { kept, reader }
}

impl Reading {
    /// What was written, the process having ended.
    fn end(self) -> String {
        let begin = Instant::now();
        while !self.reader.is_finished() && begin.elapsed() < LINGER {
            thread::sleep(Duration::from_millis(1));
        }
        String::from_utf8_lossy(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
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
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // A password may hold what it should not: what then looks like a port is none.
    let host = authority.rsplit(']').next().unwrap_or(authority);
    let odd = host.split_once(':').is_some_and(|(_, port)| port.bytes().any(|byte| !byte.is_ascii_digit()));
    match if odd { rest.rfind('@') } else { authority.rfind('@') } {
        Some(at) => format!("{scheme}://…{}", rest.get(at..).unwrap_or_default()),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, Instant};

    use super::{Git, LINGER, told};

    #[test]
    fn complaints_are_short_and_tell_no_password() {
        let said = told("fatal: Authentication failed for 'https://kim:s3cret@git.test/a.git/'\nhint: x\n");
        assert_eq!(said, "fatal: Authentication failed for 'https://…@git.test/a.git/' · hint: x");
        assert_eq!(told("'https://kim:s3/cr@et@git.test/a.git/': bad"), "'https://…@git.test/a.git/': bad");
        for plain in ["https://git.test:8443/a@b.git", "https://[::1]:8443/a@b.git", "ssh://git.test/~kim/a.git"] {
            assert_eq!(told(plain), plain);
        }
        assert_eq!(told("ssh://git:x@[::1]:22/a.git"), "ssh://…@[::1]:22/a.git");
        assert_eq!(told(&"x".repeat(5_000)).len(), 500);
    }

    #[cfg(unix)]
    #[test]
    fn what_git_has_started_and_left_behind_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let lock = File::create(folder.path().join("lock")).unwrap();
        let git = Git::within(folder.path(), &lock, None, || false);
        let begin = Instant::now();
        let said = git.run("try", &["-c", "alias.leave=!sleep 60 & echo said", "leave"]).unwrap();
        assert_eq!(said, "said\n");
        assert!(begin.elapsed() < 5 * LINGER + Duration::from_secs(10), "{:?}", begin.elapsed());
    }
}
