use std::sync::Arc;

use proptest::prelude::{prop, proptest};

use super::*;
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::plan::plan_value::Totals;
use crate::reconcile::outcome::Failure;
use crate::reconcile::tell::news;

fn address() -> Address {
    "Webhook/nps".parse().expect("an address")
}

fn differs(number: usize) -> Findings {
    Findings { actions: vec![(address(), ActionKind::Update); number], ..Findings::default() }
}

fn applied() -> Outcome {
    Outcome::Applied { findings: differs(1), totals: Totals { add: 1, change: 0, destroy: 0 } }
}

fn failed() -> Outcome {
    Outcome::Failed(Failure::Live("a secret value".to_owned()))
}

fn tick(commit: &str, outcome: Outcome) -> Tick {
    Tick { commit: Some(commit.to_owned()), ..Tick::sample(outcome) }
}

/// The states that commits are given, after ticks with these outcomes.
fn given(
    mode: Mode,
    outcomes: impl IntoIterator<Item = (&'static str, Outcome)>,
) -> Vec<(String, CommitState, String)> {
    let mut notes = ProjectNotes::default();
    let ticks = outcomes.into_iter().map(|(commit, outcome)| tick(commit, outcome));
    let statuses = ticks.filter_map(|tick| {
        news::due(&mut notes, &tick, 3);
        due(&mut notes, &tick, mode, 3)
    });
    statuses.map(|CommitStatus { commit, state, description }| (commit, state, description)).collect()
}

fn one(mode: Mode, outcome: Outcome) -> (CommitState, String) {
    let (_, state, description) = given(mode, [("c", outcome)]).remove(0);
    (state, description)
}

#[test]
fn each_outcome_has_its_state() {
    assert_eq!(one(Mode::Heal, Outcome::InSync), (CommitState::Success, "in sync".to_owned()));
    assert_eq!(
        one(Mode::Heal, applied()),
        (CommitState::Success, "applied: 1 added, 0 changed, 0 destroyed".to_owned())
    );
    let (state, text) = one(Mode::Report, Outcome::Differs(differs(3)));
    assert_eq!((state, text.as_str()), (CommitState::Pending, "3 objects differ: reconcile only reports"));
    let left = Findings { left_alone: vec![address()], ..Findings::default() };
    let (state, text) = one(Mode::Heal, Outcome::Differs(left));
    assert_eq!((state, text.as_str()), (CommitState::Success, "in sync; 1 object left alone"));
    let cases = vec![format!("t: {}\nx", "long ".repeat(80))];
    let (state, text) = one(Mode::Heal, Outcome::TestsFailed { cases });
    assert!(state == CommitState::Failure && text.starts_with("1 test case did not pass, the first is t: long"));
    assert!(text.chars().count() == 140 && text.ends_with('…') && !text.contains('\n'), "{text}");
    let (state, text) = one(Mode::Heal, failed());
    assert_eq!((state, text.as_str()), (CommitState::Pending, "tried again: a live object cannot be understood"));
}

#[test]
fn what_may_pass_takes_no_state_away_until_it_keeps_failing() {
    let outcomes = [applied(), failed(), Outcome::InSync, failed(), failed(), failed(), failed(), Outcome::InSync];
    let given = given(Mode::Heal, outcomes.map(|outcome| ("c", outcome)));
    let states: Vec<CommitState> = given.iter().map(|(_, state, _)| *state).collect();
    assert_eq!(states, [CommitState::Success, CommitState::Error, CommitState::Success]);
}

#[test]
fn files_that_differ_from_their_commit_are_of_none() {
    let mut notes = ProjectNotes::default();
    assert_eq!(due(&mut notes, &tick("c0ffee+", Outcome::InSync), Mode::Heal, 3), None);
    assert!(due(&mut notes, &tick("c0ffee", Outcome::InSync), Mode::Heal, 3).is_some());
}

#[test]
fn a_commit_that_is_not_taken_is_the_one_that_is_told() {
    let mut tick = tick("old", Outcome::InSync);
    let error = SourceError::Unsigned { commit: "new".to_owned(), said: "no".to_owned() };
    tick.source_error = Some(Arc::new(error));
    let mut notes = ProjectNotes::default();
    let status = due(&mut notes, &tick, Mode::Heal, 3).expect("a status");
    assert_eq!((status.commit.as_str(), status.state), ("new", CommitState::Failure));
    assert_eq!(due(&mut notes, &tick, Mode::Heal, 3), None);
}

proptest! {
    #[test]
    fn a_commit_is_not_given_the_same_state_twice_in_a_row(sorts in prop::collection::vec((0_u8..6, 0_usize..2), 0..40)) {
        let outcomes = sorts.into_iter().map(|(sort, commit)| {
            let outcome = match sort {
                0 => Outcome::InSync,
                1 => applied(),
                2 => Outcome::Differs(differs(2)),
                3 => Outcome::TestsFailed { cases: vec!["t: c".to_owned()] },
                4 => Outcome::Interrupted,
                _ => failed(),
            };
            (["one", "two"][commit], outcome)
        });
        let given = given(Mode::Report, outcomes);
        for pair in given.windows(2) {
            assert_ne!((&pair[0].0, pair[0].1), (&pair[1].0, pair[1].1));
        }
        assert!(given.iter().all(|(_, _, text)| !text.contains("secret") && text.chars().count() <= 140));
    }
}
