//! Law 8: a plan whose preconditions changed is refused before any write.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trueup::apply::ApplyError;
use trueup::apply::report::ActionState;
use trueup::provider::ProviderError;

use crate::rig::{Rig, actions};
use crate::stories::{BASE, base_with, base_without};
use crate::world::{Random, World, seeds};

fn stale(outcome: Result<(), ApplyError>) -> Option<BTreeSet<String>> {
    match outcome {
        Err(ApplyError::Provider(ProviderError::Conflict(stale))) => {
            let addresses: Vec<String> = stale.iter().map(|stale| stale.address.to_string()).collect();
            let distinct: BTreeSet<String> = addresses.iter().cloned().collect();
            assert_eq!(distinct.len(), addresses.len(), "an address is listed twice: {addresses:?}");
            Some(distinct)
        }
        Err(other) => panic!("refused for another reason: {other:?}"),
        Ok(()) => None,
    }
}

#[test]
pub(super) fn all_stale_addresses_are_listed_and_nothing_is_written() {
    let (mut refused, mut carried_out) = (0, 0);
    for seed in seeds(16) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        rig.write_world(&world);
        rig.converge();
        let story: Vec<String> = (0..4).map(|_| world.edit(&mut random)).collect();
        rig.write_world(&world);
        let planned = rig.plan();
        // What the plan expects of objects: those it acts on, and those it records as brought into line.
        let expecting = planned.plan.actions.iter().filter(|action| action.expected.is_some());
        let acted: BTreeSet<String> =
            expecting.map(|action| action.from.as_ref().unwrap_or(&action.address).to_string()).collect();
        let mut expected = BTreeSet::new();
        for address in rig.state().addresses() {
            if random.chance(30) {
                rig.touch_by_hand(&address);
                if acted.contains(&address) {
                    expected.insert(address);
                }
            }
        }
        let before = rig.state();
        let (report, outcome) = rig.try_apply(&planned);
        let found = stale(outcome);
        if expected.is_empty() {
            assert_eq!(found, None, "drift elsewhere makes the plan stale: seed {seed}, {story:?}");
            carried_out += 1;
            continue;
        }
        refused += 1;
        assert_eq!(found, Some(expected), "seed {seed}, {story:?}, {:?}", actions(&planned.plan));
        assert!(rig.state() == before, "a refused plan wrote something: seed {seed}, {story:?}");
        let done = report.actions.iter().any(|action| action.state == ActionState::Done);
        assert!(!done && report.actions.iter().any(|action| action.state == ActionState::Stale), "{report:?}");
    }
    assert!(refused > 0 && carried_out > 0, "{refused} refused, {carried_out} carried out");
}

#[test]
pub(super) fn an_address_that_was_taken_meanwhile_is_stale() {
    let spec = || json!({"system": "crm", "event": "survey.submitted", "destination": "chat"});
    let rig = Rig::applied(&base_without(&["Webhook/nps"]));
    rig.write(BASE);
    let create = rig.plan();
    rig.make_by_hand("Webhook/nps", spec());
    assert_eq!(stale(rig.try_apply(&create).1), Some(BTreeSet::from(["Webhook/nps".to_owned()])));

    let rig = Rig::applied(BASE);
    rig.write(&base_with(&[(
        "metadata: { name: nps, labels: { team: adoption } }",
        "metadata: { name: score, annotations: { trueup.dev/was: nps } }",
    )]));
    let moves = rig.plan();
    assert_eq!(actions(&moves.plan), ["move Webhook/score"]);
    rig.make_by_hand("Webhook/score", spec());
    assert_eq!(stale(rig.try_apply(&moves).1), Some(BTreeSet::from(["Webhook/score".to_owned()])));

    let rig = Rig::applied(BASE);
    let workflow = rig.state().record("Workflow/newsletter").spec.clone();
    rig.write(&base_without(&["Workflow/newsletter", "IncomingWebhook/shop"]));
    rig.converge();
    rig.write(BASE);
    let restore = rig.plan();
    assert!(actions(&restore.plan).contains(&"restore Workflow/newsletter".to_owned()));
    let without_secrets = edited_workflow(workflow);
    rig.make_by_hand("Workflow/newsletter", without_secrets);
    assert_eq!(stale(rig.try_apply(&restore).1), Some(BTreeSet::from(["Workflow/newsletter".to_owned()])));
}

