//! Tick after tick of `reconcile` in one process, against the release `trueup serve`: what an idle tick costs, and
//! whether memory grows.
//!
//! `cargo bench --bench reconcile`; part of `.ci/measure-reconcile`. `TRUEUP_BENCH_TICKS` says how many ticks (10,000),
//! `TRUEUP_BENCH_OBJECTS` over how many objects (10,000). Nobody waits between two ticks. In some of them one manifest
//! has changed and is applied: several of the first hundred, and each five-hundredth after that. The last line is JSON.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing else to do")]
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trueup::cli::arguments::{LoadArguments, SecretArguments};
use trueup::cli::reconciling::CommandLineHands;
use trueup::cli::target::ServerArguments;
use trueup::cli::{Context, Problems};
use trueup::reconcile::outcome::Outcome;
use trueup::reconcile::run::{Pace, Reconcile, Source};
use trueup::reconcile::source::Folder;
use trueup::reconcile::tick::Reconciler;
use trueup::reconcile::wish::{Mode, Wish};

const BINARY: &str = env!("CARGO_BIN_EXE_trueup");
/// The tick after which memory is taken to be what it will stay at.
const EARLY: u64 = 100;

fn main() {
    let (ticks, objects) = (number("TRUEUP_BENCH_TICKS", 10_000), number("TRUEUP_BENCH_OBJECTS", 10_000));
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join("project");
    let _server = set_up(folder.path(), &project, objects);
    let hands = CommandLineHands {
        context: Context {
            working_folder: project.clone(),
            quiet: true,
            problems: Problems::default(),
            server: ServerArguments::default(),
        },
        load: LoadArguments { target: None, vars: Vec::new(), var_files: Vec::new() },
        secrets: SecretArguments { allow_secret_commands: false, allow_secret_path: Vec::new() },
    };
    let wish = Wish {
        mode: Mode::Heal,
        prune: false,
        allow_send: true,
        max_deletes: None,
        max_changed_percent: None,
        actor: "bench@here (reconcile)".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let source = Source::Folder(Folder::new(project.clone()));
    let mut reconcile = Reconcile::new(source, vec![Reconciler::new(hands, wish)]);
    let mut rounds = Rounds {
        project,
        made: 0,
        ticks,
        early: 0,
        late: 0,
        course: Vec::new(),
        began: Instant::now(),
        idle: Vec::new(),
    };
    let (mut applied, mut looked) = (0, 0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(reconcile.run(Duration::from_secs(1), &mut rounds, &mut |tick| {
        applied += u64::from(matches!(*tick.outcome, Outcome::Applied { .. }));
        looked += u64::from(tick.looked);
        assert!(!tick.outcome.is_failure(), "{:?}", tick.outcome);
    }));
    let Rounds { early, late, course, mut idle, .. } = rounds;
    idle.sort_unstable();
    let middle = idle.get(idle.len() / 2).copied().unwrap_or_default();
    let figures = json!({
        "ticks": ticks, "looked": looked, "applied": applied, "early_kb": early, "late_kb": late, "course_kb": course,
        "idle_microseconds": u64::try_from(middle.as_micros()).unwrap_or(u64::MAX),
    });
    println!("{figures}");
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Between two ticks: notes memory and time, and now and then changes a manifest.
struct Rounds {
    project: PathBuf,
    made: u64,
    ticks: u64,
    early: u64,
    late: u64,
    /// At each tenth of the ticks.
    course: Vec<u64>,
    began: Instant,
    idle: Vec<Duration>,
}

impl Rounds {
    /// Whether a manifest changes before this tick.
    fn is_change(tick: u64) -> bool {
        if tick < EARLY { tick % 10 == 5 } else { tick % 500 == 250 }
    }
}

impl Pace for Rounds {
    async fn wait(&mut self, _time: Duration) -> bool {
        if self.made > 0 && !Self::is_change(self.made) {
            self.idle.push(self.began.elapsed());
        }
        self.made += 1;
        if self.made == EARLY.min(self.ticks) {
            self.early = resident();
        }
        self.late = resident();
        if self.made.is_multiple_of((self.ticks / 10).max(1)) {
            self.course.push(self.late);
        }
        if Self::is_change(self.made) {
            change(&self.project, self.made);
        }
        self.began = Instant::now();
        self.made < self.ticks
    }

    fn random(&mut self) -> f64 {
        0.5
    }
}

/// Gives the first manifest another description.
fn change(project: &Path, number: u64) {
    let mut files: Vec<PathBuf> =
        fs::read_dir(project).expect("a folder").map(|entry| entry.expect("one").path()).collect();
    files.retain(|file| file.to_string_lossy().contains("manifests-"));
    files.sort();
    let text = fs::read_to_string(&files[0]).expect("manifests");
    let from = text.find("description: Number 0,").expect("the first");
    let to = from + text[from..].find('\n').expect("an end");
    let changed = format!("{}description: Number 0, at tick {number}{}", &text[..from], &text[to..]);
    fs::write(&files[0], changed).expect("changed");
}

/// Memory of this process, in kB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    line.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Ended at the end.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A generated project that is applied to a server of its own.
fn set_up(folder: &Path, project: &Path, objects: u64) -> Server {
    let generate = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/generate-manifests.py");
    run(Command::new(generate).arg(project).arg(objects.to_string()));
    let (data, ready) = (folder.join("data"), folder.join("ready"));
    let scopes = ["config:read", "config:write", "publish", "audit:read"].map(|scope| ["--scope", scope]).concat();
    let mut keys = Command::new(BINARY);
    keys.args(["keys", "create", "--project", "generated", "--name", "bench", "-o", "json", "--data"]).arg(&data);
    let key: Value = serde_json::from_slice(&run(keys.args(scopes))).expect("a key as JSON");
    let text = |name: &str| key[name].as_str().expect("a text").to_owned();
    let mut serve = Command::new(BINARY);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--data"]).arg(&data).arg("--ready-file");
    let server = Server(serve.arg(&ready).spawn().expect("a server"));
    let url = loop {
        match fs::read_to_string(&ready) {
            Ok(url) if url.ends_with('\n') => break url.trim().to_owned(),
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    fs::write(project.join("secrets/key"), text("client_secret")).expect("the key");
    let file = project.join("trueup.yaml");
    let head = fs::read_to_string(&file).expect("a project file");
    let id = text("client_id");
    let target = format!(
        "{head}  targets:\n    server:\n      server: {{ url: \"{url}\", clientId: \"{id}\", clientSecret: {{ fromFile: \
         secrets/key }} }}\n"
    );
    fs::write(file, target).expect("a project file");
    run(Command::new(BINARY).args(["apply", "-y", "-q", "--allow-send"]).current_dir(project));
    server
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().expect("a run");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
