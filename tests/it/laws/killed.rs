//! Law 6: an apply that is killed, whenever that is, can be run again; nothing is there twice or left over, and the
//! audit names nothing that did not happen.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::rig::{Rig, State};
use crate::stories::{BASE, base_with};
use crate::support::Project;
use crate::world::Random;

/// Enough objects that writing them takes a while.
pub(super) fn many(class: &str) -> String {
    let event = |n: usize| {
        format!(
            "---\napiVersion: trueup/v1\nkind: EventType\nmetadata: {{ name: e{n} }}\nspec: {{ properties: {{ p: {{ type: string, class: {class} }} }} }}\n"
        )
    };
    (0..150).map(event).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let copied = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            std::fs::copy(&path, &copied).expect("a copy");
        }
    }
}

fn copy_of(rig: &Rig) -> Rig {
    let other = Rig::new();
    copy(rig.project.path(), other.project.path());
    other
}

/// Lets time pass. Killing at a given moment is what is tried, so this waits without sleeping.
pub(super) fn pass(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// A moment between the begin of something that takes so long, and a little behind its end.
pub(super) fn moment(random: &mut Random, length: Duration) -> Duration {
    length.mul_f64(f64::from(u32::try_from(random.below(1100)).expect("small")) / 1000.0)
}

/// Starts the binary and kills it after a while.
pub(super) fn kill_after(project: &Project, arguments: &[&str], after: Duration) {
    let mut command = project.command(arguments);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("a run");
    pass(after);
    child.kill().expect("a kill");
    child.wait().expect("an end");
}

/// What the plan has done, by address and action; each at most once.
pub(super) fn done(state: &State) -> BTreeMap<(String, String), usize> {
    let mut done = BTreeMap::new();
    for entry in state.audit.iter().filter(|entry| entry.plan_id.is_some() && entry.action != "mark-used") {
        let address = entry.address.as_ref().map(ToString::to_string).unwrap_or_default();
        *done.entry((address, format!("{} {}", entry.plan_id.expect("a plan"), entry.action))).or_default() += 1;
    }
    done
}

/// Each plan has done each thing at most once.
pub(super) fn nothing_twice(state: &State, story: &str) {
    let twice: Vec<_> = done(state).into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(twice.is_empty(), "{story}: {twice:?}");
}

/// The database as it is, whether or not the process that was killed had made it.
fn state(rig: &Rig) -> Option<State> {
    rig.project.join(".trueup/local.db").exists().then(|| rig.state())
}

fn rounds(seed: u64, start: &Rig) {
    let mut random = Random::new(seed);
    start.project.ok(&["plan", "--out", "plan.json"]);
    let before = state(start);
    let whole = copy_of(start);
    let began = Instant::now();
    whole.project.ok(&["apply", "-y", "plan.json"]);
    let length = began.elapsed();
    let finished = whole.state();
    let (mut in_time, mut too_late) = (0, 0);
    for round in 0..14 {
        let rig = copy_of(start);
        // Beyond its end, too: killed when everything is done.
        let after = moment(&mut random, length);
        let story = format!("round {round}, killed after {after:?} of {length:?}");
        kill_after(&rig.project, &["apply", "-y", "plan.json"], after);
        let killed = state(&rig);
        let rows = |state: &Option<State>| state.as_ref().map(|state| state.snapshot.rows.len()).unwrap_or_default();
        let audit = |state: &Option<State>| state.as_ref().map(|state| state.audit.len()).unwrap_or_default();
        if audit(&killed) == audit(&before) {
            assert_eq!(rows(&killed), rows(&before), "objects without an entry in the audit: {story}");
            in_time += 1;
        } else {
            assert_eq!(audit(&killed), finished.audit.len(), "half of a changeset: {story}");
            assert_eq!(rows(&killed), finished.snapshot.rows.len(), "half of a changeset: {story}");
            too_late += 1;
        }
        if round % 2 == 0 {
            // The same plan takes its own lease again.
            rig.project.ok(&["apply", "-y", "plan.json"]);
        } else {
            let fresh = rig.project.run(&["apply", "-y"]);
            if fresh.code == 8 {
                assert!(fresh.err.contains("tester@machine"), "{}", fresh.err);
                rig.project.ok(&["unlock", "-y"]);
                rig.project.ok(&["apply", "-y"]);
            } else {
                assert_eq!(fresh.code, 0, "{story}: {}", fresh.err);
            }
            // The plan that was killed is either done or stale, and never writes a second time.
            let again = rig.project.run(&["apply", "-y", "plan.json"]);
            assert!(again.code == 0 || again.code == 6, "{story}: {}", again.err);
        }
        assert!(rig.project.ok(&["plan"]).out.ends_with("No changes.\n"), "{story}");
        let end = rig.state();
        assert_eq!(end.addresses(), finished.addresses(), "{story}");
        assert_eq!(end.archived(), finished.archived(), "{story}");
        nothing_twice(&end, &story);
        assert_eq!(done(&end).len(), done(&finished).len(), "{story}");
    }
    // Where the moments fall is up to the machine; that there were both is not asked of it.
    assert_eq!(in_time + too_late, 14);
}

#[test]
fn an_apply_to_an_empty_target_survives_kills() {
    let rig = Rig::with(&(BASE.to_owned() + &many("content")));
    rounds(1, &rig);
}

#[test]
fn an_apply_of_changes_survives_kills() {
    let rig = Rig::applied(&(BASE.to_owned() + &many("content")));
    rig.write(&(base_with(&[("is yours.", "waits."), ("Your address?", "Which address?")]) + &many("technical")));
    rounds(2, &rig);
}

#[test]
fn an_apply_reads_and_then_writes_while_another_process_has_the_store_open() {
    // As after a kill, the log has its index beside it, which a reader may not write and a writer must.
    let rig = Rig::applied(BASE);
    rig.in_store(async |_| {
        for team in ["blue", "green", "yellow", "black"] {
            rig.write(&base_with(&[("X-Team: red", &format!("X-Team: {team}"))]));
            rig.project.ok(&["apply", "-y"]);
            rig.project.ok(&["outputs"]);
        }
    });
}
