//! What the change does: the preview by recorded events, which data goes where, what the policies say.

use super::page::{Attribute, Page, class};
use super::{Report, Section, section};
use crate::cli::view::attention::signed;
use crate::cli::view::preview_text::{sample_size, samples};
use crate::kinds::DataClass;
use crate::kinds::policy::RuleSeverity;
use crate::plan::data_flow::{DataFlow, FlowChange};
use crate::plan::policy_finding::PolicyFinding;
use crate::plan::preview::{DestinationPreview, Preview, Sample, SampledPreview, WebhookPreview};

/// Width of the longest bar, in units of the picture.
const BAR: u64 = 120;

impl Report<'_> {
    pub(super) fn preview(&self, page: &mut Page) {
        let Some(preview) = &self.plan.review.preview else { return };
        let Preview { webhooks, destinations, templates, workflows, not_exercised, not_evaluated, .. } = preview;
        let number = self.previewed();
        let about = Section { anchor: "preview", title: "What it does with real events", number };
        section(page, &about, |page| {
            page.leaf("p", &[class("quiet")], &format!("Replayed: {}.", sample_size(preview, self.plan.created_at)));
            if number == 0 {
                page.leaf("p", &[], "Nothing is delivered, rendered or run otherwise than now.");
            }
            self.webhooks(page, webhooks);
            places(page, destinations);
            self.sampled(page, "Templates that read otherwise", templates);
            self.sampled(page, "Workflows that run otherwise", workflows);
            if !not_exercised.is_empty() {
                page.leaf("h3", &[], "Not exercised by the sample");
                page.put("ul", &[class("names")], |page| {
                    for one in not_exercised {
                        page.put("li", &[], |page| page.leaf("code", &[], &one.to_string()));
                    }
                });
            }
            if !not_evaluated.is_empty() {
                page.leaf("h3", &[], "Cannot be told here");
                page.put("ul", &[class("lines")], |page| {
                    for one in not_evaluated {
                        page.put("li", &[], |page| {
                            page.leaf("code", &[], &one.address.to_string());
                            page.text(&format!(" {}", one.why));
                        });
                    }
                });
            }
        });
    }

    fn webhooks(&self, page: &mut Page, webhooks: &[WebhookPreview]) {
        if webhooks.is_empty() {
            return;
        }
        page.leaf("h3", &[], "Webhooks that deliver otherwise");
        let most = webhooks.iter().map(|webhook| webhook.before.max(webhook.after)).max().unwrap_or(0).max(1);
        table(page, &["Webhook", "", "Now", "After", "Gained", "Lost", "Changed"], |page| {
            for webhook in webhooks {
                let WebhookPreview { address, before, after, gained, lost, changed, .. } = webhook;
                page.put("tr", &[], |page| {
                    page.put("td", &[], |page| page.leaf("code", &[], &address.to_string()));
                    page.put("td", &[], |page| bars(page, *before, *after, most));
                    number(page, &before.to_string(), *before > 0);
                    number(page, &after.to_string(), true);
                    number(page, &signed("+", *gained), *gained > 0);
                    number(page, &signed("−", *lost), *lost > 0);
                    number(page, &changed.to_string(), *changed > 0);
                });
            }
        });
        for webhook in webhooks {
            let address = &webhook.address;
            for (verb, Sample { event_id, occurred_at, changes }) in samples(webhook) {
                page.put("div", &[class("sample")], |page| {
                    page.put("p", &[], |page| {
                        page.leaf("code", &[], &address.to_string());
                        page.text(&format!(" {verb} for event "));
                        page.leaf("code", &[], event_id);
                        page.text(&format!(" of {occurred_at}:"));
                    });
                    self.changes(page, changes);
                });
            }
        }
    }

    fn sampled(&self, page: &mut Page, title: &str, previews: &[SampledPreview]) {
        if previews.is_empty() {
            return;
        }
        page.leaf("h3", &[], title);
        for SampledPreview { address, sample, changes } in previews {
            page.put("div", &[class("sample")], |page| {
                page.put("p", &[], |page| {
                    page.leaf("code", &[], &address.to_string());
                    page.text(" with ");
                    page.leaf("code", &[], sample);
                });
                self.changes(page, changes);
            });
        }
    }

    pub(super) fn data_flow(&self, page: &mut Page) {
        let flows = &self.plan.review.data_flow;
        if flows.is_empty() {
            return;
        }
        let (kept, changed): (Vec<&DataFlow>, Vec<&DataFlow>) =
            flows.iter().partition(|flow| flow.change == FlowChange::Kept);
        section(page, &Section { anchor: "flow", title: "Which data goes where", number: flows.len() }, |page| {
            if !changed.is_empty() {
                flow_table(page, &changed);
            }
            if !kept.is_empty() {
                let mut attributes = vec![class("fold")];
                if changed.is_empty() {
                    attributes.push(Attribute::Word("open", "open"));
                }
                page.put("details", &attributes, |page| {
                    page.leaf("summary", &[], &format!("Data that leaves as before ({})", kept.len()));
                    flow_table(page, &kept);
                });
            }
        });
    }

    pub(super) fn policies(&self, page: &mut Page) {
        let findings = &self.plan.review.policies;
        if findings.is_empty() {
            return;
        }
        let about = Section { anchor: "policies", title: "What the policies say", number: findings.len() };
        section(page, &about, |page| {
            page.put("ul", &[class("lines")], |page| {
                for finding in findings {
                    page.put("li", &[], |page| policy(page, finding));
                }
            });
        });
    }
}

