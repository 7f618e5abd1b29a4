//! `rotate` on the embedded target: a new secret, the old one ended, an entry in the audit.

use trueup::base::secret::SecretText;

use crate::rig::{PROJECT, Rig};
use crate::stories::BASE;

fn path(text: &str) -> String {
    let path = text.split_whitespace().find(|word| word.starts_with("/hooks/"));
    path.unwrap_or_else(|| panic!("no path in {text}")).to_owned()
}

#[test]
fn a_rotated_token_replaces_the_old_one_and_is_noted() {
    let rig = Rig::applied(BASE);
    let before = rig.state();
    let old = path(&rig.project.ok(&["outputs"]).out);
    let new = path(&rig.project.ok(&["rotate", "IncomingWebhook/shop"]).out);
    assert_ne!(old, new);
    assert_eq!(path(&rig.project.ok(&["outputs"]).out), new);
    let owners = rig.in_store(async |store| {
        let owner = async |path: &str| {
            let token = path.trim_start_matches("/hooks/").to_owned();
            store.reads().by_token(&SecretText::new(token)).await.expect("a look-up")
        };
        (owner(&old).await, owner(&new).await)
    });
    assert_eq!(owners.0, None, "the old token still answers");
    assert_eq!(owners.1.expect("an owner").project.as_str(), PROJECT);
    let after = rig.state();
    assert_eq!(after.snapshot, before.snapshot, "the object itself changed");
    let entry = after.audit.last().expect("an entry");
    assert_eq!((entry.action.as_str(), entry.actor.as_str()), ("rotate", "tester@machine"));
    assert_eq!(entry.address.as_ref().map(ToString::to_string).as_deref(), Some("IncomingWebhook/shop"));
    assert!(rig.project.ok(&["plan"]).out.ends_with("No changes.\n"));
}

#[test]
fn only_what_has_a_token_and_is_there_is_rotated() {
    let rig = Rig::applied(BASE);
    for (address, said) in [("Audience/sales", "no secret"), ("IncomingWebhook/other", "has no IncomingWebhook/other")]
    {
        let run = rig.project.run(&["rotate", address]);
        assert_eq!(run.code, 3, "{address}: {}", run.err);
        assert!(run.err.contains(said), "{}", run.err);
    }
    let empty = Rig::with(BASE);
    assert_eq!(empty.project.run(&["rotate", "IncomingWebhook/shop"]).code, 3);
    assert!(!empty.project.join(".trueup").exists(), "a target was made");
}
