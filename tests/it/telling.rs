//! What `trueup reconcile` tells people: signed events to a URL, and the status of commits on a stand-in for GitHub.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use trueup::base::fingerprint::hmac_sha256;
use trueup::reconcile::tell::event_v1::event_schema;

use crate::engine_rig::{Received, Receiver, Reply};
use crate::reconcile::{Repository, Service};
use crate::rig::Rig;
use crate::stories::{BASE, base_with};
use crate::support::Run;

/// 24 bytes, base64.
const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A rig with the secret in a file.
fn rig() -> Rig {
    let rig = Rig::with(BASE);
    rig.project.write("signing.secret", &format!("whsec_{KEY}\n"));
    rig
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// The event of a request whose signature is verified as a receiver would, and whose document is valid.
fn event(request: &Received) -> Value {
    let header = |name: &str| request.headers.get(name).unwrap_or_else(|| panic!("{name}: {:?}", request.headers));
    let key = STANDARD.decode(KEY).expect("base64");
    let (id, seconds) = (header("webhook-id"), header("webhook-timestamp"));
    let mac = hmac_sha256(&key, &[format!("{id}.{seconds}.{}", request.body).as_bytes()]);
    assert_eq!(*header("webhook-signature"), format!("v1,{}", STANDARD.encode(mac)));
    assert_eq!((request.method.as_str(), header("content-type").as_str()), ("POST", "application/json"));
    let event = request.json();
    assert_valid(&event);
    event
}

fn assert_valid(event: &Value) {
    let schema = jsonschema::validator_for(&event_schema()).expect("a schema");
    let problems: Vec<String> = schema.iter_errors(event).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}\n{event:#}");
}

#[test]
fn the_documented_event_is_one() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).expect("a page");
    let blocks = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let events = blocks.filter(|block| block.contains("\"type\": \"trueup.reconcile.")).map(|block| {
        assert_valid(&serde_json::from_str(block).expect("JSON"));
    });
    assert!(events.count() > 0);
}

fn types(requests: &[Received]) -> Vec<String> {
    let type_of = |request| event(request)["type"].as_str().expect("a type").to_owned();
    requests.iter().map(type_of).map(|name| name.trim_start_matches("trueup.reconcile.").to_owned()).collect()
}

fn outcome(name: &'static str) -> impl Fn(&Value) -> bool {
    move |tick| tick["outcome"] == name
}

#[cfg(unix)]
#[test]
fn a_service_tells_each_thing_once_through_a_receiver_that_is_down_at_first() {
    let (rig, runtime) = (rig(), runtime());
    let receiver = runtime.block_on(Receiver::failing(2, 503, Vec::new()));
    let url = receiver.url("/events?key=hidden");
    let mut service = Service::start_with(&rig, &["--notify-url", &url, "--notify-secret-file", "signing.secret"]);
    service.until(outcome("applied"));
    service.until(|tick| tick["looked"] == false);
    rig.touch_by_hand("Audience/sales");
    service.until(outcome("applied"));
    rig.write("kind: [");
    service.until(outcome("invalid"));
    service.until(|tick| tick["looked"] == false && tick["failures"].as_u64() > Some(1));
    rig.write(BASE);
    service.until(outcome("in-sync"));
    let requests = runtime.block_on(receiver.arrived(7));
    assert_eq!(service.signal("-TERM"), Some(0));
    let requests: Vec<Received> = requests.into_iter().chain(receiver.requests().into_iter().skip(7)).collect();
    let ids: Vec<&String> = requests.iter().map(|request| &request.headers["webhook-id"]).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2], "the same at every try: {ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), requests.len() - 2);
    let told = types(&requests[2..]);
    assert_eq!(told, ["applied", "drift-healed", "applied", "refused", "recovered"]);

    let applied = &event(&requests[2])["data"];
    assert_eq!((applied["project"].as_str(), applied["mode"].as_str()), (Some("acme"), Some("heal")));
    let number = |value: &Value| value.as_u64().expect("a number");
    let totals = &applied["totals"];
    let done = number(&totals["add"]) + number(&totals["change"]) + number(&totals["destroy"]);
    assert_eq!(done, number(&applied["actions"]["total"]));
    let healed = &event(&requests[3])["data"];
    assert_eq!(healed["drift"]["total"], 1);
    let drift = &healed["drift"]["items"][0];
    assert_eq!((drift["address"].as_str(), drift["by"].as_str()), (Some("Audience/sales"), Some("kim@console")));
    let refused = &event(&requests[5])["data"];
    assert_eq!(refused["diagnostics"]["items"][0]["file"], "manifests.yaml");
    assert_eq!(event(&requests[6])["data"]["recovered_from"][0], "refused");
}

