//! What is sent, and what becomes of answers.

use std::time::Duration;

use reqwest::Method;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use url::Url;

use super::{Answer, Scripted, get, http, local};
use crate::runtime::outgoing::{AnswerBody, Header, OutgoingError};

#[tokio::test]
async fn a_request_carries_what_it_was_given_and_no_more() {
    let server = Scripted::new([http("201 Created", "content-type: Text/Plain; charset=utf-8\r\n", "done")]).await;
    let mut call = get(server.url("/path?a=b"));
    call.method = Method::POST;
    call.headers = vec![Header::new("X-Key", "täglich"), Header::new("content-type", "application/json")];
    call.body = "{}".into();
    let answer = local().send(call).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (201, &b"done"[..]));
    assert_eq!(answer.media_type().as_deref(), Some("text/plain"));
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /path?a=b HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nx-key: täglich\r\n"), "{request}");
    assert!(request.contains(concat!("\r\nuser-agent: trueup/", env!("CARGO_PKG_VERSION"), "\r\n")), "{request}");
    assert!(request.ends_with("\r\n\r\n{}"), "{request}");
    assert!(!request.contains("cookie") && !request.contains("referer"), "{request}");
}

#[tokio::test]
async fn headers_that_would_break_the_request_are_refused() {
    let server = Scripted::new([http("200 OK", "", "")]).await;
    for (name, value) in
        [("X-A", "a\r\nX-B: b"), ("X-A", "a\nb"), ("X-A", "a\0"), ("X A", "a"), ("", "a"), ("X-A\r\nX-B", "b")]
            .into_iter()
            .chain([("Host", "other.test"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked")])
    {
        let mut call = get(server.url("/"));
        call.headers = vec![Header::new(name, value)];
        let error = local().send(call).await.expect_err("a refusal");
        assert!(matches!(&error, OutgoingError::InvalidHeader { .. }), "{name}: {error:?}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    let mut twice = get(server.url("/"));
    twice.headers = vec![Header::new("X-A", "a"), Header::new("x-a", "b")];
    assert!(local().send(twice).await.is_err());
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let server = Scripted::new([http("200 OK", "", &"x".repeat(1_000)), http("200 OK", "", &"x".repeat(1_001))]).await;
    let outgoing = local();
    assert_eq!(outgoing.send(get(server.url("/"))).await.expect("an answer").body.len(), 1_000);
    assert_eq!(outgoing.send(get(server.url("/"))).await.err(), Some(OutgoingError::TooLarge { limit: 1_000 }));
    let mut ignored = get(server.url("/"));
    ignored.answer = AnswerBody::Ignored;
    assert_eq!(outgoing.send(ignored).await.expect("an answer").body.len(), 0);
}

/// A hundred bytes that unpack to ten million zeros: the limit counts what comes out.
#[tokio::test]
async fn the_limit_counts_what_comes_out_of_the_compression() {
    let bomb = gzip_of_zeros();
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len()).into_bytes();
    bytes.extend(bomb);
    let server = Scripted::new([Answer::Bytes(bytes)]).await;
    assert_eq!(local().send(get(server.url("/"))).await.err(), Some(OutgoingError::TooLarge { limit: 1_000 }));
}

/// A gzip file of 258,001 zero bytes in one block with fixed codes: a literal 0, then a thousand times "repeat the last
/// byte 258 times" (RFC 1951 §3.2.6), written out by hand because no compressor is among the dependencies.
fn gzip_of_zeros() -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    // Codes are written from their highest bit on: literal 0 is 00110000, length 258 is 11000101, distance 1 is 00000.
    bits.extend([false, false, true, true, false, false, false, false]);
    for _ in 0..1_000 {
        bits.extend([true, true, false, false, false, true, false, true]);
        bits.extend([false; 5]);
    }
    bits.extend([false; 7]);
    let byte = |bits: &[bool]| bits.iter().enumerate().fold(0, |byte, (n, bit)| byte | u8::from(*bit) << n);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(bits.chunks(8).map(byte));
    file.extend([0; 8]);
    file
}

#[tokio::test]
async fn silence_ends_with_the_time() {
    let server = Scripted::new([Answer::Silence]).await;
    let mut call = get(server.url("/secret-path"));
    call.timeout = Duration::from_millis(50);
    let error = local().send(call).await.expect_err("no answer");
    assert_eq!(error.to_string(), "get an answer within 0.05 s");
}

#[tokio::test]
async fn a_body_that_never_ends_ends_with_the_time() {
    let server = Scripted::new([Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec())]).await;
    let mut call = get(server.url("/"));
    call.timeout = Duration::from_millis(50);
    assert!(matches!(local().send(call).await, Err(OutgoingError::Timeout(_))));
}

/// A receiver that answers and then keeps the body open, as event streams do, has answered.
#[tokio::test]
async fn a_body_nobody_wants_makes_no_failure_of_an_answer() {
    let server =
        Scripted::new([Answer::Bytes(b"HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\nabc".to_vec())]).await;
    let mut call = get(server.url("/"));
    (call.timeout, call.answer) = (Duration::from_millis(300), AnswerBody::Ignored);
    assert_eq!(local().send(call).await.map(|answer| answer.status.as_u16()), Ok(202));
}

#[tokio::test]
async fn failures_are_told_apart_and_name_no_url() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address")
    };
    let odd = Scripted::new([Answer::Bytes(b"220 mail.test ESMTP\r\n\r\n".to_vec())]).await;
    let plain = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let plain_address = plain.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let kind = async |url: String| {
        let error = local().send(get(Url::parse(&url).expect("a URL"))).await.expect_err("no answer");
        assert!(!error.to_string().contains("secret-path"), "{error}");
        error.kind()
    };
    assert_eq!(kind(format!("http://{closed}/secret-path")).await, "connect");
    assert_eq!(kind(format!("http://{}/secret-path", odd.address)).await, "broken");
    assert_eq!(kind(format!("https://{plain_address}/secret-path")).await, "tls");
    assert_eq!(kind("ftp://127.0.0.1/secret-path".to_owned()).await, "invalid-url");
}
