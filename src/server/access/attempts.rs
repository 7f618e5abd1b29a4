//! Failed attempts to log in, counted by client id and by address, so that guessing ends soon.
//!
//! A window of a minute each. What is counted is bounded: who fills the table with made-up ids finds that the oldest
//! windows are forgotten first, and is held by the count of the address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::ident::ClientId;
use crate::store::Clock;

/// How long a failure counts.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// Ids and addresses that are counted at the same time, of each.
const COUNTED: usize = 10_000;
/// Through one address may come the callers of a whole site: it is allowed more than one key.
const ADDRESS_FACTOR: u32 = 5;

/// The counts.
pub struct Attempts {
    clock: Clock,
    limit: u32,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    keys: HashMap<ClientId, Window>,
    addresses: HashMap<IpAddr, Window>,
}

#[derive(Clone, Copy)]
struct Window {
    ends: Timestamp,
    failures: u32,
}

impl Attempts {
    pub(super) fn new(clock: Clock, limit: u32) -> Self {
        Self { clock, limit, table: Mutex::default() }
    }

    /// Counts an attempt before it is tried, so that many at once are not tried either. [`Attempts::succeeded`] takes it
    /// back.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub fn begin(&self, client_id: Option<ClientId>, address: IpAddr) -> Result<(), Duration> {
        let now = self.clock.now();
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let Table { keys, addresses } = &mut *table;
        let address = network(address);
        let waits = [
            client_id.and_then(|id| wait(keys, &id, self.limit, now)),
            wait(addresses, &address, self.limit.saturating_mul(ADDRESS_FACTOR), now),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        if let Some(id) = client_id {
            count(keys, id, now);
        }
        count(addresses, address, now);
        Ok(())
    }

    /// How long an address has to wait, after too many failures, until the next attempt is welcome.
    pub fn closed(&self, address: IpAddr) -> Option<Duration> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        wait(&table.addresses, &network(address), self.limit.saturating_mul(ADDRESS_FACTOR), self.clock.now())
    }

    /// Counts a failure of an address where many attempts may be under way at once, and most of them succeed.
    pub fn failed(&self, address: IpAddr) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut table.addresses, network(address), self.clock.now());
    }

    /// Takes back what [`Attempts::begin`] counted: it was no failure.
    pub fn succeeded(&self, client_id: ClientId, address: IpAddr) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let Table { keys, addresses } = &mut *table;
        let windows = [keys.get_mut(&client_id), addresses.get_mut(&network(address))];
        for window in windows.into_iter().flatten() {
            window.failures = window.failures.saturating_sub(1);
        }
    }
}

/// How long until the next attempt is welcome, if it is not now.
fn wait<K: Hash + Eq>(windows: &HashMap<K, Window>, key: &K, limit: u32, now: Timestamp) -> Option<Duration> {
    let window = windows.get(key).filter(|window| now < window.ends && window.failures >= limit)?;
    Duration::try_from(window.ends.duration_since(now)).ok()
}

fn count<K: Hash + Eq + Clone>(windows: &mut HashMap<K, Window>, key: K, now: Timestamp) {
    if windows.len() >= COUNTED && !windows.contains_key(&key) {
        windows.retain(|_, window| now < window.ends);
        if windows.len() >= COUNTED
            && let Some(oldest) = windows.iter().min_by_key(|(_, window)| window.ends).map(|(key, _)| key.clone())
        {
            windows.remove(&oldest);
        }
    }
    let ends = now.checked_add(WINDOW).unwrap_or(Timestamp::MAX);
    let window = windows.entry(key).or_insert(Window { ends, failures: 0 });
    if window.ends <= now {
        *window = Window { ends, failures: 0 };
    }
    window.failures = window.failures.saturating_add(1);
}

/// Who has one IPv6 address has 2^64 of them: the network counts.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use uuid::Uuid;

    use super::*;

    fn attempts(limit: u32) -> (Attempts, Arc<AtomicI64>) {
        let seconds = Arc::new(AtomicI64::new(1_000_000));
        let told = Arc::clone(&seconds);
        let now = move || Timestamp::from_second(told.load(Ordering::SeqCst)).expect("a time");
        (Attempts::new(Clock::new(now), limit), seconds)
    }

    fn id(n: u128) -> ClientId {
        ClientId(Uuid::from_u128(n))
    }

    #[test]
    fn a_key_that_is_guessed_at_is_closed_for_a_minute_and_no_other() {
        let (attempts, seconds) = attempts(3);
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        for n in 0..3 {
            assert_eq!(attempts.begin(Some(id(1)), address(n)), Ok(()));
        }
        seconds.fetch_add(10, Ordering::SeqCst);
        assert_eq!(attempts.begin(Some(id(1)), address(9)), Err(Duration::from_secs(50)));
        assert_eq!(attempts.begin(Some(id(2)), address(9)), Ok(()));
        seconds.fetch_add(50, Ordering::SeqCst);
        assert_eq!(attempts.begin(Some(id(1)), address(9)), Ok(()));
    }

    #[test]
    fn an_address_that_tries_many_ids_is_closed_too() {
        let (attempts, _) = attempts(2);
        let network: IpAddr = "2001:db8::1".parse().expect("an address");
        for n in 0..10 {
            assert_eq!(attempts.begin(Some(id(n)), network), Ok(()), "{n}");
        }
        let neighbour: IpAddr = "2001:db8::2".parse().expect("an address");
        assert!(attempts.begin(Some(id(99)), neighbour).is_err());
        assert!(attempts.begin(None, "2001:db8:0:1::1".parse().expect("an address")).is_ok());
    }

    #[test]
    fn an_address_that_fails_too_often_is_closed_for_a_while() {
        let (attempts, seconds) = attempts(1);
        let address = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..ADDRESS_FACTOR {
            assert_eq!(attempts.closed(address), None);
            attempts.failed(address);
        }
        assert_eq!(attempts.closed(address), Some(Duration::from_mins(1)));
        assert_eq!(attempts.closed(IpAddr::from([192, 0, 2, 2])), None);
        seconds.fetch_add(60, Ordering::SeqCst);
        assert_eq!(attempts.closed(address), None);
    }

    #[test]
    fn success_counts_for_nothing() {
        let (attempts, _) = attempts(1);
        let address = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..100 {
            assert_eq!(attempts.begin(Some(id(1)), address), Ok(()));
            attempts.succeeded(id(1), address);
        }
    }

    #[test]
    fn made_up_ids_do_not_fill_the_memory() {
        let (attempts, seconds) = attempts(10);
        for n in 0..(COUNTED as u128 + 500) {
            let address = IpAddr::from(Ipv6Addr::from_bits(n << 64));
            assert_eq!(attempts.begin(Some(id(n)), address), Ok(()));
            if n == 100 {
                seconds.fetch_add(1, Ordering::SeqCst);
            }
        }
        let table = attempts.table.lock().expect("the table");
        assert!(table.keys.len() <= COUNTED && table.addresses.len() <= COUNTED);
    }
}
