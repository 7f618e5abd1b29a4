//! Carrying out a plan on a target that applies a changeset whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use super::changeset::{MakeError, Source, secret_update, writes};
use super::report::{ActionReport, ActionState, Event, Report};
use crate::base::digest::Digest;
use crate::base::error_text::chain;
use crate::base::fingerprint::fingerprint;
use crate::base::ident::{FencingToken, ObjectId};
use crate::desired::Desired;
use crate::desired::secrets::Secrets;
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::changeset::{AppliedPlan, Changeset, ChangesetOutcome, Stale, Write};
use crate::object::record::{DigestRow, ObjectRecord};
use crate::object::secret_comparison::{SecretAnswer, SecretQuestion};
use crate::plan::plan_value::{Plan, Totals};
use crate::provider::{ProviderError, Writer};

/// What to apply, with what, in whose name.
pub struct Request<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Digest of the plan as a document.
    pub body: Digest,
    /// The desired state the plan was made from.
    pub desired: &'a Desired,
    /// Contents of secrets.
    pub secrets: &'a Secrets,
    /// Who applies.
    pub actor: &'a str,
    /// The commit the manifests come from.
    pub commit: Option<&'a str>,
    /// How often the lease is renewed: every [`LEASE_RENEWAL`](crate::object::lease::LEASE_RENEWAL), and more often where
    /// that is tried.
    pub lease_renewal: Duration,
    /// Whether somebody asked to stop.
    pub interrupted: &'a (dyn Fn() -> bool + Sync),
    /// Whether nothing is written to what somebody has suspended meanwhile: the target sees to it in the transaction that
    /// writes. `false` for a person's apply, which no suspension binds.
    pub heeds_suspensions: bool,
}

/// Why an apply did not do what the plan says. Nothing was written, unless the outcome is unknown.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The target refused or failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// No changeset could be made of the plan.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// Somebody asked to stop before anything was written.
    #[error("apply: interrupted before anything was written")]
    Interrupted,
}

/// Applies a plan. Takes the lease before live state is read again, and gives it back whatever happens.
///
/// # Errors
/// See [`ApplyError`]. On an error the report says what became of each action.
pub async fn apply(
    writer: &dyn Writer,
    request: &Request<'_>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> (Report, Result<(), ApplyError>) {
    let mut report = not_started(request.plan);
    let outcome = run(writer, request, observe, &mut report).await;
    if let Err(error) = &outcome {
        settle(&mut report, request.plan, error);
    }
    // What never began is told once, by the error.
    for action in report.actions.iter().filter(|action| action.state != ActionState::NotStarted) {
        observe(Event::Ended(action.clone()));
    }
    report.totals = totals(&report, request.plan);
    (report, outcome)
}

async fn run(
    writer: &dyn Writer,
    request: &Request<'_>,
    observe: &mut (dyn FnMut(Event) + Send),
    report: &mut Report,
) -> Result<(), ApplyError> {
    let plan = request.plan;
    if let Some(applied) = writer.applied(plan.plan_id).await? {
        return repeated(applied, request, report);
    }
    // An empty plan takes no lease and writes nothing.
    if plan.is_empty() && plan.unknown_secrets.is_empty() {
        return Ok(());
    }
    let lease = writer.take_lease(plan.plan_id, request.actor).await?;
    observe(Event::LeaseTaken);
    let work = write(writer, request, lease.token, observe, report);
    let renew = || async {
        // A renewal that fails is no reason to stop: the target refuses the write if the lease is lost.
        let _ = writer.take_lease(plan.plan_id, request.actor).await;
    };
    let outcome = meanwhile(work, request.lease_renewal, renew).await;
    // The term ends by itself; that it could not be given back early must not hide what happened.
    if let Err(error) = writer.release_lease(plan.plan_id, lease.token).await {
        tracing::warn!(error = chain(&error), "the lease could not be given back; it ends by itself");
    }
    outcome
}

