//! The stories in `examples/`: each is sound, can be planned and applied, and has nothing left to do afterwards; and
//! together they show every field there is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use trueup::kinds::{ClientKind, Kind, condition::Operator, schema};

use crate::support::{Project, Run};

/// The folder of the stories.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Names of all stories, from the file system, so that none is forgotten.
fn stories() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("a folder of examples")
        .map(|entry| entry.expect("a readable entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 5, "{names:?}");
    names
}

/// Files of a folder and all below it, but for what an earlier run left.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != ".trueup") {
                found.extend(files(&path));
            }
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a story that are read as manifests, its project file included.
fn manifests(story: &str) -> Vec<PathBuf> {
    let is_manifest = |path: &PathBuf| {
        let name = path.to_string_lossy();
        let ignored = name.contains("/drafts/") || name.ends_with(".sample.json");
        !ignored && path.extension().is_some_and(|extension| extension == "yaml" || extension == "json")
    };
    files(&folder().join(story)).into_iter().filter(is_manifest).collect()
}

/// A copy of a story, with the environment its script sets.
fn staged(story: &str) -> Project {
    let from = folder().join(story);
    let mut project = Project::new();
    for file in files(&from) {
        let path = file.strip_prefix(&from).expect("a file of the story");
        project.write(&path.to_string_lossy(), &text(&file));
    }
    for line in text(&from.join("run.sh")).lines() {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
            assert!(!value.contains(['$', '"', '\'', ' ']), "{story}: the test cannot evaluate `{line}`");
            project.set(name, value);
        }
    }
    project
}

fn targets(story: &str) -> Vec<String> {
    let file: Value = serde_yaml::from_str(&text(&folder().join(story).join("trueup.yaml"))).expect("a project file");
    let declared = file.pointer("/spec/targets").and_then(Value::as_object);
    declared.map_or_else(|| vec!["local".to_owned()], |targets| targets.keys().cloned().collect())
}

/// What a plan finds, apart from what is new in each: its id and when it was made.
fn found(project: &Project) -> Value {
    let mut plan: Value = serde_json::from_str(&project.ok(&["plan", "-o", "json"]).out).expect("a plan");
    let fields = plan.as_object_mut().expect("a map");
    fields.remove("plan_id");
    fields.remove("created_at");
    // The digest of a document with an id and a time of its own.
    fields.remove("body_digest");
    plan
}

fn assert_code(story: &str, run: &Run, code: i32) {
    assert_eq!(run.code, code, "{story}\n{}\n{}", run.out, run.err);
}

#[test]
fn each_story_is_applied_once_and_then_has_nothing_to_do() {
    for story in stories() {
        let project = staged(&story);

        let run = project.run(&["validate"]);
        assert_code(&story, &run, 0);
        assert!(run.err.starts_with("no errors in ") && !run.err.contains("warning"), "{story}: {}", run.err);

        let run = project.run(&["test"]);
        assert_code(&story, &run, 0);
        let has_tests = manifests(&story).iter().any(|path| text(path).contains("kind: Test\n"));
        assert_eq!(run.out.ends_with("Tests: 0 passed, 0 failed, 0 errors.\n"), !has_tests, "{story}: {}", run.out);

        assert_code(&story, &project.run(&["plan", "--detailed-exitcode"]), 2);
        let plan = found(&project);
        assert_eq!(plan.get("complete"), Some(&Value::Bool(true)), "{story}: a secret its script does not set");
        assert_eq!(plan.get("refusals"), Some(&Value::Array(Vec::new())), "{story}");

        let run = project.run(&["apply", "-y"]);
        assert_code(&story, &run, 0);
        let last = run.out.lines().last().unwrap_or_default();
        assert!(last.starts_with("Apply complete!"), "{story}: {last}");

        let run = project.run(&["plan", "--detailed-exitcode"]);
        assert_code(&story, &run, 0);
        assert!(run.out.contains("No changes."), "{story}: {}", run.out);

        let before = found(&project);
        assert_code(&story, &project.run(&["apply", "-y"]), 0);
        assert_eq!(found(&project), before, "{story}: the second apply wrote");
    }
}

#[test]
fn the_tests_of_a_story_pass_for_each_of_its_targets() {
    for story in stories() {
        for target in targets(&story).into_iter().filter(|target| target != "live") {
            let run = staged(&story).run(&["test", "--target", &target]);
            assert_code(&story, &run, 0);
        }
    }
}

