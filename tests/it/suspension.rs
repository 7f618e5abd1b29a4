//! `suspend`, `resume` and `status` on both targets, the annotation, and what the API answers.

use serde_json::{Value, json};
use trueup::object::access::Scope;

use crate::rig::{Rig, over_http};
use crate::server_rig::{PROJECT, ServerRig};
use crate::stories::BASE;

const REASON: &str = "the audiences move on Friday";

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn warnings(plan: &Value) -> Vec<&str> {
    plan["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).collect()
}

#[test]
fn a_suspended_project_says_so_everywhere_and_is_applied_to_all_the_same() {
    let rig = Rig::with(BASE);
    let project = &rig.project;
    project.ok(&["apply", "-y"]);
    let said = project.ok(&["suspend", "--reason", REASON, "--until", "2099-01-02 03:04"]).out;
    assert!(said.starts_with("acme on the target ") && said.contains(" is suspended by tester@machine"), "{said}");
    assert!(said.ends_with(&format!("until 2099-01-02T03:04:00Z: {REASON}\n")), "{said}");

    let plan = json_of(&project.ok(&["plan", "-o", "json"]).out);
    assert_eq!(plan["suspensions"][0]["reason"], REASON);
    assert!(plan["suspensions"][0].get("address").is_none());
    let told = warnings(&plan);
    assert!(told.len() == 1 && told[0].starts_with("reconcile leaves this project alone: suspended by"), "{told:?}");
    for format in ["text", "markdown", "html"] {
        let shown = project.ok(&["plan", "-o", format]).out;
        assert!(shown.contains(REASON), "{format}: {shown}");
    }
    let status = json_of(&project.ok(&["status", "-o", "json"]).out);
    assert_eq!(status["suspensions"][0]["until"], "2099-01-02T03:04:00Z");
    let status = project.ok(&["status"]).out;
    let told = format!("  reconcile  suspended until 2099-01-02T03:04:00Z: {REASON}\n             by tester@machine");
    assert!(status.contains(&told), "{status}");

    // A person goes on, and is told.
    rig.write(&BASE.replace("{ name: crm }", "{ name: crm, description: new }"));
    let applied = project.ok(&["apply", "-y", "-o", "json"]);
    assert!(applied.err.contains(REASON), "{}", applied.err);
    let resumed = json_of(&project.ok(&["resume", "-o", "json"]).out);
    assert_eq!((&resumed["resumed"][0]["reason"], &resumed["suspensions"]), (&json!(REASON), &json!([])));
    assert!(warnings(&json_of(&project.ok(&["plan", "-o", "json"]).out)).is_empty());
    assert_eq!(project.ok(&["resume"]).out, "Nothing was suspended that this would resume.\n");
    let audit: Vec<String> = rig.state().audit.into_iter().map(|entry| entry.action).collect();
    let told: Vec<&String> = audit.iter().filter(|action| action.ends_with("-reconcile")).collect();
    assert_eq!(told, ["suspend-reconcile", "resume-reconcile"]);
}

#[test]
fn a_suspended_project_says_so_everywhere_over_http() {
    over_http(a_suspended_project_says_so_everywhere_and_is_applied_to_all_the_same);
}

#[test]
fn objects_are_suspended_one_by_one() {
    let rig = Rig::applied(BASE);
    let project = &rig.project;
    project.ok(&["suspend", "--reason", "all of it"]);
    project.ok(&["suspend", "Audience/sales", "IncomingWebhook/shop", "--reason", "a fight"]);
    let all = json_of(&project.ok(&["status", "-o", "json"]).out);
    let addresses: Vec<&Value> =
        all["suspensions"].as_array().expect("a list").iter().map(|suspension| &suspension["address"]).collect();
    assert_eq!(addresses, [&Value::Null, &json!("Audience/sales"), &json!("IncomingWebhook/shop")]);
    // Resuming the project does not resume what was stopped for a reason of its own, and says so.
    let said = project.ok(&["resume"]).out;
    assert!(said.contains("is resumed; it was") && said.contains("Audience/sales of acme"), "{said}");
    project.ok(&["resume", ".", "Audience/sales"]);
    let plan = project.ok(&["plan"]).out;
    assert!(plan.contains("reconcile leaves IncomingWebhook/shop alone") && !plan.contains("Audience/sales"), "{plan}");
    project.ok(&["resume", "--all"]);
    assert_eq!(json_of(&project.ok(&["status", "-o", "json"]).out)["suspensions"], json!([]));
    // Slips are refused before anything is written.
    let before = rig.state();
    for (arguments, code, said) in [
        (&["suspend", "Audience/slaes", "--reason", "x"][..], 3, "has no Audience/slaes"),
        (&["suspend", "--reason", " "], 3, "a suspension needs a reason"),
        (&["suspend", "--reason", "x", "--until", "2020-01-01"], 3, "would have ended already"),
        (&["suspend", "--reason", "x", "--until", "soon"], 64, "is not a time"),
        (&["suspend", "--reason", "x", "--for", "0h"], 64, "write how long"),
        (&["suspend", "--reason", "x", "--for", "2h", "--until", "2099-01-01"], 64, "cannot be used with"),
        (&["suspend"], 64, "--reason"),
        (&["resume", "Audience/sales", "--all"], 64, "--all"),
    ] {
        let run = project.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(said), "{arguments:?}: {}", run.err);
    }
    assert_eq!(rig.state(), before);
}

