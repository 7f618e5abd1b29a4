//! The target behind HTTP: a control plane, `trueup serve`.
//!
//! Requests are repeated where that is safe, with growing waits; what cannot be known after the last try is settled by
//! asking, and only what stays open then is an unknown outcome.

mod call;
mod failure;
mod runtime;
mod token;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::{Method, StatusCode, redirect};
use tokio::sync::Mutex;
use url::Url;

use super::{Boxed, ProviderError, Reader, Writer};
use crate::base::ident::{FencingToken, Name, ObjectId, PlanId, Revision};
use crate::base::secret::SecretText;
use crate::kinds::Address;
use crate::kinds::web_address::is_local;
use crate::object::audit::{AuditEntry, AuditQuery};
use crate::object::capability::Capabilities;
use crate::object::changeset::{AppliedPlan, Changeset, ChangesetOutcome, Operation, Write, WriteResult};
use crate::object::delivery::{EventPage, EventQuery};
use crate::object::lease::{LeaseGrant, LeaseHolder};
use crate::object::record::{DigestRow, ObjectRecord, Snapshot};
use crate::object::secret_comparison::{SecretAnswer, SecretQuestion};
use crate::object::suspension::{ResumeScope, SuspendOrder, Suspension};
use crate::object::wire_v1::{
    AuditShape, ChangesetAnswer, ChangesetRequest, CompareAnswer, CompareRequest, LeaseBroken, LeaseRelease,
    LeaseRequest, LeaseShape, Outputs, QuestionShape, ReadRequest, SuspendRequest, SuspensionsShape, TokenValue,
};
pub use call::Patience;
use call::{Call, Repeat};
use failure::Failure;
pub use runtime::{DeliveryQuery, SendRefused};
use token::Token;

/// How many addresses are asked for in one request.
const ADDRESSES_AT_ONCE: usize = 500;
/// How many entries of the audit are read with one request.
const ENTRIES_AT_ONCE: usize = 10_000;
/// How many secrets are compared in one request.
const QUESTIONS_AT_ONCE: usize = 5_000;

/// Where a control plane is, and as whom it is used.
#[derive(Debug)]
pub struct Connection {
    /// Its address.
    pub url: Url,
    /// The public half of the key.
    pub client_id: String,
    /// The secret half.
    pub client_secret: SecretText,
    /// Certificates to trust in place of the system's, PEM.
    pub trusted: Option<Vec<u8>>,
    /// How long, and how often, requests are tried.
    pub patience: Patience,
}

/// One project of a control plane.
pub struct Server {
    client: reqwest::Client,
    base: Url,
    project: Name,
    client_id: String,
    client_secret: SecretText,
    token: Mutex<Option<Token>>,
    patience: Patience,
}

