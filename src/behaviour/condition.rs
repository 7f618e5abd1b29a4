//! Whether a condition holds of an event's properties, an end user's attributes or a run's variables.
//!
//! The rules, each with its vectors, stand in `docs/behaviour.md`. In short: a row holds of a value or does not, there is
//! no third outcome; what is absent (or null) meets no row but one whose operator begins with `not`, which is always the
//! opposite of its positive; texts are compared as written, letter case included; the row's value decides how a property
//! of another type is read.

mod like;
mod number;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::kinds::catalogue::PropertyType;
use crate::kinds::condition::{Condition, Operator, Row, compile};
use crate::kinds::time;
use like::Like;
use number::Decimal;

/// Values by name: what a condition is asked about.
pub trait Values {
    /// The value of this name. `null` counts as absent.
    fn value(&self, name: &str) -> Option<&Value>;
}

impl Values for Map<String, Value> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

impl Values for BTreeMap<String, Value> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

/// A row that no evaluation is defined for. The checks of the kinds let none of these through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the condition on `{property}` cannot be evaluated: {reason}")]
pub struct InvalidCondition {
    /// The row's property.
    pub property: String,
    /// Why.
    pub reason: String,
}

/// A condition made ready: patterns compiled, numbers and times read.
#[derive(Clone, Debug)]
pub struct CompiledCondition(Node);

#[derive(Clone, Debug)]
enum Node {
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
    Row(CompiledRow),
}

#[derive(Clone, Debug)]
struct CompiledRow {
    property: Box<str>,
    /// For `notEqualTo`, `notContains` and `notIn`: the opposite of the test.
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Exists,
    OneOf(Box<[Operand]>),
    Contains(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Matches(regex::Regex),
    Like(Like),
    Greater(Decimal),
    Less(Decimal),
    Before(Timestamp),
    After(Timestamp),
}

/// What a value is compared with for equality.
#[derive(Clone, Debug)]
enum Operand {
    Text(Box<str>),
    Number(Decimal),
    Boolean(bool),
    /// Of a property that is declared a datetime: two ways to write one time are equal.
    Instant(Timestamp),
}

impl CompiledCondition {
    /// Makes a condition ready. `type_of` gives the declared type of a name, `None` where it has none (an end user's
    /// attribute); it matters for equality of datetimes only.
    ///
    /// # Errors
    /// When a row's operator and value do not fit, which the kinds' checks refuse earlier.
    pub fn new(
        condition: &Condition,
        type_of: &dyn Fn(&str) -> Option<PropertyType>,
    ) -> Result<Self, InvalidCondition> {
        Node::new(condition, type_of).map(Self)
    }

    /// Makes a condition over names without declared types ready.
    ///
    /// # Errors
    /// As [`CompiledCondition::new`].
    pub fn untyped(condition: &Condition) -> Result<Self, InvalidCondition> {
        Self::new(condition, &|_| None)
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, values: &(impl Values + ?Sized)) -> bool {
        self.0.holds(values)
    }
}

impl Node {
    fn new(condition: &Condition, type_of: &dyn Fn(&str) -> Option<PropertyType>) -> Result<Self, InvalidCondition> {
        let list = |list: &[Condition]| -> Result<Box<[Self]>, InvalidCondition> {
            list.iter().map(|inner| Self::new(inner, type_of)).collect()
        };
        match condition {
            Condition::All(inner) => list(inner).map(Self::All),
            Condition::Any(inner) => list(inner).map(Self::Any),
            Condition::Not(inner) => Ok(Self::Not(Box::new(Self::new(inner, type_of)?))),
            Condition::Row(row) => CompiledRow::new(row, type_of(&row.property)).map(Self::Row),
        }
    }

    fn holds(&self, values: &(impl Values + ?Sized)) -> bool {
        match self {
            Self::All(list) => list.iter().all(|node| node.holds(values)),
            Self::Any(list) => list.iter().any(|node| node.holds(values)),
            Self::Not(inner) => !inner.holds(values),
            Self::Row(row) => row.holds(values.value(&row.property)),
        }
    }
}

impl CompiledRow {
    fn new(row: &Row, property_type: Option<PropertyType>) -> Result<Self, InvalidCondition> {
        let test = Test::new(row, property_type)
            .map_err(|reason| InvalidCondition { property: row.property.clone(), reason })?;
        let negated = matches!(row.operator, Operator::NotEqualTo | Operator::NotContains | Operator::NotIn);
        Ok(Self { property: row.property.as_str().into(), negated, test })
    }

