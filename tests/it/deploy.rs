//! What `deploy/` says of the program is true: metrics that alerts ask for, settings that units and manifests make, and the
//! pages that alerts lead to. That the files are well formed is for their own tools to say (`.ci/run`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};

use crate::reconcile_listen;
use crate::server_rig::ServerRig;

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

/// Series of `/metrics`: by the name of each metric its labels, each with the values that it has.
type Series = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// `name="value"`, of a series or of what an alert asks for.
fn labels(text: &str) -> Vec<(String, String, String)> {
    let label = Regex::new(r#"([a-z_]+)(=~|!=|=)"((?:[^"\\]|\\.)*)""#).expect("a pattern");
    label.captures_iter(text).map(|found| (found[1].to_owned(), found[2].to_owned(), found[3].to_owned())).collect()
}

/// What `/metrics` of both programs show, of which each has done something.
fn shown() -> Series {
    let rig = ServerRig::new();
    // What is counted by request or by outcome shows once there was one.
    let attempt = rig.request(Method::POST, "/accounts/connect/token").basic_auth("nobody", Some("guessed"));
    rig.send(attempt.form(&[("grant_type", "client_credentials")])).expect(401);
    let texts = [rig.get("/metrics", "").expect(200).text, reconcile_listen::metrics_after_an_apply()];
    let mut series = Series::new();
    for line in texts.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(['{', ' ']).expect("a name");
        let known = series.entry(name.to_owned()).or_default();
        for (label, _, value) in labels(rest) {
            known.entry(label).or_default().insert(value);
        }
    }
    series
}

#[test]
fn every_metric_that_an_alert_asks_for_exists() {
    let shown = shown();
    let metric = Regex::new(r"(trueup_[a-z_]+)(?:\{([^}]*)\})?").expect("a pattern");
    let by = Regex::new(r"by \(([a-z_, ]+)\)").expect("a pattern");
    // Prometheus adds these two.
    let is_label =
        |metric: &str, label: &str| ["job", "instance"].contains(&label) || shown[metric].contains_key(label);
    let mut asked = 0;
    for alert in alerts() {
        let (name, expression) = (word(&alert, "/alert"), word(&alert, "/expr"));
        for found in metric.captures_iter(expression) {
            let metric = &found[1];
            assert!(shown.contains_key(metric), "{name} asks for {metric}: {:?}", shown.keys());
            for (label, operator, value) in found.get(2).map(|found| labels(found.as_str())).unwrap_or_default() {
                assert!(is_label(metric, &label), "{name}: {metric} has no {label}");
                let is_value = label == "job" || operator != "=" || shown[metric][&label].contains(&value);
                assert!(is_value, "{name}: {label} of {metric} is never {value}");
            }
            let grouped =
                by.captures_iter(expression).flat_map(|by| by[1].split(", ").map(str::to_owned).collect::<Vec<_>>());
            for label in grouped {
                assert!(is_label(metric, &label), "{name}: {metric} has no {label}");
            }
            asked += 1;
        }
    }
    assert!(asked > 15, "{asked}");
    // What the tests of the alerts make up is as the programs have it.
    let tests = text("deploy/prometheus/trueup.rules.test.yaml");
    for line in tests.lines().filter(|line| line.contains("series: '")) {
        for found in metric.captures_iter(line) {
            for (label, _, _) in found.get(2).map(|found| labels(found.as_str())).unwrap_or_default() {
                assert!(is_label(&found[1], &label), "{line}");
            }
        }
    }
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
    let (serve, reconcile) = (variables(&page, "serve"), variables(&page, "reconcile"));
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

/// The port of an address.
fn port(address: &str) -> u64 {
    let port = address.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    port.unwrap_or_else(|| panic!("no port: {address}"))
}

#[test]
fn who_asks_asks_at_the_port_where_it_listens() {
    for verb in ["serve", "reconcile"] {
        let of = |name: &str| yaml(&format!("deploy/kubernetes/{verb}/{name}.yaml"));
        let set = of("stateful-set");
        let listens = &set["spec"]["template"]["spec"]["containers"][0]["ports"][0];
        assert_eq!(listens["containerPort"], port(word(&of("config"), "/data/TRUEUP_LISTEN")), "{verb}");
        assert_eq!(of("service")["spec"]["ports"][0]["targetPort"], listens["name"], "{verb}");
        let policy = of("network-policy");
        assert_eq!(
            policy["spec"]["ingress"][0]["ports"],
            json!([{ "protocol": "TCP", "port": listens["name"] }]),
            "{verb}"
        );
    }
    // Reconcile reaches the server by the service, whose address it pins, and the policy opens the server's port.
    let policy = yaml("deploy/kubernetes/reconcile/network-policy.yaml");
    let server = json!({ "podSelector": { "matchLabels": { "app.kubernetes.io/name": "trueup-serve" } } });
    let opened = list(&policy, "/spec/egress").iter().find(|rule| list(rule, "/to").contains(&server)).expect("a rule");
    assert_eq!(opened["ports"][0]["port"], "https");
    let pinned = yaml("deploy/kubernetes/reconcile/config.yaml")["data"]["TRUEUP_SERVER_URL"].clone();
    assert_eq!(pinned, "https://trueup-serve.trueup.svc");
    assert_eq!(yaml("deploy/kubernetes/serve/service.yaml")["spec"]["ports"][0]["port"], 443);

    let image = text("deploy/Dockerfile");
    let after = |text: &str, words: &str| {
        let rest = text.split(words).nth(1).unwrap_or_else(|| panic!("no {words}"));
        rest.split_whitespace().next().expect("a word").to_owned()
    };
    assert_eq!(port(&after(&image, "TRUEUP_LISTEN=")).to_string(), after(&image, "EXPOSE "));

    let prometheus = yaml("deploy/prometheus/prometheus.yaml");
    let jobs = list(&prometheus, "/scrape_configs")
        .iter()
        .map(|job| (word(job, "/job_name").to_owned(), word(job, "/static_configs/0/targets/0").to_owned()));
    let reconcile = after(&text("deploy/systemd/trueup-reconcile.service.d/listen.conf"), "TRUEUP_LISTEN=");
    let reference = text("docs/reference/cli.md");
    let serve = "127.0.0.1:8080".to_owned();
    assert!(reference.contains(&format!("`TRUEUP_LISTEN` | `{serve}`")), "the default of serve");
    let expected = [("trueup-serve".to_owned(), serve), ("trueup-reconcile".to_owned(), reconcile.clone())];
    assert_eq!(jobs.collect::<Vec<_>>(), expected);
    let page = text("docs/operations.md");
    assert!(page.contains(&format!("--listen {reconcile}")) && !page.contains(":9090"), "9090 is Prometheus's own");
}
