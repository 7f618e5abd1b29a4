//! Law 14: no change → any number of ticks, no write; drift → exactly one correction; suspended → none.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use trueup::object::suspension::{ResumeScope, SuspendOrder};
use trueup::reconcile::outcome::{Outcome, Tick};
use trueup::reconcile::run::Pace;
use trueup::reconcile::tell::news::{News, due};
use trueup::reconcile::tell::notes::ProjectNotes;
use trueup::reconcile::wish::Mode;

use super::killed::{kill_after, moment, nothing_twice};
use crate::fault_proxy::Fault;
use crate::killable::kills;
use crate::reconcile_rig::{Meanwhile, applies, in_sync, once, reconciling, reconciling_meanwhile};
use crate::rig::Rig;
use crate::stories::{BASE, base_with, base_without, edited, without};
use crate::world::{Random, World, seeds};

/// What nobody waits for: so many rounds.
struct Rounds(u32);

impl Pace for Rounds {
    async fn wait(&mut self, _time: Duration) -> bool {
        self.0 -= 1;
        self.0 > 0
    }

    fn random(&mut self) -> f64 {
        0.5
    }
}

#[test]
pub(super) fn without_a_change_ticks_write_nothing_and_drift_is_corrected_once() {
    for seed in seeds(4) {
        let mut random = Random::new(seed);
        let mut world = World::random(&mut random);
        let rig = Rig::new();
        rig.write_world(&world);
        let mut healing = reconciling(&rig, Mode::Heal);
        applies(&rig, &mut healing);
        for round in 0..4 {
            let before = rig.state();
            let mut looked = 0;
            let mut told = |tick: &Tick| {
                assert!(matches!(*tick.outcome, Outcome::InSync), "{:?}", tick.outcome);
                looked += usize::from(tick.looked);
            };
            rig.wait(healing.run(Duration::from_mins(1), &mut Rounds(5), &mut told));
            assert_eq!(looked, 0, "nothing moved: seed {seed}, round {round}");
            assert!(rig.state() == before, "ticks wrote something: seed {seed}, round {round}");
            // A report of the same says nothing else, and writes nothing either.
            in_sync(&rig, &mut reconciling(&rig, Mode::Report));

            let addresses = rig.state().addresses();
            let drifted = random.pick(&addresses).clone();
            rig.touch_by_hand(&drifted);
            let by_hand = rig.state();
            let report = once(&rig, &mut reconciling(&rig, Mode::Report));
            assert!(matches!(*report.outcome, Outcome::Differs(_)), "{:?}", report.outcome);
            assert!(rig.state() == by_hand, "a report wrote something: seed {seed}");
            let healed = applies(&rig, &mut healing);
            let findings = healed.outcome.findings().expect("findings");
            assert_eq!(findings.drift.len(), 1, "seed {seed}: {drifted}");
            assert_eq!(findings.drift[0].by.as_ref().map(|(actor, _)| actor.as_str()), Some("kim@console"));
            let after = rig.state();
            let new: Vec<_> = after.audit.iter().filter(|entry| entry.sequence > last(&by_hand)).collect();
            let written: Vec<_> = new.iter().filter(|entry| entry.plan_id.is_some()).collect();
            assert_eq!(written.len(), 1, "exactly one correction: seed {seed}: {new:?}");
            assert!(written[0].actor.contains("(reconcile)") && written[0].commit.as_deref() == Some("c0ffee"));
            assert_eq!(after.row(&drifted).digest, before.row(&drifted).digest, "seed {seed}: {drifted}");
            // It must not be a fight in the eyes of the next round.
            rig.wait(rig.with_writer(async |writer| {
                writer.resume(&ResumeScope::Everything, "kim@console").await.expect("resumed");
            }));
        }
        for _ in 0..3 {
            world.edit(&mut random);
        }
        rig.write_world(&world);
        let changed = once(&rig, &mut healing);
        assert!(changed.looked, "a change of the manifests is seen");
        let nothing = rig.plan();
        assert_eq!(crate::rig::actions(&nothing.plan), Vec::<String>::new(), "seed {seed}: {:?}", changed.outcome);
    }
}

fn last(state: &crate::rig::State) -> u64 {
    state.audit.last().map_or(0, |entry| entry.sequence)
}