async fn write(
    writer: &dyn Writer,
    request: &Request<'_>,
    fencing_token: FencingToken,
    observe: &mut (dyn FnMut(Event) + Send),
    report: &mut Report,
) -> Result<(), ApplyError> {
    let plan = request.plan;
    let rows: BTreeMap<Address, DigestRow> = writer
        .digests()
        .await?
        .rows
        .into_iter()
        .filter(|row| !row.archived)
        .map(|row| (row.address.clone(), row))
        .collect();
    let same = same_secrets(writer, request, &rows, observe).await?;
    let records = kept_records(writer, plan).await?;
    let source = Source { plan, desired: request.desired, secrets: request.secrets, same: &same, records: &records };
    let mut all = writes(&source)?;
    let extra = secret_updates(&source, &rows, &all)?;
    for write in &extra {
        report.actions.push(ActionReport {
            address: write.address.clone(),
            action: write.action,
            state: ActionState::NotStarted,
            id: None,
        });
    }
    all.extend(extra);
    if all.is_empty() {
        return Ok(());
    }
    if (request.interrupted)() {
        return Err(ApplyError::Interrupted);
    }
    observe(Event::Writing { actions: all.len() });
    let changeset = Changeset {
        project: plan.project.clone(),
        plan_id: plan.plan_id,
        body: request.body,
        actor: request.actor.to_owned(),
        commit: request.commit.map(str::to_owned),
        fencing_token,
        writes: all,
        refresh: plan.refresh.clone(),
        heeds_suspensions: request.heeds_suspensions,
    };
    match writer.changeset(&changeset).await? {
        ChangesetOutcome::Applied { revision, results } => {
            report.revision = Some(revision);
            for (action, result) in report.actions.iter_mut().zip(results) {
                action.state = ActionState::Done;
                action.id = result.id;
            }
            Ok(())
        }
        // When this began it was not applied, and the lease is held: an answer got lost, and the write was its own.
        ChangesetOutcome::AlreadyApplied(applied) if applied.body == request.body => {
            let ids: BTreeMap<Address, ObjectId> = writer
                .digests()
                .await?
                .rows
                .into_iter()
                .filter(|row| !row.archived)
                .map(|row| (row.address, row.id))
                .collect();
            report.revision = Some(applied.revision);
            for action in &mut report.actions {
                action.state = ActionState::Done;
                action.id = ids.get(&action.address).copied();
            }
            Ok(())
        }
        ChangesetOutcome::AlreadyApplied(_) => Err(ProviderError::PlanReused.into()),
    }
}

/// A plan is applied once: again, it changes nothing and says when it was applied, so that a CI job can be repeated.
fn repeated(applied: AppliedPlan, request: &Request<'_>, report: &mut Report) -> Result<(), ApplyError> {
    if applied.body != request.body {
        return Err(ProviderError::PlanReused.into());
    }
    report.actions.clear();
    report.applied_before = Some((applied.at, applied.actor));
    Ok(())
}

/// The secrets of written and unknown objects that the target holds with the same content.
async fn same_secrets(
    writer: &dyn Writer,
    request: &Request<'_>,
    rows: &BTreeMap<Address, DigestRow>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<BTreeSet<(Address, String)>, ApplyError> {
    let plan = request.plan;
    let written = plan.actions.iter().map(|action| (&action.address, action.from.as_ref().unwrap_or(&action.address)));
    let unknown = plan.unknown_secrets.iter().map(|secret| (&secret.address, &secret.address));
    let mut asked: Vec<Address> = Vec::new();
    let mut questions: Vec<SecretQuestion> = Vec::new();
    let addresses: BTreeMap<&Address, &Address> = unknown.chain(written).collect();
    for (address, live) in addresses {
        let (Some(object), Some(row)) = (request.desired.get(address), rows.get(live)) else { continue };
        for secret in &object.secrets {
            let path = secret.path.to_string();
            let slot = row.secrets.iter().find(|slot| slot.path == path);
            let (Some(slot), Some(content)) = (slot, request.secrets.get(&secret.reference)) else { continue };
            let fingerprint = fingerprint(&slot.salt, content);
            questions.push(SecretQuestion { address: live.clone(), path, fingerprint });
            asked.push(address.clone());
        }
    }
    if questions.is_empty() {
        return Ok(BTreeSet::new());
    }
    observe(Event::ComparingSecrets { count: questions.len() });
    let answers = writer.compare_secrets(&questions).await?;
    let same = asked.into_iter().zip(questions).zip(answers).filter(|(_, answer)| *answer == SecretAnswer::Same);
    Ok(same.map(|((address, question), _)| (address, question.path)).collect())
}

async fn kept_records(writer: &dyn Writer, plan: &Plan) -> Result<BTreeMap<Address, ObjectRecord>, ApplyError> {
    let keeping = plan.actions.iter().filter(|action| !action.keeps.is_empty());
    let mut names: BTreeMap<Address, Address> = keeping
        .map(|action| (action.from.clone().unwrap_or_else(|| action.address.clone()), action.address.clone()))
        .collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let live: Vec<Address> = names.keys().cloned().collect();
    let records = writer.read(Some(&live)).await?;
    Ok(records.into_iter().filter_map(|record| Some((names.remove(&record.address)?, record))).collect())
}

/// Updates for objects of which only a secret, compared now, turned out to differ.
fn secret_updates(
    source: &Source<'_>,
    rows: &BTreeMap<Address, DigestRow>,
    planned: &[Write],
) -> Result<Vec<Write>, ApplyError> {
    let mut updates: Vec<Write> = Vec::new();
    let writes_content = |write: &&Write| !matches!(write.action, ActionKind::PublishSettings);
    let mut written: BTreeSet<&Address> = planned.iter().filter(writes_content).map(|write| &write.address).collect();
    for secret in &source.plan.unknown_secrets {
        let same = source.same.contains(&(secret.address.clone(), secret.path.to_string()));
        if same || written.contains(&secret.address) {
            continue;
        }
        if source.secrets.get(&reference_of(source, secret)?).is_none() {
            let path = secret.path.to_string();
            return Err(MakeError::SecretUnavailable { address: secret.address.clone(), path }.into());
        }
        let found = rows.get(&secret.address).map(|row| row.generation);
        match (secret.expected, found) {
            (Some(expected), Some(found)) if expected == found => {
                updates.push(secret_update(source, &secret.address, expected)?);
                written.insert(&secret.address);
            }
            (expected, found) => {
                let stale = Stale { address: secret.address.clone(), expected, found };
                return Err(ProviderError::Conflict(vec![stale]).into());
            }
        }
    }
    Ok(updates)
}

fn reference_of(
    source: &Source<'_>,
    secret: &crate::plan::plan_value::UnknownSecret,
) -> Result<crate::base::secret::SecretRef, ApplyError> {
    let object = source.desired.get(&secret.address);
    let link = object.and_then(|object| object.secrets.iter().find(|link| link.path == secret.path));
    let link = link.ok_or_else(|| MakeError::NotDesired(secret.address.clone()))?;
    Ok(link.reference.clone())
}

/// Does the work and something else every so often until it is done.
///
/// Both go on side by side: a renewal may have to wait for the very connection that the work holds, and would wait for
/// ever if the work stood still meanwhile.
async fn meanwhile<T, F: Future<Output = ()>>(
    work: impl Future<Output = T>,
    every: Duration,
    something: impl Fn() -> F,
) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = again_and_again(every, something) => match never {},
    }
}

