//! Making requests.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ipnet::IpNet;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Proxy, Request, Response, redirect};
use url::Url;

use super::address::Egress;
use super::call::{AnswerBody, Header, OutgoingAnswer, OutgoingCall};
use super::error::OutgoingError;
use super::resolver::{GuardedResolver, Lookup, SystemLookup};
use crate::kinds::header;

/// How requests leave the server.
#[derive(Clone, Debug)]
pub struct OutgoingSettings {
    /// Ranges that are not public and may be reached all the same.
    pub allow_egress: Vec<IpNet>,
    /// A proxy that does all connecting; `http` or `https`. Names are then resolved by the proxy, so that what they
    /// stand for is for the proxy to refuse; addresses in URLs are still checked here.
    pub proxy: Option<Url>,
    /// Whether proxies that the environment names are used where `proxy` is `None`. Not for URLs of strangers: such a
    /// proxy stands outside the rules.
    pub environment_proxies: bool,
    /// Certificates of authorities, PEM, trusted beside the operating system's: receivers are as a rule public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// The `User-Agent` of requests that set none.
    pub user_agent: String,
}

impl Default for OutgoingSettings {
    fn default() -> Self {
        Self {
            allow_egress: Vec::new(),
            proxy: None,
            environment_proxies: false,
            ca_pem: None,
            user_agent: concat!("trueup/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Settings that no client can be made of. Messages complete "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The authorities cannot be read.
    #[error("read the certificates of authorities")]
    Authorities(#[source] reqwest::Error),
    /// The proxy's URL is of no use.
    #[error("use the proxy")]
    Proxy(#[source] reqwest::Error),
    /// The client cannot be made.
    #[error("prepare the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// Makes requests. One for the whole server: it keeps connections open for the next request. Cheap to clone.
///
/// `rustls::crypto::ring::default_provider().install_default()` must have run in the process.
#[derive(Clone)]
pub struct Outgoing {
    client: Client,
    egress: Egress,
}

/// Idle connections kept for one host.
const IDLE_PER_HOST: usize = 128;
/// How long a connection is kept that nobody uses: shorter than most servers do, so that few requests meet one that
/// is just being closed.
const IDLE: Duration = Duration::from_secs(20);
/// The most bytes of an answer nobody wants that are read so that the connection can serve again, and for how long: the
/// answer is known by then, and a body that does not come to its end must not make a failure of it.
const DRAINED: usize = 64 * 1024;
const DRAINED_WITHIN: Duration = Duration::from_millis(500);

impl Outgoing {
    /// A client of these settings.
    ///
    /// # Errors
    /// When an authority or the proxy's URL cannot be read.
    pub fn new(settings: &OutgoingSettings) -> Result<Self, SettingsError> {
        let system: Arc<dyn Lookup> = Arc::new(SystemLookup);
        Self::with_lookup(settings, &system)
    }

    /// The same with another way of resolving names.
    ///
    /// # Errors
    /// As [`Outgoing::new`].
    pub fn with_lookup(settings: &OutgoingSettings, lookup: &Arc<dyn Lookup>) -> Result<Self, SettingsError> {
        let OutgoingSettings { allow_egress, proxy, environment_proxies, ca_pem, user_agent } = settings;
        let egress = Egress::new(allow_egress.clone());
        let authorities = ca_pem.as_ref().map(|pem| Certificate::from_pem_bundle(pem));
        let authorities = authorities.transpose().map_err(SettingsError::Authorities)?.unwrap_or_default();
        let builder = || -> Result<ClientBuilder, SettingsError> {
            let exempt = proxy.as_ref().and_then(Url::host_str).map(str::to_owned);
            let resolver = GuardedResolver { egress: egress.clone(), lookup: Arc::clone(lookup), exempt };
            let builder = Client::builder();
            let builder = if *environment_proxies { builder } else { builder.no_proxy() };
            let mut builder = builder
                .redirect(redirect::Policy::none())
                .referer(false)
                .user_agent(user_agent)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .pool_idle_timeout(IDLE)
                .dns_resolver(resolver);
            if let Some(proxy) = proxy {
                builder = builder.proxy(Proxy::all(proxy.clone()).map_err(SettingsError::Proxy)?);
            }
            Ok(builder)
        };
        let client = builder()?.tls_certs_merge(authorities.clone()).build().or_else(|error| {
            // A bare container has no authorities at all. Plain http works there all the same, and https says what is
            // wrong.
            tracing::warn!(%error, "no certificate authorities found: https requests will fail; see --ca-file");
            builder()?.tls_certs_only(authorities).build().map_err(SettingsError::Client)
        })?;
        Ok(Self { client, egress })
    }

    /// Makes one request, once.
    ///
    /// Guarantees: no connection is made to an address that the rules refuse, whatever the notation or the name;
    /// redirects are not followed; no more of the answer is read than wanted; it ends within the call's time.
    /// Not guaranteed: that nothing was received when there is an error, except where
    /// [`OutgoingError::nothing_sent`] says so.
    ///
    /// # Errors
    /// When there is no answer. An answer of any status is none.
    pub async fn send(&self, call: OutgoingCall) -> Result<OutgoingAnswer, OutgoingError> {
        let OutgoingCall { method, url, headers, body, timeout, answer } = call;
        self.check(&url)?;
        let mut request = Request::new(method, url);
        *request.headers_mut() = header_map(&headers)?;
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        }
        let exchange = self.exchange(request, answer);
        let timed_out = |_| OutgoingError::Timeout(timeout.as_secs_f64().to_string());
        let (answer, rest) = tokio::time::timeout(timeout, exchange).await.map_err(timed_out)??;
        if let Some(rest) = rest {
            // No more of it in time costs the connection, and nothing else.
            let _ = tokio::time::timeout(DRAINED_WITHIN, drain(rest)).await;
        }
        Ok(answer)
    }

    fn check(&self, url: &Url) -> Result<(), OutgoingError> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(OutgoingError::InvalidUrl("it is not an http or https URL with a host".to_owned()));
        }
        if self.egress.permits_literal(url) == Some(false) {
            let reason = "it is an address that is not public; --allow-egress opens ranges";
            return Err(OutgoingError::Blocked(reason.to_owned()));
        }
        Ok(())
    }

    /// An answer, and what is left to read where nobody wants its body.
    async fn exchange(
        &self,
        request: Request,
        wanted: AnswerBody,
    ) -> Result<(OutgoingAnswer, Option<Response>), OutgoingError> {
        let mut response = self.client.execute(request).await.map_err(OutgoingError::of)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let AnswerBody::Kept { limit } = wanted else {
            return Ok((OutgoingAnswer { status, headers, body: Bytes::new() }, Some(response)));
        };
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(OutgoingError::of)? {
            if body.len() + chunk.len() > limit {
                return Err(OutgoingError::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((OutgoingAnswer { status, headers, body: Bytes::from(body) }, None))
    }
}

/// Reads some of an answer that nobody wants. A broken end of it takes nothing back.
async fn drain(mut response: Response) {
    let mut drained = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        drained += chunk.len();
        if drained > DRAINED {
            return;
        }
    }
}

fn header_map(headers: &[Header]) -> Result<HeaderMap, OutgoingError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for Header { name: text, value } in headers {
        let invalid = |reason| OutgoingError::InvalidHeader { name: text.escape_debug().take(80).collect(), reason };
        let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| invalid("its name is malformed"))?;
        if header::belongs_to_transport(name.as_str()) {
            return Err(invalid("it belongs to the transport"));
        }
        let value = HeaderValue::from_bytes(value.expose_to_target().as_bytes());
        let mut value = value.map_err(|_| invalid("its value has a line break or control character"))?;
        value.set_sensitive(true);
        if map.insert(name, value).is_some() {
            return Err(invalid("it stands twice"));
        }
    }
    Ok(map)
}
