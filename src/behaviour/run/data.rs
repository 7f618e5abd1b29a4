//! What a request starts with: values for the workflow's data, checked and completed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::variables::{VARIABLES_LIMIT, Variables};
use crate::kinds::time;
use crate::kinds::workflow::data::{Data, DataType};

/// Errors that are told of: a body of nothing else must not become far larger errors.
const ERRORS_TOLD: usize = 100;

/// A value that does not fit the workflow's data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The workflow has no such data.
    #[error("the workflow has no data `{0}`")]
    Unknown(String),
    /// The value is of another type.
    #[error("`{name}` {wanted}")]
    Type {
        /// The data item.
        name: String,
        /// What it takes instead.
        wanted: String,
    },
    /// A required value is missing.
    #[error("`{0}` is required")]
    Required(String),
    /// All values together are too large.
    #[error("the data are larger than {VARIABLES_LIMIT} bytes")]
    TooLarge,
}

/// The variables of a new run: what is given, and the defaults of what is not. `null` counts as not given.
///
/// # Errors
/// All that is wrong with what is given: a name the workflow does not have, a value of another type (nothing is
/// converted: who starts a request knows its types), a required item without value and default.
pub fn begin(declared: &[Data], given: &Map<String, Value>) -> Result<Variables, Vec<DataError>> {
    let mut variables = Variables::default();
    let mut errors = put(declared, given, &mut variables).err().unwrap_or_default();
    for Data { name, data_type: _, required, default, class: _ } in declared {
        if given.get(name).is_some_and(|value| !value.is_null()) {
            continue;
        }
        match default {
            Some(value) => errors.extend(set(declared, name, value.clone(), &mut variables).err()),
            None if *required => errors.push(DataError::Required(name.clone())),
            None => {}
        }
    }
    if errors.is_empty() { Ok(variables) } else { Err(errors) }
}

