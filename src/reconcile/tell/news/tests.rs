use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::{ProptestConfig, Strategy, any, prop, proptest};

use super::*;
use crate::base::ident::Revision;
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::suspension::Suspension;
use crate::plan::plan_value::{Refusal as PlanRefusal, Totals};
use crate::reconcile::fight::Fight;
use crate::reconcile::outcome::{Failure, Findings};
use crate::reconcile::source::SourceError;
use crate::reconcile::tell::event_v1::EventV1;
use crate::reconcile::wish::Mode;

fn address(n: usize) -> Address {
    ["Webhook/nps", "Destination/chat", "Audience/sales"][n % 3].parse().expect("an address")
}

fn second(at: i64) -> Timestamp {
    Timestamp::from_second(at).expect("a time")
}

/// `drift` and `written` are numbers of objects.
fn findings(drift: &[usize], written: &[usize]) -> Findings {
    Findings {
        actions: written.iter().map(|n| (address(*n), ActionKind::Update)).collect(),
        drift: drift
            .iter()
            .map(|n| Drifted {
                address: address(*n),
                fields: vec!["spec.headers.X-Team".to_owned()],
                by: Some(("kim".to_owned(), second(7))),
            })
            .collect(),
        ..Findings::default()
    }
}

fn applied(drift: &[usize], written: &[usize]) -> Outcome {
    let totals = Totals { add: 0, change: written.len(), destroy: 0 };
    Outcome::Applied { findings: findings(drift, written), totals }
}

fn refused(planned: usize) -> Outcome {
    let refusals = vec![PlanRefusal::TooManyDeletes { planned, allowed: 0 }];
    Outcome::Refused { findings: findings(&[], &[0]), refusals }
}

fn suspended(reason: &str) -> Outcome {
    let suspension =
        Suspension { address: None, reason: reason.to_owned(), actor: "ana".to_owned(), since: second(5), until: None };
    Outcome::Suspended { suspension, findings: Findings::default() }
}

fn failed() -> Outcome {
    Outcome::Failed(Failure::Live("a secret value".to_owned()))
}

fn tick(outcome: Outcome, revision: u64) -> Tick {
    Tick {
        at: second(1_900_000_000),
        project: Some("acme".parse().expect("a name")),
        target: Some("live".parse().expect("a name")),
        revision: Some(Revision(revision)),
        ..Tick::sample(outcome)
    }
}

/// The news of ticks with these outcomes, each at a revision of its own.
fn told(outcomes: impl IntoIterator<Item = Outcome>) -> Vec<Vec<&'static str>> {
    let mut notes = ProjectNotes::default();
    let ticks = (1_u64..).zip(outcomes).map(|(n, outcome)| tick(outcome, n));
    ticks.map(|tick| due(&mut notes, &tick, 3).iter().map(News::as_str).collect()).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn drift_is_told_once_and_again_when_more_drifts() {
    let outcomes = [&[0][..], &[0], &[0, 1], &[1], &[0, 1]].map(|drift| Outcome::Differs(findings(drift, drift)));
    let found = ["drift-found"];
    assert_eq!(told(outcomes), [&found[..], &NOTHING, &found, &NOTHING, &found]);
    let outcomes = [Outcome::Differs(findings(&[0], &[])), failed(), Outcome::Differs(findings(&[0], &[]))];
    assert_eq!(told(outcomes), [&found[..], &NOTHING, &NOTHING], "a failure takes nothing back");
    let outcomes = [Outcome::Differs(findings(&[0], &[])), Outcome::InSync, Outcome::Differs(findings(&[0], &[]))];
    assert_eq!(told(outcomes), [&found[..], &NOTHING, &found]);
}

#[test]
fn an_apply_says_what_it_healed_and_what_it_left() {
    assert_eq!(told([applied(&[], &[0])]), [["applied"]]);
    assert_eq!(told([applied(&[0], &[0])]), [["drift-healed", "applied"]]);
    assert_eq!(told([applied(&[0, 1], &[0])]), [["drift-found", "drift-healed", "applied"]]);
    let mut notes = ProjectNotes::default();
    let mut same = tick(applied(&[], &[0]), 4);
    assert_eq!(due(&mut notes, &same, 3), [News::Applied]);
    same.looked = false;
    assert_eq!(due(&mut notes, &same, 3), []);
}

