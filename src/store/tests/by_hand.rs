use super::*;
use crate::store::{IfMatch, Put, PutOutcome, Removed};

async fn put(f: &Fixture, address: &str, spec: Value, if_match: Option<IfMatch>) -> Result<Put, StoreError> {
    let metadata = Metadata::named(at(address).name);
    f.store.put_by_hand(&project(), &at(address), metadata, spec, Vec::new(), "ana", if_match).await
}

#[tokio::test]
async fn an_object_made_by_hand_is_not_managed() {
    let f = Fixture::new().await;
    let made = put(&f, "Destination/d", destination("https://a.test"), Some(IfMatch::Absent)).await.expect("put");
    assert_eq!((made.outcome, made.record.generation), (PutOutcome::Created, Generation(1)));
    let row = f.row("Destination/d").await;
    assert!(!row.managed && row.last_applied_digest.is_none());
    let again = put(&f, "Destination/d", destination("https://a.test"), None).await.expect("put");
    assert_eq!(again, Put { outcome: PutOutcome::Unchanged, record: made.record });
    let stale = put(&f, "Destination/d", destination("https://b.test"), Some(IfMatch::Absent)).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))));
    let adopt = write("Destination/d", ActionKind::Adopt, Expected::Generation(Generation(1)), Operation::Adopt(None));
    f.applied(vec![adopt]).await;
    let row = f.row("Destination/d").await;
    assert!(row.managed && row.last_applied_digest == Some(row.digest));
}

#[tokio::test]
async fn a_change_by_hand_to_a_managed_object_is_drift() {
    let f = Fixture::new().await;
    f.applied(vec![create("Destination/d", destination("https://a.test"))]).await;
    let applied = f.row("Destination/d").await;
    let matched = Some(IfMatch::Generation(applied.generation));
    put(&f, "Destination/d", destination("https://b.test"), matched).await.expect("put");
    let row = f.row("Destination/d").await;
    assert!(row.managed && row.id == applied.id && row.generation.0 == 2);
    assert_eq!(row.last_applied_digest, Some(applied.digest));
    assert_ne!(row.digest, applied.digest);
}

#[tokio::test]
async fn each_of_many_puts_at_once_answers_what_it_wrote_itself() {
    let f = std::sync::Arc::new(Fixture::new().await);
    let mut puts = tokio::task::JoinSet::new();
    for n in 0..20 {
        let f = std::sync::Arc::clone(&f);
        puts.spawn(async move {
            let url = format!("https://{n}.test/");
            (put(&f, "Destination/d", destination(&url), None).await.expect("put"), url)
        });
    }
    let mut generations = std::collections::BTreeSet::new();
    while let Some(done) = puts.join_next().await {
        let (Put { outcome, record }, url) = done.expect("done");
        assert_eq!(record.spec["url"], json!(url));
        assert_eq!(outcome == PutOutcome::Created, record.generation == Generation(1));
        assert!(generations.insert(record.generation.0), "{generations:?}");
    }
    assert_eq!(generations, (1..=20).collect());
}

#[tokio::test]
async fn removal_by_hand_minds_references() {
    let f = Fixture::new().await;
    f.applied(vec![
        create("System/crm", system()),
        create("Destination/d", destination("https://a.test")),
        create("Webhook/w", webhook("crm", "d")),
    ])
    .await;
    let remove = |address: &'static str| f.store.delete_by_hand(&PROJECT, at_static(address), "ana", None);
    assert!(matches!(remove("Destination/d").await, Err(StoreError::Rejected { .. })));
    assert_eq!(remove("Webhook/w").await.expect("removed"), Removed::Deleted);
    assert_eq!(remove("Destination/d").await.expect("removed"), Removed::Deleted);
    assert!(matches!(remove("Destination/d").await, Err(StoreError::Absent(_))));
    assert_eq!(f.store.reads().revision(&project()).await.expect("revision").0, 3);
}

#[tokio::test]
async fn halting_is_lifted_by_an_update() {
    let f = Fixture::new().await;
    f.applied(vec![create("Destination/d", destination("https://a.test")), create("System/s", system())]).await;
    let revision = f.store.set_halted(&project(), &at("Destination/d"), true, "engine").await.expect("halted");
    assert_eq!(revision.0, 2);
    let again = f.store.set_halted(&project(), &at("Destination/d"), true, "engine").await.expect("halted");
    assert_eq!(again.0, 2, "nothing changed, nothing is written");
    let row = f.row("Destination/d").await;
    assert_eq!((row.halted, row.generation.0), (Some(true), 2));
    f.applied(vec![update("Destination/d", row.generation, destination("https://b.test"))]).await;
    assert_eq!(f.row("Destination/d").await.halted, Some(false));
    assert!(f.store.set_halted(&project(), &at("System/s"), true, "engine").await.is_err());
    assert!(f.store.mark_used(&project(), &at("System/s"), "engine").await.is_err());
}

static PROJECT: std::sync::LazyLock<Name> = std::sync::LazyLock::new(project);

fn at_static(text: &str) -> &'static Address {
    Box::leak(Box::new(at(text)))
}
