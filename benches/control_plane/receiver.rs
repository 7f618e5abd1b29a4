//! A receiver that costs little: it takes every request and notes how old what it brings is.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::now;

pub(crate) struct Receiver {
    address: SocketAddr,
    ages: watch::Sender<Vec<i64>>,
}

/// How old things were when they arrived, in microseconds, sorted.
pub(crate) struct Ages(Vec<i64>);

impl fmt::Display for Ages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |percent: usize| {
            let age = self.0.get((self.0.len() * percent / 100).min(self.0.len().saturating_sub(1)));
            Duration::from_micros(age.and_then(|age| u64::try_from(*age).ok()).unwrap_or_default())
        };
        let (half, most, last) = (at(50), at(99), at(100));
        write!(f, "p50 {half:.1?}, p99 {most:.1?}, longest {last:.1?} of {}", self.0.len())
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let ages = watch::Sender::new(Vec::new());
        let noted = ages.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, noted.clone()));
            }
        });
        Self { address, ages }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/in", self.address)
    }

    pub(crate) fn count(&self) -> usize {
        self.ages.borrow().len()
    }

    /// Waits until so many have arrived in all; the ages of the latest.
    pub(crate) async fn arrived(&self, count: usize) -> Ages {
        let mut ages = self.ages.subscribe();
        let mut ages = ages.wait_for(|ages| ages.len() >= count).await.expect("a receiver").clone();
        ages.sort_unstable();
        Ages(ages)
    }
}

async fn serve(mut stream: TcpStream, ages: watch::Sender<Vec<i64>>) {
    let _ = stream.set_nodelay(true);
    let mut read = Vec::new();
    loop {
        let mut some = [0; 4 * 1024];
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return,
            Ok(count) => read.extend_from_slice(some.get(..count).unwrap_or_default()),
        }
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() < length.and_then(|length| length.parse().ok()).unwrap_or(0) {
            continue;
        }
        let sent = body.split(r#""answer":""#).nth(1).and_then(|rest| rest.split('"').next()?.parse::<i64>().ok());
        let age = now() - sent.unwrap_or_default();
        ages.send_modify(|ages| ages.push(age));
        read.clear();
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}
