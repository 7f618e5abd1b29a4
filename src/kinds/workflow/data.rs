//! What a request of a workflow starts with and keeps.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::code::Code;
use crate::base::path::Path;
use crate::kinds::field::DataClass;
use crate::kinds::finding::Findings;
use crate::kinds::time;

/// One item of a workflow's data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Data {
    /// Its name, unique within the workflow; a variable of the run.
    #[schemars(regex(pattern = r"^[^\s.{}]+$"))]
    pub name: String,
    /// Type of its values.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Whether a request must give it.
    #[serde(default)]
    pub required: bool,
    /// Its value when a request does not give it; of its type, and none for a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "text_or_number")]
    pub default: Option<Value>,
    /// What its values say about people: decides what is masked and what the data-flow diff reports.
    #[serde(default = "super::content")]
    pub class: DataClass,
}

/// Type of a data item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum DataType {
    /// Text.
    Text,
    /// A number.
    Numeric,
    /// RFC 3339, or a date with or without a time in UTC.
    Datetime,
    /// A file.
    File,
}

fn text_or_number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "number"] })
}

impl Data {
    /// Brings it into canonical form.
    pub fn normalise(&mut self) {
        if self.data_type == DataType::Datetime
            && let Some(instant) = self.default.as_ref().and_then(Value::as_str).and_then(|t| time::parse(t).ok())
        {
            self.default = Some(time::canonical(instant).into());
        }
    }
}

/// Checks that names are unique and that defaults are of their type.
pub fn check(data: &[Data], findings: &mut Findings) {
    let all = Path::keys("spec.data");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, Data { name, data_type, required: _, default, class: _ }) in data.iter().enumerate() {
        let at = all.index(n);
        if let Some(first) = seen.insert(name, n) {
            findings
                .error(Code::DuplicateData, at.key("name"), format!("there are two data items `{name}`"))
                .related("the other one", all.index(first).key("name"));
        }
        if let Some(value) = default
            && let Err((code, message)) = data_type.check_value(value)
        {
            findings.error(code, at.key("default"), format!("the default of `{name}` {message}"));
        }
    }
}

impl DataType {
    /// Whether its values are files.
    pub(in crate::kinds) fn is_file(self) -> bool {
        match self {
            Self::File => true,
            Self::Text | Self::Numeric | Self::Datetime => false,
        }
    }

    /// Why a value is not of this type, as the end of a sentence.
    pub(in crate::kinds) fn check_value(self, value: &Value) -> Result<(), (Code, String)> {
        let wrong = |wanted: &str| Err((Code::WrongType, format!("is not {wanted}")));
        match self {
            Self::Text if !value.is_string() => wrong("a text"),
            Self::Numeric if !value.is_number() => wrong("a number"),
            Self::Datetime => match value.as_str().map(time::parse) {
                None => wrong("a time"),
                Some(Err(error)) => Err((Code::InvalidTime, format!("cannot be read: {error}"))),
                Some(Ok(_)) => Ok(()),
            },
            Self::File => Err((Code::InvalidValue, "cannot be given: a file has none".to_owned())),
            Self::Text | Self::Numeric => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_fit_their_types() {
        let default = |data_type: &str, value: Value| {
            let data = json!([{"name": "D", "type": data_type, "required": true, "default": value}]);
            let data: Vec<Data> = serde_json::from_value(data).expect("readable data");
            let mut findings = Findings::default();
            check(&data, &mut findings);
            findings.into_vec().into_iter().map(|f| format!("{} {}", f.code, f.path)).collect::<String>()
        };
        assert_eq!(default("text", json!("x")), "");
        assert_eq!(default("numeric", json!(1.5)), "");
        assert_eq!(default("datetime", json!("2031-01-01 08:30")), "");
        assert_eq!(default("text", json!(1)), "wrong-type spec.data[0].default");
        assert_eq!(default("numeric", json!("1")), "wrong-type spec.data[0].default");
        assert_eq!(default("datetime", json!("soon")), "invalid-time spec.data[0].default");
        assert_eq!(default("file", json!("x")), "invalid-value spec.data[0].default");
    }
}
