//! Changed fields for people: aligned, `before → after`, long texts as unified diffs, orders as moves.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::Value;
use similar::{Algorithm, ChangeTag, DiffOp, TextDiff, capture_diff_slices};

use super::style::{Role, Style};
use super::value_text::Node;
use super::visible;
use crate::plan::plan_value::{Blame, Change, ChangeKind, Origin};
use crate::plan::shown::Shown;

/// Paths are padded to the longest of an action, but no further than this.
const PATH_WIDTH: usize = 40;
/// Texts larger than this are not compared line by line: it would take long and nobody would read it.
pub(super) const DIFF_BYTES: usize = 256 * 1024;
pub(super) const DIFF_LINES: usize = 4_000;
/// Longest texts whose changed words are marked, in bytes.
pub(super) const WORDS_BYTES: usize = 4_000;
/// Lists longer than this are only said to change their order.
const MOVED_ELEMENTS: usize = 2_000;
/// Lines of one change that are shown.
const SHOWN_LINES: usize = 400;

/// How changes are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChangeView {
    pub(super) style: Style,
    pub(super) show_personal: bool,
    /// Columns before the sign.
    pub(super) indent: usize,
    /// Whether a change says that it is drift; among nothing but drift it need not.
    pub(super) tell_drift: bool,
}

/// A change with its parts worked out.
struct Row<'c> {
    change: &'c Change,
    path: String,
    body: Body,
}

enum Body {
    /// Beside the path; second, the same without colour, for measuring.
    Line(String, String),
    /// Below the path: how it came about.
    Lines(Vec<String>),
    /// Below the path and a colon: the value itself.
    Value(Vec<String>),
}

impl ChangeView {
    /// Writes the changes of one action.
    pub(super) fn write(&self, out: &mut dyn Write, changes: &[Change]) -> io::Result<()> {
        let rows: Vec<Row<'_>> = changes.iter().map(|change| self.row(change)).collect();
        let lines = rows.iter().filter(|row| matches!(row.body, Body::Line(..)));
        let width = lines.map(|row| row.path.chars().count()).max().unwrap_or(0).min(PATH_WIDTH);
        rows.iter().try_for_each(|row| self.write_row(out, row, width))
    }

    fn write_row(&self, out: &mut dyn Write, row: &Row<'_>, width: usize) -> io::Result<()> {
        let pad = " ".repeat(self.indent);
        let (sign, role) = sign(row.change);
        let sign = self.style.paint(role, sign);
        let path = &row.path;
        let notes = self.notes(row.change);
        let length = path.chars().count();
        let (head, measure, lines) = match &row.body {
            Body::Line(value, plain) => {
                let head = format!("{pad}{sign} {path:width$}  {value}");
                (head, self.indent + 4 + width.max(length) + plain.chars().count(), [].as_slice())
            }
            Body::Lines(lines) => (format!("{pad}{sign} {path}"), self.indent + 2 + length, lines.as_slice()),
            Body::Value(lines) => (format!("{pad}{sign} {path}:"), self.indent + 3 + length, lines.as_slice()),
        };
        write!(out, "{head}")?;
        if !notes.is_empty() {
            let plain: usize = notes.iter().map(|(_, note)| note.chars().count() + 2).sum();
            let notes: Vec<String> = notes.iter().map(|(role, note)| self.style.paint(*role, note)).collect();
            let notes = notes.join(&self.style.paint(Role::Faint, ", "));
            let hash = self.style.paint(Role::Faint, "#");
            if measure + plain + 2 > self.style.width {
                write!(out, "\n{pad}    {hash} {notes}")?;
            } else {
                write!(out, "  {hash} {notes}")?;
            }
        }
        writeln!(out)?;
        for line in lines.iter().take(SHOWN_LINES) {
            writeln!(out, "{}", line.trim_end())?;
        }
        match lines.len().checked_sub(SHOWN_LINES) {
            Some(more) if more > 0 => writeln!(out, "{pad}    … ({more} more lines)"),
            Some(_) | None => Ok(()),
        }
    }