#[test]
fn each_target_of_each_story_is_planned() {
    for story in stories() {
        for target in targets(&story) {
            let project = staged(&story);
            let run = project.run(&["validate", "--target", &target]);
            assert!(run.code == 0 && !run.err.contains("warning"), "{story} for {target}: {}", run.err);
            // A server is there only while its own script runs.
            let plan = project.run(&["plan", "--detailed-exitcode", "--target", &target]);
            assert_code(&story, &plan, if target == "live" { 3 } else { 2 });
        }
    }
}

/// What a part of a project refers to may stand in another part; a built-in event may not.
#[test]
fn a_folder_of_a_project_is_checked_by_itself() {
    let project = staged("adoption");
    for folder in ["destinations", "events", "systems", "webhooks", "workflows"] {
        project.ok(&["validate", folder]);
    }
    project
        .write("webhooks/survey.yaml", &text(&project.join("webhooks/survey.yaml")).replace("submitted", "submited"));
    let run = project.run(&["validate", "webhooks"]);
    assert!(run.code == 3 && run.err.contains("did you mean `survey.submitted`?"), "{}", run.err);
}

#[test]
fn each_script_runs_from_anywhere_and_again() {
    let copy = Project::new();
    for file in files(&folder()) {
        let path = file.strip_prefix(folder()).expect("a file of the examples");
        copy.write(&path.to_string_lossy(), &text(&file));
    }
    let elsewhere = Project::new();
    for story in stories() {
        for _ in 0..2 {
            let mut command = Command::new("bash");
            command
                .arg(copy.join(&story).join("run.sh"))
                .current_dir(elsewhere.path())
                .stdin(Stdio::null())
                .env_clear();
            command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
            command.env("TRUEUP", env!("CARGO_BIN_EXE_trueup"));
            let run: Run = command.output().expect("bash").into();
            assert_code(&story, &run, 0);
            assert!(run.out.contains("Apply complete!") && run.out.contains("No changes."), "{story}: {}", run.out);
        }
    }
}

#[cfg(unix)]
#[test]
fn each_story_is_described_and_can_be_started() {
    use std::os::unix::fs::PermissionsExt;

    let overview = text(&folder().join("README.md"));
    for story in stories() {
        assert!(overview.contains(&format!("| [{story}]({story}) |")), "{story} is not in examples/README.md");
        let readme = text(&folder().join(&story).join("README.md"));
        assert!(readme.starts_with("# ") && readme.contains("`./run.sh`"), "{story}/README.md");
        for (link, _) in readme.match_indices("](").filter_map(|(at, _)| readme.get(at + 2..)?.split_once(')')) {
            assert!(folder().join(&story).join(link).exists(), "{story}/README.md: {link}");
        }
        let script = folder().join(&story).join("run.sh");
        let mode = std::fs::metadata(&script).expect("a script").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{story}/run.sh cannot be run");
        assert!(text(&script).contains("set -euo pipefail"), "{story}/run.sh");
    }
}

#[test]
fn each_yaml_manifest_names_its_schema() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for path in stories().iter().flat_map(|story| manifests(story)) {
        if path.extension().is_some_and(|extension| extension == "json") {
            continue;
        }
        let text = text(&path);
        let first = text.lines().next().unwrap_or_default();
        let named = first.strip_prefix("# yaml-language-server: $schema=").unwrap_or_default();
        let name = if path.ends_with("trueup.yaml") { "project" } else { "manifest" };
        let (up, file) = named.rsplit_once("../").unwrap_or_default();
        assert_eq!(file, format!("schemas/{name}.schema.json"), "{}: {first}", path.display());
        let root = path.ancestors().nth(2 + up.matches("../").count()).expect("a folder");
        assert_eq!(root.join("schemas"), schemas, "{}: {first}", path.display());
    }
}

