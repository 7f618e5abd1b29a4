use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::endpoint::{Endpoint, Needs};
use super::extract::{Json, Path, Query};
use super::problem::{Answer, Problem, ProblemCode};
use super::{endpoints, openapi, route};
use crate::base::ident::Name;
use crate::object::access::Scope;
use crate::runtime::{Engine, EngineSettings};
use crate::server::access::Caller;
use crate::server::settings::ServerSettings;
use crate::server::state::AppState;
use crate::store::{Clock, Store};

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Thing {
    number: u8,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u8>,
}

async fn echo(caller: Caller, Path((project, number)): Path<(Name, u8)>, Query(page): Query<Page>) -> Json<Value> {
    Json(json!({ "actor": caller.actor(), "project": project, "number": number, "limit": page.limit }))
}

async fn take(Json(thing): Json<Thing>) -> Json<Thing> {
    Json(thing)
}

async fn fall() -> Answer<()> {
    let nothing: Vec<u8> = Vec::new();
    let index = nothing.len();
    assert!(index > 0, "secret-of-the-handler");
    Ok(())
}

async fn own() -> Problem {
    Problem::new(ProblemCode::Conflict, "in the way")
}

fn sample() -> Vec<Endpoint> {
    vec![
        Endpoint::get("echo", "/v1/projects/{project}/things/{number}", echo).scope(Scope::ConfigRead).query::<Page>(),
        Endpoint::post("take", "/take", take).public().json_body::<Thing>().body_limit(20),
        Endpoint::get("fall", "/fall", fall).public(),
        Endpoint::get("own", "/own", own).public().failures_as::<Thing>("application/json", |problem| {
            let body = json!({ "said": problem.detail() });
            problem.respond_with("application/json", &body)
        }),
    ]
}

struct Sample {
    state: AppState,
    _folder: tempfile::TempDir,
}

impl Sample {
    async fn new() -> Self {
        // The first provider in a process stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("s.db"), None, Clock::system()).await.expect("a store");
        let engine =
            Engine::start(Arc::new(store), Clock::system(), &EngineSettings::default()).await.expect("an engine");
        let settings = ServerSettings::new(SocketAddr::from(([127, 0, 0, 1], 0)));
        Self { state: AppState::new(Arc::new(engine), settings), _folder: folder }
    }

