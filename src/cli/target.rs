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
use crate::reconcile::hands::OpenError;
use crate::store::{Clock, MasterKey};

/// How a control plane is reached.
#[derive(Clone, Debug, Default, Args)]
pub struct ServerArguments {
    /// Talk to no server but this one: a project file that names another is refused.
    #[arg(long, global = true, value_name = "URL", help_heading = EVERYWHERE)]
    pub server_url: Option<Url>,
    /// Trust the certificates in this file (PEM): of a target's server in place of the system's; of what `serve` calls,
    /// and of who is told by `reconcile`, beside them.
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
    try_reader(context, project, allowed).await.map_err(|error| say(&error))
}

/// Opens a target for writing.
///
/// # Errors
/// When it cannot be opened, which is said on standard error.
pub async fn writer(context: &Context, project: &Project, allowed: &SecretArguments) -> Result<Box<dyn Writer>, Exit> {
    try_writer(context, project, allowed).await.map_err(|error| say(&error))
}

/// The control plane of a project's target.
///
/// # Errors
/// When the target is none, its secret cannot be read, or `--server-url` says another; said on standard error.
pub fn server(context: &Context, project: &Project, allowed: &SecretArguments) -> Result<Server, Exit> {
    try_server(context, project, allowed).map_err(|error| say(&error))
}

/// Opens a target for reading, and says nothing.
///
/// # Errors
/// When it cannot be opened.
pub async fn try_reader(
    context: &Context,
    project: &Project,
    allowed: &SecretArguments,
) -> Result<Box<dyn Reader>, OpenError> {
    match &project.target.settings {
        TargetSettings::Embedded { data } => {
            let opened = Embedded::open_read(data, project.name.clone(), try_master_key()?, Clock::system()).await;
            Ok(Box::new(opened?))
        }
        TargetSettings::Server { .. } => Ok(Box::new(try_server(context, project, allowed)?)),
    }
}

/// Opens a target for writing, and says nothing.
///
/// # Errors
/// When it cannot be opened.
pub async fn try_writer(
    context: &Context,
    project: &Project,
    allowed: &SecretArguments,
) -> Result<Box<dyn Writer>, OpenError> {
    match &project.target.settings {
        TargetSettings::Embedded { data } => {
            let opened = Embedded::open_write(data, project.name.clone(), try_master_key()?, Clock::system()).await;
            Ok(Box::new(opened?))
        }
        TargetSettings::Server { .. } => Ok(Box::new(try_server(context, project, allowed)?)),
    }
}

fn try_server(context: &Context, project: &Project, allowed: &SecretArguments) -> Result<Server, OpenError> {
    let Project { name, root, target, .. } = project;
    let (url, client_id, client_secret) = match &target.settings {
        TargetSettings::Server { url, client_id, client_secret } => (url, client_id, client_secret),
        TargetSettings::Embedded { data: _ } => {
            let help = "choose a target with `server` by --target; `trueup serve` runs one";
            let message = format!("the target {} is embedded, and this needs a server", target.name);
            return Err(unusable(message, Some(help)));
        }
    };
    check_pinned(context.server.server_url.as_ref(), url)?;
    let source = GuardedSource::new(root, &context.working_folder, allowed);
    let client_secret = source.read(client_secret).map_err(|problem| {
        let message = format!("the secret of the key for the target {} is not available: {problem}", target.name);
        unusable(message, environment_help(client_secret).as_deref())
    })?;
    let connection = Connection {
        url: url.clone(),
        client_id: client_id.clone(),
        client_secret,
        trusted: try_authorities(context)?,
        patience: Patience::default(),
    };
    Server::new(connection, name.clone()).map_err(|error| match error {
        // Nothing was asked yet, let alone written: the target itself is at fault.
        ProviderError::Rejected { address: None, reason } => {
            unusable(format!("the target {} cannot be used: {reason}", target.name), None)
        }
        error => error.into(),
    })
}

fn unusable(message: String, help: Option<&str>) -> OpenError {
    OpenError::Unusable { message, help: help.map(str::to_owned), forbidden: false }
}

/// Says on standard error why a target cannot be opened.
fn say(error: &OpenError) -> Exit {
    match error {
        OpenError::Provider(error) => return exit::provider(error),
        OpenError::Unusable { message, help, forbidden: _ } => exit::say_error(message, help.as_deref()),
        OpenError::Failed(message) => exit::say_error(message, None),
    }
    exit_of(error)
}

/// The exit code of a target that cannot be opened.
#[must_use]
pub fn exit_of(error: &OpenError) -> Exit {
    match error {
        OpenError::Provider(error) => Exit::of_provider(error),
        OpenError::Unusable { forbidden: true, .. } => Exit::NotAllowed,
        OpenError::Unusable { forbidden: false, .. } => Exit::InvalidInput,
        OpenError::Failed(_) => Exit::Failed,
    }
}

/// The certificates of `--ca-file`, PEM.
///
/// # Errors
/// When the file cannot be read or has no certificate in it, said on standard error.
pub fn authorities(context: &Context) -> Result<Option<Vec<u8>>, Exit> {
    try_authorities(context).map_err(|error| say(&error))
}

fn try_authorities(context: &Context) -> Result<Option<Vec<u8>>, OpenError> {
    let Some(file) = &context.server.ca_file else { return Ok(None) };
    let path = context.working_folder.join(file);
    let pem = std::fs::read(&path);
    let pem = pem.map_err(|error| OpenError::Failed(format!("failed to read {}: {error}", path.display())))?;
    // Without any, nothing would be trusted, and each server would seem to be at fault.
    if !CertificateDer::pem_slice_iter(&pem).any(|certificate| certificate.is_ok()) {
        let message = format!("there is no certificate in {}", path.display());
        let help = "a PEM file has a part that begins with -----BEGIN CERTIFICATE----- for each";
        return Err(unusable(message, Some(help)));
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
fn check_pinned(pinned: Option<&Url>, url: &Url) -> Result<(), OpenError> {
    match pinned.filter(|pinned| *pinned != url) {
        None => Ok(()),
        Some(pinned) => {
            let message = format!("the project file names the server {url}, and --server-url allows only {pinned}");
            let help = Some("choose another target, or correct the project file".to_owned());
            Err(OpenError::Unusable { message, help, forbidden: true })
        }
    }
}

/// The key given in the environment; without one the target keeps its own beside its data.
///
/// # Errors
/// When what is given is no key, which is said on standard error.
pub fn master_key() -> Result<Option<MasterKey>, Exit> {
    try_master_key().map_err(|error| say(&error))
}

fn try_master_key() -> Result<Option<MasterKey>, OpenError> {
    match std::env::var("TRUEUP_MASTER_KEY") {
        Ok(text) if !text.is_empty() => text.parse().map(Some).map_err(|_| {
            let help = "a key is 32 random bytes as 64 hex digits or base64, for example of `openssl rand -hex 32`";
            unusable("TRUEUP_MASTER_KEY is not a key".to_owned(), Some(help))
        }),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(unusable("TRUEUP_MASTER_KEY is not text".to_owned(), None)),
    }
}
