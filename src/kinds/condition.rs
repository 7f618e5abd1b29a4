//! Conditions: `all`, `any`, `not` over rows of property, operator and value.
//!
//! Used by webhooks (over an event's properties), audiences (over an end user's attributes) and branches (over a run's
//! variables). Parsed by hand, because the three forms and the bare list have no common tag.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::catalogue::PropertyType;
use super::finding::Findings;
use crate::base::code::Code;
use crate::base::path::Path;

/// How deep conditions may nest.
const DEPTH_LIMIT: usize = 16;

/// A condition in canonical form: no `all` with a single row directly inside another `all`.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Every one holds; an empty list holds always.
    All(Vec<Condition>),
    /// At least one holds; an empty list never holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A row.
    Row(Row),
}

/// Property, operator, value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the property, attribute or variable.
    pub property: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what; `None` only for `exists`.
    pub value: Option<Value>,
}

macro_rules! operators {
    ($($variant:ident $text:literal $doc:literal;)+) => {
        /// How a property is compared with a value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Operator { $(#[doc = $doc] $variant,)+ }

        impl Operator {
            /// All operators in the order of the design.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As written in manifests.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What it means.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $doc,)+ }
            }
        }
    };
}

operators! {
    EqualTo "equalTo" "equal to the value";
    NotEqualTo "notEqualTo" "not equal to the value";
    Contains "contains" "the text contains the value";
    NotContains "notContains" "the text does not contain the value";
    StartsWith "startsWith" "the text starts with the value";
    EndsWith "endsWith" "the text ends with the value";
    Matches "matches" "the text matches the regular expression";
    GreaterThan "greaterThan" "the number is greater than the value";
    LessThan "lessThan" "the number is less than the value";
    Before "before" "the datetime is before the value";
    After "after" "the datetime is after the value";
    In "in" "equal to one of the list";
    NotIn "notIn" "equal to none of the list";
    Exists "exists" "the property is present; takes no value";
    Like "like" "the text is like the pattern, in which % stands for any characters";
}

impl Condition {
    /// The rows, outermost first, each with its path below `at`.
    pub fn rows<'c>(&'c self, at: &Path, visit: &mut dyn FnMut(&'c Row, Path)) {
        match self {
            Self::Row(row) => visit(row, at.clone()),
            Self::Not(inner) => inner.rows(&at.key("not"), visit),
            Self::Any(list) => list.iter().enumerate().for_each(|(n, c)| c.rows(&at.key("any").index(n), visit)),
            Self::All(list) => list.iter().enumerate().for_each(|(n, c)| c.rows(&at.key("all").index(n), visit)),
        }
    }

    /// The rows of a condition that may be written as a bare list at `at`.
    pub fn rows_at_top<'c>(&'c self, at: &Path, visit: &mut dyn FnMut(&'c Row, Path)) {
        match self {
            Self::All(list) => list.iter().enumerate().for_each(|(n, c)| c.rows(&at.index(n), visit)),
            other @ (Self::Any(_) | Self::Not(_) | Self::Row(_)) => other.rows(at, visit),
        }
    }

    /// Brings a condition at the top into canonical form: a single row is a list of one, which means the same.
    pub fn normalise(&mut self) {
        if let Self::Row(row) = self {
            *self = Self::All(vec![Self::Row(row.clone())]);
        }
    }

    /// Whether it holds for everything because it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(list) if list.is_empty())
    }

    /// Whether it holds for everything, because there is no row that it could depend on.
    #[must_use]
    pub fn asks_nothing(&self) -> bool {
        match self {
            Self::All(list) => list.iter().all(Self::asks_nothing),
            Self::Any(list) => list.iter().any(Self::asks_nothing),
            Self::Not(_) | Self::Row(_) => false,
        }
    }

    /// Checks every row's operator against its value and the property's type.
    ///
    /// `type_of` gives the type of a property: `Ok(None)` where it has none that is known (an end user's attribute),
    /// `Err(())` where the property does not exist; `unknown` then reports it.
    pub fn check(
        &self,
        at: &Path,
        type_of: &dyn Fn(&str) -> Result<Option<PropertyType>, ()>,
        unknown: &mut dyn FnMut(&mut Findings, &Row, Path),
        findings: &mut Findings,
    ) {
        self.rows_at_top(at, &mut |row, path| {
            check_row(row, &path, type_of, unknown, findings);
        });
    }

    fn from_value(value: &Value, depth: usize) -> Result<Self, String> {
        if depth > DEPTH_LIMIT {
            return Err(format!("conditions nest at most {DEPTH_LIMIT} levels"));
        }
        let list = |value: &Value| -> Result<Vec<Self>, String> {
            let list = value.as_array().ok_or("expected a list of conditions")?;
            list.iter().map(|value| Self::from_value(value, depth + 1)).collect()
        };
        let map = match value {
            Value::Array(_) => return Ok(Self::All(list(value)?)),
            Value::Object(map) => map,
            _ => return Err("expected a condition: all, any, not, or property, operator and value".into()),
        };
        let mut keys = map.iter();
        match (keys.next(), keys.next()) {
            (Some((key, value)), None) if key == "all" => Ok(Self::All(list(value)?)),
            (Some((key, value)), None) if key == "any" => Ok(Self::Any(list(value)?)),
            (Some((key, value)), None) if key == "not" => Ok(Self::Not(Box::new(Self::from_value(value, depth + 1)?))),
            _ => Row::deserialize_strict(value).map(Self::Row),
        }
    }

    fn to_value(&self) -> Value {
        let list = |list: &[Self]| Value::Array(list.iter().map(Self::to_value).collect());
        match self {
            Self::All(inner) => json!({ "all": list(inner) }),
            Self::Any(inner) => json!({ "any": list(inner) }),
            Self::Not(inner) => json!({ "not": inner.to_value() }),
            Self::Row(row) => {
                let mut map = serde_json::Map::new();
                map.insert("property".into(), row.property.clone().into());
                map.insert("operator".into(), row.operator.as_str().into());
                if let Some(value) = &row.value {
                    map.insert("value".into(), value.clone());
                }
                Value::Object(map)
            }
        }
    }
}