#[test]
fn a_receiver_that_never_answers_holds_up_no_tick() {
    let (rig, runtime) = (rig(), runtime());
    let receiver = runtime.block_on(Receiver::new(|_| Reply::Silence));
    let url = receiver.url("/");
    let mut service = Service::start_with(&rig, &["--notify-url", &url, "--notify-secret-file", "signing.secret"]);
    service.until(outcome("applied"));
    runtime.block_on(receiver.arrived(1));
    rig.touch_by_hand("Audience/sales");
    service.until(outcome("applied"));
    service.until(outcome("in-sync"));
    assert_eq!(receiver.requests().len(), 1, "the first is still on its way");
}

fn once(rig: &Rig, more: &[&str], code: i32) -> Run {
    let arguments = [&["reconcile", "--once"], more].concat();
    let run = rig.project.run(&arguments);
    assert_eq!(run.code, code, "{arguments:?}\n{}\n{}", run.out, run.err);
    run
}

#[test]
fn a_restart_over_a_clone_repeats_nothing() {
    let (rig, runtime) = (rig(), runtime());
    let receiver = runtime.block_on(Receiver::glad());
    let repository = Repository::of(&rig);
    let (url, repository_url) = (receiver.url("/"), repository.url());
    let told = ["--notify-url", &url, "--notify-secret-file", "signing.secret"];
    let git = ["--git", &repository_url, "--path", "acme"];
    let heal = [&told[..], &git, &["--mode", "heal"]].concat();
    let report = [&told[..], &git].concat();
    once(&rig, &heal, 0);
    once(&rig, &heal, 0);
    rig.touch_by_hand("Audience/sales");
    once(&rig, &report, 0);
    once(&rig, &report, 0);
    repository.write("acme/manifests.yaml", &base_with(&[("platform: web", "platform: moon")]));
    let commit = repository.commit("broken");
    once(&rig, &heal, 3);
    once(&rig, &heal, 3);
    let requests = receiver.requests();
    assert_eq!(types(&requests), ["applied", "drift-found", "refused"]);
    let refused = requests[2].json();
    assert_eq!(refused["data"]["commit"], commit.as_str());
    assert_eq!(refused["data"]["project"], "acme", "known of earlier");
    assert!(!requests[2].body.contains("moon"), "no value of a manifest: {}", requests[2].body);
    // Of a folder there is nothing to note it in.
    rig.write("kind: [");
    once(&rig, &told, 3);
    once(&rig, &told, 3);
    assert_eq!(receiver.requests().len(), 5);
}

/// GitHub as far as statuses go: a token, one repository, a rest after the first request.
fn github(request: &Received) -> Reply {
    match (request.headers.get("authorization").map(String::as_str), request.target.as_str()) {
        (Some("Bearer the-token"), target) if target.starts_with("/api/v3/repos/acme/configuration/statuses/") => {
            Reply::Status(201, Vec::new())
        }
        (Some("Bearer the-token"), _) => Reply::Status(404, Vec::new()),
        _ => Reply::Status(401, Vec::new()),
    }
}

