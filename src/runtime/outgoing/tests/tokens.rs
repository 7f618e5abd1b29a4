//! The cache of OAuth2 tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Answer, Scripted, http, local};
use crate::base::ident::{Generation, ObjectId};
use crate::base::secret::SecretText;
use crate::runtime::outgoing::oauth2::{TokenCache, TokenError, TokenRequest};
use crate::store::Clock;

fn granted(token: &str, seconds: &str) -> Answer {
    http("200 OK", "", &format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":{seconds}}}"#))
}

fn request(server: &Scripted) -> TokenRequest {
    TokenRequest {
        owner: ObjectId(Uuid::nil()),
        generation: Generation(1),
        token_url: server.url("/token"),
        client_id: "id:1".into(),
        client_secret: SecretText::new("s p".into()),
        scopes: vec!["a".into(), "b".into()],
        audience: Some("https://api.test".into()),
        timeout: Duration::from_secs(20),
    }
}

fn cache() -> (TokenCache, Arc<AtomicI64>) {
    let seconds = Arc::new(AtomicI64::new(1_900_000_000));
    let read = Arc::clone(&seconds);
    let clock = Clock::new(move || Timestamp::from_second(read.load(Ordering::SeqCst)).expect("a time"));
    (TokenCache::new(local(), clock), seconds)
}

async fn token(cache: &TokenCache, request: &TokenRequest) -> String {
    cache.token(request).await.expect("a token").expose_to_target().to_owned()
}

#[tokio::test]
async fn a_token_is_asked_for_as_the_standard_says() {
    let server = Scripted::new([granted("t1", "3600")]).await;
    let (cache, _) = cache();
    assert_eq!(token(&cache, &request(&server)).await, "t1");
    let sent = server.requests().remove(0);
    assert!(sent.starts_with("POST /token HTTP/1.1\r\n"), "{sent}");
    // base64 of "id%3A1:s+p"
    assert!(sent.contains("\r\nauthorization: Basic aWQlM0ExOnMrcA==\r\n"), "{sent}");
    assert!(sent.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{sent}");
    let form = "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi.test";
    assert!(sent.ends_with(&format!("\r\n\r\n{form}")), "{sent}");
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_its_end() {
    let server = Scripted::new([granted("t1", "3600"), granted("t2", "\"60\""), granted("t3", "60")]).await;
    let (cache, seconds) = cache();
    let request = request(&server);
    assert_eq!(token(&cache, &request).await, "t1");
    seconds.fetch_add(3_569, Ordering::SeqCst);
    assert_eq!(token(&cache, &request).await, "t1");
    seconds.fetch_add(1, Ordering::SeqCst);
    assert_eq!(token(&cache, &request).await, "t2");
    seconds.fetch_add(52, Ordering::SeqCst);
    assert_eq!(token(&cache, &request).await, "t2");
    seconds.fetch_add(1, Ordering::SeqCst);
    assert_eq!(token(&cache, &request).await, "t3");
}

#[tokio::test]
async fn many_at_once_make_one_request() {
    let server = Scripted::new([granted("t1", "3600"), granted("t2", "3600")]).await;
    let (cache, _) = cache();
    let request = request(&server);
    let tokens = join_all((0..50).map(|_| token(&cache, &request))).await;
    assert!(tokens.iter().all(|token| token == "t1"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn many_at_once_share_a_failure_and_the_next_asks_again() {
    let refusal = http("401 Unauthorized", "", r#"{"error":"invalid_client","error_description":"do not show"}"#);
    let server = Scripted::new([refusal, granted("t1", "3600")]).await;
    let (cache, _) = cache();
    let request = request(&server);
    let outcomes = join_all((0..50).map(|_| cache.token(&request))).await;
    let expected = TokenError::Refused { status: 401, error: Some("invalid_client".into()) };
    assert_eq!(expected.to_string(), "get a token: the token endpoint answered 401 (invalid_client)");
    assert!(outcomes.into_iter().all(|outcome| outcome.err().as_ref() == Some(&expected)));
    assert_eq!(server.requests().len(), 1);
    assert_eq!(token(&cache, &request).await, "t1");
}

#[tokio::test]
async fn a_refused_token_is_dropped_once() {
    let server = Scripted::new([granted("t1", "3600"), granted("t2", "3600")]).await;
    let (cache, _) = cache();
    let request = request(&server);
    let first = cache.token(&request).await.expect("a token");
    cache.forget(&request, &first).await;
    assert_eq!(token(&cache, &request).await, "t2");
    // Another delivery that was refused with the first token must not cost the second.
    cache.forget(&request, &first).await;
    assert_eq!(token(&cache, &request).await, "t2");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn new_credentials_get_a_new_token() {
    let server = Scripted::new([granted("t1", "3600"), granted("t2", "3600")]).await;
    let (cache, _) = cache();
    let old = request(&server);
    assert_eq!(token(&cache, &old).await, "t1");
    assert_eq!(token(&cache, &TokenRequest { generation: Generation(2), ..old }).await, "t2");
}

#[tokio::test]
async fn odd_answers_give_no_token() {
    for answer in [
        http("200 OK", "", "{}"),
        http("200 OK", "", "not json"),
        http("200 OK", "", r#"{"access_token":""}"#),
        http("200 OK", "", r#"{"access_token":"a\r\nX: y"}"#),
        http("200 OK", "", r#"{"access_token":"a","token_type":"mac"}"#),
        http("302 Found", "location: /other\r\n", ""),
        http("500 Oops", "", r#"{"error":"<script>"}"#),
    ] {
        let server = Scripted::new([answer]).await;
        let (cache, _) = cache();
        let error = cache.token(&request(&server)).await.expect_err("no token");
        assert!(!error.to_string().contains("script"), "{error}");
    }
}
