//! The README's tour is what the program prints: its `console` blocks are run, in order, in a folder with the files
//! that its blocks of YAML show.
//!
//! Three sorts of blocks and marks matter, everything else is prose:
//! - a `yaml` block whose first line is `# NAME.yaml` is written to that file;
//! - `<!-- tour: edit FILE: OLD => NEW -->` changes a file, `<!-- tour: by-hand KIND/NAME: PATH = VALUE -->` changes the
//!   live object as somebody with a console would;
//! - each `$ …` line of a `console` block is run by a shell, and what it prints must follow it.
//!
//! Ids and times differ from run to run and are replaced. `TRUEUP_UPDATE=1 cargo test --test it readme` writes the
//! blocks anew.

use std::path::Path;
use std::process::Stdio;

use trueup::base::ident::{Name, ObjectId};
use trueup::kinds::Address;
use trueup::store::{Clock, Store};

use crate::support::Project;

const MEND: &str = "TRUEUP_UPDATE=1 cargo test --test it readme";

/// Runs a line as a shell does; standard output and error in the order in which they came.
fn shell(project: &Project, line: &str) -> String {
    let path = project.join("answer.txt");
    let file = std::fs::File::create(&path).expect("a file");
    let binary = Path::new(env!("CARGO_BIN_EXE_trueup")).parent().expect("a folder").to_owned();
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::join_paths(std::iter::once(binary).chain(std::env::split_paths(&inherited)));
    let given = project.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(line).current_dir(project.path()).env_clear().stdin(Stdio::null());
    shell.envs(given.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", folders.expect("a search path"));
    shell.stdout(file.try_clone().expect("a second handle")).stderr(file);
    shell.status().expect("a shell");
    let text = std::fs::read_to_string(&path).expect("text");
    std::fs::remove_file(&path).expect("a file to remove");
    steady(&text)
}

/// Replaces what differs from run to run.
fn steady(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let words: Vec<String> = line.split(' ').map(steady_word).collect();
        lines.push(words.join(" ").trim_end().to_owned());
    }
    lines.join("\n").trim_end().to_owned()
}

fn steady_word(word: &str) -> String {
    let core = word.trim_end_matches(['.', ',', ')', ':']);
    if core.parse::<ObjectId>().is_ok() {
        return word.replace(core, "01990000-0000-7000-8000-000000000001");
    }
    if core.len() > 18 && core.parse::<jiff::Timestamp>().is_ok() {
        return word.replace(core, "2031-05-04T08:30:00Z");
    }
    word.to_owned()
}

/// `KIND/NAME: PATH = VALUE`: changes one field of a live object past the manifests.
fn change_by_hand(project: &Project, change: &str) {
    let (address, rest) = change.split_once(": ").expect("an address");
    let (path, value) = rest.split_once(" = ").expect("a value");
    let address: Address = address.parse().expect("an address");
    let owner: Name = "feedback".parse().expect("a name");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let file = project.join(".trueup/local.db");
        let store = Store::open(&file, None, Clock::system()).await.expect("the store");
        let records = store.reads().read(&owner, Some(std::slice::from_ref(&address))).await.expect("the object");
        let record = records.into_iter().next().expect("the object is there");
        let mut spec = record.spec;
        let place = path.split('.').fold(&mut spec, |at, key| at.get_mut(key).expect("a field"));
        *place = serde_json::from_str(value).expect("a value");
        let put = store.put_by_hand(&owner, &address, record.metadata, spec, Vec::new(), "ana@console", None).await;
        put.expect("a change by hand");
        store.close().await.expect("a closed store");
    });
}

/// The README with its `console` blocks as the program fills them.
fn renewed(readme: &str) -> String {
    let mut project = Project::new();
    project.set("CHAT_TOKEN", "not-a-real-token");
    let mut out: Vec<String> = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        out.push(line.to_owned());
        if let Some(edit) = line.strip_prefix("<!-- tour: edit ").and_then(|rest| rest.strip_suffix(" -->")) {
            let (file, change) = edit.split_once(": ").expect("a file");
            let (old, new) = change.split_once(" => ").expect("a change");
            let text = std::fs::read_to_string(project.join(file)).expect("a file of the tour");
            assert_eq!(text.matches(old).count(), 1, "{edit}");
            project.write(file, &text.replace(old, new));
        } else if let Some(change) = line.strip_prefix("<!-- tour: by-hand ").and_then(|l| l.strip_suffix(" -->")) {
            change_by_hand(&project, change);
        } else if line == "```yaml" || line == "```console" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if line == "```yaml" {
                if let Some(name) = block.first().and_then(|first| first.strip_prefix("# ")) {
                    project.write(name, &(block.join("\n") + "\n"));
                }
                out.extend(block.into_iter().map(str::to_owned));
            } else {
                for command in block.iter().filter(|line| line.starts_with("$ ")) {
                    out.push((*command).to_owned());
                    let answer = shell(&project, &command[2..]);
                    out.extend((!answer.is_empty()).then_some(answer));
                }
            }
            out.push("```".to_owned());
        }
    }
    out.join("\n") + "\n"
}

#[test]
fn the_tour_of_the_readme_is_what_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let renewed = renewed(&readme);
    if std::env::var_os("TRUEUP_UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &renewed).expect("a written README");
    }
    let now = std::fs::read_to_string(&path).expect("the README");
    let differs = now.lines().zip(renewed.lines()).enumerate().find(|(_, (is, should))| is != should);
    assert!(now == renewed, "README.md is out of date ({MEND} mends it); the first difference: {differs:?}");
    assert!(renewed.matches("\n```console\n").count() > 5, "the tour is there");
}
