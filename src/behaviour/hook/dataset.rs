//! Fits a call's parameters to the data of the workflow: data of that name and type must exist (domain §4).

use serde_json::{Map, Value};

use super::error::{HookCode, HookError};
use super::file::FileValue;
use super::parameter::{Parameter, ParameterValue, type_name};
use crate::kinds::time;
use crate::kinds::workflow::data::Data;

/// Values that fit, still without the bytes of their files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fitted {
    /// Values by name.
    pub values: Map<String, Value>,
    /// Files by name; see [`FileValue::to_value`].
    pub files: Vec<(String, FileValue)>,
}

/// When values are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// With the request's start: what is required must be there, and defaults fill the rest.
    Start,
    /// Later: what is not given stays.
    Later,
}

/// Fits parameters to data.
///
/// # Errors
/// All parameters without data of their name and type, and at the start all required data without a value and a
/// default.
pub fn fit(parameters: Vec<Parameter>, data: &[Data], moment: Moment) -> Result<Fitted, Vec<HookError>> {
    let mut fitted = Fitted::default();
    let mut errors = Vec::new();
    let given: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
    for Parameter { name, value } in parameters {
        let Some(declared) = data.iter().find(|data| data.name == name) else {
            errors.push(HookError::new(HookCode::UnknownData, format!("the workflow has no data `{name}`")));
            continue;
        };
        let (wanted, found) = (declared.data_type, value.data_type());
        if wanted != found {
            let message = format!("the data `{name}` is {}, not {}", type_name(wanted), type_name(found));
            errors.push(HookError::new(HookCode::WrongDataType, message));
            continue;
        }
        match value {
            ParameterValue::Text(text) => _ = fitted.values.insert(name, text.into()),
            ParameterValue::Numeric(number) => _ = fitted.values.insert(name, number.into()),
            ParameterValue::DateTime(at) => _ = fitted.values.insert(name, time::canonical(at).into()),
            ParameterValue::File(file) => fitted.files.push((name, file)),
        }
    }
    match moment {
        Moment::Later => {}
        Moment::Start => {
            for Data { name, data_type: _, required, default, class: _ } in data {
                match default {
                    _ if given.contains(name) => {}
                    Some(default) => _ = fitted.values.insert(name.clone(), default.clone()),
                    None if *required => {
                        let message = format!("the data `{name}` must be among the parameters");
                        errors.push(HookError::new(HookCode::MissingData, message));
                    }
                    None => {}
                }
            }
        }
    }
    if errors.is_empty() { Ok(fitted) } else { Err(errors) }
}
