//! `trueup reconcile --listen` as a process: what it answers, push hooks, saved files, its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use trueup::base::fingerprint::hmac_sha256;
use trueup::cli::schemas::PublishedSchema;
use trueup::kinds::schema::Variety;

use crate::killable::PATIENCE;
use crate::reconcile::{BLUE, Repository};
use crate::rig::Rig;
use crate::stories::{BASE, base_with};

const SECRET: &str = "It's a Secret to Everybody";

/// A reconcile that listens, and ticks once an hour by itself; killed when dropped.
struct Listening {
    process: Child,
    ticks: Lines<BufReader<ChildStdout>>,
    address: String,
}

/// An answer: its status, its content type and its body.
struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Listening {
    fn start(rig: &Rig, more: &[&str]) -> Self {
        let own = ["reconcile", "--listen", "127.0.0.1:0", "-o", "json", "--interval", "1h"];
        rig.project.write(".secret", &format!("{SECRET}\n"));
        let arguments = [&own[..], &["--trigger-secret-file", ".secret"], more].concat();
        let mut command = rig.project.command(&arguments);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a service");
        let ticks = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut log = BufReader::new(process.stderr.take().expect("a pipe"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(log.read_line(&mut line).expect("a line"), 0, "it has ended");
            let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if said["message"] == "listening" {
                break said["url"].as_str().expect("a URL").trim_start_matches("http://").to_owned();
            }
        };
        // What it says goes on to be read, so that it need not wait for room.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { process, ticks, address }
    }

    /// The next tick that is told; as the schema says.
    fn tick(&mut self) -> Value {
        let line = self.ticks.next().expect("a service that goes on").expect("a line");
        let tick = serde_json::from_str(&line).expect("JSON");
        assert_fits(PublishedSchema::ReconcileTick, &tick);
        tick
    }

    fn outcome(&mut self) -> String {
        self.tick()["outcome"].as_str().expect("an outcome").to_owned()
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n");
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").expect("a header");
        }
        write!(request, "content-length: {}\r\n\r\n{body}", body.len()).expect("a body");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
        Answer { status, content_type: content_type.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// A hook of GitHub's.
    fn push(&self, event: &str, payload: &str) -> Answer {
        let signature = hmac_sha256(SECRET.as_bytes(), &[payload.as_bytes()]);
        let digits: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let headers = [("X-GitHub-Event", event), ("X-Hub-Signature-256", &format!("sha256={digits}"))];
        self.ask("POST", "/trigger", &headers, payload)
    }

    fn wake(&self) {
        assert_eq!(self.push("push", r#"{"ref":"refs/heads/main"}"#).status, 202);
    }

    /// The only project of `/status`; as the schema says.
    fn status(&self) -> Value {
        let status = self.get("/status").json();
        assert_fits(PublishedSchema::ReconcileStatus, &status);
        assert_eq!(status["format_version"], "1.0");
        status["projects"][0].clone()
    }

    /// All series of `/metrics` that are about reconciling, without the labels of the project.
    fn metrics(&self) -> BTreeMap<String, String> {
        let answer = self.get("/metrics");
        assert!(answer.content_type.starts_with("application/openmetrics-text"), "{}", answer.content_type);
        assert!(answer.body.ends_with("# EOF\n"));
        let lines = answer.body.lines().filter_map(|line| line.strip_prefix("trueup_reconcile_"));
        let series = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = name.split_once('{').expect("labels");
            let labels = labels.trim_end_matches('}').split(',');
            let further =
                labels.filter(|label| !["path=", "project=", "target="].iter().any(|own| label.starts_with(own)));
            let name = std::iter::once(name).chain(further).collect::<Vec<_>>().join(" ");
            (name, value.trim_end_matches(".0").to_owned())
        });
        series.collect()
    }

    fn metric(&self, name: &str) -> String {
        let metrics = self.metrics();
        metrics.get(name).cloned().unwrap_or_else(|| panic!("no {name} in {metrics:#?}"))
    }

    #[cfg(unix)]
    fn terminate(&mut self) -> Option<i32> {
        let sent = std::process::Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        self.process.wait().expect("an end").code()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What `/metrics` answers once a commit was applied.
pub(crate) fn metrics_after_an_apply() -> String {
    let rig = Rig::new();
    let repository = Repository::of(&rig);
    let mut service = Listening::start(&rig, &["--mode", "heal", "--git", &repository.url(), "--path", "acme"]);
    assert_eq!(service.outcome(), "applied");
    service.get("/metrics").body
}

fn assert_fits(schema: PublishedSchema, value: &Value) {
    let schema = jsonschema::options().offline().build(&schema.schema(Variety::Strict)).expect("a schema");
    let errors: Vec<String> = schema.iter_errors(value).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new(), "{value:#}");
}

#[cfg(unix)]
#[test]
fn a_push_is_live_without_waiting_for_the_interval() {
    let rig = Rig::new();
    let repository = Repository::of(&rig);
    let url = repository.url();
    let mut service = Listening::start(&rig, &["--mode", "heal", "--git", &url, "--path", "acme"]);
    assert_eq!(service.outcome(), "applied");
    assert_eq!((service.get("/healthz").status, service.get("/readyz").status), (200, 200));
    assert_eq!(service.metric("failures"), "0");
    let made: u64 = service.metric("applied_commit_timestamp_seconds").parse().expect("seconds");
    assert!(made > 1_000_000_000);

    repository.write("acme/manifests.yaml", &base_with(&[BLUE]));
    let blue = repository.commit("blue");
    service.wake();
    let tick = service.tick();
    assert_eq!((tick["outcome"].as_str(), tick["commit"].as_str()), (Some("applied"), Some(&*blue)));
    let status = service.status();
    assert_eq!(
        (status["commit_seen"]["id"].as_str(), status["commit_applied"]["id"].as_str()),
        (Some(&*blue), Some(&*blue))
    );
    assert_eq!(service.metric("actions_total kind=\"Destination\" action=\"update\" result=\"done\""), "1");

    repository.write("acme/manifests.yaml", "kind: [");
    let broken = repository.commit("broken");
    // GitLab shows the secret itself.
    let gitlab = [("X-Gitlab-Event", "Push Hook"), ("X-Gitlab-Token", SECRET)];
    assert_eq!(service.ask("POST", "/trigger", &gitlab, r#"{"ref":"refs/heads/main"}"#).status, 202);
    assert_eq!(service.outcome(), "invalid");
    let status = service.status();
    assert_eq!(
        (status["commit_seen"]["id"].as_str(), status["commit_applied"]["id"].as_str()),
        (Some(&*broken), Some(&*blue))
    );
    assert_eq!(status["diagnostics"][0]["file"], "manifests.yaml");
    assert!(
        status["last_error"]["message"].as_str().is_some_and(|said| said.starts_with("manifests.yaml:1:")),
        "{status:#}"
    );
    assert_eq!(
        (service.metric("failures"), service.metric("ticks_total outcome=\"invalid\"")),
        ("1".to_owned(), "1".to_owned())
    );
    assert_eq!(service.get("/readyz").status, 200, "the service is as it should be");

    // None of these wakes it: the tick that follows is that of the mended commit, and there are no others.
    repository.write("acme/manifests.yaml", BASE);
    let mended = repository.commit("mended");
    let ping = service.push("ping", r#"{"zen":"Keep it logically awesome."}"#);
    assert_eq!((ping.status, ping.json()["woken"].as_bool()), (200, Some(false)));
    let other = service.push("push", r#"{"ref":"refs/heads/feature"}"#);
    assert_eq!((other.status, other.json()["woken"].as_bool()), (200, Some(false)));
    let signed = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    for (headers, body) in [
        (&[][..], "{}"),
        (&[("X-Hub-Signature-256", signed)], "Hello, World"),
        (&[("X-Gitlab-Token", "another")], "{}"),
        (&[("X-Gitlab-Token", SECRET), ("X-Hub-Signature-256", signed)], "{}"),
    ] {
        let answer = service.ask("POST", "/trigger", headers, body);
        assert_eq!((answer.status, &*answer.content_type), (401, "application/problem+json"), "{headers:?}");
        assert_eq!(answer.json()["code"], "bad-signature");
        assert!(!answer.body.contains(SECRET));
    }
    assert_eq!(service.get("/trigger").status, 405);
    assert_eq!(service.get("/nothing").status, 404);
    // The published example of GitHub: it is no push, so it is not known what it is about, and a look can do no harm.
    assert_eq!(service.ask("POST", "/trigger", &[("X-Hub-Signature-256", signed)], "Hello, World!").status, 202);
    let tick = service.tick();
    assert_eq!((tick["outcome"].as_str(), tick["commit"].as_str()), (Some("applied"), Some(&*mended)));
    assert_eq!(service.status()["failures"], 0);
    let metrics = service.metrics();
    let ticks = metrics.iter().filter(|(name, _)| name.starts_with("ticks_total"));
    let ticks: u64 = ticks.map(|(_, count)| count.parse::<u64>().expect("a count")).sum();
    assert_eq!(ticks, 4);
    assert_eq!(service.terminate(), Some(0));
}

#[test]
fn what_is_found_in_a_folder_is_told_and_a_saved_file_is_seen_at_once() {
    let rig = Rig::applied(BASE);
    let mut service = Listening::start(&rig, &[]);
    assert_eq!(service.outcome(), "in-sync");
    assert_eq!(service.metric("differences kind=\"Destination\""), "0");
    rig.write(&base_with(&[BLUE]));
    assert_eq!(service.outcome(), "differs", "nobody waits an hour");
    assert_eq!(service.metric("differences kind=\"Destination\""), "1");
    assert_eq!(
        service.status()["differences"],
        serde_json::json!([{ "address": "Destination/chat", "action": "update" }])
    );

    rig.touch_by_hand("Audience/sales");
    service.wake();
    assert_eq!(service.outcome(), "differs");
    assert_eq!(service.metric("drift kind=\"Audience\""), "1");
    let drift = &service.status()["drift"][0];
    assert_eq!((drift["address"].as_str(), drift["by"].as_str()), (Some("Audience/sales"), Some("kim@console")));

    let suspend = ["suspend", "--reason", "we look into it"];
    rig.project.ok(&suspend);
    service.wake();
    assert_eq!(service.outcome(), "suspended");
    assert_eq!((service.metric("suspended"), service.metric("failures")), ("1".to_owned(), "0".to_owned()));
    assert_eq!(service.status()["suspensions"][0]["reason"], "we look into it");
    let text = rig.project.ok(&["reconcile", "--once"]).out;
    assert!(text.contains(": suspended by ") && text.contains("we look into it; "), "{text}");
    rig.project.ok(&["resume"]);
    service.wake();
    assert_eq!(service.outcome(), "differs");
    assert_eq!(service.metric("suspended"), "0");
}

#[cfg(unix)]
#[test]
fn it_answers_while_git_is_waited_for_and_ends_when_it_is_asked_to() {
    use std::os::unix::fs::PermissionsExt as _;

    let mut rig = Rig::new();
    let repository = Repository::of(&rig);
    let path = std::env::var("PATH").expect("a path");
    let hanging = "#!/bin/sh\ncase \"$*\" in *ls-remote*) : >asked; exec sleep 600;; esac\n\
                   PATH=${PATH#*:}; export PATH; exec git \"$@\"\n";
    rig.project.write("bin/git", hanging);
    let script = rig.project.join("bin/git");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("rights");
    let folder = script.parent().expect("a folder").display().to_string();
    rig.project.set("PATH", &format!("{folder}:{path}"));
    let mut service = Listening::start(&rig, &["--git", &repository.url(), "--path", "acme"]);
    let started = Instant::now();
    while !rig.project.join("asked").exists() {
        assert!(started.elapsed() < PATIENCE, "git was never asked");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!((service.get("/healthz").status, service.get("/readyz").status), (200, 503));
    assert_eq!(service.status()["outcome"], Value::Null);
    let asked = Instant::now();
    assert_eq!(service.terminate(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
}

#[test]
fn it_does_not_start_where_it_could_not_be_relied_on() {
    let rig = Rig::with(BASE);
    rig.project.write("empty", "\n");
    for (arguments, code, says) in [
        (&["--listen", "0.0.0.0:0"][..], 64, "a certificate is needed"),
        (&["--listen", "127.0.0.1:0", "--once"], 64, "--once"),
        (&["--behind-proxy"], 64, "--listen"),
        (&["--listen", "127.0.0.1:0", "--trigger-secret-file", "empty"], 3, "it is empty"),
        (&["--listen", "127.0.0.1:0", "--trigger-secret-file", "gone"], 3, "gone"),
    ] {
        let run = rig.project.run(&[&["reconcile"], arguments].concat());
        assert_eq!(run.code, code, "{arguments:?}\n{}", run.err);
        assert!(run.err.contains(says), "{arguments:?}\n{}", run.err);
    }
}
