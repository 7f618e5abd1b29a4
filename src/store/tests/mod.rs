//! Tests of the store's rules, against files in temporary folders.

mod bulk;
mod by_hand;
mod changesets;
mod files;
mod journal;
mod leases;
mod life_cycles;
mod properties;
mod prune;
mod secrets;
mod suspensions;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Clock, MasterKey, Store, StoreError};
use crate::base::digest::Digest;
use crate::base::ident::{FencingToken, Generation, Name, ObjectId, PlanId};
use crate::base::secret::SecretText;
use crate::kinds::{Address, Metadata};
use crate::object::action::ActionKind;
use crate::object::changeset::{Body, Changeset, ChangesetOutcome, Expected, Operation, SecretWrite, Write};
use crate::object::record::{DigestRow, ObjectRecord};

/// A clock that stands until it is turned.
#[derive(Clone)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_900_000_000)))
    }

    fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).expect("a time"))
    }

    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// A store in a folder that goes when the test ends.
struct Fixture {
    store: Store,
    time: Time,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let time = Time::new();
        let store = Store::open(&folder.path().join("t.db"), Some(key()), time.clock()).await.expect("a store");
        Self { store, time, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("t.db")
    }

    /// Applies writes as a new plan under a lease of its own.
    async fn apply(&self, writes: Vec<Write>) -> Result<ChangesetOutcome, StoreError> {
        let changeset = self.changeset(writes).await;
        self.store.changeset(&changeset).await
    }

    async fn changeset(&self, writes: Vec<Write>) -> Changeset {
        let plan = PlanId(Uuid::new_v4());
        self.store.break_lease(&project(), "test").await.expect("broken");
        let grant = self.store.take_lease(&project(), plan, "ci").await.expect("a lease");
        changeset(plan, grant.token, writes)
    }

    async fn applied(&self, writes: Vec<Write>) -> u64 {
        match self.apply(writes).await.expect("applied") {
            ChangesetOutcome::Applied { revision, .. } => revision.0,
            other @ ChangesetOutcome::AlreadyApplied(_) => panic!("{other:?}"),
        }
    }

    async fn rejected(&self, writes: Vec<Write>) -> String {
        match self.apply(writes).await {
            Err(error @ StoreError::Rejected { .. }) => error.to_string(),
            other => panic!("not rejected: {other:?}"),
        }
    }

    async fn rows(&self) -> Vec<DigestRow> {
        self.store.reads().digests(&project()).await.expect("digests").rows
    }

    async fn row(&self, text: &str) -> DigestRow {
        let mut rows = self.rows().await.into_iter().filter(|row| row.address == at(text) && !row.archived);
        rows.next().unwrap_or_else(|| panic!("no {text}"))
    }

    async fn record(&self, text: &str) -> ObjectRecord {
        let found = self.store.reads().read(&project(), Some(&[at(text)])).await.expect("read");
        found.into_iter().next().unwrap_or_else(|| panic!("no {text}"))
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let mut view = self.store.reads().view().await.expect("a view").expect("a file");
        sqlx::query_scalar(sql).fetch_one(&mut *view).await.expect("a count")
    }
}

fn key() -> MasterKey {
    "0123456789abcdef".repeat(4).parse().expect("a key")
}

fn project() -> Name {
    Name::from_any("acme")
}

fn at(text: &str) -> Address {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn body(address: &str, spec: Value) -> Body {
    Body { metadata: Metadata::named(at(address).name), spec, applied: None, secrets: Vec::new() }
}

fn secret(path: &str, content: &str) -> SecretWrite {
    SecretWrite { path: path.into(), content: SecretText::new(content.into()) }
}

fn changeset(plan_id: PlanId, fencing_token: FencingToken, writes: Vec<Write>) -> Changeset {
    Changeset {
        project: project(),
        plan_id,
        body: Digest::of_bytes(b"plan"),
        actor: "ci".into(),
        commit: Some("abc123".into()),
        fencing_token,
        writes,
        refresh: Vec::new(),
        heeds_suspensions: false,
    }
}

fn write(address: &str, action: ActionKind, expected: Expected, operation: Operation) -> Write {
    Write { address: at(address), action, expected, operation }
}

fn create(address: &str, spec: Value) -> Write {
    create_with(address, spec, Vec::new())
}

fn create_with(address: &str, spec: Value, secrets: Vec<SecretWrite>) -> Write {
    let body = Body { secrets, ..body(address, spec) };
    write(address, ActionKind::Create, Expected::Absent, Operation::Create(body))
}

fn update(address: &str, generation: Generation, spec: Value) -> Write {
    update_with(address, generation, spec, Vec::new())
}

fn update_with(address: &str, generation: Generation, spec: Value, secrets: Vec<SecretWrite>) -> Write {
    let body = Body { secrets, ..body(address, spec) };
    write(address, ActionKind::Update, Expected::Generation(generation), Operation::Update(body))
}

fn delete(address: &str, generation: Generation) -> Write {
    write(address, ActionKind::Delete, Expected::Generation(generation), Operation::Delete)
}

fn system() -> Value {
    json!({"platform": "web"})
}

fn destination(url: &str) -> Value {
    json!({"platform": "Slack", "method": "POST", "url": url})
}

fn secret_destination() -> Value {
    json!({"platform": "Slack", "method": "POST", "url": "https://a.test",
           "auth": {"type": "bearer", "token": {"fromEnv": "TOKEN"}}})
}

fn webhook(system: &str, destination: &str) -> Value {
    json!({"system": system, "event": "survey.submitted", "destination": destination})
}

fn id_of(outcome: &ChangesetOutcome, n: usize) -> Option<ObjectId> {
    match outcome {
        ChangesetOutcome::Applied { results, .. } => results.get(n).and_then(|result| result.id),
        ChangesetOutcome::AlreadyApplied(_) => None,
    }
}
