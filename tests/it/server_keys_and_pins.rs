//! Keys of a server target at the command line: what a key may do, where its secret may go.

use serde_json::json;
use trueup::object::access::Scope;

use crate::engine_rig::{Receiver, Reply};
use crate::rig::{Rig, over_http};
use crate::stories::{BASE, base_with};
use crate::support::Project;

/// The project file of the rig's server with another key.
fn with_key(rig: &Rig, name: &str, scopes: &[Scope]) -> String {
    let (id, secret) = rig.served().key(name, scopes);
    let file = rig.served().project_file(rig.served().url());
    let at = file.find("clientId: \"").expect("a key") + "clientId: \"".len();
    let end = at + file[at..].find('"').expect("an end");
    rig.project.write("trueup.yaml", &format!("{}{id}{}", &file[..at], &file[end..]));
    rig.project.write(".secret", &secret);
    secret
}

fn run(rig: &Rig, secret: &str, arguments: &[&str]) -> crate::support::Run {
    rig.project.command(arguments).env("RIG_CLIENT_SECRET", secret).output().expect("the binary runs").into()
}

#[test]
fn a_read_only_key_plans_and_does_not_write() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        rig.change_by_hand("Destination/chat", |spec| spec["timeoutSeconds"] = 7.into());
        let before = rig.state();
        let secret = with_key(&rig, "reader", &[Scope::ConfigRead]);
        let drift = run(&rig, &secret, &["drift"]);
        assert_eq!(drift.code, 0, "{}", drift.err);
        assert!(drift.out.contains("Destination/chat") && !drift.out.contains("kim@console"), "{}", drift.out);
        let plan = run(&rig, &secret, &["plan", "--detailed-exitcode"]);
        assert_eq!(plan.code, 2, "{}", plan.err);
        assert_eq!(rig.state().snapshot, before.snapshot);
        let apply = run(&rig, &secret, &["apply", "-y"]);
        assert_eq!(apply.code, 4, "{}", apply.err);
        assert!(apply.err.contains("config:write"), "{}", apply.err);
        assert_eq!(run(&rig, &secret, &["outputs"]).code, 4);
        assert_eq!(rig.state().snapshot, before.snapshot);
        let secret = with_key(&rig, "auditor", &[Scope::ConfigRead, Scope::AuditRead]);
        let drift = run(&rig, &secret, &["drift"]);
        assert!(drift.out.contains("kim@console"), "{}", drift.out);
    });
}

#[test]
fn a_read_only_key_adopts_nothing_and_leaves_no_file() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        rig.make_by_hand("EventType/by-hand", json!({"properties": {}}));
        let before = rig.state();
        let secret = with_key(&rig, "reader", &[Scope::ConfigRead]);
        let refused = run(&rig, &secret, &["adopt", "EventType/by-hand"]);
        assert_eq!(refused.code, 4, "{}", refused.err);
        assert!(refused.err.contains("config:write"), "{}", refused.err);
        assert!(!rig.project.join("adopted.yaml").exists());
        assert_eq!(rig.state().snapshot, before.snapshot);
    });
}

#[test]
fn building_and_publishing_can_be_two_people() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        let secret = with_key(&rig, "builder", &[Scope::ConfigRead, Scope::ConfigWrite]);
        rig.write(&base_with(&[("X-Team: red", "X-Team: blue")]));
        assert_eq!(run(&rig, &secret, &["apply", "-y"]).code, 0);
        rig.write(&base_with(&[("X-Team: red", "X-Team: blue"), ("Your address?", "Which address?")]));
        let before = rig.state();
        let refused = run(&rig, &secret, &["apply", "-y"]);
        assert_eq!(refused.code, 4, "{}", refused.err);
        assert!(refused.err.contains("publish"), "{}", refused.err);
        assert_eq!(rig.state().snapshot, before.snapshot);
        let secret = with_key(&rig, "publisher", &[Scope::ConfigRead, Scope::ConfigWrite, Scope::Publish]);
        assert_eq!(run(&rig, &secret, &["apply", "-y"]).code, 0);
    });
}

