use serde_json::json;

use super::*;
use crate::object::audit::AuditQuery;

#[tokio::test]
async fn objects_are_made_read_and_canonical() {
    let f = Fixture::new().await;
    let revision = f
        .applied(vec![
            create("Webhook/w", webhook("crm", "d")),
            create("System/crm", system()),
            create("Destination/d", destination("https://a.test")),
        ])
        .await;
    assert_eq!(revision, 1);
    let rows = f.rows().await;
    let shown: Vec<String> = rows.iter().map(|row| row.address.to_string()).collect();
    assert_eq!(shown, ["System/crm", "Destination/d", "Webhook/w"]);
    assert!(rows.iter().all(|row| row.generation.0 == 1 && row.managed && row.last_applied_digest == Some(row.digest)));
    let record = f.record("Destination/d").await;
    assert_eq!(record.spec["timeoutSeconds"], json!(10));
    assert_eq!(record.last_applied, Some(json!({"metadata": {}, "spec": record.spec})));
    assert_eq!(Digest::of_json(&record.last_applied.expect("applied")), record.digest);
    // References resolve whatever the order of the writes.
    let webhook = f.record("Webhook/w").await;
    let references = &webhook.server_set["references"];
    assert_eq!(references["spec.destination"], json!(record.id.to_string()));
    assert!(references.get("spec.event").is_none(), "built-in events are no objects");
    let system = f.row("System/crm").await;
    assert_eq!((system.published, system.halted), (Some(false), None));
    assert_eq!(f.row("Destination/d").await.halted, Some(false));
}

