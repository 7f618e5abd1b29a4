//! `reconcile` tells people: its flags, and the worker that sends events and the status of commits.
//!
//! The worker has a thread of its own: a receiver that takes its time holds up no tick, and a tick that takes its time
//! no receiver.

mod github;
mod notify;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::Args;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::Timestamp;
use tokio::sync::Notify;
use url::Url;
use uuid::Uuid;

use super::exit::{self, Exit};
use super::{Context, target};
use crate::base::chance;
use crate::base::error_text::chain;
use crate::kinds::web_address;
use crate::reconcile::outcome::Tick;
use crate::reconcile::tell::event_v1::EventV1;
use crate::reconcile::tell::lane::{Carrier, Lane, Message, Surroundings};
use crate::reconcile::tell::notes::{Notes, NotesFile};
use crate::reconcile::tell::{commit_status, news};
use crate::reconcile::wish::Mode;
use crate::runtime::outgoing::{Outgoing, OutgoingSettings};
use github::{Repository, Status};

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long what waits is tried once reconciling has ended.
const GRACE: Duration = Duration::from_secs(5);

/// Who is told what.
#[derive(Clone, Debug, Args)]
pub struct TellArguments {
    /// Send events to this URL: https, or http within this machine.
    #[arg(long, value_name = "URL", value_parser = address, requires = "notify_secret_file")]
    notify_url: Option<Url>,
    /// The file with the secret that signs events, whsec_…; read again for each.
    #[arg(long, value_name = "FILE", requires = "notify_url")]
    notify_secret_file: Option<PathBuf>,
    /// Tell of failures once so many ticks in a row have failed.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    failing_after: u32,
    /// Give commits a status in this repository on GitHub.
    #[arg(long, value_name = "OWNER/REPO", value_parser = github::repository)]
    github_repository: Option<Repository>,
    /// Where GitHub's API is [default: `GITHUB_API_URL` of the environment, else `https://api.github.com`].
    #[arg(long, value_name = "URL", value_parser = address, requires = "github_repository")]
    github_api_url: Option<Url>,
    /// The file with a token that may write commit statuses, read again for each [default: GITHUB_TOKEN of the
    /// environment].
    #[arg(long, value_name = "FILE", requires = "github_repository")]
    github_token_file: Option<PathBuf>,
    /// The name of the status; of several projects the folder follows it [default: `trueup/<project>/<target>`].
    #[arg(long, value_name = "TEXT", value_parser = github::context, requires = "github_repository")]
    github_context: Option<String>,
}

/// Hears of ticks, and tells whoever is to know.
pub struct Telling {
    mode: Mode,
    failing_after: u32,
    notes: Notes,
    file: Option<NotesFile>,
    events: Option<Lane<String>>,
    statuses: Option<Lane<Status>>,
    context: github::ContextName,
    worker: Option<Worker>,
}

/// The thread that sends.
struct Worker {
    thread: JoinHandle<()>,
    closing: Arc<Notify>,
}

impl Telling {
    /// Gets ready to tell what the arguments say; without any it tells nobody. `notes` is the folder in which it is noted
    /// what was told, `several` whether there is more than one project.
    ///
    /// # Errors
    /// When a secret cannot be used, said on standard error.
    pub fn start(
        context: &Context,
        arguments: &TellArguments,
        mode: Mode,
        notes: Option<PathBuf>,
        several: bool,
    ) -> Result<Self, Exit> {
        let notify = notify::receiver(context, arguments)?;
        let github = github::receiver(context, arguments)?;
        let context = github::ContextName { given: arguments.github_context.clone(), several };
        let mut telling = Self {
            mode,
            failing_after: arguments.failing_after,
            notes: Notes::default(),
            file: None,
            events: None,
            statuses: None,
            context,
            worker: None,
        };
        if notify.is_none() && github.is_none() {
            return Ok(telling);
        }
        if let Some(folder) = notes {
            let (file, notes) = NotesFile::open(&folder);
            (telling.file, telling.notes) = (Some(file), notes);
        }
        telling.events = notify.as_ref().map(|_| Lane::default());
        telling.statuses = github.as_ref().map(|_| Lane::default());
        let closing = Arc::new(Notify::new());
        let work = work(telling.events.clone().zip(notify), telling.statuses.clone().zip(github), Arc::clone(&closing));
        let spawned = std::thread::Builder::new().name("tell".to_owned()).spawn(work);
        let thread = spawned.map_err(|error| exit::failed(format!("failed to start a thread: {error}")))?;
        telling.worker = Some(Worker { thread, closing });
        Ok(telling)
    }

