//! What was sent, as text and as JSON.

use std::io::{self, Write};

use serde_json::json;

use crate::object::notification::{NotificationSent, NotificationState};

/// A notification.
///
/// # Errors
/// When the writer fails.
pub fn notification(out: &mut dyn Write, sent: NotificationSent) -> io::Result<()> {
    let NotificationSent { id, state } = sent;
    let state = match state {
        NotificationState::Scheduled => "scheduled",
        NotificationState::Active => "active",
        NotificationState::Completed => "completed",
    };
    writeln!(out, "Notification {id} is {state}.")
}

/// The same for programs.
///
/// # Errors
/// When the writer fails.
pub fn notification_json(out: &mut dyn Write, sent: NotificationSent) -> io::Result<()> {
    writeln!(out, "{:#}", json!(sent))
}