#[test]
fn a_refusal_is_told_once_for_its_reasons() {
    let told = told([refused(1), refused(1), failed(), refused(1), refused(2), Outcome::InSync, refused(2)]);
    let (refused, recovered) = (["refused"], ["recovered"]);
    assert_eq!(told, [&refused[..], &NOTHING, &NOTHING, &NOTHING, &refused, &recovered, &refused]);
}

#[test]
fn failures_are_told_once_after_so_many_in_a_row() {
    let outcomes = [failed(), failed(), Outcome::InSync, failed(), failed(), Outcome::Interrupted, failed(), failed()];
    let told_so_far = told(outcomes);
    assert_eq!(told_so_far.concat(), ["failing"]);
    assert_eq!(told_so_far[6], ["failing"], "what says nothing ends no row");
    let outcomes = [failed(), failed(), failed(), refused(1), failed(), failed(), failed(), Outcome::InSync];
    assert_eq!(told(outcomes).concat(), ["failing", "refused", "recovered", "failing", "recovered"]);
    let mut notes = ProjectNotes::default();
    let mut away = tick(Outcome::InSync, 1);
    away.source_error = Some(Arc::new(SourceError::NoRef("refs/heads/main".to_owned())));
    let news: Vec<News> = (0..5).flat_map(|_| due(&mut notes, &away, 3)).collect();
    assert_eq!(news, [News::Failing(3)], "a repository that is away is a failure though live is kept");
    away.source_error = None;
    assert_eq!(due(&mut notes, &away, 3), [News::Recovered(vec![Trouble::Failing])]);
}

#[test]
fn suspensions_and_fights_are_told() {
    let told_of = told([suspended("a"), suspended("a"), failed(), suspended("b"), Outcome::InSync, Outcome::InSync]);
    assert_eq!(told_of.concat(), ["suspended", "suspended", "resumed"]);
    let mut fought = findings(&[0], &[]);
    fought.left_alone = vec![address(0)];
    fought.fights = vec![Fight { address: address(0), actor: "kim".to_owned(), at: second(9), corrections: 3 }];
    let fight = || Outcome::Differs(fought.clone());
    assert_eq!(told([fight(), fight()]).concat(), ["drift-found", "fight-found"]);
}

#[test]
fn a_fight_is_told_once_whatever_came_of_the_tick_that_stopped_it() {
    let fight = |at| Fight { address: address(0), actor: "kim at home".to_owned(), at: second(at), corrections: 3 };
    let stopped = |outcome, fights: &[Fight]| {
        let suspension = |fight: &Fight| Suspension {
            address: Some(fight.address.clone()),
            reason: fight.reason(),
            actor: "robot".to_owned(),
            since: second(10),
            until: None,
        };
        Tick { suspensions: fights.iter().map(suspension).collect(), ..tick(outcome, 1) }
    };
    let mut notes = ProjectNotes::default();
    let mut news = |outcome, fights: &[Fight]| due(&mut notes, &stopped(outcome, fights), 9);
    // The lease was taken between the suspension and the apply.
    let tick = stopped(failed(), &[fight(9)]);
    let told = news(failed(), &[fight(9)]);
    assert_eq!(told, [News::FightFound(vec![fight(9)])]);
    let event = EventV1::new(&told[0], &tick, &ProjectNotes::default(), Mode::Heal);
    assert_eq!((event.data.fights.total, event.data.fights.items[0].by.as_str()), (1, "kim at home"));
    let mut left = findings(&[], &[]);
    left.left_alone = vec![address(0)];
    assert_eq!(news(Outcome::Differs(left.clone()), &[fight(9)]), []);
    assert_eq!(news(failed(), &[]), [], "what could not be asked is not over");
    assert_eq!(news(Outcome::Differs(left), &[fight(9)]), []);
    assert_eq!(news(Outcome::InSync, &[]), [], "a person resumed it");
    assert_eq!(news(Outcome::InSync, &[fight(20)]), [News::FightFound(vec![fight(20)])]);
    assert_eq!(news(Outcome::InSync, &[fight(20)]), []);
}

