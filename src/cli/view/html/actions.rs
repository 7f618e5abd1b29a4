//! What the plan does: a list that can be filtered, each action with its changes.

use super::page::{Attribute, Page, class};
use super::{Report, Section, section};
use crate::cli::view::attention::by_kind;
use crate::cli::view::change_lines::{Line, Mark, lines};
use crate::cli::view::plan_text::detail;
use crate::cli::view::style::Role;
use crate::object::action::ActionKind;
use crate::plan::plan_value::{Action, Change, Drift};

/// Actions are unfolded where there are no more than this, none of more lines than [`OPEN_LINES`].
const OPEN: usize = 12;
const OPEN_LINES: usize = 24;
/// Lines of one change's text that are shown; the saved plan has all.
const LINES: usize = 2_000;

impl Report<'_> {
    pub(super) fn actions(&self, page: &mut Page) {
        let actions = &self.plan.actions;
        if actions.is_empty() {
            return;
        }
        section(page, &Section { anchor: "actions", title: "Actions", number: actions.len() }, |page| {
            self.filter(page);
            for (n, action) in actions.iter().enumerate() {
                self.action(page, n, action);
            }
            page.leaf("p", &[class("none"), Attribute::Word("hidden", "hidden")], "No action fits the filter.");
        });
    }

    /// Hidden until the script that it needs is there.
    fn filter(&self, page: &mut Page) {
        let word = Attribute::Word;
        page.put("form", &[class("filter"), word("hidden", "hidden"), word("role", "search")], |page| {
            page.put("label", &[class("search")], |page| {
                page.leaf("span", &[], "Filter");
                page.void(
                    "input",
                    &[
                        word("type", "search"),
                        word("placeholder", "name, field, file, value"),
                        word("autocomplete", "off"),
                    ],
                );
            });
            page.put("fieldset", &[], |page| {
                page.leaf("legend", &[class("unseen")], "Sorts of action");
                for (kind, times) in by_kind(self.plan) {
                    page.put("label", &[class(tone(kind))], |page| {
                        page.void(
                            "input",
                            &[word("type", "checkbox"), word("checked", "checked"), word("value", kind.as_str())],
                        );
                        page.text(&format!("{kind} "));
                        page.leaf("span", &[class("count"), word("data-kind", kind.as_str())], &times.to_string());
                    });
                }
            });
            page.put("p", &[class("buttons")], |page| {
                page.leaf("button", &[word("type", "button"), word("data-fold", "open")], "Unfold all");
                page.leaf("button", &[word("type", "button"), word("data-fold", "close")], "Fold all");
                page.leaf("span", &[word("role", "status"), class("status")], "");
            });
        });
    }

    fn action(&self, page: &mut Page, n: usize, action: &Action) {
        let Action { address, action: kind, reason, changes, expected: _, from, version, archives, sends, keeps } =
            action;
        let lines = lines(changes, self.show_personal, true);
        let word = Attribute::Word;
        let mut attributes =
            vec![class("action"), Attribute::Numbered("id", "action-", n), word("data-kind", kind.as_str())];
        if self.plan.actions.len() <= OPEN && lines.len() <= OPEN_LINES {
            attributes.push(word("open", "open"));
        }
        page.put("details", &attributes, |page| {
            page.put("summary", &[], |page| {
                page.put("span", &[class(tone(*kind))], |page| {
                    page.leaf("span", &[class("symbol"), word("aria-hidden", "true")], kind.symbol());
                    page.leaf("span", &[class("verb")], kind.as_str());
                });
                page.leaf("code", &[class("address")], &address.to_string());
                if sends.is_some() {
                    page.leaf("span", &[class("tag warn")], "sends at once");
                }
                page.leaf("span", &[class("reason")], &reason.to_string());
            });
            page.put("div", &[class("inside")], |page| {
                if let Some(detail) = detail(*kind, from.as_ref(), *version, *archives) {
                    page.leaf("p", &[class("quiet")], &format!("What it does: {detail}."));
                }
                if let Some(sends) = sends {
                    page.leaf("p", &[class("warn")], &format!("Sends to {sends} at once."));
                }
                diff(page, &lines);
                for path in keeps {
                    page.put("p", &[class("quiet")], |page| {
                        page.text("Keeps the live value of ");
                        page.leaf("code", &[], &path.to_string());
                        page.text(" (trueup.dev/ignore-drift).");
                    });
                }
            });
        });
    }

    pub(super) fn drift(&self, page: &mut Page) {
        let drift = &self.plan.drift;
        if drift.is_empty() {
            return;
        }
        let about = Section { anchor: "drift", title: "Changed outside the manifests", number: drift.len() };
        section(page, &about, |page| {
            for Drift { address, action, changes, by } in drift {
                page.put("div", &[class("sample")], |page| {
                    page.put("p", &[], |page| {
                        page.leaf("code", &[], &address.to_string());
                        if let Some((who, at)) = by {
                            page.text(" by ");
                            page.leaf("b", &[], who);
                            page.text(&format!(" at {at:.0}"));
                        }
                        if let Some(action) = action {
                            page.leaf("span", &[class("quiet")], &format!(" corrected by the {action}"));
                        }
                    });
                    diff(page, &lines(changes, self.show_personal, false));
                });
            }
        });
    }

    /// The changes of a sample.
    pub(super) fn changes(&self, page: &mut Page, changes: &[Change]) {
        diff(page, &lines(changes, self.show_personal, false));
    }
}

/// Lines of a diff, each an element of its own.
fn diff(page: &mut Page, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    page.put("div", &[class("diff")], |page| {
        for line in lines.iter().take(LINES) {
            let (tag, look) = match line.mark {
                Mark::Add => ("ins", "line add"),
                Mark::Remove => ("del", "line remove"),
                Mark::Keep => ("span", "line"),
                Mark::Other => ("span", "line other"),
                Mark::Piece => ("span", "line piece"),
                Mark::Note => ("span", "line note"),
            };
            page.put(tag, &[class(look)], |page| {
                page.leaf("span", &[class("sign")], &line.sign().to_string());
                page.put("span", &[class("text")], |page| {
                    for (text, differs) in &line.pieces {
                        if *differs { page.leaf("mark", &[], text) } else { page.text(text) }
                    }
                });
            });
        }
        if lines.len() > LINES {
            let more = format!("… {} more lines; the saved plan has them", lines.len() - LINES);
            page.leaf("span", &[class("line note")], &more);
        }
    });
}

/// The colour of an action.
pub(super) fn tone(kind: ActionKind) -> &'static str {
    match Role::of(kind) {
        Role::Add => "kind add",
        Role::Change => "kind change",
        Role::Remove => "kind destroy",
        Role::Other
        | Role::AddedWord
        | Role::RemovedWord
        | Role::Faint
        | Role::Strong
        | Role::Error
        | Role::Warning => "kind other",
    }
}