/// Writes the manifests of each round, notes how long a loop would wait, and ends.
struct Writes<'r> {
    rig: &'r Rig,
    rounds: Vec<String>,
    waited: Vec<Duration>,
}

impl Pace for Writes<'_> {
    async fn wait(&mut self, time: Duration) -> bool {
        self.waited.push(time);
        let next = self.rounds.pop();
        if let Some(manifests) = &next {
            self.rig.write(manifests);
        }
        next.is_some()
    }

    fn random(&mut self) -> f64 {
        1.0
    }
}

#[test]
fn broken_manifests_do_not_put_off_those_that_mend_them() {
    let rig = Rig::applied(BASE);
    let broken = |round: u32| format!("{BASE}\n---\nkind: Nonsense{round}\n");
    rig.write(&broken(0));
    let mut healing = reconciling(&rig, Mode::Heal);
    let rounds = [vec![BASE.to_owned()], (1..5).map(broken).collect()].concat();
    let mut pace = Writes { rig: &rig, rounds, waited: Vec::new() };
    let mut outcomes = Vec::new();
    let minute = Duration::from_mins(1);
    rig.wait(healing.run(minute, &mut pace, &mut |tick| outcomes.push((tick.outcome.as_str(), tick.failures))));
    let expected = [("invalid", 1), ("invalid", 2), ("invalid", 3), ("invalid", 4), ("invalid", 5), ("in-sync", 0)];
    assert_eq!(outcomes, expected);
    assert_eq!(pace.waited, [minute; 6]);
}

#[test]
pub(super) fn what_is_suspended_is_not_written() {
    let rig = Rig::applied(BASE);
    let mut healing = reconciling(&rig, Mode::Heal);
    in_sync(&rig, &mut healing);
    let order = |address: Option<&str>, until: &str| SuspendOrder {
        address: address.map(|address| address.parse().expect("an address")),
        reason: "we look into it".to_owned(),
        actor: "kim@console".to_owned(),
        until: Some(until.parse().expect("a time")),
    };
    let suspend = |address: Option<&str>, until: &str| {
        let order = order(address, until);
        rig.wait(rig.with_writer(async |writer| writer.suspend(&order).await.expect("suspended")));
    };
    suspend(None, "2031-06-01T13:00:00Z");
    rig.touch_by_hand("Audience/sales");
    let before = rig.state();
    for looked in [true, false, false] {
        let tick = once(&rig, &mut healing);
        assert!(matches!(*tick.outcome, Outcome::Suspended { .. }), "{:?}", tick.outcome);
        assert_eq!(tick.looked, looked);
    }
    assert!(rig.state() == before, "it was written while suspended");
    // Its end is seen though nothing moved.
    rig.set_now("2031-06-01T13:00:01Z");
    applies(&rig, &mut healing);
    in_sync(&rig, &mut healing);

    suspend(Some("Audience/sales"), "2031-06-01T14:00:00Z");
    rig.touch_by_hand("Audience/sales");
    rig.touch_by_hand("Destination/chat");
    let tick = applies(&rig, &mut healing);
    let findings = tick.outcome.findings().expect("findings");
    assert_eq!(findings.left_alone, ["Audience/sales".parse().expect("an address")]);
    assert_eq!(findings.actions.len(), 1, "{findings:?}");
    let before = rig.state();
    let tick = once(&rig, &mut healing);
    assert!(matches!(*tick.outcome, Outcome::Differs(_)), "{:?}", tick.outcome);
    assert!(rig.state() == before);
    rig.wait(rig.with_writer(async |writer| {
        writer.resume(&ResumeScope::Everything, "kim@console").await.expect("resumed");
    }));
    applies(&rig, &mut healing);
    in_sync(&rig, &mut healing);
}

#[test]
fn what_is_changed_while_a_plan_is_applied_is_seen_at_the_next_tick() {
    let rig = Rig::applied(BASE);
    let meanwhile = Arc::new(Mutex::new(None));
    let mut healing = reconciling_meanwhile(&rig, Mode::Heal, &meanwhile);
    in_sync(&rig, &mut healing);
    rig.touch_by_hand("Audience/sales");
    *meanwhile.lock().expect("a lock") = Some(Meanwhile::Touch("Destination/chat"));
    applies(&rig, &mut healing);
    let tick = applies(&rig, &mut healing);
    let actions = &tick.outcome.findings().expect("findings").actions;
    assert_eq!(actions[0].0.to_string(), "Destination/chat");
    assert!(!in_sync(&rig, &mut healing).looked);
}

