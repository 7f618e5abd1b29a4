//! Writing. A changeset is repeated until it is known what became of it; what a repetition would do twice is sent once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;

use super::failure::{Failure, Repeatable};
use super::{Call, ServerTarget};
use crate::base::ident::{FencingToken, Name, ObjectId, PlanId};
use crate::base::secret::SecretText;
use crate::kinds::Address;
use crate::object::changeset::{AppliedPlan, Changeset, ChangesetOutcome, Write, WriteResult};
use crate::object::lease::{LeaseGrant, LeaseHolder};
use crate::object::wire_v1::by_hand::RotateV1;
use crate::object::wire_v1::changeset::{ChangesetResultV1, ChangesetV1};
use crate::object::wire_v1::lease::{BreakLeaseV1, BrokenLeaseV1, TakeLeaseV1};
use crate::object::wire_v1::limits;
use crate::object::wire_v1::output::{OutputV1, OutputsV1};
use crate::provider::{Boxed, ProviderError, Reader as _, Writer};

impl Writer for ServerTarget {
    fn changeset<'a>(&'a self, changeset: &'a Changeset) -> Boxed<'a, ChangesetOutcome> {
        Box::pin(async move {
            if changeset.project != self.project {
                let reason = format!("it is for project {}, not {}", changeset.project, self.project);
                return Err(ProviderError::Rejected { address: None, reason });
            }
            self.write(changeset).await
        })
    }

    fn take_lease<'a>(&'a self, owner: PlanId, actor: &'a str) -> Boxed<'a, LeaseGrant> {
        Box::pin(async move {
            let asked = TakeLeaseV1 { owner, actor: named(actor) };
            // Taken twice by one plan it is renewed.
            let taken = async { self.document(self.post("lease", &asked)?).await }.await;
            taken.map_err(|failure: Failure| failure.into_error(&self.what("take the lease")))
        })
    }

    fn release_lease(&self, owner: PlanId, token: FencingToken) -> Boxed<'_, ()> {
        Box::pin(async move {
            let query = vec![("owner", owner.to_string()), ("token", token.to_string())];
            let call = Call { query, ..self.call(Method::DELETE, self.path("lease")) };
            let released = self.nothing(&call).await;
            released.map_err(|failure| failure.into_error(&self.what("give the lease back")))
        })
    }

    fn break_lease<'a>(&'a self, actor: &'a str) -> Boxed<'a, Option<LeaseHolder>> {
        Box::pin(async move {
            let asked = BreakLeaseV1 { actor: named(actor) };
            let broken: Result<BrokenLeaseV1, _> =
                async { self.document(self.once("lease/break", &asked)?).await }.await;
            let broken = broken.map_err(|failure| self.once_failed(failure, "take the lease away"))?;
            Ok(broken.holder)
        })
    }

    fn tokens(&self) -> Boxed<'_, Vec<(Address, ObjectId, SecretText)>> {
        Box::pin(async {
            let outputs: Result<OutputsV1, _> = self.document(self.get("outputs")).await;
            let outputs = outputs.map_err(|failure| failure.into_error(&self.what("read the outputs")))?.outputs;
            Ok(outputs.into_iter().map(|OutputV1 { address, id, token }| (address, id, token.0)).collect())
        })
    }

    fn rotate_token<'a>(&'a self, address: &'a Address, actor: &'a str) -> Boxed<'a, (ObjectId, SecretText)> {
        Box::pin(async move {
            let asked = RotateV1 { actor: named(actor) };
            let path = format!("objects/{}/{}/rotate", address.kind, address.name);
            let rotated: Result<OutputV1, _> = async { self.document(self.once(&path, &asked)?).await }.await;
            match rotated {
                Ok(OutputV1 { address: _, id, token }) => Ok((id, token.0)),
                Err(failure) if failure.is_absent() => Err(ProviderError::Absent(address.clone())),
                Err(failure) => Err(self.once_failed(failure, "rotate the token")),
            }
        })
    }

    fn project(&self) -> &Name {
        &self.project
    }
}

/// Who it is, in as many characters as a server takes.
fn named(actor: &str) -> Option<String> {
    let actor: String = actor.chars().filter(|c| !c.is_control()).take(limits::ACTOR_CHARACTERS).collect();
    Some(actor).filter(|actor| !actor.is_empty())
}