#[test]
fn a_wrong_or_foreign_key_ends_with_exit_code_4() {
    over_http(|| {
        let rig = Rig::with(BASE);
        let wrong = run(&rig, "not-the-secret", &["plan"]);
        assert_eq!(wrong.code, 4, "{}", wrong.err);
        assert!(!wrong.err.contains("not-the-secret"), "{}", wrong.err);
        let file = rig.served().project_file(rig.served().url()).replace("name: acme", "name: other");
        rig.project.write("trueup.yaml", &file);
        let foreign = rig.project.run(&["plan"]);
        assert_eq!(foreign.code, 4, "{}", foreign.err);
    });
}

#[test]
fn a_pinned_server_gets_the_key_and_no_other_does() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        let url = rig.served().url().to_owned();
        rig.project.ok(&["plan", "--server-url", &url]);
        // As a pull request would have it.
        let elsewhere = rig.served().proxy.url();
        rig.served().proxy.calm();
        rig.project.write("trueup.yaml", &rig.served().project_file(&elsewhere));
        let refused = rig.project.run(&["plan", "--server-url", &url]);
        assert!(matches!(refused.code, 3 | 4), "{}: {}", refused.code, refused.err);
        assert!(refused.err.contains(&elsewhere), "{}", refused.err);
        assert!(rig.served().proxy.seen().is_empty(), "something was sent: {:?}", rig.served().proxy.seen());
        rig.project.ok(&["plan"]);
    });
}

#[test]
fn a_redirect_is_refused_and_takes_neither_key_nor_token_along() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let elsewhere = runtime.block_on(Receiver::glad());
    for status in [301, 302, 303, 307, 308] {
        // Already the log-in is sent elsewhere, or what comes after it.
        for logs_in in [false, true] {
            let to = elsewhere.url("/taken");
            let lure = runtime.block_on(Receiver::new(move |request| {
                if logs_in && request.target == "/accounts/connect/token" {
                    return Reply::Json(json!({"access_token": "the-token", "token_type": "Bearer", "expires_in": 60}));
                }
                Reply::Status(status, vec![("location", to.clone())])
            }));
            let mut project = Project::in_memory();
            project.set("KEY", "the-secret-of-the-key");
            let file = "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\nspec:\n  targets:\n    live: \
                        { server: { url: \"URL\", clientId: \"ID\", clientSecret: { fromEnv: KEY } } }\n";
            let file = file.replace("URL", &lure.url("")).replace("ID", "0190b0d0-0000-7000-8000-000000000000");
            project.write("trueup.yaml", &file);
            for verb in [&["plan"][..], &["export"], &["outputs"], &["unlock", "-y"]] {
                let run = project.run(verb);
                assert_eq!(run.code, 1, "{status} {verb:?}: {}", run.err);
                assert!(run.err.contains("redirects are not followed"), "{status} {verb:?}: {}", run.err);
                let told = [run.out, run.err].concat();
                assert!(!told.contains("the-token") && !told.contains("the-secret"), "{told}");
            }
            assert_eq!(lure.requests().len(), if logs_in { 8 } else { 4 }, "each was tried once");
        }
    }
    assert!(elsewhere.requests().is_empty(), "{:?}", elsewhere.requests());
}

#[test]
fn rotate_and_outputs_tell_the_whole_url() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        let hook = |text: &str| {
            let start = format!("{}/hooks/", rig.served().url());
            text.split_whitespace().find(|word| word.starts_with(&start)).expect("a URL").to_owned()
        };
        let old = hook(&rig.project.ok(&["outputs"]).out);
        let new = hook(&rig.project.ok(&["rotate", "IncomingWebhook/shop"]).out);
        assert_ne!(old, new);
        assert_eq!(hook(&rig.project.ok(&["outputs"]).out), new);
        let entry = rig.state().audit.into_iter().rfind(|entry| entry.action == "rotate").expect("an entry");
        assert!(entry.actor.contains("rig"), "{}", entry.actor);
    });
}
