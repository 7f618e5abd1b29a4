//! Webhooks on both sides, made ready once: which of them have to be run, and what comes of each event.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::occurrence::Both;
use super::place::place;
use super::request::{changes, parts};
use super::tally::{Sent, Tally};
use crate::base::ident::Name;
use crate::behaviour::delivery::{CompiledWebhook, request};
use crate::behaviour::event::StoredEvent;
use crate::kinds::destination::DestinationSpec;
use crate::kinds::scope::{EventProperties, Scope as _, event_properties};
use crate::kinds::system::SystemSpec;
use crate::kinds::webhook::WebhookSpec;
use crate::kinds::{Address, Kind, Spec};
use crate::plan::preview::{DestinationPreview, Sample, WebhookPreview};
use crate::review::states::{State, States};

/// A webhook on one side, with what it needs to send.
pub(super) struct Sender<'s> {
    pub(super) spec: &'s WebhookSpec,
    pub(super) webhook: CompiledWebhook,
    pub(super) destination: &'s DestinationSpec,
    /// The properties of its event.
    pub(super) known: Option<EventProperties<'s>>,
    system: Option<&'s SystemSpec>,
    published: bool,
    /// Which of the distinct selections is its own.
    selector: usize,
    /// Which of the distinct shapes is its own.
    shape: usize,
    /// Which of the places it sends to.
    place: usize,
}

/// A webhook before and after.
struct Pair<'s> {
    /// The new address, or the last one.
    address: Address,
    before: Option<Sender<'s>>,
    after: Option<Sender<'s>>,
    /// The plan changes the webhook itself.
    is_changed: bool,
    /// The plan changes something that what it sends depends on.
    is_touched: bool,
    /// Its requests differ whatever the event: in method, URL, headers, authentication or static properties.
    differs_always: bool,
    tally: Tally,
}

/// A webhook that listens to an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listener {
    pair: usize,
    before: bool,
    after: bool,
}

/// All webhooks of both sides that have to be run.
pub(super) struct Routes<'s> {
    pairs: Vec<Pair<'s>>,
    /// By system and event.
    before: HashMap<(Name, String), Vec<usize>>,
    after: HashMap<(Name, String), Vec<usize>>,
    selectors: Answers,
    shapes: HashMap<(usize, usize), (u64, bool)>,
    places: Vec<DestinationPreview>,
    round: u64,
    unfit: Vec<(Address, String)>,
}

/// Webhooks that select the same are asked once for each event. The webhooks are the first of each selection.
#[derive(Default)]
struct Answers {
    /// By round: the answer for the event before and for the one after.
    known: Vec<[(u64, bool); 2]>,
    picked_by: Vec<CompiledWebhook>,
}

impl Answers {
    fn picks(&mut self, round: u64, side: usize, selector: usize, event: &StoredEvent) -> bool {
        let known = self.known.get_mut(selector).and_then(|sides| sides.get_mut(side));
        let (Some(known), Some(webhook)) = (known, self.picked_by.get(selector)) else { return false };
        if known.0 != round {
            *known = (round, webhook.picks(event));
        }
        known.1
    }
}

impl<'s> Routes<'s> {
    pub(super) fn new(states: &'s States) -> Self {
        let mut made = Made::default();
        let mut pairs = Vec::new();
        let names =
            |state: &'s State| state.of_kind(Kind::Webhook).map(|(name, _)| Address::new(Kind::Webhook, name.clone()));
        for address in names(&states.after) {
            pairs.push(made.pair(states, address.clone(), states.former(&address)));
        }
        let still: HashSet<&Address> = states.moved.values().collect();
        for address in names(&states.before) {
            if !states.after.objects.contains_key(&address) && !still.contains(&address) {
                pairs.push(made.pair(states, address.clone(), &address));
            }
        }
        let Made { selectors: _, shapes: _, places, unfit, answers } = made;
        let mut routes = Self {
            pairs,
            before: HashMap::new(),
            after: HashMap::new(),
            selectors: answers,
            shapes: HashMap::new(),
            places: places.in_order,
            round: 0,
            unfit,
        };
        routes.index();
        routes
    }

    /// Finds the webhooks that have to be run: those that something changes for, and those that send to a place that
    /// one of them sends to.
    fn index(&mut self) {
        let places = |pair: &Pair<'_>| [&pair.before, &pair.after].map(|side| side.as_ref().map(|sender| sender.place));
        let touched = self.pairs.iter().filter(|pair| pair.is_touched);
        let wanted: HashSet<usize> = touched.flat_map(places).flatten().collect();
        for (n, pair) in self.pairs.iter().enumerate() {
            if !pair.is_touched && !places(pair).into_iter().flatten().any(|place| wanted.contains(&place)) {
                continue;
            }
            let key = |sender: &Sender<'_>| (sender.spec.system.clone(), sender.spec.event.clone());
            if let Some(sender) = pair.before.as_ref().filter(|sender| sender.published && sender.spec.enabled) {
                self.before.entry(key(sender)).or_default().push(n);
            }
            if let Some(sender) = pair.after.as_ref().filter(|sender| sender.published && sender.spec.enabled) {
                self.after.entry(key(sender)).or_default().push(n);
            }
        }
    }

