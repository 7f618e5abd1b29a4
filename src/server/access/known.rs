//! Tokens that were looked up before, so that not every request is a join in the database.
//!
//! A revocation must be obeyed at once, also one made by another process. So each request waits for a reading of the
//! store's count of revocations that *began after* the request came; many requests share one reading, as writers share
//! a commit. Only while the count stays are remembered tokens good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use crate::base::secret::SecretText;
use crate::store::{Clock, Store, StoreError, TokenAccess, TokenLookup};

/// The most tokens remembered; beyond it all are forgotten and looked up again.
const REMEMBERED: usize = 10_000;

/// The tokens, as of one count of revocations.
pub(super) struct KnownTokens {
    store: Arc<Store>,
    clock: Clock,
    known: Mutex<Known>,
    readings: Readings,
}

#[derive(Default)]
struct Known {
    changes: u64,
    tokens: HashMap<TokenLookup, TokenAccess>,
}

impl KnownTokens {
    pub(super) fn new(store: Arc<Store>, clock: Clock) -> Self {
        Self { store, clock, known: Mutex::default(), readings: Readings::default() }
    }

    /// Whom a token speaks for.
    pub(super) async fn access(&self, token: &SecretText) -> Result<Option<TokenAccess>, StoreError> {
        let lookup = self.store.reads().token_lookup(token)?;
        let changes = self.readings.read(&self.store).await?;
        if let Some(access) = self.remembered(changes, &lookup) {
            return Ok(Some(access).filter(|access| self.clock.now() < access.expires_at));
        }
        let access = self.store.reads().token_access(&lookup).await?;
        if let Some(access) = &access {
            // What was read after the count is at least as new as the count says.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.changes == changes {
                if known.tokens.len() >= REMEMBERED {
                    known.tokens.clear();
                }
                known.tokens.insert(lookup, access.clone());
            }
        }
        Ok(access)
    }

    fn remembered(&self, changes: u64, lookup: &TokenLookup) -> Option<TokenAccess> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes < changes {
            *known = Known { changes, tokens: HashMap::new() };
        }
        // A reading that began before the newest one began is not good enough to trust what was remembered since; it is
        // to be looked up.
        if known.changes == changes { known.tokens.get(lookup).cloned() } else { None }
    }
}

/// Readings of the count, shared by all who asked before one began.
#[derive(Default)]
struct Readings {
    /// The number of the last reading that began.
    begun: Mutex<u64>,
    /// Held while reading: the number of the last one that ended, and what it found.
    ended: AsyncMutex<(u64, u64)>,
}

impl Readings {
    /// The count by a reading that begins after this call.
    async fn read(&self, store: &Store) -> Result<u64, StoreError> {
        let wanted = *self.begun.lock().unwrap_or_else(PoisonError::into_inner) + 1;
        let mut ended = self.ended.lock().await;
        // While this one waited, another may have read for both.
        if ended.0 >= wanted {
            return Ok(ended.1);
        }
        let number = {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            *begun += 1;
            *begun
        };
        let changes = store.reads().access_changes().await?;
        *ended = (number, changes);
        Ok(changes)
    }
}
