//! Looking: from manifests and target to a plan of what reconciling may touch.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::fight::{self, Fight, WINDOW};
use super::outcome::{Drifted, Failure, Findings, Outcome};
use super::wish::{Mode, Wish};
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::diagnostic_record::records;
use crate::base::ident::{PlanId, Revision};
use crate::desired::Desired;
use crate::desired::load::{LoadedProject, NoProject};
use crate::desired::secrets::Secrets;
use crate::kinds::Address;
use crate::live::{self, Live};
use crate::object::action::ActionKind;
use crate::object::audit::{AuditEntry, AuditQuery};
use crate::plan::selection::Selection;
use crate::plan::wanted::wanted;
use crate::plan::{self, Plan, PlanOptions};
use crate::provider::{ProviderError, Reader};
use crate::review::complete::complete;
use crate::review::test;
use crate::review::test::report::Outcome as CaseOutcome;
use crate::review::test::selection::TestSelection;

/// Objects that are missing from the target and whose history is asked for, at most: more are a new project, no fight.
const MISSING: usize = 100;

/// What a look found.
pub(super) struct Looked {
    /// What may be done.
    pub(super) plan: Plan,
    /// What differs.
    pub(super) findings: Findings,
}

/// What a look is about.
pub(super) struct Look<'a> {
    pub(super) wish: &'a Wish,
    pub(super) desired: &'a Desired,
    pub(super) secrets: &'a Secrets,
    pub(super) reader: &'a dyn Reader,
    pub(super) now: Timestamp,
    pub(super) id: Uuid,
}

/// A project that may be planned: it loads without errors and its tests pass.
pub(super) fn sound(loaded: Result<LoadedProject, NoProject>) -> Result<LoadedProject, Box<Outcome>> {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(NoProject { diagnostics, sources }) => {
            let outcome = Outcome::Invalid { diagnostics: records(&diagnostics, &sources), conflict: false };
            return Err(Box::new(outcome));
        }
    };
    if loaded.has_errors() {
        let errors: Vec<Diagnostic> = loaded.diagnostics.iter().filter(|found| found.is_error()).cloned().collect();
        let diagnostics = records(&errors, &loaded.desired.sources);
        return Err(Box::new(Outcome::Invalid { diagnostics, conflict: false }));
    }
    let report = test::run(&loaded.desired, &TestSelection::default(), false);
    let failed = report.cases().filter(|(_, case)| case.outcome != CaseOutcome::Passed);
    let cases: Vec<String> = failed.map(|(test, case)| format!("{}: {}", test.name, case.name)).collect();
    if cases.is_empty() { Ok(loaded) } else { Err(Box::new(Outcome::TestsFailed { cases })) }
}

