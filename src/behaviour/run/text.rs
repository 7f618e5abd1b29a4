//! Texts with `{{variables}}`: cut into parts, and filled in with an escape for the place where each variable stands.

use serde_json::Value;

use super::variables::Variables;

/// Bytes a filled-in text may have: what a run sends or keeps stays small enough to be written down at every step.
pub const TEXT_LIMIT: usize = 1 << 20;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// Stands for itself.
    Literal(&'t str),
    /// The dotted path between `{{` and `}}`, trimmed.
    Variable(&'t str),
}

/// Cuts a text into its parts, in order.
///
/// The names found are those that `kinds::placeholder::brace_names` finds: braces around nothing, around a line break,
/// or never closed stand for themselves.
#[must_use]
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut literal = 0;
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find("{{")).map(|found| at + found) {
        let Some(end) = text.get(start + 2..).and_then(|rest| rest.find("}}")).map(|found| start + 2 + found) else {
            break;
        };
        let name = text.get(start + 2..end).unwrap_or_default().trim();
        at = end + 2;
        if name.is_empty() || name.contains('\n') {
            continue;
        }
        parts.extend(text.get(literal..start).filter(|before| !before.is_empty()).map(Part::Literal));
        parts.push(Part::Variable(name));
        literal = at;
    }
    parts.extend(text.get(literal..).filter(|rest| !rest.is_empty()).map(Part::Literal));
    parts
}

/// Why a text cannot be filled in with the variables a run has. Never contains their values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal with its reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// A sort of text, which knows how a value is written in the place it has come to.
pub trait Place {
    /// Literal text goes by.
    fn literal(&mut self, _text: &str) {}

    /// The value as it is written here; `None` is a variable that has none.
    ///
    /// # Errors
    /// When no escape could keep the value from changing what stands around it.
    fn value(&mut self, value: Option<&Value>) -> Result<String, Refusal>;
}

/// Text for people: the value as it is.
pub struct Plain;

impl Place for Plain {
    fn value(&mut self, value: Option<&Value>) -> Result<String, Refusal> {
        Ok(plain(value))
    }
}

/// The value as text: a text as it is, nothing for `null` and for what is absent, anything else as compact JSON.
#[must_use]
pub fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => other.to_string(),
    }
}

/// Fills a text in.
///
/// # Errors
/// When the place refuses a value, or the text becomes longer than [`TEXT_LIMIT`].
pub fn fill(text: &str, variables: &Variables, place: &mut dyn Place) -> Result<String, Refusal> {
    let mut filled = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Literal(literal) => {
                place.literal(literal);
                filled.push_str(literal);
            }
            Part::Variable(path) => {
                let value = place.value(variables.get(path));
                let value = value.map_err(|Refusal(reason)| Refusal(format!("`{{{{{path}}}}}`: {reason}")))?;
                filled.push_str(&value);
            }
        }
        if filled.len() > TEXT_LIMIT {
            return Err(Refusal::new(format!("a text becomes longer than {TEXT_LIMIT} bytes")));
        }
    }
    Ok(filled)
}

/// Fills in a text for people.
///
/// # Errors
/// When it becomes longer than [`TEXT_LIMIT`].
pub fn fill_plain(text: &str, variables: &Variables) -> Result<String, Refusal> {
    fill(text, variables, &mut Plain)
}

/// What an assignment's value becomes: a text that is nothing but one variable takes the variable's value with its type,
/// any other text is filled in, and what is no text stays.
///
/// # Errors
/// When a text becomes longer than [`TEXT_LIMIT`].
pub fn evaluate(value: &Value, variables: &Variables) -> Result<Value, Refusal> {
    let Value::String(text) = value else { return Ok(value.clone()) };
    match parts(text).as_slice() {
        [Part::Variable(path)] => Ok(variables.get(path).cloned().unwrap_or_else(|| Value::String(String::new()))),
        _ => fill_plain(text, variables).map(Value::String),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::kinds::placeholder::brace_names;

    fn variables(value: Value) -> Variables {
        serde_json::from_value(value).expect("variables")
    }

    #[test]
    fn texts_are_cut_into_parts() {
        assert_eq!(
            parts("a {{ x.y }} b {{z}} {{open"),
            [
                Part::Literal("a "),
                Part::Variable("x.y"),
                Part::Literal(" b "),
                Part::Variable("z"),
                Part::Literal(" {{open")
            ]
        );
        assert_eq!(parts("{{}} {{ \n }}"), [Part::Literal("{{}} {{ \n }}")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn values_become_text() {
        let variables = variables(json!({"t": "x", "n": 1.5, "b": true, "nil": null, "l": [1, "a"]}));
        let filled = fill_plain("{{t}}|{{n}}|{{b}}|{{nil}}|{{absent}}|{{l}}|{{l.1}}", &variables);
        assert_eq!(filled.as_deref(), Ok("x|1.5|true|||[1,\"a\"]|a"));
    }

    #[test]
    fn an_assignment_of_one_variable_keeps_its_type() {
        let variables = variables(json!({"n": 1.5, "l": [1]}));
        let evaluated = |value: Value| evaluate(&value, &variables);
        assert_eq!(evaluated(json!("{{n}}")), Ok(json!(1.5)));
        assert_eq!(evaluated(json!("{{ l }}")), Ok(json!([1])));
        assert_eq!(evaluated(json!("{{n}}!")), Ok(json!("1.5!")));
        assert_eq!(evaluated(json!("{{absent}}")), Ok(json!("")));
        assert_eq!(evaluated(json!(true)), Ok(json!(true)));
    }

    #[test]
    fn texts_do_not_grow_without_end() {
        let variables = variables(json!({"x": "y".repeat(TEXT_LIMIT)}));
        assert!(fill_plain("{{x}}", &variables).is_ok());
        assert!(fill_plain("{{x}}{{x}}", &variables).is_err());
    }

    proptest! {
        #[test]
        fn parts_are_the_names_that_kinds_find(text in "[ab{} \n.]{0,24}") {
            let names: Vec<&str> = parts(&text).into_iter().filter_map(|part| match part {
                Part::Variable(name) => Some(name),
                Part::Literal(_) => None,
            }).collect();
            prop_assert_eq!(names, brace_names(&text));
        }
    }
}
