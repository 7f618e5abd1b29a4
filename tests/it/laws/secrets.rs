//! Law 11: secrets do not interfere, and no content of one is found anywhere.

use std::path::Path;

use regex::Regex;
use serde_json::json;

use crate::rig::Rig;
use crate::stories::{base_with, edited};
use crate::support::{Project, Run};

const PROJECT_FILE: &str = "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\n";

/// The base with a secret in every place there is.
fn manifests() -> String {
    edited(
        &base_with(&[
            (
                "spec: { platform: web }",
                "spec: { platform: web, endUserId: { hash: { algorithm: sha256, salt: { fromEnv: S2 } } } }",
            ),
            (
                "X-Team: red }",
                "X-Team: red, X-Key: { fromEnv: S3 }, X-File: { fromFile: key.txt } }\n  signing: { secret: { fromEnv: S2 } }",
            ),
        ]),
        &[(
            "auth: { type: bearer, token: { fromEnv: S0 } }",
            "auth: { type: basic, username: svc, password: { fromEnv: S0 } }",
        )],
    )
}

/// Takes out what is random or tells the time, and nothing else.
fn normalised(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.canonicalize().expect("a folder").display().to_string(), "[folder]");
    let uuid = Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern");
    let time = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("a pattern");
    let system = Regex::new("(crm systemId +|\"value\": \")[0-9a-f]{32}").expect("a pattern");
    let token = Regex::new("/hooks/[A-Za-z0-9_-]+").expect("a pattern");
    // It covers the id and the time of the plan.
    let digest = Regex::new("\"body_digest\": \"[0-9a-f]{64}\"").expect("a pattern");
    let text = digest.replace_all(&text, "\"body_digest\": \"[digest]\"");
    let text = uuid.replace_all(&text, "[id]");
    let text = time.replace_all(&text, "[time]");
    let text = system.replace_all(&text, "$1[id]");
    token.replace_all(&text, "/hooks/[token]").into_owned()
}

/// Runs the story with these contents of S0 to S4; what was said, and where.
fn story(contents: [&str; 5], changed: &str, file: &str) -> (Vec<String>, Project) {
    let mut project = Project::in_memory();
    project.write("trueup.yaml", PROJECT_FILE);
    project.write("manifests.yaml", &manifests());
    project.write("key.txt", &format!("{file}\n"));
    for (n, content) in contents.iter().enumerate() {
        project.set(&format!("S{n}"), content);
    }
    let mut said = Vec::new();
    let mut step = |project: &Project, arguments: &[&str]| {
        let Run { code, out, err } = project.run(arguments);
        said.push(normalised(&format!("{arguments:?} {code}\n{out}{err}"), project.path()));
    };
    let verbs: &[&[&str]] = &[
        &["validate"],
        &["validate", "-o", "json"],
        &["validate", "-o", "sarif"],
        &["validate", "-o", "github"],
        &["plan"],
        &["plan", "-o", "json", "--show-personal", "--out", "plan.json", "--output-file", "text=plan.txt"],
        &["show", "plan.json"],
        &["show", "plan.json", "-o", "json"],
        &["show", "plan.json", "-o", "markdown", "--show-personal"],
        &["show", "plan.json", "-o", "html", "--show-personal"],
        &["show", "plan.json", "-o", "sarif"],
        &["show", "plan.json", "-o", "github"],
        &["apply", "-y", "plan.json"],
        &["apply", "-y", "plan.json"],
        &["plan", "--detailed-exitcode"],
        &["apply", "-y", "-o", "json"],
        &["export"],
        &["drift", "-o", "json"],
        &["outputs"],
        &["outputs", "-o", "json"],
    ];
    for verb in verbs {
        step(&project, verb);
    }
    project.set("S0", changed);
    for verb in [
        &["plan"][..],
        &["plan", "-o", "markdown", "--output-file", "html=plan.html", "--output-file", "markdown=plan.md"],
        &["plan", "-o", "html"],
        &["plan", "-o", "json", "--out", "second.json"],
        &["show", "second.json"],
        &["apply", "-y", "-o", "json", "second.json"],
        &["plan", "--detailed-exitcode"],
    ] {
        step(&project, verb);
    }
    // Not available, not readable, a mask, a literal, a command.
    project.set("S0", "");
    step(&project, &["plan", "--out", "unknown.json"]);
    step(&project, &["apply", "-y", "unknown.json"]);
    project.set("S0", "********");
    step(&project, &["apply", "-y"]);
    (said, project)
}

