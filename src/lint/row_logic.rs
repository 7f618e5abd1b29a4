//! What rows over one property say together, as far as it is certain.
//!
//! Certain means: whatever an evaluator does where the manifests leave it open. A property has one value or none. A
//! row asks for a value unless its operator begins with `not`; what such a row says of no value is left open, and so is
//! comparing values of different types. Everything left open counts as possible, so that a contradiction is one.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Number, Value};

use crate::kinds::condition::{Operator, Row, compile};
use crate::kinds::time;

/// A row that is said to hold, or not to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'c> {
    pub row: &'c Row,
    pub holds: bool,
}

/// Integers up to here are exact as floating point numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Literal<'_> {
    /// Its operator without a `not`, and what is said of it then.
    fn positive(&self) -> (Operator, bool) {
        let (operator, same) = match self.row.operator {
            Operator::NotEqualTo => (Operator::EqualTo, false),
            Operator::NotContains => (Operator::Contains, false),
            Operator::NotIn => (Operator::In, false),
            operator => (operator, true),
        };
        (operator, self.holds == same)
    }

    /// Whether only a value can meet it.
    fn needs_a_value(&self) -> bool {
        let negative = matches!(self.row.operator, Operator::NotEqualTo | Operator::NotContains | Operator::NotIn);
        self.holds && !negative
    }

    fn is(&self, operator: Operator, holds: bool) -> bool {
        self.positive() == (operator, holds)
    }

    fn text(&self) -> Option<&str> {
        self.row.value.as_ref().and_then(Value::as_str)
    }

    /// Whether it is certain that this value, or none, meets it.
    pub(super) fn is_met_by(&self, value: Option<&Value>) -> bool {
        let (operator, holds) = self.positive();
        match value {
            Some(value) => compare(operator, value, self.row.value.as_ref()) == Some(holds),
            None => !self.holds && operator == self.row.operator,
        }
    }

    /// Whether it is certain that this value does not meet it.
    fn refuses(&self, value: &Value) -> bool {
        let (operator, holds) = self.positive();
        compare(operator, value, self.row.value.as_ref()) == Some(!holds)
    }
}

/// Rows over one property of which no value, and no absence, meets all; fewest first found, not fewest possible.
pub(super) fn contradiction<'c>(literals: &[Literal<'c>]) -> Option<Vec<Literal<'c>>> {
    let [.., last] = literals else { return None };
    if let Some(other) = literals.iter().find(|other| other.holds != last.holds && other.row == last.row) {
        return Some(vec![*other, *last]);
    }
    let present = literals.iter().find(|literal| literal.needs_a_value())?;
    if let Some(absent) = literals.iter().find(|literal| literal.is(Operator::Exists, false)) {
        return Some(vec![*present, *absent]);
    }
    finite(literals)
        .or_else(|| range(literals, number, Operator::GreaterThan, Operator::LessThan, order))
        .or_else(|| range(literals, instant, Operator::After, Operator::Before, |a: &Timestamp, b| Some(a.cmp(b))))
        .or_else(|| texts(literals))
}

/// All values that one row allows are refused by others.
fn finite<'c>(literals: &[Literal<'c>]) -> Option<Vec<Literal<'c>>> {
    let values = |literal: &Literal<'c>| -> Option<&'c [Value]> {
        let (operator, holds) = literal.positive();
        match (operator, &literal.row.value) {
            (Operator::EqualTo, Some(value)) if holds => Some(std::slice::from_ref(value)),
            (Operator::In, Some(Value::Array(values))) if holds => Some(values),
            _ => None,
        }
    };
    let (chosen, values) = literals
        .iter()
        .enumerate()
        .filter_map(|(at, literal)| Some((at, values(literal)?)))
        .min_by_key(|(_, values)| values.len())?;
    let mut proof = vec![chosen];
    for value in values {
        let refusing = literals.iter().position(|literal| literal.refuses(value))?;
        if !proof.contains(&refusing) {
            proof.push(refusing);
        }
    }
    proof.sort_unstable();
    Some(proof.into_iter().filter_map(|at| literals.get(at).copied()).collect())
}

