//! Which data newly reaches which host, and which events nobody hears any more: what `plan` and `show` tell.

use serde_json::{Value, json};

use crate::rig::Rig;
use crate::stories::{BASE, base_with, base_without};

/// `change class source → host via object` of each flow, in the order of the document.
fn flows(document: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(document).expect("a plan");
    let text = |flow: &Value, key: &str| flow.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let line = |flow: &Value| {
        let [change, class, source, host, via] =
            ["change", "class", "source", "host", "via"].map(|key| text(flow, key));
        format!("{change} {class} {source} → {host} via {via}")
    };
    let flows = document.get("data_flow").and_then(Value::as_array).expect("data_flow");
    flows.iter().map(line).collect()
}

fn chosen(names: &str) -> String {
    let spec = "spec: { system: crm, event: survey.submitted, destination: chat }";
    let with = format!(
        "spec: {{ system: crm, event: survey.submitted, destination: chat, properties: {{ include: [{names}] }} }}"
    );
    base_with(&[(spec, with.as_str())])
}

#[test]
fn a_property_that_newly_reaches_a_host_is_on_top_and_survives_saving() {
    let rig = Rig::applied(&chosen("score, country"));
    rig.write(&chosen("score, answer"));
    let told = "\
Data that newly reaches a host, or no longer does:
  + personal   survey.submitted.answer → chat.acme.test  via Webhook/nps
  - technical  survey.submitted.country → chat.acme.test  via Webhook/nps
    1 flow by the same objects as before
";
    let plan = rig.project.ok(&["plan", "--out", "plan.json"]);
    assert!(plan.out.contains(told), "{}", plan.out);
    let shown = rig.project.ok(&["show", "plan.json"]);
    assert!(shown.out.contains(told), "{}", shown.out);
    let expected = [
        "added personal survey.submitted.answer → chat.acme.test via Webhook/nps",
        "removed technical survey.submitted.country → chat.acme.test via Webhook/nps",
        "kept technical survey.submitted.score → chat.acme.test via Webhook/nps",
    ];
    assert_eq!(flows(&rig.project.ok(&["plan", "-o", "json"]).out), expected);
    assert_eq!(flows(&rig.project.ok(&["show", "plan.json", "-o", "json"]).out), expected);
    rig.project.ok(&["apply", "-y", "plan.json"]);
    assert_eq!(flows(&rig.project.ok(&["plan", "-o", "json"]).out), [""; 0], "nothing is left to do");
}

#[test]
fn the_host_is_the_one_of_the_target() {
    let rig = Rig::new();
    let url = "url: https://chat.acme.test/hook";
    rig.write(&base_with(&[(url, "url: \"https://${var.host}/hook\"")]));
    let project = |more: &str| {
        format!(
            "apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: acme }}\nspec:\n  variables: {{ host: {{ type: string, default: hooks.test }} }}\n{more}"
        )
    };
    rig.project.write("trueup.yaml", &project(""));
    let of = |rig: &Rig| {
        let flows = flows(&rig.project.ok(&["plan", "-o", "json"]).out);
        flows.into_iter().find(|flow| flow.contains("survey.submitted.answer")).unwrap_or_default()
    };
    assert_eq!(of(&rig), "added personal survey.submitted.answer → hooks.test via Webhook/nps");
    rig.project.write(
        "trueup.yaml",
        &project(
            "  targets:\n    local:\n      embedded: {}\n      patches: [{ address: Destination/chat, merge: { spec: { url: \"https://patched.test\" } } }]\n",
        ),
    );
    assert_eq!(of(&rig), "added personal survey.submitted.answer → patched.test via Webhook/nps");
}

#[test]
fn what_people_entered_is_followed_through_a_workflow() {
    let rig = Rig::with(BASE);
    let flows = flows(&rig.project.ok(&["plan", "-o", "json"]).out);
    let workflow: Vec<&String> = flows.iter().filter(|flow| flow.ends_with("Workflow/newsletter")).collect();
    assert_eq!(workflow, ["added personal email → shop.acme.test via Workflow/newsletter"]);
}