    /// The webhooks that listen to an event, which the sides may know by different names.
    pub(super) fn listeners(&self, before: Option<&(Name, String)>, after: Option<&(Name, String)>) -> Vec<Listener> {
        let mut found: BTreeMap<usize, (bool, bool)> = BTreeMap::new();
        for pair in before.and_then(|key| self.before.get(key)).into_iter().flatten() {
            found.entry(*pair).or_default().0 = true;
        }
        for pair in after.and_then(|key| self.after.get(key)).into_iter().flatten() {
            found.entry(*pair).or_default().1 = true;
        }
        found.into_iter().map(|(pair, (before, after))| Listener { pair, before, after }).collect()
    }

    /// Runs one event.
    pub(super) fn run(&mut self, listeners: &[Listener], both: &Both) {
        self.round += 1;
        let Self { pairs, selectors, shapes, places, round, .. } = self;
        // An event that is the same on both sides is asked about once.
        let after_side = usize::from(!both.is_one());
        for Listener { pair, before, after } in listeners {
            let Some(pair) = pairs.get_mut(*pair) else { continue };
            let mut picked = |sender: &Option<Sender<'_>>, listens: bool, side, event: &Option<Arc<StoredEvent>>| {
                let (Some(sender), Some(event)) = (sender, event) else { return false };
                listens && selectors.picks(*round, side, sender.selector, event)
            };
            let was = picked(&pair.before, *before, 0, &both.before);
            let will = picked(&pair.after, *after, after_side, &both.after);
            let old = pair.before.as_ref().zip(both.before.as_ref()).filter(|_| was);
            let new = pair.after.as_ref().zip(both.after.as_ref()).filter(|_| will);
            if let Some(place) = old.and_then(|(sender, _)| places.get_mut(sender.place)) {
                place.before += 1;
            }
            if let Some(place) = new.and_then(|(sender, _)| places.get_mut(sender.place)) {
                place.after += 1;
            }
            let sent = match (old, new) {
                (None, None) => continue,
                (Some((_, event)), None) => Sent::Lost(event),
                (None, Some((_, event))) => Sent::Gained(event),
                (Some((sender, event)), Some((new_sender, new_event))) => {
                    let mut differs = || {
                        if !both.is_one() {
                            let (old, new) = (sender.webhook.shape(event), new_sender.webhook.shape(new_event));
                            return !old.iter().eq(new.iter());
                        }
                        if sender.shape == new_sender.shape {
                            return false;
                        }
                        let known = shapes.entry((sender.shape, new_sender.shape)).or_default();
                        if known.0 != *round {
                            *known = (*round, !sender.webhook.sends_alike(&new_sender.webhook, event));
                        }
                        known.1
                    };
                    if pair.is_touched && (pair.differs_always || differs()) {
                        Sent::Otherwise(event, new_event)
                    } else {
                        Sent::Alike
                    }
                }
            };
            pair.tally.count(&sent);
        }
    }

    /// What the events exercised: webhooks, and the destinations they send to.
    pub(super) fn exercised(&self) -> Vec<Address> {
        let mut exercised = Vec::new();
        for pair in self.pairs.iter().filter(|pair| pair.tally.is_exercised()) {
            exercised.push(pair.address.clone());
            let sides = [(&pair.before, pair.tally.before), (&pair.after, pair.tally.after)];
            for sender in sides.into_iter().filter(|(_, count)| *count > 0).filter_map(|(sender, _)| sender.as_ref()) {
                exercised.push(Address::new(Kind::Destination, sender.spec.destination.clone()));
            }
        }
        exercised
    }

    /// Webhooks that cannot be run, and why.
    pub(super) fn unfit(&self) -> &[(Address, String)] {
        &self.unfit
    }

    /// Webhooks whose deliveries differ, and those that the plan changes without a difference in the sample, by
    /// address.
    pub(super) fn previews(&self) -> Vec<WebhookPreview> {
        let shown = |pair: &&Pair<'_>| pair.tally.differs() || (pair.is_changed && pair.tally.is_exercised());
        let mut previews: Vec<WebhookPreview> = self.pairs.iter().filter(shown).map(Pair::preview).collect();
        previews.sort_by(|a, b| a.address.cmp(&b.address));
        previews
    }

    /// Places that are newly reached or no longer reached.
    pub(super) fn destinations(&self) -> Vec<DestinationPreview> {
        let differs = |place: &&DestinationPreview| (place.before == 0) != (place.after == 0);
        let mut places: Vec<DestinationPreview> = self.places.iter().filter(differs).cloned().collect();
        places.sort_by(|a, b| a.url.cmp(&b.url));
        places
    }
}

