//! `duplicate-delivery`: two enabled Webhooks that send the same event of the same System to the same URL, unless their
//! conditions exclude each other.

use std::collections::{BTreeMap, HashMap};

use url::Url;

use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::Path;
use crate::desired::{Desired, DesiredObject};
use crate::kinds::webhook::WebhookSpec;
use crate::kinds::{Kind, Spec};
use crate::lint::condition_logic::{never_hold, pinned};

/// Pairs of webhooks whose conditions are compared in one project: what grows with the square needs an end. Pairs
/// beyond it are taken to exclude each other.
const PAIRS: usize = 20_000;

/// A webhook that sends, and where.
#[derive(Clone, Copy)]
struct Sender<'d> {
    object: &'d DesiredObject,
    spec: &'d WebhookSpec,
}

pub(super) fn check(desired: &Desired) -> Vec<Diagnostic> {
    let mut pairs = 0;
    let mut warnings = Vec::new();
    for senders in senders(desired).into_values().filter(|senders| senders.len() > 1) {
        let mut seen = Seen::new(&senders);
        for sender in senders {
            // One warning a webhook: against the first of those before it.
            let earlier = seen.that_may_overlap(sender).into_iter().find(|other| {
                pairs += 1;
                pairs <= PAIRS && !exclude_each_other(*other, sender)
            });
            warnings.extend(earlier.map(|earlier| warning(earlier, sender)));
            seen.add(sender);
        }
    }
    warnings
}

/// What sends, by system, event and URL; a destination that was not loaded stands for its URL.
fn senders(desired: &Desired) -> BTreeMap<(&str, &str, String), Vec<Sender<'_>>> {
    let mut urls: HashMap<&str, String> = HashMap::new();
    let of_kind = |kind: Kind| desired.objects.iter().filter(move |object| object.address.kind == kind);
    for object in of_kind(Kind::Destination) {
        if let Spec::Destination(spec) = &object.spec {
            let url = Url::parse(&spec.url).map_or_else(|_| spec.url.clone(), String::from);
            urls.insert(object.address.name.as_str(), url);
        }
    }
    let mut senders: BTreeMap<_, Vec<Sender<'_>>> = BTreeMap::new();
    for object in of_kind(Kind::Webhook) {
        if let Spec::Webhook(spec) = &object.spec
            && spec.enabled
        {
            let destination = spec.destination.as_str();
            let url = urls.get(destination).cloned().unwrap_or_else(|| destination.to_owned());
            senders.entry((spec.system.as_str(), spec.event.as_str(), url)).or_default().push(Sender { object, spec });
        }
    }
    senders
}

/// The webhooks before the present one, by the values of one property: routing one event by a property to a thousand
/// webhooks must not compare each with each.
struct Seen<'d> {
    property: Option<&'d str>,
    all: Vec<Sender<'d>>,
    /// Places in `all`.
    anywhere: Vec<usize>,
    by_value: HashMap<String, Vec<usize>>,
}

