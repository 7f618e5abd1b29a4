use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::lint::sample;

fn condition(value: Value) -> Condition {
    serde_json::from_value(value).expect("a condition")
}

/// `[property, operator, value]` of each row of the first conflict.
fn proof(value: Value) -> Option<Vec<String>> {
    let condition = condition(value);
    let conflicts = never_hold(&[&condition])?;
    let shown = |said: &Said<'_>| {
        let not = if said.holds { "" } else { "not " };
        format!("{not}{} {}", said.row.property, said.row.operator.as_str())
    };
    Some(conflicts.first()?.0.iter().map(shown).collect())
}

fn row(property: &str, operator: &str, value: impl Into<Value>) -> Value {
    json!({"property": property, "operator": operator, "value": value.into()})
}

fn exists(property: &str) -> Value {
    json!({"property": property, "operator": "exists"})
}

#[test]
fn contradictions_are_found() {
    for impossible in [
        json!([row("p", "equalTo", "a"), row("p", "equalTo", "b")]),
        json!([row("p", "equalTo", true), row("p", "equalTo", false)]),
        json!([row("p", "equalTo", 1), row("p", "notEqualTo", 1)]),
        json!([row("n", "lessThan", 3), row("n", "greaterThan", 7)]),
        json!([row("n", "lessThan", 3), row("n", "greaterThan", 3)]),
        json!([row("n", "lessThan", 3), { "not": row("n", "lessThan", 3) }]),
        json!([row("n", "lessThan", 3), { "not": row("n", "lessThan", 4) }]),
        json!([row("n", "equalTo", 3), row("n", "lessThan", 3)]),
        json!([row("p", "in", json!(["a", "b"])), row("p", "in", json!(["c"]))]),
        json!([row("p", "in", json!(["a", "b"])), row("p", "notEqualTo", "a"), row("p", "notEqualTo", "b")]),
        json!([row("p", "in", json!(["a", "b"])), row("p", "notIn", json!(["b", "a", "c"]))]),
        json!([row("p", "equalTo", "a"), row("p", "in", json!(["c"]))]),
        json!([row("p", "equalTo", "abc"), row("p", "startsWith", "b")]),
        json!([row("p", "equalTo", "abc"), row("p", "matches", "^x")]),
        json!([row("p", "equalTo", "abc"), row("p", "like", "x%")]),
        json!([row("t", "before", "2031-01-01"), row("t", "after", "2031-01-01 00:00")]),
        json!([row("p", "startsWith", "ab"), row("p", "startsWith", "ac")]),
        json!([row("p", "endsWith", "ab"), row("p", "endsWith", "b"), row("p", "endsWith", "c")]),
        json!([row("p", "startsWith", "abc"), row("p", "notContains", "b")]),
        json!([row("p", "matches", "a+"), { "not": row("p", "matches", "a+") }]),
        json!([exists("p"), { "not": exists("p") }]),
        json!([row("p", "equalTo", "a"), { "not": exists("p") }]),
        json!([row("p", "notEqualTo", "a"), { "not": row("p", "notEqualTo", "a") }]),
        json!({"not": {"any": [row("p", "equalTo", "a"), { "not": row("p", "equalTo", "a") }]}}),
        json!([row("p", "equalTo", "a"), {"any": [row("p", "equalTo", "b"), row("p", "equalTo", "c")]}]),
        json!([{"any": [row("p", "equalTo", "a"), row("n", "lessThan", 1)]}, row("p", "equalTo", "b"), row("n", "equalTo", 2)]),
        json!({"not": {"all": []}}),
    ] {
        assert!(proof(impossible.clone()).is_some(), "{impossible}");
    }
}

#[test]
fn what_may_hold_is_left_alone() {
    for possible in [
        json!([]),
        json!([row("p", "equalTo", "a"), row("q", "equalTo", "b")]),
        json!([row("n", "greaterThan", 3), row("n", "lessThan", 4)]),
        json!([{ "not": row("n", "greaterThan", 3) }, { "not": row("n", "lessThan", 5) }]),
        json!([{ "not": row("n", "greaterThan", 3) }, row("n", "equalTo", 3)]),
        json!([row("p", "equalTo", "2031-01-01"), row("p", "equalTo", "2031-01-01 00:00")]),
        json!([row("p", "equalTo", "5"), row("p", "greaterThan", 7)]),
        json!([row("p", "notEqualTo", "a"), { "not": exists("p") }]),
        json!([row("p", "startsWith", "ab"), row("p", "startsWith", "abc")]),
        json!([row("p", "contains", "a"), row("p", "notContains", "ab")]),
        json!([row("p", "equalTo", "ABC"), row("p", "like", "a%")]),
        json!([{"any": [row("p", "equalTo", "a"), row("p", "equalTo", "b")]}, row("p", "equalTo", "b")]),
    ] {
        assert_eq!(proof(possible.clone()), None, "{possible}");
    }
}

