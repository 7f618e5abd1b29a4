//! Law 6 with real processes over HTTP: the client is killed (`kill -9`) while it applies to a server, or the server is
//! killed under a client that applies. What is there afterwards is all of the plan or nothing of it; whoever was told of
//! success finds it on disk; a run after it converges, with nothing there twice or left over, and nothing in the audit
//! that did not happen. A few times here; with `TRUEUP_KILLS` as often as it says.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use trueup::store::Clock;

use super::killed::{done, kill_after, many, moment, nothing_twice, pass};
use crate::fault_proxy::FaultProxy;
use crate::killable::{Killable, kills};
use crate::rig::{PROJECT, State};
use crate::stories::{BASE, base_with};
use crate::support::{Project, Run};
use crate::world::{Random, SECRETS};

/// A project, a server as a process over a folder in it, and a proxy before the server, which keeps its address.
pub(super) struct Site {
    /// The project.
    pub(super) project: Project,
    data: PathBuf,
    server: Killable,
    proxy: FaultProxy,
    runtime: tokio::runtime::Runtime,
}

impl Site {
    /// A server with nothing but a key.
    pub(super) fn new() -> Self {
        let mut project = Project::in_memory();
        for name in SECRETS {
            project.set(name, &format!("content-of-{name}"));
        }
        let scopes = ["config:read", "config:write", "publish", "audit:read"].map(|scope| ["--scope", scope]).concat();
        let make = ["keys", "create", "--data", "data", "--project", PROJECT, "--name", "ci", "-o", "json"];
        let key = project.ok(&[&make[..], &scopes].concat()).out;
        let key: Value = serde_json::from_str(&key).expect("JSON");
        let text = |name: &str| key[name].as_str().expect("a text").to_owned();
        let data = project.join("data");
        let server = Killable::start(&data);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let proxy = runtime.block_on(FaultProxy::before(server.address()));
        project.set("KEY", &text("client_secret"));
        let file = format!(
            "apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: {PROJECT} }}\nspec:\n  targets:\n    live:\n      \
             server: {{ url: \"{}\", clientId: \"{}\", clientSecret: {{ fromEnv: KEY }} }}\n",
            proxy.url(),
            text("client_id"),
        );
        project.write("trueup.yaml", &file);
        Self { project, data, server, proxy, runtime }
    }

    /// A plan is saved: of a whole project on an empty server, or of changes to all of it.
    fn planned(of_changes: bool) -> Self {
        let site = Self::new();
        site.project.write("manifests.yaml", &(BASE.to_owned() + &many("content")));
        if of_changes {
            site.project.ok(&["apply", "-y"]);
            let changed = base_with(&[("is yours.", "waits."), ("Your address?", "Which address?")]);
            site.project.write("manifests.yaml", &(changed + &many("technical")));
        }
        site.project.ok(&["plan", "--out", "plan.json"]);
        site
    }

    pub(super) fn state(&self) -> State {
        self.runtime.block_on(State::of(&self.data.join("trueup.db"), PROJECT, Clock::system()))
    }

    /// Kills the server and starts it again at the same address.
    pub(super) fn kill_server(&mut self) {
        self.server.kill();
        self.server = Killable::start(&self.data);
        self.proxy.stand_before(self.server.address());
    }
}

/// A plan applied undisturbed: how long it took, what there was before and after.
struct Undisturbed {
    length: Duration,
    before: State,
    finished: State,
}

impl Undisturbed {
    fn new(of_changes: bool) -> Self {
        let site = Site::planned(of_changes);
        let before = site.state();
        let began = Instant::now();
        site.project.ok(&["apply", "-y", "plan.json"]);
        Self { length: began.elapsed(), before, finished: site.state() }
    }
}

/// Looks at what a kill has left, and applies again: what was wanted is there, once.
fn converges(site: &Site, undisturbed: &Undisturbed, same_plan: bool, story: &str) {
    let Undisturbed { before, finished, .. } = undisturbed;
    let killed = site.state();
    // What is read one after the other may have a changeset of the killed client in between, but never a part of one.
    let (audit, rows) = (killed.audit.len(), killed.snapshot.rows.len());
    assert!([before.audit.len(), finished.audit.len()].contains(&audit), "half of a changeset: {audit}: {story}");
    let whole = [before.snapshot.rows.len(), finished.snapshot.rows.len()];
    assert!(whole.contains(&rows), "half of a changeset: {rows}: {story}");
    if same_plan {
        // The same plan takes its own lease again.
        site.project.ok(&["apply", "-y", "plan.json"]);
    } else {
        let fresh = site.project.run(&["apply", "-y"]);
        if fresh.code == 8 {
            assert!(fresh.err.contains("tester@machine"), "{story}: {}", fresh.err);
            site.project.ok(&["unlock", "-y"]);
            site.project.ok(&["apply", "-y"]);
        } else {
            assert_eq!(fresh.code, 0, "{story}: {}", fresh.err);
        }
        // The plan that was killed is either done or stale, and never writes a second time.
        let again = site.project.run(&["apply", "-y", "plan.json"]);
        assert!(again.code == 0 || again.code == 6, "{story}: {}", again.err);
    }
    let plan = site.project.ok(&["plan"]).out;
    assert!(plan.ends_with("No changes.\n"), "{story}: {plan}");
    let end = site.state();
    assert_eq!(end.addresses(), finished.addresses(), "{story}");
    assert_eq!(end.archived(), finished.archived(), "{story}");
    nothing_twice(&end, story);
    assert_eq!(done(&end).len(), done(finished).len(), "{story}");
}

/// Kills so often, alternately an apply to an empty server and one of changes.
fn rounds(seed: u64, kill: impl Fn(&mut Site, &Undisturbed, Duration, &str)) {
    let mut random = Random::new(seed);
    let undisturbed = [false, true].map(Undisturbed::new);
    for round in 0..kills(4) {
        let of_changes = round % 2 == 1;
        let undisturbed = &undisturbed[usize::from(of_changes)];
        let after = moment(&mut random, undisturbed.length);
        let story = format!("round {round}, killed after {after:?} of {:?}", undisturbed.length);
        let mut site = Site::planned(of_changes);
        kill(&mut site, undisturbed, after, &story);
        converges(&site, undisturbed, random.chance(50), &story);
    }
}

#[test]
fn a_client_that_is_killed_leaves_all_or_nothing() {
    rounds(3, |site, _, after, _| kill_after(&site.project, &["apply", "-y", "plan.json"], after));
}

#[test]
fn a_server_that_is_killed_leaves_all_or_nothing() {
    rounds(4, |site, undisturbed, after, story| {
        let mut command = site.project.command(&["apply", "-y", "plan.json"]);
        let client = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a run");
        pass(after);
        site.kill_server();
        let run: Run = client.wait_with_output().expect("an end").into();
        // It gets over a server that comes back, or says that it did not.
        assert!(run.code == 0 || run.code == 1, "{story}: {run:?}");
        let rows = site.state().snapshot.rows.len();
        if run.code == 0 {
            assert_eq!(rows, undisturbed.finished.snapshot.rows.len(), "{story}: {run:?}");
        }
    });
}
