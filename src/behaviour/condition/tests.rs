use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The rules as the page says them, read one row at a time without any preparation: what the compiled form must agree
/// with.
fn plainly(condition: &Condition, values: &Map<String, Value>) -> bool {
    match condition {
        Condition::All(list) => list.iter().all(|inner| plainly(inner, values)),
        Condition::Any(list) => list.iter().any(|inner| plainly(inner, values)),
        Condition::Not(inner) => !plainly(inner, values),
        Condition::Row(row) => {
            let opposite = |operator| !plainly(&Condition::Row(Row { operator, ..row.clone() }), values);
            let Some(value) = values.get(&row.property).filter(|value| !value.is_null()) else {
                return matches!(row.operator, Operator::NotEqualTo | Operator::NotContains | Operator::NotIn);
            };
            let operand = row.value.clone().unwrap_or_default();
            let text = |value: &Value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number::text(number)),
                Value::Bool(boolean) => Some(boolean.to_string()),
                _ => None,
            };
            let number = |value: &Value| match value {
                Value::Number(number) => number.as_f64(),
                Value::String(text) if !text.contains(char::is_whitespace) => {
                    serde_json::from_str::<serde_json::Number>(text).ok()?.as_f64()
                }
                _ => None,
            };
            let equal = |operand: &Value| match operand {
                Value::String(wanted) => text(value).as_ref() == Some(wanted),
                Value::Number(_) => number(value).is_some() && number(value) == number(operand),
                Value::Bool(wanted) => *value == json!(wanted) || *value == json!(wanted.to_string()),
                _ => false,
            };
            let both = |ask: fn(&str, &str) -> bool| match (text(value), operand.as_str()) {
                (Some(text), Some(part)) => ask(&text, part),
                _ => false,
            };
            match row.operator {
                Operator::Exists => true,
                Operator::EqualTo => equal(&operand),
                Operator::In => operand.as_array().into_iter().flatten().any(equal),
                Operator::Contains => both(|text, part| text.contains(part)),
                Operator::StartsWith => both(|text, part| text.starts_with(part)),
                Operator::EndsWith => both(|text, part| text.ends_with(part)),
                Operator::Matches => both(|text, pattern| compile(pattern).expect("compiled").is_match(text)),
                Operator::Like => both(|text, pattern| {
                    let parts: Vec<String> = pattern.split('%').map(regex::escape).collect();
                    compile(&format!("(?s)^{}$", parts.join(".*"))).expect("compiled").is_match(text)
                }),
                Operator::GreaterThan => number(value).zip(number(&operand)).is_some_and(|(a, b)| a > b),
                Operator::LessThan => number(value).zip(number(&operand)).is_some_and(|(a, b)| a < b),
                Operator::Before => {
                    value.as_str().and_then(instant).zip(operand.as_str().and_then(instant)).is_some_and(|(a, b)| a < b)
                }
                Operator::After => {
                    value.as_str().and_then(instant).zip(operand.as_str().and_then(instant)).is_some_and(|(a, b)| a > b)
                }
                Operator::NotEqualTo => opposite(Operator::EqualTo),
                Operator::NotContains => opposite(Operator::Contains),
                Operator::NotIn => opposite(Operator::In),
            }
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec![
            json!("a"),
            json!("ab"),
            json!(""),
            json!("5"),
            json!("true"),
            json!("b%a"),
            json!("ä")
        ]),
        (-3i64..6).prop_map(Value::from),
        prop::sample::select(vec![json!(5.0), json!(2.5), json!(-0.0), json!("5.0"), json!("05")]),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![json!("2031-01-01"), json!("2031-01-01T00:00:00Z"), json!("2030-12-31 23:59")]),
    ]
}

fn held() -> impl Strategy<Value = Value> {
    prop_oneof![8 => value(), 1 => Just(Value::Null), 1 => Just(json!(["a"])), 1 => Just(json!({"a": 1}))]
}

