//! The forms in which `plan`, `show` and `validate` tell their results to people and programs in a pull request.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::rig::Rig;
use super::stories::base_with;
use super::support::Project;

const SARIF_SCHEMA: &str = include_str!("views/sarif-schema-2.1.0.json");

/// Markup, commands and marks of all sorts, as somebody might write them into a manifest.
const HOSTILE: &str = "needle ` ``` | </details></script><img src=x onerror=alert(1)> @octocat #123 https://evil.test ::error::x ##[error]x \\u202e";

fn sarif(text: &str) -> Value {
    let schema: Value = serde_json::from_str(SARIF_SCHEMA).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a usable schema");
    let log: Value = serde_json::from_str(text).expect("JSON");
    let problems: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    log
}

#[test]
fn problems_are_told_as_sarif_and_as_annotations_from_the_root_of_the_repository() {
    let broken = "apiVersion: trueup/v1\nkind: Destination\nmetadata: { name: d }\nspec: { platform: x, method: POST, url: \"http://a.test/\", nme: 1 }\n";
    let project = Project::with(&[
        ("teams/one/trueup.yaml", "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: one }\n"),
        ("teams/one/d e.yaml", broken),
        (".git/HEAD", "ref: refs/heads/main\n"),
    ]);
    let run = project.run(&["validate", "teams/one", "-o", "sarif"]);
    assert_eq!(run.code, 3, "{}", run.err);
    let log = sarif(&run.out);
    let results = log["runs"][0]["results"].as_array().expect("results");
    let result = results.iter().find(|result| result["ruleId"] == "unknown-field").expect("the unknown field");
    let at = &result["locations"][0]["physicalLocation"];
    assert_eq!(at["artifactLocation"]["uri"], "teams/one/d%20e.yaml");
    assert_eq!(at["region"]["startLine"], 4);
    let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("a small number");
    let rule = &log["runs"][0]["tool"]["driver"]["rules"][index];
    assert_eq!(rule["id"], "unknown-field");
    assert!(rule["help"]["text"].as_str().is_some_and(|help| help.len() > 40), "{rule}");

    let run = project.run(&["validate", "teams/one", "-o", "github"]);
    assert_eq!(run.code, 3);
    let errors: Vec<&str> =
        run.out.lines().filter(|line| line.starts_with("::error file=teams/one/d e.yaml,line=4,")).collect();
    assert!(!errors.is_empty() && run.out.lines().all(|line| line.starts_with("::")), "{}", run.out);
    // A plan of the same tells the same.
    let planned = project.run(&["plan", "teams/one", "-o", "github"]);
    assert_eq!((planned.code, &planned.out), (3, &run.out));
    sarif(&project.run(&["plan", "teams/one", "-o", "sarif"]).out);
    let comment = project.run(&["plan", "teams/one", "-o", "markdown"]);
    assert_eq!(comment.code, 3);
    assert!(comment.out.contains("**There is no plan: ") && comment.out.contains("`unknown-field`"), "{}", comment.out);
}

#[test]
fn one_run_writes_every_form_and_a_saved_plan_gives_the_same() {
    let rig = Rig::with(&base_with(&[]));
    let forms = ["text", "json", "markdown", "html", "sarif", "github"];
    let files: Vec<String> = forms.iter().map(|form| format!("{form}=plan.{form}")).collect();
    let mut arguments = vec!["plan", "--out", "saved.json"];
    for file in &files {
        arguments.extend(["--output-file", file]);
    }
    rig.project.ok(&arguments);
    let read = |form: &str| std::fs::read_to_string(rig.project.join(&format!("plan.{form}"))).expect("a file");
    for form in forms {
        let shown = rig.project.ok(&["show", "saved.json", "-o", form]);
        assert_eq!(shown.out, read(form), "{form}");
    }
    assert!(read("markdown").starts_with("<!-- trueup:plan acme/local -->\n"), "{}", read("markdown"));
    assert!(read("html").starts_with("<!DOCTYPE html>\n") && read("html").contains("<svg class=\"graph\""));
    sarif(&read("sarif"));
    let links = serde_json::from_str::<Value>(&read("json")).expect("JSON")["links"].clone();
    assert!(links.as_array().is_some_and(|links| links.len() > 3), "{links}");
    let unknown = rig.project.run(&["plan", "--output-file", "pdf=x"]);
    assert_eq!(unknown.code, 64);
    assert!(
        unknown.err.contains("`pdf` is not a format: text, json, markdown, html, sarif, github"),
        "{}",
        unknown.err
    );
}

#[test]
fn a_hostile_manifest_is_only_ever_text() {
    let display = format!("  platform: \"{HOSTILE}\"\n");
    let base = base_with(&[]);
    let hostile = base.replacen("  platform: Chat\n", &display, 1);
    assert_ne!(base, hostile, "the base has another form: {base}");
    let rig = Rig::with(&hostile);
    let page = rig.project.ok(&["plan", "-o", "html"]).out;
    let mut reader = Reader::from_str(page.strip_prefix("<!DOCTYPE html>\n").expect("a doctype"));
    let (mut depth, mut seen) = (0, false);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(element) => {
                depth += 1;
                let element = String::from_utf8_lossy(element.as_ref().as_ref()).into_owned();
                assert!(!element.contains("needle") && !element.contains("onerror"), "{element}");
            }
            Event::End(_) => depth -= 1,
            Event::Text(text) => seen |= String::from_utf8_lossy(text.as_ref().as_ref()).contains("needle"),
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(seen && depth == 0);
    for form in ["text", "markdown", "html", "github"] {
        let out = rig.project.ok(&["plan", "-o", form]).out;
        assert!(!out.contains("##[") && !out.contains('\u{202e}'), "{form}: {out}");
        let commands = out.lines().filter(|line| line.trim_start().starts_with("::") && line.contains("error"));
        assert_eq!(commands.count(), 0, "{form}: {out}");
    }
}
