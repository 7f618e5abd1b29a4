//! What the change does: the preview by recorded events, which data goes where, what the policies say.

use super::inert::{cell, code, sentence};
use super::parts::{Part, Piece};
use super::{View, heading, list, section, table};
use crate::cli::view::attention::signed;
use crate::cli::view::preview_text::{sample_size, samples};
use crate::kinds::policy::RuleSeverity;
use crate::kinds::{Address, DataClass};
use crate::plan::data_flow::{DataFlow, FlowChange};
use crate::plan::plan_value::{Change, Plan};
use crate::plan::policy_finding::PolicyFinding;
use crate::plan::preview::{Preview, SampledPreview, WebhookPreview};

impl View {
    pub(super) fn preview(&self, plan: &Plan) -> Vec<Piece> {
        let Some(preview) = &plan.review.preview else { return Vec::new() };
        let Preview { webhooks, destinations, templates, workflows, not_exercised, not_evaluated, .. } = preview;
        let mut pieces = vec![Piece::Fixed(format!(
            "### What it does with real events\n\nReplayed: {}.\n\n",
            sample_size(preview, plan.created_at)
        ))];
        if !webhooks.is_empty() {
            pieces.extend(section("Webhooks that deliver otherwise", webhooks.len(), deliveries(webhooks)));
            pieces.extend(self.samples(webhooks));
        }
        if !destinations.is_empty() {
            let rows = destinations.iter().map(|place| {
                let gone = match (place.before, place.after) {
                    (0, _) => "**new**",
                    (_, 0) => "left",
                    _ => "",
                };
                vec![gone.to_owned(), cell(&place.url), place.before.to_string(), place.after.to_string()]
            });
            let table = table(&["", "Requests to", "Now", "After"], rows, "places");
            pieces.extend(section("Places that requests newly go to, or leave", destinations.len(), table));
        }
        pieces.extend(self.sampled("Templates that read otherwise", templates));
        pieces.extend(self.sampled("Workflows that run otherwise", workflows));
        if !not_exercised.is_empty() {
            let lines = not_exercised.iter().map(|address| code(&address.to_string()));
            pieces.extend(section("Not exercised by the sample", not_exercised.len(), list(lines, "objects")));
        }
        if !not_evaluated.is_empty() {
            let lines =
                not_evaluated.iter().map(|one| format!("{}: {}", code(&one.address.to_string()), sentence(&one.why)));
            pieces.extend(section("Cannot be told here", not_evaluated.len(), list(lines, "objects")));
        }
        pieces
    }

    fn samples(&self, webhooks: &[WebhookPreview]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for webhook in webhooks {
            for (verb, sample) in samples(webhook) {
                let words = format!("for event {} of {}", code(&sample.event_id), sample.occurred_at);
                pieces.push(self.sample(&webhook.address, verb, &words, &sample.changes));
            }
        }
        folded("Samples of requests", pieces)
    }

    fn sampled(&self, title: &str, previews: &[SampledPreview]) -> Vec<Piece> {
        if previews.is_empty() {
            return Vec::new();
        }
        let mut pieces = vec![Piece::Fixed(heading(title, previews.len()))];
        for SampledPreview { address, sample, changes } in previews {
            pieces.push(self.sample(address, "with", &code(sample), changes));
        }
        pieces
    }

    fn sample(&self, address: &Address, verb: &str, words: &str, changes: &[Change]) -> Piece {
        let lead = format!("{} {verb} {words}:\n\n", code(&address.to_string()));
        let part = self.diff(changes, false).unwrap_or_else(|| Part { noun: "lines", ..Part::default() });
        Piece::Part(Part { open: lead + &part.open, close: "\n".to_owned(), one_of: Some("samples"), ..part })
    }
}

fn folded(title: &str, inside: Vec<Piece>) -> Vec<Piece> {
    if inside.is_empty() {
        return Vec::new();
    }
    let mut pieces = vec![Piece::Fixed(format!("<details><summary>{title} ({})</summary>\n\n", inside.len()))];
    pieces.extend(inside);
    pieces.push(Piece::Fixed("\n</details>\n\n".to_owned()));
    pieces
}

fn deliveries(webhooks: &[WebhookPreview]) -> Part {
    let rows = webhooks.iter().map(|webhook| {
        let WebhookPreview { address, before, after, gained, lost, changed, .. } = webhook;
        vec![
            code(&address.to_string()),
            before.to_string(),
            format!("**{after}**"),
            signed("+", *gained),
            signed("−", *lost),
            changed.to_string(),
        ]
    });
    table(&["Webhook", "Now", "After", "Gained", "Lost", "Changed"], rows, "webhooks")
}

/// Flows that change in a table; of those that stay, which are many, the number and a folded table.
pub(super) fn data_flow(plan: &Plan) -> Vec<Piece> {
    let flows = &plan.review.data_flow;
    let (kept, changed): (Vec<&DataFlow>, Vec<&DataFlow>) =
        flows.iter().partition(|flow| flow.change == FlowChange::Kept);
    let mut pieces = Vec::new();
    if !changed.is_empty() {
        pieces.extend(section("Data that newly leaves, or no longer does", changed.len(), flow_table(&changed)));
    }
    if !kept.is_empty() {
        let number = kept.len();
        let Part { open, lines, end, close: _, noun, one_of } = flow_table(&kept);
        let open = format!("<details><summary>Data that leaves as before ({number})</summary>\n\n{open}");
        pieces.push(Piece::Part(Part { open, lines, end, close: "\n</details>\n\n".to_owned(), noun, one_of }));
    }
    pieces
}

fn flow_table(flows: &[&DataFlow]) -> Part {
    let rows = flows.iter().map(|flow| {
        let DataFlow { class, source, via, host, change } = flow;
        let change = match (change, class) {
            (FlowChange::Added, DataClass::Personal) => "**new**",
            (FlowChange::Added, DataClass::Content | DataClass::Technical) => "new",
            (FlowChange::Removed, _) => "ends",
            (FlowChange::Kept, _) => "",
        };
        let class = match class {
            DataClass::Personal => "**personal**",
            DataClass::Content | DataClass::Technical => class.as_str(),
        };
        vec![change.to_owned(), class.to_owned(), cell(source), cell(host), code(&via.to_string())]
    });
    table(&["", "Class", "Data", "Reaches", "Through"], rows, "flows")
}

pub(super) fn policies(plan: &Plan) -> Vec<Piece> {
    let findings = &plan.review.policies;
    if findings.is_empty() {
        return Vec::new();
    }
    section("What the policies say", findings.len(), list(findings.iter().map(policy), "findings"))
}

/// One finding, on one line.
pub(super) fn policy(finding: &PolicyFinding) -> String {
    let PolicyFinding { policy, address, severity, message, location } = finding;
    let severity = match severity {
        RuleSeverity::Error => "**error**",
        RuleSeverity::Warning => "warning",
    };
    let place = location.as_ref().map(|at| format!(", at {}", code(&format!("{}:{}:{}", at.file, at.line, at.column))));
    format!(
        "{severity} {} on {}: {}{}",
        code(policy.as_str()),
        code(&address.to_string()),
        sentence(message),
        place.unwrap_or_default()
    )
}
