//! Law 14 when something around reconcile fails: clocks that jump, requests that are lost, a repository that is away,
//! a disk that is full, a suspension in the middle of a tick. It converges, does nothing twice, and writes nothing that
//! is suspended.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use trueup::base::ident::PlanId;
use trueup::object::suspension::SuspendOrder;
use trueup::provider::Writer as _;
use trueup::reconcile::outcome::Outcome;
use trueup::reconcile::run::{Pace, Source};
use trueup::reconcile::source::git::GitSettings;
use trueup::reconcile::source::{Git, SourceError};
use trueup::reconcile::wish::Mode;
use uuid::Uuid;

use super::killed::nothing_twice;
use super::reconciled::version;
use crate::fault_proxy::Fault;
use crate::reconcile::{Repository, git};
use crate::reconcile_rig::{Meanwhile, applies, following, in_sync, once, reconciling, reconciling_meanwhile};
use crate::rig::{Rig, over_http};
use crate::stories::BASE;

fn order(address: Option<&str>, until: Option<&str>) -> SuspendOrder {
    SuspendOrder {
        address: address.map(|address| address.parse().expect("an address")),
        reason: "we look into it".to_owned(),
        actor: "kim@console".to_owned(),
        until: until.map(|until| until.parse().expect("a time")),
    }
}

/// Rounds in each of which the clock stands elsewhere; notes how long a loop would wait.
struct Jumps<'r> {
    rig: &'r Rig,
    to: Vec<&'static str>,
    waited: Vec<Duration>,
}

impl Pace for Jumps<'_> {
    async fn wait(&mut self, time: Duration) -> bool {
        self.waited.push(time);
        let Some(to) = self.to.pop() else { return false };
        self.rig.set_now(to);
        true
    }

    fn random(&mut self) -> f64 {
        0.5
    }
}

const JUMPS: [&str; 5] = [
    "2031-06-01T12:00:30Z",
    "2045-01-01T00:00:00Z",
    "2031-06-01T11:59:00Z",
    "1999-12-31T23:59:59Z",
    "2031-06-01T12:01:00Z",
];

#[test]
pub(super) fn a_clock_that_jumps_makes_no_tick_write_or_wait_longer() {
    let rig = Rig::applied(BASE);
    let mut healing = reconciling(&rig, Mode::Heal);
    in_sync(&rig, &mut healing);
    let before = rig.state();
    let mut jumps = Jumps { rig: &rig, to: JUMPS.to_vec(), waited: Vec::new() };
    rig.wait(healing.run(Duration::from_mins(1), &mut jumps, &mut |tick| {
        assert!(matches!(*tick.outcome, Outcome::InSync) && !tick.looked, "{tick:?}");
    }));
    assert_eq!(jumps.waited, [Duration::from_mins(1); JUMPS.len() + 1], "the time of day decides no wait");
    assert!(rig.state() == before, "a jump wrote something");
    // Another each time: corrections of one, one after the other, would be a fight.
    for (to, drifted) in
        JUMPS.iter().zip(["Audience/sales", "Destination/chat", "Webhook/nps", "Template/lead", "System/crm"])
    {
        rig.set_now(to);
        rig.touch_by_hand(drifted);
        let last = rig.state().audit.last().map_or(0, |entry| entry.sequence);
        applies(&rig, &mut healing);
        in_sync(&rig, &mut healing);
        let after = rig.state();
        let written = after.audit.iter().filter(|entry| entry.sequence > last && entry.plan_id.is_some());
        assert_eq!(written.count(), 1, "at {to}");
    }
    nothing_twice(&rig.state(), "jumps");
}

