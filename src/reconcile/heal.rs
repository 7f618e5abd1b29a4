//! Writing: a plan that was looked at is applied, and the fights that were found are stopped.

use super::hands::Hands;
use super::outcome::{Failure, Findings, Outcome};
use super::source::Sighting;
use super::wish::Wish;
use crate::apply::{ApplyError, Request, apply};
use crate::base::error_text::chain;
use crate::base::ident::Revision;
use crate::desired::load::LoadedProject;
use crate::desired::secrets::Secrets;
use crate::object::lease::{LEASE_RENEWAL, LeaseHolder};
use crate::object::suspension::{SuspendOrder, Suspension};
use crate::plan::Plan;
use crate::plan::file_v1::body_digest;
use crate::provider::{ProviderError, Writer};

/// What is written, by whom, from where.
pub(super) struct Heal<'a, H> {
    pub(super) hands: &'a H,
    pub(super) wish: &'a Wish,
    pub(super) sighting: &'a Sighting,
    pub(super) loaded: &'a LoadedProject,
    pub(super) secrets: &'a Secrets,
    pub(super) plan: &'a Plan,
}

/// What came of it.
pub(super) enum Healed {
    /// It was done.
    Done {
        /// The revision that is looked at with that: another's write in between has moved the target on from it.
        revision: Revision,
        /// What was written, or that nothing had to be.
        outcome: Outcome,
        /// The suspensions with which fights were stopped.
        stopped: Vec<Suspension>,
    },
    /// Another holds the lease. Nothing was written.
    Waiting(LeaseHolder),
    /// Somebody asked to stop. Nothing was written.
    Interrupted,
    /// Somebody suspended what the plan is about. Nothing was written.
    Suspended,
}

/// What came of stopping fights.
struct Stopped {
    suspensions: Vec<Suspension>,
    /// Why the rest goes on.
    error: Option<ProviderError>,
}

impl<H: Hands> Heal<'_, H> {
    /// Applies, then stops fights: those of a plan that could not be applied are found again at the next look.
    pub(super) async fn run(&self, findings: Findings) -> Result<Healed, Failure> {
        let writer = self.hands.writer(&self.loaded.desired.project).await?;
        let healed = self.write(&*writer, findings).await;
        if let Err(error) = writer.close().await {
            // What was written is written.
            tracing::warn!(error = chain(&error), "closing a target that was written to");
        }
        healed
    }

    async fn write(&self, writer: &dyn Writer, mut findings: Findings) -> Result<Healed, Failure> {
        let plan = self.plan;
        let commit = self.sighting.commit.clone().or_else(|| self.hands.commit(&self.sighting.folder));
        let request = Request {
            plan,
            body: body_digest(plan).map_err(|error| Failure::Plan(error.to_string()))?,
            desired: &self.loaded.desired,
            secrets: self.secrets,
            actor: &self.wish.actor,
            commit: commit.as_deref(),
            lease_renewal: LEASE_RENEWAL,
            interrupted: &|| self.hands.interrupted(),
            heeds_suspensions: true,
        };
        let (report, applied) = apply(writer, &request, &mut |_| {}).await;
        match applied {
            Ok(()) => {}
            Err(ApplyError::Provider(ProviderError::LeaseHeld(holder))) => return Ok(Healed::Waiting(holder)),
            Err(ApplyError::Provider(ProviderError::Suspended(_))) => return Ok(Healed::Suspended),
            Err(ApplyError::Provider(error)) => return Err(error.into()),
            Err(ApplyError::Make(error)) => return Err(error.into()),
            Err(ApplyError::Interrupted) => return Ok(Healed::Interrupted),
        }
        findings.actions = report.actions.iter().map(|action| (action.address.clone(), action.action)).collect();
        let Stopped { suspensions: stopped, error } = self.stop_fights(writer, &mut findings).await;
        let next = Revision(plan.revision.0.saturating_add(1));
        // Where others wrote since the plan was made, the target has moved on from what was looked at.
        let alone = report.revision.is_none_or(|revision| revision == next);
        let written = report.revision.unwrap_or(plan.revision).0;
        let mut looked_at = Revision(written.saturating_add(u64::try_from(stopped.len()).unwrap_or(u64::MAX)));
        if let Some(error) = error {
            if report.revision.is_none() && stopped.is_empty() {
                return Err(error.into());
            }
            tracing::warn!(error = chain(&error), "a fight could not be stopped; it is tried again");
            looked_at = plan.revision;
        }
        let outcome = match report.revision {
            Some(_) => Outcome::Applied { findings, totals: report.totals },
            None if findings.left_alone.is_empty() => Outcome::InSync,
            None => Outcome::Differs(findings),
        };
        Ok(Healed::Done { revision: if alone { looked_at } else { plan.revision }, outcome, stopped })
    }

    /// Suspends what is fought over, until a person resumes it. What could not be is no longer among the findings.
    async fn stop_fights(&self, writer: &dyn Writer, findings: &mut Findings) -> Stopped {
        let mut stopped = Stopped { suspensions: Vec::new(), error: None };
        for fight in std::mem::take(&mut findings.fights) {
            let order = SuspendOrder {
                address: Some(fight.address.clone()),
                reason: fight.reason(),
                actor: self.wish.actor.clone(),
                until: None,
            };
            match writer.suspend(&order).await {
                Ok(suspension) => stopped.suspensions.push(suspension),
                // An object that is gone cannot be.
                Err(ProviderError::Absent(_)) => {}
                Err(error) => {
                    stopped.error = Some(error);
                    return stopped;
                }
            }
            findings.fights.push(fight);
        }
        stopped
    }
}