#[test]
fn another_project_begins_anew() {
    let mut notes = ProjectNotes::default();
    let mut tick = tick(refused(1), 1);
    assert_eq!(due(&mut notes, &tick, 3), [News::Refused]);
    tick.project = Some("other".parse().expect("a name"));
    assert_eq!(due(&mut notes, &tick, 3), [News::Refused]);
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let some = || prop::collection::vec(0_usize..3, 0..3);
    (0_u8..9, some(), some()).prop_map(|(sort, drift, written)| match sort {
        0 => Outcome::InSync,
        1 => Outcome::Differs(findings(&drift, &written)),
        2 => applied(&drift, &written),
        3 => refused(drift.len()),
        4 => Outcome::TestsFailed { cases: vec![format!("t: {}", drift.len())] },
        5 => suspended(&drift.len().to_string()),
        6 => Outcome::Invalid { diagnostics: Vec::new(), conflict: false },
        7 => Outcome::Interrupted,
        _ => failed(),
    })
}

proptest! {
    /// For any ticks: nothing is told twice in a row, an end only after its beginning, and a tick that is repeated is
    /// silent, whether it looked again or not.
    #[test]
    fn each_is_told_once(outcomes in prop::collection::vec((any_outcome(), any::<bool>()), 0..40), after in 1_u32..5) {
        let mut notes = ProjectNotes::default();
        let (mut failing, mut refused, mut suspended) = (false, false, false);
        let mut last: Option<EventV1> = None;
        for (n, (outcome, away)) in (0_u64..).zip(outcomes) {
            let mut tick = tick(outcome, n);
            tick.source_error = away.then(|| Arc::new(SourceError::NoRef("main".to_owned())));
            let news = due(&mut notes, &tick, after);
            for one in &news {
                match one {
                    News::Failing(times) => {
                        assert!(!failing && *times >= after);
                        failing = true;
                    }
                    News::Recovered(troubles) => {
                        for trouble in troubles {
                            let open = match trouble {
                                Trouble::Failing => &mut failing,
                                Trouble::Refused => &mut refused,
                            };
                            assert!(std::mem::take(open), "{trouble:?} was not told");
                        }
                        assert!(!troubles.is_empty());
                    }
                    News::Refused => refused = true,
                    News::Suspended => suspended = true,
                    News::Resumed => assert!(std::mem::take(&mut suspended)),
                    News::DriftFound | News::FightFound(_) | News::DriftHealed | News::Applied => {}
                }
                let event = EventV1::new(one, &tick, &notes, Mode::Heal);
                assert_ne!(last.as_ref(), Some(&event));
                assert!(!serde_json::to_string(&event).expect("JSON").contains("a secret value"));
                last = Some(event);
            }
            let mut again = tick.clone();
            again.source_error = None;
            if !matches!(*tick.outcome, Outcome::Failed(_)) && !away {
                assert_eq!(due(&mut notes, &again, after), [], "after {news:?}");
                again.looked = false;
                assert_eq!(due(&mut notes, &again, after), []);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However much there is to tell, a document stays small, and says how much there was.
    #[test]
    fn documents_are_bounded(objects in 0_usize..300, fields in 0_usize..40, text in "\\PC{0,400}") {
        let mut all = findings(&vec![0; objects], &vec![1; objects]);
        for drifted in &mut all.drift {
            drifted.fields = vec![text.clone(); fields];
        }
        let event = EventV1::new(&News::DriftFound, &tick(Outcome::Differs(all), 1), &ProjectNotes::default(), Mode::Report);
        assert_eq!((event.data.drift.total, event.data.actions.total), (objects, objects));
        assert_eq!(event.data.action_counts.get("update").copied().unwrap_or(0), objects);
        assert!(event.data.drift.items.len() <= 50);
        assert!(serde_json::to_string(&event).expect("JSON").len() < 512 * 1024);
    }
}
