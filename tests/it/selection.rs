//! `--only`, `--exclude`, `-l` and partial loads: what is not selected is not written, and what would have to be is named.

use serde_json::Value;

use crate::rig::Rig;
use crate::stories::{BASE, base_with};

fn plan(rig: &Rig, flags: &[&str]) -> Value {
    let arguments: Vec<&str> = ["plan", "-o", "json"].iter().chain(flags).copied().collect();
    serde_json::from_str(&rig.project.ok(&arguments).out).expect("JSON")
}

fn addresses(plan: &Value) -> Vec<&str> {
    let actions = plan["actions"].as_array().expect("actions").iter();
    actions.map(|action| action["address"].as_str().expect("an address")).collect()
}

fn refused(rig: &Rig, flags: &[&str], missing: &[&str]) {
    let arguments: Vec<&str> = ["plan"].iter().chain(flags).copied().collect();
    let run = rig.project.run(&arguments);
    assert_eq!(run.code, 3, "{flags:?}\n{}\n{}", run.out, run.err);
    for address in missing {
        let needed = format!("needs a write to {address}, which is outside the selection");
        assert!(run.err.contains(&needed), "{flags:?} does not list {address}:\n{}", run.err);
    }
}

const EDITS: &[(&str, &str)] = &[
    ("X-Team: red", "X-Team: blue"),
    ("Your address?", "Which address?"),
    ("ana@acme.test, bo@acme.test", "ana@acme.test"),
];

#[test]
fn a_selection_narrows_the_plan_and_says_so() {
    let rig = Rig::applied(BASE);
    rig.write(&base_with(EDITS));
    assert_eq!(addresses(&plan(&rig, &[])), ["Audience/sales", "Destination/chat", "Workflow/newsletter"]);
    let narrowed = plan(&rig, &["--only", "Destination/chat"]);
    assert_eq!(addresses(&narrowed), ["Destination/chat"]);
    assert_eq!(narrowed["complete"], false);
    assert_eq!(addresses(&plan(&rig, &["--exclude", "Destination/chat"])), ["Audience/sales", "Workflow/newsletter"]);
    assert_eq!(addresses(&plan(&rig, &["-l", "team=adoption"])), Vec::<&str>::new());
    let text = rig.project.ok(&["plan", "--only", "Destination/chat"]).out;
    assert!(text.starts_with("Only a part of acme is planned: only Destination/chat."), "{text}");
    assert!(text.ends_with("Plan: 0 to add, 1 to change, 0 to destroy. 0 unchanged.\n"), "{text}");
}

#[test]
fn what_is_missing_from_a_selection_is_listed() {
    let rig = Rig::with(BASE);
    refused(&rig, &["--only", "Webhook/nps"], &["System/crm", "Destination/chat"]);
    refused(&rig, &["-l", "team=adoption"], &["System/crm", "Destination/chat"]);
    refused(&rig, &["--exclude", "Destination/chat"], &["Destination/chat"]);
    let whole = plan(&rig, &["--only", "Webhook/nps", "--only", "System/crm", "--only", "Destination/chat"]);
    assert_eq!(addresses(&whole), ["Destination/chat", "System/crm", "Webhook/nps", "System/crm"]);
}

#[test]
fn a_replace_needs_its_dependents_in_the_selection() {
    let rig = Rig::applied(BASE);
    rig.write(&base_with(&[("is yours.", "waits.")]));
    refused(&rig, &["--only", "Template/lead"], &["Notification/reminder", "Workflow/newsletter"]);
    refused(&rig, &["--exclude", "Workflow/newsletter"], &["Workflow/newsletter"]);
}

#[test]
fn a_system_that_must_be_published_must_be_in_the_selection() {
    let rig = Rig::applied(&crate::stories::base_without(&["Webhook/nps"]));
    rig.write(BASE);
    refused(&rig, &["--only", "Webhook/nps"], &["System/crm"]);
    assert_eq!(
        addresses(&plan(&rig, &["--only", "Webhook/nps", "--only", "System/crm"])),
        ["Webhook/nps", "System/crm"]
    );
}

#[test]
fn a_slip_in_an_address_selects_nothing_else() {
    let rig = Rig::applied(BASE);
    for flag in ["--only", "--exclude", "--replace"] {
        let run = rig.project.run(&["plan", flag, "Destination/chatt"]);
        assert_eq!(run.code, 3, "{flag}: {}\n{}", run.out, run.err);
        assert!(run.err.contains("did you mean Destination/chat?"), "{flag}: {}", run.err);
    }
}

#[test]
fn nothing_is_pruned_where_only_a_part_is_planned() {
    let rig = Rig::applied(BASE);
    // The webhook goes, and what stays is spread over two files.
    let (kept, gone) = (crate::stories::base_without(&["Webhook/nps", "Audience/sales"]), "Webhook/nps");
    rig.write(&kept);
    rig.project.write("people/audience.yaml", "apiVersion: trueup/v1\nkind: Audience\nmetadata: { name: sales }\nspec: { members: [ana@acme.test, bo@acme.test] }\n");
    let whole = plan(&rig, &["--prune"]);
    assert_eq!(addresses(&whole), [gone]);
    for flags in
        [&["--prune", "--only", "Audience/sales"][..], &["--prune", "--exclude", "System/crm"], &["--prune", "people"]]
    {
        let part = plan(&rig, flags);
        assert_eq!(addresses(&part), Vec::<&str>::new(), "{flags:?}");
        assert_eq!(part["complete"], false, "{flags:?}");
        let warned = part["warnings"].as_array().expect("warnings");
        assert!(
            warned.iter().any(|text| text.as_str().is_some_and(|text| text.contains("nothing is pruned"))),
            "{part:#}"
        );
    }
}