impl Server {
    /// Gets ready; nothing is asked yet.
    ///
    /// # Errors
    /// When the address is not one that credentials may be sent to, or a certificate cannot be read.
    pub fn new(connection: Connection, project: Name) -> Result<Self, ProviderError> {
        let Connection { url, client_id, client_secret, trusted, patience } = connection;
        let is_local = is_local(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
            let reason = "credentials go over https only, and over http only within this machine".to_owned();
            return Err(ProviderError::Rejected { address: None, reason });
        }
        // Installed once for the whole process; a second time says that it is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let unavailable = |error: reqwest::Error| ProviderError::Unavailable {
            context: "prepare requests".into(),
            source: Some(Box::new(error.without_url())),
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(patience.connect)
            .timeout(patience.request);
        if let Some(pem) = trusted {
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(unavailable)?;
            builder = builder.tls_certs_only(certificates);
        }
        if is_local {
            // A proxy would look for this machine's server on its own.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(unavailable)?;
        Ok(Self { client, base: url, project, client_id, client_secret, token: Mutex::new(None), patience })
    }

    async fn read_some(&self, addresses: &[Address], archived: bool) -> Result<Vec<ObjectRecord>, ProviderError> {
        let what = "read objects";
        let mut records = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(ADDRESSES_AT_ONCE) {
            let call = Call::post(&["objects", "read"], &ReadRequest { addresses: some.to_vec(), archived })?;
            let reply = self.ask(what, &call).await?;
            records.extend(reply.lines::<ObjectRecord>(what)?);
        }
        if !archived {
            records.sort_by(|a, b| a.address.cmp(&b.address));
        }
        Ok(records)
    }

    async fn ask(&self, what: &str, call: &Call<'_>) -> Result<call::Reply, ProviderError> {
        self.send(what, call).await.map_err(|failure| failure.into_error(what))
    }

    async fn write(&self, changeset: &Changeset) -> Result<ChangesetOutcome, ProviderError> {
        let what = "write";
        let call = Call::post(&["changesets"], &ChangesetRequest::from(changeset))?;
        // Whether an attempt may have arrived of which no answer came.
        let open = AtomicBool::new(false);
        let attempt = || async {
            let answer = async {
                let reply = self.attempt(&call).await?;
                reply.json::<ChangesetAnswer>("the outcome").map_err(|error| Failure::Cut(error.to_string()))
            };
            answer.await.inspect_err(|failure| {
                open.fetch_or(failure.leaves_open(), Ordering::Relaxed);
            })
        };
        let answer = self.persist(call.repeat, attempt).await;
        let open = open.into_inner();
        match answer.map(ChangesetOutcome::from) {
            // An earlier attempt arrived and its answer was lost: it was this very request that wrote it.
            Ok(ChangesetOutcome::AlreadyApplied(applied)) if open && applied.body == changeset.body => {
                Ok(self.written(changeset, &applied).await)
            }
            Ok(outcome) => Ok(outcome),
            Err(failure) if open && !failure.holds_for_all() => self.settle(changeset, failure.into_error(what)).await,
            Err(failure) => Err(failure.into_error(what)),
        }
    }

    /// Learns what became of a changeset of which no answer came.
    ///
    /// It may still be on its way. So, before a *no* is believed, the lease is given back: what arrives after that is
    /// refused, because it carries the token of a lease that has ended.
    async fn settle(&self, changeset: &Changeset, why: ProviderError) -> Result<ChangesetOutcome, ProviderError> {
        let unknown = |why: ProviderError| Err(ProviderError::UnknownOutcome { source: Some(why.into()) });
        for fenced in [false, true] {
            if fenced && self.release_lease(changeset.plan_id, changeset.fencing_token).await.is_err() {
                return unknown(why);
            }
            match self.applied_plan(changeset.plan_id).await {
                Ok(Some(applied)) if applied.body == changeset.body => {
                    return Ok(self.written(changeset, &applied).await);
                }
                Ok(Some(_)) => return Err(ProviderError::PlanReused),
                Ok(None) => {}
                Err(_) => return unknown(why),
            }
        }
        // Nothing was written, and nothing will be.
        Err(why)
    }

    /// The outcome of a changeset that was written and whose answer was lost. The ids are looked up; should that fail,
    /// it is known all the same that everything was written.
    async fn written(&self, changeset: &Changeset, applied: &AppliedPlan) -> ChangesetOutcome {
        let rows = self.digests().await.map(|snapshot| snapshot.rows).unwrap_or_default();
        // Of several with one address the live one comes last, after the archived ones in their order.
        let ids: BTreeMap<Address, ObjectId> = rows.into_iter().map(|row| (row.address, row.id)).collect();
        let result = |write: &Write| {
            let is_gone = matches!(write.operation, Operation::Delete);
            let id = if is_gone { None } else { ids.get(&write.address).copied() };
            WriteResult { address: write.address.clone(), action: write.action, id }
        };
        let results = changeset.writes.iter().map(result).collect();
        ChangesetOutcome::Applied { revision: applied.revision, results }
    }

    /// Sends a request that is sent once: should no answer come, it is not known whether it was carried out.
    async fn once<T: serde::de::DeserializeOwned>(&self, what: &str, call: Call<'_>) -> Result<T, ProviderError> {
        let call = Call { repeat: Repeat::Unsafe, ..call };
        match self.send(what, &call).await {
            Ok(reply) => reply.json(what),
            Err(failure) => Err(failure.into_error_of_once(what)),
        }
    }

    async fn applied_plan(&self, plan: PlanId) -> Result<Option<AppliedPlan>, ProviderError> {
        let what = "read whether the plan was applied";
        let reply = self.ask(what, &Call::get(&["applied-plans", &plan.to_string()])).await?;
        reply.json(what)
    }
}

impl Reader for Server {
    fn capabilities(&self) -> Capabilities {
        Capabilities::full()
    }

    fn moved_since(&self, revision: Revision) -> Boxed<'_, bool> {
        Box::pin(async move {
            let what = "read the project's revision";
            let query = [("view", "digest".to_owned())];
            let unless = Some(format!("\"{revision}\""));
            let reply = self.ask(what, &Call { query: &query, unless, ..Call::get(&["objects"]) }).await?;
            Ok(reply.status != StatusCode::NOT_MODIFIED)
        })
    }

