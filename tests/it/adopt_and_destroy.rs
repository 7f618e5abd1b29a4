//! `trueup adopt` and `trueup destroy`, on the embedded target and on a server.

use serde_json::json;

use crate::fault_proxy::Fault;
use crate::rig::{Rig, over_http};
use crate::safety::everything_that_is_managed_can_be_destroyed;
use crate::stories::BASE;

const BY_HAND: &str = "Destination/mail";

/// A project with an object that somebody made by hand.
fn with_one_by_hand() -> Rig {
    let rig = Rig::applied(BASE);
    let spec = json!({"platform": "Mail", "method": "POST", "url": "https://mail.acme.test/hook", "timeoutSeconds": 7});
    rig.make_by_hand(BY_HAND, spec);
    rig
}

fn is_managed(rig: &Rig) -> bool {
    rig.state().row(BY_HAND).managed
}

fn what_was_made_by_hand_is_adopted() {
    let rig = with_one_by_hand();
    let before = rig.state().row(BY_HAND).clone();
    let run = rig.project.ok(&["adopt", BY_HAND, "--file", "mail.yaml"]);
    assert!(run.out.ends_with("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.\n"), "{}", run.out);
    let file = std::fs::read_to_string(rig.project.join("mail.yaml")).expect("a file");
    assert!(file.contains("kind: Destination") && file.contains("timeoutSeconds: 7"), "{file}");
    assert!(is_managed(&rig));
    let state = rig.state();
    let after = state.row(BY_HAND);
    assert_eq!((after.id, after.digest), (before.id, before.digest), "it is the same object");
    let entry = state.audit.iter().rfind(|entry| entry.address.as_ref() == Some(&after.address)).expect("an entry");
    assert_eq!(entry.action, "adopt");
    assert!(rig.project.ok(&["plan"]).out.ends_with("No changes.\n"));
    // From here on it is the manifests' object like any other.
    rig.project.write("mail.yaml", &file.replace("timeoutSeconds: 7", "timeoutSeconds: 8"));
    rig.project.ok(&["apply", "-y"]);
    assert_eq!(rig.state().record(BY_HAND).spec["timeoutSeconds"], 8);
}

fn what_cannot_be_adopted_leaves_everything_as_it_is() {
    let rig = with_one_by_hand();
    let before = rig.state();
    let refused = |address: &str, text: &str| {
        let run = rig.project.run(&["adopt", BY_HAND, address]);
        assert_eq!(run.code, 3, "{address}: {}", run.err);
        assert!(run.err.contains(text), "{address}: {}", run.err);
    };
    refused("Destination/chat", "Destination/chat is managed already");
    refused("Destination/none", "has no Destination/none");
    assert!(!rig.project.join("adopted.yaml").exists());
    assert!(rig.state() == before, "something was written");
}

/// The manifests of objects that became managed must stay, or the next prune would remove the objects.
fn an_adoption_that_cannot_be_reported_keeps_its_manifests() {
    let rig = with_one_by_hand();
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that is full");
    let run = rig.project.command(&["adopt", BY_HAND]).stdout(full).output().expect("the binary runs");
    let err = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success(), "{err}");
    assert!(is_managed(&rig), "{err}");
    assert!(err.contains("adopted.yaml keeps the manifests"), "{err}");
    assert!(rig.project.ok(&["plan", "--prune"]).out.ends_with("No changes.\n"));
}

macro_rules! on_both {
    ($($embedded:ident $server:ident $test:ident;)+) => {$(
        #[test]
        fn $embedded() {
            $test();
        }

        #[test]
        fn $server() {
            over_http($test);
        }
    )+};
}

on_both! {
    adopts adopts_over_http what_was_made_by_hand_is_adopted;
    refuses refuses_over_http what_cannot_be_adopted_leaves_everything_as_it_is;
}

#[cfg(target_os = "linux")]
on_both! {
    keeps_manifests keeps_manifests_over_http an_adoption_that_cannot_be_reported_keeps_its_manifests;
}

#[test]
fn destroys_over_http() {
    over_http(everything_that_is_managed_can_be_destroyed);
}

#[test]
fn an_adoption_of_which_no_more_is_heard_keeps_its_manifests() {
    over_http(|| {
        let through_proxy = || {
            let rig = with_one_by_hand();
            rig.project.write("trueup.yaml", &rig.served().project_file(&rig.served().proxy.url()));
            rig.served().proxy.calm();
            rig
        };
        let undisturbed = through_proxy();
        undisturbed.project.ok(&["adopt", BY_HAND]);
        let seen = undisturbed.served().proxy.seen();
        let written = seen.iter().position(|request| request.ends_with("/changesets")).expect("a changeset");

        // Something else answers once it is written: what was said before counts.
        let rig = through_proxy();
        rig.served().proxy.script(written + 1, usize::MAX, Fault::Page);
        rig.project.ok(&["adopt", BY_HAND]);
        assert!(is_managed(&rig));

        // No answer comes from there on: it is written, and nobody can be asked.
        let rig = through_proxy();
        rig.served().proxy.script(written, usize::MAX, Fault::ResetAfter);
        let run = rig.project.run(&["adopt", BY_HAND]);
        assert_eq!(run.code, 1, "{}", run.err);
        assert!(run.err.contains("it is not known whether objects were marked"), "{}", run.err);
        rig.served().proxy.calm();
        assert!(is_managed(&rig));
        assert!(rig.project.ok(&["plan", "--prune"]).out.ends_with("No changes.\n"));

        // The same before it: nothing is written, and a file that says so is no harm.
        let rig = through_proxy();
        rig.served().proxy.script(written, usize::MAX, Fault::Page);
        assert_eq!(rig.project.run(&["adopt", BY_HAND]).code, 1);
        rig.served().proxy.calm();
        assert!(!is_managed(&rig));
        rig.project.run(&["unlock", "-y"]);
        assert_eq!(rig.project.run(&["plan"]).code, 6);
        rig.project.ok(&["apply", "-y", "--adopt"]);
        assert!(is_managed(&rig));
    });
}
