use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::behaviour::condition::CompiledCondition;
use crate::lint::sample::{self, said};

fn of(conditions: &str) -> Vec<String> {
    said(&sample::project(&[sample::DESTINATION, sample::SYSTEM, &sample::webhook("a", "d", conditions)]), check)
}

fn row(property: &str, operator: &str, value: &str) -> String {
    format!("{{ property: {property}, operator: {operator}, value: {value} }}")
}

fn list(rows: &[String]) -> String {
    format!("[{}]", rows.join(", "))
}

const NONE: [&str; 0] = [];

#[test]
fn a_row_that_others_imply_is_named_with_the_proof() {
    let (low, lower) = (row("score", "lessThan", "7"), row("score", "lessThan", "3"));
    let proof = "`score lessThan 7` decides nothing, because the conditions beside it say as much: ";
    assert_eq!(
        of(&list(&[low.clone(), lower.clone()])),
        [format!("6:16 {proof}`not score lessThan 7` and `score lessThan 3` exclude each other +6:67")]
    );
    assert_eq!(
        of(&format!("{{ all: {} }}", list(&[lower.clone(), row("country", "equalTo", "DE"), low.clone()]))),
        [format!("6:127 {proof}`not score lessThan 7` and `score lessThan 3` exclude each other +6:23")]
    );
    let twice = of(&list(&[low.clone(), low]));
    assert_eq!(twice.len(), 1, "one of the two goes: {twice:?}");
    assert!(twice.concat().starts_with("6:67 "), "the later one: {twice:?}");
}

#[test]
fn an_alternative_that_others_cover_is_named() {
    let any = |rows: &[String]| of(&format!("{{ any: {} }}", list(rows)));
    let covered = "decides nothing, because the alternatives beside it take all that it would: ";
    assert_eq!(
        any(&[row("country", "in", "[DE, FR]"), row("country", "equalTo", "DE")]),
        [format!(
            "6:77 `country equalTo \"DE\"` {covered}`country equalTo \"DE\"` and `not country in [\"DE\",\"FR\"]` exclude each other +6:23"
        )]
    );
    let both = format!("{{ all: {} }}", list(&[row("score", "lessThan", "3"), row("country", "equalTo", "DE")]));
    let told = any(&[both, row("score", "lessThan", "7")]);
    assert!(told.concat().contains(&format!("this alternative {covered}")), "{told:?}");
    let never = format!("{{ all: {} }}", list(&[row("score", "lessThan", "3"), row("score", "greaterThan", "7")]));
    let told = any(&[row("country", "equalTo", "DE"), never]);
    assert!(told.concat().contains("this alternative decides nothing, because it never holds: "), "{told:?}");
    assert_eq!(told.len(), 1, "its rows are not told once more: {told:?}");
}

#[test]
fn what_always_holds_is_named() {
    let german = row("country", "equalTo", "DE");
    let always = format!("{{ any: [{german}, {{ not: {german} }}] }}");
    assert_eq!(of(&always).len(), 1);
    assert!(of(&always).concat().contains("these conditions hold for everything: "));
    let beside = of(&format!("[{}, {always}]", row("score", "lessThan", "7")));
    assert!(beside.concat().contains("this condition decides nothing, because it always holds: "), "{beside:?}");
}

#[test]
fn what_decides_is_left_alone() {
    assert_eq!(of("[]"), NONE);
    assert_eq!(of(&list(&[row("score", "lessThan", "7"), row("score", "greaterThan", "3")])), NONE);
    assert_eq!(of(&list(&[row("score", "lessThan", "7"), row("country", "equalTo", "DE")])), NONE);
    let any = |rows: &[String]| of(&format!("{{ any: {} }}", list(rows)));
    assert_eq!(any(&[row("country", "equalTo", "DE"), row("country", "equalTo", "FR")]), NONE);
    assert_eq!(any(&[row("country", "startsWith", "D"), row("country", "endsWith", "E")]), NONE);
    let impossible = list(&[row("score", "lessThan", "3"), row("score", "greaterThan", "7")]);
    assert_eq!(of(&impossible), NONE, "another rule's");
    let long: Vec<String> = (0..200).map(|n| row("score", "lessThan", &n.to_string())).collect();
    assert_eq!(of(&list(&long)), NONE, "too long to compare each with each");
}

#[test]
fn personal_values_stay_out() {
    let told = of(&list(&[row("answer", "equalTo", "kim"), row("answer", "startsWith", "k")])).concat();
    assert!(told.contains("`answer startsWith …`") && !told.contains("kim"), "{told}");
}

