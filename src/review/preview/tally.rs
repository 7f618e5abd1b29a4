//! What is counted of one webhook, and the earliest event of each sort.

use std::sync::Arc;

use crate::behaviour::event::StoredEvent;

/// Counts of one webhook over the sample.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) gained: u64,
    pub(super) lost: u64,
    pub(super) changed: u64,
    pub(super) first_gained: Option<Arc<StoredEvent>>,
    pub(super) first_lost: Option<Arc<StoredEvent>>,
    /// As both sides see it.
    pub(super) first_changed: Option<(Arc<StoredEvent>, Arc<StoredEvent>)>,
}

/// What one webhook does with an event on both sides.
pub(super) enum Sent<'e> {
    /// It is sent as things are, and no longer.
    Lost(&'e Arc<StoredEvent>),
    /// It is newly sent.
    Gained(&'e Arc<StoredEvent>),
    /// It is sent both ways in the same request.
    Alike,
    /// It is sent both ways in another request.
    Otherwise(&'e Arc<StoredEvent>, &'e Arc<StoredEvent>),
}

impl Tally {
    pub(super) fn count(&mut self, sent: &Sent<'_>) {
        match sent {
            Sent::Lost(event) => {
                self.before += 1;
                self.lost += 1;
                if self.first_lost.as_ref().is_none_or(|first| is_earlier(event, first)) {
                    self.first_lost = Some(Arc::clone(event));
                }
            }
            Sent::Gained(event) => {
                self.after += 1;
                self.gained += 1;
                if self.first_gained.as_ref().is_none_or(|first| is_earlier(event, first)) {
                    self.first_gained = Some(Arc::clone(event));
                }
            }
            Sent::Alike => {
                self.before += 1;
                self.after += 1;
            }
            Sent::Otherwise(before, after) => {
                self.before += 1;
                self.after += 1;
                self.changed += 1;
                if self.first_changed.as_ref().is_none_or(|(first, _)| is_earlier(before, first)) {
                    self.first_changed = Some((Arc::clone(before), Arc::clone(after)));
                }
            }
        }
    }

    /// Whether any event of the sample is sent on either side.
    pub(super) fn is_exercised(&self) -> bool {
        self.before + self.after > 0
    }

    /// Whether the sides differ.
    pub(super) fn differs(&self) -> bool {
        self.gained + self.lost + self.changed > 0
    }
}

/// The earliest event is the sample, whatever the order in which events come; of the same time the one with the least
/// id.
fn is_earlier(event: &StoredEvent, than: &StoredEvent) -> bool {
    (event.occurred_at, &event.event_id) < (than.occurred_at, &than.event_id)
}
