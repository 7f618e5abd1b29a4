//! Requests to local servers with scripted answers.

mod guard;
mod requests;
mod tokens;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{AnswerBody, Outgoing, OutgoingCall, OutgoingSettings};

/// A server that answers each request with the next of some texts, and notes what it was sent.
struct Scripted {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

/// What it answers.
#[derive(Clone)]
enum Answer {
    Bytes(Vec<u8>),
    /// Nothing, and the connection stays open.
    Silence,
}

fn http(status: &str, headers: &str, body: &str) -> Answer {
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len());
    Answer::Bytes(text.into_bytes())
}

impl Scripted {
    /// The last answer is given again when there are no more.
    async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let noted = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&noted)));
            }
        });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).expect("a URL")
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<VecDeque<Answer>>>, noted: Arc<Mutex<Vec<String>>>) {
    loop {
        let Some(request) = read_request(&mut stream).await else { return };
        noted.lock().expect("requests").push(request);
        let answer = {
            let mut script = script.lock().expect("a script");
            if script.len() > 1 { script.pop_front() } else { script.front().cloned() }
        };
        match answer {
            Some(Answer::Bytes(bytes)) => {
                let _ = stream.write_all(&bytes).await;
            }
            Some(Answer::Silence) | None => std::future::pending::<()>().await,
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
                return Some(text.into_owned());
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&some[..count]),
        }
    }
}

/// Lets loopback through, as for a receiver on the same machine.
fn local() -> Outgoing {
    with(&OutgoingSettings { allow_egress: vec!["127.0.0.0/8".parse().expect("a range")], ..Default::default() })
}

fn with(settings: &OutgoingSettings) -> Outgoing {
    install_provider();
    Outgoing::new(settings).expect("a client")
}

fn install_provider() {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn get(url: Url) -> OutgoingCall {
    OutgoingCall {
        method: Method::GET,
        url,
        headers: Vec::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(20),
        answer: AnswerBody::Kept { limit: 1_000 },
    }
}
