//! Following a real repository on this machine.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

struct Remote {
    folder: tempfile::TempDir,
}

impl Remote {
    fn new() -> Self {
        let remote = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(remote.work()).unwrap();
        remote.git(&["init", "--quiet", "-b", "main"]);
        fs::write(remote.work().join(PROJECT_FILE), "").unwrap();
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
fn no_file_of_a_commit_that_did_not_come_into_use_stays() {
    let remote = Remote::new();
    let mut git = Git::open(remote.settings()).unwrap();
    git.update().unwrap();
    let clone = git.clone_folder().to_owned();
    drop(git);
    remote.commit("a/new.yaml", "new");
    // As a git leaves a clone that was killed while it brought files in place: some are there, and not noted.
    let words = ["fetch", "--quiet", &remote.settings().url, &format!("+refs/heads/main:{FETCHED}")];
    assert!(Command::new("git").arg("-C").arg(&clone).args(words).status().unwrap().success());
    fs::write(clone.join("a/new.yaml"), "half").unwrap();
    fs::write(clone.join(".git").join(INDEX_LOCK), "").unwrap();
    fs::rename(remote.work(), remote.folder.path().join("away")).unwrap();
    let git = Git::open(remote.settings()).unwrap();
    assert_eq!(text(&git), "one");
    assert!(!clone.join("a/new.yaml").exists(), "a file of another commit");
}

#[test]
fn a_commit_whose_files_cannot_be_put_in_place_leaves_those_of_the_one_before() {
    let remote = Remote::new();
    let mut git = Git::open(remote.settings()).unwrap();
    git.update().unwrap();
    // A name that no file can have.
    let blob = remote.git(&["hash-object", "-w", "a/x.yaml"]);
    remote.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},a/{}", "z".repeat(300))]);
    fs::write(remote.work().join("a/new.yaml"), "new").unwrap();
    fs::write(remote.work().join("a/x.yaml"), "two").unwrap();
    remote.git(&["add", "a/new.yaml", "a/x.yaml"]);
    remote.git(&["commit", "--quiet", "-m", "impossible"]);
    for _ in 0..2 {
        let error = git.update().unwrap_err();
        assert!(error.to_string().starts_with("check out the commit"), "{error}");
        assert_eq!(text(&git), "one");
        assert!(!sighting(&git).folder.join("new.yaml").exists());
    }
    remote.git(&["rm", "--quiet", "--cached", &format!("a/{}", "z".repeat(300))]);
    remote.commit("a/x.yaml", "three");
    git.update().unwrap();
    assert_eq!(text(&git), "three");
}

#[test]
fn what_was_ended_in_the_middle_is_put_in_order_before_the_next_question() {
    static STOPPED: AtomicBool = AtomicBool::new(false);
    let remote = Remote::new();
    let interrupted = || STOPPED.load(Ordering::Relaxed);
    let mut git = Git::open(GitSettings { interrupted, ..remote.settings() }).unwrap();
    git.update().unwrap();
    remote.commit("a/x.yaml", "two");
    STOPPED.store(true, Ordering::Relaxed);
    assert!(matches!(git.update(), Err(SourceError::Interrupted { .. })));
    STOPPED.store(false, Ordering::Relaxed);
    // As one that was ended leaves it.
    for lock in LOCKS {
        fs::write(git.clone_folder().join(".git").join(lock), "").unwrap();
    }
    git.update().unwrap();
    assert_eq!(text(&git), "two");
}

#[test]
fn a_commit_of_before_signatures_were_asked_for_is_not_gone_on_with() {
    let remote = Remote::new();
    let mut git = Git::open(remote.settings()).unwrap();
    git.update().unwrap();
    drop(git);
    let mut git = Git::open(GitSettings { verify_signatures: true, ..remote.settings() }).unwrap();
    assert!(git.see().is_empty());
    assert!(matches!(git.update(), Err(SourceError::Unsigned { .. })));
    assert!(git.see().is_empty());
}

#[test]
fn a_project_is_one_of_the_repository() {
    let remote = Remote::new();
    // Discovery would find this one, above the clone.
    fs::write(remote.folder.path().join(PROJECT_FILE), "").unwrap();
    let mut git = Git::open(GitSettings { paths: vec!["a".into(), "./a/".into()], ..remote.settings() }).unwrap();
    assert_eq!(git.paths(), ["a"]);
    git.update().unwrap();
    assert_eq!(text(&git), "one");
    fs::remove_file(remote.work().join(PROJECT_FILE)).unwrap();
    remote.commit("a/x.yaml", "two");
    git.update().unwrap();
    assert!(matches!(git.see().remove(0).1, Err(SourceError::NoProject(_))));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(remote.folder.path().join(PROJECT_FILE), remote.work().join(PROJECT_FILE)).unwrap();
        remote.commit("a/x.yaml", "three");
        git.update().unwrap();
        assert!(matches!(git.see().remove(0).1, Err(SourceError::NoProject(_))), "a link out of it");
    }
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
    let secret = open(&|s| s.url = "https://kim:s3cret@git.test/a.git".to_owned()).unwrap();
    assert_eq!(secret.shown_url(), "https://…@git.test/a.git");
    assert!(!format!("{secret:?}").contains("s3cret"));
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

/// A key with which commits are signed, and the one setting by which a clone trusts it.
struct Signer {
    signing: Vec<String>,
    trusting: (&'static str, String),
}

/// In the place of gpg: its signature is a checksum, and it trusts whatever has the right one.
fn stand_in(folder: &Path) -> Signer {
    let program = folder.join("signer");
    let script = r#"#!/bin/sh
for argument; do [ "$before" = --verify ] && file=$argument; before=$argument; done
sum=$(cksum)
if [ -z "$file" ]; then
  echo "[GNUPG:] SIG_CREATED " >&2
  printf -- '-----BEGIN PGP SIGNATURE-----\n\n%s\n-----END PGP SIGNATURE-----\n' "$sum"
elif grep -q "$sum" "$file"; then
  printf '[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0123456789ABCDEF kim\n'
else
  echo "[GNUPG:] BADSIG 0123456789ABCDEF kim"
  exit 1
fi
"#;
    fs::write(&program, script).unwrap();
    let made = Command::new("chmod").arg("+x").arg(&program).status().unwrap();
    assert!(made.success());
    let program = program.display().to_string();
    Signer { signing: vec![format!("gpg.program={program}")], trusting: ("gpg.program", program) }
}

/// A key of ssh; none where there is no ssh-keygen, which git needs to verify with one.
fn ssh(folder: &Path) -> Option<Signer> {
    let key = folder.join("key");
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-N", "", "-C", "kim", "-f"]).arg(&key);
    assert!(make.status().ok()?.success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let trusted = folder.join("trusted");
    fs::write(&trusted, format!("kim@acme.test {public}")).unwrap();
    let signing = vec!["gpg.format=ssh".to_owned(), format!("user.signingkey={}", key.display())];
    Some(Signer { signing, trusting: ("gpg.ssh.allowedSignersFile", trusted.display().to_string()) })
}

#[cfg(unix)]
#[test]
fn a_signed_commit_is_taken_and_nothing_after_it_that_is_not() {
    let (keys, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let signers = [Some(stand_in(keys.path())), ssh(own.path())];
    for signer in signers.into_iter().flatten() {
        let remote = Remote::new();
        let sign = |text: &str| {
            fs::write(remote.work().join("a/x.yaml"), text).unwrap();
            let mut words: Vec<&str> = signer.signing.iter().flat_map(|setting| ["-c", setting]).collect();
            words.extend(["commit", "--quiet", "-S", "-a", "-m", text]);
            remote.git(&words);
            remote.git(&["rev-parse", "HEAD"])
        };
        let signed = sign("signed");
        let mut git = Git::open(GitSettings { verify_signatures: true, ..remote.settings() }).unwrap();
        let clone = git.clone_folder().to_owned();
        let trust = |value: &str| {
            let words = ["config", signer.trusting.0, value];
            assert!(Command::new("git").arg("-C").arg(&clone).args(words).status().unwrap().success());
        };
        // Nobody is trusted: neither a program nor a key that would verify it.
        trust("/dev/null");
        assert!(matches!(git.update(), Err(SourceError::Unsigned { .. })));
        assert!(git.see().is_empty());
        trust(&signer.trusting.1);
        git.update().unwrap();
        assert_eq!((text(&git).as_str(), sighting(&git).commit), ("signed", Some(signed.clone())));
        let plain = remote.commit("a/x.yaml", "plain");
        let error = git.update().unwrap_err();
        assert!(matches!(&error, SourceError::Unsigned { commit, .. } if *commit == plain), "{error}");
        assert_eq!((text(&git).as_str(), sighting(&git).commit), ("signed", Some(signed)));
        // What lies between is taken with the commit that was signed on top of it.
        let next = sign("signed again");
        git.update().unwrap();
        assert_eq!((text(&git).as_str(), sighting(&git).commit), ("signed again", Some(next)));
    }
}

#[test]
fn a_state_folder_that_is_taken_away_is_made_anew() {
    let remote = Remote::new();
    let mut git = Git::open(remote.settings()).unwrap();
    git.update().unwrap();
    for gone in [git.clone_folder().to_owned(), remote.settings().state] {
        std::fs::remove_dir_all(&gone).unwrap();
        git.update().unwrap();
        assert!(git.see().iter().all(|(_, sighting)| sighting.is_ok()), "{}", gone.display());
    }
    assert!(matches!(Git::open(remote.settings()), Err(SourceError::Held(_))), "it is held again");
}
