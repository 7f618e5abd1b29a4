//! What the server takes of callers and what it does not: sizes, time, connections, addresses; and how it ends.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use trueup::object::access::Scope;
use trueup::server::serve::{Drained, ServeError, Server};
use trueup::server::settings::{ServerSettings, TlsFiles};
use trueup::server::state::AppState;

use crate::server_rig::{PROJECT, ServerRig};

const SHORT: Duration = Duration::from_millis(150);
/// Longer than anything here should take; a test that reaches it fails.
const LONG: Duration = Duration::from_secs(20);
const TOKEN: &str = "POST /accounts/connect/token HTTP/1.1\r\nhost: here\r\n\
                     content-type: application/x-www-form-urlencoded\r\n";

/// A connection of our own, to send what no client would.
fn connect(rig: &ServerRig) -> TcpStream {
    let stream = TcpStream::connect(rig.address()).expect("a connection");
    stream.set_read_timeout(Some(LONG)).expect("a timeout");
    stream
}

/// All that is answered until the server ends the connection.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // Some ends are resets: what came before counts.
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&bytes)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn say(rig: &ServerRig, text: &str) -> TcpStream {
    let mut stream = connect(rig);
    stream.write_all(text.as_bytes()).expect("sent");
    stream
}

#[test]
fn the_server_tells_how_it_is() {
    let rig = ServerRig::new();
    let health = rig.send(rig.request(Method::GET, "/healthz")).expect(200);
    assert_eq!(health.json()["status"], "ok");
    assert_eq!(health.header("x-content-type-options"), "nosniff");
    rig.send(rig.request(Method::GET, "/readyz")).expect(200);
    let head = rig.send(rig.request(Method::HEAD, "/healthz")).expect(200);
    assert_eq!(head.text, "");
    let document = rig.send(rig.request(Method::GET, "/openapi.json")).expect(200);
    assert_eq!(document.json()["openapi"], "3.1.1");
    let metrics = rig.send(rig.request(Method::GET, "/metrics")).expect(200);
    let counted = "trueup_http_requests_total{method=\"GET\",path=\"/healthz\",status=\"200\"} 1";
    assert!(metrics.text.lines().any(|line| line == counted), "{}", metrics.text);
    rig.block_on(rig.engine().store().close()).expect("closed");
    rig.send(rig.request(Method::GET, "/readyz")).expect_problem(503, "unavailable");
    rig.send(rig.request(Method::GET, "/healthz")).expect(200);
}

#[test]
fn what_is_not_there_is_a_problem_too() {
    let rig = ServerRig::new();
    rig.send(rig.request(Method::GET, "/nothing")).expect_problem(404, "not-found");
    rig.send(rig.request(Method::GET, "/../../etc/passwd")).expect_problem(404, "not-found");
    let wrong = rig.send(rig.request(Method::DELETE, "/healthz")).expect_problem(405, "method-not-allowed");
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    rig.send(rig.request(Method::GET, "/healthz?deep=1")).expect_problem(400, "malformed-request");
    let named = rig.send(rig.request(Method::GET, "/nothing").header("x-request-id", "mine-7"));
    assert_eq!(named.header("x-request-id"), "mine-7");
    let hostile = rig.send(rig.request(Method::GET, "/nothing").header("x-request-id", "a\"} {\"b\t"));
    assert_eq!(hostile.header("x-request-id").len(), 36);
}

#[test]
fn bodies_and_headers_have_a_size() {
    let rig = ServerRig::new();
    let large = format!("{TOKEN}content-length: 1000000000\r\nconnection: close\r\n\r\n");
    let answer = rest(say(&rig, &large));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let endless = format!("{TOKEN}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}{chunk}");
    let answer = rest(say(&rig, &endless));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let headers = format!("GET /healthz HTTP/1.1\r\nhost: here\r\nx: {}\r\n\r\n", "y".repeat(40_000));
    let answer = rest(say(&rig, &headers));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    let answer = rest(say(&rig, &format!("GET /healthz HTTP/1.1\r\nhost: here\r\n{many}\r\n")));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let broken = rest(say(&rig, &format!("{TOKEN}content-length: x\r\n\r\n")));
    assert!(broken.starts_with("HTTP/1.1 400 "), "{broken}");
}

