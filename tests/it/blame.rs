//! `plan --blame`: of each change the commit that last changed its line, in a real repository.

use std::process::Command;

use serde_json::Value;

use crate::support::Project;

fn git(project: &Project, arguments: &[&str]) {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(project.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "Ana"), ("GIT_AUTHOR_EMAIL", "ana@acme.test")])
        .envs([("GIT_COMMITTER_NAME", "Ana"), ("GIT_COMMITTER_EMAIL", "ana@acme.test")])
        .envs([("GIT_AUTHOR_DATE", "2026-11-20T08:30:00Z"), ("GIT_COMMITTER_DATE", "2026-11-20T08:30:00Z")])
        .output()
        .expect("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn destination(seconds: u32, method: &str) -> String {
    format!(
        "apiVersion: trueup/v1\nkind: Destination\nmetadata: {{ name: chat }}\nspec:\n  platform: Slack\n  \
         method: {method}\n  url: https://hooks.slack.test/a\n  timeoutSeconds: {seconds}\n"
    )
}

#[test]
fn each_change_names_the_commit_of_its_line() {
    let project = Project::new();
    project.write("trueup.yaml", "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\n");
    project.write("a.yaml", &destination(10, "POST"));
    let refused = project.run(&["plan", "--blame"]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("not a git repository"), "{}", refused.err);

    git(&project, &["init", "--quiet"]);
    git(&project, &["add", "a.yaml", "trueup.yaml"]);
    git(&project, &["commit", "--quiet", "-m", "Send to the channel"]);
    project.ok(&["apply", "-y"]);
    project.write("a.yaml", &destination(5, "POST"));
    git(&project, &["commit", "--quiet", "-am", "Wait half as long"]);
    // Not committed: nobody can be named.
    project.write("a.yaml", &destination(5, "PUT"));

    let text = project.ok(&["plan", "--blame"]).out;
    let line = text.lines().find(|line| line.contains("timeoutSeconds")).expect("the change");
    assert!(line.contains("by Ana on 2026-11-20: Wait half as long"), "{line}");
    let line = text.lines().find(|line| line.contains("method")).expect("the change");
    assert!(!line.contains("Ana"), "{line}");

    let json: Value = serde_json::from_str(&project.ok(&["plan", "--blame", "-o", "json"]).out).expect("JSON");
    let changes = json["actions"][0]["changes"].as_array().expect("changes");
    let blamed: Vec<&Value> = changes.iter().filter_map(|change| change["origin"].get("blame")).collect();
    assert_eq!(blamed.len(), 1, "{json}");
    assert_eq!(blamed[0]["summary"], "Wait half as long");
    assert_eq!(blamed[0]["at"], "2026-11-20T08:30:00Z");
    // Without the flag git is not asked.
    assert!(!project.ok(&["plan"]).out.contains("Ana"));
}