#[test]
fn drift_that_is_corrected_takes_its_flow_back() {
    let rig = Rig::applied(&chosen("score"));
    rig.change_by_hand("Webhook/nps", |spec| spec["properties"]["include"] = json!(["score", "answer"]));
    assert_eq!(
        flows(&rig.project.ok(&["plan", "-o", "json"]).out),
        [
            "removed personal survey.submitted.answer → chat.acme.test via Webhook/nps",
            "kept technical survey.submitted.score → chat.acme.test via Webhook/nps",
        ]
    );
}

#[test]
fn a_renamed_webhook_keeps_its_flows() {
    let rig = Rig::applied(&chosen("score"));
    let renamed = chosen("score")
        .replace("metadata: { name: nps, ", "metadata: { name: scores, annotations: { trueup.dev/was: nps }, ");
    rig.write(&renamed);
    assert_eq!(
        flows(&rig.project.ok(&["plan", "-o", "json"]).out),
        ["kept technical survey.submitted.score → chat.acme.test via Webhook/scores"]
    );
}

#[test]
fn an_event_that_loses_its_last_listener_is_a_warning_of_the_plan() {
    let rig = Rig::applied(BASE);
    rig.write(&base_with(&[("destination: chat }", "destination: chat, enabled: false }")]));
    let plan = rig.project.ok(&["plan"]);
    let told =
        "`survey.submitted` of System/crm has a listener before this change and none after it: Webhook/nps is disabled";
    assert!(plan.out.contains(&format!("warning[lost-listener]: {told}")), "{}", plan.out);
    let document: Value = serde_json::from_str(&rig.project.ok(&["plan", "-o", "json"]).out).expect("a plan");
    let found = document["diagnostics"].as_array().into_iter().flatten().find(|one| one["code"] == "lost-listener");
    let found = found.expect("the warning");
    assert_eq!((&found["address"], &found["message"]), (&json!("Webhook/nps"), &json!(told)));
    assert!(found["line"].is_u64(), "{found}");
    rig.write(&base_without(&["Webhook/nps"]));
    let plan = rig.project.ok(&["plan", "--prune"]);
    assert!(plan.out.contains("none after it: Webhook/nps is removed"), "{}", plan.out);
    let left = rig.project.ok(&["plan"]);
    assert!(!left.out.contains("lost-listener"), "an orphan that is left still listens:\n{}", left.out);
}

#[test]
fn policies_judge_the_flows_of_what_is_left_alone_too() {
    let rig = Rig::applied(&chosen("answer"));
    let policy = "---\napiVersion: trueup/v1\nkind: Policy\nmetadata: { name: nothing-personal }\nspec:\n  match: { kinds: [Webhook] }\n  rules: [{ expression: \"flow.all(f, f.class != 'personal')\", message: keep it here }]\n";
    rig.write(&(chosen("answer") + policy));
    let run = rig.project.run(&["plan", "-o", "json"]);
    assert_eq!(run.code, 5, "{}", run.err);
    let document: Value = serde_json::from_str(&run.out).expect("a plan");
    assert_eq!(document["actions"], json!([]));
    assert_eq!(document["policies"][0]["address"], json!("Webhook/nps"), "{}", document["policies"]);
    assert_eq!(document["data_flow"], json!([]), "the plan touches none of it");
}

#[test]
fn routing_is_looked_at_by_validate() {
    let rig = Rig::with(&format!(
        "{BASE}---\napiVersion: trueup/v1\nkind: Destination\nmetadata: {{ name: second }}\nspec: {{ platform: Chat, method: POST, url: https://chat.acme.test/other }}\n---\napiVersion: trueup/v1\nkind: Webhook\nmetadata: {{ name: twice }}\nspec:\n  system: crm\n  event: survey.submitted\n  destination: second\n  conditions:\n    - {{ property: score, operator: lessThan, value: 3 }}\n    - {{ property: score, operator: lessThan, value: 7 }}\n"
    ));
    let run = rig.project.ok(&["validate"]);
    for told in [
        "warning[same-host-delivery]: Webhook/nps and Webhook/twice both send `survey.submitted` of System/crm to chat.acme.test: for example one with score 2",
        "warning[shadowed-condition]: `score lessThan 7` decides nothing, because the conditions beside it say as much: `not score lessThan 7` and `score lessThan 3` exclude each other",
    ] {
        assert!(run.err.contains(told) || run.out.contains(told), "{told}\n{}\n{}", run.out, run.err);
    }
    for code in ["same-host-delivery", "shadowed-condition", "lost-listener"] {
        rig.project.ok(&["explain", code]);
    }
}