    fn row<'c>(&self, change: &'c Change) -> Row<'c> {
        let path = visible::line(&change.path.to_string()).into_owned();
        let path = if path.is_empty() { "(all)".to_owned() } else { path };
        let node = |side| present(side).map(|value| Node::new(value, self.show_personal));
        Row { change, path, body: self.body(change, node(change.before.as_ref()), node(change.after.as_ref())) }
    }

    fn body(&self, change: &Change, before: Option<Node>, after: Option<Node>) -> Body {
        match (before, after) {
            (None, None) => Body::Line(String::new(), String::new()),
            (None, Some(value)) => self.one_sided(Role::Add, &value),
            (Some(value), None) => self.one_sided(Role::Remove, &value),
            (Some(Node::List(before)), Some(Node::List(after))) if change.order_only => self.moves(&before, &after),
            (Some(Node::List(before)), Some(Node::List(after))) => self.elements(&before, &after),
            (Some(Node::Text(before)), Some(Node::Text(after)))
                if before != after && (change.is_text || before.contains('\n') || after.contains('\n')) =>
            {
                Body::Lines(self.unified(&before, &after))
            }
            (Some(before), Some(after)) => self.both(&before, &after),
        }
    }

    fn one_sided(&self, role: Role, value: &Node) -> Body {
        if value.is_block() {
            let lines = value.block(self.indent + 4);
            return Body::Value(lines.into_iter().map(|line| self.style.paint(role, line)).collect());
        }
        let plain = value.inline();
        Body::Line(self.style.paint(role, &plain), plain)
    }

    fn both(&self, before: &Node, after: &Node) -> Body {
        let (old, new) = (before.inline(), after.inline());
        if old == new {
            return Body::Line(old.clone(), old);
        }
        let room = self.style.width.saturating_sub(self.indent + PATH_WIDTH);
        let plain = format!("{old} → {new}");
        let (old_marked, new_marked, carets) = self.words(&old, &new);
        if plain.chars().count() <= room {
            return Body::Line(format!("{old_marked} → {new_marked}"), plain);
        }
        let pad = " ".repeat(self.indent + 4);
        let (minus, plus) = (self.style.paint(Role::Remove, "-"), self.style.paint(Role::Add, "+"));
        let mut lines = vec![format!("{pad}{minus} {old_marked}"), format!("{pad}{plus} {new_marked}")];
        lines.extend(carets.map(|carets| format!("{pad}  {carets}")));
        Body::Lines(lines)
    }

    /// Both texts with the changed words marked; without colour a line of carets below the second.
    pub(super) fn words(&self, old: &str, new: &str) -> (String, String, Option<String>) {
        if old.len() > WORDS_BYTES || new.len() > WORDS_BYTES {
            return (self.style.paint(Role::Remove, old), self.style.paint(Role::Add, new), None);
        }
        let diff = TextDiff::from_unicode_words(old, new);
        let (mut old_marked, mut new_marked, mut carets) = (String::new(), String::new(), String::new());
        let mut alike = 0;
        for part in diff.iter_all_changes() {
            let text = part.value();
            match part.tag() {
                ChangeTag::Equal => {
                    old_marked.push_str(&self.style.paint(Role::Remove, text));
                    new_marked.push_str(&self.style.paint(Role::Add, text));
                    carets.extend(text.chars().map(|_| ' '));
                    alike += text.chars().filter(|c| c.is_alphanumeric()).count();
                }
                ChangeTag::Delete => old_marked.push_str(&self.style.paint(Role::RemovedWord, text)),
                ChangeTag::Insert => {
                    new_marked.push_str(&self.style.paint(Role::AddedWord, text));
                    carets.extend(text.chars().map(|_| '^'));
                }
            }
        }
        // With nothing in common every word would be marked, which marks none.
        if alike == 0 {
            return (self.style.paint(Role::Remove, old), self.style.paint(Role::Add, new), None);
        }
        let carets = (!self.style.colour && carets.contains('^')).then(|| carets.trim_end().to_owned());
        (old_marked, new_marked, carets)
    }

    /// A unified diff of two texts.
    pub(super) fn unified(&self, before: &str, after: &str) -> Vec<String> {
        let pad = " ".repeat(self.indent + 4);
        let (old, new) = (before.lines().count(), after.lines().count());
        if before.len().max(after.len()) > DIFF_BYTES || old.max(new) > DIFF_LINES {
            let text = format!("{pad}(a text of {old} lines becomes one of {new} lines; too long to compare here)");
            return vec![self.style.paint(Role::Faint, text)];
        }
        let diff = TextDiff::from_lines(before, after);
        let mut lines = Vec::new();
        for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
            lines.push(self.style.paint(Role::Other, format_args!("{pad}{}", hunk.header())));
            for change in hunk.iter_changes() {
                let text = change.value();
                let (shown, left_out) = visible::cut(text.trim_end_matches('\n'), 2_000);
                let more = if left_out > 0 { "…" } else { "" };
                let shown = visible::own_line(shown);
                lines.push(match change.tag() {
                    ChangeTag::Equal => format!("{pad} {shown}{more}"),
                    ChangeTag::Delete => self.style.paint(Role::Remove, format_args!("{pad}-{shown}{more}")),
                    ChangeTag::Insert => self.style.paint(Role::Add, format_args!("{pad}+{shown}{more}")),
                });
                if !text.ends_with('\n') && change.tag() != ChangeTag::Equal {
                    lines.push(self.style.paint(Role::Faint, format_args!("{pad}\\ no line break at the end")));
                }
            }
        }
        lines
    }

    /// Elements that came and went; the others are counted.
    fn elements(&self, before: &[Node], after: &[Node]) -> Body {
        let texts = |list: &[Node]| list.iter().map(Node::inline).collect::<Vec<_>>();
        let (old, new) = (texts(before), texts(after));
        let (gone, came) = (missing(&old, &new), missing(&new, &old));
        let kept = old.len() - gone.len();
        if old.len() + new.len() <= 6 {
            let whole = |texts: &[String]| format!("[{}]", texts.join(", "));
            return self.both(&Node::Word(whole(&old)), &Node::Word(whole(&new)));
        }
        let pad = " ".repeat(self.indent + 4);
        let went = gone.into_iter().map(|text| self.style.paint(Role::Remove, format_args!("{pad}- {text}")));
        let came = came.into_iter().map(|text| self.style.paint(Role::Add, format_args!("{pad}+ {text}")));
        let kept = (kept > 0).then(|| self.style.paint(Role::Faint, format_args!("{pad}  ({kept} unchanged)")));
        Body::Lines(went.chain(came).chain(kept).collect())
    }

    fn notes(&self, change: &Change) -> Vec<(Role, String)> {
        let mut notes = Vec::new();
        if change.forces_replacement {
            notes.push((Role::Remove, "forces replacement".to_owned()));
        }
        if change.kind == ChangeKind::Drift && self.tell_drift {
            notes.push((Role::Faint, "drift".to_owned()));
        }
        if let Some(applied) = present(change.overwrites.as_ref()) {
            let applied = Node::new(applied, self.show_personal).inline();
            let (shown, left_out) = visible::cut(&applied, 200);
            let more = if left_out > 0 { "…" } else { "" };
            notes.push((Role::Faint, format!("overwrites drift: {shown}{more} was applied last")));
        }
        if let Some(origin) = &change.origin {
            notes.push((Role::Faint, format!("at {}", place(origin))));
        }
        notes
    }

    /// The fewest elements whose moving explains the new order.
    fn moves(&self, before: &[Node], after: &[Node]) -> Body {
        let Some(moved) = moved(before, after) else {
            return Body::Line("the order changes".to_owned(), "the order changes".to_owned());
        };
        match moved.as_slice() {
            [] => Body::Line("the order changes".to_owned(), "the order changes".to_owned()),
            [only] => Body::Line(self.style.paint(Role::Other, only), only.clone()),
            several => {
                let pad = " ".repeat(self.indent + 4);
                Body::Lines(
                    several.iter().map(|line| self.style.paint(Role::Other, format_args!("{pad}{line}"))).collect(),
                )
            }
        }
    }
}

