//! `trueup reconcile` as the binary runs it: exit codes, a git repository, broken commits, signals, two at once.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::rig::Rig;
use crate::stories::{BASE, base_with, base_without};
use crate::support::Run;

/// Changes that a tick is to find.
pub(crate) const BLUE: (&str, &str) = ("X-Team: red", "X-Team: blue");

fn once(rig: &Rig, more: &[&str], code: i32) -> Value {
    let arguments = [&["reconcile", "--once", "-o", "json"], more].concat();
    let run = rig.project.run(&arguments);
    assert_eq!(run.code, code, "{arguments:?}\n{}\n{}", run.out, run.err);
    document(&run)
}

fn document(run: &Run) -> Value {
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    serde_json::from_str(&run.out).expect("JSON")
}

#[test]
fn one_look_ends_with_the_exit_code_of_what_came_of_it() {
    let rig = Rig::with(BASE);
    let before = rig.state();
    let tick = once(&rig, &["--detailed-exitcode"], 2);
    assert_eq!((tick["outcome"].as_str(), tick["mode"].as_str()), (Some("differs"), Some("report")));
    assert!(rig.state() == before, "a report wrote something");
    let tick = once(&rig, &["--mode", "heal", "--detailed-exitcode"], 2);
    assert_eq!(tick["outcome"], "applied");
    assert_eq!(once(&rig, &["--mode", "heal", "--detailed-exitcode"], 0)["outcome"], "in-sync");

    rig.touch_by_hand("Audience/sales");
    let tick = once(&rig, &[], 0);
    assert_eq!((tick["outcome"].as_str(), tick["drift"][0]["by"].as_str()), (Some("differs"), Some("kim@console")));
    assert_eq!(once(&rig, &["--mode", "heal"], 0)["outcome"], "applied");
    let entry = rig.state().audit.last().cloned().expect("an entry");
    assert_eq!(entry.actor, "tester@machine (reconcile)");

    rig.write(&base_without(&["Webhook/nps"]));
    let tick = once(&rig, &["--mode", "heal", "--detailed-exitcode"], 0);
    assert_eq!((&tick["outcome"], &tick["orphans"]), (&"in-sync".into(), &serde_json::json!(["Webhook/nps"])));
    let text = rig.project.ok(&["reconcile", "--once"]).out;
    assert!(text.contains("in sync") && text.contains("no longer in the manifests Webhook/nps"), "{text}");
    let tick = once(&rig, &["--mode", "heal", "--prune", "--max-deletes", "0"], 9);
    assert_eq!(tick["outcome"], "refused");
    assert!(tick["reasons"][0].as_str().is_some_and(|reason| reason.contains("--max-deletes 1")), "{tick}");
    assert_eq!(once(&rig, &["--mode", "heal", "--prune"], 0)["outcome"], "applied");

    rig.write(&base_with(&[("platform: web", "platform: moon")]));
    let before = rig.state();
    let tick = once(&rig, &["--mode", "heal", "--prune"], 3);
    assert_eq!((tick["outcome"].as_str(), tick["diagnostics"][0]["line"].as_u64()), (Some("invalid"), Some(5)));
    assert!(rig.state() == before);
    let text = rig.project.run(&["reconcile", "--once", "--mode", "heal"]);
    assert!(text.out.contains("nothing changed") && text.out.contains("manifests.yaml:5:"), "{}", text.out);
    let text = rig.project.run(&["reconcile", "--once", "--target", "loca"]);
    assert!(text.out.contains("no target `loca` [unknown-target]\n    help: did you mean `local`?\n"), "{}", text.out);

    let failing = "---\napiVersion: trueup/v1\nkind: Test\nmetadata: { name: t }\nspec:\n  cases:\n    \
                   - { name: nobody, audience: { name: sales, endUserId: kim@acme.test }, expect: { member: true } }\n";
    rig.write(&(BASE.to_owned() + failing));
    let tick = once(&rig, &["--mode", "heal"], 1);
    assert_eq!(tick["outcome"], "tests-failed", "{tick}");
    let unheard: [&[&str]; 8] = [
        &["--detailed-exitcode"],
        &["--interval", "1"],
        &["--ref", "x"],
        &[".", "--ref", "x", "--once"],
        &[".", "--path", "x", "--once"],
        &[".", "--verify-signatures", "--once"],
        &["--once", "--trigger-secret-file", "x"],
        &["--once", "--git", ".", "--path", "/x"],
    ];
    for usage in unheard {
        let run = rig.project.run(&[&["reconcile"], usage].concat());
        assert_eq!((run.code, run.out.as_str()), (64, ""), "{usage:?}");
    }
}