#[test]
fn a_suspension_is_seen_though_nothing_else_moved() {
    let rig = Rig::applied(BASE);
    let mut healing = reconciling(&rig, Mode::Heal);
    in_sync(&rig, &mut healing);
    let order = SuspendOrder {
        address: None,
        reason: "we look into it".to_owned(),
        actor: "kim@console".to_owned(),
        until: None,
    };
    rig.wait(rig.with_writer(async |writer| writer.suspend(&order).await.expect("suspended")));
    for looked in [true, false] {
        let tick = once(&rig, &mut healing);
        assert!(matches!(*tick.outcome, Outcome::Suspended { .. }), "{:?}", tick.outcome);
        assert_eq!(tick.looked, looked);
    }
    rig.wait(rig.with_writer(async |writer| {
        writer.resume(&ResumeScope::Everything, "kim@console").await.expect("resumed");
    }));
    assert!(in_sync(&rig, &mut healing).looked);
}

#[test]
pub(super) fn what_is_left_alone_holds_up_nothing_but_what_needs_it() {
    let rig = Rig::applied(BASE);
    let suspend = |address: &str| {
        let address = Some(address.parse().expect("an address"));
        let (reason, actor) = ("we look into it".to_owned(), "kim@console".to_owned());
        let order = SuspendOrder { address, reason, actor, until: None };
        rig.wait(rig.with_writer(async |writer| writer.suspend(&order).await.expect("suspended")));
    };
    let resume = || {
        rig.wait(rig.with_writer(async |writer| {
            writer.resume(&ResumeScope::Everything, "kim@console").await.expect("resumed");
        }));
    };
    let told = |tick: &Tick| {
        let findings = tick.outcome.findings().expect("findings");
        let written: Vec<String> =
            findings.actions.iter().map(|(address, action)| format!("{action} {address}")).collect();
        let alone: Vec<String> = findings.left_alone.iter().map(ToString::to_string).collect();
        (written.join(", "), alone.join(", "))
    };
    let mut healing = reconciling(&rig, Mode::Heal);
    // An object that is left alone is no reason to keep another that is no longer wanted.
    suspend("Audience/sales");
    rig.touch_by_hand("Audience/sales");
    let touched = rig.state().row("Audience/sales").digest;
    rig.write(&base_without(&["IncomingWebhook/shop"]));
    let (written, alone) = told(&applies(&rig, &mut healing));
    assert_eq!((written.as_str(), alone.as_str()), ("delete IncomingWebhook/shop", "Audience/sales"));
    assert_eq!(rig.state().row("Audience/sales").digest, touched);
    // One that is suspended itself stays; what it refers to does too.
    let talk = ("{ name: chat }\nspec:", "{ name: talk }\nspec:");
    let talking = edited(&base_without(&["IncomingWebhook/shop"]), &[talk, ("destination: chat", "destination: talk")]);
    suspend("Webhook/nps");
    rig.write(&talking);
    let (written, alone) = told(&applies(&rig, &mut healing));
    assert_eq!(written, "create Destination/talk");
    assert_eq!(alone, "Audience/sales, Destination/chat, Webhook/nps");
    assert!(matches!(*once(&rig, &mut healing).outcome, Outcome::Differs(_)));
    rig.write(&without(&talking, &["Webhook/nps"]));
    let tick = once(&rig, &mut healing);
    assert_eq!(told(&tick), (String::new(), "Audience/sales, Destination/chat, Webhook/nps".to_owned()));
    resume();
    applies(&rig, &mut healing);
    assert!(rig.plan().plan.is_empty());
    // One that is to get another name keeps the old one, and is not taken for one that is no longer wanted.
    suspend("Template/lead");
    let renamed = "{ name: offer, annotations: { trueup.dev/was: lead } }";
    let base = without(&talking, &["Webhook/nps"]);
    let changed = [("{ name: lead }", renamed), ("template: lead", "template: offer"), ("X-Team: red", "X-Team: blue")];
    rig.write(&edited(&base, &changed));
    let (written, alone) = told(&applies(&rig, &mut healing));
    // By their new name they would refer to what is not there.
    let referrers = "Template/offer, Notification/reminder, Workflow/newsletter";
    assert_eq!((written.as_str(), alone.as_str()), ("update Destination/talk", referrers));
    assert!(rig.state().addresses().contains(&"Template/lead".to_owned()));
    resume();
    let (written, _) = told(&applies(&rig, &mut healing));
    assert!(written.contains("Template/offer"), "{written}");
    in_sync(&rig, &mut healing);
    // One that is new and suspended is not made, nor what needs it.
    let new = "---\napiVersion: trueup/v1\nkind: Template\nmetadata: { name: news, annotations: { trueup.dev/reconcile: suspended } }\n\
               spec: { title: News, body: News }\n---\napiVersion: trueup/v1\nkind: Notification\nmetadata: { name: spring }\n\
               spec: { template: news, audiences: [sales], startAt: \"2091-12-01\", endAt: \"2091-12-24\" }\n";
    rig.write(
        &(edited(
            &base,
            &[("{ name: lead }", renamed), ("template: lead", "template: offer"), ("X-Team: red", "X-Team: green")],
        ) + new),
    );
    let (written, alone) = told(&applies(&rig, &mut healing));
    assert_eq!((written.as_str(), alone.as_str()), ("update Destination/talk", "Template/news, Notification/spring"));
    nothing_twice(&rig.state(), "left alone");
}

