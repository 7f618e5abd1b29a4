//! Committed files that the program makes of itself: they are what it would make today, and no others lie beside them.
//!
//! `TRUEUP_UPDATE=1 cargo test --test it generated` rewrites them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use trueup::cli::reference::command_line_reference;
use trueup::cli::schemas::{PublishedSchema, with_documents};
use trueup::kinds::ManifestKind;
use trueup::kinds::explain::{codes_reference, document_reference, events_reference, kind_reference};
use trueup::kinds::schema::Variety;
use trueup::server::api::openapi;
use trueup::server::api::problem_reference::problems_reference;

/// The folders in which every file is generated.
const FOLDERS: [&str; 2] = ["schemas", "docs/reference"];

const MEND: &str = "TRUEUP_UPDATE=1 cargo test --test it generated";

/// All generated files by path.
fn generated() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for schema in PublishedSchema::all() {
        files.insert(format!("schemas/{}", schema.file()), schema.text(Variety::Editor));
    }
    for kind in ManifestKind::all() {
        let name = PublishedSchema::Kind(kind).name();
        files.insert(format!("docs/reference/kinds/{name}.md"), kind_reference(kind));
    }
    with_documents(|documents| {
        for document in documents {
            let name = document.name.to_lowercase();
            files.insert(format!("docs/reference/kinds/{name}.md"), document_reference(document));
        }
    });
    files.insert("docs/reference/codes.md".to_owned(), codes_reference());
    files.insert("docs/reference/events.md".to_owned(), events_reference());
    files.insert("docs/reference/problems.md".to_owned(), problems_reference());
    files.insert("schemas/openapi.json".to_owned(), openapi::text().to_owned());
    files.insert("docs/reference/cli.md".to_owned(), command_line_reference());
    files
}

/// What lies in the folders of generated files.
fn committed(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders: Vec<String> = FOLDERS.map(str::to_owned).to_vec();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.expect("an entry");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("a type").is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = generated();
    let update = std::env::var_os("TRUEUP_UPDATE").is_some_and(|value| value == "1");
    let mut problems = Vec::new();
    for (path, text) in &files {
        let there = std::fs::read_to_string(root.join(path));
        if there.as_ref().is_ok_and(|there| there == text) {
            continue;
        }
        if update {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a written file");
        } else {
            problems.push(format!("{path} is {}", if there.is_ok() { "stale" } else { "missing" }));
        }
    }
    for path in committed(root).into_iter().filter(|path| !files.contains_key(path)) {
        if update {
            std::fs::remove_file(root.join(path)).expect("a removed file");
        } else {
            problems.push(format!("{path} is not generated"));
        }
    }
    assert!(problems.is_empty(), "\n{}\nRun: {MEND}\n", problems.join("\n"));
}

#[test]
fn schemas_follow_their_metaschemas_and_refer_to_nothing_outside() {
    for schema in PublishedSchema::all() {
        for variety in [Variety::Editor, Variety::Strict] {
            let name = format!("{} ({variety:?})", schema.name());
            let value = schema.schema(variety);
            let meta = if schema == PublishedSchema::ManifestDraft07 {
                jsonschema::draft7::meta::validate(&value)
            } else {
                jsonschema::draft202012::meta::validate(&value)
            };
            assert!(meta.is_ok(), "{name}: {meta:?}");
            let built = jsonschema::options().offline().build(&value);
            assert!(built.is_ok(), "{name}: {built:?}");
            assert!(value["$id"].is_string() && value["$schema"].is_string() && value["title"].is_string(), "{name}");
            assert!(!schema.text(variety).contains("\\n"), "{name}: a line break is shown as it stands");
            assert_local(&value, &name);
        }
    }
    let ids: BTreeSet<String> =
        PublishedSchema::all().iter().map(|schema| schema.schema(Variety::Editor)["$id"].to_string()).collect();
    assert_eq!(ids.len(), PublishedSchema::all().len(), "each has an identity of its own");
}

fn assert_local(value: &Value, name: &str) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref") {
                assert!(target.starts_with('#'), "{name}: {target}");
            }
            map.values().for_each(|value| assert_local(value, name));
        }
        Value::Array(list) => list.iter().for_each(|value| assert_local(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn examples_of_the_documentation_fit_the_schemas_for_editors() {
    let documents = ManifestKind::all().map(|kind| (PublishedSchema::Kind(kind), kind.documentation()));
    let project = (PublishedSchema::Project, trueup::manifest::project_documentation());
    for (schema, documentation) in documents.chain([project]) {
        let mut examples = 0;
        for part in documentation.split("```yaml\n").skip(1) {
            let yaml = part.split("```").next().expect("an end");
            let example: Value = serde_yaml::from_str(yaml).expect("YAML");
            for schema in [schema, PublishedSchema::Manifest, PublishedSchema::ManifestDraft07] {
                let value = schema.schema(Variety::Editor);
                let validator = jsonschema::options().offline().build(&value).expect("a schema");
                let errors: Vec<String> = validator.iter_errors(&example).map(|error| error.to_string()).collect();
                assert_eq!(errors, Vec::<String>::new(), "{}\n{yaml}", schema.name());
            }
            examples += 1;
        }
        assert!(examples > 0, "{} has no example", schema.name());
    }
}
