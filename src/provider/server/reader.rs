//! Reading: every request may be repeated; what is too much for one is asked in parts.

use std::collections::{BTreeMap, HashSet};

use reqwest::Method;

use super::{Call, ServerTarget};
use crate::base::ident::PlanId;
use crate::kinds::Address;
use crate::object::audit::{AuditEntry, AuditQuery};
use crate::object::capability::Capabilities;
use crate::object::changeset::AppliedPlan;
use crate::object::record::{ObjectRecord, Snapshot};
use crate::object::wire_v1::audit::{AuditPageV1, AuditParametersV1, LatestAuditV1};
use crate::object::wire_v1::limits;
use crate::object::wire_v1::object::{
    CompareSecretsV1, DigestViewV1, ObjectV1, QuestionV1, ReadObjectsV1, SecretAnswersV1,
};
use crate::provider::{Boxed, ProviderError, Reader, SecretAnswer, SecretQuestion};

/// Objects that are read with one request. Fewer than a server allows: an answer that is cut is asked for again.
const AT_ONCE: usize = 500;

impl Reader for ServerTarget {
    fn capabilities(&self) -> Capabilities {
        Capabilities::full()
    }

    fn digests(&self) -> Boxed<'_, Snapshot> {
        Box::pin(async {
            let call = Call { query: vec![("view", "digest".to_owned())], ..self.get("objects") };
            let view: Result<DigestViewV1, _> = self.document(call).await;
            Ok(view.map_err(|failure| failure.into_error(&self.what("read the objects")))?.into())
        })
    }

    fn read<'a>(&'a self, addresses: Option<&'a [Address]>) -> Boxed<'a, Vec<ObjectRecord>> {
        Box::pin(async move {
            let Some(addresses) = addresses else {
                let call = Call { query: vec![("view", "full".to_owned())], ..self.get("objects") };
                let objects: Vec<ObjectV1> =
                    self.lines(call).await.map_err(|failure| failure.into_error(&self.what("read the objects")))?;
                let mut records: Vec<ObjectRecord> = objects.into_iter().map(ObjectRecord::from).collect();
                records.sort_by(|a, b| a.address.cmp(&b.address));
                return Ok(records);
            };
            let mut records = self.read_some(addresses, false).await?;
            records.sort_by(|a, b| a.address.cmp(&b.address));
            Ok(records)
        })
    }

    fn read_archived<'a>(&'a self, addresses: &'a [Address]) -> Boxed<'a, Vec<ObjectRecord>> {
        // Objects of one address come with one request, so their order holds.
        Box::pin(self.read_some(addresses, true))
    }

    fn compare_secrets<'a>(&'a self, questions: &'a [SecretQuestion]) -> Boxed<'a, Vec<SecretAnswer>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(questions.len());
            for some in questions.chunks(limits::COMPARE_QUESTIONS) {
                let asked = CompareSecretsV1 { questions: some.iter().map(QuestionV1::from).collect() };
                let found: Result<SecretAnswersV1, _> =
                    async { self.document(self.post("objects/compare-secrets", &asked)?).await }.await;
                let found = found.map_err(|failure| failure.into_error(&self.what("compare secrets")))?;
                if found.answers.len() != some.len() {
                    let context = self.what("compare secrets") + ": it answered another number of questions";
                    return Err(ProviderError::Unavailable { context, source: None });
                }
                answers.extend(found.answers.into_iter().map(SecretAnswer::from));
            }
            Ok(answers)
        })
    }

    fn audit<'a>(&'a self, query: &'a AuditQuery) -> Boxed<'a, Vec<AuditEntry>> {
        Box::pin(self.read_audit(query))
    }

    fn applied(&self, plan: PlanId) -> Boxed<'_, Option<AppliedPlan>> {
        Box::pin(async move {
            match self.document(self.get(&format!("applied/{plan}"))).await {
                Ok(applied) => Ok(Some(applied)),
                Err(failure) if failure.is_absent() => Ok(None),
                Err(failure) => Err(failure.into_error(&self.what("learn whether the plan was applied"))),
            }
        })
    }
}

impl ServerTarget {
    async fn read_some(&self, addresses: &[Address], archived: bool) -> Result<Vec<ObjectRecord>, ProviderError> {
        let mut records = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(AT_ONCE) {
            let asked = ReadObjectsV1 { addresses: some.to_vec(), archived };
            let found: Result<Vec<ObjectV1>, _> = async { self.lines(self.post("objects/read", &asked)?).await }.await;
            let found = found.map_err(|failure| failure.into_error(&self.what("read the objects")))?;
            records.extend(found.into_iter().map(ObjectRecord::from));
        }
        Ok(records)
    }

    async fn read_audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, ProviderError> {
        let AuditQuery { addresses, latest_only, system, from, to, limit, offset } = query;
        let what = |failure: super::Failure| failure.into_error(&self.what("read the audit"));
        let is_plain = from.is_none() && to.is_none() && system.is_none() && limit.is_none() && *offset == 0;
        if *latest_only && is_plain && !addresses.is_empty() {
            let mut entries: Vec<AuditEntry> = Vec::new();
            for some in addresses.chunks(limits::READ_ADDRESSES) {
                let asked = LatestAuditV1 { addresses: some.to_vec() };
                let page: Result<AuditPageV1, _> =
                    async { self.document(self.post("audit/latest", &asked)?).await }.await;
                entries.extend(page.map_err(what)?.entries);
            }
            entries.sort_by_key(|entry| entry.sequence);
            return Ok(entries);
        }
        let mut entries = Vec::new();
        let mut asked = AuditParametersV1 {
            from: *from,
            to: *to,
            system: system.clone(),
            limit: Some(limits::AUDIT_ENTRIES),
            offset: 0,
        };
        loop {
            let call = Call { query: parameters(&asked), ..self.call(Method::GET, self.path("audit")) };
            let page: AuditPageV1 = self.document(call).await.map_err(what)?;
            let is_last = page.entries.len() < limits::AUDIT_ENTRIES as usize;
            entries.extend(page.entries);
            if is_last {
                break;
            }
            asked.offset += limits::AUDIT_ENTRIES;
        }
        Ok(chosen(entries, query))
    }
}

fn parameters(asked: &AuditParametersV1) -> Vec<(&'static str, String)> {
    let AuditParametersV1 { from, to, system, limit, offset } = asked;
    let mut parameters = vec![("offset", offset.to_string())];
    parameters.extend(limit.map(|limit| ("limit", limit.to_string())));
    parameters.extend(from.map(|from| ("from", from.to_string())));
    parameters.extend(to.map(|to| ("to", to.to_string())));
    parameters.extend(system.as_ref().map(|system| ("system", system.to_string())));
    parameters
}

/// What the server was not asked to choose.
fn chosen(mut entries: Vec<AuditEntry>, query: &AuditQuery) -> Vec<AuditEntry> {
    if !query.addresses.is_empty() {
        let wanted: HashSet<&Address> = query.addresses.iter().collect();
        entries.retain(|entry| entry.address.as_ref().is_some_and(|address| wanted.contains(address)));
    }
    if query.latest_only {
        let changed = entries.iter().filter(|entry| entry.before != entry.after);
        let latest: BTreeMap<Option<Address>, u64> =
            changed.map(|entry| (entry.address.clone(), entry.sequence)).collect();
        entries.retain(|entry| entry.address.is_some() && latest.get(&entry.address) == Some(&entry.sequence));
    }
    let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
    entries.into_iter().skip(query.offset as usize).take(limit).collect()
}