    fn digests(&self) -> Boxed<'_, Snapshot> {
        Box::pin(async {
            let what = "read the objects' digests";
            let query = [("view", "digest".to_owned())];
            let reply = self.ask(what, &Call { query: &query, ..Call::get(&["objects"]) }).await?;
            let revision = reply.entity_tag.as_deref().and_then(|tag| tag.trim_matches('"').parse().ok());
            let revision = revision.map(Revision).ok_or_else(|| ProviderError::Unavailable {
                context: format!("{what}: the server does not say the revision"),
                source: None,
            })?;
            let rows = reply.lines::<DigestRow>(what)?;
            Ok(Snapshot { revision, rows })
        })
    }

    fn read<'a>(&'a self, addresses: Option<&'a [Address]>) -> Boxed<'a, Vec<ObjectRecord>> {
        Box::pin(async move {
            if let Some(addresses) = addresses {
                return self.read_some(addresses, false).await;
            }
            let what = "read all objects";
            let query = [("view", "full".to_owned())];
            let reply = self.ask(what, &Call { query: &query, ..Call::get(&["objects"]) }).await?;
            let mut records: Vec<ObjectRecord> = reply.lines(what)?;
            records.sort_by(|a, b| a.address.cmp(&b.address));
            Ok(records)
        })
    }

    fn read_archived<'a>(&'a self, addresses: &'a [Address]) -> Boxed<'a, Vec<ObjectRecord>> {
        Box::pin(self.read_some(addresses, true))
    }

    fn compare_secrets<'a>(&'a self, questions: &'a [SecretQuestion]) -> Boxed<'a, Vec<SecretAnswer>> {
        Box::pin(async move {
            let what = "compare secrets";
            let mut answers = Vec::with_capacity(questions.len());
            for some in questions.chunks(QUESTIONS_AT_ONCE) {
                let questions = some.iter().map(QuestionShape::from).collect();
                let call = Call::post(&["objects", "compare-secrets"], &CompareRequest { questions })?;
                let answer: CompareAnswer = self.ask(what, &call).await?.json(what)?;
                if answer.answers.len() != some.len() {
                    let context = format!("{what}: the server answers {} of {}", answer.answers.len(), some.len());
                    return Err(ProviderError::Unavailable { context, source: None });
                }
                answers.extend(answer.answers);
            }
            Ok(answers)
        })
    }

    fn audit<'a>(&'a self, query: &'a AuditQuery) -> Boxed<'a, Vec<AuditEntry>> {
        Box::pin(async move {
            let what = "read the audit";
            let AuditQuery { addresses, latest_only, system, from, to, limit, offset } = query;
            let mut pairs = vec![("latest", latest_only.to_string())];
            pairs.extend(from.map(|from| ("from", from.to_string())));
            pairs.extend(to.map(|to| ("to", to.to_string())));
            pairs.extend(system.as_ref().map(|system| ("system", system.to_string())));
            let mut entries: Vec<AuditEntry> = Vec::new();
            let (offset, most) = (*offset as usize, limit.map_or(usize::MAX, |limit| limit as usize));
            // All of them in one question when none are named.
            let parts: Vec<&[Address]> = if addresses.is_empty() { vec![&[]] } else { addresses.chunks(100).collect() };
            for some in parts {
                let names: Vec<String> = some.iter().map(ToString::to_string).collect();
                let mut from = 0;
                loop {
                    let page = [("offset", from.to_string()), ("limit", ENTRIES_AT_ONCE.to_string())];
                    let mut pairs: Vec<_> = pairs.iter().cloned().chain(page).collect();
                    if !names.is_empty() {
                        pairs.push(("addresses", names.join(",")));
                    }
                    let call = Call { query: &pairs, ..Call::get(&["audit"]) };
                    let found = self.ask(what, &call).await?.json::<AuditShape>(what)?.entries;
                    let is_last = found.len() < ENTRIES_AT_ONCE;
                    entries.extend(found);
                    // What is left out and cut off is counted over all parts, below.
                    if is_last || some.is_empty() && entries.len() >= offset.saturating_add(most) {
                        break;
                    }
                    from += ENTRIES_AT_ONCE;
                }
            }
            entries.sort_by_key(|entry| entry.sequence);
            Ok(entries.into_iter().skip(offset).take(most).collect())
        })
    }

    fn events<'a>(&'a self, query: &'a EventQuery) -> Boxed<'a, EventPage> {
        Box::pin(self.recorded_events(query))
    }

    fn applied(&self, plan: PlanId) -> Boxed<'_, Option<AppliedPlan>> {
        Box::pin(self.applied_plan(plan))
    }

    fn suspensions(&self) -> Boxed<'_, Vec<Suspension>> {
        Box::pin(async {
            let what = "read what is suspended";
            let shape: SuspensionsShape = self.ask(what, &Call::get(&["suspension"])).await?.json(what)?;
            Ok(shape.suspensions)
        })
    }

    fn lease_holder(&self) -> Boxed<'_, Option<LeaseHolder>> {
        Box::pin(async {
            let what = "read who holds the lease";
            Ok(self.ask(what, &Call::get(&["lease"])).await?.json::<LeaseShape>(what)?.holder)
        })
    }
}

