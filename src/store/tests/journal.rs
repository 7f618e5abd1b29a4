//! Events, deliveries and attempts.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Fixture, project};
use crate::base::ident::{Name, ObjectId};
use crate::object::delivery::{DeliveryRecord, DeliveryState};
use crate::store::events::JournalOutcome;
use crate::store::{AttemptEnd, DeliveryEnd, DeliveryFilter, DueLimit, EventPlace, NewDelivery, NewEvent};

fn object(n: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(n))
}

fn delivery(webhook: &str, destination: u128) -> NewDelivery {
    let name = Name::from_any(webhook);
    NewDelivery { id: Uuid::now_v7(), webhook: object(7), webhook_name: name, destination: object(destination) }
}

fn event_of(project: &Name, id: &str, deliveries: &[NewDelivery]) -> NewEvent {
    let body = json!({ "eventId": id, "text": "a \"b\"\n\u{1f600}", "score": 1.50, "big": 12_345_678_901_234_567_u64 });
    NewEvent::new(project, id, &body.to_string(), deliveries).expect("an event")
}

fn event(id: &str, deliveries: &[NewDelivery]) -> NewEvent {
    event_of(&project(), id, deliveries)
}

impl Fixture {
    async fn accept(&self, events: &[NewEvent]) -> JournalOutcome {
        self.store.write_journal(&events.iter().collect::<Vec<_>>(), &[]).await.expect("written")
    }

    async fn end(&self, id: Uuid, state: DeliveryState, made: u32, error: Option<&str>) {
        let now = self.time.clock().now();
        let status = if error.is_none() { Some(204) } else { Some(500) };
        let attempt = AttemptEnd { at: now, status, error: error.map(str::to_owned) };
        let due_at = now + jiff::SignedDuration::from_secs(5);
        let attempt = Some(attempt);
        let end = DeliveryEnd { id, destination: object(1), state, tried: made, made, due_at, attempt };
        self.store.write_journal(&[], &[&end]).await.expect("written");
    }

    async fn deliveries(&self, filter: DeliveryFilter) -> Vec<DeliveryRecord> {
        self.store.reads().deliveries(&project(), &filter, None, 100).await.expect("deliveries")
    }

    async fn events(&self, behind: Option<EventPlace>, limit: u32) -> Vec<(EventPlace, Value)> {
        self.store.reads().events(&project(), None, behind, limit).await.expect("events")
    }

    async fn due(&self, destination: u128, limit: u32) -> (Vec<Uuid>, Option<i64>) {
        let now = self.time.clock().now();
        let (due, next) = self
            .store
            .reads()
            .due(object(destination), now, [], DueLimit { rows: limit, bytes: 1 << 20 })
            .await
            .expect("due");
        (due.into_iter().map(|due| due.id).collect(), next.map(jiff::Timestamp::as_second))
    }
}

