//! `trueup serve`: the control plane.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::{RangedI64ValueParser, StringValueParser, TypedValueParser as _};
use ipnet::IpNet;
use url::Url;

use crate::base::error_text::chain;
use crate::base::secret::SecretText;
use crate::cli::exit::{self, Exit};
use crate::cli::listening::{address, not_listening};
use crate::cli::server_folder::{FolderArguments, failed};
use crate::cli::view::log::{self, LogFormat, LogLevel};
use crate::cli::{Context, target};
use crate::runtime::hooks::HookSettings;
use crate::runtime::hooks::files::AllowedFolders;
use crate::runtime::outgoing::OutgoingSettings;
use crate::runtime::retention::{self, Keep};
use crate::runtime::{Engine, EngineError, EngineSettings};
use crate::server::folder_lock::{FolderLock, FolderLockError};
use crate::server::serve::{Drained, Server};
use crate::server::settings::{ServerSettings, TlsFiles};
use crate::server::state::AppState;
use crate::store::{Clock, Store};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// Where to listen; port 0 takes a free one, which the log names.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// The certificate chain, PEM. Needed beyond this machine, unless --behind-proxy.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy in front speaks TLS with callers, and says in `X-Forwarded-For` who they are.
    #[arg(long)]
    behind_proxy: bool,
    /// A range of addresses that requests may go to although it is not public; repeatable.
    #[arg(long, value_name = "CIDR", value_parser = range)]
    allow_egress: Vec<IpNet>,
    /// A proxy that makes all connections to the outside, and resolves names.
    #[arg(long, value_name = "URL")]
    egress_proxy: Option<Url>,
    /// How many days events are kept with their deliveries, once those are settled.
    #[arg(long, value_name = "DAYS", default_value_t = retention::EVENT_DAYS, value_parser = days())]
    keep_events: u32,
    /// How many days runs of workflows are kept after their end, with their tasks, logs and e-mails.
    #[arg(long, value_name = "DAYS", default_value_t = retention::RUN_DAYS, value_parser = days())]
    keep_runs: u32,
    /// How many days notifications that calls have sent are kept after their end; also how long it is known who has read
    /// one that has ended.
    #[arg(long, value_name = "DAYS", default_value_t = retention::NOTIFICATION_DAYS, value_parser = days())]
    keep_notifications: u32,
    /// The mail server that e-mails of workflows are handed to, `smtp://…` or `smtps://…`; they stay in the outbox
    /// without one. May hold a user and a password.
    #[arg(long, value_name = "URL", hide_env_values = true, value_parser = StringValueParser::new().map(SecretText::new))]
    smtp_url: Option<SecretText>,
    /// The user whose rights incoming webhooks have that impersonate nobody.
    #[arg(long, value_name = "USER", default_value = HookSettings::ENGINE_IDENTITY, value_parser = user_name)]
    engine_identity: String,
    /// A user with system access to all requests of workflows; repeatable.
    #[arg(long, value_name = "USER", value_parser = user_name)]
    system_user: Vec<String>,
    /// A folder that calls of incoming webhooks may name files in; repeatable.
    #[arg(long, value_name = "DIR")]
    allow_file_folder: Vec<PathBuf>,
    /// Write the server's URL to this file once it listens.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Form of the log on standard error.
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
    /// Least of what is logged.
    #[arg(long, value_enum, default_value_t)]
    log_level: LogLevel,
}

/// The signal that ended a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    /// From a service manager: an end as it should be.
    Terminate,
    /// From a keyboard.
    Interrupt,
}

/// Serves until a signal.
pub fn run(context: &Context, arguments: &Arguments) -> Exit {
    log::begin(arguments.log_format, arguments.log_level);
    // The first provider in a process stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(serve(context, arguments)).unwrap_or_else(|exit| exit),
        Err(error) => exit::failed(format!("failed to start: {error}")),
    }
}