    async fn token(&self, scopes: &[Scope]) -> String {
        let (project, name) = (Name::from_any("acme"), Name::from_any("ci"));
        let scopes = scopes.iter().copied().collect();
        let key = self.state.store().create_key(&project, &name, &scopes, "test").await.expect("a key").key;
        let issued = self.state.store().issue_token(key.client_id, &key.scopes).await.expect("written");
        issued.expect("a token").token.expose_to_target().to_owned()
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = route(sample(), &self.state).oneshot(request).await.expect("an answer");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn take(&self, content_type: &str, body: &str) -> (u16, String) {
        let request =
            Request::post("/take").header(header::CONTENT_TYPE, content_type).body(Body::from(body.to_owned()));
        let (status, answer) = self.send(request.expect("a request")).await;
        (status.as_u16(), answer["code"].as_str().unwrap_or_default().to_owned())
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem_that_says_so() {
    let sample = Sample::new().await;
    assert_eq!(sample.take("application/json", r#"{"number": 7}"#).await, (200, String::new()));
    assert_eq!(sample.take("Application/JSON; charset=utf-8", r#"{"number": 7}"#).await.0, 200);
    for (content_type, body, status, code) in [
        ("application/json", "{", 400, "malformed-body"),
        ("application/json", "", 400, "malformed-body"),
        ("application/json", r#"{"number": 700}"#, 400, "malformed-body"),
        ("application/json", r#"{"number":7,"x":1}"#, 400, "malformed-body"),
        ("application/json", "\u{7}", 400, "malformed-body"),
        ("text/plain", r#"{"number": 7}"#, 415, "unsupported-media-type"),
        ("application/json", r#"{"number": 7}        "#, 413, "too-large"),
    ] {
        assert_eq!(sample.take(content_type, body).await, (status, code.to_owned()), "{content_type} {body}");
    }
}

#[tokio::test]
async fn a_caller_is_known_by_key_and_project() {
    let sample = Sample::new().await;
    let token = sample.token(&[Scope::ConfigRead]).await;
    let get = async |path: &str, authorization: &str| {
        let request = Request::get(path).header(header::AUTHORIZATION, authorization).body(Body::empty());
        let (status, answer) = sample.send(request.expect("a request")).await;
        (status.as_u16(), answer)
    };
    let (status, answer) = get("/v1/projects/acme/things/7?limit=3", &format!("bearer  {token}")).await;
    assert_eq!((status, &answer["limit"], &answer["number"]), (200, &json!(3), &json!(7)), "{answer}");
    assert!(answer["actor"].as_str().is_some_and(|actor| actor.starts_with("ci (key ")), "{answer}");
    let good = format!("Bearer {token}");
    for (path, authorization, status, code) in [
        ("/v1/projects/acme/things/700", good.as_str(), 400, "malformed-request"),
        ("/v1/projects/acme/things/7?limit=x", &good, 400, "malformed-request"),
        ("/v1/projects/acme/things/7?limit=1&limit=2", &good, 400, "malformed-request"),
        ("/v1/projects/acme/things/7?other=1", &good, 400, "malformed-request"),
        ("/v1/projects/other/things/7", &good, 404, "not-found"),
        ("/v1/projects/ACME/things/7", &good, 404, "not-found"),
        ("/v1/projects/acme/things/7", &format!("Basic {token}"), 401, "unauthenticated"),
        ("/v1/projects/acme/things/7", &format!("Bearer {token}x"), 401, "unauthenticated"),
        ("/v1/projects/acme/things/7", "Bearer", 401, "unauthenticated"),
        ("/v1/projects/acme/things/7", "Bearer ", 401, "unauthenticated"),
    ] {
        let (answered, answer) = get(path, authorization).await;
        assert_eq!((answered, answer["code"].as_str()), (status, Some(code)), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_without_its_words() {
    let sample = Sample::new().await;
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    let (status, answer) = sample.send(get("/fall")).await;
    assert_eq!((status.as_u16(), &answer["code"]), (500, &json!("internal")));
    assert!(!answer.to_string().contains("secret-of-the-handler"), "{answer}");
    let (status, answer) = sample.send(get("/own")).await;
    assert_eq!((status.as_u16(), answer), (409, json!({ "said": "in the way" })));
    // In its own tongue also what the gate refuses.
    let (status, answer) = sample.send(get("/own?x=1")).await;
    assert_eq!((status.as_u16(), answer["said"].is_string()), (400, true));
}

#[test]
fn endpoints_are_declared_whole() {
    let mut names = BTreeSet::new();
    let mut routes = BTreeSet::new();
    for endpoint in endpoints() {
        let name = endpoint.name();
        assert!(names.insert(name), "{name} twice");
        assert!(routes.insert((endpoint.path(), endpoint.method().clone())), "{name}: a route twice");
        assert!(!endpoint.summary.is_empty() && !endpoint.area.is_empty(), "{name}");
        assert!(!endpoint.successes.is_empty(), "{name} answers nothing");
        let in_path: BTreeSet<&str> =
            endpoint.path().split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let mut described: BTreeSet<&str> = BTreeSet::new();
        described.extend(
            endpoint.parameters.iter().filter(|one| one.place == super::endpoint::Place::Path).map(|one| one.name),
        );
        if in_path.contains("project") {
            described.insert("project");
        }
        assert_eq!(in_path, described, "{name}");
        let is_open = matches!(endpoint.needs(), Needs::Nothing);
        assert_eq!(is_open, !endpoint.path().starts_with("/v1/"), "{name}: what is under /v1/ needs a scope");
    }
}

#[test]
fn bodies_and_queries_refuse_what_they_do_not_know() {
    let document = openapi::document();
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let mut shapes: BTreeMap<String, Value> = BTreeMap::new();
    for endpoint in endpoints() {
        let name = endpoint.name();
        if let Some(query) = endpoint.query {
            shapes.insert(format!("query of {name}"), query(&mut generator).to_value());
        }
        for (content_type, schema) in endpoint.body.iter().flat_map(|body| &body.types) {
            // OAuth 2 asks to pass over what is not known; a line format is described by its lines.
            if *content_type == "application/json" {
                shapes.insert(format!("body of {name}"), schema(&mut generator).to_value());
            }
        }
    }
    for (what, shape) in shapes {
        let named = shape["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        let shape = named.and_then(|name| generator.definitions().get(name)).unwrap_or(&shape);
        let objects: Vec<&Value> = match shape["oneOf"].as_array().or(shape["anyOf"].as_array()) {
            Some(choices) => choices.iter().filter(|choice| choice["type"] == "object").collect(),
            None => vec![shape],
        };
        for object in objects.into_iter().filter(|object| object["type"] == "object") {
            let closed = object["additionalProperties"] == json!(false) || object["additionalProperties"].is_object();
            assert!(closed, "{what}: {object}");
        }
    }
    assert!(document["paths"]["/accounts/connect/token"]["post"]["responses"]["429"].is_object());
}
