//! The verbs that need no target: `init`, `schema`, `explain`, `graph`, `completion`.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use super::support::Project;

#[test]
fn a_new_project_is_valid_and_nothing_is_overwritten() {
    let project = Project::new();
    let run = project.ok(&["init", "my shop"]);
    assert!(
        run.out.contains("\n  trueup validate 'my shop'\n  trueup test 'my shop'\n  trueup plan 'my shop'\n"),
        "{}",
        run.out
    );
    let validated = project.ok(&["validate", "my shop", "-o", "json"]);
    let found: Value = serde_json::from_str(&validated.out).expect("JSON");
    assert_eq!(found["diagnostics"], serde_json::json!([]));
    assert_eq!(found["summary"]["manifests"], 8);
    let tested = project.ok(&["test", "my shop"]).out;
    assert!(tested.ends_with("Tests: 3 passed, 0 failed, 0 errors.\n"), "{tested}");
    let read = |path: &str| std::fs::read_to_string(project.join("my shop").join(path)).expect("a file");
    assert!(read("trueup.yaml").contains("metadata: { name: \"my-shop\" }\n"));
    assert_eq!(read(".gitignore"), ".trueup/\n");
    for file in ["trueup.yaml", "quotes.yaml", "tests.yaml"] {
        let first = read(file).lines().next().map(str::to_owned).expect("a line");
        let schema = first.strip_prefix("# yaml-language-server: $schema=").expect("a line for editors");
        let schema: Value = serde_json::from_str(&read(schema)).expect("a schema");
        assert_eq!(schema["title"], "trueup manifest");
    }
    let plan = project.ok(&["plan", "my shop"]).out;
    assert!(plan.contains("The quote ###QUOTE### is approved. Call the customer while it is warm."), "{plan}");
    project.ok(&["apply", "my shop", "-y"]);
    let again = project.ok(&["plan", "my shop", "--detailed-exitcode"]);
    assert!(again.out.contains("No changes."), "{}", again.out);
    project.write("file", "mine");
    let taken = project.run(&["init", "file"]);
    assert_eq!(taken.code, 3);
    assert!(taken.err.contains("error: file already exists"), "{}", taken.err);
    project.write("my shop/quotes.yaml", "mine");
    let again = project.run(&["init", "my shop"]);
    assert_eq!((again.code, again.out.as_str()), (3, ""));
    assert!(
        again.err.contains("my shop/trueup.yaml and my shop/quotes.yaml and my shop/tests.yaml already exist"),
        "{}",
        again.err
    );
    assert_eq!(read("quotes.yaml"), "mine");
}

#[test]
fn a_git_ignore_file_that_is_there_is_left_alone() {
    let project = Project::with(&[(".gitignore", "target\n")]);
    let run = project.ok(&["init"]);
    assert!(run.err.contains("warning: ./.gitignore does not name .trueup/"), "{}", run.err);
    assert_eq!(std::fs::read_to_string(project.join(".gitignore")).expect("a file"), "target\n");
    project.ok(&["validate"]);
    let quiet = Project::with(&[(".gitignore", "/.trueup\n")]);
    let run = quiet.ok(&["init", "-q"]);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
}

#[test]
fn schemas_are_listed_printed_and_written() {
    let mut project = Project::new();
    let list = project.ok(&["schema"]).out;
    assert!(list.contains("incoming-webhook   manifests of kind IncomingWebhook\n"), "{list}");
    let parse = |arguments: &[&str]| serde_json::from_str::<Value>(&project.ok(arguments).out).expect("JSON");
    assert_eq!(parse(&["schema", "incoming-webhook"]), parse(&["schema", "IncomingWebhook", "--editor"]));
    let (editor, strict) = (parse(&["schema", "destination"]), parse(&["schema", "destination", "--strict"]));
    assert_ne!(editor, strict);
    project.ok(&["schema", "--out-dir", "deep/er"]);
    let written = std::fs::read_to_string(project.join("deep/er/destination.schema.json")).expect("a file");
    assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), editor);
    let count = std::fs::read_dir(project.join("deep/er")).expect("a folder").count();
    assert_eq!(count, list.lines().count());
    project.set("TRUEUP_STRICT", "1");
    assert_eq!(project.ok(&["schema", "destination", "--editor"]).out, written);
    assert_ne!(project.ok(&["schema", "destination"]).out, written);
    let typo = project.run(&["schema", "webhok"]);
    assert_eq!(typo.code, 64);
    assert!(typo.err.contains("did you mean `webhook`?"), "{}", typo.err);
    project.ok(&["schema", "plan", "--out-dir", "x"]);
    assert_eq!(std::fs::read_dir(project.join("x")).expect("a folder").count(), 1);
}

#[test]
fn topics_are_explained() {
    let project = Project::new();
    assert!(project.ok(&["explain"]).out.contains("\n  Webhook "));
    assert!(project.ok(&["explain", "unknown-field"]).out.starts_with("unknown-field\n"));
    let field = project.ok(&["explain", "Project.targets.patches.merge", "-o", "json"]).out;
    let field: Value = serde_json::from_str(&field).expect("JSON");
    assert_eq!(field["title"], "Project.spec.targets.*.patches[].merge");
    assert!(field["description"].as_str().is_some_and(|text| text.contains("merge patch")));
    let typo = project.run(&["explain", "Webhook.evnt"]);
    assert_eq!((typo.code, typo.out.as_str()), (64, ""));
    assert!(typo.err.contains("did you mean `event`?"), "{}", typo.err);
    assert!(project.run(&["explain", "Projekt.targets"]).err.contains("did you mean `Project.targets`?"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let project = Project::new();
    for arguments in [&["schema", "manifest"][..], &["completion", "zsh"], &["explain", "Workflow"]] {
        let mut command = project.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
        let mut out = child.stdout.take().expect("its output");
        out.read_exact(&mut [0]).expect("a byte");
        drop(out);
        let ended = child.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), said.as_ref()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_graph_shows_what_refers_to_what() {
    let project = Project::new();
    project.ok(&["init"]);
    let dot = project.ok(&["graph"]).out;
    assert!(dot.starts_with("digraph trueup {\n") && dot.ends_with("}\n"), "{dot}");
    assert!(dot.contains("  \"Webhook/large-quotes-to-sales\" -> \"Destination/sales-channel\";\n"), "{dot}");
    assert!(dot.contains("  \"Webhook/large-quotes-to-sales\" -> \"EventType/quote-approved\";\n"), "{dot}");
    assert!(dot.contains("[label=\"System/desk\\nEmployee desk\"];\n"), "{dot}");
    assert_eq!(dot, project.ok(&["graph", "."]).out);
    let mermaid = project.ok(&["graph", "-o", "mermaid"]).out;
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert_eq!(mermaid.matches(" --> ").count(), dot.matches(" -> ").count());
    project.write("quotes.yaml", "kind: Webhok\n");
    assert_eq!(project.run(&["graph"]).code, 3);
}

#[test]
fn every_shell_has_a_completion_script() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(project.ok(&["completion", shell]).out.contains("validate"), "{shell}");
    }
    let typo = project.run(&["completion", "bsh"]);
    assert_eq!(typo.code, 64);
    assert!(typo.err.contains("'bash'"), "{}", typo.err);
}

#[test]
fn a_plan_file_that_is_none_is_refused_in_plain_words() {
    let project = Project::with(&[("p.json", "{\"format_version\": \"2.0\"}")]);
    let shown = project.run(&["show", "p.json"]);
    assert_eq!(shown.code, 3);
    assert!(shown.err.contains("p.json: failed to read the plan: its format_version is 2.0"), "{}", shown.err);
}