#[test]
pub(super) fn a_fight_is_seen_whatever_the_clocks_say() {
    for (machine, target) in [
        // The machine's own clock is days ahead of the target's, or behind it.
        ("2031-06-05T12:00:00Z", "2031-06-01T12:00:00Z"),
        ("2031-05-20T12:00:00Z", "2031-06-01T12:00:00Z"),
    ] {
        let rig = Rig::applied(BASE);
        let mut healing = reconciling(&rig, Mode::Heal);
        for _ in 0..3 {
            rig.set_now(target);
            rig.touch_by_hand("Audience/sales");
            applies(&rig, &mut healing);
        }
        rig.touch_by_hand("Audience/sales");
        rig.set_now(machine);
        let tick = once(&rig, &mut healing);
        let findings = tick.outcome.findings().expect("findings");
        assert_eq!(findings.fights.len(), 1, "at {machine}: {:?}", tick.outcome);
    }
    // What is corrected once a week is no fight, however often.
    let rig = Rig::applied(BASE);
    for day in ["01", "08", "15", "22", "29"] {
        rig.set_now(&format!("2031-07-{day}T12:00:00Z"));
        rig.touch_by_hand("Audience/sales");
        applies(&rig, &mut reconciling(&rig, Mode::Heal));
    }
}

#[test]
pub(super) fn a_lease_of_before_the_clock_was_set_back_holds_up_nobody() {
    let rig = Rig::applied(BASE);
    rig.wait(rig.with_writer(async |writer| {
        let owner = trueup::base::ident::PlanId(Uuid::from_u128(7));
        writer.take_lease(owner, "killed@elsewhere").await.expect("a lease");
    }));
    rig.touch_by_hand("Audience/sales");
    let mut healing = reconciling(&rig, Mode::Heal);
    rig.set_now("2031-06-01T11:59:50Z");
    if rig.is_served() {
        // An embedded target knows that no process has the lease; a server waits for its end.
        let tick = once(&rig, &mut healing);
        assert!(matches!(*tick.outcome, Outcome::Waiting(_)), "{:?}", tick.outcome);
        assert!(!tick.outcome.is_failure(), "to wait is no failure");
    }
    rig.set_now("2031-06-01T09:00:00Z");
    applies(&rig, &mut healing);
    nothing_twice(&rig.state(), "a lease");
}

#[test]
pub(super) fn a_suspension_is_in_force_by_the_clock_of_the_target() {
    let rig = Rig::applied(BASE);
    let mut healing = reconciling(&rig, Mode::Heal);
    let until = order(None, Some("2031-06-01T13:00:00Z"));
    rig.wait(rig.with_writer(async |writer| writer.suspend(&until).await.expect("suspended")));
    rig.touch_by_hand("Audience/sales");
    let before = rig.state();
    for now in ["2031-06-01T12:59:59Z", "2001-01-01T00:00:00Z", "2031-06-01T12:30:00Z"] {
        rig.set_now(now);
        let tick = once(&rig, &mut healing);
        assert!(matches!(*tick.outcome, Outcome::Suspended { .. }), "{:?}", tick.outcome);
    }
    assert!(rig.state() == before, "it was written while suspended");
    rig.set_now("2031-06-01T13:00:00Z");
    applies(&rig, &mut healing);
}

#[test]
pub(super) fn what_is_suspended_in_the_middle_of_a_tick_is_not_written() {
    for address in [None, Some("Audience/sales")] {
        let rig = Rig::applied(BASE);
        let meanwhile = Arc::new(Mutex::new(None));
        let mut healing = reconciling_meanwhile(&rig, Mode::Heal, &meanwhile);
        in_sync(&rig, &mut healing);
        rig.touch_by_hand("Audience/sales");
        rig.touch_by_hand("Destination/chat");
        let before = rig.state();
        *meanwhile.lock().expect("not poisoned") = Some(Meanwhile::Suspend(order(address, None)));
        let tick = once(&rig, &mut healing);
        let after = rig.state();
        assert_eq!(after.row("Audience/sales").digest, before.row("Audience/sales").digest, "{:?}", tick.outcome);
        let findings = tick.outcome.findings().expect("findings");
        if address.is_some() {
            assert!(matches!(*tick.outcome, Outcome::Applied { .. }), "{:?}", tick.outcome);
            assert_eq!((findings.left_alone.len(), findings.actions.len()), (1, 1), "{findings:?}");
        } else {
            assert!(matches!(*tick.outcome, Outcome::Suspended { .. }), "{:?}", tick.outcome);
            assert!(after.snapshot.rows == before.snapshot.rows, "it was written while suspended");
        }
        nothing_twice(&rig.state(), "suspended");
    }
}

