//! Who applies, and from which commit: for the audit.

use std::path::Path;
use std::process::Command;

/// `user@host`, or what CI says of itself. Never fails: an unknown part is called `unknown`.
#[must_use]
pub fn actor() -> String {
    let first =
        |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let user = first(&["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME", "USERNAME"]);
    let host = first(&["HOSTNAME", "COMPUTERNAME"])
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()));
    let clean = |text: Option<String>| {
        let text: String = text.unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
        if text.is_empty() { "unknown".to_owned() } else { text }
    };
    format!("{}@{}", clean(user), clean(host))
}

/// The commit a folder is at, with `+` when its files differ from it; `None` where there is no repository or no git.
#[must_use]
pub fn commit(folder: &Path) -> Option<String> {
    let git = |words: &[&str]| {
        let output = Command::new("git").arg("-C").arg(folder).args(words).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", "."]).is_none_or(|status| !status.is_empty());
    Some(if changed { format!("{commit}+") } else { commit })
}