#[test]
fn objects_are_suspended_one_by_one_over_http() {
    over_http(objects_are_suspended_one_by_one);
}

#[test]
fn a_suspended_manifest_is_shown_with_its_changes_and_is_no_change_itself() {
    let rig = Rig::applied(BASE);
    let before = rig.state();
    let suspended =
        BASE.replace("{ name: sales }", "{ name: sales, annotations: { trueup.dev/reconcile: suspended } }");
    assert_ne!(suspended, BASE);
    rig.write(&suspended);
    let plan = json_of(&rig.project.ok(&["plan", "-o", "json"]).out);
    assert_eq!((&plan["actions"], &plan["suspended"]), (&json!([]), &json!([])), "the annotation changes nothing");
    assert_eq!(json_of(&rig.project.ok(&["status", "-o", "json"]).out)["suspended"], json!(["Audience/sales"]));
    assert_eq!(rig.state(), before);
    rig.touch_by_hand("Audience/sales");
    rig.touch_by_hand("IncomingWebhook/shop");
    let planned = rig.plan().plan;
    let alone: Vec<String> = planned.left_alone().iter().map(ToString::to_string).collect();
    assert_eq!((planned.actions.len(), alone), (2, vec!["Audience/sales".to_owned()]));
    let shown = rig.project.ok(&["plan"]).out;
    assert!(
        shown.contains("reconcile leaves Audience/sales alone: trueup.dev/reconcile is suspended there"),
        "{shown}"
    );
    // A saved plan carries it, and a person's apply heeds none of it.
    rig.project.ok(&["plan", "--out", "plan.json"]);
    let saved = json_of(&rig.project.ok(&["show", "plan.json", "-o", "json"]).out);
    assert_eq!(saved["suspended"], json!(["Audience/sales"]));
    rig.project.ok(&["apply", "plan.json", "-y"]);
    assert!(rig.project.ok(&["plan"]).out.ends_with("No changes.\n"));
    rig.write(&suspended.replace("reconcile: suspended", "reconcile: paused"));
    let run = rig.project.run(&["validate"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("`trueup.dev/reconcile` is `suspended`, not `paused`"), "{}", run.err);
}

#[test]
fn status_tells_how_a_project_stands_also_with_broken_manifests_and_without_a_target() {
    let rig = Rig::with(BASE);
    let empty = json_of(&rig.project.ok(&["status", "-o", "json"]).out);
    assert_eq!((&empty["managed"], &empty["revision"]), (&json!(0), &json!(0)));
    assert!(!rig.project.join(".trueup").exists(), "a target was made");
    rig.project.ok(&["resume"]);
    assert!(!rig.project.join(".trueup").exists(), "a target was made");
    rig.converge();
    let managed = rig.state().records.len();
    rig.touch_by_hand("Audience/sales");
    rig.make_by_hand("Destination/stray", json!({"platform": "Slack", "method": "POST", "url": "https://a.test"}));
    // The binary goes by the time that it is, by which a lease of the rig's would be one of a clock that was set back.
    rig.set_now(&jiff::Timestamp::now().to_string());
    let lease =
        rig.wait(rig.with_writer(async |writer| {
            writer.take_lease(trueup::base::ident::PlanId(uuid::Uuid::nil()), "bo@ci").await
        }));
    lease.expect("a lease");
    let stands = json_of(&rig.project.ok(&["status", "-o", "json"]).out);
    let told = ["managed", "unmanaged", "drifted", "pending"].map(|key| stands[key].as_u64().expect("a number"));
    assert_eq!(told.map(usize::try_from).map(|number| number.expect("a size")), [managed, 1, 1, 1]);
    assert_eq!(stands["lease"]["actor"], "bo@ci");
    let text = rig.project.ok(&["status"]).out;
    for part in ["drift      1 object changed outside the manifests", "lease      bo@ci", "not suspended"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    rig.write(&format!("{BASE}\n---\nkind: Nonsense\n"));
    let broken = json_of(&rig.project.ok(&["status", "-o", "json"]).out);
    assert_eq!((&broken["drifted"], &broken["lease"]["actor"]), (&Value::Null, &json!("bo@ci")));
    assert!(rig.project.ok(&["status"]).out.contains("the manifests have errors"));
}

#[test]
fn the_api_keeps_suspensions_apart_by_scope_and_project() {
    let rig = ServerRig::new();
    let path = format!("/v1/projects/{PROJECT}/suspension");
    let (read, write) = (rig.token(PROJECT, &[Scope::ConfigRead]), rig.token(PROJECT, &[Scope::ConfigWrite]));
    assert_eq!(rig.get(&path, &read).expect(200).json(), json!({"suspensions": []}));
    let put =
        |token: &str, body: &Value| rig.send(rig.request(reqwest::Method::PUT, &path).bearer_auth(token).json(body));
    let delete = |token: &str, query: &str| {
        rig.send(rig.request(reqwest::Method::DELETE, &format!("{path}{query}")).bearer_auth(token))
    };
    put(&read, &json!({"reason": "x"})).expect_problem(403, "missing-scope");
    delete(&read, "").expect_problem(403, "missing-scope");
    rig.get(&path, &write).expect_problem(403, "missing-scope");
    put(&write, &json!({"reason": ""})).expect_problem(400, "invalid");
    put(&write, &json!({"reason": "x", "untill": "2026-01-02T00:00:00Z"})).expect_problem(400, "malformed-body");
    put(&write, &json!({"reason": "x", "address": "System/none"})).expect_problem(404, "not-found");
    let until = "2026-01-01T01:00:00Z";
    let suspended = put(&write, &json!({"reason": "moving", "until": until, "actor": "ana"})).expect(200).json();
    let actor = suspended["actor"].as_str().expect("an actor").to_owned();
    assert!(actor.starts_with("ana via "), "{actor}");
    assert_eq!(suspended["until"], until);
    assert_eq!(rig.get(&path, &read).expect(200).json(), json!({"suspensions": [suspended]}));
    let other = rig.token("other", &[Scope::ConfigRead, Scope::ConfigWrite]);
    rig.get(&path, &other).expect_problem(404, "not-found");
    // The clock of the server ends it.
    rig.turn(jiff::SignedDuration::from_hours(1));
    assert_eq!(rig.get(&path, &read).expect(200).json(), json!({"suspensions": []}));
    put(&write, &json!({"reason": "again"})).expect(200);
    delete(&write, "?everything=true&addresses=System/a").expect_problem(400, "malformed-request");
    delete(&write, "?addresses=nonsense").expect_problem(400, "malformed-request");
    assert_eq!(delete(&write, "?addresses=System/a").expect(200).json(), json!({"suspensions": []}));
    assert_eq!(delete(&write, "").expect(200).json()["suspensions"][0]["reason"], "again");
    assert_eq!(rig.get(&format!("/v1/projects/{PROJECT}/lease"), &read).expect(200).json(), json!({"holder": null}));
}
