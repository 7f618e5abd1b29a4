//! Following a real repository on this machine.

use std::path::Path;
use std::process::Command;

use super::*;

struct Remote {
    folder: tempfile::TempDir,
}

impl Remote {
    fn new() -> Self {
        let remote = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(remote.work()).unwrap();
        remote.git(&["init", "--quiet", "-b", "main"]);
        remote.commit("a/x.yaml", "one");
        remote
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("remote")
    }

    fn git(&self, words: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.work())
            .args(["-c", "user.name=kim", "-c", "user.email=kim@acme.test", "-c", "commit.gpgsign=false"])
            .args(words)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self, file: &str, text: &str) -> String {
        let path = self.work().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "-m", text]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn settings(&self) -> GitSettings {
        GitSettings {
            url: format!("file://{}", self.work().display()),
            reference: "main".to_owned(),
            paths: vec!["a".into()],
            verify_signatures: false,
            plain_ssh: true,
            state: self.folder.path().join("state"),
            interrupted: || false,
        }
    }
}

fn sighting(git: &Git) -> Sighting {
    git.see().remove(0).1.unwrap()
}

fn text(git: &Git) -> String {
    fs::read_to_string(sighting(git).folder.join("x.yaml")).unwrap()
}

#[test]
fn commits_are_followed_and_a_restart_goes_on_where_it_was() {
    let remote = Remote::new();
    let mut git = Git::open(remote.settings()).unwrap();
    assert!(git.see().is_empty());
    git.update().unwrap();
    assert_eq!(text(&git), "one");
    let first = sighting(&git);
    git.update().unwrap();
    assert_eq!(sighting(&git).state, first.state);
    let second = remote.commit("a/x.yaml", "two");
    git.update().unwrap();
    assert_eq!((text(&git).as_str(), sighting(&git).commit), ("two", Some(second.clone())));
    assert_ne!(sighting(&git).state, first.state);
    assert!(matches!(Git::open(remote.settings()), Err(SourceError::Held(_))));
    let folder = git.clone_folder().to_owned();
    drop(git);
    // As a git that was killed leaves things: a lock, and half of the files.
    fs::write(folder.join(".git/index.lock"), "").unwrap();
    fs::write(folder.join("a/x.yaml"), "half").unwrap();
    fs::rename(remote.work(), remote.folder.path().join("away")).unwrap();
    let mut git = Git::open(remote.settings()).unwrap();
    assert!(matches!(git.update(), Err(SourceError::Git { .. })));
    assert_eq!((text(&git).as_str(), sighting(&git).commit), ("two", Some(second)));
    fs::rename(remote.folder.path().join("away"), remote.work()).unwrap();
    remote.commit("a/x.yaml", "three");
    remote.commit("a/x.yaml", "four");
    git.update().unwrap();
    assert_eq!(text(&git), "four");
}

#[test]
fn a_rewritten_branch_changes_nothing_until_it_is_accepted() {
    let remote = Remote::new();
    let mut git = Git::open(remote.settings()).unwrap();
    let base = remote.git(&["rev-parse", "HEAD"]);
    let old = remote.commit("a/x.yaml", "old");
    git.update().unwrap();
    remote.git(&["reset", "--quiet", "--hard", &base]);
    let new = remote.commit("a/x.yaml", "new");
    for _ in 0..2 {
        let error = git.update().unwrap_err();
        let SourceError::Rewritten { old: had, new: found, accept } = &error else { panic!("{error}") };
        assert_eq!((had, found), (&old, &new));
        assert_eq!(text(&git), "old");
        assert!(error.help().unwrap().contains(accept));
    }
    let git_words = ["update-ref", CURRENT, &new];
    let accepted = Command::new("git").arg("-C").arg(git.clone_folder()).args(git_words).status().unwrap();
    assert!(accepted.success());
    git.update().unwrap();
    assert_eq!(text(&git), "new");
}

#[test]
fn what_is_not_signed_is_refused_where_signatures_are_asked_for() {
    let remote = Remote::new();
    let mut git = Git::open(GitSettings { verify_signatures: true, ..remote.settings() }).unwrap();
    let error = git.update().unwrap_err();
    assert!(matches!(error, SourceError::Unsigned { .. }), "{error}");
    assert!(git.see().is_empty());
}

#[test]
fn refs_and_folders_are_what_they_say() {
    let remote = Remote::new();
    let open = |change: &dyn Fn(&mut GitSettings)| {
        let mut settings = remote.settings();
        change(&mut settings);
        Git::open(settings)
    };
    for bad in ["", "-x", "a b", "refs/heads/*", "a..b", "/a", "a:b", "^a"] {
        assert!(matches!(open(&|s| s.reference = bad.to_owned()), Err(SourceError::NoRef(_))), "{bad}");
    }
    for bad in ["../x", "/etc"] {
        assert!(matches!(open(&|s| s.paths = vec![bad.into()]), Err(SourceError::NoFolder(_))), "{bad}");
    }
    // A branch whose name merely ends so is another.
    remote.git(&["branch", "team/release"]);
    let mut git = open(&|s| s.reference = "release".to_owned()).unwrap();
    assert!(matches!(git.update(), Err(SourceError::NoRef(_))));
    let mut git = open(&|s| s.reference = "refs/heads/team/release".to_owned()).unwrap();
    git.update().unwrap();
    std::os::unix::fs::symlink("/etc", remote.work().join("link")).unwrap();
    remote.git(&["add", "-A"]);
    remote.git(&["commit", "--quiet", "-m", "link"]);
    let mut git = open(&|s| s.paths = vec!["link".into(), "gone".into(), "a".into()]).unwrap();
    git.update().unwrap();
    let found: Vec<bool> = git.see().iter().map(|(_, sighting)| sighting.is_ok()).collect();
    assert_eq!(found, [false, false, true]);
}

#[test]
fn a_tag_is_followed_by_its_commit() {
    let remote = Remote::new();
    remote.git(&["tag", "-a", "-m", "v1", "v1"]);
    let settings = GitSettings { reference: "refs/tags/v1".to_owned(), ..remote.settings() };
    let mut git = Git::open(settings).unwrap();
    git.update().unwrap();
    git.update().unwrap();
    assert_eq!(sighting(&git).commit, Some(remote.git(&["rev-parse", "v1^{commit}"])));
    assert!(Path::new(&sighting(&git).folder).join("x.yaml").is_file());
}
