//! What can be set about the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::serve::ServeError;

/// All of it. What the engine is told beside it is [`EngineSettings`](crate::runtime::EngineSettings).
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The certificate chain and its key, both PEM.
    pub tls: Option<TlsFiles>,
    /// A proxy in front keeps the connection to callers secret, and says in `X-Forwarded-For` who they are.
    pub behind_proxy: bool,
    /// How much of everything is taken.
    pub limits: Limits,
}

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// How much is taken of callers, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time; further ones wait to be accepted.
    pub connections: usize,
    /// From the start of a request to the end of its headers; also how long a connection may be idle.
    pub header_time: Duration,
    /// Bytes of the request line and headers.
    pub header_bytes: usize,
    /// From the first waiting for a body to its end.
    pub body_time: Duration,
    /// For a TLS handshake.
    pub handshake_time: Duration,
    /// How long a caller may take nothing of what it is sent.
    pub write_time: Duration,
    /// From the signal to end until what is still under way is cut off.
    pub drain_time: Duration,
    /// Failed log-ins of one client id or address within a minute; further ones are not tried.
    pub login_failures: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            header_time: Duration::from_secs(15),
            header_bytes: 32 * 1024,
            body_time: Duration::from_secs(30),
            handshake_time: Duration::from_secs(10),
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(25),
            login_failures: 10,
        }
    }
}

impl ServerSettings {
    /// Listening there, everything else as usual.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, tls: None, behind_proxy: false, limits: Limits::default() }
    }

    /// Whether callers may be answered there: what goes over a network is encrypted.
    ///
    /// # Errors
    /// When the address is found beyond this machine, and neither a certificate nor a proxy keeps the connection secret.
    pub fn check(&self) -> Result<(), ServeError> {
        let open = self.listen.ip().is_loopback() || self.tls.is_some() || self.behind_proxy;
        if open { Ok(()) } else { Err(ServeError::Exposed(self.listen)) }
    }
}
