//! One connection from its acceptance to its end: the handshake, HTTP/1.1 with its limits, who is at the other end.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::access::ClientAddress;
use super::linger::{Lingering, Told, Unread};
use super::patience::Impatient;
use super::settings::Limits;

/// What all connections share.
pub(super) struct Shared {
    pub(super) router: Router,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: Limits,
    pub(super) behind_proxy: bool,
}

/// Answers the requests of one connection until either side ends it.
pub(super) async fn run(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
    // Answers are small and written whole: waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let unread = Unread::default();
    let stream = Lingering::new(Impatient::new(stream, shared.limits.write_time), unread.clone());
    let Some(tls) = shared.tls.clone() else { return talk(shared, stream, unread, peer, watcher).await };
    match tokio::time::timeout(shared.limits.handshake_time, tls.accept(stream)).await {
        Ok(Ok(stream)) => talk(shared, stream, unread, peer, watcher).await,
        // Port scanners and callers without TLS: nothing that an operator has to look at.
        Ok(Err(error)) => tracing::debug!(error = error.to_string(), "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn talk<S>(shared: Arc<Shared>, stream: S, unread: Unread, peer: SocketAddr, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Limits { header_time, header_bytes, .. } = shared.limits;
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Body::new(Told::new(body, unread.clone())));
        let address = address(peer.ip(), shared.behind_proxy, request.headers());
        request.extensions_mut().insert(ClientAddress(address));
        let answer = shared.router.clone().oneshot(request);
        async move {
            let mut answer = answer.await?;
            // What is left of such a body is not waited for: whoever keeps connections learns that this one ends.
            if matches!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_time).max_header_size(header_bytes);
    http.max_buf_size(header_bytes.max(64 * 1024));
    let connection = http.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error = error.to_string(), "a connection failed");
    }
}

/// Who is calling: the peer, or who a trusted proxy says it is. A proxy adds its own caller at the end; what stands
/// before it may be made up.
fn address(peer: IpAddr, behind_proxy: bool, headers: &HeaderMap) -> IpAddr {
    if !behind_proxy {
        return peer;
    }
    let last = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let last = last.and_then(|list| list.rsplit(',').next()).map(str::trim);
    last.and_then(|text| text.parse().ok()).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_is_believed_and_only_its_own_word() {
        let peer = IpAddr::from([192, 0, 2, 1]);
        let mut headers = HeaderMap::new();
        assert_eq!(address(peer, true, &headers), peer);
        headers.append("x-forwarded-for", HeaderValue::from_static("203.0.113.9"));
        headers.append("x-forwarded-for", HeaderValue::from_static("203.0.113.7, 198.51.100.2"));
        assert_eq!(address(peer, false, &headers), peer);
        assert_eq!(address(peer, true, &headers), IpAddr::from([198, 51, 100, 2]));
        headers.append("x-forwarded-for", HeaderValue::from_static("nobody"));
        assert_eq!(address(peer, true, &headers), peer);
    }
}