/// How the elements of a list move to come into another order, the fewest of them; `None` for lists too long to tell.
pub(super) fn moved(before: &[Node], after: &[Node]) -> Option<Vec<String>> {
    let name = |node: &Node| match node {
        Node::Map(map) => map.iter().find(|(key, _)| key == "name").map_or_else(|| node.inline(), |(_, v)| v.inline()),
        Node::Word(_) | Node::Text(_) | Node::List(_) => node.inline(),
    };
    let (old, new): (Vec<String>, Vec<String>) = (before.iter().map(name).collect(), after.iter().map(name).collect());
    if old.len().max(new.len()) > MOVED_ELEMENTS {
        return None;
    }
    let mut from: Vec<usize> = Vec::new();
    let mut to: Vec<usize> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (removed, added) = match op {
            DiffOp::Equal { .. } => continue,
            DiffOp::Delete { old_index, old_len, .. } => (old_index..old_index + old_len, 0..0),
            DiffOp::Insert { new_index, new_len, .. } => (0..0, new_index..new_index + new_len),
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                (old_index..old_index + old_len, new_index..new_index + new_len)
            }
        };
        from.extend(removed);
        to.extend(added);
    }
    let mut moved = Vec::new();
    for place in from {
        let target = to.iter().position(|new_place| new.get(*new_place) == old.get(place));
        if let (Some(text), Some(at)) = (old.get(place), target) {
            moved.push(format!("{text} moves from place {} to {}", place + 1, to.remove(at) + 1));
        }
    }
    Some(moved)
}

