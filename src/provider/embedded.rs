//! The target inside this process: the object store in a file of the project, no server and no socket.

use std::path::Path;

use super::process_lock::ProcessLock;
use super::{Boxed, ProviderError, Reader, SecretAnswer, SecretQuestion, Writer};
use crate::base::ident::{FencingToken, Name, ObjectId, PlanId, Revision};
use crate::base::secret::SecretText;
use crate::kinds::Address;
use crate::object::audit::{AuditEntry, AuditQuery};
use crate::object::capability::Capabilities;
use crate::object::changeset::{AppliedPlan, Changeset, ChangesetOutcome};
use crate::object::delivery::{EventPage, EventQuery};
use crate::object::lease::{LeaseGrant, LeaseHolder};
use crate::object::record::{ObjectRecord, Snapshot};
use crate::object::suspension::{ResumeScope, SuspendOrder, Suspension};
use crate::store::{Cause, Clock, EventPlace, MasterKey, ReadStore, Store, StoreError};

/// One project of a store, open for reading (`Embedded<ReadStore>`) or for writing (`Embedded<Store>`).
pub struct Embedded<S> {
    store: S,
    project: Name,
    process: ProcessLock,
}

impl Embedded<ReadStore> {
    /// Opens the store for reading: nothing is made or changed, and a file that does not exist is an empty store.
    ///
    /// # Errors
    /// As [`ReadStore::open`].
    pub async fn open_read(
        path: &Path,
        project: Name,
        key: Option<MasterKey>,
        clock: Clock,
    ) -> Result<Self, ProviderError> {
        Ok(Self { store: ReadStore::open(path, key, clock).await?, project, process: ProcessLock::beside(path) })
    }
}

impl Embedded<Store> {
    /// Opens the store for writing, and makes what is missing of it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_write(
        path: &Path,
        project: Name,
        key: Option<MasterKey>,
        clock: Clock,
    ) -> Result<Self, ProviderError> {
        Ok(Self { store: Store::open(path, key, clock).await?, project, process: ProcessLock::beside(path) })
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }
}

impl<S: AsRef<ReadStore>> Embedded<S> {
    fn reads(&self) -> &ReadStore {
        self.store.as_ref()
    }
}

/// A store, in whichever way it is open.
pub trait Opened: AsRef<ReadStore> + Send + Sync {
    /// Ends the use of the file.
    fn close(&self) -> Boxed<'_, ()>;
}

impl Opened for ReadStore {
    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            Self::close(self).await;
            Ok(())
        })
    }
}

impl Opened for Store {
    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async { Ok(Self::close(self).await?) })
    }
}

impl<S: Opened> Reader for Embedded<S> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::full()
    }

    fn moved_since(&self, revision: Revision) -> Boxed<'_, bool> {
        Box::pin(async move { Ok(self.reads().revision(&self.project).await? != revision) })
    }

    fn digests(&self) -> Boxed<'_, Snapshot> {
        Box::pin(async { Ok(self.reads().digests(&self.project).await?) })
    }

    fn read<'a>(&'a self, addresses: Option<&'a [Address]>) -> Boxed<'a, Vec<ObjectRecord>> {
        Box::pin(async move { Ok(self.reads().read(&self.project, addresses).await?) })
    }

    fn read_archived<'a>(&'a self, addresses: &'a [Address]) -> Boxed<'a, Vec<ObjectRecord>> {
        Box::pin(async move { Ok(self.reads().read_archived(&self.project, addresses).await?) })
    }

    fn compare_secrets<'a>(&'a self, questions: &'a [SecretQuestion]) -> Boxed<'a, Vec<SecretAnswer>> {
        Box::pin(async move {
            let asked: Vec<_> =
                questions.iter().map(|q| (&q.address, q.path.as_str(), q.fingerprint.as_str())).collect();
            let answers = self.reads().compare_secrets(&self.project, &asked).await?;
            let answer = |same| match same {
                Some(true) => SecretAnswer::Same,
                Some(false) => SecretAnswer::Different,
                None => SecretAnswer::Unknown,
            };
            Ok(answers.into_iter().map(answer).collect())
        })
    }

    fn audit<'a>(&'a self, query: &'a AuditQuery) -> Boxed<'a, Vec<AuditEntry>> {
        Box::pin(async move { Ok(self.reads().audit(&self.project, query).await?) })
    }

    fn events<'a>(&'a self, query: &'a EventQuery) -> Boxed<'a, EventPage> {
        Box::pin(async move {
            let EventQuery { since, limit, cursor } = query;
            let behind: Result<Option<EventPlace>, _> = cursor.as_deref().map(str::parse).transpose();
            let behind =
                behind.map_err(|error| ProviderError::Rejected { address: None, reason: error.to_string() })?;
            Ok(self.reads().event_page(&self.project, *since, behind, *limit).await?)
        })
    }

    fn applied(&self, plan: PlanId) -> Boxed<'_, Option<AppliedPlan>> {
        Box::pin(async move { Ok(self.reads().applied(&self.project, plan).await?) })
    }

    fn suspensions(&self) -> Boxed<'_, Vec<Suspension>> {
        Box::pin(async { Ok(self.reads().suspensions(&self.project).await?) })
    }

    fn lease_holder(&self) -> Boxed<'_, Option<LeaseHolder>> {
        Box::pin(async { Ok(self.reads().lease_holder(&self.project).await?) })
    }

    fn close(&self) -> Boxed<'_, ()> {
        self.store.close()
    }
}

