//! What is wrong with something that a caller sent: every problem at once, each with a stable code and its place.

use serde::Serialize;

use crate::base::code::Code;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What sort of problem; `trueup explain CODE` says more.
    pub code: Code,
    /// Where, from the root of the body: `properties.score`; empty for the body as a whole.
    pub field: String,
    /// One sentence, no full stop.
    pub message: String,
}

impl Fault {
    /// A problem at a field.
    pub fn new(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, field: field.into(), message: message.into() }
    }

    /// What the reader of a JSON body says about it.
    #[must_use]
    pub fn of_json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        // The library has one sort of error for all of these and tells them apart in its text only. Whatever it says in
        // a later version, the outcome is the refusal of the body; the code is a help to people.
        let code = if text.starts_with("unknown field") {
            Code::UnknownField
        } else if text.starts_with("missing field") {
            Code::MissingField
        } else if text.starts_with("duplicate field") {
            Code::DuplicateKey
        } else if text.starts_with("invalid type") {
            Code::WrongType
        } else {
            Code::InvalidValue
        };
        let field = text.split('`').nth(1).filter(|_| code != Code::WrongType && code != Code::InvalidValue);
        Self { code, field: field.unwrap_or_default().to_owned(), message: text }
    }

    /// The same of a line that was read alone, out of a file or a batch whose line is told beside it: what is left of
    /// the place is the column.
    #[must_use]
    pub fn of_a_line(mut self) -> Self {
        self.message = self.message.replace(" at line 1 column ", " at column ");
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only read")]
        name: String,
    }

    #[test]
    fn bodies_that_cannot_be_read_are_told_apart() {
        let fault = |text: &str| {
            let fault = Fault::of_json(&serde_json::from_str::<Body>(text).expect_err("a bad body"));
            (fault.code, fault.field)
        };
        assert_eq!(fault(r#"{"name": "a", "nam": 1}"#), (Code::UnknownField, "nam".to_owned()));
        assert_eq!(fault("{}"), (Code::MissingField, "name".to_owned()));
        assert_eq!(fault(r#"{"name": "a", "name": "b"}"#), (Code::DuplicateKey, "name".to_owned()));
        assert_eq!(fault(r#"{"name": 1}"#), (Code::WrongType, String::new()));
        assert_eq!(fault("{"), (Code::InvalidValue, String::new()));
    }
}
