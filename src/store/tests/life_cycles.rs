//! Life cycles of kinds that are frozen once used or whose versions grow.

use serde_json::json;

use super::*;
use crate::object::audit::AuditQuery;
use crate::store::{Removed, StoredVersion};

fn desk() -> Value {
    json!({"platform": "workstation"})
}

fn template(title: &str) -> Value {
    json!({"system": "desk", "title": title, "body": "text"})
}

fn notification() -> Value {
    json!({"system": "desk", "template": "t", "endUsers": ["kim@acme.test"]})
}

/// A workflow that says one thing and calls out under a secret.
fn workflow(say: &str) -> Value {
    json!({"start": "ask", "steps": [
        {"name": "ask", "type": "sayGather", "say": say, "gather": {"variable": "answer"},
         "routes": {"gathered": "call", "noInput": "bye"}},
        {"name": "call", "type": "webhook", "method": "GET", "url": "https://shop.test/x",
         "headers": {"X-Key": {"fromEnv": "SHOP_KEY"}}, "routes": {"success": "bye", "failure": "bye"}},
        {"name": "bye", "type": "end"},
    ]})
}

fn shop_key() -> Vec<SecretWrite> {
    vec![secret("spec.steps[call].headers.X-Key", "shop key content")]
}

fn on(address: &str, action: ActionKind, generation: Generation, operation: Operation) -> Write {
    write(address, action, Expected::Generation(generation), operation)
}

async fn pointers(f: &Fixture) -> (usize, Value, Value) {
    let set = f.record("Workflow/w").await.server_set;
    (set["versions"].as_array().map_or(0, Vec::len), set["current"].clone(), set["test"].clone())
}

#[tokio::test]
async fn a_template_is_used_once_something_refers_to_it() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/desk", desk()), create("Template/t", template("a"))]).await;
    let unused = f.row("Template/t").await;
    assert!(!unused.used);
    f.applied(vec![update("Template/t", unused.generation, template("b"))]).await;
    f.applied(vec![create("Notification/n", notification())]).await;
    let used = f.row("Template/t").await;
    assert!(used.used && used.generation.0 == 3, "an older plan goes stale");
    // A second reference changes nothing more.
    f.applied(vec![create("Notification/m", notification())]).await;
    assert_eq!(f.row("Template/t").await.generation, used.generation);
    let reason = f.rejected(vec![update("Template/t", used.generation, template("c"))]).await;
    assert!(reason.contains("only be replaced"), "{reason}");
    let metadata = Metadata::named(at("Template/t").name);
    let by_hand =
        f.store.put_by_hand(&project(), &at("Template/t"), metadata, template("c"), vec![], "ana", None).await;
    assert!(matches!(by_hand, Err(StoreError::Rejected { .. })));
    let mut described = body("Template/t", template("b"));
    described.metadata.description = Some("for people".into());
    f.applied(vec![on("Template/t", ActionKind::Update, used.generation, Operation::Update(described))]).await;
    let audit = f.store.reads().audit(&project(), &AuditQuery::default()).await.expect("audit");
    assert_eq!(audit.iter().filter(|entry| entry.action == "mark-used").count(), 1);
}

#[tokio::test]
async fn a_template_made_with_its_notification_is_used_at_once() {
    let f = Fixture::new().await;
    f.applied(vec![
        create("Notification/n", notification()),
        create("Template/t", template("a")),
        create("System/desk", desk()),
    ])
    .await;
    assert!(f.row("Template/t").await.used);
    // A reference by id uses it just the same.
    f.applied(vec![create("Template/u", template("u"))]).await;
    let id = f.row("Template/u").await.id;
    let mut by_id = notification();
    by_id["template"] = json!({"id": id.to_string()});
    f.applied(vec![create("Notification/by-id", by_id)]).await;
    assert!(f.row("Template/u").await.used);
}

