//! The walk through one pull request: the script that the page describes runs, and prints what the page shows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The boxes of output of a page, line by line.
fn boxes(page: &str) -> Vec<Vec<&str>> {
    let mut boxes = Vec::new();
    let mut current: Option<Vec<&str>> = None;
    for line in page.lines() {
        match (line, &mut current) {
            ("```console", _) => current = Some(Vec::new()),
            ("```", Some(_)) => boxes.extend(current.take()),
            (line, Some(lines)) => lines.push(line),
            (_, None) => {}
        }
    }
    boxes
}

#[test]
fn the_script_of_the_walk_prints_what_the_page_shows() {
    let run = Command::new("bash")
        .arg(root().join("examples/pull-request/review.sh"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TRUEUP", env!("CARGO_BIN_EXE_trueup"))
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}\n{out}\n{err}", run.status);
    let page = std::fs::read_to_string(root().join("docs/review.md")).expect("the page");
    let boxes = boxes(&page);
    assert!(boxes.len() >= 6, "{boxes:?}");
    // In the order they are printed, with other lines between: a box leaves out what would be too long.
    let mut printed = out.lines();
    for line in boxes.into_iter().flatten() {
        assert!(printed.any(|printed| printed == line), "not printed, or not here: {line}\n\n{out}\n{err}");
    }
}
