//! Laws 6 and 7 over HTTP: whatever happens to any request of an apply, it ends in a listed state; and a run after it
//! converges, with nothing there twice and nothing in the audit that did not happen.

use std::collections::BTreeMap;
use std::time::Duration;

use trueup::apply::ApplyError;
use trueup::apply::report::ActionState;
use trueup::base::ident::PlanId;
use trueup::provider::{ProviderError, Writer as _};
use uuid::Uuid;

use crate::fault_proxy::Fault;
use crate::rig::{Rig, State, over_http};
use crate::stories::{BASE, base_with};

const FAULTS: &[Fault] = &[
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::CutBody,
    Fault::HalfClose,
    Fault::Page,
    Fault::Nonsense,
    Fault::Status(409),
    Fault::Status(412),
    Fault::Status(429),
    Fault::Status(500),
    Fault::Status(503),
    Fault::StatusAfter(502),
];

/// How often each plan did each thing; anything but once is wrong.
fn done(state: &State) -> BTreeMap<String, usize> {
    let mut done = BTreeMap::new();
    for entry in state.audit.iter().filter(|entry| entry.plan_id.is_some() && entry.action != "mark-used") {
        let address = entry.address.as_ref().map(ToString::to_string).unwrap_or_default();
        *done.entry(format!("{:?} {} {address}", entry.plan_id, entry.action)).or_default() += 1;
    }
    done
}

/// Applies once with this fault at this request. Returns whether the apply got that far.
fn round(first: usize, count: usize, fault: Fault) -> bool {
    let story = format!("{fault:?} at request {first}, {count} times");
    let rig = Rig::with(BASE);
    let planned = rig.plan();
    let before = rig.state();
    let proxy = &rig.served().proxy;
    proxy.script(first, count, fault);
    let (report, outcome) = rig.try_apply(&planned);
    let seen = proxy.seen();
    proxy.calm();
    let after = rig.state();
    let all = |state: ActionState| report.actions.iter().all(|action| action.state == state);
    match &outcome {
        Ok(()) => assert!(all(ActionState::Done) && report.totals.add == 9, "{story}: {report:?}"),
        Err(ApplyError::Provider(ProviderError::UnknownOutcome { .. })) => {
            assert!(all(ActionState::Unknown), "{story}: {report:?}");
        }
        // What was written before the lease could not be given back is said to be written.
        Err(_) if all(ActionState::Done) => assert!(after.snapshot.revision > before.snapshot.revision, "{story}"),
        Err(error) => {
            let none = all(ActionState::NotStarted) || !report.actions.iter().any(|a| a.state == ActionState::Done);
            assert!(none, "{story}: {error}: {report:?}");
            assert_eq!(after.snapshot, before.snapshot, "{story}: {error}: it wrote, and says that it did not");
        }
    }
    // A fault that passes is got over, where the server did not say no itself.
    let passes = count == 1 && !matches!(fault, Fault::Status(409 | 412) | Fault::Page | Fault::Nonsense);
    assert!(!passes || outcome.is_ok(), "{story}: {outcome:?}\n{seen:#?}");
    // The same plan again, as a job that is repeated: it takes its own lease again.
    let (_, again) = rig.try_apply(&planned);
    assert!(again.is_ok(), "{story}: the repetition failed: {again:?}");
    assert!(rig.plan().plan.is_empty(), "{story}");
    let end = rig.state();
    let more_than_once: Vec<_> = done(&end).into_iter().filter(|(_, times)| *times != 1).collect();
    assert!(more_than_once.is_empty(), "{story}: {more_than_once:?}");
    assert_eq!(end.snapshot.rows.len(), 9, "{story}: {:?}", end.addresses());
    seen.len() > first
}

fn every_request(count: usize, faults: &'static [Fault]) {
    for fault in faults {
        let mut requests = 0;
        while round(requests, count, *fault) {
            requests += 1;
        }
        assert!(requests >= 5, "only {requests} requests were disturbed by {fault:?}");
    }
}

#[test]
fn a_fault_that_passes_is_got_over_at_every_request() {
    over_http(|| every_request(1, FAULTS));
}

#[test]
fn a_fault_that_lasts_ends_in_a_listed_state_at_every_request() {
    over_http(|| every_request(usize::MAX, FAULTS));
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    over_http(|| {
        let rig = Rig::applied(BASE);
        rig.write(&base_with(&[("X-Team: red", "X-Team: blue")]));
        let planned = rig.plan();
        rig.served().proxy.script(0, usize::MAX, Fault::Silence(Duration::from_secs(5)));
        let (_, outcome) = rig.try_apply(&planned);
        assert!(matches!(outcome, Err(ApplyError::Provider(ProviderError::Unavailable { .. }))), "{outcome:?}");
    });
}

#[test]
fn a_changeset_whose_answer_is_lost_is_reported_as_written() {
    over_http(|| {
        let rig = Rig::with(BASE);
        let planned = rig.plan();
        let proxy = &rig.served().proxy;
        proxy.calm();
        // Where in an apply the changeset stands.
        let other = Rig::with(BASE);
        other.apply(&other.plan());
        let at =
            other.served().proxy.seen().iter().position(|seen| seen.ends_with("/changesets")).expect("a changeset");
        let reading = other.served().proxy.seen().iter().position(|seen| seen.contains("applied")).expect("a look");
        proxy.script(at - reading, 1, Fault::ResetAfter);
        let (report, outcome) = rig.try_apply(&planned);
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(report.applied_before.is_none() && report.totals.add == 9, "{report:?}");
        assert!(report.actions.iter().all(|action| action.id.is_some()), "{report:?}");
    });
}

#[test]
fn a_page_in_the_place_of_an_answer_gives_no_lease_back() {
    over_http(|| {
        let rig = Rig::with(BASE);
        let (owner, target) = (PlanId(Uuid::from_u128(1)), &rig.served().target);
        let lease = rig.wait(target.take_lease(owner, "ana@here")).expect("a lease");
        rig.served().proxy.script(0, 1, Fault::Page);
        let released = rig.wait(target.release_lease(owner, lease.token));
        assert!(matches!(released, Err(ProviderError::Unavailable { .. })), "{released:?}");
        assert!(rig.wait(target.take_lease(PlanId(Uuid::from_u128(2)), "bo@there")).is_err());
        rig.wait(target.release_lease(owner, lease.token)).expect("given back");
        assert!(rig.wait(target.take_lease(PlanId(Uuid::from_u128(2)), "bo@there")).is_ok());
    });
}
