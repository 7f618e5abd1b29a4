//! Keys, tokens and scopes over HTTP.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use trueup::base::ident::{ClientId, Name};
use trueup::object::access::Scope;
use trueup::object::audit::AuditQuery;
use trueup::server::api::endpoint::Needs;
use trueup::server::api::endpoints;
use trueup::store::{Clock, NewKey, Store};
use uuid::Uuid;

use crate::server_rig::{Answer, PROJECT, ServerRig};

const TOKEN: &str = "/accounts/connect/token";

fn ask(rig: &ServerRig, id: &str, secret: &str, form: &str) -> Answer {
    let request = rig.request(Method::POST, TOKEN).basic_auth(id, Some(secret)).body(form.to_owned());
    rig.send(request.header("Content-Type", "application/x-www-form-urlencoded"))
}

fn log_in(rig: &ServerRig, key: &NewKey) -> Answer {
    ask(rig, &key.key.client_id.to_string(), key.secret.expose_to_target(), "grant_type=client_credentials")
}

fn fails(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, &answer.json()["error"]), (status, &Value::from(error)), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
}

/// A path with something in place of its parameters.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{project}" => PROJECT.to_owned(),
        "{kind}" => "System".to_owned(),
        "{id}" => Uuid::nil().to_string(),
        _ if part.starts_with('{') => "crm".to_owned(),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn a_token_is_given_as_the_domain_says() {
    let rig = ServerRig::new();
    let key = rig.key(PROJECT, &[Scope::ConfigRead, Scope::EventsWrite]);
    let answer = log_in(&rig, &key).expect(200);
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 86_400);
    assert_eq!(body["scope"], "config:read events:write");
    assert!(body["access_token"].as_str().is_some_and(|token| token.len() == 43));
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(4));
    assert_eq!(answer.header("cache-control"), "no-store");

    let (id, secret) = (key.key.client_id.to_string(), key.secret.expose_to_target());
    let part = ask(&rig, &id, secret, "grant_type=client_credentials&scope=config%3Aread").expect(200);
    assert_eq!(part.json()["scope"], "config:read");
}

#[test]
fn a_refused_log_in_says_what_oauth_says() {
    let rig = ServerRig::new();
    let key = rig.key(PROJECT, &[Scope::ConfigRead]);
    let (id, secret) = (key.key.client_id.to_string(), key.secret.expose_to_target());
    let grant = "grant_type=client_credentials";
    fails(&ask(&rig, &id, "wrong", grant), 401, "invalid_client");
    fails(&ask(&rig, &Uuid::nil().to_string(), secret, grant), 401, "invalid_client");
    fails(&ask(&rig, "nobody", secret, grant), 401, "invalid_client");
    let challenge = ask(&rig, "nobody", secret, grant);
    assert!(challenge.header("www-authenticate").starts_with("Basic "), "{challenge:?}");
    fails(&ask(&rig, &id, secret, "grant_type=password"), 400, "unsupported_grant_type");
    fails(&ask(&rig, &id, secret, ""), 400, "invalid_request");
    fails(&ask(&rig, &id, secret, "grant_type=client_credentials&grant_type=password"), 400, "invalid_request");
    for scope in ["config:write", "everything"] {
        let form = format!("{grant}&scope={scope}");
        fails(&ask(&rig, &id, secret, &form), 400, "invalid_scope");
    }
    let json = rig.request(Method::POST, TOKEN).basic_auth(&id, Some(secret)).json(&json!({}));
    fails(&rig.send(json), 415, "invalid_request");
    let large = format!("{grant}&x={}", "x".repeat(5_000));
    fails(&ask(&rig, &id, secret, &large), 413, "invalid_request");
    let bearer = rig.request(Method::POST, TOKEN).bearer_auth(secret).body(grant);
    let bearer = bearer.header("Content-Type", "application/x-www-form-urlencoded");
    fails(&rig.send(bearer), 401, "invalid_client");
}

#[test]
fn every_endpoint_answers_only_with_its_scope() {
    let rig = ServerRig::new();
    let mut guarded = 0;
    let tokens: Vec<(Scope, String)> = Scope::ALL.iter().map(|scope| (*scope, rig.token(PROJECT, &[*scope]))).collect();
    let elsewhere = rig.token("other", Scope::ALL);
    for endpoint in endpoints() {
        let Needs::Scope(needed) = endpoint.needs() else { continue };
        guarded += 1;
        let path = filled(endpoint.path());
        let ask = || rig.request(endpoint.method().clone(), &path);
        let name = endpoint.name();
        let nobody = rig.send(ask()).expect_problem(401, "unauthenticated");
        assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"trueup\"", "{name}");
        let unknown = rig.send(ask().bearer_auth("x".repeat(43))).expect_problem(401, "unauthenticated");
        assert!(unknown.header("www-authenticate").contains("invalid_token"), "{name}");
        for (scope, token) in &tokens {
            let answer = rig.send(ask().bearer_auth(token));
            if *scope == needed {
                assert!(!matches!(answer.status, 401 | 405), "{name}: {answer:?}");
                assert_ne!(answer.json_code(), "missing-scope", "{name} with {scope}: {answer:?}");
            } else {
                let answer = answer.expect_problem(403, "missing-scope");
                assert_eq!(answer.json()["scope"], needed.as_str(), "{name} with {scope}");
            }
        }
        if path != endpoint.path() && endpoint.path().contains("{project}") {
            rig.send(ask().bearer_auth(&elsewhere)).expect_problem(404, "not-found");
        }
    }
    // The endpoints of operation, access and hooks need none.
    assert_eq!(guarded, endpoints().iter().filter(|endpoint| endpoint.path().starts_with("/v1/")).count());
}