#[test]
fn commits_get_their_state_once() {
    let (rig, runtime) = (rig(), runtime());
    let hub = runtime.block_on(Receiver::new(github));
    let repository = Repository::of(&rig);
    rig.project.write("token", "the-token\n");
    let (api, url) = (hub.url("/api/v3"), repository.url());
    let at = ["--github-repository", "acme/configuration", "--github-api-url", &api, "--github-token-file", "token"];
    let git = ["--git", &url, "--path", "acme", "--mode", "heal"];
    let heal = [&at[..], &git].concat();
    let first = repository.commit_of("HEAD");
    once(&rig, &heal, 0);
    once(&rig, &heal, 0);
    repository.write("acme/manifests.yaml", "kind: [");
    let broken = repository.commit("broken");
    once(&rig, &heal, 3);
    once(&rig, &heal, 3);
    repository.write("acme/manifests.yaml", &base_with(&[("X-Team: red", "X-Team: blue")]));
    let blue = repository.commit("blue");
    let report = [&at[..], &git[..4]].concat();
    once(&rig, &report, 0);
    once(&rig, &heal, 0);
    let statuses: Vec<_> = hub.requests().iter().map(status).collect();
    let expected = [(first, "success"), (broken, "failure"), (blue.clone(), "pending"), (blue, "success")];
    assert_eq!(statuses, expected.map(|(commit, state)| (commit, state.to_owned())));
    let body = hub.requests()[2].json();
    assert_eq!(body["context"], "trueup/acme/local");
    assert_eq!(body["description"], "1 object differs: reconcile only reports");

    // What GitHub refuses is said, and changes nothing else.
    let elsewhere = ["--github-repository", "acme/other", "--github-api-url", &api, "--github-token-file", "token"];
    let run = once(&rig, &[&elsewhere[..], &git, &["--state-dir", "other"]].concat(), 0);
    assert!(run.err.contains("404") && run.err.contains("there is no such repository"), "{}", run.err);
    assert!(!run.err.contains("the-token"), "{}", run.err);
}

/// Commit and state of a request.
fn status(request: &Received) -> (String, String) {
    let commit = request.target.rsplit('/').next().expect("a commit").to_owned();
    (commit, request.json()["state"].as_str().expect("a state").to_owned())
}

#[cfg(unix)]
#[test]
fn a_rest_that_github_asks_for_is_given() {
    let (mut rig, runtime) = (rig(), runtime());
    rig.project.set("GITHUB_TOKEN", "the-token");
    let resting = std::sync::atomic::AtomicBool::new(true);
    let hub = runtime.block_on(Receiver::new(move |request| {
        if resting.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Reply::Status(403, vec![("retry-after", "1".to_owned())]);
        }
        github(request)
    }));
    rig.project.set("GITHUB_API_URL", &hub.url("/api/v3/"));
    let repository = Repository::of(&rig);
    let url = repository.url();
    let arguments = ["--git", &url, "--path", "acme", "--github-repository", "acme/configuration"];
    let mut service = Service::start_with(&rig, &[&arguments[..], &["--github-context", "live"]].concat());
    service.until(outcome("applied"));
    let requests = runtime.block_on(hub.arrived(2));
    assert_eq!(status(&requests[0]), status(&requests[1]));
    assert_eq!(requests[1].json()["context"], "live");
    assert_eq!(service.signal("-TERM"), Some(0));
}

#[test]
fn flags_say_what_is_wrong_with_them() {
    let rig = rig();
    rig.project.write("other.secret", "hunter2hunter2");
    let of = |arguments: &[&str], code, says: &str| {
        let run = once(&rig, arguments, code);
        assert!(run.err.contains(says) && !run.err.contains("hunter2"), "{arguments:?}: {}", run.err);
    };
    let url = ["--notify-url", "https://hooks.test/x"];
    of(&url, 64, "--notify-secret-file");
    of(&[&url[..], &["--notify-secret-file", "none"]].concat(), 3, "none");
    of(&[&url[..], &["--notify-secret-file", "other.secret"]].concat(), 3, "does not begin with whsec_");
    of(&["--notify-url", "http://hooks.test/", "--notify-secret-file", "signing.secret"], 64, "https");
    of(&["--github-repository", "acme"], 64, "OWNER/REPO");
    of(&["--github-repository", "acme/configuration"], 64, "GITHUB_TOKEN");
    of(&["--github-context", "live"], 64, "--github-repository");
    of(&["--failing-after", "0"], 64, "--failing-after");
}