fn ids(events: &[(EventPlace, Value)]) -> Vec<&str> {
    events.iter().map(|(_, event)| event["eventId"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn an_event_comes_back_as_it_went_in() {
    let fixture = Fixture::new().await;
    let outcome = fixture.accept(&[event("e1", &[])]).await;
    assert_eq!(outcome.new, [true]);
    let events = fixture.events(None, 10).await;
    let expected =
        json!({ "eventId": "e1", "text": "a \"b\"\n\u{1f600}", "score": 1.5, "big": 12_345_678_901_234_567_u64 });
    assert_eq!(events[0].1, expected);
    assert_eq!(events[0].0.at, crate::store::clock::to_column(outcome.at));
}

#[tokio::test]
async fn a_known_id_is_written_once() {
    let fixture = Fixture::new().await;
    let (first, second, third) = (delivery("a", 1), delivery("a", 1), delivery("a", 1));
    let outcome = fixture
        .accept(&[
            event("e1", std::slice::from_ref(&first)),
            event("e1", std::slice::from_ref(&second)),
            event("e2", std::slice::from_ref(&third)),
        ])
        .await;
    assert_eq!(outcome.new, [true, false, true]);
    assert_eq!(fixture.due(1, 10).await.0, [first.id, third.id]);
    let outcome = fixture.accept(&[event("e2", &[delivery("a", 1)]), event("e3", &[])]).await;
    assert_eq!(outcome.new, [false, true]);
    assert_eq!(ids(&fixture.events(None, 10).await), ["e1", "e2", "e3"]);
    assert_eq!(fixture.deliveries(DeliveryFilter::default()).await.len(), 2);
    let elsewhere = fixture.accept(&[event_of(&Name::from_any("other"), "e1", &[])]).await;
    assert_eq!(elsewhere.new, [true], "another project's ids are its own");
}

#[tokio::test]
async fn the_list_of_events_is_read_on_from_a_place() {
    let fixture = Fixture::new().await;
    fixture.accept(&["a", "b", "c"].map(|id| event(id, &[]))).await;
    fixture.time.pass(10);
    fixture.accept(&["d", "e"].map(|id| event(id, &[]))).await;
    let first = fixture.events(None, 2).await;
    assert_eq!(ids(&first), ["a", "b"]);
    let second = fixture.events(Some(first[1].0), 2).await;
    assert_eq!(ids(&second), ["c", "d"]);
    let third = fixture.events(Some(second[1].0), 2).await;
    assert_eq!(ids(&third), ["e"]);
    fixture.accept(&[event("f", &[])]).await;
    assert_eq!(ids(&fixture.events(Some(third[0].0), 2).await), ["f"]);
    let since = Some(fixture.time.clock().now());
    let late = fixture.store.reads().events(&project(), since, None, 10).await.expect("events");
    assert_eq!(ids(&late), ["d", "e", "f"]);
    let behind = fixture.store.reads().events(&project(), since, Some(late[0].0), 10).await.expect("events");
    assert_eq!(ids(&behind), ["e", "f"]);
}

#[tokio::test]
async fn deliveries_are_due_by_destination_and_time() {
    let fixture = Fixture::new().await;
    let (a, b, c) = (delivery("a", 1), delivery("b", 2), delivery("c", 1));
    fixture.accept(&[event("e1", &[a.clone(), b.clone()]), event("e2", std::slice::from_ref(&c))]).await;
    let start = fixture.time.clock().now().as_second();
    assert_eq!(fixture.due(1, 10).await, (vec![a.id, c.id], None));
    assert_eq!(fixture.due(1, 1).await, (vec![a.id], Some(start)));
    let now = fixture.time.clock().now();
    let few = DueLimit { rows: 10, bytes: 1 };
    let (one, next) = fixture.store.reads().due(object(1), now, [], few).await.expect("due");
    assert_eq!((one.len(), next), (1, Some(now)), "one is read however large it is");
    let (other, next) = fixture.store.reads().due(object(1), now, [a.id], few).await.expect("due");
    assert_eq!((other[0].id, next), (c.id, None), "what is held is left out");
    fixture.end(a.id, DeliveryState::Pending, 1, Some("answered 500")).await;
    assert_eq!(fixture.due(1, 10).await, (vec![c.id], Some(start + 5)));
    fixture.end(c.id, DeliveryState::Delivered, 1, None).await;
    assert_eq!(fixture.due(1, 10).await, (vec![], Some(start + 5)));
    fixture.time.pass(5);
    assert_eq!(fixture.due(1, 10).await, (vec![a.id], None));
    let pending = fixture.store.reads().pending_destinations().await.expect("destinations");
    let seconds: Vec<_> = pending.iter().map(|p| (p.destination, p.due_at.as_second())).collect();
    assert_eq!(seconds, [(object(1), start + 5), (object(2), start)]);
}

#[tokio::test]
async fn deliveries_are_listed_with_their_attempts() {
    let fixture = Fixture::new().await;
    let all = [delivery("a", 1), delivery("b", 1), delivery("a", 1)];
    fixture.accept(&[event("e1", &all[..2]), event("e2", &all[2..])]).await;
    fixture.end(all[0].id, DeliveryState::Pending, 1, Some("answered 500")).await;
    fixture.time.pass(5);
    fixture.end(all[0].id, DeliveryState::Dead, 2, Some("answered 500")).await;
    fixture.end(all[1].id, DeliveryState::Delivered, 1, None).await;

    let everything = fixture.deliveries(DeliveryFilter::default()).await;
    assert_eq!(everything.iter().map(|d| d.id).collect::<Vec<_>>(), [all[2].id, all[1].id, all[0].id]);
    assert_eq!(everything[0].state, DeliveryState::Pending);
    assert!(everything[0].due_at.is_some() && everything[1].due_at.is_none());
    let dead = &everything[2];
    assert_eq!((dead.state, dead.event_id.as_str(), dead.attempts.len()), (DeliveryState::Dead, "e1", 2));
    assert_eq!(dead.attempts[1].error.as_deref(), Some("answered 500"));
    assert_eq!(dead.attempts[1].at.as_second() - dead.attempts[0].at.as_second(), 5);
    assert_eq!((everything[1].attempts[0].status, &everything[1].attempts[0].error), (Some(204), &None));

    let count = async |filter: DeliveryFilter| fixture.deliveries(filter).await.len();
    let of = |name: &str| Some(Name::from_any(name));
    assert_eq!(count(DeliveryFilter { webhook: of("a"), ..DeliveryFilter::default() }).await, 2);
    assert_eq!(count(DeliveryFilter { webhook: of("c"), ..DeliveryFilter::default() }).await, 0);
    for state in DeliveryState::ALL {
        assert_eq!(count(DeliveryFilter { state: Some(state), ..DeliveryFilter::default() }).await, 1, "{state}");
        let filter = DeliveryFilter { state: Some(state), webhook: of("b"), ..DeliveryFilter::default() };
        assert_eq!(count(filter).await, usize::from(state == DeliveryState::Delivered), "{state}");
    }
    let of_event = |id: &str| DeliveryFilter { event_id: Some(id.to_owned()), ..DeliveryFilter::default() };
    assert_eq!((count(of_event("e1")).await, count(of_event("e3")).await), (2, 0));
    let (project, filter) = (project(), DeliveryFilter::default());
    let behind = fixture.store.reads().deliveries(&project, &filter, Some(all[1].id), 100);
    assert_eq!(behind.await.expect("deliveries").len(), 1);
    let one = fixture.store.reads().delivery(&project, all[0].id).await.expect("read");
    assert_eq!(one.as_ref(), Some(dead));
    let strange = fixture.store.reads().delivery(&Name::from_any("other"), all[0].id).await.expect("read");
    assert_eq!(strange, None);
}

#[tokio::test]
async fn redelivering_begins_the_schedule_again() {
    let fixture = Fixture::new().await;
    let a = delivery("a", 1);
    fixture.accept(&[event("e1", std::slice::from_ref(&a))]).await;
    fixture.end(a.id, DeliveryState::Dead, 8, Some("answered 500")).await;
    assert_eq!(fixture.due(1, 10).await, (vec![], None));
    let other = Name::from_any("other");
    assert_eq!(fixture.store.redeliver(&other, a.id).await.expect("written"), None);
    assert_eq!(fixture.store.redeliver(&project(), Uuid::nil()).await.expect("written"), None);
    let redelivered = fixture.store.redeliver(&project(), a.id).await.expect("written");
    assert_eq!(redelivered.map(|redelivered| redelivered.destination), Some(object(1)));
    let now = fixture.time.clock().now();
    let (due, _) =
        fixture.store.reads().due(object(1), now, [], DueLimit { rows: 10, bytes: 1 << 20 }).await.expect("due");
    assert_eq!((due[0].tried, due[0].made), (0, 8));
}

#[tokio::test]
async fn old_events_go_once_their_deliveries_are_settled() {
    let fixture = Fixture::new().await;
    let (a, b) = (delivery("a", 1), delivery("a", 1));
    fixture.accept(&[event("e1", std::slice::from_ref(&a)), event("e2", std::slice::from_ref(&b))]).await;
    fixture.accept(&[event("e3", &[]), event("e4", &[])]).await;
    fixture.end(a.id, DeliveryState::Delivered, 1, None).await;
    fixture.time.pass(100);
    fixture.accept(&[event("new", &[])]).await;
    let before = fixture.time.clock().now();
    let prune = async |limit| fixture.store.prune_events(before, limit).await.expect("pruned");
    assert_eq!(prune(2).await, 2);
    assert_eq!(ids(&fixture.events(None, 10).await), ["e2", "e4", "new"]);
    assert_eq!(prune(2).await, 1);
    assert_eq!(ids(&fixture.events(None, 10).await), ["e2", "new"]);
    assert_eq!(fixture.count("SELECT count(*) FROM deliveries").await, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM attempts").await, 0);
    fixture.end(b.id, DeliveryState::Dead, 1, Some("answered 500")).await;
    assert_eq!(prune(2).await, 1);
    // A sequence is not given out again, or whoever reads on would miss events.
    let last = fixture.events(None, 10).await[0].0;
    fixture.time.pass(1);
    assert_eq!(fixture.store.prune_events(fixture.time.clock().now(), 10).await.expect("pruned"), 1);
    fixture.accept(&[event("e5", &[])]).await;
    assert_eq!(ids(&fixture.events(Some(last), 10).await), ["e5"]);
}

/// How SQLite goes about the statements that must not slow down as the tables grow: no table is gone through.
#[tokio::test]
async fn what_is_asked_often_is_found_by_an_index() {
    let fixture = Fixture::new().await;
    for sql in [
        "EXPLAIN QUERY PLAN UPDATE deliveries SET state = value ->> 2 FROM json_each('[]') WHERE deliveries.id = unhex(value ->> 0)",
        "EXPLAIN QUERY PLAN SELECT min(destination) FROM deliveries WHERE state = 'pending' AND destination > 'x'",
        "EXPLAIN QUERY PLAN SELECT d.id FROM deliveries d CROSS JOIN events e ON e.sequence = d.event \
         WHERE d.state = 'pending' AND d.destination = 'x' ORDER BY d.due_at LIMIT 1",
        "EXPLAIN QUERY PLAN SELECT sequence, at, body FROM events WHERE project = 'x' AND at >= max(1, 2) \
         AND (at, sequence) > (2, 3) ORDER BY at, sequence LIMIT 5",
        "EXPLAIN QUERY PLAN SELECT d.id FROM deliveries d CROSS JOIN events e ON e.sequence = d.event \
         WHERE d.project = 'x' AND d.id < x'00' ORDER BY d.id DESC LIMIT 3",
        "EXPLAIN QUERY PLAN SELECT d.id FROM deliveries d CROSS JOIN events e ON e.sequence = d.event \
         WHERE d.project = 'x' AND d.webhook_name = 'y' AND d.id < x'00' ORDER BY d.webhook_name, d.id DESC LIMIT 3",
        "EXPLAIN QUERY PLAN SELECT d.id FROM deliveries d CROSS JOIN events e ON e.sequence = d.event \
         WHERE d.project = 'x' AND d.state <> 'delivered' AND d.state = 'dead' AND d.id < x'00' \
         ORDER BY d.state, d.id DESC LIMIT 3",
    ] {
        let mut view = fixture.store.reads().view().await.expect("a view").expect("a file");
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(sql).fetch_all(&mut *view).await.expect("a plan");
        let plan: Vec<&str> = rows.iter().map(|row| row.3.as_str()).collect();
        let scans = plan.iter().filter(|step| step.starts_with("SCAN") && !step.contains("json_each")).count();
        let sorts = plan.iter().filter(|step| step.contains("TEMP B-TREE")).count();
        assert_eq!((scans, sorts), (0, 0), "{sql}: {plan:?}");
    }
}

#[tokio::test]
async fn odd_texts_are_kept() {
    let fixture = Fixture::new().await;
    let body = json!({ "text": "\u{0}\u{1}\u{7f}\u{2028}\\u0000", "key \"q\"": Value::Null, "n": -0.0, "e": 1e300 });
    let new = NewEvent::new(&project(), "it's \"one\"\\", &body.to_string(), &[]).expect("an event");
    fixture.accept(&[new]).await;
    assert_eq!(fixture.events(None, 1).await[0].1, body);
    let known = NewEvent::new(&project(), "it's \"one\"\\", "{}", &[]).expect("an event");
    assert_eq!(fixture.accept(&[known]).await.new, [false]);
}
