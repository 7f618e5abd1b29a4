//! The stages driven in this process, against the store of a temporary project: with a clock that a test turns and
//! secrets from a map. The binary works on the same files where a test needs it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use trueup::apply::report::Report;
use trueup::apply::{ApplyError, Request, apply};
use trueup::base::diagnostic::Diagnostic;
use trueup::base::ident::{Name, PlanId};
use trueup::base::secret::{SecretRef, SecretText};
use trueup::desired::load::{LoadedProject, load_project};
use trueup::desired::secrets::{SecretProblem, SecretSource, Secrets};
use trueup::kinds::{Address, Metadata};
use trueup::live;
use trueup::manifest::{Input, LoadOptions};
use trueup::object::audit::{AuditEntry, AuditQuery};
use trueup::object::lease::LEASE_RENEWAL;
use trueup::object::record::{DigestRow, ObjectRecord, Snapshot};
use trueup::plan::file_v1::body_digest;
use trueup::plan::selection::Selection;
use trueup::plan::wanted::wanted;
use trueup::plan::{Plan, PlanOptions, build};
use trueup::provider::embedded::Embedded;
use trueup::provider::{ProviderError, Reader, Writer};
use trueup::store::{Clock, ReadStore, Store};
use uuid::Uuid;

use crate::served::Served;
use crate::support::Project;
use crate::world::{SECRETS, World};

/// The name of the project.
pub(crate) const PROJECT: &str = "acme";
/// Who applies in this process.
pub(crate) const ACTOR: &str = "rig@here";

thread_local! {
    static OVER_HTTP: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test with rigs whose target is a server.
pub(crate) fn over_http(test: fn()) {
    OVER_HTTP.set(true);
    test();
}

/// A temporary project with the embedded target, or a server over the same file: see [`over_http`].
pub(crate) struct Rig {
    /// The folder and the binary.
    pub(crate) project: Project,
    now: Arc<AtomicI64>,
    served: Option<Served>,
    plans: Cell<u128>,
    lease_renewal: Cell<Duration>,
    secrets: BTreeMap<String, String>,
    runtime: tokio::runtime::Runtime,
}

/// A plan with what it was made from.
pub(crate) struct Planned {
    /// The plan.
    pub(crate) plan: Plan,
    loaded: LoadedProject,
    secrets: Secrets,
}

/// Everything that the store says of a project.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    /// All rows.
    pub(crate) snapshot: Snapshot,
    /// All live objects in full.
    pub(crate) records: Vec<ObjectRecord>,
    /// The audit.
    pub(crate) audit: Vec<AuditEntry>,
}

impl State {
    /// What a file of a store says of a project.
    pub(crate) async fn of(file: &Path, project: &str, clock: Clock) -> Self {
        let project: Name = project.parse().expect("a name");
        let store = ReadStore::open(file, None, clock).await.expect("an open store");
        let snapshot = store.digests(&project).await.expect("rows");
        let records = store.read(&project, None).await.expect("records");
        let audit = store.audit(&project, &AuditQuery::default()).await.expect("the audit");
        store.close().await;
        Self { snapshot, records, audit }
    }

    /// The row of a live object.
    pub(crate) fn row(&self, address: &str) -> &DigestRow {
        let row = self.snapshot.rows.iter().find(|row| !row.archived && row.address.to_string() == address);
        row.unwrap_or_else(|| panic!("{address} is not live: {:?}", self.addresses()))
    }

    /// A live object in full.
    pub(crate) fn record(&self, address: &str) -> &ObjectRecord {
        let record = self.records.iter().find(|record| record.address.to_string() == address);
        record.unwrap_or_else(|| panic!("{address} is not live: {:?}", self.addresses()))
    }

    /// The addresses of live objects, sorted.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let live = self.snapshot.rows.iter().filter(|row| !row.archived);
        let mut addresses: Vec<String> = live.map(|row| row.address.to_string()).collect();
        addresses.sort();
        addresses
    }

    /// The addresses of archived objects.
    pub(crate) fn archived(&self) -> Vec<String> {
        self.snapshot.rows.iter().filter(|row| row.archived).map(|row| row.address.to_string()).collect()
    }
}

/// Opens a rig's target again and again, in the rig's time and with its secrets.
pub(crate) struct Opener {
    now: Arc<AtomicI64>,
    secrets: BTreeMap<String, String>,
    database: std::path::PathBuf,
    server: Option<Box<dyn Fn() -> trueup::provider::server::Server + Send + Sync>>,
}

