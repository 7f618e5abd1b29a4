//! What the plan does: a table of all, and each one's changes, folded.

use super::inert::{cell_sentence, code, html};
use super::parts::{Part, Piece};
use super::{View, fence, heading, section, table};
use crate::cli::view::attention::by_kind;
use crate::cli::view::change_lines::lines;
use crate::cli::view::plan_text::detail;
use crate::cli::view::style::count;
use crate::plan::plan_value::{Action, Drift, Plan};

impl View {
    pub(super) fn actions(&self, plan: &Plan) -> Vec<Piece> {
        if plan.actions.is_empty() {
            return Vec::new();
        }
        let rows = plan.actions.iter().map(|action| {
            vec![
                code(action.action.symbol()),
                action.action.to_string(),
                code(&action.address.to_string()),
                cell_sentence(&action.reason.to_string()),
                action.changes.len().to_string(),
            ]
        });
        let table = table(&["", "Action", "Object", "Why", "Changes"], rows, "actions");
        let mut pieces = section("Actions", plan.actions.len(), table);
        let number = by_kind(plan).iter().map(|(_, times)| times).sum();
        pieces.push(Piece::Fixed(heading("Changes of each", number)));
        pieces.extend(plan.actions.iter().map(|action| Piece::Part(self.action(action))));
        pieces.push(Piece::Fixed("\n".to_owned()));
        pieces
    }

    fn action(&self, action: &Action) -> Part {
        let Action { address, action: kind, reason: _, changes, expected: _, from, version, archives, sends, keeps } =
            action;
        let symbol = html(kind.symbol());
        let title = format!("<code>{symbol} {}</code> {kind}", html(&address.to_string()));
        let mut open = format!("<details><summary>{title}, {}</summary>\n\n", count(changes.len(), "change"));
        if let Some(detail) = detail(*kind, from.as_ref(), *version, *archives) {
            open.push_str(&format!("What it does: {detail}.\n\n"));
        }
        if let Some(sends) = sends {
            open.push_str(&format!("**Sends to {} at once.**\n\n", code(sends)));
        }
        for path in keeps.iter().take(KEPT) {
            open.push_str(&format!(
                "Keeps the live value of {} (`trueup.dev/ignore-drift`).\n\n",
                code(&path.to_string())
            ));
        }
        if keeps.len() > KEPT {
            open.push_str(&format!("Keeps {} more live values.\n\n", keeps.len() - KEPT));
        }
        let part = match self.diff(changes, true) {
            Some(diff) => Part { open: open + &diff.open, ..diff },
            None => Part { open, noun: "lines", ..Part::default() },
        };
        Part { close: "\n</details>\n".to_owned(), one_of: Some("actions"), ..part }
    }

    pub(super) fn drift(&self, plan: &Plan) -> Vec<Piece> {
        if plan.drift.is_empty() {
            return Vec::new();
        }
        let mut pieces = vec![Piece::Fixed(heading("Changed outside the manifests", plan.drift.len()))];
        for Drift { address, action, changes, by } in &plan.drift {
            let by = by.as_ref().map(|(who, at)| format!(" by {} at {at:.0}", code(who))).unwrap_or_default();
            let becomes = action.map(|action| format!(", corrected by the {action}")).unwrap_or_default();
            let part = fence(&lines(changes, self.show_personal, false));
            let open = format!("{}{by}{becomes}:\n\n{}", code(&address.to_string()), part.open);
            pieces.push(Piece::Part(Part { open, close: "\n".to_owned(), one_of: Some("drifted objects"), ..part }));
        }
        pieces
    }
}

/// Kept paths of an action that are named.
const KEPT: usize = 10;
