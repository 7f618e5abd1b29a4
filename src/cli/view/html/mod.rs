//! The plan as one page for a browser: a file that loads nothing, works without a network and without its script, and
//! can be read by keyboard, in the dark and on paper.

mod actions;
mod graph;
mod page;
mod picture;
mod review;

use std::io::{self, Write};

use self::page::{Attribute, Page, class};
use super::attention::{Attention, by_kind, moment};
use super::plan_text::last_line;
use super::style::count;
use crate::base::diagnostic::Severity;
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::plan::plan_value::Plan;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Writes the page. Personal data is in the open only with `show_personal`.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, plan: &Plan, show_personal: bool) -> io::Result<()> {
    out.write_all(text(plan, show_personal).as_bytes())
}

/// As [`write`], for where a text is needed.
#[must_use]
pub fn text(plan: &Plan, show_personal: bool) -> String {
    let report = Report { plan, show_personal, attention: Attention::of(plan) };
    let mut page = Page::default();
    page.put("html", &[Attribute::Word("lang", "en")], |page| {
        page.put("head", &[], |page| report.head(page));
        page.put("body", &[], |page| {
            page.leaf("a", &[class("skip"), Attribute::Word("href", "#main")], "Skip to the plan");
            report.header(page);
            page.put("main", &[Attribute::Word("id", "main")], |page| report.sections(page));
            report.footer(page);
            page.raw("script", SCRIPT);
        });
    });
    page.finish()
}

struct Report<'p> {
    plan: &'p Plan,
    show_personal: bool,
    attention: Attention<'p>,
}

/// A section of the page: its anchor, its title, how many there are of what it lists.
struct Section {
    anchor: &'static str,
    title: &'static str,
    number: usize,
}