/// Disturbs every request of a tick that heals: once, or as long as a network is away. What else may become of a request
/// of an apply is tried in `faults`.
fn every_request(count: usize, faults: &[Fault]) {
    let rig = Rig::applied(BASE);
    let mut healing = reconciling(&rig, Mode::Heal);
    in_sync(&rig, &mut healing);
    let mut versions = 0;
    for fault in faults.iter().copied() {
        let mut first = 0;
        loop {
            let story = format!("{fault:?} at request {first}, {count} times");
            versions += 1;
            rig.write(&version(versions));
            let proxy = &rig.served().proxy;
            proxy.script(first, count, fault);
            let tick = once(&rig, &mut healing);
            let reached = proxy.seen().len() > first;
            proxy.calm();
            // A lease that could not be given back ends by itself.
            let now = rig.hands();
            now.fetch_add(61, std::sync::atomic::Ordering::SeqCst);
            if !matches!(*tick.outcome, Outcome::Applied { .. }) {
                let written = once(&rig, &mut healing);
                let fine = matches!(*written.outcome, Outcome::Applied { .. } | Outcome::InSync);
                assert!(fine, "{story}: {:?}, then {:?}", tick.outcome, written.outcome);
                assert_eq!(written.failures, 0, "{story}");
            }
            in_sync(&rig, &mut healing);
            if !reached {
                break;
            }
            first += 1;
        }
        assert!(first >= 5, "only {first} requests were disturbed by {fault:?}");
    }
    assert!(rig.plan().plan.is_empty());
    let state = rig.state();
    nothing_twice(&state, "faults");
    let writes = state.audit.iter().filter(|entry| entry.actor.contains("(reconcile)") && entry.before != entry.after);
    assert_eq!(u64::try_from(writes.count()).expect("small"), versions, "one write a version");
}

#[test]
fn a_request_that_fails_once_is_got_over() {
    over_http(|| every_request(1, &[Fault::ResetAfter, Fault::CutBody, Fault::Status(429), Fault::Status(500)]));
}

#[test]
fn a_network_that_is_away_in_the_middle_of_a_tick_leaves_nothing_half_done() {
    over_http(|| {
        let faults = &[Fault::ResetBefore, Fault::ResetAfter, Fault::Page, Fault::StatusAfter(502)];
        every_request(usize::MAX, faults);
    });
}

#[test]
fn what_was_written_is_told_though_the_lease_cannot_be_given_back() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        let proxy = &rig.served().proxy;
        let mut healing = reconciling(&rig, Mode::Heal);
        in_sync(&rig, &mut healing);
        let mut seen = Vec::new();
        for number in 1..=2 {
            rig.write(&version(number));
            proxy.calm();
            applies(&rig, &mut healing);
            seen = proxy.seen();
        }
        let release = seen.iter().position(|seen| seen.ends_with("/lease/release")).expect("it was given back");
        rig.write(&version(3));
        proxy.script(release, usize::MAX, Fault::Page);
        let tick = once(&rig, &mut healing);
        assert!(matches!(*tick.outcome, Outcome::Applied { .. }), "{seen:?}\n{:?}\n{:?}", proxy.seen(), tick.outcome);
        assert!(proxy.seen().len() > release, "nothing was disturbed");
        assert!(tick.failed.is_empty() && tick.failures == 0, "{tick:?}");
        proxy.calm();
        in_sync(&rig, &mut healing);
        nothing_twice(&rig.state(), "not given back");
    });
}

/// A project with an object that is fought over, and another that has drifted.
fn fought_over() -> Rig {
    let rig = Rig::applied(BASE);
    for _ in 0..3 {
        rig.touch_by_hand("Audience/sales");
        applies(&rig, &mut reconciling(&rig, Mode::Heal));
    }
    rig.touch_by_hand("Audience/sales");
    rig.touch_by_hand("Destination/chat");
    rig
}

