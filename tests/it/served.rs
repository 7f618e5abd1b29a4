//! A server in this process over a file that a test also opens itself; a key of its project; a proxy before it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use trueup::base::ident::Name;
use trueup::base::secret::SecretText;
use trueup::object::access::{Scope, Scopes};
use trueup::provider::server::{Connection, Patience, Server as Target};
use trueup::runtime::{Engine, EngineSettings};
use trueup::server::serve::Server;
use trueup::server::settings::ServerSettings;
use trueup::server::state::AppState;
use trueup::store::{Clock, NewKey, Store};

use crate::fault_proxy::FaultProxy;

/// A running server.
pub(crate) struct Served {
    engine: Arc<Engine>,
    key: NewKey,
    url: String,
    /// The provider, through the proxy, by the rig's key.
    pub(crate) target: Target,
    /// Between the provider and the server.
    pub(crate) proxy: FaultProxy,
    stop: Option<oneshot::Sender<()>>,
    runtime: tokio::runtime::Runtime,
}

impl Served {
    /// A server over this file, by this clock (seconds since 1970), with a key of the rig's project for everything.
    pub(crate) fn start(data: &Path, now: &Arc<AtomicI64>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let now = Arc::clone(now);
        let clock = Clock::new(move || Timestamp::from_second(now.load(Ordering::SeqCst)).expect("a time"));
        let (engine, key, address, stop) = runtime.block_on(async {
            let store = Arc::new(Store::open(data, None, clock.clone()).await.expect("an open store"));
            let project = Name::from_any(crate::rig::PROJECT);
            let scopes = Scopes::all();
            let key = store.create_key(&project, &Name::from_any("rig"), &scopes, "rig@here").await.expect("a key");
            let engine = Arc::new(Engine::start(store, clock, &EngineSettings::default()).await.expect("an engine"));
            let settings = ServerSettings::new(SocketAddr::from(([127, 0, 0, 1], 0)));
            let server = Server::bind(AppState::new(Arc::clone(&engine), settings)).await.expect("a server");
            let address = server.address();
            let (stop, stopped) = oneshot::channel();
            tokio::spawn(server.run(async move {
                let _ = stopped.await;
            }));
            (engine, key, address, stop)
        });
        let proxy = runtime.block_on(FaultProxy::before(address));
        let secret = key.secret.expose_to_target().to_owned();
        let target = target(&proxy.url(), key.key.client_id.to_string(), secret);
        Self { target, engine, key, url: format!("http://{address}"), proxy, stop: Some(stop), runtime }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Opens the target once more, each time it is called.
    pub(crate) fn opener(&self) -> impl Fn() -> Target + Send + Sync + 'static {
        let (url, id, secret) = (self.proxy.url(), self.key.key.client_id.to_string(), self.client_secret().to_owned());
        move || target(&url, id.clone(), secret.clone())
    }

    /// The secret of the rig's key.
    pub(crate) fn client_secret(&self) -> &str {
        self.key.secret.expose_to_target()
    }

    /// A project file whose only target is this server, found at `url`.
    pub(crate) fn project_file(&self, url: &str) -> String {
        format!(
            "apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: {} }}\nspec:\n  targets:\n    local:\n      \
             server: {{ url: \"{url}\", clientId: \"{}\", clientSecret: {{ fromEnv: RIG_CLIENT_SECRET }} }}\n",
            crate::rig::PROJECT,
            self.key.key.client_id,
        )
    }

    /// A key of the rig's project with these scopes: its id and its secret.
    pub(crate) fn key(&self, name: &str, scopes: &[Scope]) -> (String, String) {
        let scopes: Scopes = scopes.iter().copied().collect();
        let (project, name) = (Name::from_any(crate::rig::PROJECT), Name::from_any(name));
        let key = self.runtime.block_on(self.engine.store().create_key(&project, &name, &scopes, "rig@here"));
        let key = key.expect("a key");
        (key.key.client_id.to_string(), key.secret.expose_to_target().to_owned())
    }
}

/// The provider for a server, by a key.
pub(crate) fn target(url: &str, client_id: String, secret: String) -> Target {
    let connection = Connection {
        url: url.parse().expect("a URL"),
        client_id,
        client_secret: SecretText::new(secret),
        trusted: None,
        patience: Patience {
            request: Duration::from_secs(2),
            connect: Duration::from_secs(2),
            attempts: 3,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(5),
        },
    };
    Target::new(connection, Name::from_any(crate::rig::PROJECT)).expect("a target")
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}
