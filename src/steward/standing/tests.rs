use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::*;
use crate::base::ident::{Name, Revision};
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::suspension::Suspension;
use crate::plan::plan_value::Totals;
use crate::reconcile::fight::Fight;
use crate::reconcile::outcome::{Drifted, Failure, Findings, Outcome};
use crate::reconcile::source::SourceError;
use crate::steward::metrics::StandingCollector;
use crate::steward::status::{StatusV1, status_schema};

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn standing(now: Instant) -> (Arc<Standing>, Arc<AtomicBool>) {
    let about = About {
        mode: "heal",
        source: "https://git.acme.test/config".to_owned(),
        reference: Some("refs/heads/main".to_owned()),
        interval: Duration::from_mins(1),
        started_at: time(0),
    };
    let applying = Arc::new(AtomicBool::new(false));
    (Arc::new(Standing::new(about, vec![("acme".to_owned(), Arc::clone(&applying))], now)), applying)
}

/// A tick that looked, at this second, with the commit of that second.
fn tick(second: i64, outcome: Outcome) -> Tick {
    Tick {
        at: time(second),
        path: "acme".to_owned(),
        project: Some(Name::from_any("acme")),
        target: Some(Name::from_any("production")),
        commit: Some(format!("commit {second}")),
        revision: Some(Revision(7)),
        failures: u32::from(outcome.is_failure()),
        committed_at: Some(time(second)),
        orphans: Arc::new([address("Webhook/old")]),
        took: Duration::from_millis(30),
        ..Tick::sample(outcome)
    }
}

fn findings() -> Findings {
    let (sales, chat) = (address("Audience/sales"), address("Destination/chat"));
    Findings {
        actions: vec![(sales.clone(), ActionKind::Update), (chat, ActionKind::Create)],
        drift: vec![
            Drifted { address: sales, fields: vec!["spec.rule".to_owned()], by: Some(("kim".to_owned(), time(3))) },
            Drifted { address: address("Webhook/nps"), fields: Vec::new(), by: None },
        ],
        orphans: Vec::new(),
        left_alone: vec![address("Webhook/nps")],
        fights: Vec::new(),
    }
}

/// The series, without those of the histogram and without comments.
fn series(standing: &Arc<Standing>) -> BTreeSet<String> {
    let mut registry = Registry::with_prefix("trueup");
    registry.register_collector(Box::new(StandingCollector(Arc::clone(standing))));
    let mut written = String::new();
    text::encode(&mut written, &registry).unwrap();
    written.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn value(standing: &Arc<Standing>, name: &str, further: &str) -> Option<f64> {
    let start = format!("trueup_reconcile_{name}{{path=\"acme\",project=\"acme\",target=\"production\"{further}}} ");
    series(standing).iter().find_map(|line| line.strip_prefix(&start).map(|value| value.parse().unwrap()))
}

/// What `/status` says of the only project; as its schema says.
fn status(standing: &Standing) -> serde_json::Value {
    let value = serde_json::to_value(StatusV1::new(standing)).unwrap();
    let schema = jsonschema::options().offline().build(&status_schema()).unwrap();
    let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new(), "{value:#}");
    value["projects"][0].clone()
}

