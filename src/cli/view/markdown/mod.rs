//! The plan as one comment on a pull request, or a step's summary: what needs attention first, then what changes, then
//! everything else, all within what GitHub takes.
//!
//! It begins with a marker that is not shown, by which a job finds the comment of an earlier push and writes over it.

mod actions;
mod inert;
mod notes;
mod parts;
mod problems;
mod review;

use std::io::{self, Write};

pub use problems::write as write_problems;

use self::inert::code;
use self::parts::{LIMIT, Part, Piece, assemble};
use super::attention::{Attention, by_kind, moment};
use super::change_lines::{Line, lines};
use super::plan_text::last_line;
use crate::plan::plan_value::{Change, Plan};

/// A part of more lines is folded.
const FOLDED: usize = 30;

/// Writes the comment. Personal data is in the open only with `show_personal`.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, plan: &Plan, show_personal: bool) -> io::Result<()> {
    out.write_all(text(plan, show_personal).as_bytes())
}

/// As [`write`], for where a text is needed.
#[must_use]
pub fn text(plan: &Plan, show_personal: bool) -> String {
    let view = View { show_personal };
    let mut pieces = vec![Piece::Fixed(head(plan))];
    pieces.extend(notes::attention(&Attention::of(plan)));
    pieces.extend(view.actions(plan));
    pieces.extend(view.drift(plan));
    pieces.extend(view.preview(plan));
    pieces.extend(review::data_flow(plan));
    pieces.extend(review::policies(plan));
    pieces.extend(notes::left_alone(plan));
    pieces.extend(notes::warnings(plan));
    pieces.push(Piece::Fixed(foot(plan, show_personal)));
    assemble(&pieces, LIMIT)
}

/// The first line of every comment on a plan of this project for this target.
#[must_use]
pub fn marker(plan: &Plan) -> String {
    format!("<!-- trueup:plan {}/{} -->", plan.project, plan.target)
}

struct View {
    show_personal: bool,
}

impl View {
    /// A fenced block of changes, without a frame around it; `None` of no changes.
    fn diff(&self, changes: &[Change], tell_drift: bool) -> Option<Part> {
        let lines = lines(changes, self.show_personal, tell_drift);
        (!lines.is_empty()).then(|| fence(&lines))
    }
}

fn fence(lines: &[Line]) -> Part {
    let (fence, lines) = inert::fenced(lines);
    Part { open: format!("{fence}diff\n"), lines, end: format!("{fence}\n"), noun: "lines", ..Part::default() }
}

fn head(plan: &Plan) -> String {
    let mut text = format!("{}\n### trueup plan\n\n**{}**\n\n", marker(plan), last_line(plan));
    let mut facts = vec![format!("{} → {}", code(plan.project.as_str()), code(plan.target.as_str()))];
    facts.extend(by_kind(plan).into_iter().map(|(kind, times)| format!("{times} {kind}")));
    text.push_str(&facts.join(" · "));
    text.push_str("\n\n");
    if let Some(selection) = &plan.selection {
        let selection = code(selection);
        text.push_str(&format!(
            "Only a part of the project is planned: {selection}. What is not selected is neither changed nor removed.\n\n"
        ));
    }
    text
}

fn foot(plan: &Plan, show_personal: bool) -> String {
    let masked = if show_personal { "" } else { " Personal data is shown as counts and short hashes." };
    format!(
        "<sub>Planned at {} from revision {} by trueup {}.{masked}</sub>\n",
        moment(plan.created_at),
        plan.revision.0,
        code(&plan.trueup_version)
    )
}

/// A heading with how many there are of what stands below it.
fn heading(title: &str, number: usize) -> String {
    format!("#### {title} ({number})\n\n")
}

/// A part under a heading, folded where it is long.
fn section(title: &str, number: usize, part: Part) -> Vec<Piece> {
    let Part { open, lines, end, close, noun, one_of } = part;
    let part = if lines.len() > FOLDED {
        let open = format!("<details><summary>All {number}</summary>\n\n{open}");
        Part { open, lines, end, close: format!("{close}\n</details>\n\n"), noun, one_of }
    } else {
        Part { open, lines, end, close: format!("{close}\n"), noun, one_of }
    };
    vec![Piece::Fixed(heading(title, number)), Piece::Part(part)]
}

/// A list, each line of it ready.
fn list(lines: impl IntoIterator<Item = String>, noun: &'static str) -> Part {
    let lines = lines.into_iter().map(|line| format!("- {line}\n")).collect();
    Part { lines, noun, ..Part::default() }
}

/// A table: the names of its columns, and its rows, whose cells are ready.
fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>, noun: &'static str) -> Part {
    let rule = columns.iter().map(|name| if NUMBERS.contains(name) { "--:" } else { ":--" });
    let row = |cells: &mut dyn Iterator<Item = &str>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let open = row(&mut columns.iter().copied()) + &row(&mut rule.into_iter());
    let lines = rows.into_iter().map(|cells| row(&mut cells.iter().map(String::as_str))).collect();
    Part { open, lines, noun, ..Part::default() }
}

/// Columns of numbers, which stand at the right.
const NUMBERS: &[&str] = &["Changes", "Now", "After", "Gained", "Lost", "Changed"];

#[cfg(test)]
mod tests;
