//! Listening for HTTP: the flags of `reconcile --listen`, and what `serve` says the same way.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::Context;
use super::exit::{self, Exit};
use crate::base::error_text::chain;
use crate::server::serve::ServeError;
use crate::server::settings::{ServerSettings, TlsFiles};
use crate::steward::service::{Hook, Service, ServiceError};
use crate::steward::standing::Standing;
use crate::steward::trigger::read_secret;

/// Whether a reconcile answers over HTTP, and how. `requires` alone would let the others pass beside `--once`, which
/// `--listen` cannot stand beside.
#[derive(Debug, Args)]
pub struct ListenArguments {
    /// Answer /healthz, /readyz, /metrics and /status here; port 0 takes a free one, which the log names.
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "once")]
    listen: Option<SocketAddr>,
    /// The certificate chain, PEM. Needed beyond this machine, unless --behind-proxy.
    #[arg(long, value_name = "FILE", requires = "tls_key", requires = "listen", conflicts_with = "once")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert", requires = "listen", conflicts_with = "once")]
    tls_key: Option<PathBuf>,
    /// A proxy in front speaks TLS with callers, or the network is trusted.
    #[arg(long, requires = "listen", conflicts_with = "once")]
    behind_proxy: bool,
    /// Take push hooks of GitHub and GitLab at POST /trigger, by the secret in this file.
    #[arg(long, value_name = "FILE", requires = "listen", conflicts_with = "once")]
    trigger_secret_file: Option<PathBuf>,
}

impl ListenArguments {
    /// Starts to answer, if it is wanted. `wake` ends the loop's wait.
    ///
    /// # Errors
    /// When it cannot listen or the secret cannot be read, which is said on standard error.
    pub async fn start(
        &self,
        context: &Context,
        standing: &Arc<Standing>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Option<Service>, Exit> {
        let Some(listen) = self.listen else { return Ok(None) };
        // The first provider in a process stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let in_folder = |path: &PathBuf| context.working_folder.join(path);
        let secret_file = self.trigger_secret_file.as_ref().map(in_folder);
        if let Some(file) = &secret_file {
            read_secret(file).await.map_err(|error| {
                exit::say_error(&format!("failed to {error}"), None);
                Exit::InvalidInput
            })?;
        }
        let tls = self.tls_cert.as_ref().zip(self.tls_key.as_ref());
        let settings = ServerSettings {
            tls: tls.map(|(certificate, key)| TlsFiles { certificate: in_folder(certificate), key: in_folder(key) }),
            behind_proxy: self.behind_proxy,
            ..ServerSettings::new(listen)
        };
        let hook = secret_file.map(|secret_file| Hook { secret_file, wake: Box::new(wake) });
        match Service::start(settings, Arc::clone(standing), hook) {
            Ok(service) => Ok(Some(service)),
            Err(ServiceError::Serve(error)) => Err(not_listening(&error)),
            Err(error @ (ServiceError::Start(_) | ServiceError::Ended)) => {
                Err(exit::failed(format!("failed to {error}")))
            }
        }
    }
}

/// An address to listen on.
///
/// # Errors
/// When it is none, with how one is written.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// Says why a server does not listen.
pub fn not_listening(error: &ServeError) -> Exit {
    let (help, exit) = match error {
        ServeError::Exposed(_) => (
            Some("give --tls-cert and --tls-key, or --behind-proxy when a proxy in front speaks TLS with callers"),
            Exit::Usage,
        ),
        ServeError::Certificate { .. } => (None, Exit::InvalidInput),
        ServeError::Listen { .. } => (None, Exit::Failed),
    };
    exit::say_error(&format!("failed to {}", chain(error)), help);
    exit
}