#[test]
fn what_a_tick_found_and_wrote_is_told_by_kind() {
    let (standing, applying) = standing(Instant::now());
    standing.note(&tick(10, Outcome::Differs(findings())), Vec::new());
    assert_eq!(value(&standing, "differences", ",kind=\"Webhook\""), Some(1.0), "what is left alone differs too");
    assert_eq!(value(&standing, "differences", ",kind=\"Destination\""), Some(1.0));
    assert_eq!(value(&standing, "differences", ",kind=\"Template\""), Some(0.0), "a kind without any is told");
    assert_eq!(value(&standing, "drift", ",kind=\"Audience\""), Some(1.0));
    assert_eq!(value(&standing, "last_success_timestamp_seconds", ""), Some(10.0));
    assert_eq!(value(&standing, "seen_commit_timestamp_seconds", ""), Some(10.0));
    assert_eq!(value(&standing, "applied_commit_timestamp_seconds", ""), None, "it differs");
    let shown = status(&standing);
    assert_eq!((shown["differences_total"].as_u64(), shown["drift_total"].as_u64()), (Some(3), Some(2)));
    assert_eq!(shown["differences"][0], serde_json::json!({ "address": "Audience/sales", "action": "update" }));
    assert_eq!((shown["drift"][0]["by"].as_str(), shown["orphans"][0].as_str()), (Some("kim"), Some("Webhook/old")));

    applying.store(true, Ordering::Relaxed);
    assert_eq!(value(&standing, "lease", ",state=\"held\""), Some(1.0));
    assert_eq!(value(&standing, "lease", ",state=\"free\""), Some(0.0));
    applying.store(false, Ordering::Relaxed);
    let totals = Totals { add: 1, change: 1, destroy: 0 };
    standing.note(&tick(20, Outcome::Applied { findings: findings(), totals }), Vec::new());
    assert_eq!(value(&standing, "differences", ",kind=\"Destination\""), Some(0.0), "it was written");
    assert_eq!(value(&standing, "differences", ",kind=\"Webhook\""), Some(1.0), "it was left alone");
    assert_eq!(value(&standing, "drift", ",kind=\"Audience\""), Some(0.0), "it is healed");
    let update = ",kind=\"Audience\",action=\"update\",result=\"done\"";
    assert_eq!(value(&standing, "actions_total", update), Some(1.0));
    assert_eq!(value(&standing, "applied_commit_timestamp_seconds", ""), Some(20.0));
    // Nothing moved since: the outcome is that of before and counts no action again.
    standing.note(&Tick { looked: false, ..tick(30, Outcome::InSync) }, Vec::new());
    assert_eq!(value(&standing, "actions_total", update), Some(1.0));
    assert_eq!(value(&standing, "ticks_total", ",outcome=\"in-sync\""), Some(1.0));
    assert_eq!(value(&standing, "tick_duration_seconds_count", ""), Some(3.0));
}

#[test]
fn a_failure_keeps_what_was_known_and_is_remembered() {
    let (standing, _) = standing(Instant::now());
    standing.note(&tick(10, Outcome::InSync), Vec::new());
    let failure = Outcome::Failed(Failure::Live("no answer".to_owned()));
    let failed = Tick { failed: vec![(address("Webhook/nps"), ActionKind::Update)], ..tick(20, failure) };
    standing.note(&failed, vec!["failed to reach the target".to_owned()]);
    assert_eq!(value(&standing, "failures", ""), Some(1.0));
    assert_eq!(value(&standing, "last_success_timestamp_seconds", ""), Some(10.0));
    assert_eq!(value(&standing, "applied_commit_timestamp_seconds", ""), Some(10.0));
    assert_eq!(value(&standing, "seen_commit_timestamp_seconds", ""), Some(20.0));
    let failed = ",kind=\"Webhook\",action=\"update\",result=\"failed\"";
    assert_eq!(value(&standing, "actions_total", failed), Some(1.0));
    assert_eq!(value(&standing, "differences", ",kind=\"Webhook\""), Some(0.0), "as at the last look");
    let shown = status(&standing);
    assert_eq!(shown["last_error"]["message"], "failed to reach the target");
    assert_eq!((shown["outcome"].as_str(), shown["reasons"][0].is_string()), (Some("failed"), true));

    let away = SourceError::NoRef("refs/heads/main".to_owned());
    let in_sync = Tick { source_error: Some(Arc::new(away)), ..tick(30, Outcome::InSync) };
    standing.note(&in_sync, Vec::new());
    assert_eq!(value(&standing, "source_error", ""), Some(1.0));
    assert_eq!(value(&standing, "last_success_timestamp_seconds", ""), Some(10.0), "it may be out of date");
    assert!(status(&standing)["last_error"]["message"].as_str().unwrap().contains("refs/heads/main"));
    standing.note(&tick(40, Outcome::InSync), Vec::new());
    assert_eq!(value(&standing, "source_error", ""), Some(0.0));
    assert_eq!(value(&standing, "last_success_timestamp_seconds", ""), Some(40.0));
}

#[test]
fn what_is_left_alone_is_told_with_why() {
    let (standing, _) = standing(Instant::now());
    let fight = Fight { address: address("Webhook/nps"), actor: "robot".to_owned(), at: time(1), corrections: 3 };
    let suspension = |address: Option<Address>, reason: String| Suspension {
        address,
        reason,
        actor: "kim".to_owned(),
        since: time(2),
        until: None,
    };
    let project = suspension(None, "we look into it".to_owned());
    let fought = suspension(Some(fight.address.clone()), fight.reason());
    let outcome = Outcome::Suspended { suspension: project.clone(), findings: findings() };
    let suspended = Tick { suspensions: Arc::new([project, fought]), suspended_objects: 1, ..tick(10, outcome) };
    standing.note(&suspended, Vec::new());
    for (name, expected) in [("suspended", 1.0), ("suspended_objects", 1.0), ("fights", 1.0), ("failures", 0.0)] {
        assert_eq!(value(&standing, name, ""), Some(expected), "{name}");
    }
    assert_eq!(value(&standing, "last_success_timestamp_seconds", ""), Some(10.0));
    assert_eq!(value(&standing, "applied_commit_timestamp_seconds", ""), None);
    let shown = status(&standing);
    assert_eq!(
        (shown["suspensions"][0]["reason"].as_str(), shown["fights"].as_u64()),
        (Some("we look into it"), Some(1))
    );
    standing.note(&tick(20, Outcome::InSync), Vec::new());
    assert_eq!(value(&standing, "suspended", ""), Some(0.0));
    assert_eq!(value(&standing, "fights", ""), Some(0.0));
}

