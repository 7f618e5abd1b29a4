//! What needs attention, what the plan leaves alone, and what it was warned of.

use super::inert::{code, sentence};
use super::parts::{Part, Piece};
use super::review::policy;
use super::{list, section};
use crate::base::diagnostic::Severity;
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::cli::view::attention::Attention;
use crate::cli::view::style::count;
use crate::plan::plan_value::Plan;

/// One box of what refuses the plan, one of what else a reviewer should see first.
pub(super) fn attention(attention: &Attention<'_>) -> Vec<Piece> {
    let Attention { refusals, errors, warnings, personal, sends, behaviour, removals } = attention;
    let mut pieces = Vec::new();
    if attention.is_refused() {
        let mut lines: Vec<String> = refusals.iter().map(|text| plain(text)).collect();
        lines.extend(errors.iter().map(|finding| policy(finding)));
        pieces.push(alert("CAUTION", "Apply refuses this plan", lines));
    }
    if attention.has_warnings() {
        let mut lines = Vec::new();
        for flow in personal {
            let (source, host, via) = (code(&flow.source), code(&flow.host), code(&flow.via.to_string()));
            lines.push(format!("**Personal data**: {source} newly reaches {host} through {via}"));
        }
        for (action, sends) in sends {
            lines.push(format!("{} sends to {} at once", code(&action.address.to_string()), code(sends)));
        }
        lines.extend(behaviour.iter().map(|text| plain(text)));
        lines.extend(removals.iter().map(|text| plain(text)));
        lines.extend(warnings.iter().map(|finding| policy(finding)));
        pieces.push(alert("WARNING", "Look at this first", lines));
    }
    pieces
}

fn alert(sort: &str, title: &str, lines: Vec<String>) -> Piece {
    let open = format!("> [!{sort}]\n> **{title}**\n>\n");
    let lines = lines.into_iter().map(|line| format!("> - {line}\n")).collect();
    Piece::Part(Part { open, lines, end: "\n".to_owned(), noun: "points", ..Part::default() })
}

/// Words of ours, in which names and numbers stand: none of their signs is markup.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '&' | '$' | '@') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

pub(super) fn left_alone(plan: &Plan) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if !plan.orphans.is_empty() {
        let lines = plan.orphans.iter().map(|address| code(&address.to_string()));
        let title = "No longer in the manifests, and left as they are: `--prune` removes them";
        pieces.extend(section(title, plan.orphans.len(), list(lines, "objects")));
    }
    if !plan.unknown_secrets.is_empty() {
        let secrets = &plan.unknown_secrets;
        let lines = secrets
            .iter()
            .map(|secret| format!("{} {}", code(&secret.address.to_string()), code(&secret.path.to_string())));
        pieces.extend(section("Secrets that are compared at apply", secrets.len(), list(lines, "secrets")));
    }
    if !plan.refresh.is_empty() {
        let objects = count(plan.refresh.len(), "object");
        pieces.push(Piece::Fixed(format!(
            "Brought into line by hand: {objects}; apply records it and changes nothing there.\n\n"
        )));
    }
    pieces
}

pub(super) fn warnings(plan: &Plan) -> Vec<Piece> {
    let number = plan.warnings.len() + plan.diagnostics.len();
    if number == 0 {
        return Vec::new();
    }
    let warnings = plan.warnings.iter().map(|warning| sentence(warning));
    let lines = warnings.chain(plan.diagnostics.iter().map(diagnostic));
    section("Warnings", number, list(lines, "warnings"))
}

/// One problem of a manifest, on one line.
pub(super) fn diagnostic(record: &DiagnosticRecord) -> String {
    let severity = match record.severity {
        Severity::Error => "**error** ",
        Severity::Warning => "",
    };
    let place = match (&record.file, record.line, record.column) {
        (Some(file), Some(line), Some(column)) => format!("{} ", code(&format!("{file}:{line}:{column}"))),
        (Some(file), _, _) => format!("{} ", code(file)),
        (None, _, _) => String::new(),
    };
    let help = record.help.as_ref().map(|help| format!("; {}", sentence(help))).unwrap_or_default();
    format!("{place}{severity}{}: {}{help}", code(&record.code), sentence(&record.message))
}