    /// Tells what is new in a tick. Waits for nobody.
    pub fn hear(&mut self, tick: &Tick) {
        if self.worker.is_none() {
            return;
        }
        self.keep();
        let project = self.notes.of(&tick.path);
        let news = news::due(project, tick, self.failing_after);
        let since = Instant::now();
        if let Some(lane) = &self.events {
            for news in &news {
                let event = EventV1::new(news, tick, project, self.mode);
                match serde_json::to_string(&event) {
                    Ok(content) => {
                        let id = format!("evt_{}", Uuid::new_v4().simple());
                        lane.put(Message { id, about: event.kind, since, content });
                    }
                    Err(error) => tracing::error!(%error, about = event.kind, "an event could not be written down"),
                }
            }
        }
        if let Some(lane) = &self.statuses
            && let Some(status) = commit_status::due(project, tick, self.mode, self.failing_after)
        {
            let context = self.context.of(&tick.path, project);
            let about = format!("{} of {context} for {}", status.state.as_str(), status.commit);
            lane.put(Message { id: Uuid::new_v4().to_string(), about, since, content: Status { status, context } });
        }
    }

    /// Gives what waits a few seconds to arrive, and ends.
    pub fn finish(&mut self) {
        let Some(Worker { thread, closing }) = self.worker.take() else { return };
        if let Some(lane) = &self.events {
            lane.close();
        }
        if let Some(lane) = &self.statuses {
            lane.close();
        }
        closing.notify_one();
        if thread.join().is_err() {
            tracing::error!("the thread that tells people has failed");
        }
        let left = self.left();
        if left > 0 {
            let noted = self.file.is_some();
            tracing::warn!(left, "ended before all was told{}", if noted { ": the next start tells it" } else { "" });
        }
        self.keep();
    }

    fn left(&self) -> usize {
        self.events.as_ref().map_or(0, Lane::left) + self.statuses.as_ref().map_or(0, Lane::left)
    }

    /// Notes what was told, once it has arrived: what was under way when the process was killed is told again.
    fn keep(&mut self) {
        if self.left() == 0
            && let Some(file) = &mut self.file
        {
            file.keep(&self.notes);
        }
    }
}

/// What the thread does.
fn work(
    events: Option<(Lane<String>, notify::Receiver)>,
    statuses: Option<(Lane<Status>, github::Receiver)>,
    closing: Arc<Notify>,
) -> impl FnOnce() + Send + 'static {
    move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(%error, "nothing can be told: there is no event queue");
                return;
            }
        };
        runtime.block_on(async {
            let all = async { tokio::join!(serve(events.as_ref()), serve(statuses.as_ref())) };
            let too_late = async {
                closing.notified().await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                biased;
                _ = all => {}
                () = too_late => {}
            }
        });
        // A name that is still being looked up must not hold up the end.
        runtime.shutdown_background();
    }
}

async fn serve<T>(lane: Option<&(Lane<T>, impl Carrier<T>)>) {
    if let Some((lane, receiver)) = lane {
        lane.work(receiver, &ThisMachine).await;
    }
}

/// A client for one receiver, which whoever runs the program has chosen: so it may be anywhere, and behind the proxy that
/// the environment names.
fn client(context: &Context, url: &Url) -> Result<Outgoing, Exit> {
    // The first provider in a process stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let anywhere = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
    let settings = OutgoingSettings {
        allow_egress: anywhere.to_vec(),
        environment_proxies: !web_address::is_local(url),
        ca_pem: target::authorities(context)?,
        ..OutgoingSettings::default()
    };
    Outgoing::new(&settings).map_err(|error| exit::failed(format!("failed to {}", chain(&error))))
}

/// A receiver's name in the log: its address without what may be secret in it.
fn name(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The clocks of this machine, and its chance.
struct ThisMachine;

impl Surroundings for ThisMachine {
    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn random(&self) -> f64 {
        chance::random()
    }
}

/// An address that something signed or a token may be sent to.
fn address(text: &str) -> Result<Url, String> {
    let url = web_address::check(text)?;
    if url.scheme() == "https" || web_address::is_local(&url) {
        Ok(url)
    } else {
        Err("it is https, or http within this machine".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_of_this_machine() {
        assert!(address("https://hooks.test/x?key=1").is_ok() && address("http://127.0.0.1:1/").is_ok());
        for bad in ["http://hooks.test/", "ftp://a.test", "hooks.test", "https://u:p@a.test/"] {
            assert!(address(bad).is_err(), "{bad}");
        }
        let url = address("https://hooks.test:8443/secret?key=secret").expect("a URL");
        assert_eq!(name(&url), "https://hooks.test:8443");
    }
}
