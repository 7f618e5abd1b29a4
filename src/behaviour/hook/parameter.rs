//! Parameters of a call: a name and a value of one of four types (domain §4).

use jiff::Timestamp;
use serde_json::{Number, Value};

use super::error::{HookCode, HookError};
use super::file::FileValue;
use super::reader::Fields;
use crate::kinds::time;
use crate::kinds::workflow::data::DataType;

/// Parameters of one call, at most.
const PARAMETERS_LIMIT: usize = 1_000;

/// A value for data of the request.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name of the data.
    pub name: String,
    /// Its value.
    pub value: ParameterValue,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterValue {
    /// `textValue`.
    Text(String),
    /// `numericValue`.
    Numeric(Number),
    /// `dateTimeValue`, in any of the domain's formats.
    DateTime(Timestamp),
    /// `fileValue`.
    File(FileValue),
}

impl ParameterValue {
    /// Its type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Text,
            Self::Numeric(_) => DataType::Numeric,
            Self::DateTime(_) => DataType::Datetime,
            Self::File(_) => DataType::File,
        }
    }
}

/// A data type as calls write it.
#[must_use]
pub fn type_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Text => "TEXT",
        DataType::Numeric => "NUMERIC",
        DataType::Datetime => "DATETIME",
        DataType::File => "FILE",
    }
}

const VALUES: [&str; 4] = ["textValue", "numericValue", "dateTimeValue", "fileValue"];

/// Reads `parameters`; errors stay with the fields.
pub(super) fn read_all(fields: &mut Fields<'_>) -> Vec<Parameter> {
    let list = fields.list("parameters").unwrap_or_default();
    if list.len() > PARAMETERS_LIMIT {
        let message = format!("`parameters` must not be more than {PARAMETERS_LIMIT}");
        fields.error(HookCode::InvalidValue, message);
        return Vec::new();
    }
    let mut parameters: Vec<Parameter> = Vec::new();
    for (n, value) in list.iter().enumerate() {
        match read(n, value) {
            Ok(parameter) if parameters.iter().any(|other| other.name == parameter.name) => {
                let message = format!("`parameters[{n}]`: there are two parameters `{}`", parameter.name);
                fields.error(HookCode::DuplicateParameter, message);
            }
            Ok(parameter) => parameters.push(parameter),
            Err(errors) => fields.errors(errors),
        }
    }
    parameters
}

fn read(n: usize, value: &Value) -> Result<Parameter, Vec<HookError>> {
    let place = format!("parameters[{n}]");
    let Some(object) = value.as_object() else {
        return Err(vec![HookError::new(HookCode::WrongType, format!("`{place}` must be an object"))]);
    };
    let mut fields = Fields::new(object, format!("{place}."));
    let name = fields.text("name");
    if !fields.has("name") {
        fields.error(HookCode::MissingField, format!("`{place}.name` is needed"));
    }
    let value = read_value(&place, &mut fields);
    let errors = fields.finish("a parameter");
    match (name, value) {
        (Some(name), Some(value)) if errors.is_empty() => Ok(Parameter { name, value }),
        (_, _) => Err(errors),
    }
}

/// The one value of a parameter. All four fields are looked at, so that a wrong one beside a right one is said too.
fn read_value(place: &str, fields: &mut Fields<'_>) -> Option<ParameterValue> {
    let given = VALUES.iter().filter(|name| fields.has(name)).count();
    if given != 1 {
        let message = format!("`{place}` must have exactly one of {}", VALUES.join(", "));
        fields.error(if given == 0 { HookCode::MissingField } else { HookCode::ConflictingFields }, message);
    }
    let text = fields.long_text("textValue").map(|text| ParameterValue::Text(text.to_owned()));
    let numeric = fields.value("numericValue").and_then(|value| {
        let number = value.as_number().cloned().map(ParameterValue::Numeric);
        if number.is_none() {
            fields.error(HookCode::WrongType, format!("`{place}.numericValue` must be a number"));
        }
        number
    });
    let date_time = fields.long_text("dateTimeValue").and_then(|text| {
        let read = time::parse(text);
        if let Err(error) = &read {
            fields.error(HookCode::InvalidValue, format!("`{place}.dateTimeValue`: {error}"));
        }
        read.ok().map(ParameterValue::DateTime)
    });
    let file =
        fields.object("fileValue").and_then(|file| match FileValue::read(&format!("{place}.fileValue."), file) {
            Ok(file) => Some(ParameterValue::File(file)),
            Err(errors) => {
                fields.errors(errors);
                None
            }
        });
    let value = text.or(numeric).or(date_time).or(file);
    if let Some(wanted) = fields.long_text("type")
        && let Some(value) = &value
    {
        let found = type_name(value.data_type());
        if wanted != found {
            let message = format!("`{place}.type` does not agree with its value, which is {found}");
            fields.error(HookCode::ConflictingFields, message);
        }
    }
    value
}
