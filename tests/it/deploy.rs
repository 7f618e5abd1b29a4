//! What `deploy/` says of the program is true: metrics that alerts ask for, settings that units and manifests make, and the
//! pages that alerts lead to. That the files are well formed is for their own tools to say (`.ci/run`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};

use crate::server_rig::ServerRig;

/// What `reconcile --listen` shows, without `trueup_reconcile_` before it.
const OF_RECONCILE: [&str; 14] = [
    "last_success_timestamp_seconds",
    "applied_commit_timestamp_seconds",
    "seen_commit_timestamp_seconds",
    "differences",
    "drift",
    "actions_total",
    "ticks_total",
    "tick_duration_seconds",
    "lease",
    "suspended",
    "suspended_objects",
    "fights",
    "failures",
    "source_error",
];

/// What reconcile reads once it listens and tells people.
const OF_LISTENING: [&str; 6] = [
    "TRUEUP_LISTEN",
    "TRUEUP_TLS_CERT",
    "TRUEUP_TLS_KEY",
    "TRUEUP_TRIGGER_SECRET_FILE",
    "TRUEUP_NOTIFY_URL",
    "TRUEUP_NOTIFY_SECRET_FILE",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    value.pointer(path).and_then(Value::as_array).unwrap_or_else(|| panic!("no list {path} in {value}"))
}

fn word<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {path} in {value}"))
}

fn alerts() -> Vec<Value> {
    let rules = yaml("deploy/prometheus/trueup.rules.yaml");
    list(&rules, "/groups").iter().flat_map(|group| list(group, "/rules").to_owned()).collect()
}

/// All files below a folder of the repository.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

#[test]
fn every_alert_says_what_is_wrong_and_leads_to_what_to_do() {
    let page = text("docs/operations.md");
    let headings: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("### Trueup")).collect();
    let tests = yaml("deploy/prometheus/trueup.rules.test.yaml");
    let cases = list(&tests, "/tests").iter().flat_map(|test| list(test, "/alert_rule_test"));
    let cases: Vec<(&str, bool)> =
        cases.map(|case| (word(case, "/alertname"), list(case, "/exp_alerts").is_empty())).collect();
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = word(&alert, "/alert");
        assert!(["critical", "warning", "info"].contains(&word(&alert, "/labels/severity")), "{name}");
        assert!(!word(&alert, "/annotations/summary").is_empty(), "{name}");
        assert!(!word(&alert, "/annotations/description").is_empty(), "{name}");
        let address = word(&alert, "/annotations/runbook_url");
        assert!(address.ends_with(&format!("/docs/operations.md#{}", name.to_lowercase())), "{name}: {address}");
        for silent in [true, false] {
            assert!(cases.contains(&(name, silent)), "no test of {name} that is silent: {silent}");
        }
        names.insert(name.strip_prefix("Trueup").expect("a name of ours").to_owned());
    }
    assert_eq!(headings, names.iter().map(String::as_str).collect(), "headings of docs/operations.md, and alerts");
}

#[test]
fn every_metric_that_an_alert_asks_for_exists() {
    let rig = ServerRig::new();
    // What is counted by request or by outcome shows once there was one.
    let attempt = rig.request(Method::POST, "/accounts/connect/token").basic_auth("nobody", Some("guessed"));
    rig.send(attempt.form(&[("grant_type", "client_credentials")])).expect(401);
    let shown = rig.get("/metrics", "").expect(200).text;
    let mut known: BTreeSet<String> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| match line.split_once(' ') {
            Some((name, "counter")) => format!("{name}_total"),
            Some((name, _)) => name.to_owned(),
            None => panic!("{line}"),
        })
        .collect();
    assert!(known.contains("trueup_http_requests_total"), "{known:?}");
    known.extend(OF_RECONCILE.iter().map(|name| format!("trueup_reconcile_{name}")));
    let metric = Regex::new("trueup_[a-z_]+").expect("a pattern");
    let mut asked = 0;
    for alert in alerts() {
        for found in metric.find_iter(word(&alert, "/expr")) {
            assert!(known.contains(found.as_str()), "{} asks for {}", word(&alert, "/alert"), found.as_str());
            asked += 1;
        }
    }
    assert!(asked > 15, "{asked}");
}