/// Runs git in a folder.
pub(crate) fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=kim", "-c", "user.email=kim@acme.test", "-c", "commit.gpgsign=false"])
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository beside the rig's folder with the rig's project twice, under two names, over the rig's store.
pub(crate) struct Repository {
    /// Its files.
    pub(crate) folder: tempfile::TempDir,
}

impl Repository {
    pub(crate) fn of(rig: &Rig) -> Self {
        let repository = Self { folder: tempfile::tempdir().expect("a folder") };
        git(repository.folder.path(), &["init", "--quiet", "-b", "main"]);
        let data = rig.project.join(".trueup/local.db");
        for name in ["acme", "other"] {
            let file = format!(
                "apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: {name} }}\nspec:\n  targets:\n    local:\n      \
                 embedded: {{ path: \"{}\" }}\n",
                data.display()
            );
            repository.write(&format!("{name}/trueup.yaml"), &file);
            repository.write(&format!("{name}/manifests.yaml"), BASE);
        }
        repository.commit("first");
        repository
    }

    /// The rig's project alone, with the rig's target.
    pub(crate) fn with(rig: &Rig, manifests: &str) -> Self {
        let repository = Self { folder: tempfile::tempdir().expect("a folder") };
        git(repository.folder.path(), &["init", "--quiet", "-b", "main"]);
        let file = std::fs::read_to_string(rig.project.join("trueup.yaml")).expect("a project file");
        repository.write("trueup.yaml", &file);
        repository.write("manifests.yaml", manifests);
        repository.commit("first");
        repository
    }

    /// Takes the repository away while something is done.
    pub(crate) fn away<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        let away = self.folder.path().with_extension("away");
        std::fs::rename(self.folder.path(), &away).expect("a move");
        let done = meanwhile();
        std::fs::rename(&away, self.folder.path()).expect("a move");
        done
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        git(self.folder.path(), &["add", "-A"]);
        git(self.folder.path(), &["commit", "--quiet", "-m", message]);
        self.commit_of("HEAD")
    }

    /// The whole name of a commit.
    pub(crate) fn commit_of(&self, name: &str) -> String {
        git(self.folder.path(), &["rev-parse", name])
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }
}

#[test]
fn a_repository_is_followed_and_a_broken_commit_changes_nothing() {
    let rig = Rig::new();
    let repository = Repository::of(&rig);
    let url = repository.url();
    let heal = ["--git", &url, "--path", "acme", "--mode", "heal"];
    assert_eq!(once(&rig, &heal, 0)["outcome"], "applied");
    repository.write("acme/manifests.yaml", &base_with(&[BLUE]));
    let commit = repository.commit("blue");
    let tick = once(&rig, &heal, 0);
    assert_eq!((tick["outcome"].as_str(), tick["commit"].as_str()), (Some("applied"), Some(commit.as_str())));
    let state = rig.state();
    let entry = state.audit.last().expect("an entry");
    assert_eq!(entry.commit.as_deref(), Some(commit.as_str()), "the audit names the commit");

    repository.write("acme/manifests.yaml", "kind: [");
    let broken = repository.commit("broken");
    let tick = once(&rig, &heal, 3);
    assert_eq!((tick["outcome"].as_str(), tick["commit"].as_str()), (Some("invalid"), Some(broken.as_str())));
    assert_eq!(tick["diagnostics"][0]["file"], "manifests.yaml");
    assert!(rig.state() == state, "a broken commit changed something");

    repository.write("acme/manifests.yaml", &base_with(&[BLUE]));
    repository.commit("mended");
    assert_eq!(once(&rig, &heal, 0)["outcome"], "in-sync");
    // The remote is away: what was seen of it is kept true all the same, and it is said.
    let tick = repository.away(|| {
        rig.touch_by_hand("Audience/sales");
        once(&rig, &heal, 1)
    });
    assert_eq!(tick["outcome"], "applied");
    assert!(tick["source_error"].as_str().is_some_and(|error| error.contains("ask the repository")), "{tick}");

    git(repository.folder.path(), &["reset", "--quiet", "--hard", "HEAD~2"]);
    repository.write("acme/manifests.yaml", BASE);
    repository.commit("rewritten");
    let state = rig.state();
    let tick = once(&rig, &heal, 1);
    assert!(tick["source_error"].as_str().is_some_and(|error| error.contains("rewritten")), "{tick}");
    assert!(tick["source_help"].as_str().is_some_and(|help| help.contains("update-ref refs/trueup/current")), "{tick}");
    assert!(rig.state() == state, "a rewritten branch changed something");
    assert_eq!(rig.project.run(&["reconcile", "--once", "--git", &url, "--path", "../x"]).code, 64);
}

