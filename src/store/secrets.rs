//! Contents of secrets: compared by fingerprint, handed out only to what uses them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::{Row as _, SqliteConnection};
use subtle::ConstantTimeEq as _;

use super::error::StoreError;
use super::key::{Keys, Place, Sealed};
use super::rows::{self, parse};
use super::{MasterKey, ReadStore, Source, Store};
use crate::base::fingerprint::fingerprint;
use crate::base::ident::{Name, ObjectId};
use crate::base::secret::SecretText;
use crate::kinds::Address;

/// Comparisons a minute and project. A plan over 10,000 objects with two secrets each can run three times a minute;
/// trying the words of a dictionary takes weeks.
pub(super) const COMPARISONS_A_MINUTE: u32 = 60_000;

/// Counts comparisons in windows of a minute. Kept in memory: a new process begins anew.
#[derive(Default)]
pub(super) struct Limiter {
    windows: HashMap<Name, (Timestamp, u32)>,
}

impl Limiter {
    fn admit(&mut self, project: &Name, questions: usize, now: Timestamp) -> Result<(), StoreError> {
        let (start, count) = self.windows.entry(project.clone()).or_insert((now, 0));
        if now.duration_since(*start) >= SignedDuration::from_mins(1) || now < *start {
            (*start, *count) = (now, 0);
        }
        let total = u64::from(*count) + questions as u64;
        match u32::try_from(total) {
            Ok(total) if total <= COMPARISONS_A_MINUTE => {
                *count = total;
                Ok(())
            }
            Ok(_) | Err(_) => Err(StoreError::TooManyComparisons { limit: COMPARISONS_A_MINUTE }),
        }
    }
}

impl ReadStore {
    /// For each question (address, path, fingerprint) in order: whether the content is the one held.
    /// `None` where none is held there.
    ///
    /// Guarantees: a fingerprint is compared in constant time, and none leaves the store.
    ///
    /// # Errors
    /// [`StoreError::TooManyComparisons`] for more than 60,000 questions a minute about one project; when the file
    /// cannot be read; when a secret in it cannot be decrypted; [`StoreError::MissingKey`] when the project has secrets
    /// and there is no key.
    pub async fn compare_secrets(
        &self,
        project: &Name,
        questions: &[(&Address, &str, &str)],
    ) -> Result<Vec<Option<bool>>, StoreError> {
        let mut answers = vec![None; questions.len()];
        if questions.is_empty() {
            return Ok(answers);
        }
        let Some(keys) = &self.keys else { return self.without_key(project, answers).await };
        let now = self.clock.now();
        {
            // A panic while counting leaves a count that is at worst too low; it need not take the store down.
            let mut limiter = self.limiter.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            limiter.admit(project, questions.len(), now)?;
        }
        let Some(mut view) = self.view().await? else { return Ok(answers) };
        let asked = questions.iter().map(|(address, path, _)| json!([address.kind, address.name, path]));
        let query = sqlx::query(
            "SELECT q.key, s.object, s.path, s.salt, s.nonce, s.ciphertext FROM json_each(?) q \
             CROSS JOIN objects o ON o.project = ? AND o.kind = q.value ->> 0 AND o.name = q.value ->> 1 AND o.archived = 0 \
             CROSS JOIN secrets s ON s.object = o.id AND s.path = q.value ->> 2",
        );
        let query = query.bind(Value::Array(asked.collect()).to_string()).bind(project.as_str());
        for row in query.fetch_all(&mut *view).await? {
            let n = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
            let (Some((address, _, sent)), Some(answer)) = (questions.get(n), answers.get_mut(n)) else { continue };
            let held = open(keys, project, *address, &row)?;
            let own = fingerprint(row.try_get(3)?, &held);
            *answer = Some(own.as_bytes().ct_eq(sent.as_bytes()).into());
        }
        Ok(answers)
    }
}

impl ReadStore {
    /// The answers where there is no key: none is needed by a project without secrets, and otherwise it has gone.
    async fn without_key(&self, project: &Name, answers: Vec<Option<bool>>) -> Result<Vec<Option<bool>>, StoreError> {
        let (Source::File { path, .. }, Some(mut view)) = (&self.source, self.view().await?) else {
            return Ok(answers);
        };
        let held = "SELECT EXISTS (SELECT 1 FROM objects o CROSS JOIN secrets s ON s.object = o.id \
             WHERE o.project = ? AND o.archived = 0)";
        let held: bool = sqlx::query_scalar(held).bind(project.as_str()).fetch_one(&mut *view).await?;
        if held {
            return Err(StoreError::MissingKey { path: path.clone(), key_file: MasterKey::file_of(path) });
        }
        Ok(answers)
    }
}

/// Opens the secret in a row whose columns 1, 2, 4 and 5 are object, path, nonce and ciphertext.
fn open(
    keys: &Keys,
    project: &Name,
    what: &impl ToString,
    row: &sqlx::sqlite::SqliteRow,
) -> Result<SecretText, StoreError> {
    let object: ObjectId = parse(&what.to_string(), "id", row.try_get(1)?)?;
    let sealed = Sealed { nonce: row.try_get(4)?, ciphertext: row.try_get(5)? };
    keys.open(&Place { project, object, path: row.try_get(2)? }, &sealed)
}

impl Store {
    /// The contents of an object's secrets by path, for the engine that sends them to where they belong.
    ///
    /// # Errors
    /// When the file cannot be read, or a secret in it cannot be decrypted.
    pub async fn secrets_of(
        &self,
        project: &Name,
        object: ObjectId,
    ) -> Result<BTreeMap<String, SecretText>, StoreError> {
        let keys = self.keys()?;
        let Some(mut view) = self.reads.view().await? else { return Ok(BTreeMap::new()) };
        let mut all = contents(&mut view, keys, project, &[object]).await?;
        Ok(all.remove(&object).unwrap_or_default())
    }
}

/// The contents of the secrets of some objects of one project.
pub(super) async fn contents(
    connection: &mut SqliteConnection,
    keys: &Keys,
    project: &Name,
    objects: &[ObjectId],
) -> Result<HashMap<ObjectId, BTreeMap<String, SecretText>>, StoreError> {
    let mut contents: HashMap<ObjectId, BTreeMap<String, SecretText>> = HashMap::new();
    let query = sqlx::query(
        "SELECT 0, s.object, s.path, s.salt, s.nonce, s.ciphertext FROM json_each(?) i \
         CROSS JOIN objects o ON o.id = i.value AND o.project = ? CROSS JOIN secrets s ON s.object = o.id",
    );
    for row in query.bind(rows::texts(objects)).bind(project.as_str()).fetch_all(connection).await? {
        let object: ObjectId = parse(&"a secret", "object", row.try_get(1)?)?;
        let content = open(keys, project, &object, &row)?;
        contents.entry(object).or_default().insert(row.try_get(2)?, content);
    }
    Ok(contents)
}

/// The paths of the secrets that some objects hold.
pub(super) async fn held(
    connection: &mut SqliteConnection,
    objects: &[ObjectId],
) -> Result<HashMap<ObjectId, BTreeSet<String>>, StoreError> {
    let mut held: HashMap<ObjectId, BTreeSet<String>> = HashMap::new();
    let query = sqlx::query("SELECT s.object, s.path FROM json_each(?) i CROSS JOIN secrets s ON s.object = i.value");
    for row in query.bind(rows::texts(objects)).fetch_all(connection).await? {
        held.entry(parse(&"a secret", "object", row.try_get(0)?)?).or_default().insert(row.try_get(1)?);
    }
    Ok(held)
}
