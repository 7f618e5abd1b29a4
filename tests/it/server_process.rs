//! `trueup serve` and `trueup keys` as processes: signals, the log, keys made and revoked while the server runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::Project;

/// A server process; ended when dropped.
struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
    /// Lines read so far.
    lines: Vec<Value>,
    address: String,
}

impl Serving {
    /// Starts one and waits until it listens.
    fn start(project: &Project, more: &[&str]) -> Self {
        let arguments = [&["serve", "--data", "data", "--listen", "127.0.0.1:0"], more].concat();
        let mut child = project.command(&arguments).stderr(Stdio::piped()).spawn().expect("a server");
        let log = BufReader::new(child.stderr.take().expect("its log"));
        let mut serving = Self { child, log, lines: Vec::new(), address: String::new() };
        let listening = serving.wait_for("listening");
        let url = listening["url"].as_str().expect("a URL");
        url.trim_start_matches("http://").clone_into(&mut serving.address);
        serving
    }

    /// The next line with this message; every line before it must be JSON, too.
    fn wait_for(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).expect("a line"), 0, "the log ended: {:?}", self.lines);
            let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            self.lines.push(value.clone());
            if value["message"] == message {
                return value;
            }
        }
    }

    /// Sends a request as text and gives the whole answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Sends a signal and waits for the end: its exit code.
    #[cfg(unix)]
    fn end(mut self, signal: &str) -> (i32, Vec<Value>) {
        let sent = std::process::Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        let code = self.child.wait().expect("an end").code().unwrap_or(-1);
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).expect("the log");
        let mut lines = std::mem::take(&mut self.lines);
        lines.extend(rest.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")));
        (code, lines)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_key(project: &Project) -> Value {
    let run = project.ok(&[
        "keys",
        "create",
        "--data",
        "data",
        "--project",
        "acme",
        "--name",
        "ci",
        "--scope",
        "config:read",
        "--scope",
        "audit:read",
        "-o",
        "json",
    ]);
    serde_json::from_str(&run.out).expect("JSON")
}

fn log_in(key: &Value) -> String {
    use base64::Engine as _;
    let pair = format!("{}:{}", key["client_id"].as_str().expect("an id"), key["client_secret"].as_str().expect("one"));
    let basic = base64::engine::general_purpose::STANDARD.encode(pair);
    let form = "grant_type=client_credentials";
    format!(
        "POST /accounts/connect/token HTTP/1.1\r\nhost: here\r\nconnection: close\r\nauthorization: Basic {basic}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
}

#[test]
#[cfg(unix)]
fn keys_are_made_and_revoked_while_the_server_runs() {
    let project = Project::new();
    let serving = Serving::start(&project, &["--ready-file", "ready"]);
    let ready = std::fs::read_to_string(project.join("ready")).expect("a file");
    assert_eq!(ready.trim(), format!("http://{}", serving.address));

    let key = make_key(&project);
    let keys: Vec<&str> = key.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["client_id", "client_secret", "name", "project", "scopes"]);
    assert_eq!(key["scopes"], serde_json::json!(["config:read", "audit:read"]));
    let again =
        project.run(&["keys", "create", "--data", "data", "--project", "acme", "--name", "ci", "--scope", "publish"]);
    assert_eq!(again.code, 3, "{again:?}");
    assert_eq!(again.err, "error: project acme has a key named ci already\n");
    assert!(serving.ask(&log_in(&key)).starts_with("HTTP/1.1 200 "));

    let listed = project.ok(&["keys", "list", "--data", "data", "-o", "json"]);
    let secret = key["client_secret"].as_str().expect("a secret");
    assert!(!listed.out.contains(secret) && !listed.out.contains("argon2"), "{}", listed.out);
    let id = key["client_id"].as_str().expect("an id");
    project.ok(&["keys", "revoke", id, "--data", "data"]);
    assert!(serving.ask(&log_in(&key)).starts_with("HTTP/1.1 401 "));
    assert!(project.ok(&["keys", "list", "--data", "data"]).out.contains("revoked"));
    let unknown = "00000000-0000-0000-0000-000000000000";
    assert_eq!(project.run(&["keys", "revoke", unknown, "--data", "data"]).code, 3);
    let by_name = project.run(&["keys", "revoke", "ci", "--data", "data"]);
    assert_eq!(by_name.code, 64);
    assert!(by_name.err.contains("a client id is a UUID"), "{}", by_name.err);
    // A folder that was misspelt is neither made nor taken for one without keys.
    for action in [&["keys", "list"][..], &["keys", "revoke", unknown]] {
        let misspelt = project.run(&[action, &["--data", "dta"]].concat());
        assert_eq!(misspelt.code, 3, "{misspelt:?}");
        assert!(misspelt.err.contains("there is no server's data in "), "{}", misspelt.err);
    }
    assert!(!project.join("dta").exists());
    assert_eq!(project.run(&["keys", "create", "--data", "data", "--project", "p", "--name", "n"]).code, 64);

    let second = project.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 1);
    assert!(second.err.contains("data: another server works on it"), "{}", second.err);

    let (code, lines) = serving.end("-TERM");
    assert_eq!(code, 0);
    let log = serde_json::to_string(&lines).expect("JSON");
    assert!(!log.contains(secret) && log.contains("\"ended\""), "{log}");
    // One plain file is left.
    assert!(!project.join("data/trueup.db-wal").exists());
}

