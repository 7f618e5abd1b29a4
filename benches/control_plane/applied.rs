//! Writes to a store as an apply makes them.

use serde_json::Value;
use trueup::base::digest::Digest;
use trueup::base::ident::{Name, PlanId};
use trueup::kinds::{Address, Metadata};
use trueup::object::action::ActionKind;
use trueup::object::changeset::{Body, Changeset, Expected, Operation, Write};
use trueup::store::Store;
use uuid::Uuid;

/// Makes an object.
pub(crate) fn create(address: &str, spec: Value) -> Write {
    let address: Address = address.parse().expect("an address");
    let metadata = Metadata::named(address.name.clone());
    let operation = Operation::Create(Body { metadata, spec, applied: None, secrets: Vec::new() });
    Write { address, action: ActionKind::Create, expected: Expected::Absent, operation }
}

/// Takes the lease, writes, gives it back.
pub(crate) async fn write(store: &Store, project: &Name, writes: Vec<Write>) {
    let plan_id = PlanId(Uuid::new_v4());
    let grant = store.take_lease(project, plan_id, "bench").await.expect("a lease");
    let changeset = Changeset {
        project: project.clone(),
        plan_id,
        body: Digest::of_bytes(b"bench"),
        actor: "bench".into(),
        commit: None,
        fencing_token: grant.token,
        writes,
        refresh: Vec::new(),
        heeds_suspensions: false,
    };
    store.changeset(&changeset).await.expect("applied");
    store.release_lease(project, plan_id, grant.token).await.expect("released");
}
