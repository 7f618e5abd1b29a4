//! Why a rule could not be evaluated, without a value: an object may hold personal data, and a message goes everywhere.

use cel::ExecutionError;

use super::meter::{CHARGE, MATCHES};

/// One fragment, such as ``there is no `auth` ``. `source` is the rule's: what stands in it may be repeated.
pub(super) fn error_text(error: &ExecutionError, source: &str) -> String {
    match error {
        ExecutionError::NoSuchKey(key) if source.contains(key.as_str()) => {
            format!("there is no `{key}`: ask `has(…)` first")
        }
        ExecutionError::NoSuchKey(_) => "a key is not there: ask with `in` first".to_owned(),
        ExecutionError::NoSuchOverload(error) => {
            let name = error.function().trim_matches('_').trim_start_matches('@');
            format!("`{name}` does not take {}", error.argument_types().join(" and "))
        }
        ExecutionError::UnexpectedType { got, want } => format!("{want} was expected where {got} is"),
        ExecutionError::UndeclaredReference(name) if source.contains(name.as_str()) => format!("there is no `{name}`"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero".to_owned(),
        ExecutionError::Overflow(..) => "a number is too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "a list is shorter than the index asks".to_owned(),
        ExecutionError::ValuesNotComparable(..) => "it compares values of two types".to_owned(),
        ExecutionError::FunctionError { function, .. } if function == MATCHES => {
            "a pattern cannot be compiled".to_owned()
        }
        ExecutionError::FunctionError { function, .. } if function == CHARGE => "it takes too many steps".to_owned(),
        ExecutionError::FunctionError { function, .. } if source.contains(function.as_str()) => {
            format!("`{function}` cannot convert a value")
        }
        // The enum is not exhaustive, and what is left says nothing that could be mended.
        _ => "an operation does not fit the values".to_owned(),
    }
}
