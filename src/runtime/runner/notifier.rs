//! Notifying people, as the runner needs it done.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use crate::base::ident::{Name, ObjectId};

/// A notification that a run wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationOrder {
    /// The template, as the run's version means it; may be archived.
    pub template: ObjectId,
    /// Audiences; may be archived.
    pub audiences: Vec<ObjectId>,
    /// Ids of end users.
    pub end_users: Vec<String>,
    /// Values by placeholder.
    pub overrides: BTreeMap<String, String>,
    /// An order with a key that was carried out is not carried out again.
    pub key: String,
}

/// Why a notification was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifyFailure {
    /// It breaks a rule, and always will.
    #[error("{0}")]
    Refused(String),
    /// It may succeed later.
    #[error("{0}")]
    Unavailable(String),
}

/// Notifies people.
pub trait Notifier: Send + Sync {
    /// Makes a notification, at once.
    ///
    /// Guarantees: when it answers well, the notification is on disk; the same key makes no second one.
    fn notify<'a>(&'a self, project: &'a Name, order: NotificationOrder) -> BoxFuture<'a, Result<(), NotifyFailure>>;
}