#[test]
fn the_proof_names_the_rows() {
    let of = |value| proof(value).unwrap_or_default();
    assert_eq!(
        of(json!([exists("q"), row("n", "lessThan", 3), row("n", "lessThan", 9), row("n", "greaterThan", 5)])),
        ["n lessThan", "n greaterThan"]
    );
    assert_eq!(
        of(
            json!([row("p", "in", json!(["a", "b"])), row("p", "notEqualTo", "a"), { "not": row("p", "equalTo", "b") }])
        ),
        ["p in", "p notEqualTo", "not p equalTo"]
    );
}

#[test]
fn alternatives_that_multiply_end_the_search() {
    let either = |n: usize| json!({"any": [row(&format!("a{n}"), "equalTo", 1), row(&format!("b{n}"), "equalTo", 1)]});
    let mut all: Vec<Value> = vec![{
        let alternatives: Vec<Value> = (0..3).map(|n| row("p", "equalTo", n)).collect();
        json!({ "any": alternatives })
    }];
    all.extend((0..60).map(either));
    all.insert(0, json!({"any": [row("p", "equalTo", 7), row("p", "equalTo", 8)]}));
    let condition = condition(Value::Array(all));
    let _ = never_hold(&[&condition]);
}

/// How an evaluator might read a row, where readings differ: of no value, `not…` rows hold or do not.
fn holds(condition: &Condition, values: &[(&str, Option<Value>)], absent: bool) -> bool {
    match condition {
        Condition::All(list) => list.iter().all(|inner| holds(inner, values, absent)),
        Condition::Any(list) => list.iter().any(|inner| holds(inner, values, absent)),
        Condition::Not(inner) => !holds(inner, values, absent),
        Condition::Row(row) => {
            use crate::kinds::condition::Operator as O;
            let value = values.iter().find(|(name, _)| *name == row.property).and_then(|(_, value)| value.as_ref());
            let negative = matches!(row.operator, O::NotEqualTo | O::NotContains | O::NotIn);
            let Some(value) = value else { return negative && absent };
            if row.operator == O::Exists {
                return true;
            }
            let Some(operand) = &row.value else { return false };
            let text = value.as_str().zip(operand.as_str());
            let number = value.as_f64().zip(operand.as_f64());
            match row.operator {
                O::EqualTo => value == operand,
                O::NotEqualTo => value != operand,
                O::In => operand.as_array().is_some_and(|list| list.contains(value)),
                O::NotIn => !operand.as_array().is_some_and(|list| list.contains(value)),
                O::Contains => text.is_some_and(|(text, part)| text.contains(part)),
                O::NotContains => !text.is_some_and(|(text, part)| text.contains(part)),
                O::StartsWith => text.is_some_and(|(text, part)| text.starts_with(part)),
                O::EndsWith => text.is_some_and(|(text, part)| text.ends_with(part)),
                O::GreaterThan => number.is_some_and(|(a, b)| a > b),
                O::LessThan => number.is_some_and(|(a, b)| a < b),
                O::Matches | O::Like | O::Before | O::After | O::Exists => false,
            }
        }
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let property = prop::sample::select(vec!["p", "q"]);
    let text = || prop::sample::select(vec!["a", "b", "ab", "ba"]).prop_map(Value::from);
    let number = || (0..4i64).prop_map(Value::from);
    let value = || prop_oneof![text(), number()];
    let list = || prop::collection::vec(value(), 1..3).prop_map(Value::from);
    let of = |names: &[&'static str]| prop::sample::select(names.to_vec());
    let operation = prop_oneof![
        (of(&["equalTo", "notEqualTo"]), value().prop_map(Some)),
        (of(&["in", "notIn"]), list().prop_map(Some)),
        (of(&["contains", "notContains", "startsWith", "endsWith"]), text().prop_map(Some)),
        (of(&["greaterThan", "lessThan"]), number().prop_map(Some)),
        (of(&["exists"]), Just(None)),
    ];
    sample::conditions((property, operation).prop_map(|(property, (operator, value))| (property, operator, value)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_meets_what_is_said_never_to_hold(condition in any_condition()) {
        if never_hold(&[&condition]).is_some() {
            let texts = ["a", "b", "ab", "ba", "aba", "bab", "c"].map(|text| Some(Value::from(text)));
            let numbers = [json!(0), json!(0.5), json!(1), json!(1.5), json!(2), json!(2.5), json!(3), json!(4)].map(Some);
            let values: Vec<Option<Value>> = texts.into_iter().chain(numbers).chain([None]).collect();
            for p in &values {
                for q in &values {
                    let given = [("p", p.clone()), ("q", q.clone())];
                    for absent in [false, true] {
                        prop_assert!(!holds(&condition, &given, absent), "{condition:?} {given:?}");
                    }
                }
            }
        }
    }
}
