//! What the stages cost, on 900 manifests of all kinds (100 of each), as `.ci/generate-manifests.py` writes them.
//!
//! `cargo bench` for all of them, `cargo bench --bench pipeline -- plan` for some. What whole runs of the program cost
//! is measured by `.ci/measure-performance`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing else to do")]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use trueup::apply::{Request, apply};
use trueup::base::digest::Digest;
use trueup::base::ident::PlanId;
use trueup::base::secret::{SecretRef, SecretText};
use trueup::desired::Desired;
use trueup::desired::load::load_project;
use trueup::desired::secrets::{SecretProblem, SecretSource, Secrets};
use trueup::kinds::canonical;
use trueup::live::{self, Live, Wanted};
use trueup::manifest::{self, Input, LoadOptions};
use trueup::object::lease::LEASE_RENEWAL;
use trueup::plan::selection::Selection;
use trueup::plan::{Plan, PlanOptions, build};
use trueup::provider::embedded::Embedded;
use trueup::store::{Clock, MasterKey, Store};

const MANIFESTS: &str = "900";

fn main() {
    let folder = generated();
    let desired = load(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
        .configure_from_args();
    loading(&mut criterion, folder.path());
    digests(&mut criterion, &desired);
    planning_and_applying(&mut criterion, &runtime, &desired);
    criterion.final_summary();
}

fn loading(criterion: &mut Criterion, folder: &Path) {
    let options = options(folder);
    criterion.bench_function("read YAML", |bench| {
        bench.iter(|| manifest::load(&options, &|document| black_box(document).value.is_object()));
    });
    criterion.bench_function("load (manifests to desired state)", |bench| bench.iter(|| load_project(&options)));
}

fn digests(criterion: &mut Criterion, desired: &Desired) {
    criterion.bench_function("canonical forms", |bench| {
        bench.iter(|| desired.objects.iter().filter(|object| black_box(object.canonical()).is_ok()).count());
    });
    let forms: Vec<_> = desired.objects.iter().filter_map(|object| object.canonical().ok()).collect();
    criterion.bench_function("digests", |bench| {
        bench.iter(|| forms.iter().map(canonical::digest).max());
    });
}

fn planning_and_applying(criterion: &mut Criterion, runtime: &Runtime, desired: &Desired) {
    let secrets = secrets(desired);
    let target = TempDir::new().expect("a temporary folder");
    let path = target.path().join("target.db");
    let store = open(runtime, &path, desired);
    let empty = read(runtime, &store, desired);
    criterion.bench_function("plan, all to create", |bench| bench.iter(|| plan(desired, &empty)));
    criterion.bench_function("apply of all", |bench| {
        let fresh = || {
            let folder = TempDir::new().expect("a temporary folder");
            let store = open(runtime, &folder.path().join("target.db"), desired);
            (folder, store, plan(desired, &empty))
        };
        bench.iter_batched(
            fresh,
            |(folder, store, plan)| {
                carry_out(runtime, &store, &plan, desired, &secrets);
                (folder, store)
            },
            BatchSize::PerIteration,
        );
    });
    carry_out(runtime, &store, &plan(desired, &empty), desired, &secrets);
    criterion.bench_function("read live state, unchanged", |bench| bench.iter(|| read(runtime, &store, desired)));
    let applied = read(runtime, &store, desired);
    criterion.bench_function("plan, nothing to change", |bench| bench.iter(|| plan(desired, &applied)));
}

/// A folder with a project; the caller keeps it.
fn generated() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/generate-manifests.py");
    let status = Command::new("python3").arg(script).arg(folder.path()).arg(MANIFESTS).status();
    assert!(status.expect("python3 starts").success(), "the manifests are generated");
    folder
}

fn options(folder: &Path) -> LoadOptions {
    LoadOptions {
        path: Input::Path(folder.to_owned()),
        working_folder: folder.to_owned(),
        target: None,
        vars: Vec::new(),
        var_files: Vec::new(),
        threads: None,
    }
}

fn load(folder: &Path) -> Desired {
    let loaded = load_project(&options(folder)).expect("a project");
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded.desired
}

/// The same content for every secret.
struct OneContent;

impl SecretSource for OneContent {
    fn read(&self, _: &SecretRef) -> Result<SecretText, SecretProblem> {
        Ok(SecretText::new("not really a secret".to_owned()))
    }
}

fn secrets(desired: &Desired) -> Secrets {
    let links = desired.objects.iter().flat_map(|object| &object.secrets);
    Secrets::read(&OneContent, links.map(|link| &link.reference))
}

fn open(runtime: &Runtime, path: &Path, desired: &Desired) -> Embedded<Store> {
    let key = MasterKey::random().expect("a key");
    let opened = Embedded::open_write(path, desired.project.name.clone(), Some(key), Clock::system());
    runtime.block_on(opened).expect("a store")
}

fn read(runtime: &Runtime, store: &Embedded<Store>, desired: &Desired) -> Live {
    let objects = desired.objects.iter().map(|object| (object.address.clone(), object.digest)).collect();
    let wanted = Wanted { objects, ..Wanted::default() };
    runtime.block_on(live::read(store, &wanted)).expect("live state")
}

fn plan(desired: &Desired, live: &Live) -> Plan {
    let options = PlanOptions {
        unavailable_secrets: std::collections::BTreeSet::new(),
        plan_id: PlanId(Uuid::new_v4()),
        now: Timestamp::now(),
        trueup_version: String::new(),
        adopt: false,
        prune: false,
        allow_empty: false,
        destroy: false,
        allow_send: false,
        max_deletes: 10,
        max_changed_percent: None,
        selection: Selection::default(),
        left_alone: std::collections::BTreeSet::new(),
        replace: Vec::new(),
    };
    build(desired, live, &options).expect("a plan")
}

fn carry_out(runtime: &Runtime, store: &Embedded<Store>, plan: &Plan, desired: &Desired, secrets: &Secrets) {
    let request = Request {
        plan,
        body: Digest::of_bytes(plan.plan_id.0.as_bytes()),
        desired,
        secrets,
        actor: "bench",
        commit: None,
        lease_renewal: LEASE_RENEWAL,
        interrupted: &|| false,
        heeds_suspensions: false,
    };
    let (_, outcome) = runtime.block_on(apply(store, &request, &mut drop));
    outcome.expect("it is applied");
}