#[test]
pub(super) fn every_output_is_the_same_whatever_the_secrets_are() {
    let first = ["alpha-secret-0", "alpha-secret-1", "alpha-secret-2", "alpha-secret-2", "alpha-secret-4"];
    let second =
        ["a much longer content: ünïcode", "b-9999999999", "c/c+c=c%c&c", "c/c+c=c%c&c", "\"{$x}\" 'quoted'\\"];
    let (one, _) = story(first, "alpha-changed-0", "alpha-in-file");
    let (two, _) = story(second, "changed to something else", "entirely/other");
    assert_eq!(one.len(), two.len());
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
    // The story happened.
    let happened = |parts: &[&str]| one.iter().any(|step| parts.iter().all(|part| step.contains(part)));
    for parts in [
        &["[\"apply\", \"-y\", \"plan.json\"] 0"][..],
        &["\"--detailed-exitcode\"] 0"],
        &["[\"plan\"] 0", "update  (", "Destination/chat"],
        &["[\"plan\", \"-o\", \"html\"] 0", "<span class=\"verb\">update</span>"],
        &["\"-o\", \"markdown\", \"--output-file\"", "] 0", "| update | `Destination/chat` |"],
        &["\"second.json\"] 0"],
        &["\"unknown.json\"] 3"],
        &["[\"apply\", \"-y\"] 3", "mask"],
    ] {
        assert!(happened(parts), "{parts:?}");
    }
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[test]
pub(super) fn no_content_of_a_secret_is_in_any_output_or_file() {
    let contents = ["needle-in-hay-0", "needle-in-hay-1", "needle-in-hay-2", "needle-in-hay-3", "needle-in-hay-4"];
    let (said, project) = story(contents, "needle-in-hay-5", "needle-in-hay-6");
    std::fs::remove_file(project.join("key.txt")).expect("a removed file");
    let mut found = Vec::new();
    files(project.path(), &mut found);
    assert!(found.iter().any(|(path, _)| path.ends_with("local.db")));
    found.extend(said.into_iter().map(|text| ("an output".to_owned(), text.into_bytes())));
    // As it is, in hexadecimal, and in base64 at each of its three shifts.
    let needle = "needle-in-hay";
    let hex = needle.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    for (place, bytes) in &found {
        for form in [needle, &hex, "bmVlZGxlLWluLWhh", "5lZWRsZS1pbi1oYX", "uZWVkbGUtaW4taGF5"] {
            assert!(!contains(bytes, form), "{form} is in {place}");
        }
    }
}

#[test]
pub(super) fn the_log_of_an_open_store_holds_no_content_either() {
    let mut rig = Rig::with(&base_with(&[]));
    rig.set_secret("S0", Some("needle-in-hay-0"));
    rig.converge();
    let project = crate::rig::PROJECT.parse().expect("a name");
    let address = "Destination/chat".parse().expect("an address");
    rig.in_store(async |store| {
        let record = store.reads().read(&project, Some(&[address])).await.expect("a read").remove(0);
        let secret = trueup::base::secret::SecretText::new("needle-in-hay-1".to_owned());
        let write = trueup::object::changeset::SecretWrite { path: "spec.auth.token".to_owned(), content: secret };
        let (metadata, spec) = (record.metadata.clone(), record.spec.clone());
        let put = store.put_by_hand(&project, &record.address, metadata, spec, vec![write], "kim", None).await;
        put.expect("a change by hand");
        let mut found = Vec::new();
        files(rig.project.path(), &mut found);
        assert!(found.iter().any(|(path, _)| path.ends_with("-wal")));
        for (path, bytes) in found {
            assert!(!contains(&bytes, "needle-in-hay"), "the content is in {path}");
        }
    });
}

#[test]
pub(super) fn literals_are_refused_and_not_repeated() {
    // With another problem on the same line, and over several lines.
    let literal = "auth: { type: bearer, token: needle-in-hay, realm: x }";
    let rig = Rig::with(&base_with(&[
        ("auth: { type: bearer, token: { fromEnv: S0 } }", literal),
        (
            "spec: { platform: web }",
            "spec:\n  platform: web\n  endUserId:\n    hash:\n      algorithm: sha256\n      salt: |\n        needle-in-hay\n        needle-in-hay",
        ),
    ]));
    for verb in [&["validate"][..], &["validate", "-o", "json"], &["plan"], &["apply", "-y"]] {
        let run = rig.project.run(verb);
        assert_eq!(run.code, 3, "{verb:?}: {}", run.err);
        let said = run.out + &run.err;
        assert!(said.contains("secret-literal"), "{said}");
        assert!(!said.contains("needle-in-hay"), "{verb:?} repeats the secret:\n{said}");
    }
}

#[test]
pub(super) fn commands_are_not_run_and_files_outside_not_read_unless_flags_allow_it() {
    let outside = tempfile::tempdir().expect("a folder");
    let key = outside.path().join("key");
    std::fs::write(&key, "content-of-key").expect("a file");
    let command = json!({"fromCommand": ["sh", "-c", "touch was-run && echo from-the-command"]}).to_string();
    let file = json!({"fromFile": key}).to_string();
    for (reference, flag, value) in [
        (command, "--allow-secret-commands", None),
        (file, "--allow-secret-path", Some(outside.path().display().to_string())),
    ] {
        let rig = Rig::with(&base_with(&[("{ fromEnv: S0 }", reference.as_str())]));
        for verb in [&["validate"][..], &["plan"], &["plan", "-o", "json"]] {
            rig.project.ok(verb);
        }
        let refused = rig.project.run(&["apply", "-y"]);
        assert_eq!(refused.code, 3, "{}", refused.err);
        assert!(refused.err.contains(flag), "{}", refused.err);
        assert!(!rig.project.join("was-run").exists(), "a command was run");
        let allowed: Vec<&str> = ["apply", "-y", flag].into_iter().chain(value.as_deref()).collect();
        rig.project.ok(&allowed);
        assert_eq!(rig.project.join("was-run").exists(), value.is_none());
        let unknown = rig.project.ok(&["plan"]);
        assert!(unknown.out.contains("Secrets compared at apply"), "{}", unknown.out);
    }
}
