use std::fs;
use std::path::Path as FilePath;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::base::code::Code;
use crate::base::path::Path;
use crate::base::positions::Note;
use crate::manifest::TargetSettings;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::Builder::new().prefix("acme").tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn options(folder: &FilePath, path: &str) -> LoadOptions {
    LoadOptions {
        path: Input::Path(path.into()),
        working_folder: folder.to_owned(),
        target: None,
        vars: Vec::new(),
        var_files: Vec::new(),
        threads: None,
    }
}

fn loaded(options: &LoadOptions) -> Loaded<Document> {
    load(options, &|document| document).unwrap()
}

fn failed(options: &LoadOptions) -> Vec<Code> {
    let failure = load(options, &|_| ()).unwrap_err();
    failure.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// `code file:line:column` of each.
fn shown(loaded: &Loaded<Document>) -> Vec<String> {
    let place = |diagnostic: &Diagnostic| match diagnostic.span.and_then(|span| loaded.sources.locate(span)) {
        Some(at) => format!("{} {}:{}:{}", diagnostic.code, at.file, at.line, at.column),
        None => format!("{} {}", diagnostic.code, diagnostic.file.as_deref().unwrap_or("-")),
    };
    loaded.diagnostics.iter().map(place).collect()
}

fn files(loaded: &Loaded<Document>) -> Vec<&str> {
    loaded.items.iter().map(|item| &*loaded.sources.file(item.file).unwrap().path).collect()
}

const PROJECT: &str = "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\n";

fn with_spec(spec: &str) -> String {
    format!("{PROJECT}spec:\n{spec}")
}

#[test]
fn manifests_are_found_in_order_and_the_rest_is_passed_over() {
    let folder = folder(&[
        ("trueup.yaml", PROJECT),
        (".trueupignore", "ignored/\n*.draft.yaml\n"),
        ("b.yaml", "b: 1\n---\nb: 2\n"),
        ("a/z.yml", "z: 1"),
        ("a/c.json", "{\"c\": 1}"),
        ("a/readme.md", "# no"),
        ("a/x.draft.yaml", "no: 1"),
        ("ignored/i.yaml", "no: 1"),
        (".git/g.yaml", "no: 1"),
        (".lint.yaml", "no: 1"),
        (".gitignore", "b.yaml\n"),
        ("nested/trueup.yaml", PROJECT),
        ("nested/n.yaml", "no: 1"),
        ("plan.json", "{\"format_version\": 1, \"x\": null}"),
    ]);
    let found = loaded(&options(folder.path(), "."));
    assert_eq!(shown(&found), [""; 0]);
    assert_eq!(files(&found), ["a/c.json", "a/z.yml", "b.yaml", "b.yaml"]);
    assert!(!found.partial);
    assert_eq!((found.project.name.as_str(), found.project.has_file), ("acme", true));
    let data = found.project.root.join(".trueup/local.db");
    assert_eq!(found.project.target.settings, TargetSettings::Embedded { data });
    assert_eq!(found.project.limits.max_deletes, 10);

    let asked = |found: &Loaded<Document>| -> Vec<String> {
        let files = found.asked.iter().flatten().filter_map(|file| found.sources.file(*file));
        files.map(|file| file.path.to_string()).collect()
    };
    assert_eq!(found.asked, None);
    // A part of a project is looked at in the light of the whole.
    let below = loaded(&options(folder.path(), "a"));
    assert_eq!(
        (below.items.len(), asked(&below), below.partial),
        (4, vec!["a/c.json".into(), "a/z.yml".into()], false)
    );
    let one = loaded(&options(&folder.path().join("a"), "z.yml"));
    assert_eq!((one.items.len(), asked(&one), one.project.name.as_str()), (4, vec!["a/z.yml".into()], "acme"));
    let passed_over = loaded(&options(folder.path(), "a/x.draft.yaml"));
    assert_eq!((passed_over.items.len(), asked(&passed_over)), (5, vec!["a/x.draft.yaml".into()]));
    let by_file = loaded(&options(folder.path(), "trueup.yaml"));
    assert_eq!((by_file.items.len(), by_file.partial), (4, false));
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_not_followed() {
    let folder = folder(&[("a.yaml", "a: 1")]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("a.yaml"), folder.path().join("b.yaml")).unwrap();
    assert_eq!(files(&loaded(&options(folder.path(), "."))), ["a.yaml"]);
}

#[test]
fn a_folder_without_project_file_is_a_project() {
    let folder = folder(&[("My App/a.yaml", "a: 1")]);
    let found = loaded(&options(folder.path(), "My App"));
    assert_eq!((found.project.name.as_str(), found.project.has_file, found.partial), ("my-app", false, false));
}

#[test]
fn standard_input_belongs_to_the_project_around() {
    let folder = folder(&[("trueup.yaml", PROJECT), ("sub/a.yaml", "a: 1")]);
    let mut options = options(&folder.path().join("sub"), ".");
    options.path = Input::Stdin("\u{feff}x: 1\ny:\n".into());
    let found = loaded(&options);
    assert_eq!((files(&found), found.partial, found.project.name.as_str()), (vec![STDIN_NAME], true, "acme"));
    assert_eq!(shown(&found), ["null-value <stdin>:2:1"]);
    assert!(!found.items[0].sound);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_loaded() {
    let folder = folder(&[("a.yaml", "a: [1"), ("c.yaml", "c: 1")]);
    fs::write(folder.path().join("b.yaml"), b"\xff\xfe").unwrap();
    let found = loaded(&options(folder.path(), "."));
    assert_eq!(files(&found), ["c.yaml"]);
    assert_eq!(shown(&found).len(), 2);
    assert!(shown(&found)[0].starts_with("yaml-syntax a.yaml:1:"));
    assert_eq!(shown(&found)[1], "not-text b.yaml");
    assert_eq!(failed(&options(folder.path(), "nowhere")), [Code::UnreadableFile]);
}

#[test]
fn files_have_a_limit_and_may_begin_with_a_byte_order_mark() {
    let folder = folder(&[("a.yaml", "\u{feff}a: 1\r\nb: no\r\n")]);
    fs::File::create(folder.path().join("b.yaml")).unwrap().set_len(FILE_LIMIT + 1).unwrap();
    let found = loaded(&options(folder.path(), "."));
    assert_eq!(found.items[0].value, json!({"a": 1, "b": "no"}));
    let place = found.items[0].positions.find(&Path::keys("a")).unwrap();
    assert_eq!(place.key.map(|span| span.start), Some(0));
    assert_eq!(shown(&found), ["too-large b.yaml"]);
}

#[test]
fn a_file_of_variables_must_be_there() {
    let folder = folder(&[("a.yaml", "a: 1")]);
    let mut options = options(folder.path(), ".");
    options.var_files = vec!["nowhere.yaml".into()];
    assert_eq!(failed(&options), [Code::UnreadableFile]);
}

#[test]
fn targets_are_chosen_by_flag_default_name_or_being_alone() {
    let two = "  targets:\n    a: { embedded: { path: data/a.db } }\n    b: { embedded: {}, requireSavedPlan: true }\n";
    let folder = folder(&[
        ("trueup.yaml", &with_spec(two)),
        ("d/trueup.yaml", &with_spec(&format!("  defaultTarget: b\n{two}"))),
    ]);
    let mut options = options(folder.path(), ".");
    assert_eq!(failed(&options), [Code::UnknownTarget]);
    options.target = Some("a".parse().unwrap());
    let a = loaded(&options).project;
    assert_eq!(a.target.settings, TargetSettings::Embedded { data: a.root.join("data/a.db") });
    options.target = Some("c".parse().unwrap());
    assert_eq!(failed(&options), [Code::UnknownTarget]);
    options.target = None;
    options.path = Input::Path("d".into());
    let b = loaded(&options).project;
    assert_eq!((b.target.name.as_str(), b.target.require_saved_plan), ("b", true));
}

#[test]
fn a_broken_project_file_is_a_failure_with_places() {
    let spec = "  targts: {}\n  limits: { maxDeletes: -1 }\n  targets:\n    production: { remote: {} }\n";
    let folder = folder(&[("trueup.yaml", &with_spec(spec))]);
    let failure = load(&options(folder.path(), "."), &|_| ()).unwrap_err();
    let place = |d: &Diagnostic| {
        let at = failure.sources.locate(d.span.unwrap()).unwrap();
        format!("{} {}:{} {}", d.code, at.line, at.column, d.help.as_deref().unwrap_or("-"))
    };
    let mut places: Vec<_> = failure.diagnostics.iter().map(place).collect();
    places.sort();
    assert_eq!(
        places,
        [
            "invalid-value 6:25 -",
            "unknown-field 5:3 did you mean `targets`?",
            "unknown-field 8:19 the fields are `embedded`, `patches`, `requireSavedPlan`, `server`, `variables`",
        ]
    );
    for (text, code) in [
        ("", Code::NotAManifest),
        ("a: 1\n---\nb: 1\n", Code::NotAManifest),
        ("a: [", Code::YamlSyntax),
        (&with_spec("  targets: { A_b: { embedded: {} } }\n"), Code::InvalidName),
        (&with_spec("  targets: { a: {} }\n"), Code::MissingField),
        (&with_spec("  defaultTarget: x\n"), Code::UnknownTarget),
        (&with_spec("  defaultTarget:\n"), Code::NullValue),
    ] {
        fs::write(folder.path().join("trueup.yaml"), text).unwrap();
        assert!(failed(&options(folder.path(), ".")).contains(&code), "{text}");
    }
}

const VARIABLES: &str = "  variables:\n    a: { default: default }\n    n: { type: number }\n    b: { type: boolean, default: false }\n  \
    targets:\n    local: { embedded: {}, variables: { a: target } }\n";

#[test]
fn variables_have_a_precedence() {
    let folder = folder(&[
        ("trueup.yaml", &with_spec(VARIABLES)),
        ("m.yaml", "a: \"${var.a}\"\nn: \"${var.n}\"\nb: \"x${var.b}\"\nt: \"${target.name}\"\n"),
        ("vars/one.json", "{\"a\": \"file\", \"n\": 1}"),
        ("vars/.trueupignore", "*"),
    ]);
    let mut options = options(folder.path(), ".");
    let unset = loaded(&options);
    assert_eq!(shown(&unset), ["unset-variable m.yaml:2:5"]);
    assert_eq!(unset.items[0].value["a"], "target");
    options.var_files = vec!["vars/one.json".into()];
    assert_eq!(loaded(&options).items[0].value, json!({"a": "file", "n": 1, "b": "xfalse", "t": "local"}));
    options.vars = vec![("a".into(), "flag".into()), ("n".into(), "2.5".into())];
    let flags = loaded(&options);
    assert_eq!(flags.items[0].value, json!({"a": "flag", "n": 2.5, "b": "xfalse", "t": "local"}));
    let place = flags.items[0].positions.find(&Path::keys("a")).unwrap();
    assert!(matches!(place.note, Some(Note::Resolved { variables }) if &*variables[0].set_by == "--var"));
    options.vars = vec![("n".into(), "two".into()), ("nn".into(), "2".into())];
    assert_eq!(shown(&loaded(&options)), ["wrong-type -", "unknown-variable -"]);
}

#[test]
fn values_of_variables_have_the_declared_type() {
    let spec = "  variables: { a: { type: number, default: x } }\n  targets: { local: { embedded: {}, variables: { b: 1, a: true } } }\n";
    let folder = folder(&[("trueup.yaml", &with_spec(spec))]);
    let codes = shown(&loaded(&options(folder.path(), ".")));
    assert_eq!(
        codes,
        ["wrong-type trueup.yaml:5:44", "wrong-type trueup.yaml:6:59", "unknown-variable trueup.yaml:6:50"]
    );
}

#[test]
fn patches_come_before_variables_and_keep_both_places() {
    let spec = "  variables: { t: { type: number, default: 5 } }\n  targets:\n    local:\n      embedded: {}\n      patches:\n        \
        - address: Destination/slack\n          merge: { spec: { timeoutSeconds: \"${var.t}\", url: null, x: \"${var.no}\" } }\n";
    let folder = folder(&[
        ("trueup.yaml", &with_spec(spec)),
        ("d.yaml", "kind: Destination\nmetadata: { name: slack }\nspec: { timeoutSeconds: 10, url: u }\n"),
    ]);
    let found = loaded(&options(folder.path(), "."));
    assert_eq!(found.items[0].value["spec"]["timeoutSeconds"], 5);
    assert_eq!(found.items[0].value["spec"].get("url"), None);
    assert_eq!(shown(&found), ["unknown-variable trueup.yaml:11:71"]);
    let place = found.items[0].positions.find(&Path::keys("spec.timeoutSeconds")).unwrap();
    assert_eq!(found.sources.locate(place.value).unwrap().file.as_ref(), "trueup.yaml");
    let Some(Note::Patched { original: Some(original), .. }) = place.note else { panic!("{place:?}") };
    assert_eq!(found.sources.locate(*original).unwrap().line, 3);
}

#[test]
fn a_patch_needs_its_manifest_unless_the_load_is_partial() {
    let spec = "  targets:\n    local: { embedded: {}, patches: [{ address: A/b, merge: {} }] }\n";
    let folder = folder(&[("trueup.yaml", &with_spec(spec)), ("a.yaml", "kind: A\nmetadata: { name: c }\n")]);
    assert_eq!(shown(&loaded(&options(folder.path(), "."))), ["invalid-patch trueup.yaml:6:49"]);
    assert_eq!(shown(&loaded(&options(folder.path(), "a.yaml"))), [""; 0]);
}

#[test]
fn parallelism_changes_nothing() {
    let texts: Vec<(String, String)> =
        (0..40).map(|n| (format!("f{n}.yaml"), format!("n: {n}\n---\nn:\n---\n[\n"))).collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    let mut options = options(folder.path(), ".");
    let run = |options: &LoadOptions| {
        let found = loaded(options);
        let values: Vec<Value> = found.items.iter().map(|item| item.value.clone()).collect();
        (values, shown(&found), found.sources.files().iter().map(|file| file.path.to_string()).collect::<Vec<_>>())
    };
    options.threads = NonZeroUsize::new(1);
    let one = run(&options);
    assert_eq!((one.0.len(), one.1.len()), (80, 80));
    for threads in [2, 7, 64] {
        options.threads = NonZeroUsize::new(threads);
        assert_eq!(run(&options), one);
    }
}

#[test]
fn threads_have_stack_enough_for_the_deepest_document() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(127), close.repeat(127));
    let folder = folder(&[("a.yaml", &deep("{a: ", "}")), ("b.yaml", &deep("[", "]"))]);
    let mut options = options(folder.path(), ".");
    options.threads = NonZeroUsize::new(2);
    assert_eq!(loaded(&options).items.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_load_panic(manifest in prop::collection::vec(any::<u8>(), 0..200), project in "[a-zA-Z:{}\\[\\], \\n$.]{0,80}") {
        let folder = folder(&[("trueup.yaml", &with_spec(&project))]);
        fs::write(folder.path().join("a.yaml"), &manifest).unwrap();
        let _ = load(&options(folder.path(), "."), &|document| document);
        fs::remove_file(folder.path().join("trueup.yaml")).unwrap();
        let _ = load(&options(folder.path(), "."), &|document| document);
    }
}

#[test]
fn bad_patterns_and_bad_names_of_variables_are_said() {
    let spec = with_spec("  variables:\n    \"a b\": {}\n");
    let folder = folder(&[("trueup.yaml", &spec), (".trueupignore", "# fine\n*.draft.yaml\nfoo{a\n[\n")]);
    let found = loaded(&options(folder.path(), "."));
    let messages: Vec<&str> = found.diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
    assert_eq!(messages.len(), 3, "{messages:?}");
    let all = messages.join("; ");
    for part in ["line 3 of .trueupignore", "line 4 of .trueupignore", "`a b` is not a name"] {
        assert!(all.contains(part), "{all}");
    }
}
