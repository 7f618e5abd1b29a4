//! `same-host-delivery`: two enabled Webhooks that send the same event of the same System to one host under different
//! URLs, proved by an event that both pick.
//!
//! Where no such event is found nothing is said; the same URL is `duplicate-delivery`'s. Of this machine nothing is said
//! either: where things are tried, it stands in for every host.

use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::desired::{Desired, Objects};
use crate::kinds::web_address::is_local;
use crate::lint::sample_event::{Event, SampleEvent};
use crate::lint::senders::{PAIRS, Seen, Sender, by_place, urls, warning};
use crate::lint::written::Subject;

pub(super) fn check(desired: &Desired) -> Vec<Diagnostic> {
    let mut pairs = 0;
    let mut warnings = Vec::new();
    let urls = urls(desired);
    let scope = Objects::new(&desired.objects);
    for ((system, event, (name, _)), senders) in by_place(desired, &urls, host) {
        let Some(known) = Event::of(&scope, system, event).filter(|_| senders.len() > 1) else { continue };
        let mut seen = Seen::new(&senders);
        for sender in senders {
            // One warning a webhook: against the first of those before it.
            let earlier = seen.that_may_overlap(sender).into_iter().find_map(|other| {
                pairs += 1;
                let compared = pairs <= PAIRS && other.url != sender.url;
                Some((other, compared.then(|| sample(&known, other, sender)).flatten()?))
            });
            warnings.extend(earlier.map(|(earlier, sample)| {
                let sample = sample.told(Subject::Event(&scope, event));
                same_host(earlier, sender, name, &sample)
            }));
            seen.add(sender);
        }
    }
    warnings
}

fn host(sender: Sender<'_>) -> Option<(&str, Option<u16>)> {
    let url = sender.url.filter(|url| !is_local(url))?;
    Some((url.host_str()?, url.port_or_known_default()))
}

fn sample(event: &Event<'_>, a: Sender<'_>, b: Sender<'_>) -> Option<SampleEvent> {
    let conditions: Vec<_> = [a, b].iter().filter_map(|sender| sender.spec.conditions.as_ref()).collect();
    event.met_by(&conditions)
}

fn same_host(earlier: Sender<'_>, sender: Sender<'_>, host: &str, sample: &str) -> Diagnostic {
    let (one, two) = (&earlier.object.address, &sender.object.address);
    let (event, system) = (&sender.spec.event, &sender.spec.system);
    let message = format!("{one} and {two} both send `{event}` of System/{system} to {host}: {sample}");
    let help = "if one of its parts is enough, join them, or give them conditions that exclude each other";
    warning(Code::SameHostDelivery, message, earlier, sender, help)
}

#[cfg(test)]
mod tests;
