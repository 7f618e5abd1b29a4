//! The three-way table (design §6) with changes made by hand, and what the binary says of them.

use serde_json::{Value, json};
use trueup::plan::PlanOptions;
use trueup::plan::plan_value::ChangeKind;
use trueup::plan::reason::Reason;

use crate::rig::{Rig, actions};
use crate::stories::{BASE, base_with, base_without};

const BY_MANIFEST: (&str, &str) = ("X-Team: red", "X-Team: blue");

fn by_hand(rig: &Rig, team: &str) {
    rig.change_by_hand("Destination/chat", |spec| spec["headers"]["X-Team"] = json!(team));
}

fn team(rig: &Rig) -> Value {
    rig.state().record("Destination/chat").spec["headers"]["X-Team"].clone()
}

#[test]
fn a_change_by_the_manifests_is_no_drift() {
    let rig = Rig::applied(BASE);
    rig.write(&base_with(&[BY_MANIFEST]));
    let plan = rig.plan().plan;
    assert_eq!(actions(&plan), ["update Destination/chat"]);
    assert_eq!(plan.actions[0].reason, Reason::ManifestChanged);
    assert_eq!(plan.actions[0].changes[0].kind, ChangeKind::Change);
    assert!(plan.drift.is_empty());
}

#[test]
fn drift_is_corrected_and_shown_apart_with_who_and_when() {
    let rig = Rig::applied(BASE);
    rig.set_now("2031-06-02T09:30:00Z");
    by_hand(&rig, "green");
    let planned = rig.plan();
    let plan = &planned.plan;
    assert_eq!(actions(plan), ["update Destination/chat"]);
    assert_eq!(plan.actions[0].reason, Reason::Drift);
    assert_eq!(plan.actions[0].changes[0].kind, ChangeKind::Drift);
    assert_eq!(plan.drift.len(), 1);
    assert_eq!(plan.drift[0].address.to_string(), "Destination/chat");
    assert_eq!(plan.drift[0].changes[0].path.to_string(), "spec.headers.X-Team");
    let (who, when) = plan.drift[0].by.clone().expect("who and when");
    assert_eq!((who.as_str(), when.to_string().as_str()), ("kim@console", "2031-06-02T09:30:00Z"));
    assert_eq!(plan.summary.update, 1, "drift is counted once");
    rig.apply(&planned);
    assert_eq!(team(&rig), "red");
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
}

#[test]
fn a_change_that_overwrites_drift_shows_both() {
    let rig = Rig::applied(BASE);
    by_hand(&rig, "green");
    rig.write(&base_with(&[BY_MANIFEST]));
    let plan = rig.plan().plan;
    assert_eq!(actions(&plan), ["update Destination/chat"]);
    assert_eq!(plan.actions[0].reason, Reason::ChangedOverDrift);
    assert_eq!(plan.actions[0].changes[0].kind, ChangeKind::Change);
    assert!(plan.actions[0].changes[0].overwrites.is_some());
    assert_eq!(plan.drift.len(), 1);
    rig.converge();
    assert_eq!(team(&rig), "blue");
    assert!(rig.plan().plan.drift.is_empty());
}

#[test]
fn what_was_brought_into_line_by_hand_needs_nothing_and_is_recorded_with_the_next_apply() {
    let rig = Rig::applied(BASE);
    by_hand(&rig, "blue");
    rig.write(&base_with(&[BY_MANIFEST]));
    let planned = rig.plan();
    assert_eq!(actions(&planned.plan), Vec::<String>::new());
    assert_eq!(planned.plan.refresh.len(), 1);
    let before = rig.state();
    rig.apply(&planned);
    assert!(rig.state() == before, "an empty plan writes nothing, not even what was last applied");
    // The next apply has something to do and records it.
    rig.write(&base_with(&[BY_MANIFEST, ("ana@acme.test, bo@acme.test", "ana@acme.test")]));
    rig.converge();
    let row = rig.state().row("Destination/chat").clone();
    assert_eq!(row.last_applied_digest, Some(row.digest));
    // From here on the old value is a change by hand, and the manifests win.
    by_hand(&rig, "red");
    assert_eq!(rig.plan().plan.actions[0].reason, Reason::Drift);
}

#[test]
fn a_refresh_of_an_object_that_changed_again_is_stale() {
    let rig = Rig::applied(BASE);
    by_hand(&rig, "blue");
    rig.write(&base_with(&[BY_MANIFEST, ("ana@acme.test, bo@acme.test", "ana@acme.test")]));
    let planned = rig.plan();
    by_hand(&rig, "green");
    let before = rig.state();
    assert!(rig.try_apply(&planned).1.is_err());
    assert!(rig.state() == before, "a refused apply wrote something");
}

#[test]
fn ignored_drift_keeps_its_live_value_across_applies() {
    let ignoring = base_with(&[(
        "metadata: { name: chat }",
        "metadata: { name: chat, annotations: { trueup.dev/ignore-drift: \"spec.headers.X-Team, spec.timeoutSeconds\" } }",
    )]);
    let rig = Rig::applied(&ignoring);
    rig.change_by_hand("Destination/chat", |spec| {
        spec["headers"]["X-Team"] = json!("green");
        spec["timeoutSeconds"] = json!(42);
    });
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
    for url in ["https://chat.acme.test/second", "https://chat.acme.test/third"] {
        rig.write(&ignoring.replace("https://chat.acme.test/hook", url));
        let planned = rig.plan();
        assert_eq!(actions(&planned.plan), ["update Destination/chat"]);
        let keeps: Vec<String> = planned.plan.actions[0].keeps.iter().map(ToString::to_string).collect();
        assert_eq!(keeps.len(), 2, "{keeps:?}");
        rig.apply(&planned);
        let spec = rig.state().record("Destination/chat").spec.clone();
        assert_eq!((&spec["headers"]["X-Team"], &spec["timeoutSeconds"]), (&json!("green"), &json!(42)));
        assert_eq!(spec["url"], url);
        assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
    }
    // Where the manifests change the field themselves, they win.
    rig.write(&ignoring.replace("X-Team: red", "X-Team: blue"));
    rig.converge();
    assert_eq!(team(&rig), "blue");
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
}

