//! What stands outside in the live tour: a chat, an analytics tool, a learning platform and a shop, all in one small
//! server that remembers what it was sent.
//!
//! ```text
//! cargo run --example receiver -- 127.0.0.1:8091
//! ```
//!
//! | Request | Answer |
//! |---|---|
//! | `POST /oauth2/token` | an access token |
//! | `GET /shop/subscribers?email=…` | 404 until the subscriber was written, then 200 |
//! | `POST /shop/subscribers` | 201; the subscriber is remembered |
//! | `GET /received?count=N` | waits until N other requests have come, and lists them, one JSON object a line |
//! | anything else | 200 |

use std::error::Error;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{any, get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long `GET /received` waits at the most.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Receiver {
    requests: Arc<Mutex<Vec<Value>>>,
    subscribers: Arc<Mutex<Vec<String>>>,
    count: watch::Sender<usize>,
}

impl Receiver {
    fn remember(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let body = String::from_utf8_lossy(body);
        let request = json!({
            "method": method.as_str(),
            "path": uri.path(),
            "query": uri.query(),
            // That there is one, and of which sort, but not what it is.
            "authorization": header("authorization").and_then(|value| value.split(' ').next()),
            "signed": header("webhook-signature").is_some(),
            "body": serde_json::from_str(&body).unwrap_or_else(|_| Value::String(body.into_owned())),
        });
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request);
        self.count.send_replace(requests.len());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8091".to_owned());
    let receiver = Receiver { requests: Arc::default(), subscribers: Arc::default(), count: watch::Sender::new(0) };
    let router = Router::new()
        .route("/received", get(received))
        .route("/oauth2/token", post(token))
        .route("/shop/subscribers", get(look_up).post(subscribe))
        .fallback(any(accept))
        .with_state(receiver);
    let listener = TcpListener::bind(address).await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    axum::serve(listener, router).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    count: usize,
}

async fn received(State(receiver): State<Receiver>, Query(wanted): Query<Wanted>) -> Response {
    let mut count = receiver.count.subscribe();
    let enough = tokio::time::timeout(PATIENCE, count.wait_for(|count| *count >= wanted.count)).await;
    let status = if matches!(enough, Ok(Ok(_))) { StatusCode::OK } else { StatusCode::GATEWAY_TIMEOUT };
    let requests = receiver.requests.lock().unwrap_or_else(PoisonError::into_inner);
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    (status, lines).into_response()
}

async fn token() -> Json<Value> {
    Json(json!({ "access_token": "fake-academy-token", "token_type": "Bearer", "expires_in": 3600 }))
}

#[derive(Deserialize)]
struct Subscriber {
    email: String,
}

async fn look_up(
    State(receiver): State<Receiver>,
    Query(subscriber): Query<Subscriber>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    receiver.remember(&method, &uri, &headers, &[]);
    let subscribers = receiver.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
    match subscribers.iter().position(|known| *known == subscriber.email) {
        Some(id) => Json(json!({ "users": [{ "id": id + 1 }] })).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "users": [] }))).into_response(),
    }
}

async fn subscribe(
    State(receiver): State<Receiver>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    receiver.remember(&method, &uri, &headers, &body);
    match serde_json::from_slice::<Subscriber>(&body) {
        Ok(subscriber) => {
            receiver.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(subscriber.email);
            StatusCode::CREATED
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

async fn accept(
    State(receiver): State<Receiver>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    receiver.remember(&method, &uri, &headers, &body);
    StatusCode::OK
}
