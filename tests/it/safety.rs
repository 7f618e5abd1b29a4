//! Limits, protection, consent to sending, and what no action can solve, as the binary refuses them.

use serde_json::Value;

use crate::rig::Rig;
use crate::stories::{BASE, base_with, base_without, without};
use crate::support::Run;

fn refused(rig: &Rig, arguments: &[&str], code: i32, says: &str) -> Run {
    let before = rig.state();
    let run = rig.project.run(arguments);
    assert_eq!(run.code, code, "{arguments:?}\n{}\n{}", run.out, run.err);
    assert!(run.err.contains(says), "{arguments:?} does not say {says:?}:\n{}", run.err);
    assert!(rig.state() == before, "{arguments:?} wrote something");
    run
}

#[test]
fn protected_objects_are_never_deleted_replaced_or_archived() {
    let protect = |name: &str| {
        let (plain, protected) = (
            format!("metadata: {{ name: {name} }}"),
            format!("metadata: {{ name: {name}, annotations: {{ trueup.dev/protect: \"true\" }} }}"),
        );
        base_with(&[(plain.as_str(), protected.as_str())])
    };
    let rig = Rig::applied(&protect("shop"));
    rig.write(&base_without(&["IncomingWebhook/shop"]));
    let flags = ["apply", "-y", "--prune", "--max-deletes", "100", "--allow-send"];
    refused(&rig, &flags, 9, "IncomingWebhook/shop is protected");

    let rig = Rig::applied(&protect("newsletter"));
    rig.write(&base_without(&["IncomingWebhook/shop", "Workflow/newsletter"]));
    refused(&rig, &flags, 9, "Workflow/newsletter is protected");

    let protected = protect("lead");
    let rig = Rig::applied(&protected);
    rig.write(&protected.replace("is yours.", "waits."));
    refused(&rig, &flags, 9, "Template/lead is protected");
    // Taking the protection and the object away at once is two decisions: the live object still says no.
    rig.write(&BASE.replace("is yours.", "waits."));
    refused(&rig, &flags, 9, "Template/lead is protected");

    let rig = Rig::applied(&protect("chat"));
    refused(&rig, &["apply", "-y", "--replace", "Destination/chat"], 9, "Destination/chat is protected");
    refused(&rig, &["destroy", "-y", "--max-deletes", "100"], 9, "Destination/chat is protected");
    rig.project.ok(&["plan", "--replace", "Destination/chat"]);
}

#[test]
fn more_deletes_than_allowed_are_refused_and_a_flag_lifts_that() {
    let rig = Rig::applied(BASE);
    rig.write(&base_without(&["IncomingWebhook/shop", "Workflow/newsletter", "Webhook/nps"]));
    rig.project.write(
        "trueup.yaml",
        "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\nspec: { limits: { maxDeletes: 2 } }\n",
    );
    let plan = rig.project.ok(&["plan", "--prune"]);
    assert!(plan.out.contains("Apply refuses this plan:"), "{}", plan.out);
    refused(&rig, &["apply", "-y", "--prune"], 9, "--max-deletes 3");
    refused(&rig, &["apply", "-y", "--prune", "--max-deletes", "2"], 9, "--max-deletes 3");
    rig.project.ok(&["plan", "--prune", "--out", "plan.json"]);
    refused(&rig, &["apply", "-y", "plan.json"], 9, "--max-deletes 3");
    let done = rig.project.ok(&["apply", "-y", "plan.json", "--max-deletes", "3"]);
    assert!(done.out.ends_with("Apply complete! Resources: 0 added, 0 changed, 3 destroyed.\n"), "{}", done.out);
}

#[test]
fn a_larger_share_than_allowed_is_refused_from_ten_managed_objects_on() {
    let events = |count: usize, class: &str| -> String {
        let event = |n: usize| {
            format!(
                "---\napiVersion: trueup/v1\nkind: EventType\nmetadata: {{ name: e{n} }}\nspec: {{ properties: {{ p: {{ type: string, class: {class} }} }} }}\n"
            )
        };
        (0..count).map(event).collect()
    };
    let few = Rig::applied(&events(9, "content"));
    few.write(&events(9, "technical"));
    few.project.ok(&["apply", "-y", "--max-changed-percent", "10"]);
    let many = Rig::applied(&events(10, "content"));
    let four = events(4, "technical")
        + &without(&events(10, "content"), &["EventType/e0", "EventType/e1", "EventType/e2", "EventType/e3"]);
    many.write(&four);
    refused(&many, &["apply", "-y", "--max-changed-percent", "30"], 9, "4 of 10 managed objects change (40 %)");
    many.project.ok(&["apply", "-y", "--max-changed-percent", "40"]);
}

