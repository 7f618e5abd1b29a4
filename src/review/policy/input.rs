//! From JSON to what an expression sees.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt};
use cel::common::value::Val;
use serde_json::Value;

/// A JSON value as CEL has it. Whole numbers are signed, as CEL's literals are: it has no `uint + int`.
pub(super) fn to_cel(value: &Value) -> Box<dyn Val> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Box::new(CelInt::from(number)),
            (None, Some(number)) => Box::new(CelUInt::from(number)),
            (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(text) => Box::new(CelString::from(text.clone())),
        Value::Array(list) => Box::new(CelList::from(list.iter().map(to_cel).collect::<Vec<_>>())),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| (key_of(key), to_cel(value)));
            Box::new(CelMap::from(entries.collect::<HashMap<_, _>>()))
        }
    }
}

fn key_of(key: &str) -> CelMapKey<'static> {
    CelMapKey::String(CelString::from(key.to_owned()))
}
