//! Webhooks that send, and which of them may send the same events.

use std::collections::{BTreeMap, HashMap};

use url::Url;

use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::Path;
use crate::desired::{Desired, DesiredObject};
use crate::kinds::webhook::WebhookSpec;
use crate::kinds::{Kind, Spec};
use crate::lint::condition_logic::pinned;

/// Pairs of webhooks whose conditions are compared in one project: what grows with the square needs an end. Pairs
/// beyond it are taken to exclude each other.
pub(super) const PAIRS: usize = 20_000;

/// A webhook that sends, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'d> {
    pub object: &'d DesiredObject,
    pub spec: &'d WebhookSpec,
    /// `None` where the destination was not loaded.
    pub url: Option<&'d Url>,
}

/// The URLs of destinations, by name.
pub(super) type Urls<'d> = HashMap<&'d str, Url>;

pub(super) fn urls(desired: &Desired) -> Urls<'_> {
    let destinations = desired.objects.iter().filter_map(|object| match &*object.spec {
        Spec::Destination(spec) => Some((object.address.name.as_str(), Url::parse(&spec.url).ok()?)),
        _ => None,
    });
    destinations.collect()
}

/// What is enabled, by system, event and place; `place` names where a webhook sends to, `None` leaves it out.
pub(super) fn by_place<'d, P: Ord>(
    desired: &'d Desired,
    urls: &'d Urls<'d>,
    place: impl Fn(Sender<'d>) -> Option<P>,
) -> BTreeMap<(&'d str, &'d str, P), Vec<Sender<'d>>> {
    let mut senders: BTreeMap<_, Vec<Sender<'_>>> = BTreeMap::new();
    for object in desired.objects.iter().filter(|object| object.address.kind == Kind::Webhook) {
        if let Spec::Webhook(spec) = &*object.spec
            && spec.enabled
        {
            let sender = Sender { object, spec, url: urls.get(spec.destination.as_str()) };
            if let Some(place) = place(sender) {
                senders.entry((spec.system.as_str(), spec.event.as_str(), place)).or_default().push(sender);
            }
        }
    }
    senders
}

/// A warning at the later of two webhooks.
pub(super) fn warning(code: Code, message: String, earlier: Sender<'_>, sender: Sender<'_>, help: &str) -> Diagnostic {
    let path = Path::keys("spec.destination");
    let span = |sender: Sender<'_>| sender.object.positions.find(&path).map(|place| place.value);
    let mut warning =
        Diagnostic::warning(code, message).of(sender.object.address.to_string()).path(path.clone()).help(help);
    warning.span = span(sender);
    let one = &earlier.object.address;
    warning.related.extend(span(earlier).map(|span| (format!("{one} sends it too"), span)));
    warning
}

/// The webhooks before the present one, by the values of one property: routing one event by a property to a thousand
/// webhooks must not compare each with each.
#[derive(Debug)]
pub(super) struct Seen<'d> {
    property: Option<&'d str>,
    all: Vec<Sender<'d>>,
    /// Places in `all`.
    anywhere: Vec<usize>,
    by_value: HashMap<String, Vec<usize>>,
}

impl<'d> Seen<'d> {
    /// Goes by the property that most of these ask for by value.
    pub(super) fn new(senders: &[Sender<'d>]) -> Self {
        let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
        for row in senders.iter().filter_map(|sender| sender.spec.conditions.as_ref()).flat_map(pinned) {
            *asked.entry(&row.property).or_default() += 1;
        }
        let property = asked.into_iter().max_by_key(|(_, times)| *times).map(|(property, _)| property);
        Self { property, all: Vec::new(), anywhere: Vec::new(), by_value: HashMap::new() }
    }

    /// The values that a webhook asks for; `None` when it may take any.
    fn values(&self, sender: Sender<'d>) -> Option<Vec<String>> {
        let rows = sender.spec.conditions.as_ref().map(pinned)?;
        let value = rows.iter().find(|row| Some(row.property.as_str()) == self.property)?.value.as_ref()?;
        let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        Some(list.iter().map(ToString::to_string).collect())
    }

    /// Those before it, in their order, without most of those that its values exclude.
    pub(super) fn that_may_overlap(&self, sender: Sender<'d>) -> Vec<Sender<'d>> {
        let Some(values) = self.values(sender) else { return self.all.clone() };
        let of_values = values.iter().filter_map(|value| self.by_value.get(value)).flatten();
        let mut places: Vec<usize> = of_values.chain(&self.anywhere).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.all.get(place).copied()).collect()
    }

    pub(super) fn add(&mut self, sender: Sender<'d>) {
        let place = self.all.len();
        self.all.push(sender);
        match self.values(sender) {
            None => self.anywhere.push(place),
            Some(values) => values.into_iter().for_each(|value| self.by_value.entry(value).or_default().push(place)),
        }
    }
}
