//! A proxy that does to requests and answers what networks and broken machines do. One exchange a connection; requests
//! are numbered from 0 since the last [`FaultProxy::script`].

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is reset before the request goes on.
    ResetBefore,
    /// The request goes on and is answered; the connection is reset in place of the answer.
    ResetAfter,
    /// The request goes on and is answered; no byte of the answer arrives, and the connection stays open a while.
    Silence(Duration),
    /// Half of the answer arrives, then the connection is reset.
    CutBody,
    /// The head of the answer and a byte arrive, then no more is sent, while the proxy still listens.
    HalfClose,
    /// The answer is a page for people.
    Page,
    /// The answer is JSON of no known shape.
    Nonsense,
    /// The request does not go on; the answer is this status, and where it is 429 or 503 that one may try again at once.
    Status(u16),
    /// The request goes on; the answer is this status all the same.
    StatusAfter(u16),
}

/// Which exchanges are disturbed: from one on, so many.
#[derive(Clone, Copy, Debug)]
struct Script {
    first: usize,
    count: usize,
    fault: Fault,
}

#[derive(Default)]
struct State {
    script: Option<Script>,
    held: Option<&'static str>,
    seen: Vec<String>,
}

/// A running proxy.
pub(crate) struct FaultProxy {
    address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    state: Arc<Mutex<State>>,
}

impl FaultProxy {
    /// A proxy before a server, on a free port.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let kept = Arc::clone(&state);
        let server = Arc::new(Mutex::new(server));
        let behind = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&kept);
                let server = *behind.lock().unwrap_or_else(PoisonError::into_inner);
                tokio::spawn(async move {
                    // A caller that goes away is what this is about.
                    let _ = Box::pin(exchange(client, server, &state)).await;
                });
            }
        });
        Self { address, server, state }
    }

    /// From now on stands before another server.
    pub(crate) fn stand_before(&self, server: SocketAddr) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on disturbs the exchanges from the `first` on, `count` of them. Forgets what it has seen.
    pub(crate) fn script(&self, first: usize, count: usize, fault: Fault) {
        *self.lock() = State { script: Some(Script { first, count, fault }), ..State::default() };
    }

    /// From now on keeps requests whose path ends so: they neither go on nor are answered. Forgets what it has seen.
    pub(crate) fn hold(&self, path: &'static str) {
        *self.lock() = State { held: Some(path), ..State::default() };
    }

    /// Disturbs nothing from now on. Forgets what it has seen.
    pub(crate) fn calm(&self) {
        *self.lock() = State::default();
    }

    /// The requests since the last script: `POST /v1/…`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.lock().seen.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn exchange(mut client: TcpStream, server: SocketAddr, state: &Mutex<State>) -> std::io::Result<()> {
    let Some((head, body)) = message(&mut client).await? else { return Ok(()) };
    let line: Vec<&str> = head.lines().next().unwrap_or_default().split(' ').collect();
    let (fault, held) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.seen.len();
        state.seen.push(line.iter().take(2).copied().collect::<Vec<_>>().join(" "));
        let script = state.script.filter(|script| number >= script.first && number - script.first < script.count);
        let held = state.held.is_some_and(|path| line.get(1).is_some_and(|asked| asked.ends_with(path)));
        (script.map(|script| script.fault), held)
    };
    if held {
        // Until the caller goes away.
        let _ = client.read(&mut [0]).await;
        return Ok(());
    }
    match fault {
        Some(Fault::ResetBefore) => return reset(&client),
        Some(Fault::Status(status)) => return client.write_all(refusal(status).as_bytes()).await,
        Some(Fault::Page) => {
            let page = "<html>Log in to the network</html>";
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: ";
            return client.write_all(format!("{head}{}\r\n\r\n{page}", page.len()).as_bytes()).await;
        }
        Some(
            Fault::ResetAfter
            | Fault::Silence(_)
            | Fault::CutBody
            | Fault::HalfClose
            | Fault::Nonsense
            | Fault::StatusAfter(_),
        )
        | None => {}
    }
    let mut upstream = TcpStream::connect(server).await?;
    let mut sent = String::new();
    for line in head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:")) {
        sent.push_str(line);
        sent.push_str("\r\n");
    }
    upstream.write_all(format!("{sent}connection: close\r\n\r\n").as_bytes()).await?;
    upstream.write_all(&body).await?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    match fault {
        None => client.write_all(&answer).await,
        Some(Fault::ResetAfter) => reset(&client),
        Some(Fault::Silence(time)) => {
            tokio::time::sleep(time).await;
            reset(&client)
        }
        Some(Fault::CutBody) => {
            client.write_all(&answer[..answer.len() / 2]).await?;
            reset(&client)
        }
        Some(Fault::HalfClose) => {
            let body = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |at| at + 4);
            client.write_all(&answer[..(body + 1).min(answer.len())]).await?;
            client.shutdown().await?;
            let _ = client.read(&mut [0]).await;
            Ok(())
        }
        Some(Fault::Nonsense) => {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 16\r\n\r\n";
            client.write_all(format!("{head}{{\"never\": \"seen\"}}").as_bytes()).await
        }
        Some(Fault::StatusAfter(status)) => client.write_all(refusal(status).as_bytes()).await,
        Some(Fault::ResetBefore | Fault::Status(_) | Fault::Page) => Ok(()),
    }
}

fn reset(client: &TcpStream) -> std::io::Result<()> {
    // With data left unread or this option, closing sends a reset and not an end.
    client.set_zero_linger()
}

fn refusal(status: u16) -> String {
    format!("HTTP/1.1 {status} Scripted\r\nretry-after: 0\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
}

/// A request: its head without the empty line, and its body.
async fn message(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut part = vec![0; 16 * 1024];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at;
        }
        match client.read(&mut part).await? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&part[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        match client.read(&mut part).await? {
            0 => return Ok(None),
            read => body.extend_from_slice(&part[..read]),
        }
    }
    Ok(Some((head, body)))
}
