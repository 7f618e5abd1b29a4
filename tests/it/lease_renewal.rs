//! The lease of an apply that takes longer than its term: it is renewed meanwhile, and nobody else gets it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use trueup::apply::ApplyError;
use trueup::apply::report::Report;
use trueup::base::ident::{FencingToken, Name, ObjectId, PlanId, Revision};
use trueup::base::secret::SecretText;
use trueup::kinds::Address;
use trueup::object::audit::{AuditEntry, AuditQuery};
use trueup::object::capability::Capabilities;
use trueup::object::changeset::{AppliedPlan, Changeset, ChangesetOutcome};
use trueup::object::delivery::{EventPage, EventQuery};
use trueup::object::lease::{LeaseGrant, LeaseHolder};
use trueup::object::record::{ObjectRecord, Snapshot};
use trueup::object::secret_comparison::{SecretAnswer, SecretQuestion};
use trueup::object::suspension::{ResumeScope, SuspendOrder, Suspension};
use trueup::provider::{Boxed, ProviderError, Reader, Writer};
use uuid::Uuid;

use crate::rig::{Planned, Rig, actions, over_http};
use crate::served::Served;
use crate::stories::BASE;

/// A writer that takes its time before it passes the changeset on, and counts how often the lease was taken.
struct Slow<'w> {
    inner: &'w dyn Writer,
    /// By which another plan tries to take the lease meanwhile.
    another: &'w dyn Writer,
    /// The clock of the server, in seconds.
    now: Arc<AtomicI64>,
    taken: AtomicU64,
    meanwhile: Meanwhile,
}

/// What happens before the changeset.
#[derive(Clone, Copy)]
enum Meanwhile {
    /// Three minutes, in which the lease is renewed each time before its term has ended.
    SeveralTerms,
    /// A minute without a renewal.
    OneTerm,
}

impl Slow<'_> {
    fn turn(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    async fn another(&self) -> Result<LeaseGrant, ProviderError> {
        self.another.take_lease(ANOTHER, "bo@there").await
    }

    async fn take_time(&self) {
        match self.meanwhile {
            Meanwhile::SeveralTerms => {
                for term in 0..4 {
                    self.turn(45);
                    let held = self.another().await;
                    assert!(matches!(held, Err(ProviderError::LeaseHeld(_))), "in term {term}: {held:?}");
                    // Two more answers: the one that was under way when the clock was turned may be of the time before.
                    let (seen, begin) = (self.taken.load(Ordering::SeqCst), Instant::now());
                    while self.taken.load(Ordering::SeqCst) < seen + 2 {
                        assert!(begin.elapsed() < Duration::from_secs(30), "the lease is not renewed");
                        tokio::task::yield_now().await;
                    }
                }
            }
            Meanwhile::OneTerm => {
                assert!(matches!(self.another().await, Err(ProviderError::LeaseHeld(_))));
                self.turn(61);
                self.another().await.expect("a lease that has ended");
            }
        }
    }
}

impl Reader for Slow<'_> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn moved_since(&self, revision: Revision) -> Boxed<'_, bool> {
        self.inner.moved_since(revision)
    }

    fn digests(&self) -> Boxed<'_, Snapshot> {
        self.inner.digests()
    }

    fn read<'a>(&'a self, addresses: Option<&'a [Address]>) -> Boxed<'a, Vec<ObjectRecord>> {
        self.inner.read(addresses)
    }

    fn read_archived<'a>(&'a self, addresses: &'a [Address]) -> Boxed<'a, Vec<ObjectRecord>> {
        self.inner.read_archived(addresses)
    }

    fn compare_secrets<'a>(&'a self, questions: &'a [SecretQuestion]) -> Boxed<'a, Vec<SecretAnswer>> {
        self.inner.compare_secrets(questions)
    }

    fn audit<'a>(&'a self, query: &'a AuditQuery) -> Boxed<'a, Vec<AuditEntry>> {
        self.inner.audit(query)
    }

    fn events<'a>(&'a self, query: &'a EventQuery) -> Boxed<'a, EventPage> {
        self.inner.events(query)
    }

    fn applied(&self, plan: PlanId) -> Boxed<'_, Option<AppliedPlan>> {
        self.inner.applied(plan)
    }

    fn suspensions(&self) -> Boxed<'_, Vec<Suspension>> {
        self.inner.suspensions()
    }

    fn lease_holder(&self) -> Boxed<'_, Option<LeaseHolder>> {
        self.inner.lease_holder()
    }
}

