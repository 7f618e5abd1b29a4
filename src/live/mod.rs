//! Stage 3: what the target has, read through a [`Reader`], which cannot write.
//!
//! A small row of every object comes first; only objects whose digest is not the wanted one are read in full, so that
//! what goes over the wire grows with what changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::fingerprint::fingerprint;
use crate::base::ident::Revision;
use crate::base::secret::SecretText;
use crate::kinds::{Address, LifeCycle};
use crate::object::audit::{AuditEntry, AuditQuery};
use crate::object::capability::Capabilities;
use crate::object::record::{DigestRow, ObjectRecord};
use crate::object::secret_comparison::{SecretAnswer, SecretQuestion};
use crate::object::suspension::Suspension;
use crate::provider::{ProviderError, Reader};

/// What the plan wants to know.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Objects with the digest they should have.
    pub objects: Vec<(Address, Digest)>,
    /// Former addresses of renamed objects: read in full.
    pub former: Vec<Address>,
    /// Objects to read in full whatever their digest.
    pub in_full: Vec<Address>,
    /// Contents to compare: object, path, content.
    pub secrets: Vec<(Address, String, &'a SecretText)>,
    /// Whether to read who last changed what is not as applied. A key that may not read the audit still plans.
    pub audit: bool,
}

/// Live state, as far as it was wanted.
#[derive(Debug)]
pub struct Live {
    /// What the target can do.
    pub capabilities: Capabilities,
    /// The revision it belongs to.
    pub revision: Revision,
    /// A row of every object in use, by address.
    pub rows: BTreeMap<Address, DigestRow>,
    /// Addresses of archived objects.
    pub archived: BTreeSet<Address>,
    /// Objects read in full.
    pub records: BTreeMap<Address, ObjectRecord>,
    /// Archived objects, the newest of each address, that could be restored.
    pub restorable: BTreeMap<Address, ObjectRecord>,
    /// Answers about secrets by object and path. No answer: the object or the secret is not there.
    pub secrets: BTreeMap<(Address, String), SecretAnswer>,
    /// What is suspended for `reconcile`: the project first, then objects.
    pub suspensions: Vec<Suspension>,
    /// The newest audit entry of objects that are not as they were applied.
    pub audit: BTreeMap<Address, AuditEntry>,
}

/// Reads live state.
///
/// # Errors
/// What the target says.
pub async fn read(reader: &dyn Reader, wanted: &Wanted<'_>) -> Result<Live, ProviderError> {
    let snapshot = reader.digests().await?;
    let mut rows = BTreeMap::new();
    let mut archived = BTreeSet::new();
    for row in snapshot.rows {
        if row.archived {
            archived.insert(row.address);
        } else {
            rows.insert(row.address.clone(), row);
        }
    }
    let addresses = full_reads(wanted, &rows);
    let records = if addresses.is_empty() { Vec::new() } else { reader.read(Some(&addresses)).await? };
    let records = records.into_iter().map(|record| (record.address.clone(), record)).collect();
    let restorable = read_restorable(reader, wanted, &rows, &archived).await?;
    let secrets = compare(reader, wanted, &rows).await?;
    let audit = if wanted.audit { read_audit(reader, &rows).await? } else { BTreeMap::new() };
    let suspensions = reader.suspensions().await?;
    let capabilities = reader.capabilities();
    Ok(Live {
        capabilities,
        revision: snapshot.revision,
        rows,
        archived,
        records,
        restorable,
        secrets,
        suspensions,
        audit,
    })
}

fn full_reads(wanted: &Wanted<'_>, rows: &BTreeMap<Address, DigestRow>) -> Vec<Address> {
    let mut addresses: BTreeSet<&Address> = BTreeSet::new();
    let mut desired: BTreeSet<&Address> = BTreeSet::new();
    for (address, digest) in &wanted.objects {
        desired.insert(address);
        if rows.get(address).is_some_and(|row| row.digest != *digest || !row.managed) {
            addresses.insert(address);
        }
    }
    addresses.extend(wanted.former.iter().chain(&wanted.in_full).filter(|address| rows.contains_key(*address)));
    // Of an orphan the metadata says whether it is protected; of it and of what was made by hand the references say
    // what must not go.
    addresses.extend(rows.keys().filter(|address| !desired.contains(address)));
    addresses.into_iter().cloned().collect()
}

async fn read_restorable(
    reader: &dyn Reader,
    wanted: &Wanted<'_>,
    rows: &BTreeMap<Address, DigestRow>,
    archived: &BTreeSet<Address>,
) -> Result<BTreeMap<Address, ObjectRecord>, ProviderError> {
    let addresses: Vec<Address> = wanted
        .objects
        .iter()
        .map(|(address, _)| address)
        .filter(|address| address.kind.life_cycle() == LifeCycle::VersionsGrow)
        .filter(|address| archived.contains(*address) && !rows.contains_key(*address))
        .cloned()
        .collect();
    if addresses.is_empty() {
        return Ok(BTreeMap::new());
    }
    // Newest last, so that it is the one that stays in the map.
    let records = reader.read_archived(&addresses).await?;
    Ok(records.into_iter().map(|record| (record.address.clone(), record)).collect())
}

async fn compare(
    reader: &dyn Reader,
    wanted: &Wanted<'_>,
    rows: &BTreeMap<Address, DigestRow>,
) -> Result<BTreeMap<(Address, String), SecretAnswer>, ProviderError> {
    let mut questions = Vec::new();
    for (address, path, content) in &wanted.secrets {
        let slots = rows.get(address).map(|row| row.secrets.as_slice()).unwrap_or_default();
        if let Some(slot) = slots.iter().find(|slot| slot.path == *path) {
            let fingerprint = fingerprint(&slot.salt, content);
            questions.push(SecretQuestion { address: address.clone(), path: path.clone(), fingerprint });
        }
    }
    if questions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let answers = reader.compare_secrets(&questions).await?;
    Ok(questions.into_iter().map(|question| (question.address, question.path)).zip(answers).collect())
}

async fn read_audit(
    reader: &dyn Reader,
    rows: &BTreeMap<Address, DigestRow>,
) -> Result<BTreeMap<Address, AuditEntry>, ProviderError> {
    let differs =
        |row: &&DigestRow| row.managed && row.last_applied_digest.is_some_and(|applied| applied != row.digest);
    let addresses: Vec<Address> = rows.values().filter(differs).map(|row| row.address.clone()).collect();
    if addresses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let query = AuditQuery { addresses, latest_only: true, ..AuditQuery::default() };
    match reader.audit(&query).await {
        Ok(entries) => Ok(entries.into_iter().filter_map(|entry| Some((entry.address.clone()?, entry))).collect()),
        // Who and when are a help to reviewers, not a condition of planning.
        Err(ProviderError::Unauthorised(_)) => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}
