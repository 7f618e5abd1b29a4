//! What a plan changes about what happens: recorded events run through the states before and after it, by the code that
//! the server itself runs.
//!
//! Events go through one by one, so that a sample of any size takes the memory of its webhooks: [`Replay::take`] each,
//! then [`Replay::finish`]. What nothing in the plan changes is not run at all; webhooks that it leaves alone are
//! counted only where they send to a place that a changed one sends to, to tell whether that place is new.

mod judged;
mod occurrence;
mod place;
mod request;
mod routes;
mod station;
mod tally;
mod templates;
mod workflows;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::states::States;
use crate::base::ident::{Name, ObjectId};
use crate::behaviour::fault::Fault;
use crate::behaviour::recorded::EventLine;
use crate::kinds::test::TestSpec;
use crate::kinds::{Address, Kind};
use crate::plan::plan_value::Plan;
use crate::plan::preview::Preview;
use occurrence::Absent;
use routes::Routes;
use station::{Finder, Station};

/// What events that are yet to arrive need beside the states.
pub struct Arrival<'s> {
    /// Ids of live objects: a System without a `systemId` is known by its own.
    pub ids: BTreeMap<&'s Address, ObjectId>,
    /// When an event without a time happened.
    pub now: Timestamp,
}

/// The cases of one Test, which are samples for what events do not reach: templates and workflows.
#[derive(Clone, Copy, Debug)]
pub struct Cases<'s> {
    /// The test's name.
    pub test: &'s Name,
    /// Its cases.
    pub spec: &'s TestSpec,
}

/// Events on their way through both states.
pub struct Replay<'s> {
    states: &'s States,
    finder: Finder<'s>,
    now: Timestamp,
    routes: Routes<'s>,
    /// By system, then event, as they stand in the sample; `None` for what neither state knows.
    stations: HashMap<String, HashMap<String, Option<Station<'s>>>>,
    seen: HashSet<Box<str>>,
    taken: u64,
    events: u64,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    skipped: u64,
}

impl<'s> Replay<'s> {
    /// Gets ready to run events through the states of a plan.
    #[must_use]
    pub fn new(states: &'s States, arrival: Arrival<'s>) -> Self {
        let Arrival { ids, now } = arrival;
        Self {
            states,
            finder: Finder::new(states, ids),
            now,
            routes: Routes::new(states),
            stations: HashMap::new(),
            seen: HashSet::new(),
            taken: 0,
            events: 0,
            from: None,
            to: None,
            skipped: 0,
        }
    }

    /// Runs one event. One whose id was seen already does nothing, as on a target, and is counted as skipped; so is one
    /// that neither state knows.
    ///
    /// # Errors
    /// What is wrong with an event that is yet to arrive, where both states know it and refuse it.
    pub fn take(&mut self, line: EventLine) -> Result<(), Vec<Fault>> {
        self.taken += 1;
        let (system, event) = match &line {
            EventLine::Raw(raw) => (raw.system.as_str(), raw.event.as_str()),
            EventLine::Stored(stored) => (stored.system.as_str(), stored.event.as_str()),
        };
        if !self.stations.get(system).is_some_and(|events| events.contains_key(event)) {
            let station = self.finder.station(system, event).map(|mut station| {
                let of = |place: &Option<station::Place<'s>>| {
                    place.as_ref().map(|place| (place.name.clone(), place.event.clone()))
                };
                station.listeners = self.routes.listeners(of(&station.before).as_ref(), of(&station.after).as_ref());
                station
            });
            self.stations.entry(system.to_owned()).or_default().insert(event.to_owned(), station);
        }
        let station = self.stations.get(system).and_then(|events| events.get(event));
        let Some(station) = station.and_then(Option::as_ref) else {
            self.skipped += 1;
            return Ok(());
        };
        let event_id = match &line {
            EventLine::Raw(raw) => raw.event_id.clone().unwrap_or_else(|| format!("event-{}", self.taken)),
            EventLine::Stored(stored) => stored.event_id.clone(),
        };
        if self.seen.contains(event_id.as_str()) {
            self.skipped += 1;
            return Ok(());
        }
        let (at, both) = match line {
            EventLine::Stored(stored) => (stored.occurred_at, occurrence::of_stored(stored, station)),
            EventLine::Raw(raw) => {
                let at = raw.occurred_at.as_deref().and_then(|text| crate::kinds::time::parse(text).ok());
                let absent = Absent { event_id: event_id.clone(), now: self.now };
                (at.unwrap_or(self.now), occurrence::of_raw(raw, station, &absent)?)
            }
        };
        self.seen.insert(event_id.into());
        self.events += 1;
        self.from = Some(self.from.map_or(at, |from| from.min(at)));
        self.to = Some(self.to.map_or(at, |to| to.max(at)));
        self.routes.run(&station.listeners, &both);
        Ok(())
    }

    /// How many events it was given.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// What the sample shows.
    #[must_use]
    pub fn finish(self, plan: &Plan, tests: &[Cases<'_>]) -> Preview {
        let Self { states, finder: _, now: _, routes, stations, seen: _, taken: _, events, from, to, skipped } = self;
        let (templates, mut exercised) = templates::previews(states, tests);
        let (workflows, tried) = workflows::previews(states, tests);
        exercised.extend(tried);
        for place in stations.values().flat_map(HashMap::values).flatten().flat_map(|s| [&s.before, &s.after]).flatten()
        {
            exercised.insert(Address::new(Kind::System, place.name.clone()));
            exercised.extend(place.event.parse().ok().map(|name| Address::new(Kind::EventType, name)));
        }
        exercised.extend(routes.exercised());
        let (not_exercised, not_evaluated) = judged::judge(plan, states, &exercised, routes.unfit());
        Preview {
            events,
            from,
            to,
            skipped,
            webhooks: routes.previews(),
            destinations: routes.destinations(),
            templates,
            workflows,
            not_exercised,
            not_evaluated,
        }
    }
}

#[cfg(test)]
mod tests;