/// The texts of `from` that `of` does not have, or has less often.
pub(super) fn missing<'t>(from: &'t [String], of: &[String]) -> Vec<&'t String> {
    let mut left = HashMap::<&str, usize>::new();
    for text in of {
        *left.entry(text).or_default() += 1;
    }
    let mut is_missing = |text: &str| match left.get_mut(text) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        Some(_) | None => true,
    };
    from.iter().filter(|text| is_missing(text)).collect()
}

/// A null is the absence of a value, as it is in the plan's JSON.
pub(super) fn present(side: Option<&Shown>) -> Option<&Shown> {
    side.filter(|value| !matches!(value, Shown::Plain(Value::Null)))
}

fn sign(change: &Change) -> (&'static str, Role) {
    if change.order_only {
        return (">", Role::Other);
    }
    match (present(change.before.as_ref()), present(change.after.as_ref())) {
        (None, Some(_)) => ("+", Role::Add),
        (Some(_), None) => ("-", Role::Remove),
        (Some(_), Some(_)) | (None, None) => ("~", Role::Change),
    }
}

/// `destinations.yaml:12:9, patched by target production at trueup.yaml:14:11`.
pub(super) fn place(origin: &Origin) -> String {
    let Origin { location, note, blame } = origin;
    let note = note.as_ref().map(|note| format!(", {}", visible::line(note))).unwrap_or_default();
    let blame = blame.as_ref().map(|Blame { commit, author, at, summary }| {
        // A saved plan is read from a file: what stands for a commit need not be one.
        let commit: String = visible::line(commit).chars().take(10).collect();
        let day = at.strftime("%Y-%m-%d");
        format!(", {} by {} on {day}: {}", visible::line(&commit), visible::line(author), visible::line(summary))
    });
    let blame = blame.unwrap_or_default();
    format!("{}:{}:{}{note}{blame}", visible::line(&location.file), location.line, location.column)
}
