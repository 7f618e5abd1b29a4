//! `shadowed-condition`: a row, an alternative or a case of a branch that decides nothing, because what stands beside or
//! before it already says it.
//!
//! Taking away what is named changes nothing, whatever the values: of a list, what is named is taken away one after the
//! other from its end, so that all of it may go. The message has the proof. Conditions that never hold as a whole are
//! `impossible-condition`'s.

use std::collections::BTreeSet;

use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::path::Path;
use crate::desired::{Desired, Objects};
use crate::kinds::condition::{Condition, Row};
use crate::lint::condition_logic::{Conflict, Said, never_hold, never_so};
use crate::lint::written::{Subject, Written, each, shown, told, told_rows};

/// Elements of a list, or cases of a branch, that are compared with each other: what grows with the square needs an end.
/// Longer lists are left alone.
const LIST: usize = 40;

pub(super) fn check(desired: &Desired) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    each(desired, &Objects::new(&desired.objects), &mut |subject, cases| {
        let mut before: Vec<&Written<'_>> = Vec::new();
        for written in cases {
            if never_hold(&[written.condition]).is_some() {
                continue;
            }
            match taken_before(written, &before).filter(|_| before.len() < LIST) {
                Some(conflicts) => warnings.push(shadowed_case(written, &before, &conflicts, subject)),
                None => {
                    Rows { written, subject, warnings: &mut warnings }.whole();
                    before.push(written);
                }
            }
        }
    });
    warnings
}

