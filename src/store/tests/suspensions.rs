use super::*;
use crate::object::audit::AuditQuery;
use crate::object::suspension::{REASON_LIMIT, ResumeScope, SuspendOrder, Suspension};

fn order(address: Option<&str>, reason: &str) -> SuspendOrder {
    SuspendOrder { address: address.map(at), reason: reason.into(), actor: "ana".into(), until: None }
}

impl Fixture {
    async fn suspensions(&self) -> Vec<Suspension> {
        self.store.reads().suspensions(&project()).await.expect("read")
    }

    async fn noted(&self) -> Vec<String> {
        let audit = self.store.reads().audit(&project(), &AuditQuery::default()).await.expect("audit");
        let told = audit.iter().filter(|entry| entry.action.ends_with("-reconcile"));
        told.map(|entry| {
            let address = entry.address.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {} {address}", entry.actor, entry.action).trim_end().to_owned()
        })
        .collect()
    }
}

#[tokio::test]
async fn a_project_and_its_objects_are_suspended_and_resumed_apart() {
    let f = Fixture::new().await;
    f.applied(vec![create("System/a", system()), create("System/b", system())]).await;
    let before = f.rows().await;
    for (address, reason) in [(Some("System/b"), "a fight"), (None, " moving "), (Some("System/a"), "a fight")] {
        f.store.suspend(&project(), &order(address, reason)).await.expect("suspended");
    }
    let told = |all: Vec<Suspension>| {
        let one = |s: Suspension| (s.address.map(|a| a.to_string()).unwrap_or_default(), s.reason, s.actor);
        all.into_iter().map(one).collect::<Vec<_>>()
    };
    let row = |address: &str, reason: &str| (address.to_owned(), reason.to_owned(), "ana".to_owned());
    let all = [row("", "moving"), row("System/a", "a fight"), row("System/b", "a fight")];
    assert_eq!(told(f.suspensions().await), all);
    assert_eq!(f.rows().await, before, "it is no change of an object");
    assert!(f.store.reads().suspensions(&Name::from_any("other")).await.expect("read").is_empty());

    let lift = async |scope| told(f.store.resume(&project(), &scope, "bo").await.expect("resumed"));
    assert_eq!(lift(ResumeScope::Objects(vec![at("System/a"), at("System/x")])).await, all[1..2]);
    assert_eq!(lift(ResumeScope::Project).await, all[..1]);
    assert_eq!(lift(ResumeScope::Project).await, [], "nothing to resume");
    assert_eq!(told(f.suspensions().await), all[2..]);
    assert_eq!(lift(ResumeScope::Everything).await, all[2..]);
    assert!(f.suspensions().await.is_empty());
    let noted = [
        "ana suspend-reconcile System/b",
        "ana suspend-reconcile",
        "ana suspend-reconcile System/a",
        "bo resume-reconcile System/a",
        "bo resume-reconcile",
        "bo resume-reconcile System/b",
    ];
    assert_eq!(f.noted().await, noted);
    // Somebody who suspends does not keep anybody from applying.
    f.store.suspend(&project(), &order(None, "moving")).await.expect("suspended");
    f.applied(vec![create("System/c", system())]).await;
}

#[tokio::test]
async fn an_end_that_has_passed_counts_as_resumed() {
    let f = Fixture::new().await;
    let now = f.time.clock().now();
    let until = now.checked_add(jiff::SignedDuration::from_secs(60)).expect("a time");
    let timed = SuspendOrder { until: Some(until), ..order(None, "an hour of peace") };
    let suspension = f.store.suspend(&project(), &timed).await.expect("suspended, though nothing was ever applied");
    assert_eq!((suspension.since, suspension.until), (now, Some(until)));
    f.time.pass(59);
    assert_eq!(f.suspensions().await, [suspension]);
    f.time.pass(1);
    assert!(f.suspensions().await.is_empty());
    assert!(f.store.resume(&project(), &ResumeScope::Everything, "bo").await.expect("resumed").is_empty());
    // A new one begins anew, and the row of the old one is gone.
    let again = f.store.suspend(&project(), &order(None, "again")).await.expect("suspended");
    assert_eq!(again.since, f.time.clock().now());
    assert_eq!(f.count("SELECT count(*) FROM suspensions").await, 1);
    f.time.pass(100_000_000);
    assert_eq!(f.suspensions().await, [again], "without an end it stays");
}