/// New values for the data of a run; `null` takes one away.
///
/// # Errors
/// As [`begin`], and for a required item that would be taken away. Nothing is changed then.
pub fn update(declared: &[Data], given: &Map<String, Value>, variables: &mut Variables) -> Result<(), Vec<DataError>> {
    let mut updated = variables.clone();
    let mut errors = put(declared, given, &mut updated).err().unwrap_or_default();
    for (name, _) in given.iter().filter(|(_, value)| value.is_null()) {
        if declared.iter().any(|data| data.name == *name && data.required) {
            errors.push(DataError::Required(name.clone()));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    *variables = updated;
    Ok(())
}

fn put(declared: &[Data], given: &Map<String, Value>, variables: &mut Variables) -> Result<(), Vec<DataError>> {
    let mut errors = Vec::new();
    for (name, value) in given {
        if errors.len() >= ERRORS_TOLD {
            break;
        }
        let Some(data) = declared.iter().find(|data| data.name == *name) else {
            errors.push(DataError::Unknown(name.clone()));
            continue;
        };
        if let Err(wanted) = check(data.data_type, value) {
            errors.push(DataError::Type { name: name.clone(), wanted });
            continue;
        }
        errors.extend(set(declared, name, value.clone(), variables).err());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn set(declared: &[Data], name: &str, value: Value, variables: &mut Variables) -> Result<(), DataError> {
    variables.set(declared, name, value).map_err(|_| DataError::TooLarge)
}

fn check(data_type: DataType, value: &Value) -> Result<(), String> {
    match (data_type, value) {
        (_, Value::Null) | (DataType::Text, Value::String(_)) | (DataType::Numeric, Value::Number(_)) => Ok(()),
        (DataType::Datetime, Value::String(text)) if time::parse(text).is_ok() => Ok(()),
        (DataType::Text, _) => Err("takes a text".into()),
        (DataType::Numeric, _) => Err("takes a number".into()),
        (DataType::Datetime, _) => Err("takes a time".into()),
        (DataType::File, file) => check_file(file),
    }
}

/// The texts a file may have beside its size (domain §4); `upload` is not among them, because it is a part of a
/// multipart request and none is taken.
const FILE_TEXTS: [&str; 6] = ["content", "contentType", "description", "name", "updatedAt", "url"];

/// Checks that a value is a file: a map of the domain's fields with at least a content (base64) or a URL.
pub(super) fn check_file(value: &Value) -> Result<(), String> {
    let Value::Object(file) = value else { return Err("takes a file: a map with content or url".into()) };
    for (key, value) in file {
        let fits = match key.as_str() {
            "size" => value.as_u64().is_some(),
            text if FILE_TEXTS.contains(&text) => value.is_string(),
            _ => return Err(format!("takes a file, which has no `{key}`")),
        };
        if !fits {
            return Err(format!("takes a file, whose `{key}` is of another type"));
        }
    }
    match (file.get("content").and_then(Value::as_str), file.get("url")) {
        (Some(content), _) if STANDARD.decode(content).is_err() => Err("takes a file, whose content is base64".into()),
        (None, None) => Err("takes a file: a map with content or url".into()),
        (Some(_), _) | (None, Some(_)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared() -> Vec<Data> {
        serde_json::from_value(json!([
            {"name": "EMAIL", "type": "text", "required": true},
            {"name": "AMOUNT", "type": "numeric", "default": 5},
            {"name": "DUE", "type": "datetime", "required": true, "default": "2031-01-01T00:00:00Z"},
            {"name": "SCAN", "type": "file"},
        ]))
        .expect("readable data")
    }

    fn begun(given: &Value) -> Result<Value, Vec<String>> {
        let given = given.as_object().cloned().unwrap_or_default();
        begin(&declared(), &given)
            .map(|variables| Value::Object(variables.as_map().clone()))
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn defaults_complete_what_is_given() {
        let due = "2031-01-01T00:00:00Z";
        assert_eq!(begun(&json!({"EMAIL": "a"})), Ok(json!({"EMAIL": "a", "AMOUNT": 5, "DUE": due})));
        let given = json!({"EMAIL": "a", "AMOUNT": null, "DUE": "2032-02-03 04:05"});
        assert_eq!(begun(&given), Ok(json!({"EMAIL": "a", "DUE": "2032-02-03T04:05:00Z", "AMOUNT": 5})));
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        assert_eq!(
            begun(&json!({"AMOUNT": "5", "DUE": "soon", "x": 1, "SCAN": {"name": "a", "upload": "u"}})),
            Err(vec![
                "`AMOUNT` takes a number".into(),
                "`DUE` takes a time".into(),
                "the workflow has no data `x`".into(),
                "`SCAN` takes a file, which has no `upload`".into(),
                "`EMAIL` is required".into(),
            ])
        );
        assert_eq!(
            begun(&json!({"EMAIL": "x".repeat(VARIABLES_LIMIT)})),
            Err(vec!["the data are larger than 4194304 bytes".into()])
        );
    }

    #[test]
    fn files_have_a_content_or_a_url() {
        for good in [json!({"content": "aGk=", "name": "a", "size": 2}), json!({"url": "file:///a"})] {
            assert_eq!(check_file(&good), Ok(()), "{good}");
        }
        for bad in [json!({}), json!({"content": "*"}), json!({"content": "aGk=", "size": -1}), json!("aGk=")] {
            assert!(check_file(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn so_many_errors_are_told_and_no_more() {
        let given: Map<String, Value> = (0..1_000).map(|n| (format!("unknown{n}"), json!(1))).collect();
        let errors = begin(&[], &given).expect_err("unknown data");
        assert_eq!(errors.len(), ERRORS_TOLD);
    }

    #[test]
    fn an_update_changes_all_or_nothing() -> Result<(), Vec<DataError>> {
        let given = |value: Value| value.as_object().cloned().unwrap_or_default();
        let mut variables = begin(&declared(), &given(json!({"EMAIL": "a"})))?;
        let before = variables.clone();
        assert!(update(&declared(), &given(json!({"AMOUNT": 6, "EMAIL": null})), &mut variables).is_err());
        assert_eq!(variables, before);
        update(&declared(), &given(json!({"AMOUNT": null, "EMAIL": "b"})), &mut variables)?;
        assert_eq!((variables.get("AMOUNT"), variables.get("EMAIL")), (None, Some(&json!("b"))));
        Ok(())
    }
}