impl Writer for Embedded<Store> {
    fn changeset<'a>(&'a self, changeset: &'a Changeset) -> Boxed<'a, ChangesetOutcome> {
        Box::pin(async move {
            if changeset.project != self.project {
                let reason = format!("it is for project {}, not {}", changeset.project, self.project);
                return Err(ProviderError::Rejected { address: None, reason });
            }
            Ok(self.store.changeset(changeset).await?)
        })
    }

    fn take_lease<'a>(&'a self, owner: PlanId, actor: &'a str) -> Boxed<'a, LeaseGrant> {
        Box::pin(async move {
            // What this very process holds already, another of its plans may be at work under.
            let held = self.process.is_held();
            let alone = self.process.hold()? && !held;
            match self.store.take_process_lease(&self.project, owner, actor).await {
                // Its process held the lock as long as it ran, and the lock is ours: it was killed.
                Err(StoreError::LeaseHeld(dead)) if alone && dead.ends_with_process => {
                    self.store.break_lease(&self.project, actor).await?;
                    Ok(self.store.take_process_lease(&self.project, owner, actor).await?)
                }
                taken => Ok(taken?),
            }
        })
    }

    fn release_lease(&self, owner: PlanId, token: FencingToken) -> Boxed<'_, ()> {
        Box::pin(async move {
            self.store.release_lease(&self.project, owner, token).await?;
            self.process.let_go();
            Ok(())
        })
    }

    fn break_lease<'a>(&'a self, actor: &'a str) -> Boxed<'a, Option<LeaseHolder>> {
        Box::pin(async move { Ok(self.store.break_lease(&self.project, actor).await?) })
    }

    fn tokens(&self) -> Boxed<'_, Vec<(Address, ObjectId, SecretText)>> {
        Box::pin(async { Ok(self.store.tokens(&self.project).await?) })
    }

    fn rotate_token<'a>(&'a self, address: &'a Address, actor: &'a str) -> Boxed<'a, SecretText> {
        Box::pin(async move {
            let (_, token) = self.store.rotate_token(&self.project, address, actor).await?;
            Ok(token)
        })
    }

    fn suspend<'a>(&'a self, order: &'a SuspendOrder) -> Boxed<'a, Suspension> {
        Box::pin(async move { Ok(self.store.suspend(&self.project, order).await?) })
    }

    fn resume<'a>(&'a self, scope: &'a ResumeScope, actor: &'a str) -> Boxed<'a, Vec<Suspension>> {
        Box::pin(async move { Ok(self.store.resume(&self.project, scope, actor).await?) })
    }

    fn project(&self) -> &Name {
        &self.project
    }
}

