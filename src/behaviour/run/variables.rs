//! The variables of a run: JSON values in one case-sensitive name space, reached into by dotted paths.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::data;
use super::text::plain;
use crate::kinds::time;
use crate::kinds::workflow::data::{Data, DataType};

/// Bytes that all variables of a run may have together: they are written down at every step.
pub const VARIABLES_LIMIT: usize = 4 << 20;

/// What a run knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(Map<String, Value>);

impl Variables {
    /// The value at a dotted path: the name of a variable, then keys of maps and places in lists, from 0.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut segments = path.split('.');
        let first = segments.next()?.trim();
        segments.try_fold(self.0.get(first)?, child)
    }

    /// All of them.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All of them, taken out.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// Gives a variable a value. `null` takes the variable away. One that the workflow's data declares keeps its type:
    /// a number that is written as text becomes a number, and so on.
    ///
    /// # Errors
    /// The end of the sentence "… is not set: it …" when the value does not fit the declared type, or when the variables
    /// would become larger than [`VARIABLES_LIMIT`]; nothing is changed then.
    pub fn set(&mut self, declared: &[Data], name: &str, value: Value) -> Result<(), String> {
        if value.is_null() {
            self.0.shift_remove(name);
            return Ok(());
        }
        let value = match declared.iter().find(|data| data.name == name) {
            Some(data) => typed(data.data_type, value)?,
            None => value,
        };
        let others = self.weight() - self.0.get(name).map_or(0, weight);
        if others + weight(&value) > VARIABLES_LIMIT {
            return Err(format!("would make the run's variables larger than {VARIABLES_LIMIT} bytes"));
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// About how many bytes they take when written down.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + 4 + weight(value)).sum()
    }
}

impl From<Map<String, Value>> for Variables {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

/// What a path's segment leads to below a value.
pub(super) fn child<'v>(value: &'v Value, segment: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(segment),
        Value::Array(list) => list.get(segment.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// About how many bytes a value takes when written down.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(list) => 2 + list.iter().map(|value| 1 + weight(value)).sum::<usize>(),
        Value::Object(map) => 2 + map.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum::<usize>(),
    }
}

/// A value as the type of a data item has it, converted where nothing is lost.
fn typed(data_type: DataType, value: Value) -> Result<Value, String> {
    match (data_type, value) {
        (DataType::Text, value) => Ok(Value::String(plain(Some(&value)))),
        (DataType::Numeric, number @ Value::Number(_)) => Ok(number),
        (DataType::Numeric, Value::String(text)) => match serde_json::from_str(text.trim()) {
            Ok(number @ Value::Number(_)) => Ok(number),
            Ok(_) | Err(_) => Err("takes a number".into()),
        },
        (DataType::Datetime, Value::String(text)) => match time::parse(text.trim()) {
            Ok(instant) => Ok(Value::String(time::canonical(instant))),
            Err(_) => Err("takes a time".into()),
        },
        (DataType::File, file) => data::check_file(&file).map(|()| file),
        (DataType::Numeric, _) => Err("takes a number".into()),
        (DataType::Datetime, _) => Err("takes a time".into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared() -> Vec<Data> {
        serde_json::from_value(json!([
            {"name": "T", "type": "text"}, {"name": "N", "type": "numeric"},
            {"name": "D", "type": "datetime"}, {"name": "F", "type": "file"},
        ]))
        .expect("readable data")
    }

    #[test]
    fn paths_reach_into_values() {
        let variables = Variables::from(json!({"a": [{"b": 1}], "A": 2}).as_object().cloned().unwrap_or_default());
        assert_eq!(variables.get("a.0.b"), Some(&json!(1)));
        assert_eq!(variables.get("A"), Some(&json!(2)));
        for absent in ["a.1", "a.b", "a.0.b.c", "b", "", "a.-1"] {
            assert_eq!(variables.get(absent), None, "{absent}");
        }
    }

    #[test]
    fn data_keep_their_types() {
        let set = |name: &str, value: Value| {
            let mut variables = Variables::default();
            variables.set(&declared(), name, value)?;
            Ok::<_, String>(variables.get(name).cloned())
        };
        assert_eq!(set("T", json!(5)), Ok(Some(json!("5"))));
        assert_eq!(set("N", json!(" 5.5 ")), Ok(Some(json!(5.5))));
        assert_eq!(set("N", json!("five")), Err("takes a number".into()));
        assert_eq!(set("D", json!("2031-01-01")), Ok(Some(json!("2031-01-01T00:00:00Z"))));
        assert_eq!(set("D", json!(1)), Err("takes a time".into()));
        assert_eq!(set("F", json!({"name": "a.txt", "content": "aGk="})).map(|v| v.is_some()), Ok(true));
        assert!(set("F", json!("x")).is_err());
        assert_eq!(set("free", json!([1])), Ok(Some(json!([1]))));
        assert_eq!(set("T", json!(null)), Ok(None));
    }

    #[test]
    fn they_do_not_grow_without_end() {
        let mut variables = Variables::default();
        assert_eq!(variables.set(&[], "a", json!("x".repeat(VARIABLES_LIMIT - 100))), Ok(()));
        assert!(variables.set(&[], "b", json!("x".repeat(200))).is_err());
        assert_eq!(variables.get("b"), None);
        assert_eq!(variables.set(&[], "a", json!("small")), Ok(()));
        assert_eq!(variables.set(&[], "b", json!("x".repeat(200))), Ok(()));
    }
}
