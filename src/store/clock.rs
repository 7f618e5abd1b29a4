//! The time as the store sees it: always handed in, so that tests can turn it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::StoreError;

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The operating system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A time as kept in the database: microseconds, so that columns sort.
pub(super) fn to_column(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A time from the database.
pub(super) fn from_column(what: &impl ToString, value: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(value).map_err(|error| StoreError::corrupt(what, &error))
}
