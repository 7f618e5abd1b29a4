//! The tour of the control plane: the script that it describes runs, and prints what the page shows.

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

#[test]
fn the_script_of_the_tour_prints_what_the_page_shows() {
    let trueup = Path::new(env!("CARGO_BIN_EXE_trueup"));
    let receiver = trueup.with_file_name("examples").join("receiver");
    assert!(receiver.is_file(), "{} is missing: `cargo build --example receiver` makes it", receiver.display());
    assert!(
        Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()),
        "the tour needs curl, and it is not installed"
    );
    let run = Command::new("bash")
        .arg(root().join("examples/adoption/live.sh"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("TRUEUP", trueup), ("RECEIVER", &receiver)])
        .envs([("PORT", "0"), ("OUTSIDE", "0")])
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}\n{out}\n{err}", run.status);
    let printed = without_what_varies(&out);
    let page = std::fs::read_to_string(root().join("docs/tour.md")).expect("the page");
    let shown = shown(&page);
    assert!(shown.len() >= 9, "{shown:?}");
    for line in shown {
        assert!(printed.lines().any(|printed| printed == line), "not printed: {line}\n\n{printed}\n{err}");
    }
}