#[test]
fn a_fight_is_not_lost_while_another_applies() {
    over_http(|| {
        let rig = fought_over();
        let another = PlanId(Uuid::from_u128(7));
        let lease = rig.wait(rig.served().target.take_lease(another, "bo@ci")).expect("a lease");
        let mut healing = reconciling(&rig, Mode::Heal);
        let before = rig.state();
        let tick = once(&rig, &mut healing);
        assert!(matches!(*tick.outcome, Outcome::Waiting(_)), "{:?}", tick.outcome);
        assert!(rig.state() == before, "a tick that waits wrote something");
        rig.wait(rig.served().target.release_lease(another, lease.token)).expect("given back");
        let tick = applies(&rig, &mut healing);
        assert_eq!((tick.outcome.findings().expect("findings").fights.len(), tick.suspensions.len()), (1, 1));
    });
}

#[test]
pub(super) fn a_fight_is_told_by_the_tick_that_stops_it_whatever_is_suspended_meanwhile() {
    let rig = fought_over();
    let meanwhile = Arc::new(Mutex::new(Some(Meanwhile::Suspend(order(Some("Webhook/nps"), None)))));
    let mut healing = reconciling_meanwhile(&rig, Mode::Heal, &meanwhile);
    let tick = applies(&rig, &mut healing);
    let findings = tick.outcome.findings().expect("findings");
    assert_eq!((findings.fights.len(), findings.actions.len(), tick.suspensions.len()), (1, 1, 1), "{findings:?}");
    let tick = once(&rig, &mut healing);
    assert!(matches!(*tick.outcome, Outcome::Differs(_)) && tick.looked, "somebody else suspended something: {tick:?}");
    assert_eq!(tick.suspensions.len(), 2);
    let tick = once(&rig, &mut healing);
    assert!(matches!(*tick.outcome, Outcome::Differs(_)) && !tick.looked, "nobody else wrote: {tick:?}");
}

fn settings(repository: &Repository, state: PathBuf) -> GitSettings {
    GitSettings {
        url: repository.url(),
        reference: "main".to_owned(),
        paths: Vec::new(),
        verify_signatures: false,
        plain_ssh: true,
        state,
        interrupted: || false,
    }
}

#[test]
pub(super) fn a_repository_that_is_away_is_come_back_to_and_drift_is_healed_meanwhile() {
    let rig = Rig::new();
    let repository = Repository::with(&rig, BASE);
    let state = tempfile::tempdir().expect("a folder");
    let source = Git::open(settings(&repository, state.path().to_owned())).expect("a clone");
    let mut healing = following(&rig, Source::Git(Box::new(source)), Mode::Heal);
    let away = repository.away(|| once(&rig, &mut healing));
    assert!(matches!(*away.outcome, Outcome::Failed(_)), "it was never seen: {:?}", away.outcome);
    assert_eq!(away.failures, 1);
    let first = applies(&rig, &mut healing).commit.expect("a commit");
    repository.away(|| {
        for round in 0..3 {
            let resting = in_sync(&rig, &mut healing);
            assert!(!resting.looked && resting.source_error.is_some(), "{resting:?}");
            rig.touch_by_hand(["Audience/sales", "Destination/chat", "Webhook/nps"][round]);
            let healed = applies(&rig, &mut healing);
            assert!(healed.source_error.is_some() && healed.commit.as_ref() == Some(&first), "{healed:?}");
        }
    });
    repository.write("manifests.yaml", &version(1));
    let second = repository.commit("second");
    let tick = applies(&rig, &mut healing);
    assert!(tick.source_error.is_none() && tick.commit == Some(second), "{tick:?}");
    in_sync(&rig, &mut healing);
    nothing_twice(&rig.state(), "away");
}