/// Why earlier cases take everything that this one would.
fn taken_before<'d>(written: &Written<'d>, before: &[&Written<'d>]) -> Option<Vec<Conflict<'d>>> {
    if before.is_empty() {
        return None;
    }
    let earlier = before.iter().map(|earlier| (earlier.condition, false));
    never_so([(written.condition, true)].into_iter().chain(earlier))
}

fn shadowed_case(
    written: &Written<'_>,
    before: &[&Written<'_>],
    conflicts: &[Conflict<'_>],
    subject: Subject<'_>,
) -> Diagnostic {
    let message = format!("the cases before this one take all that it would: {}", told(conflicts, subject));
    let mut warning = Diagnostic::warning(Code::ShadowedCondition, message)
        .of(written.object.address.to_string())
        .path(written.at.clone())
        .help("the case is never taken; put it before them, correct a row, or remove it");
    warning.span = written.span(&written.at);
    for row in told_rows(conflicts) {
        let place = before.iter().find_map(|earlier| earlier.span(&earlier.path_of(row)?));
        warning.related.extend(place.map(|span| ("taken here".to_owned(), span)));
    }
    warning
}

/// Rows and lists of one condition.
struct Rows<'w, 'd> {
    written: &'w Written<'d>,
    subject: Subject<'d>,
    warnings: &'w mut Vec<Diagnostic>,
}

impl<'d> Rows<'_, 'd> {
    fn whole(&mut self) {
        let condition = self.written.condition;
        let at = match condition {
            Condition::All(_) => self.written.list_at(),
            Condition::Any(_) | Condition::Not(_) | Condition::Row(_) => self.written.at.clone(),
        };
        match never_so([(condition, false)]).filter(|_| !condition.asks_nothing()) {
            Some(conflicts) => {
                let message = format!("these conditions hold for everything: {}", told(&conflicts, self.subject));
                self.warn(message, &self.written.at.clone(), &conflicts, None);
            }
            None => self.look(condition, &at, true),
        }
    }

    /// `at` is the path of the condition; of the list at the top, that of its list.
    fn look(&mut self, condition: &'d Condition, at: &Path, at_top: bool) {
        match condition {
            Condition::Row(_) => {}
            Condition::Not(inner) => self.look(inner, &at.key("not"), false),
            Condition::All(list) => self.list(list, true, &if at_top { at.clone() } else { at.key("all") }),
            Condition::Any(list) => self.list(list, false, &at.key("any")),
        }
    }

    fn list(&mut self, list: &'d [Condition], all: bool, at: &Path) {
        let mut idle = idle(list, all);
        for (n, element) in list.iter().enumerate().rev() {
            let path = at.index(n);
            match idle.iter().position(|(idle, _)| *idle == n) {
                Some(found) => self.element(element, all, &path, &idle.swap_remove(found).1),
                None => self.look(element, &path, false),
            }
        }
    }

    fn element(&mut self, element: &'d Condition, all: bool, path: &Path, conflicts: &[Conflict<'d>]) {
        let name = match element {
            Condition::Row(row) => shown(&Said { row, holds: true }, self.subject),
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) if all => "this condition".to_owned(),
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => "this alternative".to_owned(),
        };
        let own = rows(element);
        let alone = told_rows(conflicts).iter().all(|row| own.iter().any(|own| std::ptr::eq(*own, *row)));
        let why = match (all, alone) {
            (true, true) => "it always holds",
            (false, true) => "it never holds",
            (true, false) => "the conditions beside it say as much",
            (false, false) => "the alternatives beside it take all that it would",
        };
        let message = format!("{name} decides nothing, because {why}: {}", told(conflicts, self.subject));
        self.warn(message, path, conflicts, Some(element));
    }

    /// `subject` is what the warning stands at: its rows are not marked once more.
    fn warn(&mut self, message: String, path: &Path, conflicts: &[Conflict<'d>], subject: Option<&Condition>) {
        let path = if self.written.is_written(path) { path.clone() } else { self.written.at.clone() };
        let own = subject.map(rows).unwrap_or_default();
        let mut warning = Diagnostic::warning(Code::ShadowedCondition, message)
            .of(self.written.object.address.to_string())
            .path(path.clone())
            .help("remove it, or correct what was meant to be another bound or value");
        warning.span = self.written.span(&path);
        for row in told_rows(conflicts) {
            let is_own = own.iter().any(|own| std::ptr::eq(*own, row));
            let place = self.written.path_of(row).and_then(|path| self.written.span(&path)).filter(|_| !is_own);
            warning.related.extend(place.map(|span| ("with this".to_owned(), span)));
        }
        self.warnings.push(warning);
    }
}

/// The elements of a list, of which all or any have to hold, that can be taken away together, with the proof of each;
/// the last one first.
fn idle(list: &[Condition], all: bool) -> Vec<(usize, Vec<Conflict<'_>>)> {
    let mut idle = Vec::new();
    let whole = list.iter().map(|element| (element, all));
    if list.len() > LIST || never_so(whole).is_some() {
        // Of a list that always comes out the same way no element decides anything: who has it is named.
        return idle;
    }
    let properties: Vec<BTreeSet<&str>> = list.iter().map(properties).collect();
    let mut left: Vec<usize> = (0..list.len()).collect();
    for (n, element) in list.iter().enumerate().rev() {
        let own = properties.get(n);
        let shares = |other: &&usize| {
            let both = own.zip(properties.get(**other));
            **other != n && both.is_some_and(|(own, other)| !own.is_disjoint(other))
        };
        let others: Vec<_> = left.iter().filter(shares).filter_map(|other| Some((list.get(*other)?, all))).collect();
        // A row by itself decides; others matter only where they are about the same.
        if element.asks_nothing() || matches!(element, Condition::Row(_)) && others.is_empty() {
            continue;
        }
        if let Some(conflicts) = never_so([(element, !all)].into_iter().chain(others)) {
            left.retain(|other| *other != n);
            idle.push((n, conflicts));
        }
    }
    idle
}

fn rows(condition: &Condition) -> Vec<&Row> {
    let mut rows = Vec::new();
    condition.rows(&Path::root(), &mut |row, _| rows.push(row));
    rows
}

fn properties(condition: &Condition) -> BTreeSet<&str> {
    rows(condition).into_iter().map(|row| row.property.as_str()).collect()
}

#[cfg(test)]
mod tests;