impl From<StoreError> for ProviderError {
    fn from(error: StoreError) -> Self {
        // The store's words are the context and its cause the source, so that neither is said twice.
        let context = error.to_string();
        let unavailable = |source| Self::Unavailable { context: context.clone(), source };
        match error {
            StoreError::Absent(address) => Self::Absent(address),
            StoreError::Conflict(stale) => Self::Conflict(stale),
            StoreError::PlanReused => Self::PlanReused,
            StoreError::Rejected { address, reason } => Self::Rejected { address, reason },
            StoreError::TooManyComparisons { .. } => Self::Rejected { address: None, reason: context },
            StoreError::LeaseHeld(holder) => Self::LeaseHeld(holder),
            StoreError::Suspended(suspension) => Self::Suspended(suspension),
            StoreError::LeaseLost => Self::LeaseLost,
            StoreError::UnknownOutcome(source) => Self::UnknownOutcome { source: Some(Cause::of(&source).into()) },
            StoreError::Open { path: _, source } | StoreError::Database(source) => {
                unavailable(Some(Cause::of(&source).into()))
            }
            StoreError::File { action: _, path: _, source } => unavailable(Some(source.into())),
            StoreError::Random(source) => unavailable(Some(source.into())),
            StoreError::NotADatabase { .. }
            | StoreError::ExposedKey(_)
            | StoreError::Folder(_)
            | StoreError::ReadOnly { .. }
            | StoreError::Foreign(_)
            | StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::Unclosed(_)
            | StoreError::WrongKey(_)
            | StoreError::MissingKey { .. }
            | StoreError::BadKey
            | StoreError::Full
            | StoreError::Busy
            | StoreError::Closed
            | StoreError::Corrupt { .. } => unavailable(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::base::digest::Digest;
    use crate::base::fingerprint::fingerprint;
    use crate::kinds::Metadata;
    use crate::object::action::ActionKind;
    use crate::object::changeset::{Body, Expected, Operation, SecretWrite, Write};

    #[tokio::test]
    async fn a_plan_goes_through_the_seam() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("local.db");
        let project = Name::from_any("acme");
        let open = async || Embedded::open_read(&path, project.clone(), None, Clock::system()).await.expect("opened");
        let empty: Box<dyn Reader> = Box::new(open().await);
        assert!(empty.digests().await.expect("digests").rows.is_empty());

        let writer = Embedded::open_write(&path, project.clone(), None, Clock::system()).await.expect("opened");
        let writer: Box<dyn Writer> = Box::new(writer);
        let plan_id = PlanId(Uuid::new_v4());
        let lease = writer.take_lease(plan_id, "ci").await.expect("taken");
        let address: Address = "Destination/d".parse().expect("an address");
        let spec = json!({"platform": "Slack", "method": "POST", "url": "https://a.test",
            "auth": {"type": "bearer", "token": {"fromEnv": "T"}}});
        let content = SecretText::new("content".into());
        let secrets = vec![SecretWrite { path: "spec.auth.token".into(), content: content.clone() }];
        let body = Body { metadata: Metadata::named(address.name.clone()), spec, applied: None, secrets };
        let operation = Operation::Create(body);
        let write =
            Write { address: address.clone(), action: ActionKind::Create, expected: Expected::Absent, operation };
        let changeset = Changeset {
            project: project.clone(),
            plan_id,
            body: Digest::of_bytes(b"plan"),
            actor: "ci".into(),
            commit: None,
            fencing_token: lease.token,
            writes: vec![write],
            refresh: Vec::new(),
            heeds_suspensions: false,
        };
        let other = Changeset { project: Name::from_any("other"), ..changeset.clone() };
        assert!(matches!(writer.changeset(&other).await, Err(ProviderError::Rejected { address: None, .. })));
        assert!(matches!(writer.changeset(&changeset).await, Ok(ChangesetOutcome::Applied { .. })));
        writer.release_lease(plan_id, lease.token).await.expect("released");
        writer.close().await.expect("closed");
        assert!(matches!(writer.digests().await, Err(ProviderError::Unavailable { .. })));

        let reader = open().await;
        let row = reader.digests().await.expect("digests").rows.remove(0);
        let ask = |path: &str, content: &str| SecretQuestion {
            address: address.clone(),
            path: path.into(),
            fingerprint: fingerprint(&row.secrets[0].salt, &SecretText::new(content.into())),
        };
        let questions =
            [ask("spec.auth.token", "content"), ask("spec.auth.token", "x"), ask("spec.signing.secret", "x")];
        let answers = reader.compare_secrets(&questions).await.expect("compared");
        assert_eq!(answers, [SecretAnswer::Same, SecretAnswer::Different, SecretAnswer::Unknown]);
        assert!(reader.applied(plan_id).await.expect("read").is_some());
    }

    #[tokio::test]
    async fn the_lease_of_a_killed_process_is_taken_over_and_that_of_a_running_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("local.db");
        let project = Name::from_any("acme");
        let open = async || Embedded::open_write(&path, project.clone(), None, Clock::system()).await.expect("opened");
        let (first, second) = (PlanId(Uuid::from_u128(1)), PlanId(Uuid::from_u128(2)));
        let running = open().await;
        let lease = running.take_lease(first, "ana").await.expect("taken");
        let other = open().await;
        assert!(matches!(other.take_lease(second, "bo").await, Err(ProviderError::LeaseHeld(_))));
        // Closing the file is what the operating system does for a killed process.
        drop(running);
        let taken = other.take_lease(second, "bo").await.expect("taken over");
        assert!(taken.token > lease.token);
        assert_eq!(
            other.audit(&AuditQuery::default()).await.expect("audit").last().map(|e| &*e.action),
            Some("unlock")
        );
    }
}
