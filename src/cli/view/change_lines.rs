//! Changed fields as lines of a diff, each marked as coming, going or staying: what Markdown and HTML draw.
//!
//! Every line is one line, whatever a manifest has in it, and as long as anybody will read.

use similar::{ChangeTag, TextDiff};

use super::change_text::{DIFF_BYTES, DIFF_LINES, WORDS_BYTES, missing, moved, notes, path_of, place, present};
use super::value_text::Node;
use super::visible;
use crate::plan::plan_value::Change;

/// Characters of a line that are shown.
const LINE: usize = 1_000;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It comes.
    Add,
    /// It goes.
    Remove,
    /// It stays as it is, for the context.
    Keep,
    /// It is something else that changes, such as a secret of which only that is said.
    Other,
    /// Where a piece of a long text begins.
    Piece,
    /// Words of ours about the next lines: where a value was written, whether it was drift.
    Note,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What it says.
    pub(super) mark: Mark,
    /// Its text in pieces; `true` where a piece is what differs within a line that changes.
    pub(super) pieces: Vec<(String, bool)>,
}

impl Line {
    fn new(mark: Mark, text: impl Into<String>) -> Self {
        Self::of_pieces(mark, vec![(text.into(), false)])
    }

    /// Cuts what is too long.
    fn of_pieces(mark: Mark, pieces: Vec<(String, bool)>) -> Self {
        let mut room = LINE;
        let mut kept: Vec<(String, bool)> = Vec::new();
        let mut left_out = 0;
        for (text, differs) in pieces {
            let (shown, _) = visible::cut(&text, room);
            let shown_length = shown.chars().count();
            left_out += text.chars().count() - shown_length;
            room -= shown_length;
            if !shown.is_empty() {
                kept.push((shown.to_owned(), differs));
            }
        }
        if left_out > 0 {
            kept.push((format!("… ({left_out} more characters)"), false));
        }
        Self { mark, pieces: kept }
    }

    /// The sign before it, as in a diff.
    pub(super) fn sign(&self) -> char {
        match self.mark {
            Mark::Add => '+',
            Mark::Remove => '-',
            Mark::Keep => ' ',
            Mark::Other => '!',
            Mark::Piece => '@',
            Mark::Note => '#',
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        self.pieces.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// The lines of these changes. Among nothing but drift a change need not say that it is drift.
pub(super) fn lines(changes: &[Change], show_personal: bool, tell_drift: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for change in changes {
        let path = path_of(change);
        let notes = notes(change, show_personal, tell_drift).into_iter().map(|(_, note)| note);
        let notes: Vec<String> = notes.chain(change.origin.as_ref().map(place)).collect();
        if !notes.is_empty() {
            lines.push(Line::new(Mark::Note, notes.join(", ")));
        }
        let node = |side| present(side).map(|value| Node::new(value, show_personal));
        lines.extend(body(change, &path, node(change.before.as_ref()), node(change.after.as_ref())));
    }
    lines
}

fn body(change: &Change, path: &str, before: Option<Node>, after: Option<Node>) -> Vec<Line> {
    let whole = |mark, node: &Node| node.entry(path, 0).into_iter().map(|line| Line::new(mark, line)).collect();
    match (before, after) {
        (None, None) => vec![Line::new(Mark::Other, path)],
        (None, Some(value)) => whole(Mark::Add, &value),
        (Some(value), None) => whole(Mark::Remove, &value),
        (Some(Node::List(before)), Some(Node::List(after))) if change.order_only => moves(path, &before, &after),
        (Some(Node::List(before)), Some(Node::List(after))) => elements(path, &before, &after),
        (Some(Node::Text(before)), Some(Node::Text(after)))
            if before != after && (change.is_text || before.contains('\n') || after.contains('\n')) =>
        {
            unified(path, &before, &after)
        }
        (Some(before), Some(after)) => both(path, &before.inline(), &after.inline()),
    }
}

/// The words that differ are marked on both sides.
fn both(path: &str, old: &str, new: &str) -> Vec<Line> {
    if old == new {
        return vec![Line::new(Mark::Other, format!("{path}: {old}"))];
    }
    let (mut removed, mut added) = (vec![(format!("{path}: "), false)], vec![(format!("{path}: "), false)]);
    if old.len() > WORDS_BYTES || new.len() > WORDS_BYTES {
        removed.push((old.to_owned(), false));
        added.push((new.to_owned(), false));
    } else {
        for part in TextDiff::from_unicode_words(old, new).iter_all_changes() {
            let text = part.value().to_owned();
            match part.tag() {
                ChangeTag::Equal => {
                    removed.push((text.clone(), false));
                    added.push((text, false));
                }
                ChangeTag::Delete => removed.push((text, true)),
                ChangeTag::Insert => added.push((text, true)),
            }
        }
    }
    vec![Line::of_pieces(Mark::Remove, removed), Line::of_pieces(Mark::Add, added)]
}

fn unified(path: &str, before: &str, after: &str) -> Vec<Line> {
    let (old, new) = (before.lines().count(), after.lines().count());
    if before.len().max(after.len()) > DIFF_BYTES || old.max(new) > DIFF_LINES {
        let text = format!("{path}: a text of {old} lines becomes one of {new} lines; too long to compare here");
        return vec![Line::new(Mark::Other, text)];
    }
    let mut lines = Vec::new();
    for hunk in TextDiff::from_lines(before, after).unified_diff().context_radius(3).iter_hunks() {
        lines.push(Line::new(Mark::Piece, format!("{} {path}", hunk.header())));
        for change in hunk.iter_changes() {
            let mark = match change.tag() {
                ChangeTag::Equal => Mark::Keep,
                ChangeTag::Delete => Mark::Remove,
                ChangeTag::Insert => Mark::Add,
            };
            let text = change.value();
            // Cut before it is escaped: a line may have megabytes.
            let (shown, _) = visible::cut(text.trim_end_matches('\n'), LINE + 1);
            lines.push(Line::new(mark, visible::own_line(shown)));
            if !text.ends_with('\n') && change.tag() != ChangeTag::Equal {
                lines.push(Line::new(Mark::Note, "no line break at the end"));
            }
        }
    }
    lines
}

fn elements(path: &str, before: &[Node], after: &[Node]) -> Vec<Line> {
    let texts = |list: &[Node]| list.iter().map(Node::inline).collect::<Vec<_>>();
    let (old, new) = (texts(before), texts(after));
    if old.len() + new.len() <= 6 {
        return both(path, &format!("[{}]", old.join(", ")), &format!("[{}]", new.join(", ")));
    }
    let (gone, came) = (missing(&old, &new), missing(&new, &old));
    let kept = old.len() - gone.len();
    let mut lines = vec![Line::new(Mark::Keep, format!("{path}:"))];
    lines.extend(gone.into_iter().map(|text| Line::new(Mark::Remove, format!("  - {text}"))));
    lines.extend(came.into_iter().map(|text| Line::new(Mark::Add, format!("  - {text}"))));
    if kept > 0 {
        lines.push(Line::new(Mark::Note, format!("{kept} unchanged")));
    }
    lines
}

fn moves(path: &str, before: &[Node], after: &[Node]) -> Vec<Line> {
    match moved(before, after) {
        Some(moved) if !moved.is_empty() => {
            moved.into_iter().map(|text| Line::new(Mark::Other, format!("{path}: {text}"))).collect()
        }
        Some(_) | None => vec![Line::new(Mark::Other, format!("{path}: the order changes"))],
    }
}