/// The variables that a verb reads, of the generated page; those of every verb too.
fn variables(page: &str, verb: &str) -> BTreeSet<String> {
    let variable = Regex::new("`(TRUEUP_[A-Z_]+)`").expect("a pattern");
    let mut found = BTreeSet::new();
    for section in page.split("\n## ").filter(|section| {
        let heading = section.lines().next().unwrap_or_default();
        heading == verb || heading == "Options of every verb"
    }) {
        found.extend(variable.captures_iter(section).map(|captures| captures[1].to_owned()));
    }
    assert!(found.len() > 5, "{found:?}");
    found
}

#[test]
fn every_setting_is_one_that_the_verb_reads() {
    let page = text("docs/reference/cli.md");
    let (serve, mut reconcile) = (variables(&page, "serve"), variables(&page, "reconcile"));
    reconcile.extend(OF_LISTENING.map(str::to_owned));
    let variable = Regex::new("TRUEUP_[A-Z_]+").expect("a pattern");
    let mut set = 0;
    for path in files("deploy").into_iter().filter(|path| !path.ends_with("Dockerfile")) {
        let name = path.to_string_lossy().into_owned();
        let known = if name.contains("serve") { &serve } else { &reconcile };
        for found in variable.find_iter(&std::fs::read_to_string(&path).expect("text")) {
            // Read by no flag: the key of the store, of the environment alone.
            let is_known = known.contains(found.as_str()) || found.as_str() == "TRUEUP_MASTER_KEY";
            assert!(is_known, "{name}: {}", found.as_str());
            set += 1;
        }
    }
    assert!(set > 25, "{set}");
}

#[test]
fn pods_have_no_rights_that_they_do_not_need() {
    let page = text("docs/operations.md");
    for (verb, folder) in [("serve", "/data"), ("reconcile", "/state")] {
        let name = format!("trueup-{verb}");
        let set = yaml(&format!("deploy/kubernetes/{verb}/stateful-set.yaml"));
        let labels = json!({ "app.kubernetes.io/name": name });
        assert_eq!(set["spec"]["selector"]["matchLabels"], labels);
        assert_eq!(set["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"], Value::from(name.clone()));
        let pod = &set["spec"]["template"]["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["enableServiceLinks"], false, "their variables would be taken for settings");
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["runAsUser"], 65532, "the user of the image");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        let [container] = list(pod, "/containers") else { panic!("one container") };
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
        assert_eq!(container["args"], json!([verb]));
        for (probe, path) in
            [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
        {
            assert_eq!(container[probe]["httpGet"]["path"], path, "{probe}");
            assert_eq!(container[probe]["httpGet"]["port"], container["ports"][0]["name"], "{probe}");
        }
        let written = list(container, "/volumeMounts").iter().filter(|mount| mount["readOnly"] != true);
        let written: Vec<&str> = written.map(|mount| word(mount, "/mountPath")).collect();
        assert!(written.iter().all(|path| [folder, "/tmp"].contains(path)), "{written:?}");
        for service in ["service", "network-policy"] {
            let object = yaml(&format!("deploy/kubernetes/{verb}/{service}.yaml"));
            let selector = object.pointer("/spec/selector").or_else(|| object.pointer("/spec/podSelector/matchLabels"));
            assert_eq!(selector, Some(&labels), "{service}");
        }
        // What they take by name and is made by hand is said where it is made.
        for key in ["secretName", "secretKeyRef", "secretRef"] {
            let pattern = Regex::new(&format!("{key}: (?:\\{{ name: )?([a-z-]+)")).expect("a pattern");
            for found in pattern.captures_iter(&text(&format!("deploy/kubernetes/{verb}/stateful-set.yaml"))) {
                assert!(page.contains(&found[1]), "docs/operations.md does not say how {} is made", &found[1]);
            }
        }
    }
}