impl Opener {
    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now.load(Ordering::SeqCst)).expect("a time")
    }

    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Clock::new(move || Timestamp::from_second(now.load(Ordering::SeqCst)).expect("a time"))
    }

    /// The secrets of a project.
    pub(crate) fn secrets(&self, desired: &trueup::desired::Desired) -> Secrets {
        let references = desired.objects.iter().flat_map(|object| &object.secrets);
        Secrets::read(&Map(&self.secrets), references.map(|secret| &secret.reference))
    }

    /// The target, for reading.
    pub(crate) async fn reader(&self) -> Result<Box<dyn Reader>, ProviderError> {
        if let Some(server) = &self.server {
            return Ok(Box::new(server()));
        }
        Ok(Box::new(Embedded::open_read(&self.database, Rig::name(), None, self.clock()).await?))
    }

    /// The target, for writing.
    pub(crate) async fn writer(&self) -> Result<Box<dyn Writer>, ProviderError> {
        if let Some(server) = &self.server {
            return Ok(Box::new(server()));
        }
        Ok(Box::new(Embedded::open_write(&self.database, Rig::name(), None, self.clock()).await?))
    }
}

impl Opener {
    /// Changes something of an object by hand that is beside what it does. Not for a rig with a server.
    pub(crate) async fn touch_by_hand(&self, address: &str) {
        let address: Address = address.parse().expect("an address");
        let store = Store::open(&self.database, None, self.clock()).await.expect("an open store");
        let read = store.reads().read(&Rig::name(), Some(std::slice::from_ref(&address))).await.expect("a read");
        let record = read.into_iter().next().expect("an object");
        let metadata = Metadata { description: Some("touched".to_owned()), ..record.metadata };
        let project = Rig::name();
        let put = store.put_by_hand(&project, &address, metadata, record.spec, Vec::new(), "kim@console", None).await;
        put.expect("a change by hand");
        store.close().await.expect("a closed store");
    }
}

struct Map<'m>(&'m BTreeMap<String, String>);

impl SecretSource for Map<'_> {
    fn read(&self, reference: &SecretRef) -> Result<SecretText, SecretProblem> {
        match reference {
            SecretRef::FromEnv(name) => match self.0.get(name) {
                Some(text) => Ok(SecretText::new(text.clone())),
                None => Err(SecretProblem::NotSet(name.clone())),
            },
            SecretRef::FromFile(_) | SecretRef::FromCommand(_) => Err(SecretProblem::NotAllowed("no".to_owned())),
        }
    }
}

impl Rig {
    /// An empty project, with a content for each secret of [`SECRETS`].
    pub(crate) fn new() -> Self {
        let mut project = Project::in_memory();
        project
            .write("trueup.yaml", &format!("apiVersion: trueup/v1\nkind: Project\nmetadata: {{ name: {PROJECT} }}\n"));
        let secrets: BTreeMap<String, String> =
            SECRETS.iter().map(|name| ((*name).to_owned(), format!("content-of-{name}"))).collect();
        for (name, content) in &secrets {
            project.set(name, content);
        }
        let now: Timestamp = "2031-06-01T12:00:00Z".parse().expect("a time");
        let now = Arc::new(AtomicI64::new(now.as_second()));
        let served = OVER_HTTP.get().then(|| {
            let served = Served::start(&project.join(".trueup/local.db"), &now);
            project.write("trueup.yaml", &served.project_file(served.url()));
            project.set("RIG_CLIENT_SECRET", served.client_secret());
            served
        });
        Self {
            project,
            now,
            served,
            plans: Cell::new(1),
            lease_renewal: Cell::new(LEASE_RENEWAL),
            secrets,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
        }
    }

    /// A project with these manifests.
    pub(crate) fn with(manifests: &str) -> Self {
        let rig = Self::new();
        rig.write(manifests);
        rig
    }

    /// A project with these manifests, applied.
    pub(crate) fn applied(manifests: &str) -> Self {
        let rig = Self::with(manifests);
        rig.converge();
        rig
    }

    /// Puts these manifests in the place of all there are.
    pub(crate) fn write(&self, manifests: &str) {
        self.project.write("manifests.yaml", manifests);
    }

    /// Puts a random project in the place of all there is.
    pub(crate) fn write_world(&self, world: &World) {
        self.write(&world.text());
    }

    /// Turns the clock of everything that happens in this process.
    pub(crate) fn set_now(&self, now: &str) {
        let now: Timestamp = now.parse().expect("a time");
        self.now.store(now.as_second(), Ordering::SeqCst);
    }