    fn holds(&self, value: Option<&Value>) -> bool {
        let met = match value {
            None | Some(Value::Null) => false,
            Some(value) => self.test.met_by(value),
        };
        met != self.negated
    }
}

impl Test {
    fn new(row: &Row, property_type: Option<PropertyType>) -> Result<Self, String> {
        let name = row.operator.as_str();
        let operand = || row.value.as_ref().ok_or_else(|| format!("`{name}` needs a value"));
        let text = || operand()?.as_str().map(Box::<str>::from).ok_or_else(|| format!("`{name}` takes a text"));
        let decimal = || operand()?.as_number().map(Decimal::of).ok_or_else(|| format!("`{name}` takes a number"));
        let instant = || operand()?.as_str().and_then(instant).ok_or_else(|| format!("`{name}` takes a datetime"));
        Ok(match row.operator {
            Operator::EqualTo | Operator::NotEqualTo => Self::OneOf([Operand::new(operand()?, property_type)?].into()),
            Operator::In | Operator::NotIn => {
                let list = operand()?.as_array().ok_or_else(|| format!("`{name}` takes a list"))?;
                Self::OneOf(list.iter().map(|one| Operand::new(one, property_type)).collect::<Result<_, _>>()?)
            }
            Operator::Contains | Operator::NotContains => Self::Contains(text()?),
            Operator::StartsWith => Self::StartsWith(text()?),
            Operator::EndsWith => Self::EndsWith(text()?),
            Operator::Matches => Self::Matches(compile(&text()?).map_err(|error| error.to_string())?),
            Operator::Like => Self::Like(Like::new(&text()?)),
            Operator::GreaterThan => Self::Greater(decimal()?),
            Operator::LessThan => Self::Less(decimal()?),
            Operator::Before => Self::Before(instant()?),
            Operator::After => Self::After(instant()?),
            Operator::Exists => Self::Exists,
        })
    }

    fn met_by(&self, value: &Value) -> bool {
        match self {
            Self::Exists => true,
            Self::OneOf(operands) => operands.iter().any(|operand| operand.equals(value)),
            Self::Contains(part) => with_text(value, |text| text.contains(&**part)),
            Self::StartsWith(part) => with_text(value, |text| text.starts_with(&**part)),
            Self::EndsWith(part) => with_text(value, |text| text.ends_with(&**part)),
            Self::Matches(pattern) => with_text(value, |text| pattern.is_match(text)),
            Self::Like(pattern) => with_text(value, |text| pattern.fits(text)),
            Self::Greater(bound) => decimal(value).is_some_and(|number| number > *bound),
            Self::Less(bound) => decimal(value).is_some_and(|number| number < *bound),
            Self::Before(bound) => value.as_str().and_then(instant).is_some_and(|time| time < *bound),
            Self::After(bound) => value.as_str().and_then(instant).is_some_and(|time| time > *bound),
        }
    }
}

impl Operand {
    fn new(value: &Value, property_type: Option<PropertyType>) -> Result<Self, String> {
        match value {
            Value::String(text) if property_type == Some(PropertyType::Datetime) => {
                instant(text).map(Self::Instant).ok_or_else(|| format!("`{text}` is not a datetime"))
            }
            Value::String(text) => Ok(Self::Text(text.as_str().into())),
            Value::Number(number) => Ok(Self::Number(Decimal::of(number))),
            Value::Bool(boolean) => Ok(Self::Boolean(*boolean)),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                Err("a value is compared with a text, a number or a boolean".into())
            }
        }
    }

    fn equals(&self, value: &Value) -> bool {
        match self {
            Self::Text(text) => with_text(value, |other| other == &**text),
            Self::Number(number) => decimal(value).is_some_and(|other| other == *number),
            Self::Boolean(boolean) => match value {
                Value::Bool(other) => other == boolean,
                Value::String(text) => text == if *boolean { "true" } else { "false" },
                Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
            },
            Self::Instant(time) => value.as_str().and_then(instant).is_some_and(|other| other == *time),
        }
    }
}

/// Asks about a value as text: a number in its shortest form, a boolean as `true` or `false`; a list or map has none.
fn with_text(value: &Value, ask: impl FnOnce(&str) -> bool) -> bool {
    match value {
        Value::String(text) => ask(text),
        Value::Number(number) => ask(&number::text(number)),
        Value::Bool(true) => ask("true"),
        Value::Bool(false) => ask("false"),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// A value as number: a text counts where it is a JSON number and nothing else.
fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(Decimal::of(number)),
        Value::String(text) => Decimal::read(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    time::parse(text).ok()
}

#[cfg(test)]
mod tests;