#[tokio::test]
async fn a_used_template_is_archived_and_an_unused_one_deleted() {
    let f = Fixture::new().await;
    f.applied(vec![
        create("System/desk", desk()),
        create("Template/t", template("a")),
        create("Template/unused", template("a")),
        create("Notification/n", notification()),
    ])
    .await;
    let old = f.row("Template/t").await;
    let replace = Operation::Replace(body("Template/t", template("b")));
    f.applied(vec![
        on("Template/t", ActionKind::Replace, old.generation, replace),
        update("Notification/n", Generation(1), notification()),
    ])
    .await;
    let new = f.record("Template/t").await;
    assert_ne!(new.id, old.id);
    assert!(new.used, "the notification refers to the new one now");
    assert_eq!(f.record("Notification/n").await.server_set["references"]["spec.template"], json!(new.id.to_string()));
    let archived = f.store.reads().read_archived(&project(), &[at("Template/t")]).await.expect("archived");
    assert_eq!(archived.iter().map(|r| (r.id, r.archived)).collect::<Vec<_>>(), [(old.id, true)]);
    assert!(f.store.reads().read_by_id(&project(), old.id).await.expect("read").is_some(), "its id keeps answering");
    let unused = f.row("Template/unused").await.generation;
    f.applied(vec![delete("Template/unused", unused)]).await;
    f.applied(vec![delete("Notification/n", f.row("Notification/n").await.generation)]).await;
    let reason = f.rejected(vec![delete("Template/t", new.generation)]).await;
    assert!(reason.contains("archived"), "{reason}");
    let removed = f.store.delete_by_hand(&project(), &at("Template/t"), "ana", None).await.expect("removed");
    assert_eq!(removed, Removed::Archived);
    let addresses: Vec<_> = f.rows().await.into_iter().map(|row| (row.address.to_string(), row.archived)).collect();
    assert_eq!(
        addresses,
        [("System/desk".to_owned(), false), ("Template/t".to_owned(), true), ("Template/t".to_owned(), true)]
    );
}

#[tokio::test]
async fn the_times_of_a_notification_are_settled_by_the_target() {
    let f = Fixture::new().await;
    f.applied(vec![
        create("System/desk", desk()),
        create("Template/t", template("a")),
        create("Notification/n", notification()),
    ])
    .await;
    let made = f.record("Notification/n").await.server_set;
    assert_eq!(made["startAt"], json!("2030-03-17T17:46:40Z"));
    f.time.pass(3600);
    let mut spec = notification();
    spec["title"] = "other".into();
    f.applied(vec![update("Notification/n", Generation(1), spec.clone())]).await;
    let changed = f.record("Notification/n").await.server_set;
    assert_eq!((&changed["startAt"], &changed["endAt"]), (&made["startAt"], &made["endAt"]));
    f.time.pass(40 * 24 * 3600);
    let reason = f.rejected(vec![update("Notification/n", Generation(2), notification())]).await;
    assert!(reason.contains("history"), "{reason}");
}

