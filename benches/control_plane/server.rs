//! The server that is measured: the release binary as a process of its own, over a folder that goes at the end.

use std::fmt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use trueup::base::ident::Name;
use trueup::object::action::ActionKind;
use trueup::object::changeset::{Expected, Operation, Write};
use trueup::store::{Clock, Store};

use crate::applied::{create, write};
use crate::sender::Load;

const BINARY: &str = env!("CARGO_BIN_EXE_trueup");

pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    pub(crate) token: String,
    folder: TempDir,
}

type Objects = Vec<(String, Value)>;

fn base() -> Objects {
    vec![("System/crm".into(), json!({ "platform": "web" }))]
}

fn destination(url: &str) -> Value {
    json!({ "platform": "Bench", "method": "POST", "url": url })
}

fn webhook(event: &str, destination: &str) -> Value {
    json!({ "system": "crm", "event": event, "destination": destination })
}

/// Nothing listens to the menu; so many webhooks listen to something else.
pub(crate) fn quiet(others: usize) -> Objects {
    let mut objects = base();
    objects.push(("Destination/other".into(), destination("http://127.0.0.1:1/")));
    objects.push(("Webhook/other".into(), webhook("survey.submitted", "other")));
    for n in 0..others {
        let condition = json!({ "conditions": [{ "property": "score", "operator": "lessThan", "value": n }] });
        let mut spec = webhook("survey.submitted", "other");
        if let (Value::Object(spec), Value::Object(condition)) = (&mut spec, condition) {
            spec.extend(condition);
        }
        objects.push((format!("Webhook/other-{n}"), spec));
    }
    objects
}

/// Surveys go to a receiver.
pub(crate) fn delivering(url: &str) -> Objects {
    let mut objects = base();
    objects.push(("Destination/here".into(), destination(url)));
    objects.push(("Webhook/here".into(), webhook("survey.submitted", "here")));
    objects
}

/// And shown ShoutOuts go to a place where nobody listens.
pub(crate) fn with_dead_destination(url: &str) -> Objects {
    let mut objects = delivering(url);
    objects.push(("Destination/dead".into(), destination("http://127.0.0.1:1/")));
    objects.push(("Webhook/dead".into(), webhook("shoutout.shown", "dead")));
    objects
}

impl Server {
    pub(crate) async fn start(objects: &Objects) -> Self {
        Self::beside(objects, &Vec::new()).await
    }

    /// With another project, `neighbour`, of these objects, whose configuration is in memory.
    pub(crate) async fn beside(objects: &Objects, neighbours: &Objects) -> Self {
        let parent = std::env::var_os("TRUEUP_BENCH_FOLDER").map_or_else(std::env::temp_dir, Into::into);
        let folder = tempfile::tempdir_in(parent).expect("a folder");
        apply(folder.path(), "acme", objects).await;
        let data = folder.path().to_str().expect("a path");
        let key = key(data, "acme");
        let mut neighbour = None;
        if !neighbours.is_empty() {
            apply(folder.path(), "neighbour", neighbours).await;
            neighbour = Some(self::key(data, "neighbour"));
        }
        let ready = folder.path().join("ready");
        let process = Command::new(BINARY)
            .args(["serve", "--data", data, "--listen", "127.0.0.1:0", "--allow-egress", "127.0.0.0/8"])
            .args(["--log-level", "warn", "--ready-file", ready.to_str().expect("a path")])
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a server");
        let url = loop {
            match std::fs::read_to_string(&ready) {
                Ok(url) if url.ends_with('\n') => break url,
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let address = url.trim().trim_start_matches("http://").to_owned();
        let token = token(&address, &key).await;
        let mut server = Self { process, address, token, folder };
        if let Some(neighbour) = neighbour {
            let token = self::token(&server.address, &neighbour).await;
            let own = std::mem::replace(&mut server.token, token);
            Load::new(&server, "menu.opened").batches(1, 1, 1).await;
            server.token = own;
        }
        server
    }

    /// The most memory it has taken, in MB; and the processor time, in seconds.
    fn cost(&self) -> (u64, f64) {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id()));
        let status = read("status").unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        let peak: u64 = peak.and_then(|text| text.parse().ok()).unwrap_or_default();
        let stat = read("stat").unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
        (peak / 1_024, (ticks(11) + ticks(12)) / 100.0)
    }

    /// The processor time it has taken.
    pub(crate) fn processor_time(&self) -> Duration {
        Duration::from_secs_f64(self.cost().1)
    }

    /// Deliveries pending and dead, and attempts that failed.
    pub(crate) async fn counts(&self) -> (u64, u64, u64) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let text = client.get(format!("http://{}/metrics", self.address)).send().await.expect("metrics");
        let text = text.text().await.expect("a text");
        let count = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|count| count.parse().ok()).unwrap_or_default()
        };
        let (queued, delivered) = (count("trueup_deliveries_queued_total"), count("trueup_deliveries_delivered_total"));
        let dead = count("trueup_deliveries_dead_total");
        (queued - delivered - dead, dead, count("trueup_deliveries_failed_total"))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (peak, processor) = self.cost();
        let data: u64 = std::fs::read_dir(self.folder.path())
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum())
            .unwrap_or_default();
        write!(f, "server: {peak} MB, {processor:.1} s of processor time, {} MB of data", data / 1_000_000)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn key(data: &str, project: &str) -> Value {
    let key = Command::new(BINARY)
        .args(["keys", "create", "--data", data, "--project", project, "--name", "bench"])
        .args(["--scope", "events:write", "--scope", "runtime:read", "-o", "json"])
        .output()
        .expect("a key");
    serde_json::from_slice(&key.stdout).expect("a key as JSON")
}

async fn token(address: &str, key: &Value) -> String {
    // Another server of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(format!("http://{address}/accounts/connect/token"));
    let request = request.basic_auth(key["client_id"].as_str().expect("an id"), key["client_secret"].as_str());
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await.expect("a token");
    let answer: Value = answer.json().await.expect("a token as JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// Writes objects as an apply does, with their systems published.
async fn apply(folder: &Path, project: &str, objects: &Objects) {
    let project: Name = project.parse().expect("a name");
    let store = Store::open(&folder.join("trueup.db"), None, Clock::system()).await.expect("a store");
    write(&store, &project, objects.iter().map(|(address, spec)| create(address, spec.clone())).collect()).await;
    let rows = store.reads().digests(&project).await.expect("rows").rows;
    let publish = rows.into_iter().filter(|row| row.published == Some(false)).map(|row| Write {
        address: row.address,
        action: ActionKind::PublishSettings,
        expected: Expected::Generation(row.generation),
        operation: Operation::PublishSettings,
    });
    write(&store, &project, publish.collect()).await;
    store.close().await.expect("closed");
}
