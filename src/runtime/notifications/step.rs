//! Notifications that runs send.

use std::fmt::Write as _;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{NotificationError, Notifications, Sender};
use crate::base::digest::Digest;
use crate::base::ident::{Name, ObjectId};
use crate::object::notification::{NotificationBody, OverrideEntry};
use crate::runtime::runner::{NotificationOrder, Notifier, NotifyFailure};

/// Whom the audit names.
const ACTOR: &str = "engine";

impl Notifier for Notifications {
    fn notify<'a>(&'a self, project: &'a Name, order: NotificationOrder) -> BoxFuture<'a, Result<(), NotifyFailure>> {
        Box::pin(async move {
            let NotificationOrder { template, audiences, end_users, overrides, key } = order;
            let sender = Sender::Step { id: id_of(project, &key) };
            let overrides: Vec<OverrideEntry> =
                overrides.into_iter().map(|(key, value)| OverrideEntry { key, value }).collect();
            let body = NotificationBody {
                template_id: template.to_string(),
                end_users_ids: some(end_users),
                audiences_ids: some(audiences.iter().map(ToString::to_string).collect()),
                overrides: some(overrides),
                ..NotificationBody::default()
            };
            match self.send(project, &body, sender, ACTOR).await {
                Ok(_) => Ok(()),
                Err(NotificationError::Invalid(faults)) => {
                    let mut reason = String::new();
                    for (n, fault) in faults.iter().enumerate() {
                        let separator = if n > 0 { "; " } else { "" };
                        let _ = write!(reason, "{separator}{}", fault.message);
                    }
                    Err(NotifyFailure::Refused(reason))
                }
                Err(NotificationError::Store(error)) => Err(NotifyFailure::Unavailable(error.to_string())),
            }
        })
    }
}

/// The id of the notification of a key: always the same, so that trying again sends no second one.
fn id_of(project: &Name, key: &str) -> ObjectId {
    let digest = Digest::of_parts([b"notification of a step".as_slice(), project.as_str().as_bytes(), key.as_bytes()]);
    // 32 of its hex digits are a UUID.
    let text: String = digest.to_string().chars().take(32).collect();
    ObjectId(Uuid::parse_str(&text).unwrap_or_default())
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_one_notification() {
        let id = |project: &str, key: &str| id_of(&Name::from_any(project), key);
        assert_eq!(id("a", "k"), id("a", "k"));
        assert_ne!(id("a", "k"), id("b", "k"));
        assert_ne!(id("a", "k"), id("a", "l"));
        assert_ne!(id("a", "k").0, Uuid::nil());
    }
}