#[tokio::test]
async fn all_of_it_or_nothing() {
    let f = Fixture::new().await;
    let reason = f
        .rejected(vec![
            create("System/crm", system()),
            create_with("Destination/s", secret_destination(), vec![secret("spec.auth.token", "content-of-it")]),
            create("Webhook/w", webhook("crm", "nowhere")),
        ])
        .await;
    assert!(reason.contains("Webhook/w") && reason.contains("Destination/nowhere"), "{reason}");
    assert!(f.rows().await.is_empty());
    assert_eq!(f.store.reads().revision(&project()).await.expect("revision").0, 0);
    for table in [
        "SELECT count(*) FROM secrets",
        "SELECT count(*) FROM audit WHERE action = 'create'",
        "SELECT count(*) FROM applied_plans",
    ] {
        assert_eq!(f.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn all_stale_expectations_are_listed() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/a", system()), create("System/b", system())]).await;
    let result = f
        .apply(vec![
            update("System/a", Generation(7), system()),
            create("System/b", system()),
            create("System/new", system()),
            delete("System/gone", Generation(3)),
        ])
        .await;
    let Err(StoreError::Conflict(stale)) = result else { panic!("{result:?}") };
    let shown: Vec<_> =
        stale.iter().map(|s| (s.address.to_string(), s.expected.map(|g| g.0), s.found.map(|g| g.0))).collect();
    assert_eq!(
        shown,
        [
            ("System/a".to_owned(), Some(7), Some(1)),
            ("System/b".to_owned(), None, Some(1)),
            ("System/gone".to_owned(), Some(3), None),
        ]
    );
    assert_eq!(f.rows().await.len(), 2);
}

#[tokio::test]
async fn a_plan_is_applied_once() {
    let f = Fixture::new().await;
    let changeset = f.changeset(vec![create("System/a", system())]).await;
    f.store.changeset(&changeset).await.expect("applied");
    f.time.pass(3600); // Also when the lease is long gone.
    match f.store.changeset(&changeset).await {
        Ok(ChangesetOutcome::AlreadyApplied(plan)) => assert_eq!(plan.revision.0, 1),
        other => panic!("{other:?}"),
    }
    let other = Changeset { body: Digest::of_bytes(b"other"), ..changeset.clone() };
    assert!(matches!(f.store.changeset(&other).await, Err(StoreError::PlanReused)));
    assert_eq!(f.rows().await.len(), 1);
    assert!(f.store.reads().applied(&project(), changeset.plan_id).await.expect("read").is_some());
}

#[tokio::test]
async fn updates_keep_what_the_target_set() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/crm", system())]).await;
    let before = f.record("System/crm").await;
    let publish = write(
        "System/crm",
        ActionKind::PublishSettings,
        Expected::Generation(before.generation),
        Operation::PublishSettings,
    );
    f.applied(vec![publish]).await;
    let row = f.row("System/crm").await;
    assert_eq!((row.published, row.generation.0), (Some(true), 2));
    f.applied(vec![update("System/crm", row.generation, json!({"platform": "desktop"}))]).await;
    let after = f.record("System/crm").await;
    assert_eq!(after.server_set, json!({"systemId": before.id.0.simple().to_string(), "published": true}));
    let row = f.row("System/crm").await;
    // Writing out what the target had filled in is no change of an immutable field; another value is.
    let same = json!({"platform": "desktop", "systemId": before.id.0.simple().to_string()});
    f.applied(vec![update("System/crm", row.generation, same)]).await;
    let other = json!({"platform": "desktop", "systemId": "0".repeat(32)});
    let reason = f.rejected(vec![update("System/crm", f.row("System/crm").await.generation, other)]).await;
    assert!(reason.contains("spec.systemId"), "{reason}");
}

#[tokio::test]
async fn a_refresh_sets_only_what_was_last_applied() {
    let f = Fixture::new().await;
    f.applied(vec![create("Destination/d", destination("https://a.test"))]).await;
    put(&f, "Destination/d", destination("https://b.test")).await;
    let drifted = f.row("Destination/d").await;
    assert_ne!(Some(drifted.digest), drifted.last_applied_digest);
    let mut changeset = f.changeset(Vec::new()).await;
    changeset.refresh = vec![(at("Destination/d"), drifted.generation)];
    f.store.changeset(&changeset).await.expect("applied");
    let refreshed = f.row("Destination/d").await;
    assert_eq!((refreshed.last_applied_digest, refreshed.generation), (Some(drifted.digest), drifted.generation));
}

#[tokio::test]
async fn what_is_referred_to_stays() {
    let f = Fixture::new().await;
    f.applied(vec![
        create("System/crm", system()),
        create("Destination/d", destination("https://a.test")),
        create("Webhook/w", webhook("crm", "d")),
    ])
    .await;
    let (d, w) = (f.row("Destination/d").await.generation, f.row("Webhook/w").await.generation);
    let reason = f.rejected(vec![delete("Destination/d", d)]).await;
    assert!(reason.contains("Destination/d") && reason.contains("Webhook/w"), "{reason}");
    f.applied(vec![delete("Destination/d", d), delete("Webhook/w", w)]).await;
    assert_eq!(f.rows().await.len(), 1);
    assert_eq!(f.count("SELECT count(*) FROM object_references").await, 0);
}

#[tokio::test]
async fn a_replacement_has_a_new_id_and_its_referrers_are_pointed_to_it() {
    let f = Fixture::new().await;
    let made = f
        .apply(vec![
            create("System/crm", system()),
            create_with("Destination/d", secret_destination(), vec![secret("spec.auth.token", "kept content")]),
            create("Webhook/w", webhook("crm", "d")),
        ])
        .await
        .expect("applied");
    let replace = |f: Generation| {
        let body = body("Destination/d", secret_destination());
        write("Destination/d", ActionKind::Replace, Expected::Generation(f), Operation::Replace(body))
    };
    let reason = f.rejected(vec![replace(Generation(1))]).await;
    assert!(reason.contains("Webhook/w"), "{reason}");
    let done = f
        .apply(vec![replace(Generation(1)), update("Webhook/w", Generation(1), webhook("crm", "d"))])
        .await
        .expect("applied");
    let new = id_of(&done, 0).expect("an id");
    assert_ne!(Some(new), id_of(&made, 1));
    assert_eq!(f.record("Webhook/w").await.server_set["references"]["spec.destination"], json!(new.to_string()));
    // The secret that did not come anew went over, encrypted for its new place.
    let secrets = f.store.secrets_of(&project(), new).await.expect("secrets");
    assert_eq!(secrets["spec.auth.token"].expose_to_target(), "kept content");
    assert_eq!(f.count("SELECT count(*) FROM secrets").await, 1);
}

#[tokio::test]
async fn names_can_be_exchanged_in_one_changeset() {
    let f = Fixture::new().await;
    let made = f.apply(vec![create("System/a", system()), create("System/b", system())]).await.expect("applied");
    let move_to = |to: &str, from: &str, expected| {
        let operation = Operation::Move { from: at(from), body: None };
        write(to, ActionKind::Move, expected, operation)
    };
    f.applied(vec![
        move_to("System/c", "System/a", Expected::Generation(Generation(1))),
        move_to("System/a", "System/b", Expected::Generation(Generation(1))),
        move_to("System/b", "System/c", Expected::WrittenBefore),
    ])
    .await;
    assert_eq!(Some(f.row("System/b").await.id), id_of(&made, 0));
    assert_eq!(Some(f.row("System/a").await.id), id_of(&made, 1));
    assert_eq!(f.rows().await.len(), 2);
}

#[tokio::test]
async fn a_move_leaves_nobody_behind() {
    let f = Fixture::new().await;
    f.applied(vec![
        create("System/crm", system()),
        create("Destination/d", destination("https://a.test")),
        create("Webhook/w", webhook("crm", "d")),
    ])
    .await;
    let moved = || {
        let operation = Operation::Move { from: at("Destination/d"), body: None };
        write("Destination/e", ActionKind::Move, Expected::Generation(Generation(1)), operation)
    };
    let reason = f.rejected(vec![moved()]).await;
    assert!(reason.contains("Webhook/w"), "{reason}");
    let id = f.row("Destination/d").await.id;
    f.applied(vec![moved(), update("Webhook/w", Generation(1), webhook("crm", "e"))]).await;
    assert_eq!(f.row("Destination/e").await.id, id);
}

#[tokio::test]
async fn content_that_breaks_a_rule_is_rejected_by_name() {
    let f = Fixture::new().await;
    for (write, part) in [
        (create("Destination/d", json!({"platform": "x"})), "cannot be read"),
        (create("Destination/d", destination("not a url")), "spec.url"),
        (create("Destination/d", secret_destination()), "has no content"),
        (
            create_with("Destination/d", destination("https://a.test"), vec![secret("spec.auth.token", "x")]),
            "no secret stands",
        ),
        (create_with("Destination/d", secret_destination(), vec![secret("spec.auth.token", "********")]), "mask"),
        (update("Destination/d", Generation(1), system()), "Destination/d"),
    ] {
        let mut write = write;
        if matches!(write.operation, Operation::Update(_)) {
            write.expected = Expected::Absent;
        }
        let reason = f.rejected(vec![write]).await;
        assert!(reason.contains("Destination/d") && reason.contains(part), "{reason}");
    }
    let two = |id: &str| json!({"platform": "web", "systemId": id});
    let id = "0123456789abcdef0123456789abcdef";
    let reason = f.rejected(vec![create("System/a", two(id)), create("System/b", two(&id.to_uppercase()))]).await;
    assert!(reason.contains("same systemId"), "{reason}");
}

#[tokio::test]
async fn the_audit_says_who_and_what() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/a", system()), create("Destination/d", destination("https://a.test"))]).await;
    f.time.pass(100);
    put(&f, "Destination/d", destination("https://b.test")).await;
    f.store.set_halted(&project(), &at("Destination/d"), true, "engine").await.expect("halted");
    let all = f.store.reads().audit(&project(), &AuditQuery::default()).await.expect("audit");
    let shown: Vec<_> = all.iter().map(|e| (e.action.as_str(), e.actor.as_str(), e.revision.0)).collect();
    assert_eq!(shown, [("create", "ci", 1), ("create", "ci", 1), ("put", "ana", 2), ("halt", "engine", 3)]);
    assert!(all[0].before.is_none() && all[0].after.is_some() && all[0].plan_id.is_some());
    assert_eq!(all[0].commit.as_deref(), Some("abc123"));
    assert_eq!((all[2].before, all[2].plan_id), (all[1].after, None));
    let query = AuditQuery { addresses: vec![at("Destination/d")], latest_only: true, ..AuditQuery::default() };
    let latest = f.store.reads().audit(&project(), &query).await.expect("audit");
    assert_eq!(latest.iter().map(|e| e.actor.as_str()).collect::<Vec<_>>(), ["ana"], "who made it what it is");
    let query = AuditQuery { from: Some(all[2].at), limit: Some(1), ..AuditQuery::default() };
    assert_eq!(f.store.reads().audit(&project(), &query).await.expect("audit"), [all[2].clone()]);
    let mut writer = f.store.writer().await;
    let mut transaction = writer.begin().await.expect("a transaction");
    assert!(sqlx::query("DELETE FROM audit").execute(&mut *transaction).await.is_err());
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/a", system())]).await;
    {
        let mut writer = f.store.writer().await;
        let mut transaction = writer.begin().await.expect("a transaction");
        sqlx::query("UPDATE objects SET server_set = '{\"published\"'")
            .execute(&mut *transaction)
            .await
            .expect("damage");
        transaction.commit().await.expect("committed");
    }
    let error = f.store.reads().digests(&project()).await.expect_err("damaged");
    assert!(error.to_string().contains("System/a"), "{error}");
    let error = f.store.reads().read(&project(), None).await.expect_err("damaged");
    assert!(error.to_string().contains("System/a"), "{error}");
}

async fn put(f: &Fixture, address: &str, spec: Value) {
    let metadata = Metadata::named(at(address).name);
    f.store.put_by_hand(&project(), &at(address), metadata, spec, Vec::new(), "ana", None).await.expect("put");
}