#[test]
#[cfg(unix)]
fn the_log_cannot_be_written_by_callers() {
    let project = Project::new();
    let mut serving = Serving::start(&project, &[]);
    let hostile = "GET /x%0a%7b%22message%22:%22forged%22%7d?email=kim%40acme.test HTTP/1.1\r\nhost: here\r\n\
                   x-request-id: a\"} {\"forged\r\nuser-agent: kim\r\nconnection: close\r\n\r\n";
    assert!(serving.ask(hostile).starts_with("HTTP/1.1 404 "));
    let line = serving.wait_for("request");
    assert_eq!((&line["path"], &line["status"]), (&Value::from(""), &Value::from(404)));
    // Control characters do not even get in.
    let control = "GET /healthz HTTP/1.1\r\nhost: here\r\nuser-agent: \u{1b}]0;owned\u{7}\r\nconnection: close\r\n\r\n";
    assert!(serving.ask(control).starts_with("HTTP/1.1 400 "));
    let (code, lines) = serving.end("-INT");
    assert_eq!(code, 130);
    let log = serde_json::to_string(&lines).expect("JSON");
    for trace in ["forged", "kim", "owned", "\\u001b"] {
        assert!(!log.contains(trace), "{trace}: {log}");
    }
}

#[test]
fn a_key_in_a_new_folder_says_that_it_made_one() {
    let project = Project::new();
    let arguments = ["keys", "create", "--data", "dta", "--project", "acme", "--name", "ci", "--scope"];
    let wrong = project.run(&[&arguments[..], &["config:reed"]].concat());
    assert!(wrong.code == 64 && wrong.err.contains("config:read, config:write, publish"), "{}", wrong.err);
    let first = project.ok(&[&arguments[..], &["publish"]].concat());
    let made = format!("Made the data of a new server in {}.\n", project.join("dta").display());
    assert_eq!(first.err, made);
    let second =
        project.ok(&["keys", "create", "--data", "dta", "--project", "acme", "--name", "b", "--scope", "publish"]);
    assert_eq!(second.err, "");
}

#[test]
fn a_server_that_may_not_listen_says_why() {
    let project = Project::new();
    let run = project.run(&["serve", "--data", "data", "--listen", "0.0.0.0:0"]);
    assert_eq!(run.code, 64);
    assert!(run.err.contains("beyond this machine a certificate is needed"), "{}", run.err);
    assert!(!project.join("data").exists(), "a folder was made for a server that may not be");
    let run = project.run(&["serve", "--data", "data", "--tls-cert", "cert.pem"]);
    assert_eq!(run.code, 64);
    let run = project.run(&["serve", "--data", "data", "--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("cert.pem"), "{}", run.err);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let run = project.run(&["serve", "--data", "data", "--listen", &address]);
    assert_eq!(run.code, 1, "{}", run.err);
    // What was begun meanwhile ends without a word of its own.
    assert!(run.err.contains(&address) && !run.err.contains("ERROR"), "{}", run.err);
    let run = project.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0", "--smtp-url", "http://u:hunter2@x"]);
    assert_eq!(run.code, 64, "{}", run.err);
    assert!(run.err.contains("smtp://") && !run.err.contains("hunter2"), "{}", run.err);
    let run = project.run(&["serve", "--data", "data", "--listen", "localhost:8080"]);
    assert!(run.code == 64 && run.err.contains("127.0.0.1:8080"), "{}", run.err);
}
