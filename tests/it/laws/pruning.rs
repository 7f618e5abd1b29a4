//! Law 10: the prune set is within (managed − desired); input errors make it empty.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trueup::object::action::ActionKind;

use crate::rig::Rig;
use crate::stories::BASE;
use crate::world::{Random, World, address, seeds, text};

#[test]
pub(super) fn only_what_is_managed_and_no_longer_wanted_is_removed() {
    for seed in seeds(12) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        rig.write_world(&world);
        rig.converge();
        rig.make_by_hand("EventType/by-hand", json!({"properties": {}}));
        for _ in 0..5 {
            for _ in 0..3 {
                world.edit(&mut random);
            }
            rig.write_world(&world);
            let managed: BTreeSet<String> = rig
                .state()
                .snapshot
                .rows
                .iter()
                .filter(|row| row.managed && !row.archived)
                .map(|row| row.address.to_string())
                .collect();
            let desired: BTreeSet<String> = world.addresses().into_iter().collect();
            let planned = rig.plan();
            let moved = planned.plan.actions.iter().filter_map(|action| action.from.as_ref().map(ToString::to_string));
            let kept: BTreeSet<String> = desired.iter().cloned().chain(moved).collect();
            let removes = |kind: ActionKind| matches!(kind, ActionKind::Delete | ActionKind::Archive);
            let removed: BTreeSet<String> = planned
                .plan
                .actions
                .iter()
                .filter(|action| removes(action.action))
                .map(|action| action.address.to_string())
                .collect();
            let orphans: BTreeSet<String> = managed.difference(&kept).cloned().collect();
            assert_eq!(removed, orphans, "seed {seed}");
            rig.apply(&planned);
        }
    }
}

/// Ways to break a manifest.
fn broken(random: &mut Random, manifests: &mut [Value]) -> String {
    let at = random.below(manifests.len());
    let what = address(&manifests[at]);
    match random.below(7) {
        0 => manifests[at]["kind"] = json!("Sistem"),
        1 => manifests[at]["spec"]["surprise"] = json!(1),
        2 => manifests[at]["metadata"]["name"] = json!("Not A Name"),
        3 => manifests[at]["apiVersion"] = json!("trueup/v9"),
        4 => manifests[at]["spec"] = json!("text"),
        5 => manifests[at]["metadata"]["labels"] = json!("${var.unknown}"),
        _ => manifests[at]["metadata"] = json!({}),
    }
    what
}

#[test]
pub(super) fn a_broken_manifest_never_leads_to_a_removal() {
    let mut random = Random::new(7);
    let world = World::random(&mut random);
    let rig = Rig::new();
    rig.write_world(&world);
    rig.converge();
    let before = rig.state();
    for _ in 0..20 {
        let mut manifests = world.manifests.clone();
        let what = broken(&mut random, &mut manifests);
        rig.write(&text(&manifests));
        let run = rig.project.run(&["apply", "-y", "--prune", "--max-deletes", "100"]);
        assert_eq!(run.code, 3, "broken {what}: {}\n{}", run.out, run.err);
        assert!(rig.state() == before, "a broken {what} led to a write");
    }
    for (name, content) in
        [("cut.yaml", "kind: [".as_bytes()), ("binary.yaml", &[0xFF, 0xFE, 0x00, 0x80]), ("tab.yml", b"a:\n\t- b")]
    {
        rig.write(&text(&world.manifests[1..]));
        std::fs::write(rig.project.join(name), content).expect("a written file");
        let run = rig.project.run(&["apply", "-y", "--prune", "--max-deletes", "100"]);
        assert_eq!(run.code, 3, "{name}: {}\n{}", run.out, run.err);
        std::fs::remove_file(rig.project.join(name)).expect("a removed file");
        assert!(rig.state() == before, "{name} led to a write");
    }
}

#[test]
pub(super) fn an_empty_project_prunes_only_when_that_is_allowed() {
    let rig = Rig::applied(BASE);
    rig.write("");
    let before = rig.state();
    let plan = rig.project.ok(&["apply", "-y", "--prune", "--max-deletes", "100"]);
    assert!(plan.out.contains("--allow-empty"), "{}", plan.out);
    assert!(rig.state() == before, "an empty project led to a removal");
    rig.project.ok(&["apply", "-y", "--prune", "--allow-empty"]);
    assert_eq!(rig.state().addresses(), Vec::<String>::new());
}

#[test]
pub(super) fn standard_input_and_a_part_of_the_project_prune_nothing() {
    use std::io::Write as _;
    let rig = Rig::applied(BASE);
    let before = rig.state();
    let one = "apiVersion: trueup/v1\nkind: Audience\nmetadata: { name: sales }\nspec: { members: [ana@acme.test, bo@acme.test] }\n";
    for input in ["", one] {
        let mut command =
            rig.project.command(&["apply", "-", "-y", "--prune", "--allow-empty", "--max-deletes", "100"]);
        let mut child =
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().expect("a run");
        child.stdin.take().expect("standard input").write_all(input.as_bytes()).expect("written input");
        assert!(child.wait().expect("an end").success());
        assert!(rig.state() == before, "standard input led to a write: {input:?}");
    }
    rig.project.write("part/one.yaml", one);
    rig.write("");
    rig.project.ok(&["apply", "part", "-y", "--prune", "--allow-empty", "--max-deletes", "100"]);
    rig.project.ok(&["apply", "part/one.yaml", "-y", "--prune", "--allow-empty", "--max-deletes", "100"]);
    assert!(rig.state() == before, "a part of the project led to a removal");
}