/// One finding.
pub(super) fn policy(page: &mut Page, finding: &PolicyFinding) {
    let PolicyFinding { policy, address, severity, message, location } = finding;
    match severity {
        RuleSeverity::Error => page.leaf("span", &[class("tag bad")], "error"),
        RuleSeverity::Warning => page.leaf("span", &[class("tag warn")], "warning"),
    }
    page.text(&format!(" {message} "));
    page.leaf("code", &[], &address.to_string());
    page.leaf("span", &[class("quiet")], &format!(" policy {policy}"));
    if let Some(at) = location {
        page.leaf("span", &[class("quiet")], &format!(", at {}:{}:{}", at.file, at.line, at.column));
    }
}

fn flow_table(page: &mut Page, flows: &[&DataFlow]) {
    table(page, &["", "Class", "Data", "Reaches", "Through"], |page| {
        for DataFlow { class: data, source, via, host, change } in flows {
            let (tag, word) = match (change, data) {
                (FlowChange::Added, DataClass::Personal) => ("tag bad", "new"),
                (FlowChange::Added, DataClass::Content | DataClass::Technical) => ("tag warn", "new"),
                (FlowChange::Removed, _) => ("tag", "ends"),
                (FlowChange::Kept, _) => ("tag", "kept"),
            };
            page.put("tr", &[], |page| {
                page.put("td", &[], |page| page.leaf("span", &[class(tag)], word));
                page.leaf("td", &[], data.as_str());
                page.put("td", &[], |page| page.leaf("code", &[], source));
                page.put("td", &[], |page| page.leaf("code", &[], host));
                page.put("td", &[], |page| page.leaf("code", &[], &via.to_string()));
            });
        }
    });
}

fn places(page: &mut Page, destinations: &[DestinationPreview]) {
    if destinations.is_empty() {
        return;
    }
    page.leaf("h3", &[], "Places that requests newly go to, or leave");
    table(page, &["", "Requests to", "Now", "After"], |page| {
        for DestinationPreview { url, before, after } in destinations {
            page.put("tr", &[], |page| {
                page.put("td", &[], |page| match (before, after) {
                    (0, _) => page.leaf("span", &[class("tag warn")], "new"),
                    (_, 0) => page.leaf("span", &[class("tag")], "left"),
                    _ => {}
                });
                page.put("td", &[], |page| page.leaf("code", &[], url));
                number(page, &before.to_string(), *before > 0);
                number(page, &after.to_string(), *after > 0);
            });
        }
    });
}

fn table(page: &mut Page, columns: &[&'static str], rows: impl FnOnce(&mut Page)) {
    page.put("div", &[class("wide")], |page| {
        page.put("table", &[], |page| {
            page.put("thead", &[], |page| {
                page.put("tr", &[], |page| {
                    for name in columns {
                        let is_number = matches!(*name, "Now" | "After" | "Gained" | "Lost" | "Changed");
                        let look = if is_number { "number" } else { "words" };
                        page.leaf("th", &[class(look), Attribute::Word("scope", "col")], name);
                    }
                });
            });
            page.put("tbody", &[], rows);
        });
    });
}

fn number(page: &mut Page, text: &str, matters: bool) {
    page.leaf("td", &[class(if matters { "number" } else { "number quiet" })], text);
}

/// Two bars: now above, after below. What they show stands beside them in numbers.
fn bars(page: &mut Page, before: u64, after: u64, most: u64) {
    let length = |number: u64| {
        // The product of a count and a hundred does not fit only where the count is beyond all events there are.
        let length = u64::try_from(u128::from(number) * u128::from(BAR) / u128::from(most)).unwrap_or(BAR);
        i64::try_from(if number > 0 { length.max(1) } else { 0 }).unwrap_or_default()
    };
    let number = Attribute::Number;
    let attributes = [
        class("bars"),
        Attribute::Numbers("viewBox", vec![0, 0, 120, 16]),
        number("width", 120),
        number("height", 16),
        Attribute::Word("aria-hidden", "true"),
    ];
    page.put("svg", &attributes, |page| {
        for (look, y, value) in [("now", 1, before), ("after", 9, after)] {
            page.void(
                "rect",
                &[
                    class(look),
                    number("x", 0),
                    number("y", y),
                    number("width", length(value)),
                    number("height", 6),
                    number("rx", 2),
                ],
            );
        }
    });
}
