//! What recorded events say of a plan, for people: counts of each webhook, one event of each sort, places newly reached.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};

use super::change_text::ChangeView;
use super::style::{Role, Style, count};
use super::visible;
use crate::plan::Plan;
use crate::plan::preview::{DestinationPreview, NotEvaluated, Preview, Sample, SampledPreview, WebhookPreview};

/// Writes the preview of a plan, if it has one.
///
/// # Errors
/// When the writer fails.
pub(super) fn write(out: &mut dyn Write, plan: &Plan, style: Style, show_personal: bool) -> io::Result<()> {
    let Some(preview) = &plan.review.preview else { return Ok(()) };
    let view = PreviewView { style, show_personal };
    view.heading(out, preview, plan.created_at)?;
    for webhook in &preview.webhooks {
        view.webhook(out, webhook)?;
    }
    for destination in &preview.destinations {
        view.destination(out, destination)?;
    }
    for sampled in preview.templates.iter().chain(&preview.workflows) {
        view.sampled(out, sampled)?;
    }
    view.rest(out, preview)?;
    writeln!(out)
}

/// `12,400 events from 2026-11-01 08:30 to 2026-11-02 08:30 UTC, the last 3 h ago`.
#[must_use]
pub(super) fn sample_size(preview: &Preview, now: Timestamp) -> String {
    let Preview { events, from, to, skipped, .. } = preview;
    let times = from.zip(*to).map(|(from, to)| {
        let minute = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
        format!(" from {} to {} UTC, the last {}", minute(from), minute(to), age(now.duration_since(to)))
    });
    let skipped = match skipped {
        0 => String::new(),
        many => format!(" ({} skipped: known already, or of no system or event there is)", grouped(*many)),
    };
    format!("{}{}{skipped}", events_text(*events), times.unwrap_or_default())
}

/// The samples that a webhook has, each with what it does with the event.
pub(super) fn samples(webhook: &WebhookPreview) -> impl Iterator<Item = (&'static str, &Sample)> {
    let WebhookPreview { gained_sample, lost_sample, changed_sample, .. } = webhook;
    let sorts = [("newly sends", gained_sample), ("no longer sends", lost_sample), ("sends otherwise", changed_sample)];
    sorts.into_iter().filter_map(|(verb, sample)| Some((verb, sample.as_ref()?)))
}

fn events_text(events: u64) -> String {
    format!("{} event{}", grouped(events), if events == 1 { "" } else { "s" })
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long ago, in the largest unit that says enough.
fn age(ago: SignedDuration) -> String {
    let seconds = ago.as_secs();
    match seconds {
        ..0 => "yet to come".to_owned(),
        0..=119 => format!("{seconds} s ago"),
        120..=7_199 => format!("{} min ago", seconds / 60),
        7_200..=172_799 => format!("{} h ago", seconds / 3_600),
        172_800.. => format!("{} days ago", seconds / 86_400),
    }
}

struct PreviewView {
    style: Style,
    show_personal: bool,
}

impl PreviewView {
    fn heading(&self, out: &mut dyn Write, preview: &Preview, now: Timestamp) -> io::Result<()> {
        let heading = self.style.paint(Role::Strong, "Replayed:");
        writeln!(out, "{heading} {}", sample_size(preview, now))?;
        let Preview { webhooks, destinations, templates, workflows, .. } = preview;
        if webhooks.is_empty() && destinations.is_empty() && templates.is_empty() && workflows.is_empty() {
            writeln!(out, "  What is sent stays the same.")?;
        }
        Ok(())
    }

    fn webhook(&self, out: &mut dyn Write, webhook: &WebhookPreview) -> io::Result<()> {
        let WebhookPreview {
            address,
            before,
            after,
            gained,
            lost,
            changed,
            gained_sample,
            lost_sample,
            changed_sample,
        } = webhook;
        let parts = [
            (*gained, Role::Add, "gained"),
            (*lost, Role::Remove, "lost"),
            (*changed, Role::Change, "in another request"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(number, _, _)| *number > 0)
            .map(|(number, role, what)| self.style.paint(role, format_args!("{} {what}", grouped(number))))
            .collect();
        let parts = if parts.is_empty() { "no difference".to_owned() } else { parts.join(", ") };
        let name = self.style.paint(Role::Strong, address);
        writeln!(out, "  {name}  {} → {}: {parts}", grouped(*before), events_text(*after))?;
        self.sample(out, "gained", gained_sample.as_ref())?;
        self.sample(out, "lost", lost_sample.as_ref())?;
        self.sample(out, "other", changed_sample.as_ref())
    }

    fn sample(&self, out: &mut dyn Write, what: &str, sample: Option<&Sample>) -> io::Result<()> {
        let Some(Sample { event_id, occurred_at, changes }) = sample else { return Ok(()) };
        let id = visible::line(event_id);
        writeln!(out, "    {what}, for example {id} at {occurred_at}:")?;
        self.changes().write(out, changes)
    }

    fn changes(&self) -> ChangeView {
        ChangeView { style: self.style, show_personal: self.show_personal, indent: 6, tell_drift: false }
    }

    fn destination(&self, out: &mut dyn Write, destination: &DestinationPreview) -> io::Result<()> {
        let DestinationPreview { url, before, after } = destination;
        let url = visible::line(url);
        if *before == 0 {
            let sign = self.style.paint(Role::Add, "+");
            writeln!(out, "  {sign} newly reached  {url}  {}", requests(*after))
        } else {
            let sign = self.style.paint(Role::Remove, "-");
            writeln!(out, "  {sign} no longer reached  {url}  {}", requests(*before))
        }
    }

    fn sampled(&self, out: &mut dyn Write, sampled: &SampledPreview) -> io::Result<()> {
        let SampledPreview { address, sample, changes } = sampled;
        let name = self.style.paint(Role::Strong, address);
        writeln!(out, "  {name}  with {}:", visible::line(sample))?;
        self.changes().write(out, changes)
    }

    fn rest(&self, out: &mut dyn Write, preview: &Preview) -> io::Result<()> {
        let Preview { not_exercised, not_evaluated, .. } = preview;
        if !not_exercised.is_empty() {
            let names: Vec<String> = not_exercised.iter().map(ToString::to_string).collect();
            let title = self.style.paint(Role::Warning, "Not exercised");
            writeln!(
                out,
                "  {title}, as nothing in the sample touches {}: {}",
                count_of(names.len()),
                names.join(", ")
            )?;
        }
        for NotEvaluated { address, why } in not_evaluated {
            let title = self.style.paint(Role::Warning, "Not evaluated");
            writeln!(out, "  {title}: {address}: {}", visible::line(why))?;
        }
        Ok(())
    }
}

fn requests(number: u64) -> String {
    format!("({} request{})", grouped(number), if number == 1 { "" } else { "s" })
}

fn count_of(number: usize) -> String {
    if number == 1 { "it".to_owned() } else { count(number, "object") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ages_are_read_at_a_glance() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let ages = [
            (-5, "yet to come"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (10_800, "3 h ago"),
            (864_000, "10 days ago"),
        ];
        for (seconds, text) in ages {
            assert_eq!(age(SignedDuration::from_secs(seconds)), text);
        }
    }
}
