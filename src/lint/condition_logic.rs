//! Whether conditions can hold at all: a search for a contradiction in every way to meet them.
//!
//! Sound and not complete: what is said never to hold never does, and of what is not said nothing follows. The search
//! is cut off where alternatives multiply, which only loses a finding.

use super::row_logic::{Literal, contradiction};
use crate::kinds::condition::{Condition, Row};

/// Rows a search may look at, alternatives counted each time: far more than people write.
const STEPS: usize = 2_000;

/// Rows that exclude each other; empty where an `any` without rows can hold by none.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict<'c>(pub Vec<Said<'c>>);

/// What the conditions say of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said<'c> {
    /// The row.
    pub row: &'c Row,
    /// Whether it holds.
    pub holds: bool,
}

/// Why all of these conditions never hold together: one conflict for every alternative. `None` if they might.
#[must_use]
pub fn never_hold<'c>(conditions: &[&'c Condition]) -> Option<Vec<Conflict<'c>>> {
    never_so(conditions.iter().map(|condition| (*condition, true)))
}

/// Why it is never so that each of these conditions holds, or, with `false`, does not hold.
#[must_use]
pub fn never_so<'c>(conditions: impl IntoIterator<Item = (&'c Condition, bool)>) -> Option<Vec<Conflict<'c>>> {
    let mut any = |_: &[Literal<'c>]| true;
    let mut search = Search::new(&mut any);
    let refuted = search.is_refuted(in_order(conditions), &[]);
    refuted.then_some(search.conflicts)
}

/// Goes through the ways to meet all of these conditions until `suits` takes one: what has to be so of which rows.
/// Ways that are known not to exist are left out.
pub(super) fn find_way<'c>(
    conditions: impl IntoIterator<Item = (&'c Condition, bool)>,
    suits: &mut dyn FnMut(&[Literal<'c>]) -> bool,
) {
    Search::new(suits).is_refuted(in_order(conditions), &[]);
}

/// What is looked at first stands last.
fn in_order<'c>(conditions: impl IntoIterator<Item = (&'c Condition, bool)>) -> Vec<(&'c Condition, bool)> {
    let mut todo: Vec<_> = conditions.into_iter().collect();
    todo.reverse();
    todo
}

/// The values of a property that a condition asks for in any case: `None` unless a row names them.
#[must_use]
pub fn pinned(condition: &Condition) -> Vec<&Row> {
    use crate::kinds::condition::Operator;
    let rows = match condition {
        Condition::All(list) => list.as_slice(),
        single @ (Condition::Any(_) | Condition::Not(_) | Condition::Row(_)) => std::slice::from_ref(single),
    };
    rows.iter()
        .filter_map(|condition| match condition {
            Condition::Row(row) if matches!(row.operator, Operator::EqualTo | Operator::In) => Some(row),
            Condition::Row(_) | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => None,
        })
        .collect()
}

/// Conditions of which one has to hold, or, with `false`, one has not to.
type Choice<'c> = (&'c [Condition], bool);

struct Search<'c, 's> {
    steps: usize,
    /// Whether a way that may exist ends the search.
    suits: &'s mut dyn FnMut(&[Literal<'c>]) -> bool,
    /// What is said of rows on the way to the present alternative.
    literals: Vec<Literal<'c>>,
    conflicts: Vec<Conflict<'c>>,
}

impl<'c, 's> Search<'c, 's> {
    fn new(suits: &'s mut dyn FnMut(&[Literal<'c>]) -> bool) -> Self {
        Self { steps: 0, suits, literals: Vec::new(), conflicts: Vec::new() }
    }

    /// Whether nothing meets all of `todo` and one of each of `choices`, with what was said of rows already.
    fn is_refuted(&mut self, mut todo: Vec<(&'c Condition, bool)>, choices: &[Choice<'c>]) -> bool {
        let mut choices = choices.to_vec();
        while let Some((condition, holds)) = todo.pop() {
            self.steps += 1;
            if self.steps > STEPS {
                return false;
            }
            match (condition, holds) {
                (Condition::Not(inner), _) => todo.push((inner, !holds)),
                (Condition::All(list), true) | (Condition::Any(list), false) => {
                    todo.extend(list.iter().rev().map(|inner| (inner, holds)));
                }
                (Condition::Any(list), true) | (Condition::All(list), false) => match list.as_slice() {
                    [] => return self.conflict(Vec::new()),
                    [single] => todo.push((single, holds)),
                    several => choices.push((several, holds)),
                },
                (Condition::Row(row), _) => {
                    self.literals.push(Literal { row, holds });
                    let of_property = |literal: &&Literal<'c>| literal.row.property == row.property;
                    let same: Vec<Literal<'c>> = self.literals.iter().filter(of_property).copied().collect();
                    if let Some(rows) = contradiction(&same) {
                        return self.conflict(rows);
                    }
                }
            }
        }
        let Some((alternatives, holds)) = choices.pop() else { return !(self.suits)(&self.literals) };
        let before = self.literals.len();
        alternatives.iter().all(|alternative| {
            self.literals.truncate(before);
            self.is_refuted(vec![(alternative, holds)], &choices)
        })
    }

    fn conflict(&mut self, rows: Vec<Literal<'c>>) -> bool {
        let conflict = Conflict(rows.into_iter().map(|Literal { row, holds }| Said { row, holds }).collect());
        if !self.conflicts.contains(&conflict) {
            self.conflicts.push(conflict);
        }
        true
    }
}

#[cfg(test)]
mod tests;