impl Row {
    fn deserialize_strict(value: &Value) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            property: String,
            operator: Operator,
            #[serde(default)]
            value: Option<Value>,
        }
        let Written { property, operator, value } = Written::deserialize(value).map_err(|e| e.to_string())?;
        Ok(Self { property, operator, value })
    }
}

fn check_row(
    row: &Row,
    path: &Path,
    type_of: &dyn Fn(&str) -> Result<Option<PropertyType>, ()>,
    unknown: &mut dyn FnMut(&mut Findings, &Row, Path),
    findings: &mut Findings,
) {
    let Ok(property_type) = type_of(&row.property) else {
        return unknown(findings, row, path.key("property"));
    };
    if let Err((key, message)) = row.fits(property_type) {
        let code = if row.operator == Operator::Matches
            && key == "value"
            && row.value.as_ref().is_some_and(Value::is_string)
        {
            Code::InvalidPattern
        } else {
            Code::OperandType
        };
        findings.error(code, path.key(key), message);
    }
}

impl Row {
    /// Whether operator, value and the property's type (if known) fit; else the field at fault and why.
    fn fits(&self, property: Option<PropertyType>) -> Result<(), (&'static str, String)> {
        use Operator as O;
        use PropertyType as T;
        let operator = self.operator;
        let name = operator.as_str();
        let takes: &[T] = match operator {
            O::EqualTo | O::NotEqualTo | O::In | O::NotIn => &[T::String, T::Number, T::Boolean, T::Datetime],
            O::Contains | O::NotContains | O::StartsWith | O::EndsWith | O::Matches | O::Like => &[T::String],
            O::GreaterThan | O::LessThan => &[T::Number],
            O::Before | O::After => &[T::Datetime],
            O::Exists => {
                return match self.value {
                    None => Ok(()),
                    Some(_) => Err(("value", "`exists` takes no value".into())),
                };
            }
        };
        if let Some(property) = property
            && !takes.contains(&property)
        {
            let message = format!("`{name}` does not compare a {}: `{}` is one", property.as_str(), self.property);
            return Err(("operator", message));
        }
        let Some(value) = &self.value else {
            return Err(("operator", format!("`{name}` needs a value")));
        };
        let values: &[Value] = match (operator, value) {
            (O::In | O::NotIn, Value::Array(list)) if !list.is_empty() => list,
            (O::In | O::NotIn, _) => return Err(("value", format!("`{name}` takes a list of at least one value"))),
            (_, single) => std::slice::from_ref(single),
        };
        for value in values {
            let fits = match property {
                Some(property) => has_type(value, property),
                None => takes.iter().any(|t| has_type(value, *t)),
            };
            if !fits {
                let wanted = property.map_or_else(
                    || takes.iter().map(|t| t.as_str()).collect::<Vec<_>>().join(" or "),
                    |property| property.as_str().to_owned(),
                );
                return Err(("value", format!("`{name}` on `{}` takes a {wanted}", self.property)));
            }
        }
        if operator == O::Matches
            && let Some(pattern) = value.as_str()
            && let Err(error) = compile(pattern)
        {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            return Err(("value", format!("the regular expression cannot be compiled: {reason}")));
        }
        Ok(())
    }
}

/// Bytes a compiled pattern may have: enough for `\\w{1,63}`, and little enough that a file full of patterns is checked
/// in seconds.
const PATTERN_LIMIT: usize = 4 << 20;

/// Compiles the pattern of a `matches` row.
///
/// # Errors
/// When it is no regular expression, asks for look-around or back-references, or is too large.
pub fn compile(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).size_limit(PATTERN_LIMIT).build()
}