#[test]
fn several_projects_of_one_repository_are_told_apart() {
    let rig = Rig::new();
    let repository = Repository::of(&rig);
    let url = repository.url();
    repository.write("other/manifests.yaml", "kind: [");
    repository.commit("one is broken");
    let run = rig.project.run(&[
        "reconcile",
        "--once",
        "-o",
        "json",
        "--mode",
        "heal",
        "--git",
        &url,
        "--path",
        "acme",
        "--path",
        "other",
    ]);
    assert_eq!(run.code, 3, "{}\n{}", run.out, run.err);
    let ticks: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<_> = ticks.iter().map(|tick| (tick["path"].as_str(), tick["outcome"].as_str())).collect();
    assert_eq!(told, [(Some("acme"), Some("applied")), (Some("other"), Some("invalid"))]);
}

/// The service itself; killed when dropped.
pub(crate) struct Service {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Service {
    fn start(rig: &Rig) -> Self {
        Self::start_with(rig, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(rig: &Rig, more: &[&str]) -> Self {
        let arguments = ["reconcile", "-o", "json", "--mode", "heal", "--interval", "1s"];
        Self::run(&mut rig.project.command(&[&arguments, more].concat()))
    }

    /// Runs it, which is to write JSON.
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("a service");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Self { process, lines }
    }

    /// The next tick of which this holds.
    pub(crate) fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.next().expect("a service that goes on").expect("a line");
            let tick: Value = serde_json::from_str(&line).expect("JSON");
            if holds(&tick) {
                return tick;
            }
        }
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("a kill");
        self.process.wait().expect("an end");
    }

    #[cfg(unix)]
    pub(crate) fn signal(&mut self, name: &str) -> Option<i32> {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        self.process.wait().expect("an end").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(unix)]
#[test]
fn a_service_heals_sees_changes_and_ends_when_it_is_asked_to() {
    let rig = Rig::with(BASE);
    let mut service = Service::start(&rig);
    let outcome = |name: &'static str| move |tick: &Value| tick["outcome"] == name;
    service.until(outcome("applied"));
    let tick = service.until(|tick| tick["looked"] == false);
    assert_eq!(tick["outcome"], "in-sync");
    rig.touch_by_hand("Audience/sales");
    let tick = service.until(outcome("applied"));
    assert_eq!(tick["drift"][0]["address"], "Audience/sales");
    rig.write(&base_with(&[BLUE]));
    let tick = service.until(outcome("applied"));
    assert_eq!(tick["actions"][0]["address"], "Destination/chat");
    rig.write("kind: [");
    service.until(outcome("invalid"));
    rig.write(&base_with(&[BLUE]));
    service.until(outcome("in-sync"));
    assert_eq!(service.signal("-TERM"), Some(0), "as a service is ended");
    let mut service = Service::start(&rig);
    service.until(outcome("in-sync"));
    assert_eq!(service.signal("-INT"), Some(130), "as a person ends it");
    assert!(rig.project.ok(&["plan"]).out.ends_with("No changes.\n"));
}