#[test]
fn a_token_ends_after_a_day_and_not_with_the_server() {
    let rig = ServerRig::new();
    let key = rig.key(PROJECT, Scope::ALL);
    let token = log_in(&rig, &key).expect(200).json()["access_token"].as_str().expect("a token").to_owned();
    assert!(rig.knows(&token));
    let rig = rig.restart();
    assert!(rig.knows(&token));
    rig.turn(SignedDuration::from_secs(86_399));
    assert!(rig.knows(&token));
    rig.turn(SignedDuration::from_secs(1));
    assert!(!rig.knows(&token));
}

#[test]
fn a_revocation_by_another_process_is_obeyed_at_once() {
    let rig = ServerRig::new();
    let (key, other) = (rig.key(PROJECT, Scope::ALL), rig.key(PROJECT, Scope::ALL));
    let (token, kept) = (rig.token_of(&key.key), rig.token_of(&other.key));
    assert!(rig.knows(&token) && rig.knows(&kept));
    // A store of its own, as another process has one.
    let path = rig.folder().join("trueup.db");
    rig.block_on(async {
        let store = Store::open(&path, None, Clock::system()).await.expect("opened");
        let revoked = store.revoke_key(key.key.client_id, "ops@elsewhere").await.expect("written");
        assert!(revoked.is_some_and(|key| key.revoked_at.is_some()));
        assert!(store.revoke_key(ClientId(Uuid::nil()), "ops@elsewhere").await.expect("read").is_none());
        store.close().await.expect("closed");
    });
    assert!(!rig.knows(&token));
    assert!(rig.knows(&kept));
    fails(&log_in(&rig, &key), 401, "invalid_client");
}

#[test]
fn guessing_ends_soon_and_is_written_down() {
    let rig = ServerRig::new();
    let (key, other) = (rig.key(PROJECT, Scope::ALL), rig.key(PROJECT, Scope::ALL));
    let id = key.key.client_id.to_string();
    let grant = "grant_type=client_credentials";
    let limit = rig.state().settings().limits.login_failures;
    for _ in 0..limit {
        fails(&ask(&rig, &id, "wrong", grant), 401, "invalid_client");
    }
    // Not even the right secret is tried now.
    let limited = log_in(&rig, &key);
    fails(&limited, 429, "temporarily_unavailable");
    assert_eq!(limited.header("retry-after"), "60");
    log_in(&rig, &other).expect(200);
    rig.turn(SignedDuration::from_secs(60));
    log_in(&rig, &key).expect(200);

    let reads = rig.engine().store().reads();
    let audit = rig.block_on(reads.audit(&Name::from_any(PROJECT), &AuditQuery::default())).expect("the audit");
    let failures: Vec<_> = audit.iter().filter(|entry| entry.action == "login-failure").collect();
    assert_eq!(failures.len(), usize::try_from(limit).expect("a number"));
    assert!(failures.iter().all(|entry| entry.subject.as_deref() == Some(&*id) && entry.actor.contains("127.0.0.1")));
    assert_eq!(audit.iter().filter(|entry| entry.action == "key-create").count(), 2);
}