fn has_type(value: &Value, wanted: PropertyType) -> bool {
    match wanted {
        PropertyType::String => value.is_string(),
        PropertyType::Number => value.is_number(),
        PropertyType::Boolean => value.is_boolean(),
        PropertyType::Datetime => value.as_str().is_some_and(|text| super::time::parse(text).is_ok()),
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // At the top the bare list is the canonical form: it is what people write.
            Self::All(list) => list.iter().map(Self::to_value).collect::<Vec<_>>().serialize(serializer),
            other @ (Self::Any(_) | Self::Not(_) | Self::Row(_)) => other.to_value().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(&value, 0).map_err(D::Error::custom)
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let this = generator.subschema_for::<NestedCondition>();
        json_schema!({
            "description": "A condition, or a list of conditions that all must hold.",
            "if": { "type": "array" },
            "then": { "items": this.clone() },
            "else": this
        })
    }
}

/// The schema of a condition inside another: a bare list only under `not`.
struct NestedCondition;

impl JsonSchema for NestedCondition {
    fn schema_name() -> Cow<'static, str> {
        "NestedCondition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let this = generator.subschema_for::<Self>();
        let operator = |o: &Operator| json!({ "type": "string", "const": o.as_str(), "description": o.description() });
        let operators: Vec<Value> = Operator::ALL.iter().map(operator).collect();
        json_schema!({
            "type": "object",
            "properties": {
                "all": { "type": "array", "items": this.clone(), "description": "Every one of these holds." },
                "any": { "type": "array", "items": this.clone(), "minItems": 1, "description": "At least one of these holds." },
                "not": {
                    "description": "This does not hold; of a list, that all of it holds.",
                    "if": { "type": "array" },
                    "then": { "items": this.clone(), "minItems": 1 },
                    "else": this.clone()
                },
                "property": { "type": "string", "minLength": 1, "description": "Name of the property, attribute or variable." },
                "operator": { "oneOf": operators, "description": "How it is compared." },
                "value": {
                    "type": ["string", "number", "boolean", "array"],
                    "items": { "type": ["string", "number", "boolean"] },
                    "description": "With what: of the property's type; a list for in and notIn; absent for exists."
                }
            },
            "additionalProperties": false,
            "minProperties": 1,
            "if": { "anyOf": [{ "required": ["all"] }, { "required": ["any"] }, { "required": ["not"] }] },
            "then": { "maxProperties": 1 },
            "else": { "required": ["property", "operator"] }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> Result<Condition, serde_json::Error> {
        serde_json::from_value(value)
    }

    #[test]
    fn forms_are_read_and_written_back() {
        let written = json!([
            {"property": "score", "operator": "lessThan", "value": 7},
            {"any": [{"property": "country", "operator": "in", "value": ["DE"]}, {"not": {"property": "x", "operator": "exists"}}]},
        ]);
        let condition = parse(written.clone()).ok();
        assert_eq!(condition.and_then(|c| serde_json::to_value(c).ok()), Some(written.clone()));
        assert_eq!(parse(json!({ "all": written.clone() })).ok(), parse(written).ok());
        assert!(parse(json!({"property": "x", "operator": "isLike"})).is_err());
        assert!(parse(json!({"all": [], "any": []})).is_err());
        let row = json!({"property": "x", "operator": "exists"});
        let not = parse(json!({ "not": [row.clone()] })).ok();
        assert_eq!(not.and_then(|c| serde_json::to_value(c).ok()), Some(json!({ "not": { "all": [row] } })));
    }

    #[test]
    fn operands_are_checked_against_types() {
        let row = |operator, value| Row { property: "p".into(), operator, value };
        let ok = |r: &Row, t| r.fits(Some(t)).is_ok();
        assert!(ok(&row(Operator::LessThan, Some(json!(7))), PropertyType::Number));
        assert!(!ok(&row(Operator::LessThan, Some(json!("7"))), PropertyType::Number));
        assert!(!ok(&row(Operator::LessThan, Some(json!(7))), PropertyType::String));
        assert!(ok(&row(Operator::In, Some(json!(["a"]))), PropertyType::String));
        assert!(!ok(&row(Operator::In, Some(json!("a"))), PropertyType::String));
        assert!(!ok(&row(Operator::In, Some(json!([]))), PropertyType::String));
        assert!(ok(&row(Operator::Exists, None), PropertyType::String));
        assert!(!ok(&row(Operator::Exists, Some(json!(true))), PropertyType::String));
        assert!(ok(&row(Operator::Before, Some(json!("2026-01-01"))), PropertyType::Datetime));
        assert!(!ok(&row(Operator::Before, Some(json!("soon"))), PropertyType::Datetime));
        assert!(!ok(&row(Operator::Matches, Some(json!("(?=x)"))), PropertyType::String));
        assert!(ok(&row(Operator::Matches, Some(json!("^\\w{1,63}$"))), PropertyType::String));
        assert!(!ok(&row(Operator::Matches, Some(json!("((a{1000}){1000}){1000}"))), PropertyType::String));
    }
}
