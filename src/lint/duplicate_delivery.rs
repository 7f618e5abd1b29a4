//! `duplicate-delivery`: two enabled Webhooks that send the same event of the same System to the same URL, unless their
//! conditions exclude each other.

use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::desired::Desired;
use crate::lint::condition_logic::never_hold;
use crate::lint::senders::{PAIRS, Seen, Sender, by_place, urls, warning};

pub(super) fn check(desired: &Desired) -> Vec<Diagnostic> {
    let mut pairs = 0;
    let mut warnings = Vec::new();
    let urls = urls(desired);
    for senders in
        by_place(desired, &urls, |sender| Some(url(sender))).into_values().filter(|senders| senders.len() > 1)
    {
        let mut seen = Seen::new(&senders);
        for sender in senders {
            // One warning a webhook: against the first of those before it.
            let earlier = seen.that_may_overlap(sender).into_iter().find(|other| {
                pairs += 1;
                pairs <= PAIRS && !exclude_each_other(*other, sender)
            });
            warnings.extend(earlier.map(|earlier| duplicate(earlier, sender)));
            seen.add(sender);
        }
    }
    warnings
}

/// A destination that was not loaded stands for its URL.
fn url(sender: Sender<'_>) -> &str {
    sender.url.map_or_else(|| sender.spec.destination.as_str(), |url| url.as_str())
}

fn exclude_each_other(a: Sender<'_>, b: Sender<'_>) -> bool {
    let conditions: Vec<_> = [a, b].iter().filter_map(|sender| sender.spec.conditions.as_ref()).collect();
    never_hold(&conditions).is_some()
}

fn duplicate(earlier: Sender<'_>, sender: Sender<'_>) -> Diagnostic {
    let (one, two) = (&earlier.object.address, &sender.object.address);
    let (event, system) = (&sender.spec.event, &sender.spec.system);
    let message = format!("{one} and {two} both send `{event}` of System/{system} to the same URL");
    let help = "join them, or give them conditions that exclude each other";
    warning(Code::DuplicateDelivery, message, earlier, sender, help)
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
