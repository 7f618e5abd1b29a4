//! One event as it would be stored now, and as it would be stored once the plan is applied.

use std::sync::Arc;

use jiff::Timestamp;

use super::station::{Place, Station};
use crate::behaviour::end_user::EndUserIds;
use crate::behaviour::event::{RawEvent, StoredEvent};
use crate::behaviour::fault::Fault;
use crate::behaviour::ingest::{Defaults, EventSystem, Ingested, ingest};
use crate::kinds::system::SystemSpec;

/// An event on both sides; `None` where it would be dropped or refused.
pub(super) struct Both {
    pub(super) before: Option<Arc<StoredEvent>>,
    pub(super) after: Option<Arc<StoredEvent>>,
}

impl Both {
    /// Whether both sides see the very same event.
    pub(super) fn is_one(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => Arc::ptr_eq(before, after),
            (_, _) => false,
        }
    }
}

/// Both forms of a recorded event.
pub(super) fn of_stored(came: StoredEvent, station: &Station<'_>) -> Both {
    let came = Arc::new(came);
    let side = |place: &Option<Place<'_>>| place.as_ref().and_then(|place| as_stored(&came, place));
    let before = side(&station.before);
    let after = if station.stores_alike { before.clone() } else { side(&station.after) };
    Both { before, after }
}

/// A recorded event as a side would store it if it happened there; `None` if it would be dropped. What was dropped when
/// it was recorded is gone for good.
fn as_stored(came: &Arc<StoredEvent>, place: &Place<'_>) -> Option<Arc<StoredEvent>> {
    if place.censorship.drops_all() {
        return None;
    }
    let goes = |name: &str| place.censorship.drops(name) || place.properties.get(name).is_none();
    let is_named_so = came.system == *place.name && came.event == place.event;
    if is_named_so && !came.properties.keys().any(|name| goes(name)) {
        return Some(Arc::clone(came));
    }
    let mut event = StoredEvent::clone(came);
    event.system = place.name.clone();
    event.properties.retain(|name, _| !goes(name));
    if let Some(name) = event.properties.get_mut("event") {
        *name = place.event.as_str().into();
    }
    event.event.clone_from(&place.event);
    Some(Arc::new(event))
}

/// What stands in for what an event that is yet to arrive leaves out.
pub(super) struct Absent {
    pub(super) event_id: String,
    pub(super) now: Timestamp,
}

/// Both forms of an event that is yet to arrive.
///
/// # Errors
/// What is wrong with it, when no side takes it in.
pub(super) fn of_raw(raw: RawEvent, station: &Station<'_>, absent: &Absent) -> Result<Both, Vec<Fault>> {
    let Station { before, after, stores_alike: _, takes_in_alike, listeners: _ } = station;
    if let Some(place) = before.as_ref().filter(|_| *takes_in_alike) {
        let event = take_in(raw, place, absent)?;
        return Ok(Both { before: event.clone(), after: event });
    }
    let one = |place: &Option<Place<'_>>| place.as_ref().map(|place| take_in(raw.clone(), place, absent));
    match (one(before), one(after)) {
        (Some(Err(faults)), None | Some(Err(_))) | (None, Some(Err(faults))) => Err(faults),
        (before, after) => {
            let kept = |side: Option<Result<_, _>>| side.and_then(Result::ok).flatten();
            Ok(Both { before: kept(before), after: kept(after) })
        }
    }
}

/// An event as one side takes it in; `None` when it drops it.
fn take_in(mut raw: RawEvent, place: &Place<'_>, absent: &Absent) -> Result<Option<Arc<StoredEvent>>, Vec<Fault>> {
    raw.event.clone_from(&place.event);
    let end_user_ids = end_user_ids(place.system);
    let Place { name, system: spec, event: _, properties, censorship: _, system_id } = place;
    let system = EventSystem { name, system_id, spec, end_user_ids };
    let defaults = Defaults { event_id: absent.event_id.clone(), now: absent.now };
    Ok(match ingest(raw, Some(system), Some(*properties), defaults)? {
        Ingested::Stored(event) => Some(Arc::new(event)),
        Ingested::Dropped(_) => None,
    })
}

/// How a system keeps ids, as far as a plan may know it: a salt is left out, because nothing that is shown may depend on
/// the content of a secret. So ids of events that are yet to arrive are hashed alike on both sides, to hashes that the
/// target does not have.
fn end_user_ids(system: &SystemSpec) -> EndUserIds<'static> {
    // A salt is given, so that none can be missing.
    EndUserIds::of(system, Some(&[])).unwrap_or(EndUserIds::PLAIN)
}