#[test]
fn a_state_folder_that_cannot_be_written_says_so_and_changes_nothing() {
    let rig = Rig::new();
    let repository = Repository::with(&rig, BASE);
    let state = tempfile::tempdir().expect("a folder");
    let blocked = state.path().join("state");
    std::fs::write(&blocked, "a file").expect("a file");
    let opened = Git::open(settings(&repository, blocked.clone()));
    let error = opened.expect_err("a file is no folder");
    assert!(matches!(&error, SourceError::File { path, .. } if path.starts_with(&blocked)), "{error}");
    std::fs::remove_file(&blocked).expect("removed");
    let source = Git::open(settings(&repository, blocked.clone())).expect("a clone");
    let clone = source.clone_folder().to_owned();
    let mut healing = following(&rig, Source::Git(Box::new(source)), Mode::Heal);
    applies(&rig, &mut healing);
    // Where objects are kept there is no place for more.
    let objects = clone.join(".git/objects");
    let kept = clone.join(".git/kept");
    std::fs::rename(&objects, &kept).expect("a move");
    std::fs::write(&objects, "a file").expect("a file");
    repository.write("manifests.yaml", &version(1));
    let new = repository.commit("second");
    let before = rig.state();
    for _ in 0..2 {
        let tick = once(&rig, &mut healing);
        assert!(tick.source_error.is_some() && tick.commit != Some(new.clone()), "{tick:?}");
    }
    assert!(rig.state() == before, "it wrote something");
    std::fs::remove_file(&objects).expect("removed");
    std::fs::rename(&kept, &objects).expect("a move");
    assert_eq!(applies(&rig, &mut healing).commit, Some(new));
}

/// Runs the binary where no file may grow beyond so many kB: what writing then answers is what a full disk does.
#[cfg(unix)]
fn with_little_space(rig: &Rig, folder: &Path, kilobytes: u32, arguments: &[&str]) -> crate::support::Run {
    let binary = env!("CARGO_BIN_EXE_trueup");
    // In blocks of 512 bytes. Without the trap the signal would end the process before it can say anything.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kilobytes * 2);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, "sh", binary]).args(arguments).current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("USER", "tester").env("HOSTNAME", "machine");
    command.envs(rig.project.environment()).stdin(std::process::Stdio::null());
    command.output().expect("a run").into()
}

#[cfg(unix)]
#[test]
fn a_full_disk_changes_nothing_and_says_so_until_there_is_space() {
    let rig = Rig::applied(BASE);
    let heal = ["reconcile", "--mode", "heal", "--once", "-o", "json"];
    rig.write(&version(1));
    let before = rig.state();
    let run = with_little_space(&rig, rig.project.path(), 4, &heal);
    assert_eq!(run.code, 1, "{}\n{}", run.out, run.err);
    assert!(run.out.contains("\"outcome\":\"failed\""), "{}\n{}", run.out, run.err);
    assert!(rig.state() == before, "half of it was written");
    rig.project.ok(&heal);
    rig.project.ok(&[&heal[..], &["--detailed-exitcode"]].concat());
    nothing_twice(&rig.state(), "full");
}

#[cfg(unix)]
#[test]
fn a_full_disk_under_the_clone_changes_nothing_and_says_so_until_there_is_space() {
    let rig = Rig::applied(BASE);
    let repository = Repository::with(&rig, BASE);
    // Much that no pack makes small.
    let noise: String =
        (0..4_000_u64).map(|n| format!("# {}\n", Uuid::from_u128(u128::from(n) << 64 | 0x9e37_79b9_7f4a))).collect();
    let url = repository.url();
    let heal = ["reconcile", "--mode", "heal", "--once", "-o", "json", "--git", &url];
    rig.project.ok(&heal);
    repository.write("manifests.yaml", &(version(1) + &noise));
    let commit = repository.commit("large");
    let before = rig.state();
    let run = with_little_space(&rig, rig.project.path(), 8, &heal);
    assert_eq!(run.code, 1, "{}\n{}", run.out, run.err);
    assert!(run.out.contains("source_error\":\"") && !run.out.contains(&commit), "{}\n{}", run.out, run.err);
    assert!(rig.state() == before, "it wrote something");
    let run = rig.project.ok(&heal);
    assert!(run.out.contains(&commit) && run.out.contains("\"outcome\":\"applied\""), "{}", run.out);
    assert!(git(repository.folder.path(), &["rev-parse", "HEAD"]) == commit);
}