/// The greatest lower and the least upper bound leave nothing between them.
fn range<'c, T>(
    literals: &[Literal<'c>],
    read: impl Fn(&Value) -> Option<T>,
    lower: Operator,
    upper: Operator,
    order: impl Fn(&T, &T) -> Option<Ordering>,
) -> Option<Vec<Literal<'c>>> {
    struct Bound<T> {
        at: usize,
        value: T,
        strict: bool,
    }
    let mut ends: [Option<Bound<T>>; 2] = [None, None];
    for (at, literal) in literals.iter().enumerate() {
        let (operator, holds) = literal.positive();
        if operator != lower && operator != upper {
            continue;
        }
        let Some(value) = literal.row.value.as_ref().and_then(&read) else { continue };
        // What is not greater is less or equal: a bound from the other side that includes its value.
        let is_lower = (operator == lower) == holds;
        let Some(end) = ends.get_mut(usize::from(!is_lower)) else { continue };
        let tighter = end.as_ref().is_none_or(|known| match order(&value, &known.value) {
            Some(Ordering::Greater) => is_lower,
            Some(Ordering::Less) => !is_lower,
            Some(Ordering::Equal) => holds && !known.strict,
            None => false,
        });
        if tighter {
            *end = Some(Bound { at, value, strict: holds });
        }
    }
    let [Some(low), Some(high)] = ends else { return None };
    // Without a row that asks for a number, a text would be neither greater nor less.
    if !low.strict && !high.strict {
        return None;
    }
    let empty = match order(&low.value, &high.value)? {
        Ordering::Greater | Ordering::Equal => true,
        Ordering::Less => false,
    };
    let (first, second) = (low.at.min(high.at), low.at.max(high.at));
    empty.then(|| [first, second].into_iter().filter_map(|at| literals.get(at).copied()).collect())
}

/// Two beginnings or endings that no text has both, or a part that is asked for and refused.
fn texts<'c>(literals: &[Literal<'c>]) -> Option<Vec<Literal<'c>>> {
    let [rest @ .., last] = literals else { return None };
    let excluded = |a: &Literal<'_>, b: &Literal<'_>| {
        let (Some(x), Some(y)) = (a.text(), b.text()) else { return false };
        match (a.positive(), b.positive()) {
            ((Operator::StartsWith, true), (Operator::StartsWith, true)) => !x.starts_with(y) && !y.starts_with(x),
            ((Operator::EndsWith, true), (Operator::EndsWith, true)) => !x.ends_with(y) && !y.ends_with(x),
            ((asked, true), (refused, false)) => implies(asked, x, refused, y),
            ((refused, false), (asked, true)) => implies(asked, y, refused, x),
            _ => false,
        }
    };
    let other = rest.iter().find(|other| excluded(other, last))?;
    Some(vec![*other, *last])
}

/// Whether every text that meets the first row meets the second.
fn implies(operator: Operator, text: &str, other: Operator, part: &str) -> bool {
    match (operator, other) {
        (Operator::StartsWith, Operator::StartsWith) => text.starts_with(part),
        (Operator::EndsWith, Operator::EndsWith) => text.ends_with(part),
        (Operator::StartsWith | Operator::EndsWith | Operator::Contains, Operator::Contains) => text.contains(part),
        (Operator::Matches, Operator::Matches) | (Operator::Like, Operator::Like) => text == part,
        _ => false,
    }
}

/// Whether a value meets an operator without `not`; `None` where that is not certain.
fn compare(operator: Operator, value: &Value, operand: Option<&Value>) -> Option<bool> {
    let texts = || {
        let text = value.as_str().filter(|text| time::parse(text).is_err())?;
        Some((text, operand?.as_str()?))
    };
    let by_order = |wanted, found: Option<Ordering>| found.map(|found| found == wanted);
    match operator {
        Operator::EqualTo => equal(value, operand?),
        Operator::In => {
            let mut uncertain = false;
            for one in operand?.as_array()? {
                match equal(value, one) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => uncertain = true,
                }
            }
            (!uncertain).then_some(false)
        }
        Operator::Contains => texts().map(|(text, part)| text.contains(part)),
        Operator::StartsWith => texts().map(|(text, part)| text.starts_with(part)),
        Operator::EndsWith => texts().map(|(text, part)| text.ends_with(part)),
        Operator::Matches => texts().and_then(|(text, pattern)| matches(text, pattern)),
        Operator::Like => texts().and_then(|(text, pattern)| {
            let exact = is_like(text, pattern)?;
            (Some(exact) == is_like(&text.to_lowercase(), &pattern.to_lowercase())).then_some(exact)
        }),
        Operator::GreaterThan => by_order(Ordering::Greater, order(&number(value)?, &number(operand?)?)),
        Operator::LessThan => by_order(Ordering::Less, order(&number(value)?, &number(operand?)?)),
        Operator::Before => Some(instant(value)? < instant(operand?)?),
        Operator::After => Some(instant(value)? > instant(operand?)?),
        Operator::Exists => Some(true),
        // Their literals say the opposite of the operators above.
        Operator::NotEqualTo | Operator::NotContains | Operator::NotIn => None,
    }
}

