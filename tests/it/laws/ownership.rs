//! Law 9: nothing outside the selection is written; nothing owned by others is touched.

use serde_json::json;
use trueup::kinds::Address;
use trueup::object::record::ObjectRecord;
use trueup::plan::PlanOptions;
use trueup::plan::selection::Selection;

use crate::rig::{PROJECT, Rig, actions};
use crate::stories::{BASE, base_with, base_without};
use crate::world::{Random, World, seeds};

/// What a write to an object changes. That something else refers to it is no write to it.
fn content(record: &ObjectRecord) -> (String, String, Option<String>, bool) {
    let whole = json!({"metadata": record.metadata, "spec": record.spec}).to_string();
    (record.id.to_string(), whole, record.last_applied.as_ref().map(ToString::to_string), record.managed)
}

#[test]
pub(super) fn nothing_outside_the_selection_is_written() {
    let (mut narrowed, mut refused) = (0, 0);
    for seed in seeds(30) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        rig.write_world(&world);
        rig.converge();
        let story: Vec<String> = (0..5).map(|_| world.edit(&mut random)).collect();
        rig.write_world(&world);
        let all: Vec<Address> = world.addresses().iter().map(|text| text.parse().expect("an address")).collect();
        let chosen: Vec<Address> = all.into_iter().filter(|_| random.chance(60)).collect();
        let only = random.chance(50);
        let selection = if only {
            Selection { only: chosen.clone(), ..Selection::default() }
        } else {
            Selection { exclude: chosen.clone(), ..Selection::default() }
        };
        let is_selected = |address: &Address| chosen.contains(address) == only || selection.is_everything();
        let before = rig.state();
        let planned = match rig.try_plan(&PlanOptions { selection: selection.clone(), ..rig.options() }) {
            Ok(planned) => planned,
            Err(problems) => {
                let codes: Vec<String> = problems.iter().map(|problem| problem.code.to_string()).collect();
                let known = |code: &String| code == "outside-selection" || code == "still-referred";
                assert!(codes.iter().all(known), "seed {seed}: {problems:?}");
                refused += 1;
                continue;
            }
        };
        narrowed += 1;
        let outside = planned.plan.actions.iter().find(|action| !is_selected(&action.address));
        assert!(outside.is_none(), "seed {seed}, {story:?}: {:?} for {selection:?}", actions(&planned.plan));
        rig.apply(&planned);
        let after = rig.state();
        let moved: Vec<&Address> = planned.plan.actions.iter().filter_map(|action| action.from.as_ref()).collect();
        for record in &before.records {
            if is_selected(&record.address) && world.addresses().contains(&record.address.to_string())
                || moved.contains(&&record.address)
            {
                continue;
            }
            let same = after.records.iter().find(|other| other.address == record.address).map(content);
            assert_eq!(same, Some(content(record)), "seed {seed}, {story:?}: {} was written", record.address);
        }
    }
    assert!(narrowed > 5 && refused > 0, "{narrowed} plans, {refused} refused");
}

#[test]
pub(super) fn objects_made_by_hand_are_neither_changed_nor_pruned() {
    let rig = Rig::applied(BASE);
    rig.make_by_hand(
        "Destination/by-hand",
        json!({"platform": "Mail", "method": "POST", "url": "https://mail.acme.test"}),
    );
    rig.make_by_hand("Workflow/by-hand", json!({"start": "bye", "steps": [{"name": "bye", "type": "end"}]}));
    let by_hand = |rig: &Rig| {
        let state = rig.state();
        ["Destination/by-hand", "Workflow/by-hand"]
            .map(|address| (state.row(address).clone(), state.record(address).clone()))
    };
    let before = by_hand(&rig);
    rig.write(&base_with(&[("X-Team: red", "X-Team: blue")]));
    rig.converge();
    rig.write(&base_without(&["IncomingWebhook/shop", "Workflow/newsletter", "Webhook/nps", "Destination/chat"]));
    rig.converge();
    rig.apply(&rig.plan_with(&PlanOptions { destroy: true, ..rig.options() }));
    assert_eq!(rig.state().addresses(), ["Destination/by-hand", "Workflow/by-hand"]);
    assert!(by_hand(&rig) == before, "an object made by hand was touched");
}

#[test]
pub(super) fn other_projects_of_the_same_database_are_not_touched() {
    let rig = Rig::applied(BASE);
    let other = Rig::with(&base_with(&[("bcf4c7f5682b4aa6875a0fc9bdfa21ca", "00000000000000000000000000000001")]));
    let data = rig.project.join(".trueup/local.db");
    other.project.write(
        "trueup.yaml",
        &format!(
            "apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: other }}\nspec: {{ targets: {{ local: {{ embedded: {{ path: {} }} }} }} }}\n",
            data.display()
        ),
    );
    let first = rig.state();
    other.project.ok(&["apply", "-y"]);
    assert!(rig.state() == first, "the first project was touched");
    let second = rig.state_of("other");
    assert_eq!(second.addresses(), first.addresses());
    rig.write(&base_with(&[("X-Team: red", "X-Team: blue"), ("is yours.", "waits.")]));
    rig.converge();
    rig.apply(&rig.plan_with(&PlanOptions { destroy: true, ..rig.options() }));
    assert_eq!(rig.state_of(PROJECT).addresses(), Vec::<String>::new());
    assert!(rig.state_of("other") == second, "the other project was touched");
    other.project.ok(&["destroy", "-y"]);
}

#[test]
pub(super) fn what_others_refer_to_is_neither_renamed_nor_replaced_nor_removed() {
    let notification = json!({"template": "lead", "audiences": ["sales"], "startAt": "2091-12-01"});
    let replaced = base_without(&["Notification/reminder"]).replace("is yours.", "waits.");
    // An orphan.
    let rig = Rig::applied(BASE);
    rig.write(&replaced);
    let run = rig.project.run(&["plan"]);
    assert_eq!(run.code, 6, "{}\n{}", run.out, run.err);
    assert!(run.err.contains("still-referred") && run.err.contains("Notification/reminder"), "{}", run.err);
    rig.project.ok(&["apply", "-y", "--prune"]);
    // An object made by hand.
    let rig = Rig::applied(&base_without(&["Notification/reminder"]));
    rig.make_by_hand("Notification/by-hand", notification);
    for manifests in [
        replaced,
        base_without(&["Notification/reminder"])
            .replace("metadata: { name: lead }", "metadata: { name: hint, annotations: { trueup.dev/was: lead } }")
            .replace("template: lead", "template: hint"),
        base_without(&["Notification/reminder", "Workflow/newsletter", "IncomingWebhook/shop", "Template/lead"]),
    ] {
        rig.write(&manifests);
        let run = rig.project.run(&["plan", "--prune"]);
        assert_eq!(run.code, 6, "{}\n{}", run.out, run.err);
        assert!(run.err.contains("Notification/by-hand, which was made by hand"), "{}", run.err);
    }
}
