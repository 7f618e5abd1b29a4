//! Which module may use which, and the habits that a machine can check.

mod rules;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use source::{Source, rust_files, sources};

/// What each module may use besides itself and `base`: the table of the design.
const TABLE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("kinds", &[]),
    ("object", &["kinds"]),
    ("behaviour", &["kinds"]),
    ("manifest", &[]),
    ("desired", &["manifest", "kinds"]),
    ("lint", &["desired", "kinds"]),
    ("store", &["object", "kinds"]),
    // The embedded provider alone may use the store; see below.
    ("provider", &["object", "kinds", "store"]),
    ("live", &["provider", "object", "kinds"]),
    ("diff", &["desired", "live", "object", "kinds"]),
    ("plan", &["diff", "desired", "live", "object", "kinds"]),
    ("apply", &["plan", "live", "desired", "provider", "object", "kinds"]),
    ("export", &["live", "object", "kinds"]),
    ("review", &["plan", "diff", "desired", "lint", "live", "behaviour", "object", "kinds"]),
    (
        "reconcile",
        &["apply", "review", "plan", "diff", "desired", "lint", "live", "manifest", "provider", "object", "kinds"],
    ),
    ("runtime", &["store", "behaviour", "object", "kinds"]),
    ("server", &["runtime", "store", "behaviour", "object", "kinds"]),
    ("steward", &["reconcile", "server", "object", "kinds"]),
];

/// It may use everything.
const CLI: &str = "cli";

/// Lines of a file without its tests, at most.
const LINES: usize = 600;

#[test]
fn modules_use_what_the_table_allows() {
    let mut problems = Vec::new();
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    for source in sources() {
        let module = source.module.as_str();
        if module.is_empty() || module == CLI {
            continue;
        }
        let Some(allowed) = table.get(module) else {
            problems.push(format!("{}: the module `{module}` has no row in the table", source.path));
            continue;
        };
        for used in &source.uses {
            if used != module && used != "base" && !allowed.contains(&used.as_str()) {
                problems.push(format!("{}: `{module}` may not use `crate::{used}`", source.path));
            }
            if module == "provider" && used == "store" && !source.path.starts_with("src/provider/embedded") {
                problems.push(format!("{}: only the embedded provider may use the store", source.path));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn only_the_command_line_touches_the_process() {
    let mut problems = Vec::new();
    for source in sources() {
        for touch in &source.touches {
            let allowed = match touch.sort {
                source::Sort::Print => source.path.starts_with("src/cli/view/"),
                source::Sort::Process => source.module == CLI || source.path == "src/main.rs",
            };
            if !allowed {
                problems.push(format!("{}: `{}`", source.path, touch.what));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn the_table_is_looked_at_by_something_that_sees() {
    let text = "
        use crate::{plan::build, kinds::{self, Kind}};
        fn f(x: crate::live::Live) { crate::diff::differences(); println!(\"{}\", crate::object::x()); }
        macro_rules! m { () => { $crate::manifest::load() } }
        #[serde(default = \"crate::desired::f\")] struct S;
        fn g() { let _ = std::env::var(\"A\"); use std::process::exit; io::stdout(); }
        /// [`crate::cli`]
        #[cfg(test)] mod tests { use crate::export::x; }
    ";
    let source = Source::parse("src/apply/x.rs", text);
    let expected = ["plan", "kinds", "live", "diff", "object", "manifest", "desired"].map(str::to_owned);
    assert_eq!(source.uses, BTreeSet::from(expected));
    let touched: Vec<&str> = source.touches.iter().map(|touch| touch.what.as_str()).collect();
    assert_eq!(touched, ["println!", "std::env", "std::process::exit", "io::stdout"]);
}

#[test]
fn files_begin_with_their_place_and_stay_readable() {
    let mut problems = Vec::new();
    // The tests of a module that stand in a file of their own need no words: its name says it all.
    for path in source::files_without_tests().into_iter().chain(rust_files("tests")) {
        let text = source::read(&path);
        if !text.starts_with("//! ") {
            problems.push(format!("{path}: the first line is no `//!` documentation"));
        }
        let lines = rules::lines_without_tests(&text);
        if lines > LINES && path.starts_with("src/") {
            problems.push(format!("{path}: {lines} lines without tests, more than {LINES}"));
        }
    }
    assert_none(&problems);
}

#[test]
fn nothing_is_left_for_later() {
    let mut problems = Vec::new();
    for folder in ["src", "tests", "benches", "docs", "examples", ".ci", ".github"] {
        for path in source::files(folder) {
            let Ok(text) = std::fs::read_to_string(source::root().join(&path)) else { continue };
            problems.extend(rules::banned(&text).map(|word| format!("{path}: {word}")));
        }
    }
    assert_none(&problems);
}

#[test]
fn every_test_file_is_compiled() {
    let main = source::read("tests/it/main.rs");
    let declared = rules::declared_modules(&main);
    let mut there = BTreeSet::new();
    for entry in std::fs::read_dir(source::root().join("tests/it")).expect("the folder of tests") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let is_module = path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").is_file();
        if is_module && stem != "main" {
            there.insert(stem);
        }
    }
    assert_eq!(declared, there, "modules of tests/it/main.rs on the left, files on the right");
}

#[test]
fn every_kind_has_a_file_with_an_example() {
    for kind in trueup::kinds::ManifestKind::all() {
        let documentation = kind.documentation();
        let example = format!("```yaml\napiVersion: trueup/v1\nkind: {kind}\n");
        assert!(documentation.contains(&example), "{kind} has no example in its documentation");
    }
    let list = source::read("src/kinds/mod.rs");
    for line in list.lines().filter_map(|line| line.trim().strip_suffix("Spec;")) {
        let Some((kind, rest)) = line.split_once(" in ") else { continue };
        let module = rest.split(' ').next().unwrap_or_default();
        let path = format!("src/kinds/{module}.rs");
        assert!(Path::new(&source::root().join(&path)).is_file(), "{kind} has no file {path}");
    }
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