fn branch(cases: &[&str]) -> Vec<String> {
    let mut workflow = "kind: Workflow\nmetadata: { name: w }\nspec:\n  data: [{ name: N, type: numeric }, { name: P, type: text, class: personal }]\n  start: b\n  steps:\n    - name: b\n      type: branch\n      otherwise: e\n      cases:\n".to_owned();
    for case in cases {
        workflow.push_str(&format!("        - {{ to: e, when: {case} }}\n"));
    }
    workflow.push_str("    - { name: e, type: end }\n");
    said(&sample::project(&[&workflow]), check)
}

#[test]
fn a_case_that_earlier_ones_take_is_named() {
    let (small, smaller) = (row("N", "lessThan", "10"), row("N", "lessThan", "3"));
    assert_eq!(
        branch(&[&small, &smaller]),
        [
            "13:26 the cases before this one take all that it would: `N lessThan 3` and `not N lessThan 10` exclude each other +12:26"
        ]
    );
    assert_eq!(branch(&[&smaller, &small]), NONE, "the other way round each has its own");
    let exists = "{ property: N, operator: exists }".to_owned();
    let absent = format!("{{ not: {exists} }}");
    let all = branch(&[&exists, &absent, &small]);
    assert_eq!(all.len(), 1, "the first two leave nothing: {all:?}");
    let told =
        branch(&["{ property: P, operator: startsWith, value: ki }", "{ property: P, operator: equalTo, value: kim }"]);
    assert!(told.len() == 1 && !told.concat().contains("kim"), "{told:?}");
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let text = || prop::sample::select(vec!["a", "b", "ab", "ba"]).prop_map(Value::from);
    let value = || prop_oneof![text(), (0..4i64).prop_map(Value::from)];
    let of = |names: &[&'static str]| prop::sample::select(names.to_vec());
    let operation = prop_oneof![
        (of(&["equalTo", "notEqualTo"]), value().prop_map(Some)),
        (of(&["in", "notIn"]), prop::collection::vec(value(), 1..3).prop_map(|list| Some(Value::from(list)))),
        (of(&["contains", "notContains", "startsWith", "endsWith", "like", "matches"]), text().prop_map(Some)),
        (of(&["greaterThan", "lessThan"]), (0..4i64).prop_map(|number| Some(Value::from(number)))),
        (of(&["exists"]), Just(None)),
    ];
    let row = (of(&["p", "q"]), operation).prop_map(|(property, (operator, value))| (property, operator, value));
    sample::conditions(row)
}

/// What two properties may hold, and neither.
fn any_values() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        prop::sample::select(vec!["a", "b", "ab", "ba", "aba", "", "2", "0.5", "true", "A", "2031-01-01"])
            .prop_map(Value::from),
        (-1..6i64).prop_map(Value::from),
        prop::sample::select(vec![json!(0.5), json!(1.5), json!(true), json!(null), json!([]), json!({})]),
    ];
    let of = |value: Option<Value>, name: &str| value.map(|value| (name.to_owned(), value));
    let value = prop::option::of(value);
    (value.clone(), value).prop_map(move |(p, q)| of(p, "p").into_iter().chain(of(q, "q")).collect())
}

fn holds(condition: &Condition, values: &Map<String, Value>) -> bool {
    CompiledCondition::untyped(condition).expect("a condition").holds(values)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_value_gets_past_the_cases_that_are_said_to_take_all(
        cases in prop::collection::vec(any_condition(), 1..4),
        last in any_condition(),
        values in prop::collection::vec(any_values(), 40),
    ) {
        let before = cases.iter().map(|case| (case, false));
        if never_so([(&last, true)].into_iter().chain(before)).is_some() {
            for values in &values {
                let taken = cases.iter().any(|case| holds(case, values));
                prop_assert!(!holds(&last, values) || taken, "{cases:?} {last:?} {values:?}");
            }
        }
    }

    #[test]
    fn taking_away_what_decides_nothing_changes_nothing(
        condition in any_condition(),
        values in prop::collection::vec(any_values(), 40),
    ) {
        let mut left = condition.clone();
        if take_away(&mut left) {
            for values in &values {
                prop_assert_eq!(holds(&condition, values), holds(&left, values), "{:?} {:?} {:?}", condition, left, values);
            }
        }
    }
}

/// Takes all that the rule names out of a condition; whether there was anything.
fn take_away(condition: &mut Condition) -> bool {
    match condition {
        Condition::Row(_) => false,
        Condition::Not(inner) => take_away(inner),
        Condition::All(list) => take_away_of(list, true),
        Condition::Any(list) => take_away_of(list, false),
    }
}

fn take_away_of(list: &mut Vec<Condition>, all: bool) -> bool {
    let found: Vec<usize> = idle(list, all).into_iter().map(|(n, _)| n).collect();
    let mut taken = !found.is_empty();
    for n in found {
        list.remove(n);
    }
    for element in list {
        taken |= take_away(element);
    }
    taken
}
