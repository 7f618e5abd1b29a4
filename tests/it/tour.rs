//! The tours of the control plane and of reconcile: the scripts that they describe run, and print what the pages show.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Ids and times are different each time.
fn without_what_varies(text: &str) -> String {
    let replace = |text: &str, pattern: &str, with: &str| {
        Regex::new(pattern).expect("a pattern").replace_all(text, with).into_owned()
    };
    let text = replace(text, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>");
    let text = replace(&text, r"\b[0-9a-f]{10}\b", "<commit>");
    let text = replace(&text, r"[^ ]+@[^ ]+( \(reconcile\))? via ", "<who>$1 via ");
    replace(&text, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>")
}

/// The lines of the page's boxes of output.
fn shown(page: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            line if inside => lines.push(line),
            _ => {}
        }
    }
    lines
}

/// Runs the script of a tour, and holds what the page shows against what it prints.
fn prints_what_the_page_shows(script: &str, page: &str, more: &[(&str, &Path)], least: usize) {
    let trueup = Path::new(env!("CARGO_BIN_EXE_trueup"));
    assert!(
        Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()),
        "the tour needs curl, and it is not installed"
    );
    let run = Command::new("bash")
        .arg(root().join(script))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TRUEUP", trueup)
        .envs(more.iter().copied())
        .envs([("PORT", "0"), ("OUTSIDE", "0"), ("WATCH", "0")])
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}\n{out}\n{err}", run.status);
    let printed = without_what_varies(&out);
    let page = std::fs::read_to_string(root().join(page)).expect("the page");
    let shown = shown(&page);
    assert!(shown.len() >= least, "{shown:?}");
    for line in shown {
        assert!(printed.lines().any(|printed| printed == line), "not printed: {line}\n\n{printed}\n{err}");
    }
}

#[test]
fn the_script_of_the_tour_prints_what_the_page_shows() {
    let receiver = Path::new(env!("CARGO_BIN_EXE_trueup")).with_file_name("examples").join("receiver");
    assert!(receiver.is_file(), "{} is missing: `cargo build --example receiver` makes it", receiver.display());
    prints_what_the_page_shows("examples/adoption/live.sh", "docs/tour.md", &[("RECEIVER", &receiver)], 9);
}

#[test]
fn the_tour_of_reconcile_prints_what_the_page_shows() {
    prints_what_the_page_shows("examples/around-the-clock/live.sh", "docs/operations.md", &[], 25);
}