async fn again_and_again<F: Future<Output = ()>>(every: Duration, something: impl Fn() -> F) -> Infallible {
    loop {
        tokio::time::sleep(every).await;
        something().await;
    }
}

fn not_started(plan: &Plan) -> Report {
    let actions = plan
        .actions
        .iter()
        .map(|action| ActionReport {
            address: action.address.clone(),
            action: action.action,
            state: ActionState::NotStarted,
            id: None,
        })
        .collect();
    Report { actions, ..Report::of_nothing(plan) }
}

/// Gives every action its final state after an error.
fn settle(report: &mut Report, plan: &Plan, error: &ApplyError) {
    let changed: BTreeSet<&Address> = match error {
        ApplyError::Provider(ProviderError::Conflict(stale)) => stale.iter().map(|stale| &stale.address).collect(),
        ApplyError::Provider(_) | ApplyError::Make(_) | ApplyError::Interrupted => BTreeSet::new(),
    };
    for (n, action) in report.actions.iter_mut().enumerate() {
        match error {
            ApplyError::Provider(ProviderError::Conflict(_)) => {
                // What a move expects is at the former address.
                let from = plan.actions.get(n).and_then(|planned| planned.from.as_ref());
                if changed.contains(&action.address) || from.is_some_and(|from| changed.contains(from)) {
                    action.state = ActionState::Stale;
                }
            }
            ApplyError::Provider(ProviderError::Rejected { address: Some(address), reason }) => {
                if *address == action.address {
                    action.state = ActionState::Failed(reason.clone());
                }
            }
            ApplyError::Provider(ProviderError::UnknownOutcome { .. }) => action.state = ActionState::Unknown,
            ApplyError::Provider(
                ProviderError::Absent(_)
                | ProviderError::PlanReused
                | ProviderError::Rejected { address: None, .. }
                | ProviderError::Unauthorised(_)
                | ProviderError::LeaseHeld(_)
                | ProviderError::LeaseLost
                | ProviderError::Suspended(_)
                | ProviderError::Unavailable { .. },
            )
            | ApplyError::Make(_)
            | ApplyError::Interrupted => {}
        }
    }
}

fn totals(report: &Report, plan: &Plan) -> Totals {
    let done = |action: &&ActionReport| action.state == ActionState::Done;
    let kinds = report.actions.iter().filter(done).map(|action| &action.action);
    let summary = crate::plan::plan_value::Summary::count(kinds, 0);
    let deleting = report
        .actions
        .iter()
        .zip(&plan.actions)
        .filter(|(report, action)| done(report) && action.action == ActionKind::Replace && !action.archives);
    Totals::of(&summary, deleting.count())
}

#[cfg(test)]
mod tests {
    use tokio::sync::{Mutex, Notify};

    use super::*;

    #[tokio::test]
    async fn work_goes_on_while_a_renewal_waits_for_it() {
        let (connection, asked) = (Mutex::new(()), Notify::new());
        let work = async {
            let held = connection.lock().await;
            asked.notified().await;
            drop(held);
            "done"
        };
        let renew = || async {
            asked.notify_one();
            drop(connection.lock().await);
        };
        assert_eq!(meanwhile(work, Duration::from_millis(1), renew).await, "done");
    }
}