#[test]
pub(super) fn drift_that_comes_back_after_three_corrections_is_left_to_a_person() {
    let rig = Rig::applied(BASE);
    for _ in 0..3 {
        rig.touch_by_hand("Audience/sales");
        // A new one each time: what is known of a fight is in the audit, and outlives the process.
        applies(&rig, &mut reconciling(&rig, Mode::Heal));
    }
    rig.touch_by_hand("Audience/sales");
    rig.touch_by_hand("Destination/chat");
    let mut healing = reconciling(&rig, Mode::Heal);
    let tick = applies(&rig, &mut healing);
    let findings = tick.outcome.findings().expect("findings");
    let fight = &findings.fights[0];
    assert_eq!((fight.address.to_string().as_str(), fight.actor.as_str()), ("Audience/sales", "kim@console"));
    assert_eq!(findings.actions.len(), 1, "what is not fought over is healed: {findings:?}");
    let before = rig.state();
    let mut other = reconciling(&rig, Mode::Heal);
    for healing in [&mut healing, &mut other] {
        for _ in 0..2 {
            let tick = once(&rig, healing);
            assert!(matches!(*tick.outcome, Outcome::Differs(_)), "{:?}", tick.outcome);
        }
    }
    assert!(rig.state() == before, "a fight goes on");
    rig.wait(rig.with_writer(async |writer| {
        let lifted = writer.resume(&ResumeScope::Everything, "kim@console").await.expect("resumed");
        assert!(lifted[0].reason.contains("kim@console"), "{lifted:?}");
    }));
    // Nothing but the suspension has moved: who has stopped the fight sees all the same that it may go on.
    applies(&rig, &mut healing);
    in_sync(&rig, &mut healing);
    in_sync(&rig, &mut other);
}

#[test]
fn a_fight_is_stopped_and_told_once_the_lease_of_another_is_over() {
    crate::rig::over_http(|| {
        let rig = Rig::applied(BASE);
        let mut healing = reconciling(&rig, Mode::Heal);
        for _ in 0..3 {
            rig.touch_by_hand("Audience/sales");
            applies(&rig, &mut healing);
        }
        rig.touch_by_hand("Audience/sales");
        rig.touch_by_hand("Destination/chat");
        rig.wait(rig.with_writer(async |writer| {
            let owner = trueup::base::ident::PlanId(uuid::Uuid::from_u128(7));
            writer.take_lease(owner, "ana@elsewhere").await.expect("a lease");
        }));
        let (mut notes, mut told) = (ProjectNotes::default(), Vec::new());
        for _ in 0..2 {
            let tick = once(&rig, &mut healing);
            assert!(matches!(*tick.outcome, Outcome::Waiting(_)), "{:?}", tick.outcome);
            told.extend(due(&mut notes, &tick, 3));
        }
        assert!(told.is_empty(), "who waits has stopped nothing: {told:?}");
        rig.set_now("2031-06-01T12:30:00Z");
        told.extend(due(&mut notes, &applies(&rig, &mut healing), 3));
        told.extend(due(&mut notes, &once(&rig, &mut healing), 3));
        let fights: Vec<_> = told.iter().filter(|news| matches!(news, News::FightFound(_))).collect();
        let [News::FightFound(fights)] = &fights[..] else { panic!("{told:?}") };
        let [fight] = &fights[..] else { panic!("{fights:?}") };
        assert_eq!((fight.address.to_string().as_str(), fight.actor.as_str()), ("Audience/sales", "kim@console"));
    });
}

