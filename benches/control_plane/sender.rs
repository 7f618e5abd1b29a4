//! A sender that costs little: connections that write a request and read its answer, over and over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::server::Server;
use crate::{body, now};

/// An event of some kind, with the time in it.
pub(crate) fn event(kind: &str) -> String {
    let at = now();
    let own = match kind {
        "survey.submitted" => format!(r#""score":3,"answer":"{at}","#),
        _ => String::new(),
    };
    format!(
        r#"{{"event":"{kind}","system":"crm","endUserId":"user-{at}@acme.test","sessionId":"s-{at}","properties":{{{own}"pageUrl":"https://crm.acme.test/accounts/{at}","browser":"Firefox","os":"Linux","country":"DE"}}}}"#
    )
}

/// Events of one kind for one server.
pub(crate) struct Load {
    address: String,
    head: String,
    kind: &'static str,
}

impl Load {
    pub(crate) fn new(server: &Server, kind: &'static str) -> Arc<Self> {
        let (address, token) = (server.address.clone(), &server.token);
        let head = format!("POST /v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n");
        Arc::new(Self { address, head, kind })
    }

    fn request(&self, size: usize) -> Vec<u8> {
        let body = body(self.kind, size);
        let content_type = if size == 1 { "application/json" } else { "application/x-ndjson" };
        let length = body.len();
        format!("{}content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}", self.head).into_bytes()
    }

    async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).await.expect("a connection");
        stream.set_nodelay(true).expect("a setting");
        Connection { stream, read: Vec::new() }
    }

    /// Sends batches for a while; how many events were accepted, and in what time.
    pub(crate) async fn as_fast_as_possible(
        self: &Arc<Self>,
        connections: usize,
        size: usize,
        time: Duration,
    ) -> (usize, Duration) {
        let (began, mut tasks) = (Instant::now(), JoinSet::new());
        for _ in 0..connections {
            let load = Arc::clone(self);
            tasks.spawn(async move {
                let (mut connection, mut count) = (load.connect().await, 0);
                while began.elapsed() < time {
                    Box::pin(connection.exchange(&load.request(size))).await;
                    count += size;
                }
                count
            });
        }
        let count = tasks.join_all().await.into_iter().sum();
        (count, began.elapsed())
    }

    /// Sends so many events in batches.
    pub(crate) async fn batches(self: &Arc<Self>, connections: usize, size: usize, count: usize) {
        let (left, mut tasks) = (Arc::new(AtomicUsize::new(count / size)), JoinSet::new());
        for _ in 0..connections {
            let (load, left) = (Arc::clone(self), Arc::clone(&left));
            tasks.spawn(async move {
                let mut connection = load.connect().await;
                while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    Box::pin(connection.exchange(&load.request(size))).await;
                }
            });
        }
        tasks.join_all().await;
    }

    /// Sends single events at a rate, each at its time whether the ones before were answered or not, as far as there
    /// are connections. How many were sent.
    pub(crate) async fn at_a_rate(self: &Arc<Self>, connections: usize, per_second: u32, time: Duration) -> usize {
        let (began, mut tasks) = (Instant::now(), JoinSet::new());
        let next = Arc::new(AtomicUsize::new(0));
        let count = usize::try_from(u64::from(per_second) * time.as_secs()).expect("a count");
        for _ in 0..connections {
            let (load, next) = (Arc::clone(self), Arc::clone(&next));
            tasks.spawn(async move {
                let mut connection = load.connect().await;
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= count {
                        return;
                    }
                    let at = began + Duration::from_secs(1) / per_second * u32::try_from(n).expect("a small number");
                    tokio::time::sleep_until(at.into()).await;
                    Box::pin(connection.exchange(&load.request(1))).await;
                }
            });
        }
        tasks.join_all().await;
        count
    }
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn exchange(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("written");
        self.read.clear();
        loop {
            let mut some = [0; 4 * 1024];
            let count = self.stream.read(&mut some).await.expect("read");
            assert!(count > 0, "the server closed the connection");
            self.read.extend_from_slice(some.get(..count).unwrap_or_default());
            let text = String::from_utf8_lossy(&self.read);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                assert!(head.starts_with("HTTP/1.1 202"), "not accepted: {text}");
                return;
            }
        }
    }
}
