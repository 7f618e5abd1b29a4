//! Law 14 with real processes: reconcile is killed (`kill -9`) at random moments, alone and beside another, or the server
//! under it is. It converges, does nothing twice, and writes nothing that is suspended. A few times here; with
//! `TRUEUP_KILLS` as often as it says.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use trueup::object::suspension::SuspendOrder;

use super::killed::{kill_after, moment, nothing_twice, pass};
use super::killed_over_http::Site;
use super::reconciled::{SERVICE, version};
use crate::killable::{PATIENCE, kills};
use crate::reconcile::{Repository, Service};
use crate::rig::{Rig, State, over_http};
use crate::stories::BASE;
use crate::world::Random;

/// About as long as a start with a tick that writes.
const TICK: Duration = Duration::from_millis(400);

/// Who wrote contents in a reconcile, once for each write.
fn writers(state: &State) -> Vec<&str> {
    let writes = state.audit.iter().filter(|entry| entry.actor.contains("(reconcile)") && entry.before != entry.after);
    writes.map(|entry| entry.actor.as_str()).collect()
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "{what} does not come about");
        std::thread::yield_now();
    }
}

/// A lease of what was killed ends.
fn a_minute_passes(rig: &Rig) {
    rig.hands().fetch_add(61, Ordering::SeqCst);
}

#[test]
fn killed_over_http_with_a_repository_it_converges_and_does_nothing_twice() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        let repository = Repository::with(&rig, BASE);
        let url = repository.url();
        let following = ["--git", &url, "--state-dir", "state"];
        let mut random = Random::new(15);
        for n in 0..kills(8) {
            repository.write("manifests.yaml", &version(n));
            repository.commit("next");
            kill_after(&rig.project, &[&SERVICE[..], &following].concat(), moment(&mut random, TICK));
            a_minute_passes(&rig);
        }
        let once = [&["reconcile", "--mode", "heal", "--once", "--detailed-exitcode"][..], &following].concat();
        let run = rig.project.run(&once);
        assert!(run.code == 0 || run.code == 2, "{run:?}");
        let state = rig.state();
        nothing_twice(&state, "killed");
        rig.project.ok(&once);
        assert!(rig.state() == state, "it was not done");
        rig.write(&version(kills(8) - 1));
        assert!(rig.plan().plan.is_empty(), "it is not what the repository says");
    });
}

#[test]
fn a_second_one_waits_for_the_lease_and_takes_over_when_the_first_is_killed() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        rig.write(&version(1));
        let proxy = &rig.served().proxy;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("trueup.yaml"), rig.served().project_file(&proxy.url())).expect("a file");
        std::fs::write(folder.path().join("manifests.yaml"), version(1)).expect("a file");
        // What the first writes never arrives: it holds the lease until it is killed.
        proxy.hold("/changesets");
        let start = |folder: &Path, user: &str| {
            let mut command = rig.project.command(&[&SERVICE[..], &["-o", "json"]].concat());
            Service::run(command.current_dir(folder).env("USER", user))
        };
        let mut first = start(folder.path(), "first");
        wait_until("a write", || proxy.seen().iter().any(|seen| seen.ends_with("/changesets")));
        let mut second = start(rig.project.path(), "second");
        let waits = second.until(|tick| tick["outcome"] == "waiting");
        assert!(waits["reasons"].to_string().contains("first@machine"), "{waits}");
        assert_eq!(waits["failures"], 0, "to wait is no failure");
        first.kill();
        second.until(|tick| tick["outcome"] == "waiting");
        assert_eq!(writers(&rig.state()), Vec::<&str>::new());
        a_minute_passes(&rig);
        second.until(|tick| tick["outcome"] == "applied");
        proxy.calm();
        let mut first = start(folder.path(), "first");
        first.until(|tick| tick["outcome"] == "in-sync");
        let state = rig.state();
        let writers = writers(&state);
        assert!(writers.len() == 1 && writers[0].starts_with("second@machine (reconcile)"), "{writers:?}");
        nothing_twice(&rig.state(), "two");
    });
}