impl ServerTarget {
    /// A request of which two would do something else than one.
    fn once(&self, rest: &str, body: &impl serde::Serialize) -> Result<Call, Failure> {
        Ok(Call { repeatable: Repeatable::No, ..self.post(rest, body)? })
    }

    fn once_failed(&self, failure: Failure, what: &str) -> ProviderError {
        if !failure.is_open() {
            return failure.into_error(&self.what(what));
        }
        ProviderError::UnknownOutcome { source: Some(Box::new(failure.into_error(&self.what(what)))) }
    }

    async fn write(&self, changeset: &Changeset) -> Result<ChangesetOutcome, ProviderError> {
        let what = self.what("write the changeset");
        let sent = ChangesetV1 { actor: named(&changeset.actor), ..ChangesetV1::from(changeset) };
        let call = self.post("changesets", &sent).map_err(|failure| failure.into_error(&what))?;
        drop(sent);
        if call.body.as_ref().is_some_and(|body| body.len() > limits::CHANGESET_BYTES) {
            let reason = format!("it is larger than the {} bytes a server takes", limits::CHANGESET_BYTES);
            return Err(ProviderError::Rejected { address: None, reason });
        }
        let call = Call { patience: self.patience.changeset, ..call };
        // Whether an attempt may have arrived of which no answer came.
        let open = AtomicBool::new(false);
        let attempt = || async {
            let answer = async {
                let response = self.attempt(&call).await?;
                super::http::json::<ChangesetResultV1>(response, call.patience).await
            };
            answer.await.inspect_err(|failure| {
                open.fetch_or(failure.is_open(), Ordering::Relaxed);
            })
        };
        let answer = self.persist(Repeatable::Yes, attempt).await;
        let open = open.into_inner();
        match answer.map(ChangesetOutcome::from) {
            // An earlier attempt arrived, of which no answer came: it was this very request that wrote it.
            Ok(ChangesetOutcome::AlreadyApplied(applied)) if open && applied.body == changeset.body => {
                self.written(changeset, applied).await
            }
            Ok(outcome) => Ok(outcome),
            Err(failure) if open && !failure.is_settled() => self.settle(changeset, failure.into_error(&what)).await,
            Err(failure) => Err(failure.into_error(&what)),
        }
    }

    /// Learns what became of a changeset of which no answer came.
    ///
    /// It may still be on its way. So, before a *no* is believed, the lease is given back: what arrives after that is
    /// refused, because it carries the token of a lease that has ended.
    async fn settle(&self, changeset: &Changeset, why: ProviderError) -> Result<ChangesetOutcome, ProviderError> {
        let unknown = |why| Err(ProviderError::UnknownOutcome { source: Some(Box::new(why)) });
        match self.applied(changeset.plan_id).await {
            Ok(Some(applied)) if applied.body == changeset.body => return self.written(changeset, applied).await,
            Ok(Some(_)) => return Err(ProviderError::PlanReused),
            Ok(None) => {}
            Err(_) => return unknown(why),
        }
        if self.release_lease(changeset.plan_id, changeset.fencing_token).await.is_err() {
            return unknown(why);
        }
        match self.applied(changeset.plan_id).await {
            Ok(Some(applied)) if applied.body == changeset.body => self.written(changeset, applied).await,
            Ok(Some(_)) => Err(ProviderError::PlanReused),
            // Nothing was written, and nothing will be.
            Ok(None) => Err(why),
            Err(_) => unknown(why),
        }
    }

    /// The outcome of a changeset that was written, whose answer was lost. The ids are looked up; where that fails it
    /// is still known that everything was written.
    async fn written(&self, changeset: &Changeset, applied: AppliedPlan) -> Result<ChangesetOutcome, ProviderError> {
        let rows = self.digests().await.map(|snapshot| snapshot.rows).unwrap_or_default();
        // Of several with one address the live one comes last, after the archived ones in their order.
        let ids: BTreeMap<Address, ObjectId> = rows.into_iter().map(|row| (row.address, row.id)).collect();
        let result = |write: &Write| {
            let gone = matches!(write.operation, crate::object::changeset::Operation::Delete);
            let id = if gone { None } else { ids.get(&write.address).copied() };
            WriteResult { address: write.address.clone(), action: write.action, id }
        };
        let results = changeset.writes.iter().map(result).collect();
        Ok(ChangesetOutcome::Applied { revision: applied.revision, results })
    }
}