fn equal(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        (Value::Number(a), Value::Number(b)) => order(a, b).map(|order| order == Ordering::Equal),
        (Value::String(a), Value::String(b)) if a == b => Some(true),
        // Two ways to write one time are the same datetime and different texts.
        (Value::String(_), Value::String(_)) => match (instant(a), instant(b)) {
            (Some(a), Some(b)) if a == b => None,
            _ => Some(false),
        },
        _ => None,
    }
}

/// Searching and matching the whole text are both readings of "matches": certain is what both say.
fn matches(text: &str, pattern: &str) -> Option<bool> {
    let found = compile(pattern).ok()?.is_match(text);
    if !found {
        return Some(false);
    }
    compile(&format!("^(?:{pattern})$")).ok()?.is_match(text).then_some(true)
}

fn is_like(text: &str, pattern: &str) -> Option<bool> {
    if pattern.contains(['_', '\\']) {
        return None;
    }
    let Some((first, rest)) = pattern.split_once('%') else { return Some(text == pattern) };
    let Some(mut text) = text.strip_prefix(first) else { return Some(false) };
    let (middle, end) = rest.rsplit_once('%').unwrap_or(("", rest));
    for part in middle.split('%') {
        let Some((_, after)) = text.split_once(part) else { return Some(false) };
        text = after;
    }
    Some(text.ends_with(end))
}

fn number(value: &Value) -> Option<Number> {
    value.as_number().cloned()
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| time::parse(text).ok())
}

fn order(a: &Number, b: &Number) -> Option<Ordering> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return Some(a.cmp(&b));
    }
    let (a, b) = (a.as_f64()?, b.as_f64()?);
    match a.partial_cmp(&b)? {
        // Rounding may have made them equal, and never turns their order round.
        Ordering::Equal if a.abs() >= EXACT => None,
        order => Some(order),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn likeness_knows_only_the_percent_sign() {
        for (text, pattern, like) in [
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%b%", true),
            ("abc", "a%c", true),
            ("ac", "a%a%c", false),
            ("aac", "a%a%c", true),
            ("aba", "ab%ba", false),
            ("", "%", true),
            ("x", "", false),
        ] {
            assert_eq!(is_like(text, pattern), Some(like), "{text} {pattern}");
        }
        assert_eq!(is_like("abc", "a_c"), None);
    }

    #[test]
    fn numbers_are_compared_exactly_or_not_at_all() {
        let at = |a: Value, b: Value| order(&number(&a)?, &number(&b)?);
        assert_eq!(at(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64)), Some(Ordering::Greater));
        assert_eq!(at(json!(u64::MAX), json!(-1)), Some(Ordering::Greater));
        assert_eq!(at(json!(1.0), json!(1)), Some(Ordering::Equal));
        assert_eq!(at(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992.0)), None);
    }

    #[test]
    fn what_two_readings_disagree_on_is_open() {
        let says = |operator, value: Value, operand: Value| compare(operator, &value, Some(&operand));
        assert_eq!(says(Operator::EqualTo, json!("2031-01-01"), json!("2031-01-01 00:00")), None);
        assert_eq!(says(Operator::EqualTo, json!("5"), json!(5)), None);
        assert_eq!(says(Operator::Matches, json!("abc"), json!("b")), None);
        assert_eq!(says(Operator::Matches, json!("abc"), json!("x")), Some(false));
        assert_eq!(says(Operator::Matches, json!("abc"), json!("a.c")), Some(true));
        assert_eq!(says(Operator::Like, json!("ABC"), json!("a%")), None);
        assert_eq!(says(Operator::In, json!("a"), json!(["b", 1])), None);
    }
}
