//! Random histories keep the invariants.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::*;
use crate::kinds::Kind;

/// One step of a history; numbers pick names and contents.
#[derive(Clone, Debug)]
enum Step {
    Changeset(Vec<(u8, u8, u8)>),
    Put(u8, u8),
    Remove(u8),
    Halt(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (0..8u8, 0..8u8, 0..4u8);
    let step = prop_oneof![
        4 => proptest::collection::vec(one, 1..3).prop_map(Step::Changeset),
        2 => (0..8u8, 0..4u8).prop_map(|(what, content)| Step::Put(what, content)),
        1 => (0..8u8).prop_map(Step::Remove),
        1 => (0..8u8).prop_map(Step::Halt),
    ];
    proptest::collection::vec(step, 1..16)
}

/// Eight addresses that refer to each other.
fn place(what: u8) -> &'static str {
    match what {
        0 => "System/desk",
        1 => "Destination/a",
        2 => "Destination/b",
        3 => "Template/t",
        4 => "Notification/n",
        5 => "Workflow/w",
        6 => "Webhook/w",
        _ => "IncomingWebhook/i",
    }
}

fn content(what: u8, variant: u8) -> (Value, Vec<SecretWrite>) {
    match what {
        0 => (json!({"platform": "workstation", "censor": {"inputText": variant == 0}}), vec![]),
        1 | 2 if variant.is_multiple_of(2) => (destination(&format!("https://host-{variant}.test")), vec![]),
        1 | 2 => (secret_destination(), vec![secret("spec.auth.token", &format!("content {variant}"))]),
        3 => (json!({"system": "desk", "title": format!("title {variant}"), "body": "b"}), vec![]),
        4 => {
            let n =
                json!({"system": "desk", "template": "t", "endUsers": ["kim@acme.test"], "title": variant.to_string()});
            (n, vec![])
        }
        5 => {
            let step = json!({"name": "ask", "type": "webhook", "method": "GET", "url": format!("https://v{variant}.test"),
                "headers": {"X-Key": {"fromEnv": "K"}}, "routes": {"success": "bye", "failure": "bye"}});
            let spec = json!({"start": "ask", "steps": [step, {"name": "bye", "type": "end"}]});
            (spec, vec![secret("spec.steps[ask].headers.X-Key", &format!("key {variant}"))])
        }
        6 => (webhook("desk", if variant.is_multiple_of(2) { "a" } else { "b" }), vec![]),
        _ => (json!({"description": variant.to_string(), "workflows": ["w"]}), vec![]),
    }
}

/// A write that may or may not be allowed, with the generation that is right now.
fn random_write(rows: &[DigestRow], (operation, what, variant): (u8, u8, u8)) -> Write {
    let address = place(what);
    let row = rows.iter().find(|row| row.address == at(address) && !row.archived);
    let archived = rows.iter().rev().find(|row| row.address == at(address) && row.archived);
    let expected = row.map_or(Expected::Absent, |row| Expected::Generation(row.generation));
    let (spec, secrets) = content(what, variant);
    let body = Body { secrets, ..body(address, spec) };
    let (action, operation) = match (operation, row) {
        (0 | 1, None) => (ActionKind::Create, Operation::Create(body)),
        (2, None) => {
            let expected = archived.map_or(Expected::Absent, |row| Expected::Generation(row.generation));
            return write(address, ActionKind::Restore, expected, Operation::Restore(Some(body)));
        }
        (0 | 1, Some(_)) if at(address).kind == Kind::Workflow => (ActionKind::NewVersion, Operation::NewVersion(body)),
        (0 | 1, _) => (ActionKind::Update, Operation::Update(body)),
        (2 | 3, _) => (ActionKind::Replace, Operation::Replace(body)),
        (4, _) => (ActionKind::Delete, Operation::Delete),
        (5, _) => (ActionKind::Archive, Operation::Archive),
        (6, _) => (ActionKind::Adopt, Operation::Adopt(None)),
        _ => (ActionKind::PublishSettings, Operation::PublishSettings),
    };
    write(address, action, expected, operation)
}