#[test]
fn a_target_that_is_down_for_a_while_is_come_back_to() {
    crate::rig::over_http(|| {
        let rig = Rig::applied(BASE);
        let mut healing = reconciling(&rig, Mode::Heal);
        in_sync(&rig, &mut healing);
        rig.touch_by_hand("Audience/sales");
        rig.served().proxy.script(0, usize::MAX, Fault::ResetBefore);
        for failures in 1..=3 {
            let tick = once(&rig, &mut healing);
            assert!(matches!(*tick.outcome, Outcome::Failed(_)), "{:?}", tick.outcome);
            assert_eq!(tick.failures, failures);
        }
        rig.served().proxy.calm();
        let tick = applies(&rig, &mut healing);
        assert_eq!(tick.failures, 0);
        in_sync(&rig, &mut healing);
        rig.served().proxy.calm();
        in_sync(&rig, &mut healing);
        assert_eq!(rig.served().proxy.seen(), ["GET /v1/projects/acme/objects?view=digest"], "one small question");
    });
}

pub(super) const SERVICE: [&str; 5] = ["reconcile", "--mode", "heal", "--interval", "1s"];

/// As many versions of the destination as one likes.
pub(super) fn version(n: u64) -> String {
    base_with(&[("X-Team: red", &format!("X-Team: team-{n}"))])
}

#[test]
fn killed_whenever_it_is_it_comes_to_what_is_wanted_and_does_nothing_twice() {
    let rig = Rig::applied(BASE);
    let mut random = Random::new(14);
    for n in 0..kills(12) {
        rig.write(&version(n));
        kill_after(&rig.project, &SERVICE, moment(&mut random, Duration::from_millis(250)));
    }
    rig.project.ok(&["reconcile", "--mode", "heal", "--once"]);
    let state = rig.state();
    nothing_twice(&state, "killed");
    rig.project.ok(&["reconcile", "--mode", "heal", "--once", "--detailed-exitcode"]);
    assert!(rig.state() == state, "it was not done");
}

#[test]
fn of_two_at_once_one_writes_and_both_come_to_rest() {
    let rig = Rig::applied(BASE);
    let mut services = [0, 1].map(|_| {
        let mut command = rig.project.command(&[&SERVICE[..], &["-o", "json"]].concat());
        command.stdout(Stdio::piped()).spawn().expect("a service")
    });
    let mut lines = services.each_mut().map(|service| BufReader::new(service.stdout.take().expect("a pipe")).lines());
    let mut next = |of: usize| -> Value {
        let line = lines[of].next().expect("a service that goes on").expect("a line");
        serde_json::from_str(&line).expect("JSON")
    };
    (0..2).for_each(|of| while next(of)["outcome"] != "in-sync" {});
    for n in 0..3 {
        let before = rig.state().snapshot.revision.0;
        rig.write(&version(n));
        // Each has seen the write once it tells of a later revision.
        for of in 0..2 {
            while next(of)["revision"].as_u64().is_none_or(|now| now <= before) {}
        }
    }
    for service in &mut services {
        service.kill().expect("a kill");
        service.wait().expect("an end");
    }
    let state = rig.state();
    let writes = state.audit.iter().filter(|entry| entry.actor.contains("(reconcile)") && entry.before != entry.after);
    assert_eq!(writes.count(), 3, "one write a version: {:?}", state.audit);
}
