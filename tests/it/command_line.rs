//! What the command line promises beside what each verb does: flags and their twins, problems as JSON, files it will
//! not overwrite, plans it will not believe.

use serde_json::Value;

use crate::support::Project;

const MANIFEST: &str = "apiVersion: trueup/v1
kind: Destination
metadata: { name: chat }
spec: { platform: Chat, method: POST, url: \"https://chat.test/${var.path}\" }
";
const PROJECT: &str = "apiVersion: trueup/v1
kind: Project
metadata: { name: acme }
spec:
  variables: { path: { type: string, default: x } }
";

fn project() -> Project {
    Project::with(&[("trueup.yaml", PROJECT), ("a.yaml", MANIFEST)])
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_variable_may_have_commas_on_the_command_line_and_in_the_environment() {
    let mut project = project();
    let url = |out: &str| json(out)["actions"][0]["changes"][0]["after"]["url"].clone();
    assert_eq!(url(&project.ok(&["plan", "-o", "json", "--var", "path=a,b"]).out), "https://chat.test/a,b");
    project.set("TRUEUP_VAR", "path=c,d");
    assert_eq!(url(&project.ok(&["plan", "-o", "json"]).out), "https://chat.test/c,d");
}

#[test]
fn a_word_that_is_neither_yes_nor_no_consents_to_nothing() {
    let mut project = project();
    project.set("TRUEUP_PRUNE", "maybe");
    assert_eq!(project.run(&["plan"]).code, 64);
    let mut unset = self::project();
    unset.set("TRUEUP_PRUNE", "");
    unset.set("TRUEUP_TARGET", "");
    unset.ok(&["plan"]);
}

#[test]
fn who_asks_for_json_is_told_problems_in_json() {
    let project = project();
    project.write("b.yaml", "apiVersion: trueup/v1\nkind: Webhok\nmetadata: { name: x }\nspec: {}\n");
    let plan = project.run(&["plan", "-o", "json"]);
    assert_eq!((plan.code, &json(&plan.out)["diagnostics"][0]["code"]), (3, &"unknown-kind".into()));
    let apply = project.run(&["apply", "-y", "-o", "json"]);
    let lines: Vec<Value> = apply.out.lines().map(json).collect();
    let types: Vec<&Value> = lines.iter().map(|line| &line["type"]).collect();
    assert_eq!((apply.code, types), (3, vec![&"version".into(), &"diagnostic".into()]));
}

#[test]
fn a_plan_is_not_saved_over_something_else() {
    let project = project();
    let run = project.run(&["plan", "--out", "a.yaml"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert_eq!(std::fs::read_to_string(project.join("a.yaml")).expect("still there"), MANIFEST);
    project.ok(&["plan", "--out", "plan.json"]);
    project.ok(&["plan", "--out", "plan.json"]);
}

#[test]
fn a_plan_that_was_edited_is_not_believed() {
    let project = project();
    project.ok(&["plan", "--out", "plan.json"]);
    let text = std::fs::read_to_string(project.join("plan.json")).expect("a plan");
    project.write("plan.json", &text.replace("https://chat.test/x", "https://evil.test/x"));
    for verb in [vec!["show", "plan.json"], vec!["apply", "-y", "plan.json"]] {
        let run = project.run(&verb);
        assert_eq!(run.code, 3, "{verb:?}\n{}", run.err);
        assert!(run.err.contains("it was changed after it was made"), "{}", run.err);
    }
}

#[test]
fn a_target_that_takes_only_saved_plans_is_not_destroyed_without_one() {
    let project = project();
    project.write(
        "trueup.yaml",
        &format!("{PROJECT}  targets: {{ local: {{ embedded: {{}}, requireSavedPlan: true }} }}\n"),
    );
    project.ok(&["plan", "--out", "plan.json"]);
    assert_eq!(project.run(&["apply", "-y"]).code, 64);
    project.ok(&["apply", "-y", "plan.json"]);
    assert_eq!(project.run(&["destroy", "-y"]).code, 64);
    project.ok(&["plan", "--destroy", "--out", "plan.json"]);
    let run = project.ok(&["apply", "-y", "plan.json"]);
    assert!(run.out.ends_with("Apply complete! Resources: 0 added, 0 changed, 1 destroyed.\n"), "{}", run.out);
}

#[test]
fn one_object_is_not_renamed_to_two() {
    let project = Project::new();
    for name in ["b", "c"] {
        let text = format!(
            "apiVersion: trueup/v1\nkind: EventType\nmetadata: {{ name: {name}, annotations: {{ trueup.dev/was: a }} }}\nspec: {{ properties: {{}} }}\n"
        );
        project.write(&format!("{name}.yaml"), &text);
    }
    let run = project.run(&["validate"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("EventType/a was renamed to EventType/b already"), "{}", run.err);
}

#[test]
fn a_secret_that_a_create_lacks_is_told_by_the_plan() {
    let project = project();
    project.write(
        "a.yaml",
        &MANIFEST.replace("method: POST", "method: POST, auth: { type: bearer, token: { fromEnv: TOKEN } }"),
    );
    let plan = json(&project.ok(&["plan", "-o", "json"]).out);
    assert_eq!(plan["complete"], false);
    assert_eq!(plan["unknown_secrets"][0]["path"], "spec.auth.token");
    assert_eq!(plan["actions"][0]["changes"][0]["after"]["auth"]["token"]["secret"], "unknown");
    assert_eq!(project.run(&["apply", "-y"]).code, 3);
}

#[test]
fn an_empty_apply_makes_no_database() {
    let project = Project::with(&[("trueup.yaml", "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\n")]);
    for verb in ["apply", "destroy"] {
        let run = project.ok(&[verb, "-y"]);
        assert!(run.out.ends_with("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.\n"), "{}", run.out);
    }
    assert!(!project.join(".trueup").exists());
}

#[test]
fn the_report_of_an_apply_is_no_manifest() {
    let project = project();
    let report = project.ok(&["apply", "-y", "-o", "json"]).out;
    project.write("report.json", &report);
    project.ok(&["plan"]);
}

#[test]
fn a_label_is_a_name_and_a_value() {
    assert_eq!(project().run(&["plan", "-l", "team!=x"]).code, 64);
}

#[test]
fn a_replace_outside_the_selection_is_refused() {
    let project = project();
    let run = project.run(&["plan", "--replace", "Destination/chat", "-l", "team=x"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("--replace Destination/chat is outside the selection"), "{}", run.err);
}