#[test]
fn the_audit_tells_over_http_of_keys_and_failed_log_ins() {
    let rig = ServerRig::new();
    let reader = rig.token(PROJECT, &[Scope::AuditRead]);
    let stranger = rig.token("other", &[Scope::AuditRead]);
    rig.turn(SignedDuration::from_secs(60));
    let key = rig.key(PROJECT, &[Scope::ConfigRead]);
    let id = key.key.client_id.to_string();
    rig.turn(SignedDuration::from_secs(60));
    let grant = "grant_type=client_credentials";
    fails(&ask(&rig, &id, "a-wrong-guess", grant), 401, "invalid_client");
    // Of ids that belong to no project nobody is told.
    fails(&ask(&rig, &Uuid::nil().to_string(), "a-wrong-guess", grant), 401, "invalid_client");
    rig.turn(SignedDuration::from_secs(60));
    rig.block_on(rig.engine().store().revoke_key(key.key.client_id, "ops@elsewhere")).expect("written");
    fails(&log_in(&rig, &key), 401, "invalid_client");

    let audit = |query: &str, token: &str| {
        let answer = rig.get(&format!("/v1/projects/acme/audit?from=2026-01-01T00:01:00Z{query}"), token).expect(200);
        assert!(!answer.text.contains("a-wrong-guess") && !answer.text.contains(key.secret.expose_to_target()));
        answer.json()["entries"].as_array().expect("entries").clone()
    };
    let entries = audit("", &reader);
    let of_key = |entry: &&Value| entry["subject"] == *id;
    let told: Vec<[&str; 3]> = entries
        .iter()
        .filter(of_key)
        .map(|entry| ["at", "action", "actor"].map(|name| entry[name].as_str().expect("a text")))
        .collect();
    let expected = [
        ["2026-01-01T00:01:00Z", "key-create", "rig@here"],
        ["2026-01-01T00:02:00Z", "login-failure", "somebody at 127.0.0.1"],
        ["2026-01-01T00:03:00Z", "key-revoke", "ops@elsewhere"],
        ["2026-01-01T00:03:00Z", "login-failure", "somebody at 127.0.0.1"],
    ];
    assert_eq!(told, expected);
    assert_eq!(entries.len(), told.len(), "{entries:?}");
    assert_eq!(audit("&limit=1&offset=2", &reader), entries[2..3]);
    assert_eq!(audit("&to=2026-01-01T00:03:00Z", &reader), entries[..2]);
    let lines = rig.request(Method::GET, "/v1/projects/acme/audit?offset=1").bearer_auth(&reader);
    let lines = rig.send(lines.header("Accept", "application/x-ndjson")).expect(200);
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert_eq!(lines.lines(), entries, "a line each, behind the key of the one who reads");
    rig.get("/v1/projects/acme/audit", &stranger).expect_problem(404, "not-found");
    let others = rig.get("/v1/projects/other/audit", &stranger).expect(200);
    assert!(!others.text.contains(&id), "{others:?}");
}

#[test]
fn secrets_can_be_compared_only_so_often_a_minute() {
    let rig = ServerRig::new();
    let token = rig.token(PROJECT, &[Scope::ConfigRead]);
    let path = "/v1/projects/acme/objects/compare-secrets";
    let questions = |count: usize| {
        let question = json!({"address": "Destination/chat", "path": "spec.auth.token", "fingerprint": "0".repeat(64)});
        json!({"questions": vec![question; count]})
    };
    rig.post(path, &token, &questions(10_001)).expect_problem(400, "invalid");
    for _ in 0..6 {
        let answers = rig.post(path, &token, &questions(10_000)).expect(200).json();
        assert_eq!(answers["answers"].as_array().map(Vec::len), Some(10_000));
    }
    let limited = rig.post(path, &token, &questions(1)).expect_problem(429, "rate-limited");
    assert_eq!(limited.header("retry-after"), "60");
    // Another key does not help, another project is not held up, and nothing to compare is always answered.
    let second = rig.token(PROJECT, &[Scope::ConfigRead]);
    rig.post(path, &second, &questions(1)).expect_problem(429, "rate-limited");
    rig.post(path, &second, &questions(0)).expect(200);
    let other = rig.token("other", &[Scope::ConfigRead]);
    rig.post("/v1/projects/other/objects/compare-secrets", &other, &questions(1)).expect(200);
    rig.turn(SignedDuration::from_secs(59));
    rig.post(path, &token, &questions(1)).expect_problem(429, "rate-limited");
    rig.turn(SignedDuration::from_secs(1));
    rig.post(path, &token, &questions(10_000)).expect(200);
}

#[test]
fn secrets_of_keys_and_tokens_are_kept_nowhere() {
    let rig = ServerRig::new();
    let key = rig.key(PROJECT, Scope::ALL);
    let token = log_in(&rig, &key).expect(200).json()["access_token"].as_str().expect("a token").to_owned();
    rig.drain();
    let mut seen = 0;
    for entry in std::fs::read_dir(rig.folder()).expect("the folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        for secret in [key.secret.expose_to_target(), &token] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
        seen += usize::from(bytes.windows(9).any(|window| window == b"$argon2id"));
    }
    assert_eq!(seen, 1, "the database holds the hash");
}

#[test]
fn names_of_keys_are_unique_while_in_use() {
    let rig = ServerRig::new();
    let store = rig.engine().store();
    let (project, name) = (Name::from_any(PROJECT), Name::from_any("ci"));
    let scopes = [Scope::ConfigRead].into_iter().collect();
    let create = || rig.block_on(store.create_key(&project, &name, &scopes, "ops@here"));
    let first = create().expect("made");
    assert!(create().is_err());
    rig.block_on(store.revoke_key(first.key.client_id, "ops@here")).expect("revoked");
    let second = create().expect("made again");
    assert_ne!(first.key.client_id, second.key.client_id);
    let none = rig.block_on(store.create_key(&project, &Name::from_any("none"), &[].into_iter().collect(), "ops@here"));
    assert!(none.is_err());
}

trait Insides {
    fn knows(&self, token: &str) -> bool;
}

impl Insides for ServerRig {
    fn knows(&self, token: &str) -> bool {
        let token = trueup::base::secret::SecretText::new(token.to_owned());
        self.block_on(self.state().access().caller(&token)).expect("an answer").is_some()
    }
}

trait Code {
    fn json_code(&self) -> String;
}

impl Code for Answer {
    /// The code of a problem; empty for anything else.
    fn json_code(&self) -> String {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}