#[test]
fn a_notification_that_starts_now_needs_consent_to_sending() {
    let now = base_with(&[("startAt: \"2091-12-01\", ", "")]);
    let rig = Rig::applied(&base_without(&["Notification/reminder"]));
    rig.write(&now);
    let plan = rig.project.ok(&["plan"]).out;
    assert!(plan.contains("sends to 1 audience at once"), "{plan}");
    refused(&rig, &["apply", "-y"], 9, "--allow-send");
    rig.project.ok(&["plan", "--out", "plan.json"]);
    refused(&rig, &["apply", "-y", "plan.json"], 9, "--allow-send");
    rig.project.ok(&["apply", "-y", "plan.json", "--allow-send"]);
    assert!(rig.project.ok(&["plan"]).out.ends_with("No changes.\n"));
}

#[test]
fn what_no_action_can_solve_is_invalid_input() {
    let rig = Rig::applied(&base_without(&["Notification/reminder"]));
    let past = ("startAt: \"2091-12-01\", endAt: \"2091-12-24\"", "startAt: \"2020-01-01\", endAt: \"2020-02-01\"");
    rig.write(&base_with(&[past]));
    refused(&rig, &["apply", "-y", "--allow-send"], 3, "time-past");
    assert_eq!(rig.project.run(&["plan"]).code, 3);
    rig.write(&base_with(&[("bcf4c7f5682b4aa6875a0fc9bdfa21ca", "00000000000000000000000000000001")]));
    let run = refused(&rig, &["apply", "-y"], 3, "immutable-field");
    assert!(run.err.contains("new name"), "{}", run.err);
    // In capitals it is the same id; written out where the target has filled it in, too.
    rig.write(&base_with(&[("bcf4c7f5682b4aa6875a0fc9bdfa21ca", "BCF4C7F5682B4AA6875A0FC9BDFA21CA")]));
    rig.project.ok(&["apply", "-y"]);
    let id = rig.state().row("System/crm").id.to_string().replace('-', "");
    let written = format!("spec: {{ platform: web, systemId: {id} }}");
    rig.write(&base_with(&[("spec: { platform: web }", written.as_str())]));
    rig.project.ok(&["apply", "-y"]);
    assert!(rig.project.ok(&["plan"]).out.ends_with("No changes.\n"));
}

#[test]
fn orphans_are_shown_and_left_alone_without_prune() {
    let rig = Rig::applied(BASE);
    rig.write(&base_without(&["Webhook/nps", "IncomingWebhook/shop"]));
    let plan = rig.project.ok(&["plan"]).out;
    assert!(plan.contains("Webhook/nps") && plan.contains("IncomingWebhook/shop"), "{plan}");
    assert!(plan.ends_with("No changes.\n"), "{plan}");
    let json: Value = serde_json::from_str(&rig.project.ok(&["plan", "-o", "json"]).out).expect("JSON");
    assert_eq!(json["orphans"], serde_json::json!(["Webhook/nps", "IncomingWebhook/shop"]));
    let before = rig.state();
    rig.project.ok(&["apply", "-y"]);
    assert!(rig.state() == before);
    rig.project.ok(&["apply", "-y", "--prune"]);
    assert!(!rig.state().addresses().contains(&"Webhook/nps".to_owned()));
}

#[test]
fn without_a_terminal_consent_must_come_with_the_command() {
    let rig = Rig::with(BASE);
    assert_eq!(rig.project.run(&["apply"]).code, 64);
    assert_eq!(rig.project.run(&["destroy"]).code, 64);
    assert!(!rig.project.join(".trueup").exists(), "a refused apply left something behind");
}

#[test]
pub(crate) fn everything_that_is_managed_can_be_destroyed() {
    let rig = Rig::applied(BASE);
    rig.make_by_hand("EventType/by-hand", serde_json::json!({"properties": {}}));
    refused(&rig, &["destroy", "-y", "--max-deletes", "3"], 9, "--max-deletes 9");
    rig.project.ok(&["destroy", "-y"]);
    assert_eq!(rig.state().addresses(), ["EventType/by-hand"]);
    assert_eq!(rig.state().archived(), ["Template/lead", "Workflow/newsletter"]);
    rig.project.ok(&["apply", "-y"]);
    assert!(rig.project.ok(&["plan"]).out.ends_with("No changes.\n"));
}