impl Look<'_> {
    /// Plans; what is suspended, and what is fought over, is not in the plan.
    ///
    /// # Errors
    /// What came of it instead, with the target's revision if it was learnt.
    pub(super) async fn run(&self, loaded: &LoadedProject) -> Result<Looked, (Option<Revision>, Box<Outcome>)> {
        let live = live::read(self.reader, &wanted(self.desired, self.secrets, &[])).await;
        let live = live.map_err(|error| (None, target(error)))?;
        self.of(loaded, &live).await.map_err(|outcome| (Some(live.revision), outcome))
    }

    async fn of(&self, loaded: &LoadedProject, live: &Live) -> Result<Looked, Box<Outcome>> {
        let whole = self.plan(live, BTreeSet::new()).map_err(|problems| self.invalid(&problems))?;
        let fights = self.fights(&whole).await.map_err(target)?;
        let mut left_alone: BTreeSet<Address> = whole.left_alone().into_iter().cloned().collect();
        left_alone.extend(fights.iter().map(|fight| fight.address.clone()));
        let drift = whole.drift.iter().map(|drift| Drifted {
            address: drift.address.clone(),
            fields: drift.changes.iter().map(|change| change.path.to_string()).collect(),
            by: drift.by.clone(),
        });
        let drift = drift.collect();
        let mut plan = match self.wish.mode {
            Mode::Heal if !left_alone.is_empty() => self.without(live, &mut left_alone)?,
            Mode::Heal | Mode::Report => whole,
        };
        plan.diagnostics = records(&loaded.diagnostics, &self.desired.sources);
        complete(&mut plan, self.desired, live)
            .map_err(|error| Box::new(Outcome::Failed(Failure::Live(error.to_string()))))?;
        let actions = plan.actions.iter().map(|action| (action.address.clone(), action.action)).collect();
        let orphans = plan.orphans.clone();
        let findings = Findings { actions, drift, orphans, left_alone: left_alone.into_iter().collect(), fights };
        Ok(Looked { plan, findings })
    }

    /// The plan without what is left alone, and without what cannot be done as long as that is: it is left alone too.
    fn without(&self, live: &Live, left_alone: &mut BTreeSet<Address>) -> Result<Plan, Box<Outcome>> {
        loop {
            let problems = match self.plan(live, left_alone.clone()) {
                Ok(plan) => return Ok(plan),
                Err(problems) => problems,
            };
            let before = left_alone.len();
            let waiting = problems.iter().filter(|problem| matches!(problem.code, Code::OutsideSelection));
            left_alone.extend(waiting.filter_map(|problem| problem.address.as_ref()?.parse::<Address>().ok()));
            if left_alone.len() == before {
                return Err(self.invalid(&problems));
            }
        }
    }

    fn plan(&self, live: &Live, left_alone: BTreeSet<Address>) -> Result<Plan, Vec<Diagnostic>> {
        plan::build(self.desired, live, &self.options(left_alone))
    }

    fn invalid(&self, problems: &[Diagnostic]) -> Box<Outcome> {
        Box::new(Outcome::Invalid {
            conflict: problems.iter().any(|problem| matches!(problem.code, Code::Unmanaged | Code::StillReferred)),
            diagnostics: records(problems, &self.desired.sources),
        })
    }

    fn options(&self, left_alone: BTreeSet<Address>) -> PlanOptions {
        let Wish { mode: _, prune, allow_send, max_deletes, max_changed_percent, actor: _, version } = self.wish;
        let references = self.desired.objects.iter().flat_map(|object| &object.secrets);
        let references = references.map(|secret| &secret.reference);
        let limits = &self.desired.project.limits;
        PlanOptions {
            plan_id: PlanId(self.id),
            now: self.now,
            trueup_version: version.clone(),
            adopt: false,
            prune: *prune,
            allow_empty: false,
            destroy: false,
            unavailable_secrets: references.filter(|one| self.secrets.problem(one).is_some()).cloned().collect(),
            allow_send: *allow_send,
            max_deletes: max_deletes.unwrap_or_else(|| usize::try_from(limits.max_deletes).unwrap_or(usize::MAX)),
            max_changed_percent: max_changed_percent.or(limits.max_changed_percent),
            selection: Selection::default(),
            left_alone,
            replace: Vec::new(),
        }
    }

    /// The fights over what has drifted or is missing. Without leave to read the audit none is known.
    async fn fights(&self, plan: &Plan) -> Result<Vec<Fight>, ProviderError> {
        let left_alone = plan.left_alone();
        let missing = plan.actions.iter().filter(|action| action.action == ActionKind::Create);
        let missing: Vec<&Address> = missing.map(|action| &action.address).collect();
        let missing = if missing.len() > MISSING { Vec::new() } else { missing };
        let drifted = plan.drift.iter().map(|drift| &drift.address).chain(missing);
        let addresses: BTreeSet<Address> = drifted.filter(|one| !left_alone.contains(one)).cloned().collect();
        if addresses.is_empty() || self.wish.mode == Mode::Report {
            return Ok(Vec::new());
        }
        let addresses: Vec<Address> = addresses.into_iter().collect();
        let newest = AuditQuery { addresses: addresses.clone(), latest_only: true, ..AuditQuery::default() };
        // By the times of the target alone: this machine's clock may be another.
        let newest = self.audit(&newest).await?.iter().map(|entry| entry.at).min();
        let Some(newest) = newest else { return Ok(Vec::new()) };
        let query = AuditQuery { addresses, from: newest.checked_sub(WINDOW).ok(), ..AuditQuery::default() };
        let entries = self.audit(&query).await?;
        let mut by_address: BTreeMap<Address, Vec<AuditEntry>> = BTreeMap::new();
        for entry in entries {
            if let Some(address) = entry.address.clone() {
                by_address.entry(address).or_default().push(entry);
            }
        }
        Ok(by_address.iter().filter_map(|(address, entries)| fight::over(address, entries)).collect())
    }

    /// The audit, as far as it may be read.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, ProviderError> {
        match self.reader.audit(query).await {
            Err(ProviderError::Unauthorised(_)) => Ok(Vec::new()),
            entries => entries,
        }
    }
}

fn target(error: ProviderError) -> Box<Outcome> {
    Box::new(Outcome::Failed(Failure::Target(error)))
}