    /// Changes a secret, or takes it away; for this process only.
    pub(crate) fn set_secret(&mut self, name: &str, content: Option<&str>) {
        match content {
            Some(content) => self.secrets.insert(name.to_owned(), content.to_owned()),
            None => self.secrets.remove(name),
        };
    }

    /// The clock of everything that happens in this process, in seconds since 1970.
    pub(crate) fn hands(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.now)
    }

    /// Renews the lease this often in an apply in this process.
    pub(crate) fn renew_every(&self, time: Duration) {
        self.lease_renewal.set(time);
    }

    /// What opens the target.
    pub(crate) fn opener(&self) -> Opener {
        let server = self.served.as_ref().map(|served| Box::new(served.opener()) as Box<_>);
        Opener { now: self.hands(), secrets: self.secrets.clone(), database: self.database(), server }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_second(self.now.load(Ordering::SeqCst)).expect("a time")
    }

    fn clock(&self) -> Clock {
        let now = self.time();
        Clock::new(move || now)
    }

    /// The server, when the target is one.
    pub(crate) fn served(&self) -> &Served {
        self.served.as_ref().expect("a server")
    }

    /// Whether the target is a server.
    pub(crate) fn is_served(&self) -> bool {
        self.served.is_some()
    }

    async fn with_reader<T>(&self, work: impl AsyncFnOnce(&dyn Reader) -> T) -> T {
        if let Some(served) = &self.served {
            return work(&served.target).await;
        }
        let reader = Embedded::open_read(&self.database(), Self::name(), None, self.clock()).await;
        work(&reader.expect("a readable store")).await
    }

    pub(crate) async fn with_writer<T>(&self, work: impl AsyncFnOnce(&dyn Writer) -> T) -> T {
        if let Some(served) = &self.served {
            return work(&served.target).await;
        }
        let writer = Embedded::open_write(&self.database(), Self::name(), None, self.clock()).await;
        let writer = writer.expect("a writable store");
        let done = work(&writer).await;
        writer.store().close().await.expect("a closed store");
        done
    }

    fn name() -> Name {
        PROJECT.parse().expect("a name")
    }

    fn database(&self) -> std::path::PathBuf {
        self.project.join(".trueup/local.db")
    }

    /// Waits for a future.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Does something with the store open for writing.
    pub(crate) fn in_store<T>(&self, work: impl AsyncFnOnce(&Store) -> T) -> T {
        self.wait(async {
            let store = Store::open(&self.database(), None, self.clock()).await.expect("an open store");
            let done = work(&store).await;
            store.close().await.expect("a closed store");
            done
        })
    }

    /// Loads the manifests, which must be free of errors.
    pub(crate) fn load(&self) -> LoadedProject {
        let options = LoadOptions {
            path: Input::Path(".".into()),
            working_folder: self.project.path().canonicalize().expect("a folder"),
            target: None,
            vars: Vec::new(),
            var_files: Vec::new(),
            threads: None,
        };
        let loaded = load_project(&options).expect("a project");
        let errors: Vec<&Diagnostic> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
        let text = std::fs::read_to_string(self.project.join("manifests.yaml")).unwrap_or_default();
        assert!(errors.is_empty(), "{errors:#?}\n{text}");
        loaded
    }

    /// Options of a plan that prunes and has no limits.
    pub(crate) fn options(&self) -> PlanOptions {
        self.plans.set(self.plans.get() + 1);
        plan_options(self.plans.get(), self.time())
    }

    /// Plans with these options.
    pub(crate) fn try_plan(&self, options: &PlanOptions) -> Result<Planned, Vec<Diagnostic>> {
        self.plan_through(options).expect("live state")
    }

    /// Plans with these options, where even reading may fail.
    pub(crate) fn plan_through(
        &self,
        options: &PlanOptions,
    ) -> Result<Result<Planned, Vec<Diagnostic>>, ProviderError> {
        let loaded = self.load();
        let references = loaded.desired.objects.iter().flat_map(|object| &object.secrets);
        let secrets = Secrets::read(&Map(&self.secrets), references.map(|secret| &secret.reference));
        let wanted = wanted(&loaded.desired, &secrets, &options.replace);
        let live = self.wait(self.with_reader(async |reader| live::read(reader, &wanted).await))?;
        drop(wanted);
        Ok(build(&loaded.desired, &live, options).map(|plan| Planned { plan, loaded, secrets }))
    }

    /// Plans with these options, which must be possible.
    pub(crate) fn plan_with(&self, options: &PlanOptions) -> Planned {
        let text = || std::fs::read_to_string(self.project.join("manifests.yaml")).unwrap_or_default();
        self.try_plan(options).unwrap_or_else(|problems| panic!("no plan: {problems:#?}\n{}", text()))
    }

    /// Plans everything, with pruning.
    pub(crate) fn plan(&self) -> Planned {
        self.plan_with(&self.options())
    }

    /// Applies a plan.
    pub(crate) fn try_apply(&self, planned: &Planned) -> (Report, Result<(), ApplyError>) {
        self.wait(self.with_writer(async |writer| self.apply_to(writer, planned).await))
    }

    /// Applies a plan through a writer.
    pub(crate) async fn apply_to(&self, writer: &dyn Writer, planned: &Planned) -> (Report, Result<(), ApplyError>) {
        let Planned { plan, loaded, secrets } = planned;
        let body = body_digest(plan).expect("a digest");
        let request = Request {
            plan,
            body,
            desired: &loaded.desired,
            secrets,
            actor: ACTOR,
            commit: None,
            lease_renewal: self.lease_renewal.get(),
            interrupted: &|| false,
            heeds_suspensions: false,
        };
        apply(writer, &request, &mut |_| {}).await
    }

    /// Applies a plan, which must succeed.
    pub(crate) fn apply(&self, planned: &Planned) -> Report {
        let (report, outcome) = self.try_apply(planned);
        if let Err(error) = outcome {
            panic!("apply failed: {error:?}\n{}", actions(&planned.plan).join("\n"));
        }
        report
    }

    /// Plans everything and applies it.
    pub(crate) fn converge(&self) -> Report {
        self.apply(&self.plan())
    }

    /// What the store says now.
    pub(crate) fn state(&self) -> State {
        self.state_of(PROJECT)
    }

    /// What the store says now of a project.
    pub(crate) fn state_of(&self, project: &str) -> State {
        self.wait(State::of(&self.database(), project, self.clock()))
    }

    /// Changes an object by hand: `change` gets its spec.
    pub(crate) fn change_by_hand(&self, address: &str, change: impl FnOnce(&mut Value)) {
        let state = self.state();
        let record = state.record(address);
        let mut spec = record.spec.clone();
        change(&mut spec);
        self.put_by_hand(address, record.metadata.clone(), spec);
    }

    /// Changes something of an object by hand that is beside what it does.
    pub(crate) fn touch_by_hand(&self, address: &str) {
        let state = self.state();
        let record = state.record(address);
        let metadata = Metadata { description: Some("touched".to_owned()), ..record.metadata.clone() };
        self.put_by_hand(address, metadata, record.spec.clone());
    }

    /// Makes an object by hand.
    pub(crate) fn make_by_hand(&self, address: &str, spec: Value) {
        let name = address.split_once('/').expect("an address").1;
        self.put_by_hand(address, Metadata::named(name.parse().expect("a name")), spec);
    }

    fn put_by_hand(&self, address: &str, metadata: Metadata, spec: Value) {
        let address: Address = address.parse().expect("an address");
        self.in_store(async |store| {
            let project = Self::name();
            store.put_by_hand(&project, &address, metadata, spec, Vec::new(), "kim@console", None).await
        })
        .expect("a change by hand");
    }

    /// Removes an object by hand.
    pub(crate) fn remove_by_hand(&self, address: &str) {
        let address: Address = address.parse().expect("an address");
        let removed =
            self.in_store(async |store| store.delete_by_hand(&Self::name(), &address, "kim@console", None).await);
        removed.expect("a removal by hand");
    }
}

/// Options of a plan, by its number, that prunes and has no limits.
pub(crate) fn plan_options(number: u128, now: Timestamp) -> PlanOptions {
    PlanOptions {
        plan_id: PlanId(Uuid::from_u128(number)),
        now,
        trueup_version: "0.0.0".to_owned(),
        adopt: false,
        prune: true,
        allow_empty: false,
        destroy: false,
        unavailable_secrets: std::collections::BTreeSet::new(),
        allow_send: false,
        max_deletes: usize::MAX,
        max_changed_percent: None,
        selection: Selection::default(),
        left_alone: std::collections::BTreeSet::new(),
        replace: Vec::new(),
    }
}

/// The actions of a plan, a line each: `update Webhook/a`.
pub(crate) fn actions(plan: &Plan) -> Vec<String> {
    plan.actions.iter().map(|action| format!("{} {}", action.action, action.address)).collect()
}
