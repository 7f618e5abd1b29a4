//! The seam to targets, and its implementations.
//!
//! Planning, drift and export are handed a [`Reader`], which has no method that writes: that a plan cannot write is a
//! matter of types. Only apply, `unlock` and `outputs` get a [`Writer`].

pub mod embedded;
pub mod error;
mod process_lock;
pub mod server;

use std::future::Future;
use std::pin::Pin;

use crate::base::ident::{FencingToken, Name, ObjectId, PlanId, Revision};
use crate::base::secret::SecretText;
use crate::kinds::Address;
use crate::object::audit::{AuditEntry, AuditQuery};
use crate::object::capability::Capabilities;
use crate::object::changeset::{AppliedPlan, Changeset, ChangesetOutcome};
use crate::object::delivery::{EventPage, EventQuery};
use crate::object::lease::{LeaseGrant, LeaseHolder};
use crate::object::record::{ObjectRecord, Snapshot};
use crate::object::secret_comparison::{SecretAnswer, SecretQuestion};
use crate::object::suspension::{ResumeScope, SuspendOrder, Suspension};

pub use error::ProviderError;

/// A future that can be held by a trait object.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// Reads one project of one target.
///
/// Guarantees: nothing is written, not even bookkeeping. A snapshot's rows belong to one revision. Not guaranteed: that
/// a later `read` still sees that revision; the generations tell.
pub trait Reader: Send + Sync {
    /// What the target can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether the project is at another revision than this one: one small request, whatever the project's size.
    fn moved_since(&self, revision: Revision) -> Boxed<'_, bool>;

    /// A row of every object of the project.
    fn digests(&self) -> Boxed<'_, Snapshot>;

    /// These objects in full; all, archived ones apart, when `addresses` is `None`. An absent one is left out.
    fn read<'a>(&'a self, addresses: Option<&'a [Address]>) -> Boxed<'a, Vec<ObjectRecord>>;

    /// Archived objects in full, newest archive last.
    fn read_archived<'a>(&'a self, addresses: &'a [Address]) -> Boxed<'a, Vec<ObjectRecord>>;

    /// For each question in order: whether the content is the one the target holds.
    fn compare_secrets<'a>(&'a self, questions: &'a [SecretQuestion]) -> Boxed<'a, Vec<SecretAnswer>>;

    /// Audit entries of the project, oldest first.
    fn audit<'a>(&'a self, query: &'a AuditQuery) -> Boxed<'a, Vec<AuditEntry>>;

    /// A page of recorded events, exactly as they were stored, in the order they were accepted. A target that carries
    /// nothing out has none. Beyond `config:read` this needs `runtime:read` of a control plane.
    ///
    /// Guarantees: whoever goes on from `next` misses nothing that is kept and sees nothing twice. A page without events
    /// is the last for now.
    fn events<'a>(&'a self, query: &'a EventQuery) -> Boxed<'a, EventPage>;

    /// Whether and when a plan was applied.
    fn applied(&self, plan: PlanId) -> Boxed<'_, Option<AppliedPlan>>;

    /// What `reconcile` leaves alone now: the project itself first (without an address), then objects. One whose end has
    /// passed is not among them.
    fn suspensions(&self) -> Boxed<'_, Vec<Suspension>>;

    /// Who holds the lease now.
    fn lease_holder(&self) -> Boxed<'_, Option<LeaseHolder>>;

    /// Ends the use of the target; requests after it fail. What was answered before is durable without it: it
    /// leaves things tidy (an embedded store becomes one plain file), and one process must not write to an embedded
    /// store while it still reads it through this.
    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Writes one project of one target.
pub trait Writer: Reader {
    /// Writes all of it or nothing.
    fn changeset<'a>(&'a self, changeset: &'a Changeset) -> Boxed<'a, ChangesetOutcome>;

    /// Takes the lease, or renews it for the plan that holds it.
    /// Held by another: [`ProviderError::LeaseHeld`].
    fn take_lease<'a>(&'a self, owner: PlanId, actor: &'a str) -> Boxed<'a, LeaseGrant>;

    /// Gives the lease back; does nothing if it passed to another.
    fn release_lease(&self, owner: PlanId, token: FencingToken) -> Boxed<'_, ()>;

    /// Takes the lease away from whoever holds it, and says who that was.
    fn break_lease<'a>(&'a self, actor: &'a str) -> Boxed<'a, Option<LeaseHolder>>;

    /// Server-made secrets of the project: the token of each object of a kind that has one.
    fn tokens(&self) -> Boxed<'_, Vec<(Address, ObjectId, SecretText)>>;

    /// Gives an object a new token; the old one belongs to nobody from then on.
    fn rotate_token<'a>(&'a self, address: &'a Address, actor: &'a str) -> Boxed<'a, SecretText>;

    /// Suspends the project or one object of it for `reconcile`, or changes reason and end of what is suspended already.
    ///
    /// Not guaranteed: anything about an `apply`, which goes on as ever.
    /// An object that is not live: [`ProviderError::Absent`].
    fn suspend<'a>(&'a self, order: &'a SuspendOrder) -> Boxed<'a, Suspension>;

    /// Resumes, and says what was suspended until now: nothing, when nothing was.
    fn resume<'a>(&'a self, scope: &'a ResumeScope, actor: &'a str) -> Boxed<'a, Vec<Suspension>>;

    /// The project this writes to.
    fn project(&self) -> &Name;
}