#[test]
fn who_writes_a_whole_body_before_reading_reads_the_refusal() {
    let rig = ServerRig::new();
    let body = vec![b'x'; 5 << 20];
    let announced = format!("{TOKEN}content-length: {}\r\n\r\n", body.len());
    let chunked = format!("{TOKEN}transfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len());
    let unknown = format!("POST /v1/events HTTP/1.1\r\nhost: here\r\ncontent-length: {}\r\n\r\n", body.len());
    for (head, status) in [(announced, "413"), (chunked, "413"), (unknown, "401")] {
        let mut stream = say(&rig, &head);
        stream.write_all(&body).expect("the server takes what is still sent");
        let answer = rest(stream);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        assert_eq!(answer.contains("connection: close"), status == "413", "{answer}");
        assert!(answer.ends_with('}'), "{answer}");
    }
}

#[test]
fn who_never_stops_sending_is_not_listened_to_for_ever() {
    let rig = ServerRig::new();
    let mut stream = say(&rig, &format!("{TOKEN}content-length: 1000000000000\r\n\r\n"));
    let chunk = vec![b'x'; 1 << 20];
    let most = 1 << 14;
    let taken = (0..most).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(taken < most, "the server took {taken} MiB");
}

#[test]
fn slow_callers_are_not_waited_for() {
    let rig = ServerRig::with(|settings| {
        settings.limits.header_time = SHORT;
        settings.limits.body_time = SHORT;
    });
    // Nothing, half a head, a connection kept and not used: closed, at most with a status.
    for started in ["", "GET /healthz HTTP/1.1\r\nhost: h", "GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n"] {
        let answer = rest(say(&rig, started));
        let whole = started.ends_with("\r\n\r\n");
        assert_eq!(answer.contains("HTTP/1.1 200 "), whole, "{started:?}: {answer}");
    }
    let body = format!("{TOKEN}content-length: 100\r\n\r\ngrant_type=");
    let answer = rest(say(&rig, &body));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    // Who lets a body end before it is complete is gone.
    let cut = say(&rig, &body);
    cut.shutdown(std::net::Shutdown::Write).expect("half closed");
    rest(cut);
    rig.send(rig.request(Method::GET, "/healthz")).expect(200);
}

#[test]
fn further_connections_wait_for_a_place() {
    let rig = ServerRig::with(|settings| settings.limits.connections = 1);
    let request = "GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
    let first = connect(&rig);
    let waiting = say(&rig, request);
    waiting.set_read_timeout(Some(SHORT)).expect("a timeout");
    let kept = (&waiting).read(&mut [0; 1]).expect_err("no answer yet");
    assert!(matches!(kept.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    drop(first);
    waiting.set_read_timeout(Some(LONG)).expect("a timeout");
    assert!(rest(waiting).starts_with("HTTP/1.1 200 "));
}

/// Waits until the server asks for a body: only then is a request surely under way, and not just a connection.
fn asked_for_the_body(stream: &mut TcpStream) {
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).expect("the server asks for the body");
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn ending_finishes_what_is_under_way() {
    let rig = ServerRig::new();
    let form = "grant_type=client_credentials";
    let head = format!("{TOKEN}expect: 100-continue\r\ncontent-length: {}\r\n\r\n", form.len());
    let mut under_way = say(&rig, &head);
    asked_for_the_body(&mut under_way);
    under_way.write_all(&form.as_bytes()[..5]).expect("sent");
    let idle = connect(&rig);
    rig.wait_for_connections(2);
    rig.stop();
    // An idle connection ends at once.
    assert_eq!(rest(idle), "");
    under_way.write_all(&form.as_bytes()[5..]).expect("sent");
    let answer = rest(under_way);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(rig.drain(), Drained::Whole);
    assert!(TcpStream::connect(rig.address()).is_err());
}

#[test]
fn ending_does_not_wait_for_ever() {
    let rig = ServerRig::with(|settings| settings.limits.drain_time = SHORT);
    let mut held = say(&rig, &format!("{TOKEN}expect: 100-continue\r\ncontent-length: 100\r\n\r\n"));
    asked_for_the_body(&mut held);
    assert_eq!(rig.drain(), Drained::CutOff(1));
    rest(held);
}

#[test]
fn beyond_this_machine_it_speaks_tls_or_has_a_proxy() {
    let rig = ServerRig::new();
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let bind = |settings: ServerSettings| {
        let state = AppState::new(rig.engine().clone(), settings);
        rig.block_on(Server::bind(state))
    };
    let exposed = ServerSettings::new(everywhere);
    assert!(matches!(bind(exposed.clone()), Err(ServeError::Exposed(_))));
    assert!(bind(ServerSettings { behind_proxy: true, ..exposed.clone() }).is_ok());
    let missing = TlsFiles { certificate: "/nowhere".into(), key: "/nowhere".into() };
    let missing = bind(ServerSettings { tls: Some(missing), ..exposed.clone() });
    assert!(matches!(missing, Err(ServeError::Certificate { .. })));
    let taken = ServerSettings::new(rig.address());
    assert!(matches!(bind(taken), Err(ServeError::Listen { .. })));
    assert_eq!(rig.address().ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
}

#[test]
fn it_speaks_tls_with_the_certificate_given() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let pem = certified.cert.pem();
    let folder = tempfile::tempdir().expect("a folder");
    let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.certificate, &pem).expect("written");
    std::fs::write(&files.key, certified.signing_key.serialize_pem()).expect("written");
    let swapped = TlsFiles { certificate: files.key.clone(), key: files.certificate.clone() };
    let rig = ServerRig::with(|settings| {
        settings.tls = Some(files);
        settings.limits.handshake_time = SHORT;
    });
    assert!(rig.url().starts_with("https://127.0.0.1:"));
    let root = reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client");
    let url = format!("https://localhost:{}/healthz", rig.address().port());
    let status = rig.block_on(async { client.get(url).send().await.expect("an answer").status() });
    assert_eq!(status, 200);
    // Who does not shake hands is not waited for.
    assert_eq!(rest(connect(&rig)), "");
    let settings = ServerSettings { tls: Some(swapped), ..ServerSettings::new(SocketAddr::from(([127, 0, 0, 1], 0))) };
    let state = AppState::new(rig.engine().clone(), settings);
    assert!(matches!(rig.block_on(Server::bind(state)), Err(ServeError::Certificate { .. })));
}

#[test]
fn who_takes_no_answer_does_not_hold_a_place_for_ever() {
    let rig = ServerRig::with(|settings| {
        settings.limits.write_time = SHORT;
        settings.limits.header_time = LONG;
    });
    // Descriptions are asked for and never read, until the buffers between are full and the server gives up.
    let mut stream = connect(&rig);
    stream.set_write_timeout(Some(SHORT)).expect("a timeout");
    let request = "GET /openapi.json HTTP/1.1\r\nhost: here\r\n\r\n".repeat(50);
    for _ in 0..2_000 {
        if stream.write_all(request.as_bytes()).is_err() {
            break;
        }
    }
    rig.wait_for_connections(0);
    rig.token(PROJECT, &[Scope::ConfigRead]);
}

#[test]
fn a_list_in_place_of_an_object_is_refused_at_any_depth() {
    let rig = ServerRig::new();
    let token = rig.token(PROJECT, Scope::ALL);
    let plan = "0190b0d0-0000-7000-8000-000000000000";
    let write = |operation: Value| {
        json!({ "planId": plan, "body": "0".repeat(64), "fencingToken": 1, "writes": [
            { "address": "System/crm", "action": "create", "expected": "absent", "operation": operation }] })
    };
    let spec = json!({ "platform": "web" });
    let objects = format!("/v1/projects/{PROJECT}");
    for (path, body) in [
        (format!("{objects}/changesets"), write(json!(["create", { "metadata": { "name": "crm" }, "spec": spec }]))),
        (format!("{objects}/changesets"), write(json!({ "type": "create", "body": [{ "name": "crm" }, spec] }))),
        (
            format!("{objects}/changesets"),
            write(json!({ "type": "create", "body": { "metadata": ["crm"], "spec": spec } })),
        ),
        (format!("{objects}/changesets"), write(json!({ "type": "restore", "body": [{ "name": "crm" }, spec] }))),
        (format!("{objects}/objects/read"), json!([["System/crm"], false])),
        (format!("{objects}/objects/compare-secrets"), json!({ "questions": [["System/crm", "spec.x", "AAAA"]] })),
        (format!("{objects}/lease"), json!([plan])),
        ("/v1/notifications".to_owned(), json!({ "notification": [plan] })),
        ("/v1/end-users".to_owned(), json!({ "endUsers": [["kim", { "department": "Sales" }]] })),
        ("/v1/workflows/talk/runs".to_owned(), json!([{}, false])),
    ] {
        let problem = rig.post(&path, &token, &body).expect_problem(400, "malformed-body").json();
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains("invalid type: sequence, expected"), "{path}: {detail}");
        assert!(!detail.contains("struct "), "{path}: {detail}");
    }
    let put = rig.request(Method::PUT, &format!("{objects}/objects/System/crm")).bearer_auth(&token);
    rig.send(put.json(&json!({ "metadata": ["crm"], "spec": spec }))).expect_problem(400, "malformed-body");
    // An event is told by line, with the others.
    let event = rig.post("/v1/events", &token, &json!(["dxa.clicked", "crm"])).expect_problem(400, "invalid").json();
    assert_eq!(event["errors"][0]["code"], "wrong-type", "{event}");
}