#[test]
fn drift_of_a_field_that_is_not_ignored_is_corrected_beside_one_that_is() {
    let ignoring = base_with(&[(
        "metadata: { name: chat }",
        "metadata: { name: chat, annotations: { trueup.dev/ignore-drift: spec.headers.X-Team } }",
    )]);
    let rig = Rig::applied(&ignoring);
    rig.change_by_hand("Destination/chat", |spec| {
        spec["headers"]["X-Team"] = json!("green");
        spec["timeoutSeconds"] = json!(42);
    });
    rig.converge();
    let spec = rig.state().record("Destination/chat").spec.clone();
    assert_eq!(spec["headers"]["X-Team"], "green");
    assert!(spec.get("timeoutSeconds").is_none_or(|seconds| seconds == 10), "{spec}");
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
}

#[test]
fn drift_of_a_used_template_and_of_a_workflow_is_corrected_as_their_life_cycles_want() {
    let rig = Rig::applied(BASE);
    rig.change_by_hand("Workflow/newsletter", |spec| spec["steps"][0]["say"] = json!("By hand?"));
    let planned = rig.plan();
    assert_eq!(actions(&planned.plan), ["make-current Workflow/newsletter"]);
    assert_eq!(planned.plan.actions[0].reason, Reason::Drift);
    rig.apply(&planned);
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
    rig.change_by_hand("Workflow/newsletter", |spec| spec["access"]["public"] = json!(false));
    assert_eq!(actions(&rig.plan().plan), ["update Workflow/newsletter"]);
    rig.converge();
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
}

#[test]
fn what_was_removed_by_hand_is_made_again() {
    let rig = Rig::applied(BASE);
    rig.remove_by_hand("Webhook/nps");
    assert_eq!(actions(&rig.plan().plan), ["create Webhook/nps"]);
    rig.converge();
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
}

#[test]
fn an_object_made_by_hand_is_taken_over_only_when_asked() {
    let rig = Rig::applied(&base_without(&["Webhook/nps"]));
    rig.make_by_hand("Webhook/nps", json!({"system": "crm", "event": "survey.submitted", "destination": "chat"}));
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new(), "what is not managed is no orphan");
    let labels = ("metadata: { name: nps, labels: { team: adoption } }", "metadata: { name: nps }");
    rig.write(&base_with(&[labels]));
    let refused = rig.project.run(&["plan"]);
    assert_eq!(refused.code, 6, "{}", refused.err);
    assert!(refused.err.contains("Webhook/nps") && refused.err.contains("--adopt"), "{}", refused.err);
    assert_eq!(rig.project.run(&["apply", "-y"]).code, 6);
    let id = rig.state().row("Webhook/nps").id;
    let planned = rig.plan_with(&PlanOptions { adopt: true, ..rig.options() });
    assert_eq!(actions(&planned.plan), ["adopt Webhook/nps", "publish-settings System/crm"]);
    // Without a last apply whatever differs is a change.
    rig.write(BASE);
    let planned = rig.plan_with(&PlanOptions { adopt: true, ..rig.options() });
    let adopt = planned.plan.actions.iter().find(|action| action.action.as_str() == "adopt").expect("an adopt");
    assert!(!adopt.changes.is_empty() && adopt.changes.iter().all(|change| change.kind == ChangeKind::Change));
    rig.apply(&planned);
    let row = rig.state().row("Webhook/nps").clone();
    assert!(row.managed);
    assert_eq!(row.id, id);
    assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
}

#[test]
fn the_binary_shows_drift_in_text_and_json() {
    let rig = Rig::applied(BASE);
    rig.set_now("2031-06-02T09:30:00Z");
    by_hand(&rig, "green");
    let text = rig.project.ok(&["plan"]).out;
    assert!(text.contains("Changed outside the manifests:"), "{text}");
    assert!(text.contains("by kim@console at 2031-06-02T09:30:00Z"), "{text}");
    assert!(text.ends_with("Plan: 0 to add, 1 to change, 0 to destroy. 8 unchanged.\n"), "{text}");
    let json: Value = serde_json::from_str(&rig.project.ok(&["plan", "-o", "json"]).out).expect("JSON");
    assert_eq!(json["drift"][0]["changes"][0]["path"], "spec.headers.X-Team");
    assert_eq!(json["drift"][0]["changes"][0]["before"], "green");
    assert_eq!(json["drift"][0]["changes"][0]["after"], "red");
    assert_eq!(json["actions"][0]["changes"][0]["kind"], "drift");
    assert_eq!(json["summary"]["update"], 1);
    assert_eq!(rig.project.run(&["drift", "--detailed-exitcode"]).code, 2);
    rig.project.ok(&["apply", "-y"]);
    assert_eq!(rig.project.run(&["drift", "--detailed-exitcode"]).code, 0);
    assert_eq!(rig.project.run(&["plan", "--detailed-exitcode"]).code, 0);
}