async fn serve(context: &Context, arguments: &Arguments) -> Result<Exit, Exit> {
    let in_folder = |path: &PathBuf| context.working_folder.join(path);
    let tls = arguments.tls_cert.as_ref().zip(arguments.tls_key.as_ref());
    let settings = ServerSettings {
        tls: tls.map(|(certificate, key)| TlsFiles { certificate: in_folder(certificate), key: in_folder(key) }),
        behind_proxy: arguments.behind_proxy,
        ..ServerSettings::new(arguments.listen)
    };
    // Before a folder is made for a server that may not be.
    settings.check().map_err(|error| not_listening(&error))?;
    let store = Arc::new(arguments.folder.open(context).await?);
    let lock = FolderLock::take(&arguments.folder.folder(context));
    let lock = match lock {
        Ok(lock) => lock,
        Err(error) => {
            let _ = store.close().await;
            return Err(not_locked(&error));
        }
    };
    let engine = match start(context, arguments, &store).await {
        Ok(engine) => Arc::new(engine),
        Err(exit) => {
            let _ = store.close().await;
            return Err(exit);
        }
    };
    let server = match Server::bind(AppState::new(Arc::clone(&engine), settings)).await {
        Ok(server) => server,
        Err(error) => {
            engine.stop(Duration::ZERO).await;
            let _ = store.close().await;
            return Err(not_listening(&error));
        }
    };
    let url = server.url();
    let signals = signals().map_err(|error| exit::failed(format!("failed to wait for signals: {error}")))?;
    if let Some(file) = &arguments.ready_file {
        let path = in_folder(file);
        let written = std::fs::write(&path, format!("{url}\n"));
        written.map_err(|error| exit::failed(format!("failed to write {}: {error}", path.display())))?;
    }
    tracing::info!(url, "listening");
    let mut signal = Signal::Terminate;
    let drained = server.run(async { signal = signals.await }).await;
    if let Drained::CutOff(connections) = drained {
        tracing::warn!(connections, "the time for ending has passed: cut off");
    }
    engine.stop(ENGINE_GRACE).await;
    store.close().await.map_err(|error| failed(&error))?;
    drop(lock);
    tracing::info!("ended");
    Ok(match signal {
        Signal::Interrupt => Exit::Interrupted,
        Signal::Terminate => Exit::Done,
    })
}

/// How long what the engine has under way may take once nobody is served any more.
const ENGINE_GRACE: Duration = Duration::from_secs(10);

/// Starts the engine as the arguments say.
async fn start(context: &Context, arguments: &Arguments, store: &Arc<Store>) -> Result<Engine, Exit> {
    let outgoing = OutgoingSettings {
        allow_egress: arguments.allow_egress.clone(),
        proxy: arguments.egress_proxy.clone(),
        ca_pem: target::authorities(context)?,
        ..OutgoingSettings::default()
    };
    let keep = Keep::days(arguments.keep_events, arguments.keep_runs, arguments.keep_notifications);
    let mail_server = arguments.smtp_url.clone();
    let hooks = HookSettings {
        engine_identity: arguments.engine_identity.clone(),
        system_users: arguments.system_user.iter().cloned().collect(),
        allowed_folders: allowed_folders(context, &arguments.allow_file_folder)?,
    };
    let settings = EngineSettings { outgoing, keep, mail_server, hooks, ..EngineSettings::default() };
    let started = Engine::start(Arc::clone(store), Clock::system(), &settings).await;
    started.map_err(|error| {
        exit::say_error(&format!("failed to {}", chain(&error)), None);
        match error {
            EngineError::MailServer(_) => Exit::Usage,
            EngineError::Outgoing(_) | EngineError::Store(_) => Exit::Failed,
        }
    })
}

fn allowed_folders(context: &Context, folders: &[PathBuf]) -> Result<AllowedFolders, Exit> {
    let folders: Vec<PathBuf> = folders.iter().map(|folder| context.working_folder.join(folder)).collect();
    AllowedFolders::new(&folders).map_err(|error| {
        exit::say_error(&format!("failed to {}", chain(&error)), None);
        Exit::Usage
    })
}

/// A range of addresses; an address alone is a range of one.
fn range(text: &str) -> Result<IpNet, String> {
    let range = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    range.map_err(|_| "write a range of addresses such as 10.0.0.0/8, or one address".to_owned())
}

/// A number of days: up to a hundred years.
fn days() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=36_500)
}

/// A user's name as calls write it.
fn user_name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| "a user's name is one line of 1 to 255 bytes".to_owned())
}

/// Waits for the first signal. The handlers are in place when this returns.
#[cfg(unix)]
fn signals() -> std::io::Result<impl Future<Output = Signal>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
        }
    })
}

/// Waits for the signal there is.
#[cfg(not(unix))]
fn signals() -> std::io::Result<impl Future<Output = Signal>> {
    Ok(async {
        // Without a handler it runs until it is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    })
}

fn not_locked(error: &FolderLockError) -> Exit {
    let help = match error {
        FolderLockError::Held(_) => Some("give each server a folder of its own, or end the other one"),
        FolderLockError::File { .. } => None,
    };
    exit::say_error(&format!("failed to {}", chain(error)), help);
    Exit::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ranges_say_how_they_are_written() {
        assert!(address("127.0.0.1:0").is_ok() && address("[::1]:8080").is_ok());
        assert!(address("localhost:8080").is_err_and(|error| error.contains("127.0.0.1:8080")));
        assert_eq!(range("10.1.2.3").map(|range| range.to_string()).as_deref(), Ok("10.1.2.3/32"));
        assert_eq!(range("fd00::/8").map(|range| range.to_string()).as_deref(), Ok("fd00::/8"));
        assert!(range("10.0.0.0/40").is_err_and(|error| error.contains("10.0.0.0/8")));
    }
}
