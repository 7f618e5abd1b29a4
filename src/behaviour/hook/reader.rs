//! Reads the fields of a JSON object one by one, collects all that is wrong, and refuses what nobody asked for.

use serde_json::{Map, Value};

use super::error::{HookCode, HookError};
use super::identifier::Identifier;

/// Bytes of a name or an id, at most.
const SHORT: usize = 255;
/// Unknown fields of one object that are told of: a body of nothing else must not become far larger errors.
const UNKNOWN_TOLD: usize = 20;

/// The fields of one object, each taken at most once. `null` counts as absent.
pub(super) struct Fields<'v> {
    object: &'v Map<String, Value>,
    /// What stands before a field's name in messages: empty, or `parameters[0].`.
    prefix: String,
    known: Vec<&'static str>,
    errors: Vec<HookError>,
}

impl<'v> Fields<'v> {
    pub(super) fn new(object: &'v Map<String, Value>, prefix: impl Into<String>) -> Self {
        Self { object, prefix: prefix.into(), known: Vec::new(), errors: Vec::new() }
    }

    /// The place of a field, for messages.
    pub(super) fn place(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(super) fn error(&mut self, code: HookCode, message: String) {
        self.errors.push(HookError::new(code, message));
    }

    pub(super) fn errors(&mut self, errors: impl IntoIterator<Item = HookError>) {
        self.errors.extend(errors);
    }

    /// A field's value, whatever it is.
    pub(super) fn value(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn typed<T>(&mut self, name: &'static str, wanted: &str, read: impl Fn(&'v Value) -> Option<T>) -> Option<T> {
        let value = self.value(name)?;
        let typed = read(value);
        if typed.is_none() {
            let place = self.place(name);
            self.error(HookCode::WrongType, format!("`{place}` must be {wanted}"));
        }
        typed
    }

    /// A text of any length.
    pub(super) fn long_text(&mut self, name: &'static str) -> Option<&'v str> {
        self.typed(name, "a text", Value::as_str)
    }

    /// A name: one line of at most 255 bytes, not empty.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let text = self.long_text(name)?;
        let place = self.place(name);
        let problem = if text.is_empty() {
            "must not be empty".to_owned()
        } else if text.len() > SHORT {
            format!("must not be longer than {SHORT} bytes")
        } else if text.chars().any(char::is_control) {
            "must be one line without control characters".to_owned()
        } else {
            return Some(text.to_owned());
        };
        self.error(HookCode::InvalidValue, format!("`{place}` {problem}"));
        None
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.typed(name, "true or false", Value::as_bool)
    }

    /// A number of something that is counted from 1.
    pub(super) fn counted(&mut self, name: &'static str) -> Option<u64> {
        // A store counts with signed numbers.
        let read = |value: &Value| value.as_u64().filter(|number| *number > 0 && i64::try_from(*number).is_ok());
        self.typed(name, "a whole number from 1", read)
    }

    pub(super) fn whole(&mut self, name: &'static str) -> Option<u64> {
        self.typed(name, "a whole number from 0", Value::as_u64)
    }

    pub(super) fn object(&mut self, name: &'static str) -> Option<&'v Map<String, Value>> {
        self.typed(name, "an object", Value::as_object)
    }

    pub(super) fn list(&mut self, name: &'static str) -> Option<&'v [Value]> {
        self.typed(name, "a list", |value| value.as_array().map(Vec::as_slice))
    }

    /// An id of one type.
    pub(super) fn id<T>(&mut self, name: &'static str, read: impl Fn(&str, &str) -> Result<T, HookError>) -> Option<T> {
        let text = self.text(name)?;
        match read(&self.place(name), &text) {
            Ok(read) => Some(read),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    /// The id of a user.
    pub(super) fn user_id(&mut self, name: &'static str) -> Option<u64> {
        self.id(name, Identifier::user)
    }

    /// Whether something that is not null stands in a field, right or wrong.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether a field is a list of nothing.
    pub(super) fn is_empty_list(&self, name: &str) -> bool {
        self.object.get(name).and_then(Value::as_array).is_some_and(Vec::is_empty)
    }

    /// What is wrong, and the fields nobody asked for.
    pub(super) fn finish(mut self, what: &str) -> Vec<HookError> {
        let known = &self.known;
        let unknown = self.object.keys().filter(|name| !known.contains(&name.as_str()));
        for name in unknown.take(UNKNOWN_TOLD) {
            let shown: String = name.chars().take(60).collect();
            let place = format!("{}{shown}", self.prefix);
            let known = known.join(", ");
            self.errors.push(HookError::new(
                HookCode::UnknownField,
                format!("`{place}` is no field of {what}: it has {known}"),
            ));
        }
        self.errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_unknown_fields_is_not_answered_field_by_field() {
        let object: Map<String, Value> = (0..1_000).map(|n| (format!("field-{n}"), Value::Null)).collect();
        let errors = Fields::new(&object, "").finish("a call");
        assert_eq!(errors.len(), UNKNOWN_TOLD);
        assert!(errors.iter().all(|error| error.code == HookCode::UnknownField));
    }
}