#[test]
fn series_without_a_name_go_away_once_it_is_known() {
    let (standing, _) = standing(Instant::now());
    let nameless = "{path=\"acme\",project=\"\",target=\"\"";
    let unknown = |standing: &Arc<Standing>| series(standing).iter().filter(|line| line.contains(nameless)).count();
    let error = Arc::new(SourceError::NoGit("not there".to_owned()));
    let outcome = Outcome::Failed(Failure::Source(Arc::clone(&error)));
    let first = Tick { project: None, target: None, commit: None, looked: false, ..tick(1, outcome) };
    standing.note(&Tick { source_error: Some(error), ..first }, vec!["failed to run git: not there".to_owned()]);
    assert!(unknown(&standing) > 0);
    assert!(!series(&standing).iter().any(|line| line.contains("differences")), "nothing is known of them");
    assert!(status(&standing)["project"].is_null());
    standing.note(&tick(2, Outcome::InSync), Vec::new());
    assert_eq!(unknown(&standing), 0);
    assert_eq!(value(&standing, "ticks_total", ",outcome=\"failed\""), Some(1.0), "what was counted stays counted");
}

#[test]
fn another_project_or_target_under_the_path_begins_anew() {
    let (standing, _) = standing(Instant::now());
    standing.note(
        &tick(10, Outcome::Applied { findings: findings(), totals: Totals { add: 1, change: 1, destroy: 0 } }),
        Vec::new(),
    );
    assert_eq!(status(&standing)["orphans"][0], "Webhook/old", "whatever else came of it");
    for (project, target) in [("acme-two", "production"), ("acme-two", "staging")] {
        let outcome = Outcome::Failed(Failure::Live("no answer".to_owned()));
        let (project, target) = (Some(Name::from_any(project)), Some(Name::from_any(target)));
        standing.note(&Tick { project, target: target.clone(), ..tick(20, outcome) }, Vec::new());
        let told = series(&standing);
        assert!(!told.iter().any(|line| line.contains("project=\"acme\"")), "{told:#?}");
        for of_another in ["_drift{", "_differences{", "_actions_total{", "applied_commit", "last_success"] {
            assert!(!told.iter().any(|line| line.contains(of_another)), "{of_another}: {told:#?}");
        }
        let shown = status(&standing);
        assert_eq!(shown["target"].as_str(), target.as_ref().map(Name::as_str));
        assert!(shown["succeeded_at"].is_null() && shown["commit_applied"].is_null(), "{shown:#}");
        assert_eq!(shown["commit_seen"]["id"], "commit 20");
    }
    assert_eq!(standing.unready(Instant::now()), None, "the service is as ready as it was");
}

#[test]
fn it_is_ready_once_everything_was_looked_at_and_as_long_as_ticks_come() {
    let began = Instant::now();
    let (standing, _) = standing(began);
    assert!(standing.lives(began) && standing.unready(began).is_some_and(|reason| reason.contains("acme")));
    standing.note(&tick(1, Outcome::Failed(Failure::Live("away".to_owned()))), Vec::new());
    assert!(standing.unready(began).is_some(), "a failure is no look");
    let invalid = Outcome::Invalid { diagnostics: Vec::new(), conflict: false };
    standing.note(&tick(2, invalid), Vec::new());
    assert_eq!(standing.unready(began), None, "what it found is for others to judge");
    standing.waits(Duration::from_mins(10), began);
    let after = |minutes| began + Duration::from_mins(minutes);
    assert_eq!(standing.unready(after(10)), None, "a wait after failures may be long");
    assert!(standing.unready(after(14)).is_some() && standing.lives(after(14)));
    assert!(!standing.lives(after(26)));
    standing.waits(Duration::from_mins(10), after(26));
    assert!(standing.lives(after(26)) && standing.unready(after(26)).is_none());
    standing.end();
    assert!(!standing.lives(after(26)) && standing.unready(after(26)).is_some());
}