impl<'d> Seen<'d> {
    /// Goes by the property that most of these ask for by value.
    fn new(senders: &[Sender<'d>]) -> Self {
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
    fn that_may_overlap(&self, sender: Sender<'d>) -> Vec<Sender<'d>> {
        let Some(values) = self.values(sender) else { return self.all.clone() };
        let of_values = values.iter().filter_map(|value| self.by_value.get(value)).flatten();
        let mut places: Vec<usize> = of_values.chain(&self.anywhere).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.all.get(place).copied()).collect()
    }

    fn add(&mut self, sender: Sender<'d>) {
        let place = self.all.len();
        self.all.push(sender);
        match self.values(sender) {
            None => self.anywhere.push(place),
            Some(values) => values.into_iter().for_each(|value| self.by_value.entry(value).or_default().push(place)),
        }
    }
}

fn exclude_each_other(a: Sender<'_>, b: Sender<'_>) -> bool {
    let conditions: Vec<_> = [a, b].iter().filter_map(|sender| sender.spec.conditions.as_ref()).collect();
    never_hold(&conditions).is_some()
}

fn warning(earlier: Sender<'_>, sender: Sender<'_>) -> Diagnostic {
    let path = Path::keys("spec.destination");
    let span = |sender: Sender<'_>| sender.object.positions.find(&path).map(|place| place.value);
    let (one, two) = (&earlier.object.address, &sender.object.address);
    let (event, system) = (&sender.spec.event, &sender.spec.system);
    let mut warning = Diagnostic::warning(
        Code::DuplicateDelivery,
        format!("{one} and {two} both send `{event}` of System/{system} to the same URL"),
    )
    .of(two.to_string())
    .path(path.clone())
    .help("join them, or give them conditions that exclude each other");
    warning.span = span(sender);
    warning.related.extend(span(earlier).map(|span| (format!("{one} sends it too"), span)));
    warning
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crate::lint::sample::{self, said, webhook};

    fn of(documents: &[String]) -> Vec<String> {
        let mut all = vec![sample::SYSTEM, sample::DESTINATION];
        all.extend(documents.iter().map(String::as_str));
        said(&sample::project(&all), super::check)
    }

    fn country(name: &str, operator: &str, value: &str) -> String {
        webhook(name, "d", &format!("[{{ property: country, operator: {operator}, value: {value} }}]"))
    }

    const SAID: &str = "8:16 Webhook/a and Webhook/b both send `survey.submitted` of System/crm to the same URL +8:16";

    #[test]
    fn the_same_destination_twice_is_named() {
        assert_eq!(of(&[webhook("a", "d", "[]"), webhook("b", "d", "[]")]), [SAID]);
        assert_eq!(of(&[country("a", "equalTo", "DE"), webhook("b", "d", "[]")]), [SAID]);
        assert_eq!(of(&[country("a", "equalTo", "DE"), country("b", "in", "[FR, DE]")]), [SAID]);
        let three = [webhook("a", "d", "[]"), webhook("b", "d", "[]"), webhook("c", "d", "[]")];
        assert_eq!(of(&three).len(), 2, "one warning a webhook");
    }

    #[test]
    fn two_destinations_with_one_url_are_one() {
        let other = sample::destination("other", "https://A.test:443/x");
        assert_eq!(of(&[other, webhook("a", "d", "[]"), webhook("b", "other", "[]")]), [SAID]);
        let other = sample::destination("other", "https://a.test/y");
        assert_eq!(of(&[other, webhook("a", "d", "[]"), webhook("b", "other", "[]")]), [""; 0]);
    }

    #[test]
    fn other_events_disabled_webhooks_and_excluding_conditions_are_fine() {
        let none = [""; 0];
        assert_eq!(of(&[country("a", "equalTo", "DE"), country("b", "equalTo", "FR")]), none);
        assert_eq!(of(&[country("a", "equalTo", "DE"), country("b", "notEqualTo", "DE")]), none);
        let off = format!("{}  enabled: false\n", webhook("b", "d", "[]"));
        assert_eq!(of(&[webhook("a", "d", "[]"), off]), none);
        let clicked = webhook("b", "d", "[]").replace("survey.submitted", "launcher.clicked");
        assert_eq!(of(&[webhook("a", "d", "[]"), clicked]), none);
    }

    #[test]
    fn a_thousand_webhooks_routed_by_a_property_are_not_compared_each_with_each() {
        let mut text = String::new();
        for n in 0..1_000 {
            let one = country(&format!("w{n:04}"), "equalTo", &format!("c{}", n.min(998)));
            let _ = write!(text, "apiVersion: trueup/v1\n{one}---\n");
        }
        let text = text.trim_start_matches("apiVersion: trueup/v1\n").to_owned();
        assert_eq!(of(&[text]).len(), 1, "the last two, and no pair was left out for want of time");
    }
}
