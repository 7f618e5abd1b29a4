//! Accepted events and deliveries as text and as JSON.

use std::io::{self, Write};

use serde_json::json;

use crate::object::delivery::{AttemptRecord, DeliveryRecord, DeliveryState};

/// The ids of accepted events.
///
/// # Errors
/// When the writer fails.
pub fn accepted(out: &mut dyn Write, ids: &[String]) -> io::Result<()> {
    match ids {
        [] => writeln!(out, "There were no events."),
        [only] => writeln!(out, "Accepted {}.", shown(only)),
        many => writeln!(out, "Accepted {} events.", many.len()),
    }
}

/// The same for programs.
///
/// # Errors
/// When the writer fails.
pub fn accepted_json(out: &mut dyn Write, ids: &[String]) -> io::Result<()> {
    let events: Vec<_> = ids.iter().map(|id| json!({ "eventId": id })).collect();
    writeln!(out, "{:#}", json!({ "format_version": "1.0", "events": events }))
}

/// Deliveries, a line each.
///
/// # Errors
/// When the writer fails.
pub fn list(out: &mut dyn Write, deliveries: &[DeliveryRecord]) -> io::Result<()> {
    if deliveries.is_empty() {
        return writeln!(out, "There are no deliveries.");
    }
    let widest = |text: fn(&DeliveryRecord) -> usize| deliveries.iter().map(text).max().unwrap_or_default();
    let widths = Widths {
        webhook: widest(|delivery| delivery.webhook.as_str().len()),
        event: widest(|delivery| delivery.event_id.chars().count()),
    };
    deliveries.iter().try_for_each(|delivery| aligned(out, delivery, widths))
}

/// The same for programs.
///
/// # Errors
/// When the writer fails.
pub fn list_json(out: &mut dyn Write, deliveries: &[DeliveryRecord]) -> io::Result<()> {
    writeln!(out, "{:#}", json!({ "format_version": "1.0", "deliveries": deliveries }))
}

/// One delivery for programs, in one line.
///
/// # Errors
/// When the writer fails.
pub fn line_json(out: &mut dyn Write, delivery: &DeliveryRecord) -> io::Result<()> {
    writeln!(out, "{}", json!(delivery))
}

/// One delivery: when something last became of it, its state, webhook, event and id, and how it stands.
///
/// # Errors
/// When the writer fails.
pub fn line(out: &mut dyn Write, delivery: &DeliveryRecord) -> io::Result<()> {
    aligned(out, delivery, Widths::default())
}

/// How wide the columns are whose texts are of any length.
#[derive(Clone, Copy, Default)]
struct Widths {
    webhook: usize,
    event: usize,
}

fn aligned(out: &mut dyn Write, delivery: &DeliveryRecord, widths: Widths) -> io::Result<()> {
    let DeliveryRecord { id, webhook, event_id, state, due_at, attempts } = delivery;
    let last = attempts.last();
    let at = last.map_or_else(|| "not tried yet".to_owned(), |attempt| format!("{:.0}", attempt.at));
    let (webhook, event) = (webhook.as_str(), shown(event_id));
    let Widths { webhook: wide, event: long } = widths;
    write!(out, "{at:<20}  {state:<9}  {webhook:<wide$}  event {event:<long$}  delivery {id}")?;
    if let Some(AttemptRecord { at: _, status, error }) = last {
        let times = if attempts.len() == 1 { "attempt" } else { "attempts" };
        write!(out, "  {} {times}", attempts.len())?;
        match (error, status) {
            (Some(error), _) => write!(out, ": {}", shown(error))?,
            (None, Some(status)) => write!(out, ": {status}")?,
            (None, None) => {}
        }
    }
    match (state, due_at) {
        (DeliveryState::Pending, Some(due)) if last.is_some() => writeln!(out, ", next at {due:.0}"),
        (DeliveryState::Pending | DeliveryState::Delivered | DeliveryState::Dead, _) => writeln!(out),
    }
}

/// A text that came from elsewhere, so that it stays in its line and moves no cursor.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(state: &str, attempts: &serde_json::Value) -> DeliveryRecord {
        let mut value = json!({ "id": "01a212c7-1317-7739-b29c-d8eff13596fc", "webhook": "nps", "eventId": "e\u{1b}1",
                                "state": state, "attempts": attempts });
        if state == "pending" {
            value["dueAt"] = "2026-01-01T00:00:05.25Z".into();
        }
        serde_json::from_value(value).expect("a delivery")
    }

    fn text(delivery: &DeliveryRecord) -> String {
        let mut out = Vec::new();
        line(&mut out, delivery).expect("written");
        String::from_utf8(out).expect("a text")
    }

    #[test]
    fn a_list_stands_in_columns() {
        let mut other = delivery("delivered", &json!([{ "at": "2026-01-01T00:00:05Z", "status": 204 }]));
        (other.webhook, other.event_id) = (crate::base::ident::Name::from_any("a-longer-name"), "e-1".to_owned());
        let mut out = Vec::new();
        list(&mut out, &[delivery("pending", &json!([])), other]).expect("written");
        let text = String::from_utf8(out).expect("a text");
        let chars = |line: &str, of: &str| line.find(of).map(|at| line[..at].chars().count());
        let places: Vec<_> = text.lines().map(|line| (chars(line, "event "), chars(line, "delivery "))).collect();
        assert_eq!(places[0], places[1], "{text}");
    }

    #[test]
    fn a_line_says_how_a_delivery_stands() {
        let id = "delivery 01a212c7-1317-7739-b29c-d8eff13596fc";
        let fresh = text(&delivery("pending", &json!([])));
        assert_eq!(fresh, format!("not tried yet         pending    nps  event e\u{fffd}1  {id}\n"));
        let failed = json!([{ "at": "2026-01-01T00:00:00Z", "status": 500, "error": "the receiver answered 500" }]);
        assert_eq!(
            text(&delivery("pending", &failed)),
            format!(
                "2026-01-01T00:00:00Z  pending    nps  event e\u{fffd}1  {id}  1 attempt: the receiver answered 500, \
                 next at 2026-01-01T00:00:05Z\n"
            )
        );
        let delivered = json!([failed[0], { "at": "2026-01-01T00:00:05Z", "status": 204 }]);
        assert_eq!(
            text(&delivery("delivered", &delivered)),
            format!("2026-01-01T00:00:05Z  delivered  nps  event e\u{fffd}1  {id}  2 attempts: 204\n")
        );
    }
}