#[tokio::test]
async fn versions_only_grow() {
    let f = Fixture::new().await;
    f.applied(vec![create_with("Workflow/w", workflow("one"), shop_key())]).await;
    assert_eq!(pointers(&f).await, (1, json!(1), Value::Null));
    let reason = f.rejected(vec![update("Workflow/w", Generation(1), workflow("two"))]).await;
    assert!(reason.contains("new version"), "{reason}");
    let grow = |generation, spec| {
        on("Workflow/w", ActionKind::NewVersion, generation, Operation::NewVersion(body("Workflow/w", spec)))
    };
    f.applied(vec![grow(Generation(1), workflow("two"))]).await;
    assert_eq!(pointers(&f).await, (2, json!(2), Value::Null));
    // `release: test` moves the other pointer; what lies beside the versions changes in place.
    let mut test = workflow("three");
    test["release"] = "test".into();
    f.applied(vec![grow(Generation(2), test)]).await;
    assert_eq!(pointers(&f).await, (3, json!(2), json!(3)));
    let current = |generation, version, spec| {
        let operation = Operation::MakeCurrent { version, body: body("Workflow/w", spec) };
        on("Workflow/w", ActionKind::MakeCurrent, generation, operation)
    };
    let reason = f.rejected(vec![current(Generation(3), 1, workflow("two"))]).await;
    assert!(reason.contains("version 1"), "{reason}");
    f.applied(vec![current(Generation(3), 1, workflow("one"))]).await;
    assert_eq!(pointers(&f).await, (3, json!(1), json!(3)));
    let mut open = workflow("one");
    open["access"] = json!({"public": true, "subProcess": true});
    f.applied(vec![update("Workflow/w", Generation(4), open)]).await;
    assert_eq!(pointers(&f).await, (3, json!(1), json!(3)));
    let versions = f.store.reads().versions(f.row("Workflow/w").await.id).await.expect("versions");
    let said: Vec<_> =
        versions.iter().map(|StoredVersion { version, spec, .. }| (*version, &spec["steps"][0]["say"])).collect();
    assert_eq!(said, [(1, &json!("one")), (2, &json!("two")), (3, &json!("three"))]);
    let reason = f.rejected(vec![delete("Workflow/w", Generation(5))]).await;
    assert!(reason.contains("archived"), "{reason}");
}

#[tokio::test]
async fn a_first_version_for_testing_leaves_none_current() {
    let f = Fixture::new().await;
    let mut spec = workflow("one");
    spec["release"] = "test".into();
    f.applied(vec![create_with("Workflow/w", spec, shop_key())]).await;
    assert_eq!(pointers(&f).await, (1, Value::Null, json!(1)));
    // Releasing it is the same version under the other pointer.
    let operation = Operation::MakeCurrent { version: 1, body: body("Workflow/w", workflow("one")) };
    f.applied(vec![on("Workflow/w", ActionKind::MakeCurrent, Generation(1), operation)]).await;
    assert_eq!(pointers(&f).await, (1, json!(1), json!(1)));
}

#[tokio::test]
async fn a_workflow_comes_back_with_its_versions() {
    let f = Fixture::new().await;
    let made = f.apply(vec![create_with("Workflow/w", workflow("one"), shop_key())]).await.expect("applied");
    f.applied(vec![on("Workflow/w", ActionKind::Archive, Generation(1), Operation::Archive)]).await;
    assert!(f.rows().await.iter().all(|row| row.archived));
    let restore = |expected, spec| {
        let operation = Operation::Restore(Some(body("Workflow/w", spec)));
        write("Workflow/w", ActionKind::Restore, Expected::Generation(Generation(expected)), operation)
    };
    assert!(matches!(f.apply(vec![restore(1, workflow("one"))]).await, Err(StoreError::Conflict(_))));
    // As apply sends it: the restore carries the content, and the new version that follows makes no second one.
    let grow = Operation::NewVersion(body("Workflow/w", workflow("two")));
    f.applied(vec![
        restore(2, workflow("two")),
        write("Workflow/w", ActionKind::NewVersion, Expected::WrittenBefore, grow),
    ])
    .await;
    assert_eq!(pointers(&f).await, (2, json!(2), Value::Null));
    let record = f.record("Workflow/w").await;
    assert_eq!(Some(record.id), id_of(&made, 0));
    assert_eq!(f.store.secrets_of(&project(), record.id).await.expect("secrets").len(), 1);
}

#[tokio::test]
async fn by_hand_a_workflow_gets_a_version_where_it_needs_one() {
    let f = Fixture::new().await;
    f.applied(vec![create_with("Workflow/w", workflow("one"), shop_key())]).await;
    let put = async |spec| {
        let metadata = Metadata::named(at("Workflow/w").name);
        f.store.put_by_hand(&project(), &at("Workflow/w"), metadata, spec, vec![], "ana", None).await.expect("put");
        pointers(&f).await
    };
    assert_eq!(put(workflow("two")).await, (2, json!(2), Value::Null));
    assert_eq!(put(workflow("one")).await, (2, json!(1), Value::Null));
    let mut open = workflow("one");
    open["access"] = json!({"public": true, "subProcess": true});
    assert_eq!(put(open).await, (2, json!(1), Value::Null));
    let row = f.row("Workflow/w").await;
    assert_ne!(row.last_applied_digest, Some(row.digest), "that is drift");
}

