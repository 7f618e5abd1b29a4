//! Listening, accepting, and ending in good order.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use prometheus_client::metrics::gauge::Gauge;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::api;
use super::connection::{self, Shared};
use super::settings::{Limits, ServerSettings, TlsFiles};
use super::state::AppState;

/// How long accepting rests when the system has no more connections to give.
const REST: Duration = Duration::from_millis(100);

/// Why a server does not start. Messages complete "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would be reachable from elsewhere without encryption.
    #[error("listen on {0}: beyond this machine a certificate is needed")]
    Exposed(SocketAddr),
    /// The address cannot be listened on.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the certificate cannot be used.
    #[error("use {} as {what}: {reason}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why it does not.
        reason: String,
    },
}

/// A control plane that listens and does not answer yet.
pub struct Server {
    listener: Listener,
    state: AppState,
}

/// An address that is listened on for whatever answers there.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    behind_proxy: bool,
    limits: Limits,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Everything under way was answered.
    Whole,
    /// So many connections were cut off when the time for ending had passed.
    CutOff(usize),
}

impl Server {
    /// Listens, so that callers may connect; they wait for [`Server::run`].
    ///
    /// # Errors
    /// When the address may not or cannot be listened on, or a certificate is not good.
    pub async fn bind(state: AppState) -> Result<Self, ServeError> {
        let listener = Listener::bind(state.settings()).await?;
        Ok(Self { listener, state })
    }

    /// Where it listens, with the port it was given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// Where it is found on this machine: `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        self.listener.url()
    }

    /// Answers until `stop` ends, then ends what is under way within the time for it.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Drained {
        let Self { listener, state } = self;
        listener.run(api::router(&state), &state.metrics().connections, stop).await
    }
}

impl Listener {
    /// Listens, so that callers may connect; they wait for [`Listener::run`].
    ///
    /// # Errors
    /// When the address may not or cannot be listened on, or a certificate is not good.
    pub async fn bind(settings: &ServerSettings) -> Result<Self, ServeError> {
        settings.check()?;
        let tls = settings.tls.as_ref().map(acceptor).transpose()?;
        let failed = |source| ServeError::Listen { address: settings.listen, source };
        let socket = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, tls, behind_proxy: settings.behind_proxy, limits: settings.limits })
    }

    /// Where it is found on this machine: `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers by the router until `stop` ends, then ends what is under way within the time for it. `open` counts
    /// connections.
    pub async fn run(self, router: Router, open: &Gauge, stop: impl Future<Output = ()>) -> Drained {
        let Self { socket, address: _, tls, behind_proxy, limits } = self;
        let shared = Arc::new(Shared { router, tls, limits, behind_proxy });
        let places = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            // A place first: who finds none waits with the operating system, and costs nothing here.
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, socket.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = &mut stop => break,
                next = next => next,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, peer)) => {
                    let open = open.clone();
                    open.inc();
                    let run = connection::run(Arc::clone(&shared), stream, peer, graceful.watcher());
                    connections.spawn(async move {
                        run.await;
                        open.dec();
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(error = error.to_string(), "failed to accept a connection");
                    tokio::time::sleep(REST).await;
                }
            }
        }
        drop(socket);
        tracing::info!(connections = connections.len(), "ending: finishing what is under way");
        let ended = tokio::time::timeout(limits.drain_time, graceful.shutdown()).await;
        let left = connections.len();
        connections.abort_all();
        while connections.join_next().await.is_some() {}
        if ended.is_ok() { Drained::Whole } else { Drained::CutOff(left) }
    }
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ServeError> {
    let failed = |path: &Path, what, reason: String| ServeError::Certificate { path: path.into(), what, reason };
    let TlsFiles { certificate, key } = files;
    let what = "a certificate chain";
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| failed(certificate, what, error.to_string()))?;
    if chain.is_empty() {
        return Err(failed(certificate, what, "it holds none".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_file(key);
    let secret = secret.map_err(|error| failed(key, "a private key", error.to_string()))?;
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|error| failed(certificate, "the certificate of its key", error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