impl Pair<'_> {
    fn preview(&self) -> WebhookPreview {
        let Tally { before, after, gained, lost, changed, first_gained, first_lost, first_changed } = &self.tally;
        let of = |sender: &Option<Sender<'_>>, event: &StoredEvent| sender.as_ref().map(|sender| parts(sender, event));
        let sample = |event: &StoredEvent, old, new| Sample {
            event_id: event.event_id.clone(),
            occurred_at: event.occurred_at,
            changes: changes(old, new),
        };
        WebhookPreview {
            address: self.address.clone(),
            before: *before,
            after: *after,
            gained: *gained,
            lost: *lost,
            changed: *changed,
            gained_sample: first_gained.as_ref().map(|event| sample(event, None, of(&self.after, event))),
            lost_sample: first_lost.as_ref().map(|event| sample(event, of(&self.before, event), None)),
            changed_sample: first_changed
                .as_ref()
                .map(|(old, new)| sample(old, of(&self.before, old), of(&self.after, new))),
        }
    }
}

/// What is shared by the webhooks of both sides.
#[derive(Default)]
struct Made {
    selectors: HashMap<String, usize>,
    shapes: HashMap<String, usize>,
    places: Places,
    unfit: Vec<(Address, String)>,
    answers: Answers,
}

#[derive(Default)]
struct Places {
    by_url: HashMap<String, usize>,
    in_order: Vec<DestinationPreview>,
}

impl Places {
    fn number(&mut self, url: &str) -> usize {
        let url = place(url);
        let next = self.in_order.len();
        *self.by_url.entry(url.clone()).or_insert_with(|| {
            self.in_order.push(DestinationPreview { url, before: 0, after: 0 });
            next
        })
    }
}

impl Made {
    fn pair<'s>(&mut self, states: &'s States, address: Address, former: &Address) -> Pair<'s> {
        let before = self.sender(&states.before, former);
        let after = self.sender(&states.after, &address);
        let is_changed = match (&before, &after) {
            (Some(before), Some(after)) => before.spec != after.spec,
            (None, None) => false,
            (_, _) => true,
        };
        let is_touched = is_changed
            || before.as_ref().zip(after.as_ref()).is_some_and(|(before, after)| !before.depends_on_the_same(after));
        let differs_always =
            before.as_ref().zip(after.as_ref()).is_some_and(|(before, after)| before.differs_always(after));
        Pair { address, before, after, is_changed, is_touched, differs_always, tally: Tally::default() }
    }

    fn sender<'s>(&mut self, state: &'s State, address: &Address) -> Option<Sender<'s>> {
        let Spec::Webhook(spec) = &*state.objects.get(address)?.spec else { return None };
        let destination = state.named(Kind::Destination, &spec.destination)?;
        let Spec::Destination(destination) = &*destination.spec else { return None };
        let system = state.named(Kind::System, &spec.system);
        let known = event_properties(state, &spec.event);
        let webhook = match CompiledWebhook::new(spec, known) {
            Ok(webhook) => webhook,
            Err(error) => {
                self.unfit.push((address.clone(), error.to_string()));
                return None;
            }
        };
        let own = state.get(Kind::EventType, &spec.event);
        let own = own.map(|spec| spec.to_value().unwrap_or_default());
        let selection = (&spec.system, &spec.event, spec.enabled, &spec.conditions, own);
        let selection = serde_json::to_string(&selection).unwrap_or_default();
        let next = self.answers.picked_by.len();
        let selector = *self.selectors.entry(selection).or_insert(next);
        if selector == next {
            self.answers.picked_by.push(webhook.clone());
            self.answers.known.push(Default::default());
        }
        let shape = serde_json::to_string(&spec.properties).unwrap_or_default();
        let next = self.shapes.len();
        Some(Sender {
            spec,
            webhook,
            destination,
            known,
            published: system.is_some_and(|system| system.published),
            system: system.and_then(|system| {
                let Spec::System(spec) = &*system.spec else { return None };
                Some(&**spec)
            }),
            selector,
            shape: *self.shapes.entry(shape).or_insert(next),
            place: self.places.number(&destination.url),
        })
    }
}

impl Sender<'_> {
    /// Whether nothing that the webhook only refers to makes a difference.
    fn depends_on_the_same(&self, other: &Self) -> bool {
        // The selector stands for the event's own properties too.
        self.destination == other.destination
            && self.published == other.published
            && self.selector == other.selector
            && self.system == other.system
    }

    fn differs_always(&self, other: &Self) -> bool {
        let fixed = |sender: &Self| request(&serde_json::Map::new(), sender.destination);
        fixed(self) != fixed(other) || self.spec.properties.fixed != other.spec.properties.fixed
    }
}