/// The workflow less its secret, whose content a change by hand would have to bring.
fn edited_workflow(mut spec: Value) -> Value {
    spec["steps"][1].as_object_mut().expect("a step").remove("headers");
    spec
}

#[test]
pub(super) fn a_move_of_a_stale_object_is_reported_as_stale() {
    let rig = Rig::applied(BASE);
    rig.write(&base_with(&[(
        "metadata: { name: nps, labels: { team: adoption } }",
        "metadata: { name: score, annotations: { trueup.dev/was: nps } }",
    )]));
    let moves = rig.plan();
    rig.touch_by_hand("Webhook/nps");
    let (report, outcome) = rig.try_apply(&moves);
    assert_eq!(stale(outcome), Some(BTreeSet::from(["Webhook/nps".to_owned()])));
    assert_eq!(report.actions[0].state, ActionState::Stale);
}

#[test]
pub(super) fn the_binary_refuses_a_stale_plan_with_exit_code_6() {
    let rig = Rig::applied(BASE);
    let edits = [("X-Team: red", "X-Team: blue"), ("ana@acme.test, bo@acme.test", "ana@acme.test")];
    rig.write(&base_with(&edits));
    rig.project.ok(&["plan", "--out", "plan.json"]);
    rig.touch_by_hand("Destination/chat");
    rig.touch_by_hand("Audience/sales");
    let before = rig.state();
    let run = rig.project.run(&["apply", "-y", "plan.json"]);
    assert_eq!(run.code, 6, "{}", run.err);
    assert!(run.err.contains("Audience/sales, Destination/chat"), "{}", run.err);
    assert!(rig.state() == before, "a refused plan wrote something");

    // Drift elsewhere is no reason to refuse.
    rig.project.ok(&["plan", "--out", "plan.json"]);
    rig.touch_by_hand("Workflow/newsletter");
    rig.project.ok(&["apply", "-y", "plan.json"]);
}

#[test]
pub(super) fn the_binary_refuses_a_plan_of_other_manifests_variables_and_projects() {
    let rig = Rig::with(BASE);
    rig.project.ok(&["plan", "--out", "plan.json"]);
    rig.write(&base_with(&[("X-Team: red", "X-Team: blue")]));
    let run = rig.project.run(&["apply", "-y", "plan.json"]);
    assert_eq!(run.code, 6, "{}", run.err);
    assert!(!rig.project.join(".trueup").exists(), "a refused plan left something behind");
    rig.write(BASE);
    let other = Rig::with(BASE);
    other.project.write("trueup.yaml", "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: other }\n");
    let plan = std::fs::read_to_string(rig.project.join("plan.json")).expect("a plan");
    other.project.write("plan.json", &plan);
    assert_eq!(other.project.run(&["apply", "-y", "plan.json"]).code, 3);
    rig.project.ok(&["apply", "-y", "plan.json"]);
}

#[test]
pub(super) fn a_saved_plan_is_applied_once_and_its_repetition_says_when() {
    let rig = Rig::with(BASE);
    rig.project.ok(&["plan", "--out", "plan.json"]);
    let first = rig.project.ok(&["apply", "-y", "plan.json"]);
    assert!(first.out.ends_with("Apply complete! Resources: 9 added, 1 changed, 0 destroyed.\n"), "{}", first.out);
    let state = rig.state();
    let again = rig.project.ok(&["apply", "-y", "plan.json"]);
    assert!(again.out.contains("applied") && again.out.contains("tester@machine"), "{}", again.out);
    // Whatever happened since: the manifests, the live objects.
    rig.write(&base_with(&[("X-Team: red", "X-Team: blue")]));
    rig.project.ok(&["apply", "-y", "plan.json"]);
    assert!(rig.state() == state, "the second apply wrote something");
    // The same id with another body.
    let plan = std::fs::read_to_string(rig.project.join("plan.json")).expect("a plan");
    let mut plan: Value = serde_json::from_str(&plan).expect("JSON");
    plan["created_at"] = json!("2031-01-01T00:00:00Z");
    // Without it nothing says that the document was edited: the target notices all the same.
    plan.as_object_mut().expect("a map").remove("body_digest");
    rig.write(BASE);
    rig.project.write("plan.json", &plan.to_string());
    let run = rig.project.run(&["apply", "-y", "plan.json"]);
    assert_eq!(run.code, 6, "{}", run.err);
    assert!(run.err.contains("another plan under the same id"), "{}", run.err);
    assert!(rig.state() == state, "a forged plan wrote something");
}