fn row() -> impl Strategy<Value = Condition> {
    let text = prop::sample::select(vec!["", "a", "b", "ab", "5", "%", "a%", "%a%b", "ä"]);
    let operand = (prop::sample::select(Operator::ALL), value(), text, prop::collection::vec(value(), 1..4), -3i64..6);
    (prop::sample::select(vec!["x", "y"]), operand).prop_map(|(property, (operator, value, text, list, number))| {
        let value = match operator {
            Operator::Exists => None,
            Operator::EqualTo | Operator::NotEqualTo => Some(value),
            Operator::In | Operator::NotIn => Some(Value::Array(list)),
            Operator::GreaterThan | Operator::LessThan => Some(number.into()),
            Operator::Before | Operator::After => Some("2031-01-01".into()),
            Operator::Matches => Some(regex::escape(text).into()),
            Operator::Contains | Operator::NotContains | Operator::StartsWith | Operator::EndsWith | Operator::Like => {
                Some(text.into())
            }
        };
        Condition::Row(Row { property: property.to_owned(), operator, value })
    })
}

fn conditions() -> impl Strategy<Value = Condition> {
    row().prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn values() -> impl Strategy<Value = Map<String, Value>> {
    (prop::option::of(held()), prop::option::of(held())).prop_map(|(x, y)| {
        let pairs = [("x", x), ("y", y)];
        pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

fn holds(condition: &Condition, values: &Map<String, Value>) -> bool {
    CompiledCondition::untyped(condition).expect("a condition that can be evaluated").holds(values)
}

fn negated(condition: &Condition) -> Condition {
    Condition::Not(Box::new(condition.clone()))
}

proptest! {
    #[test]
    fn the_compiled_form_says_what_the_rules_say(condition in conditions(), values in values()) {
        prop_assert_eq!(holds(&condition, &values), plainly(&condition, &values));
    }

    #[test]
    fn de_morgans_laws_hold(list in prop::collection::vec(conditions(), 0..4), values in values()) {
        let each_negated: Vec<Condition> = list.iter().map(negated).collect();
        prop_assert_eq!(
            holds(&negated(&Condition::All(list.clone())), &values),
            holds(&Condition::Any(each_negated.clone()), &values)
        );
        prop_assert_eq!(holds(&negated(&Condition::Any(list)), &values), holds(&Condition::All(each_negated), &values));
    }

    #[test]
    fn the_canonical_form_means_the_same(condition in conditions(), values in values()) {
        let mut canonical = condition.clone();
        canonical.normalise();
        let written = serde_json::to_value(&canonical).expect("written");
        let read: Condition = serde_json::from_value(written).expect("read");
        prop_assert_eq!(holds(&condition, &values), holds(&read, &values));
    }

    #[test]
    fn what_has_no_value_is_as_good_as_null(condition in conditions(), y in prop::option::of(held())) {
        let y: Map<String, Value> = y.into_iter().map(|value| ("y".to_owned(), value)).collect();
        let mut with_null = y.clone();
        with_null.insert("x".to_owned(), Value::Null);
        prop_assert_eq!(holds(&condition, &y), holds(&condition, &with_null));
    }
}

#[test]
fn what_the_checks_would_refuse_is_an_error_and_not_a_guess() {
    for (operator, value) in [
        (Operator::EqualTo, None),
        (Operator::EqualTo, Some(json!([1]))),
        (Operator::In, Some(json!("a"))),
        (Operator::Contains, Some(json!(1))),
        (Operator::Matches, Some(json!("("))),
        (Operator::GreaterThan, Some(json!("1"))),
        (Operator::Before, Some(json!("soon"))),
    ] {
        let row = Row { property: "x".to_owned(), operator, value };
        let error = CompiledCondition::untyped(&Condition::Row(row)).expect_err("no evaluation is defined");
        assert_eq!(error.property, "x");
    }
}