#[test]
fn what_is_suspended_is_not_written_whoever_is_killed() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        let order = SuspendOrder {
            address: None,
            reason: "we look into it".to_owned(),
            actor: "kim@console".to_owned(),
            until: None,
        };
        rig.wait(rig.with_writer(async |writer| writer.suspend(&order).await.expect("suspended")));
        rig.touch_by_hand("Audience/sales");
        let before = rig.state();
        let mut random = Random::new(16);
        for n in 0..kills(4) {
            rig.write(&version(n));
            kill_after(&rig.project, &SERVICE, moment(&mut random, TICK));
            assert!(rig.state() == before, "it was written while suspended");
        }
        let mut service = Service::run(&mut rig.project.command(&[&SERVICE[..], &["-o", "json"]].concat()));
        for _ in 0..2 {
            service.until(|tick| tick["outcome"] == "suspended");
        }
        assert!(rig.state() == before, "it was written while suspended");
        rig.project.ok(&["resume"]);
        let healed = service.until(|tick| tick["outcome"] == "applied");
        assert!(healed["drift"].to_string().contains("Audience/sales"), "{healed}");
    });
}

#[test]
fn a_server_that_is_killed_under_it_is_come_back_to() {
    let mut site = Site::new();
    site.project.write("manifests.yaml", BASE);
    site.project.ok(&["apply", "-y"]);
    let before = writers(&site.state()).len();
    let mut service = Service::run(&mut site.project.command(&[&SERVICE[..], &["-o", "json"]].concat()));
    service.until(|tick| tick["outcome"] == "in-sync");
    let mut random = Random::new(17);
    let times = kills(3);
    for n in 0..times {
        site.project.write("manifests.yaml", &version(n));
        pass(moment(&mut random, 3 * TICK));
        site.kill_server();
        let (known, killed) = (site.state().snapshot.revision.0, Timestamp::now());
        let is_done = |tick: &Value| {
            // Lines of before still wait to be read.
            let at = tick["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
            if at.is_none_or(|at| at < killed) {
                return false;
            }
            let done = ["applied", "in-sync"].iter().any(|outcome| tick["outcome"] == *outcome);
            done && tick["revision"].as_u64().is_some_and(|revision| revision >= known)
        };
        // Twice: the first may be one that looked before the change.
        service.until(is_done);
        service.until(is_done);
        assert!(site.project.ok(&["plan"]).out.ends_with("No changes.\n"), "after {n}");
    }
    let state = site.state();
    nothing_twice(&state, "server killed");
    assert_eq!(u64::try_from(writers(&state).len() - before).expect("small"), times, "one write a version");
}

#[test]
fn a_git_that_outlives_its_reconcile_keeps_the_clone_to_itself() {
    let rig = Rig::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (begun, pipe, ssh) = (folder.path().join("begun"), folder.path().join("pipe"), folder.path().join("ssh"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    std::fs::write(&ssh, format!(": > {}; cat {} > /dev/null; exit 1\n", begun.display(), pipe.display()))
        .expect("a file");
    let arguments = ["reconcile", "--once", "--git", "ssh://git.test/config.git", "--state-dir", "state"];
    let command = || {
        let mut command = rig.project.command(&arguments);
        command.env("GIT_SSH_COMMAND", format!("sh {}", ssh.display()));
        command
    };
    let mut first = command().stdout(std::process::Stdio::null()).spawn().expect("a run");
    wait_until("a connection", || begun.exists());
    first.kill().expect("a kill");
    first.wait().expect("an end");
    let refused: crate::support::Run = command().output().expect("a run").into();
    assert!(refused.code == 1 && refused.err.contains("another reconcile is at work"), "{refused:?}");
    // Its connection ends, and with it the git that was left behind.
    drop(std::fs::File::options().write(true).open(&pipe).expect("a pipe"));
    std::fs::write(&ssh, "exit 1\n").expect("a file");
    let next: crate::support::Run = command().output().expect("a run").into();
    assert!(next.code == 1 && next.out.contains("ask the repository"), "{next:?}");
}