impl Server {
    /// Resumes what the query says.
    async fn lift(&self, query: &[(&str, String)]) -> Result<Vec<Suspension>, ProviderError> {
        // What somebody suspends in between must not be lifted by a repetition.
        let call = Call { method: Method::DELETE, query, ..Call::get(&["suspension"]) };
        Ok(self.once::<SuspensionsShape>("resume", call).await?.suspensions)
    }
}

impl Writer for Server {
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
            let what = "take the lease";
            let call = Call::post(&["lease"], &LeaseRequest { owner, actor: Some(actor.to_owned()) })?;
            self.ask(what, &call).await?.json(what)
        })
    }

    fn release_lease(&self, owner: PlanId, token: FencingToken) -> Boxed<'_, ()> {
        Box::pin(async move {
            let call = Call::post(&["lease", "release"], &LeaseRelease { owner, token })?;
            let what = "give the lease back";
            let reply = self.ask(what, &call).await?;
            // A page that a network puts in the place of an answer must not pass for one: a *no* is believed after this.
            if reply.status == StatusCode::NO_CONTENT {
                return Ok(());
            }
            Err(Failure::NotAServer(format!("it answers {}", reply.status)).into_error(what))
        })
    }

    fn break_lease<'a>(&'a self, _actor: &'a str) -> Boxed<'a, Option<LeaseHolder>> {
        Box::pin(async move {
            let what = "take the lease away";
            // Whoever takes it in between must not lose it to a repetition.
            let call = Call { method: Method::DELETE, ..Call::get(&["lease"]) };
            Ok(self.once::<LeaseBroken>(what, call).await?.holder)
        })
    }

    fn tokens(&self) -> Boxed<'_, Vec<(Address, ObjectId, SecretText)>> {
        Box::pin(async {
            let what = "read the outputs";
            let outputs: Outputs = self.ask(what, &Call::get(&["outputs"])).await?.json(what)?;
            Ok(outputs.tokens.into_iter().map(|token| (token.address, token.id, token.token.0)).collect())
        })
    }

    fn rotate_token<'a>(&'a self, address: &'a Address, _actor: &'a str) -> Boxed<'a, SecretText> {
        Box::pin(async move {
            let what = format!("rotate the token of {address}");
            let path = ["objects", address.kind.as_str(), address.name.as_str(), "rotate"];
            let call = Call { method: Method::POST, ..Call::get(&path) };
            Ok(self.once::<TokenValue>(&what, call).await?.token.0)
        })
    }

    fn suspend<'a>(&'a self, order: &'a SuspendOrder) -> Boxed<'a, Suspension> {
        Box::pin(async move {
            let what = "suspend";
            let call = Call::post(&["suspension"], &SuspendRequest::from(order))?;
            self.ask(what, &Call { method: Method::PUT, ..call }).await?.json(what)
        })
    }

    fn resume<'a>(&'a self, scope: &'a ResumeScope, _actor: &'a str) -> Boxed<'a, Vec<Suspension>> {
        Box::pin(async move {
            match scope {
                ResumeScope::Project => self.lift(&[]).await,
                ResumeScope::Everything => self.lift(&[("everything", "true".to_owned())]).await,
                ResumeScope::Objects(addresses) => {
                    let mut lifted = Vec::new();
                    for some in addresses.chunks(100) {
                        let names: Vec<String> = some.iter().map(ToString::to_string).collect();
                        lifted.extend(self.lift(&[("addresses", names.join(","))]).await?);
                    }
                    Ok(lifted)
                }
            }
        })
    }

    fn project(&self) -> &Name {
        &self.project
    }
}