#[tokio::test]
async fn versions_are_frozen_with_what_they_refer_to() {
    let f = Fixture::new().await;
    let tell = json!({"start": "tell", "steps": [
        {"name": "tell", "type": "notify", "template": "t", "endUsers": ["kim@acme.test"], "routes": {"next": "bye"}},
        {"name": "bye", "type": "end"},
    ]});
    f.applied(vec![
        create("System/desk", desk()),
        create("Template/t", template("a")),
        create("Workflow/w", tell.clone()),
    ])
    .await;
    let old = f.row("Template/t").await;
    assert!(old.used);
    f.applied(vec![
        on("Template/t", ActionKind::Replace, old.generation, Operation::Replace(body("Template/t", template("b")))),
        on("Workflow/w", ActionKind::NewVersion, Generation(1), Operation::NewVersion(body("Workflow/w", tell))),
    ])
    .await;
    let versions = f.store.reads().versions(f.row("Workflow/w").await.id).await.expect("versions");
    let referred: Vec<_> = versions.iter().map(|version| version.references["spec.steps[tell].template"]).collect();
    assert_eq!(referred, [old.id, f.row("Template/t").await.id]);
}

#[tokio::test]
async fn a_hook_has_a_token_that_finds_it() {
    let f = Fixture::new().await;
    f.applied(vec![create("IncomingWebhook/shop", json!({"description": "sign-ups"}))]).await;
    let tokens = f.store.tokens(&project()).await.expect("tokens");
    let [(address, id, token)] = tokens.as_slice() else { panic!("{tokens:?}") };
    assert_eq!((address, token.expose_to_target().len()), (&at("IncomingWebhook/shop"), 43));
    let owner = f.store.reads().by_token(token).await.expect("found").expect("an owner");
    assert_eq!((owner.id, owner.project), (*id, project()));
    let other = SecretText::new("x".repeat(43));
    assert!(f.store.reads().by_token(&other).await.expect("looked up").is_none());
    f.applied(vec![update("IncomingWebhook/shop", Generation(1), json!({"description": "other"}))]).await;
    let after = f.store.tokens(&project()).await.expect("tokens");
    assert_eq!(after[0].2.expose_to_target(), token.expose_to_target(), "it stays");
}

#[tokio::test]
async fn what_counts_as_applied_can_differ_from_what_is_written() {
    let f = Fixture::new().await;
    let mut kept = body("Destination/d", destination("https://live.test"));
    kept.applied = Some(json!({"metadata": {}, "spec": destination("https://manifest.test")}));
    f.applied(vec![write("Destination/d", ActionKind::Create, Expected::Absent, Operation::Create(kept))]).await;
    let record = f.record("Destination/d").await;
    assert_eq!(record.spec["url"], json!("https://live.test"));
    let applied = record.last_applied.expect("applied");
    assert_eq!(
        (&applied["spec"]["url"], &applied["spec"]["timeoutSeconds"]),
        (&json!("https://manifest.test"), &json!(10))
    );
    assert_eq!(f.row("Destination/d").await.last_applied_digest, Some(Digest::of_json(&applied)));
}

#[tokio::test]
async fn a_default_from_the_project_is_filled_by_hand_too() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/desk", desk())]).await;
    let metadata = Metadata::named(at("Template/t").name);
    let spec = json!({"title": "a", "body": "b"});
    f.store.put_by_hand(&project(), &at("Template/t"), metadata, spec, vec![], "ana", None).await.expect("put");
    assert_eq!(f.record("Template/t").await.spec["system"], json!("desk"));
}