async fn take(f: &Fixture, step: &Step) -> Result<(), StoreError> {
    let place_of = |what: &u8| at(place(*what));
    match step {
        Step::Changeset(writes) => {
            let rows = f.rows().await;
            f.apply(writes.iter().map(|write| random_write(&rows, *write)).collect()).await.map(|_| ())
        }
        Step::Put(what, variant) => {
            let (spec, secrets) = content(*what, *variant);
            let metadata = Metadata::named(place_of(what).name);
            f.store.put_by_hand(&project(), &place_of(what), metadata, spec, secrets, "ana", None).await.map(|_| ())
        }
        Step::Remove(what) => f.store.delete_by_hand(&project(), &place_of(what), "ana", None).await.map(|_| ()),
        Step::Halt(what) => f.store.set_halted(&project(), &place_of(what), true, "e").await.map(|_| ()),
    }
}

async fn check(f: &Fixture, last: u64, failed: bool) -> u64 {
    let snapshot = f.store.reads().digests(&project()).await.expect("digests");
    let revision = snapshot.revision.0;
    assert!(revision == last || (revision == last + 1 && !failed), "{last} {revision} {failed}");
    let mut live: Vec<&Address> = snapshot.rows.iter().filter(|row| !row.archived).map(|row| &row.address).collect();
    let count = live.len();
    live.dedup();
    assert_eq!(live.len(), count, "one live object an address");
    assert!(snapshot.rows.iter().all(|row| row.generation.0 <= revision));
    for orphans in [
        "SELECT count(*) FROM secrets WHERE object NOT IN (SELECT id FROM objects)",
        "SELECT count(*) FROM versions WHERE object NOT IN (SELECT id FROM objects)",
        "SELECT count(*) FROM tokens WHERE object NOT IN (SELECT id FROM objects)",
        "SELECT count(*) FROM object_references WHERE object NOT IN (SELECT id FROM objects WHERE archived = 0)",
        "SELECT count(*) FROM object_references WHERE target NOT IN (SELECT id FROM objects WHERE archived = 0)",
        "SELECT count(*) FROM objects WHERE name LIKE '/%'",
        "SELECT count(*) FROM pragma_foreign_key_check",
    ] {
        assert_eq!(f.count(orphans).await, 0, "{orphans}");
    }
    for record in f.store.reads().read(&project(), None).await.expect("read") {
        let mut metadata = serde_json::to_value(&record.metadata).expect("metadata");
        metadata.as_object_mut().expect("a map").remove("name");
        assert_eq!(Digest::of_json(&json!({"metadata": metadata, "spec": record.spec})), record.digest);
        // Every secret the spec refers to is held, and none that it does not refer to, older versions apart.
        let wanted = record.spec.to_string().matches("fromEnv").count();
        let held = f.store.secrets_of(&project(), record.id).await.expect("secrets").len();
        assert_eq!(held, wanted, "{}", record.address);
        let versions = f.store.reads().versions(record.id).await.expect("versions");
        let listed = record.server_set.get("versions").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(versions.len(), listed);
    }
    revision
}

#[test]
fn random_histories_keep_the_invariants() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // How many steps were carried out and how many refused: both must happen, or the histories test nothing.
    let counts = std::cell::Cell::new((0, 0));
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let run = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let f = Fixture::new().await;
            let all = (0..8).map(|what| random_write(&[], (0, what, 0)));
            let mut revision = f.applied(all.collect()).await;
            for step in &steps {
                let outcome = take(&f, step).await;
                let (done, refused) = counts.get();
                counts.set(if outcome.is_ok() { (done + 1, refused) } else { (done, refused + 1) });
                if let Err(error) = &outcome {
                    let expected =
                        matches!(error, StoreError::Rejected { .. } | StoreError::Conflict(_) | StoreError::Absent(_));
                    assert!(expected, "{error:?} after {step:?}");
                }
                revision = check(&f, revision, outcome.is_err()).await;
            }
        });
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    let (done, refused) = counts.get();
    assert!(done > 40 && refused > 40, "{done} {refused}");
}