/// What nobody can be reached by: names that are reserved, and secrets that say what they are.
#[test]
fn nothing_in_the_examples_reaches_anybody() {
    // An identifier, never called.
    const NAMESPACE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    for path in stories().iter().flat_map(|story| manifests(story)) {
        let text = text(&path).replace(NAMESPACE, "");
        for (at, scheme) in text.match_indices("://") {
            let rest = text.get(at + scheme.len()..).unwrap_or_default();
            let host = rest.split(|c: char| "/?#\"' ,)]\n\\".contains(c)).next().unwrap_or_default();
            // This machine reaches nobody either.
            let here = host.starts_with("127.0.0.1:");
            // A rule of a policy names a scheme alone.
            let reserved =
                here || host.is_empty() || [".test", ".example", "Host}"].iter().any(|end| host.ends_with(end));
            let pattern = host.starts_with("crm-(");
            assert!(reserved || pattern, "{}: {host}", path.display());
        }
        for word in text.split(|c: char| c.is_whitespace() || "\"',]".contains(c)).filter(|word| word.contains('@')) {
            assert!(word.ends_with("@acme.test"), "{}: {word}", path.display());
        }
    }
    for story in stories() {
        for line in text(&folder().join(&story).join("run.sh")).lines().filter(|line| line.starts_with("export ")) {
            assert!(line.contains("=fake-") || line.contains("=true"), "{story}: {line}");
        }
        for secret in files(&folder().join(&story)).iter().filter(|path| path.to_string_lossy().contains("/secrets/")) {
            assert!(text(secret).contains("not-a-real-"), "{}", secret.display());
        }
    }
}

#[test]
fn the_examples_show_every_field_and_every_value() {
    let all: Vec<Value> = stories()
        .iter()
        .flat_map(|story| manifests(story))
        .flat_map(|path| {
            let text = text(&path);
            serde_yaml::Deserializer::from_str(&text)
                .map(|document| serde::Deserialize::deserialize(document).expect("a document"))
                .collect::<Vec<Value>>()
        })
        .collect();
    let mut missing = Vec::new();
    for kind in Kind::ALL {
        let of_kind: Vec<&Value> =
            all.iter().filter(|value| value.get("kind").and_then(Value::as_str) == Some(kind.as_str())).collect();
        let absent = |path: &&str| !of_kind.iter().any(|value| occurs(value, path));
        let fields = kind.fields().iter().map(|field| field.path);
        missing.extend(fields.filter(absent).map(|path| format!("{kind}: {path}")));
        let mut shown = BTreeSet::new();
        for value in &of_kind {
            texts(value, &mut shown);
        }
        let mut known = BTreeSet::new();
        choices(&schema::manifest_schema(*kind), &mut known);
        let absent = known.iter().filter(|value| !shown.contains(value.as_str()));
        missing.extend(absent.map(|value| format!("{kind}: the value {value}")));
    }
    let tests: Vec<&Value> = all.iter().filter(|value| value.get("kind").is_some_and(|kind| kind == "Test")).collect();
    let fields = ClientKind::Test.fields().iter().map(|field| field.path);
    let absent = fields.filter(|path| !tests.iter().any(|value| occurs(value, path)));
    missing.extend(absent.map(|path| format!("Test: {path}")));
    let mut shown = BTreeSet::new();
    for value in &all {
        texts(value, &mut shown);
    }
    let metadata = ["metadata.displayName", "metadata.description", "metadata.labels.*", "metadata.annotations.*"];
    let absent = metadata.iter().filter(|path| !all.iter().any(|value| occurs(value, path)));
    missing.extend(absent.map(|path| (*path).to_owned()));
    let operators = Operator::ALL.iter().map(|operator| operator.as_str()).filter(|name| !shown.contains(*name));
    missing.extend(operators.map(|operator| format!("the operator {operator}")));
    assert!(missing.is_empty(), "no example has\n{}", missing.join("\n"));
}

/// Whether a value has a path of the field table: `spec.headers.*`, `spec.data[].name`.
fn occurs(value: &Value, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let go_on = |value: &Value| rest.is_none_or(|rest| occurs(value, rest));
    if first == "*" {
        return value.as_object().is_some_and(|map| map.values().any(go_on));
    }
    match first.strip_suffix("[]") {
        None => value.get(first).is_some_and(go_on),
        Some(key) => value.get(key).and_then(Value::as_array).is_some_and(|list| list.iter().any(go_on)),
    }
}

fn texts<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => {
            found.insert(text);
        }
        Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
        Value::Object(map) => {
            for (key, value) in map {
                found.insert(key);
                texts(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The texts that a schema offers a choice of, conditions apart: no one kind needs all operators.
fn choices(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Array(list) => list.iter().for_each(|schema| choices(schema, found)),
        Value::Object(map) => {
            found.extend(map.get("const").and_then(Value::as_str).map(str::to_owned));
            let offered = map.get("enum").and_then(Value::as_array).into_iter().flatten();
            found.extend(offered.filter_map(Value::as_str).map(str::to_owned));
            for (_, schema) in map.iter().filter(|(key, _)| !matches!(key.as_str(), "NestedCondition" | "Condition")) {
                choices(schema, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
