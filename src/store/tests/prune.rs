//! Forgetting what is over: what goes, what stays, and how much at once.

use serde_json::json;
use uuid::Uuid;

use super::{Fixture, create, project, system};
use crate::base::ident::{Name, ObjectId};
use crate::kinds::template::NotificationType;
use crate::object::run::{RunChange, RunDetails, RunStatus, StepLog};
use crate::store::{NewRun, PrunedMarks, SentDetails, SentNotification};

impl Fixture {
    fn now(&self) -> jiff::Timestamp {
        self.time.clock().now()
    }

    /// A run of a project that has ended or is still waiting.
    async fn run(&self, of: &Name, has_ended: bool) -> Uuid {
        let id = Uuid::now_v7();
        let new = NewRun {
            id,
            project: of.clone(),
            workflow: ObjectId(Uuid::from_u128(1)),
            workflow_name: Name::from_any("talk"),
            version: 1,
            is_test: false,
            started_by: "kim".to_owned(),
            started_for: None,
            started_at: self.now(),
        };
        let log = StepLog {
            step: "call".to_owned(),
            visit: 1,
            at: self.now(),
            method: "GET".to_owned(),
            url: "https://a.test/".to_owned(),
            headers: Vec::new(),
            status: Some(200),
            error: None,
            duration_ms: 1,
            request_body: None,
            response_body: None,
        };
        let details = RunDetails { logs: vec![log], ..RunDetails::default() };
        let status = if has_ended { RunStatus::Completed } else { RunStatus::WaitingForInput };
        let ended_at = has_ended.then(|| self.now());
        let change = RunChange { state: json!({}), status, active: false, ended_at, details };
        self.store.insert_run(new, change).await.expect("written");
        id
    }

    /// A notification of a call that is active for so many seconds.
    async fn notification(&self, seconds: i64) -> ObjectId {
        let id = ObjectId(Uuid::new_v4());
        let details = SentDetails {
            notification_type: NotificationType::Popup,
            title: None,
            runtime_title: None,
            runtime_description: None,
            overrides: std::collections::BTreeMap::new(),
            audiences: Vec::new(),
            end_users: 2,
        };
        let notification = SentNotification {
            id,
            system: self.row("System/desk").await.id,
            template: self.row("Template/t").await.id,
            start_at: self.now(),
            end_at: self.now() + jiff::SignedDuration::from_secs(seconds),
            details,
        };
        let readers = ["kim".to_owned(), "bo".to_owned()];
        let kept = self.store.keep_notification(&project(), &notification, &readers, "ana").await;
        assert!(kept.expect("written"));
        id
    }

    async fn read(&self, notification: ObjectId, end_users: &[&str]) {
        let system = self.row("System/desk").await.id;
        for end_user in end_users {
            self.store.mark_read(notification, system, end_user).await.expect("marked");
        }
    }

    async fn marks(&self, notification: ObjectId) -> u64 {
        self.store.reads().readers(&[notification]).await.expect("read").get(&notification).copied().unwrap_or(0)
    }

    /// Prunes marks to the end, so many at once; says how many went with each step.
    async fn prune_marks(&self, limit: u32) -> Vec<u64> {
        let (mut after, mut gone) = (None, Vec::new());
        loop {
            let step = self.store.prune_read_marks(self.now(), after.as_deref(), limit).await.expect("pruned");
            let PrunedMarks { gone: went, next } = step;
            gone.push(went);
            let Some(next) = next else { return gone };
            after = Some(next);
        }
    }
}

#[tokio::test]
async fn ended_runs_go_and_no_number_comes_again() {
    let f = Fixture::new().await;
    let (own, other) = (project(), Name::from_any("other"));
    let waiting = f.run(&own, false).await;
    let old = [f.run(&own, true).await, f.run(&own, true).await, f.run(&own, true).await];
    let last = f.run(&other, true).await;
    f.time.pass(100);
    let before = f.now();
    let new = f.run(&own, true).await;
    let prune = async |limit| f.store.prune_runs(before, limit).await.expect("pruned");
    assert_eq!(prune(2).await, 2);
    assert_eq!(prune(2).await, 1);
    assert_eq!(prune(2).await, 0);
    let reads = f.store.reads();
    for id in old {
        assert!(reads.run(id).await.expect("read").is_none());
    }
    for id in [waiting, new, last] {
        assert!(reads.run(id).await.expect("read").is_some());
    }
    assert_eq!(f.count("SELECT count(*) FROM run_logs").await, 3);
    // The latest stays until there is a later one.
    let next = f.run(&other, true).await;
    assert_eq!(reads.run(next).await.expect("read").map(|run| run.head.number), Some(2));
    assert_eq!(prune(2).await, 1);
}

#[tokio::test]
async fn notifications_that_ended_go_with_who_has_read_them() {
    let f = Fixture::new().await;
    let template =
        json!({"system": "desk", "title": "T", "body": "b", "button": {"text": "x", "link": "https://a.test"}});
    let desk = json!({"platform": "workstation", "systemId": "bcf4c7f5682b4aa6875a0fc9bdfa21ca"});
    let manifest = |end: &str| json!({"system": "desk", "template": "t", "endUsers": ["kim"], "endAt": end});
    f.applied(vec![
        create("System/desk", desk),
        create("System/s", system()),
        create("Template/t", template),
        create("Notification/short", manifest("2030-03-18")),
        create("Notification/long", manifest("2031-03-18")),
    ])
    .await;
    f.store.mark_used(&project(), &super::at("Template/t"), "ana").await.expect("used");
    let (short, long) = (f.row("Notification/short").await.id, f.row("Notification/long").await.id);
    let (ended, unread, active) =
        (f.notification(50).await, f.notification(50).await, f.notification(100_000_000).await);
    let gone = ObjectId(Uuid::new_v4());
    for id in [short, long, ended, active, gone] {
        f.read(id, &["kim", "bo", "lou"]).await;
    }
    // Beyond the end of the short manifest, 2030-03-18.
    f.time.pass(10 * 24 * 3600);
    f.read(gone, &["late"]).await;
    let steps = f.prune_marks(2).await;
    assert_eq!(steps.iter().sum::<u64>(), 9);
    assert!(steps.iter().all(|step| *step <= 2), "{steps:?}");
    assert_eq!([f.marks(short).await, f.marks(ended).await, f.marks(gone).await], [0, 0, 1]);
    assert_eq!([f.marks(long).await, f.marks(active).await], [3, 3]);
    let prune = async |limit| f.store.prune_notifications(f.now(), limit).await.expect("pruned");
    assert_eq!(prune(1).await, 1);
    assert_eq!(prune(2).await, 1);
    assert_eq!(prune(2).await, 0);
    let sent = async |id| f.store.reads().sent_notification(&project(), id).await.expect("read").is_some();
    assert_eq!([sent(ended).await, sent(unread).await, sent(active).await], [false, false, true]);
    assert_eq!(f.count("SELECT count(*) FROM notification_end_users").await, 2);
}
