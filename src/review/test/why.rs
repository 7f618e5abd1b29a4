//! Why a condition holds or does not: its rows, asked one by one of the same code that asks the whole.

use serde_json::Value;

use crate::base::path::Path;
use crate::behaviour::condition::{CompiledCondition, Values};
use crate::kinds::catalogue::PropertyType;
use crate::kinds::condition::{Condition, Row};

/// Characters of a value that are shown.
const SHOWN: usize = 80;

/// What became of one row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RowOutcome {
    /// Its place in the manifest, if the condition is written as a list.
    pub(super) path: Path,
    /// Whether it held.
    pub(super) holds: bool,
    /// Why, for people.
    pub(super) says: String,
}

/// A condition with what it is asked about.
pub(super) struct Asked<'a> {
    /// The declared type of a name.
    pub(super) type_of: &'a dyn Fn(&str) -> Option<PropertyType>,
    /// The values.
    pub(super) values: &'a dyn Values,
}

impl Asked<'_> {
    fn holds(&self, condition: &Condition) -> bool {
        // A condition that cannot be compiled holds nowhere; the kinds' checks let none through.
        CompiledCondition::new(condition, self.type_of).is_ok_and(|compiled| compiled.holds(self.values))
    }

    /// All rows of a condition that stands at `at`.
    pub(super) fn rows(&self, condition: &Condition, at: &Path) -> Vec<RowOutcome> {
        let mut found = Vec::new();
        condition.rows_at_top(at, &mut |row, path| {
            let holds = self.holds(&Condition::Row(row.clone()));
            found.push(RowOutcome { path, holds, says: says(row, self.values.value(&row.property), holds) });
        });
        found
    }

    /// Whether a condition holds, and the rows that made it so: those without which it could be otherwise.
    pub(super) fn deciding(&self, condition: &Condition, at: &Path) -> (bool, Vec<RowOutcome>) {
        match condition {
            Condition::All(list) => self.list(list.iter().enumerate().map(|(n, inner)| (inner, at.index(n))), true),
            other @ (Condition::Any(_) | Condition::Not(_) | Condition::Row(_)) => self.below(other, at),
        }
    }

    fn below(&self, condition: &Condition, at: &Path) -> (bool, Vec<RowOutcome>) {
        match condition {
            Condition::All(list) => {
                self.list(list.iter().enumerate().map(|(n, inner)| (inner, at.key("all").index(n))), true)
            }
            Condition::Any(list) => {
                self.list(list.iter().enumerate().map(|(n, inner)| (inner, at.key("any").index(n))), false)
            }
            Condition::Not(inner) => {
                let (holds, rows) = self.below(inner, &at.key("not"));
                (!holds, rows)
            }
            Condition::Row(row) => {
                let holds = self.holds(condition);
                let says = says(row, self.values.value(&row.property), holds);
                (holds, vec![RowOutcome { path: at.clone(), holds, says }])
            }
        }
    }

    /// Of `all` those that do not hold decide, or all of them; of `any` those that hold, or all of them.
    fn list<'c>(&self, list: impl Iterator<Item = (&'c Condition, Path)>, all: bool) -> (bool, Vec<RowOutcome>) {
        let (mut with, mut against) = (Vec::new(), Vec::new());
        let mut is_decided = false;
        for (inner, at) in list {
            let (holds, rows) = self.below(inner, &at);
            if holds == all {
                with.extend(rows);
            } else {
                is_decided = true;
                against.extend(rows);
            }
        }
        if is_decided { (!all, against) } else { (all, with) }
    }
}

fn says(row: &Row, value: Option<&Value>, holds: bool) -> String {
    let Row { property, operator, value: wanted } = row;
    let is = match value {
        None | Some(Value::Null) => "is absent".to_owned(),
        Some(value) => format!("is {}", shown(value)),
    };
    let wanted = wanted.as_ref().map(|wanted| format!(" {}", shown(wanted))).unwrap_or_default();
    let does = if holds { "holds" } else { "does not hold" };
    format!("`{property}` {is}: `{}{wanted}` {does}", operator.as_str())
}

/// A value in a sentence, not at any length.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    fn asked(condition: Value, values: Value) -> (bool, Vec<(String, bool)>) {
        let condition: Condition = serde_json::from_value(condition).expect("a condition");
        let Value::Object(values) = values else { panic!("a map") };
        let asked = Asked { type_of: &|_| None, values: &values };
        let (holds, rows) = asked.deciding(&condition, &Path::keys("spec.conditions"));
        (holds, rows.into_iter().map(|row| (row.path.to_string(), row.holds)).collect())
    }

    fn row(property: &str, value: i64) -> Value {
        json!({"property": property, "operator": "equalTo", "value": value})
    }

    #[test]
    fn the_rows_that_decide_are_told() {
        let nested = json!([row("a", 1), {"any": [row("b", 1), row("c", 1)]}, {"not": row("d", 1)}]);
        let at = |rest: &str| format!("spec.conditions{rest}");
        assert_eq!(
            asked(nested.clone(), json!({"a": 1, "c": 1})),
            (true, vec![(at("[0]"), true), (at("[1].any[1]"), true), (at("[2].not"), false)])
        );
        assert_eq!(asked(nested.clone(), json!({"a": 1, "c": 1, "d": 1})), (false, vec![(at("[2].not"), true)]));
        assert_eq!(
            asked(nested, json!({"a": 2})),
            (false, vec![(at("[0]"), false), (at("[1].any[0]"), false), (at("[1].any[1]"), false)])
        );
    }

    #[test]
    fn a_row_says_what_it_saw() {
        let row: Row = Row {
            property: "score".into(),
            operator: crate::kinds::condition::Operator::LessThan,
            value: Some(json!(7)),
        };
        assert_eq!(says(&row, Some(&json!(9)), false), "`score` is 9: `lessThan 7` does not hold");
        assert_eq!(says(&row, None, false), "`score` is absent: `lessThan 7` does not hold");
    }

    proptest! {
        /// The trace comes to the same as the condition as a whole.
        #[test]
        fn the_trace_agrees_with_the_condition(seed in prop::collection::vec((0..4_u8, 0..3_i64), 1..12), values in prop::collection::vec(0..3_i64, 3)) {
            let mut condition = row("a", 0);
            for (how, n) in seed {
                let other = row(["a", "b", "c"][usize::try_from(n).unwrap_or(0)], n);
                condition = match how {
                    0 => json!({"all": [condition, other]}),
                    1 => json!({"any": [other, condition]}),
                    2 => json!({"not": condition}),
                    _ => json!({"any": [{"all": [other, condition]}]}),
                };
            }
            let parsed: Condition = match serde_json::from_value(condition.clone()) { Ok(parsed) => parsed, Err(_) => return Ok(()) };
            let map: Map<String, Value> = ["a", "b", "c"].iter().zip(&values).map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
            let whole = CompiledCondition::untyped(&parsed).expect("compiles").holds(&map);
            let (holds, rows) = asked(condition, Value::Object(map));
            prop_assert_eq!(holds, whole);
            prop_assert!(!rows.is_empty());
        }
    }
}
