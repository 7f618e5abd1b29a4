//! Opening a project's target, for reading or for writing.

use std::path::PathBuf;

use clap::Args;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use super::arguments::SecretArguments;
use super::exit::{self, Exit};
use super::secret_source::GuardedSource;
use super::{Context, EVERYWHERE};
use crate::base::secret::SecretRef;
use crate::desired::secrets::SecretSource as _;
use crate::manifest::{Project, TargetSettings};
use crate::provider::embedded::Embedded;
use crate::provider::server::{Connection, Patience, Server};
use crate::provider::{ProviderError, Reader, Writer};
use crate::store::{Clock, MasterKey};

/// How a control plane is reached.
#[derive(Clone, Debug, Default, Args)]
pub struct ServerArguments {
    /// Talk to no server but this one: a project file that names another is refused.
    #[arg(long, global = true, value_name = "URL", help_heading = EVERYWHERE)]
    pub server_url: Option<Url>,
    /// Trust the certificates in this file (PEM): of a target's server in place of the system's, of what `serve` calls
    /// beside them.
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERYWHERE)]
    pub ca_file: Option<PathBuf>,
}

/// Runs asynchronous work to its end on this thread.
///
/// # Errors
/// When the operating system gives no event queue.
pub fn block_on<T>(work: impl Future<Output = Result<T, Exit>>) -> Result<T, Exit> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(exit::failed(format!("failed to start: {error}"))),
    }
}

/// Opens a target for reading. What is given can write nothing.
///
/// # Errors
/// When it cannot be opened, which is said on standard error.
pub async fn reader(context: &Context, project: &Project, allowed: &SecretArguments) -> Result<Box<dyn Reader>, Exit> {
    match &project.target.settings {
        TargetSettings::Embedded { data } => {
            let opened = Embedded::open_read(data, project.name.clone(), master_key()?, Clock::system()).await;
            opened.map(|embedded| Box::new(embedded) as Box<dyn Reader>).map_err(|error| exit::provider(&error))
        }
        TargetSettings::Server { .. } => Ok(Box::new(server(context, project, allowed)?)),
    }
}

/// Opens a target for writing.
///
/// # Errors
/// When it cannot be opened, which is said on standard error.
pub async fn writer(context: &Context, project: &Project, allowed: &SecretArguments) -> Result<Box<dyn Writer>, Exit> {
    match &project.target.settings {
        TargetSettings::Embedded { data } => {
            let opened = Embedded::open_write(data, project.name.clone(), master_key()?, Clock::system()).await;
            opened.map(|embedded| Box::new(embedded) as Box<dyn Writer>).map_err(|error| exit::provider(&error))
        }
        TargetSettings::Server { .. } => Ok(Box::new(server(context, project, allowed)?)),
    }
}

/// The control plane of a project's target.
///
/// # Errors
/// When the target is none, its secret cannot be read, or `--server-url` says another; said on standard error.
pub fn server(context: &Context, project: &Project, allowed: &SecretArguments) -> Result<Server, Exit> {
    let Project { name, root, target, .. } = project;
    let (url, client_id, client_secret) = match &target.settings {
        TargetSettings::Server { url, client_id, client_secret } => (url, client_id, client_secret),
        TargetSettings::Embedded { data: _ } => {
            let help = "choose a target with `server` by --target; `trueup serve` runs one";
            exit::say_error(&format!("the target {} is embedded, and this needs a server", target.name), Some(help));
            return Err(Exit::InvalidInput);
        }
    };
    check_pinned(context.server.server_url.as_ref(), url)?;
    let source = GuardedSource::new(root, &context.working_folder, allowed);
    let client_secret = source.read(client_secret).map_err(|problem| {
        let message = format!("the secret of the key for the target {} is not available: {problem}", target.name);
        exit::say_error(&message, environment_help(client_secret).as_deref());
        Exit::InvalidInput
    })?;
    let connection = Connection {
        url: url.clone(),
        client_id: client_id.clone(),
        client_secret,
        trusted: authorities(context)?,
        patience: Patience::default(),
    };
    Server::new(connection, name.clone()).map_err(|error| match error {
        // Nothing was asked yet, let alone written: the target itself is at fault.
        ProviderError::Rejected { address: None, reason } => {
            exit::say_error(&format!("the target {} cannot be used: {reason}", target.name), None);
            Exit::InvalidInput
        }
        error => exit::provider(&error),
    })
}

/// The certificates of `--ca-file`, PEM.
///
/// # Errors
/// When the file cannot be read or has no certificate in it, said on standard error.
pub fn authorities(context: &Context) -> Result<Option<Vec<u8>>, Exit> {
    let Some(file) = &context.server.ca_file else { return Ok(None) };
    let path = context.working_folder.join(file);
    let pem = std::fs::read(&path);
    let pem = pem.map_err(|error| exit::failed(format!("failed to read {}: {error}", path.display())))?;
    // Without any, nothing would be trusted, and each server would seem to be at fault.
    if !CertificateDer::pem_slice_iter(&pem).any(|certificate| certificate.is_ok()) {
        let message = format!("there is no certificate in {}", path.display());
        exit::say_error(&message, Some("a PEM file has a part that begins with -----BEGIN CERTIFICATE----- for each"));
        return Err(Exit::InvalidInput);
    }
    Ok(Some(pem))
}

fn environment_help(reference: &SecretRef) -> Option<String> {
    match reference {
        SecretRef::FromEnv(name) => Some(format!("set {name}; `trueup keys create` on the server makes a key")),
        SecretRef::FromFile(_) | SecretRef::FromCommand(_) => None,
    }
}

/// A project file may come with a pull request: where the key is sent is for whoever runs the program to say.
fn check_pinned(pinned: Option<&Url>, url: &Url) -> Result<(), Exit> {
    match pinned.filter(|pinned| *pinned != url) {
        None => Ok(()),
        Some(pinned) => {
            let message = format!("the project file names the server {url}, and --server-url allows only {pinned}");
            exit::say_error(&message, Some("choose another target, or correct the project file"));
            Err(Exit::NotAllowed)
        }
    }
}

/// The key given in the environment; without one the target keeps its own beside its data.
///
/// # Errors
/// When what is given is no key, which is said on standard error.
pub fn master_key() -> Result<Option<MasterKey>, Exit> {
    match std::env::var("TRUEUP_MASTER_KEY") {
        Ok(text) if !text.is_empty() => text.parse().map(Some).map_err(|_| {
            exit::say_error(
                "TRUEUP_MASTER_KEY is not a key",
                Some("a key is 32 random bytes as 64 hex digits or base64, for example of `openssl rand -hex 32`"),
            );
            Exit::InvalidInput
        }),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            exit::say_error("TRUEUP_MASTER_KEY is not text", None);
            Err(Exit::InvalidInput)
        }
    }
}