impl Writer for Slow<'_> {
    fn changeset<'a>(&'a self, changeset: &'a Changeset) -> Boxed<'a, ChangesetOutcome> {
        Box::pin(async {
            self.take_time().await;
            self.inner.changeset(changeset).await
        })
    }

    fn take_lease<'a>(&'a self, owner: PlanId, actor: &'a str) -> Boxed<'a, LeaseGrant> {
        Box::pin(async move {
            let taken = self.inner.take_lease(owner, actor).await;
            self.taken.fetch_add(1, Ordering::SeqCst);
            taken
        })
    }

    fn release_lease(&self, owner: PlanId, token: FencingToken) -> Boxed<'_, ()> {
        self.inner.release_lease(owner, token)
    }

    fn break_lease<'a>(&'a self, actor: &'a str) -> Boxed<'a, Option<LeaseHolder>> {
        self.inner.break_lease(actor)
    }

    fn tokens(&self) -> Boxed<'_, Vec<(Address, ObjectId, SecretText)>> {
        self.inner.tokens()
    }

    fn rotate_token<'a>(&'a self, address: &'a Address, actor: &'a str) -> Boxed<'a, SecretText> {
        self.inner.rotate_token(address, actor)
    }

    fn suspend<'a>(&'a self, order: &'a SuspendOrder) -> Boxed<'a, Suspension> {
        self.inner.suspend(order)
    }

    fn resume<'a>(&'a self, scope: &'a ResumeScope, actor: &'a str) -> Boxed<'a, Vec<Suspension>> {
        self.inner.resume(scope, actor)
    }

    fn project(&self) -> &Name {
        self.inner.project()
    }
}

const ANOTHER: PlanId = PlanId(Uuid::from_u128(0xA_0000));

/// Applies slowly.
fn apply_slowly(rig: &Rig, planned: &Planned, meanwhile: Meanwhile) -> (Report, Result<(), ApplyError>) {
    let Served { target, .. } = rig.served();
    rig.wait(async {
        let slow = Slow { inner: target, another: target, now: rig.hands(), taken: AtomicU64::new(0), meanwhile };
        rig.apply_to(&slow, planned).await
    })
}

fn try_to_take(rig: &Rig, owner: PlanId) -> Result<LeaseGrant, ProviderError> {
    rig.wait(rig.served().target.take_lease(owner, "kim@there"))
}

#[test]
fn a_long_apply_renews_its_lease() {
    over_http(|| {
        let rig = Rig::with(BASE);
        let planned = rig.plan();
        rig.renew_every(Duration::from_millis(1));
        let (_, outcome) = apply_slowly(&rig, &planned, Meanwhile::SeveralTerms);
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(actions(&rig.plan().plan), Vec::<String>::new());
        // It was given back.
        assert!(try_to_take(&rig, ANOTHER).is_ok());
    });
}

#[test]
fn without_renewal_the_lease_passes_on_and_nothing_is_written() {
    over_http(|| {
        let rig = Rig::with(BASE);
        let planned = rig.plan();
        rig.renew_every(Duration::from_hours(1));
        let before = rig.state().snapshot;
        let (report, outcome) = apply_slowly(&rig, &planned, Meanwhile::OneTerm);
        assert!(matches!(outcome, Err(ApplyError::Provider(ProviderError::LeaseLost))), "{outcome:?}");
        assert_eq!(report.totals.add, 0, "{report:?}");
        assert_eq!(rig.state().snapshot, before);
        // Whoever has it now keeps it.
        let held = try_to_take(&rig, PlanId(Uuid::from_u128(0xB_0000)));
        assert!(matches!(&held, Err(ProviderError::LeaseHeld(holder)) if holder.owner == ANOTHER), "{held:?}");
    });
}