impl Report<'_> {
    fn head(&self, page: &mut Page) {
        let word = Attribute::Word;
        page.void("meta", &[word("charset", "utf-8")]);
        page.content_security_policy(STYLE, SCRIPT);
        page.void("meta", &[word("name", "viewport"), word("content", "width=device-width, initial-scale=1")]);
        page.void("meta", &[word("name", "color-scheme"), word("content", "light dark")]);
        page.void("meta", &[word("name", "referrer"), word("content", "no-referrer")]);
        page.leaf("title", &[], &format!("trueup plan: {} on {}", self.plan.project, self.plan.target));
        page.raw("style", STYLE);
    }

    fn header(&self, page: &mut Page) {
        let plan = self.plan;
        page.put("header", &[], |page| {
            page.put("p", &[class("over")], |page| {
                page.text("trueup plan for ");
                page.leaf("b", &[], plan.project.as_str());
                page.text(" on ");
                page.leaf("b", &[], plan.target.as_str());
            });
            page.leaf("h1", &[Attribute::Word("id", "totals")], &last_line(plan));
            if let Some(selection) = &plan.selection {
                page.put("p", &[class("banner")], |page| {
                    page.text("Only a part of the project is planned: ");
                    page.leaf("code", &[], selection);
                    page.text(". What is not selected is neither changed nor removed.");
                });
            }
            self.cards(page);
            page.put("nav", &[Attribute::Word("aria-label", "Parts of this page")], |page| {
                for Section { anchor, title, number } in self.parts() {
                    page.put("a", &[Attribute::Word("href", anchor)], |page| {
                        page.text(title);
                        page.leaf("span", &[class("count")], &number.to_string());
                    });
                }
            });
        });
    }

    fn cards(&self, page: &mut Page) {
        let totals = self.plan.totals();
        let cards = [
            ("add", "to add", totals.add),
            ("change", "to change", totals.change),
            ("destroy", "to destroy", totals.destroy),
            ("unchanged", "unchanged", self.plan.summary.unchanged),
        ];
        page.put("ul", &[class("cards")], |page| {
            for (name, label, number) in cards {
                page.put("li", &[class(name)], |page| {
                    page.leaf("b", &[Attribute::Word("data-total", name)], &number.to_string());
                    page.leaf("span", &[], label);
                });
            }
        });
    }

    /// What has a place in the list of parts: what there is.
    fn parts(&self) -> Vec<Section> {
        let plan = self.plan;
        let review = &plan.review;
        let preview = review.preview.as_ref().map_or(0, |preview| {
            preview.webhooks.len() + preview.destinations.len() + preview.templates.len() + preview.workflows.len()
        });
        let parts = [
            ("#actions", "Actions", plan.actions.len(), !plan.actions.is_empty()),
            ("#graph", "Graph", review.links.len(), !review.links.is_empty()),
            ("#drift", "Drift", plan.drift.len(), !plan.drift.is_empty()),
            ("#preview", "Real events", preview, review.preview.is_some()),
            ("#flow", "Data flow", review.data_flow.len(), !review.data_flow.is_empty()),
            ("#policies", "Policies", review.policies.len(), !review.policies.is_empty()),
            ("#left", "Left alone", self.left(), self.left() > 0),
            ("#warnings", "Warnings", self.warned(), self.warned() > 0),
        ];
        let there = parts.into_iter().filter(|(_, _, _, is_there)| *is_there);
        there.map(|(anchor, title, number, _)| Section { anchor, title, number }).collect()
    }

    fn left(&self) -> usize {
        self.plan.orphans.len() + self.plan.unknown_secrets.len() + self.plan.refresh.len()
    }

    fn warned(&self) -> usize {
        self.plan.warnings.len() + self.plan.diagnostics.len()
    }

    fn sections(&self, page: &mut Page) {
        self.first(page);
        self.actions(page);
        picture::write(page, self.plan);
        self.drift(page);
        self.preview(page);
        self.data_flow(page);
        self.policies(page);
        self.left_alone(page);
        self.warnings(page);
    }

    /// What needs attention.
    fn first(&self, page: &mut Page) {
        let Attention { refusals, errors, warnings, personal, sends, behaviour, removals } = &self.attention;
        if self.attention.is_refused() {
            boxed(page, "box refused", "Apply refuses this plan", |page| {
                for text in refusals {
                    page.leaf("li", &[], text);
                }
                for finding in errors {
                    page.put("li", &[], |page| review::policy(page, finding));
                }
            });
        }
        if self.attention.has_warnings() {
            boxed(page, "box careful", "Look at this first", |page| {
                for flow in personal {
                    page.put("li", &[], |page| {
                        page.leaf("b", &[], "Personal data: ");
                        page.leaf("code", &[], &flow.source);
                        page.text(" newly reaches ");
                        page.leaf("code", &[], &flow.host);
                        page.text(" through ");
                        page.leaf("code", &[], &flow.via.to_string());
                    });
                }
                for (action, sends) in sends {
                    page.put("li", &[], |page| {
                        page.leaf("code", &[], &action.address.to_string());
                        page.text(&format!(" sends to {sends} at once"));
                    });
                }
                for text in behaviour.iter().chain(removals) {
                    page.leaf("li", &[], text);
                }
                for finding in warnings {
                    page.put("li", &[], |page| review::policy(page, finding));
                }
            });
        }
    }

    fn left_alone(&self, page: &mut Page) {
        let plan = self.plan;
        if self.left() == 0 {
            return;
        }
        section(page, &Section { anchor: "left", title: "Left alone", number: self.left() }, |page| {
            if !plan.orphans.is_empty() {
                page.leaf("h3", &[], "No longer in the manifests; --prune removes them");
                page.put("ul", &[class("names")], |page| {
                    for one in &plan.orphans {
                        page.put("li", &[], |page| page.leaf("code", &[], &one.to_string()));
                    }
                });
            }
            if !plan.unknown_secrets.is_empty() {
                page.leaf("h3", &[], "Secrets that are compared at apply");
                page.put("ul", &[class("names")], |page| {
                    for secret in &plan.unknown_secrets {
                        page.put("li", &[], |page| {
                            page.leaf("code", &[], &format!("{} {}", secret.address, secret.path));
                        });
                    }
                });
            }
            if !plan.refresh.is_empty() {
                let objects = count(plan.refresh.len(), "object");
                page.leaf(
                    "p",
                    &[],
                    &format!("Brought into line by hand: {objects}; apply records it and changes nothing there."),
                );
            }
        });
    }

    fn warnings(&self, page: &mut Page) {
        if self.warned() == 0 {
            return;
        }
        section(page, &Section { anchor: "warnings", title: "Warnings", number: self.warned() }, |page| {
            page.put("ul", &[class("lines")], |page| {
                for text in &self.plan.warnings {
                    page.leaf("li", &[], text);
                }
                for record in &self.plan.diagnostics {
                    page.put("li", &[], |page| diagnostic(page, record));
                }
            });
        });
    }

    fn footer(&self, page: &mut Page) {
        let plan = self.plan;
        page.put("footer", &[], |page| {
            let kinds = by_kind(plan).into_iter().map(|(kind, times)| format!("{times} {kind}"));
            let kinds: Vec<String> = kinds.collect();
            if !kinds.is_empty() {
                page.leaf("p", &[], &format!("Actions: {}.", kinds.join(", ")));
            }
            let made = format!(
                "Planned at {} from revision {} by trueup {}.",
                moment(plan.created_at),
                plan.revision.0,
                plan.trueup_version
            );
            page.leaf("p", &[], &made);
            if !self.show_personal {
                page.leaf("p", &[], "Personal data is shown as counts and short hashes.");
            }
        });
    }
}

/// A part of the page under a heading.
fn section(page: &mut Page, about: &Section, inside: impl FnOnce(&mut Page)) {
    let Section { anchor, title, number } = about;
    page.put("section", &[Attribute::Word("id", anchor)], |page| {
        page.put("h2", &[], |page| {
            page.text(title);
            page.leaf("span", &[class("count")], &number.to_string());
        });
        inside(page);
    });
}

fn boxed(page: &mut Page, look: &'static str, title: &str, points: impl FnOnce(&mut Page)) {
    page.put("section", &[class(look)], |page| {
        page.leaf("h2", &[], title);
        page.put("ul", &[class("lines")], points);
    });
}

fn diagnostic(page: &mut Page, record: &DiagnosticRecord) {
    if let Some(file) = &record.file {
        let place = match (record.line, record.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            _ => file.clone(),
        };
        page.leaf("code", &[], &place);
        page.text(" ");
    }
    if record.severity == Severity::Error {
        page.leaf("b", &[], "error ");
    }
    page.leaf("span", &[class("tag")], &record.code);
    page.text(&format!(" {}", record.message));
    if let Some(help) = &record.help {
        page.text(&format!("; {help}"));
    }
}

#[cfg(test)]
mod tests;
