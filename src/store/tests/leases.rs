use super::*;
use crate::object::audit::AuditQuery;

fn plan(n: u128) -> PlanId {
    PlanId(Uuid::from_u128(n))
}

#[tokio::test]
async fn one_holder_at_a_time() {
    let f = Fixture::new().await;
    let first = f.store.take_lease(&project(), plan(1), "ci").await.expect("taken");
    match f.store.take_lease(&project(), plan(2), "other").await {
        Err(StoreError::LeaseHeld(holder)) => assert_eq!((holder.owner, holder.actor.as_str()), (plan(1), "ci")),
        other => panic!("{other:?}"),
    }
    f.time.pass(30);
    let renewed = f.store.take_lease(&project(), plan(1), "ci").await.expect("renewed");
    assert_eq!(renewed.token, first.token);
    assert!(renewed.expires_at > first.expires_at);
    // A lease of another project is another lease.
    f.store.take_lease(&Name::from_any("other"), plan(2), "other").await.expect("taken");
    f.store.release_lease(&project(), plan(2), first.token).await.expect("does nothing");
    assert!(f.store.take_lease(&project(), plan(2), "other").await.is_err());
    f.store.release_lease(&project(), plan(1), first.token).await.expect("released");
    let second = f.store.take_lease(&project(), plan(2), "other").await.expect("taken");
    assert!(second.token > first.token);
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_nobody_waiting_for_long() {
    let f = Fixture::new().await;
    let first = f.store.take_lease(&project(), plan(1), "ci").await.expect("taken");
    // By a second, as clocks are corrected: nothing changes.
    f.time.pass(-1);
    assert!(f.store.take_lease(&project(), plan(2), "other").await.is_err());
    assert!(f.store.reads().lease_holder(&project()).await.expect("read").is_some());
    f.time.pass(-3_600);
    assert_eq!(f.store.reads().lease_holder(&project()).await.expect("read"), None);
    let second = f.store.take_lease(&project(), plan(2), "other").await.expect("taken over");
    let late = f.store.changeset(&changeset(plan(1), first.token, vec![create("System/a", system())])).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    f.store.changeset(&changeset(plan(2), second.token, vec![create("System/a", system())])).await.expect("applied");
    // Forward, it is over as if time had passed.
    f.time.pass(1_000_000);
    f.store.take_lease(&project(), plan(3), "third").await.expect("taken over");
}

#[tokio::test]
async fn a_write_needs_the_current_lease() {
    let f = Fixture::new().await;
    let first = f.store.take_lease(&project(), plan(1), "ci").await.expect("taken");
    let writes = || vec![create("System/a", system())];
    let lost = |result: Result<ChangesetOutcome, StoreError>| matches!(result, Err(StoreError::LeaseLost));
    let stranger = changeset(plan(2), first.token, writes());
    assert!(lost(f.store.changeset(&stranger).await), "another plan");
    f.time.pass(60);
    let own = changeset(plan(1), first.token, writes());
    assert!(lost(f.store.changeset(&own).await), "expired");
    let second = f.store.take_lease(&project(), plan(2), "other").await.expect("an expired lease can be taken");
    assert!(second.token > first.token);
    assert!(lost(f.store.changeset(&own).await), "passed to another");
    let broken = f.store.break_lease(&project(), "admin").await.expect("broken").expect("a holder");
    assert_eq!(broken.owner, plan(2));
    assert!(lost(f.store.changeset(&changeset(plan(2), second.token, writes())).await), "taken away");
    assert!(f.store.break_lease(&project(), "admin").await.expect("nothing to break").is_none());
    let again = f.store.take_lease(&project(), plan(2), "other").await.expect("taken");
    assert!(again.token > second.token);
    assert!(lost(f.store.changeset(&changeset(plan(2), second.token, writes())).await), "a lower token");
    f.store.changeset(&changeset(plan(2), again.token, writes())).await.expect("applied");
    let audit = f.store.reads().audit(&project(), &AuditQuery::default()).await.expect("audit");
    assert_eq!((audit[0].action.as_str(), audit[0].actor.as_str()), ("unlock", "admin"));
}