#[tokio::test]
async fn suspending_again_changes_the_reason_and_keeps_the_beginning() {
    let f = Fixture::new().await;
    let first = f.store.suspend(&project(), &order(None, "moving")).await.expect("suspended");
    f.time.pass(10);
    let repeated = f.store.suspend(&project(), &order(None, "moving")).await.expect("suspended");
    assert_eq!(repeated, first);
    assert_eq!(f.noted().await, ["ana suspend-reconcile"], "a request that is sent again is noted once");
    let changed = f.store.suspend(&project(), &order(None, "moved")).await.expect("suspended");
    assert_eq!((changed.since, changed.reason.as_str()), (first.since, "moved"));
    assert_eq!(f.suspensions().await, [changed]);
    assert_eq!(f.noted().await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_suspended_is_refused_and_leaves_nothing() {
    let f = Fixture::new().await;
    let now = f.time.clock().now();
    let long = "x".repeat(REASON_LIMIT + 1);
    for order in [
        order(None, "  "),
        order(None, &long),
        order(None, "two\nlines"),
        SuspendOrder { until: Some(now), ..order(None, "over") },
    ] {
        let refused = f.store.suspend(&project(), &order).await;
        assert!(matches!(refused, Err(StoreError::Rejected { address: None, .. })), "{refused:?}");
    }
    let absent = f.store.suspend(&project(), &order(Some("System/a"), "a fight")).await;
    assert!(matches!(absent, Err(StoreError::Absent(address)) if address == at("System/a")));
    assert!(f.suspensions().await.is_empty() && f.noted().await.is_empty());
}

#[tokio::test]
async fn a_suspension_goes_with_its_object() {
    let f = Fixture::new().await;
    f.applied(["System/a", "System/b", "System/c"].map(|address| create(address, system())).into()).await;
    for address in ["System/a", "System/b", "System/c"] {
        f.store.suspend(&project(), &order(Some(address), address)).await.expect("suspended");
    }
    let generation = async |address: &str| f.row(address).await.generation;
    let moved = async |from: &str, to: &str| {
        let operation = Operation::Move { from: at(from), body: None };
        write(to, ActionKind::Move, Expected::Generation(generation(from).await), operation)
    };
    // One takes the name of another, and the third goes.
    let writes = vec![
        delete("System/c", generation("System/c").await),
        moved("System/a", "System/x").await,
        moved("System/b", "System/a").await,
    ];
    f.applied(writes).await;
    let told: Vec<(String, String)> = f
        .suspensions()
        .await
        .into_iter()
        .map(|suspension| (suspension.address.expect("an object").to_string(), suspension.reason))
        .collect();
    let row = |address: &str, reason: &str| (address.to_owned(), reason.to_owned());
    assert_eq!(told, [row("System/a", "System/b"), row("System/x", "System/a")]);
    // One of the same name that is made later is another.
    f.applied(vec![create("System/c", system())]).await;
    assert_eq!(f.suspensions().await.len(), 2);
    f.store.delete_by_hand(&project(), &at("System/x"), "kim", None).await.expect("deleted");
    assert_eq!(f.suspensions().await.len(), 1);
}

#[tokio::test]
async fn the_holder_of_the_lease_is_told_while_there_is_one() {
    let f = Fixture::new().await;
    let holder = async || f.store.reads().lease_holder(&project()).await.expect("read");
    assert_eq!(holder().await, None);
    let plan = PlanId(Uuid::from_u128(1));
    f.store.take_lease(&project(), plan, "ci").await.expect("taken");
    assert_eq!(holder().await.map(|holder| (holder.owner, holder.actor)), Some((plan, "ci".to_owned())));
    f.time.pass(60);
    assert_eq!(holder().await, None);
}
