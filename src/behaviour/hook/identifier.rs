//! Identifiers as callers see them: base64 of `Type:n`, and of `Action:r---n` for action n of request r (domain §4).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::{HookCode, HookError};

/// What an identifier names, by its number within the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identifier {
    /// A request: a run of a workflow.
    Request(u64),
    /// A user.
    User(u64),
    /// A process: a workflow.
    Process(u64),
    /// An action: a task of a request, numbered from 1 within it.
    Action {
        /// The request's number.
        request: u64,
        /// The action's number within the request.
        action: u64,
    },
}

impl Identifier {
    /// As callers see it.
    #[must_use]
    pub fn encode(self) -> String {
        STANDARD.encode(self.to_string())
    }

    /// Reads what [`encode`](Self::encode) writes, and nothing else: no other spelling of a number, no other base64.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let (sort, number) = decoded.split_once(':')?;
        match sort {
            "Request" => Some(Self::Request(counted(number)?)),
            "User" => Some(Self::User(counted(number)?)),
            "Process" => Some(Self::Process(counted(number)?)),
            "Action" => {
                let (request, action) = number.split_once("---")?;
                Some(Self::Action { request: counted(request)?, action: counted(action)? })
            }
            _ => None,
        }
    }

    /// The number of a request's id.
    ///
    /// # Errors
    /// When the text is none.
    pub fn request(field: &str, text: &str) -> Result<u64, HookError> {
        match Self::decode(text) {
            Some(Self::Request(number)) => Ok(number),
            Some(Self::User(_) | Self::Process(_) | Self::Action { .. }) | None => Err(wrong(field, "Request:n")),
        }
    }

    /// The number of a user's id.
    ///
    /// # Errors
    /// When the text is none.
    pub fn user(field: &str, text: &str) -> Result<u64, HookError> {
        match Self::decode(text) {
            Some(Self::User(number)) => Ok(number),
            Some(Self::Request(_) | Self::Process(_) | Self::Action { .. }) | None => Err(wrong(field, "User:n")),
        }
    }

    /// The number of a process's id.
    ///
    /// # Errors
    /// When the text is none.
    pub fn process(field: &str, text: &str) -> Result<u64, HookError> {
        match Self::decode(text) {
            Some(Self::Process(number)) => Ok(number),
            Some(Self::Request(_) | Self::User(_) | Self::Action { .. }) | None => Err(wrong(field, "Process:n")),
        }
    }

    /// The numbers of request and action of an action's id.
    ///
    /// # Errors
    /// When the text is none.
    pub fn action(field: &str, text: &str) -> Result<(u64, u64), HookError> {
        match Self::decode(text) {
            Some(Self::Action { request, action }) => Ok((request, action)),
            Some(Self::Request(_) | Self::User(_) | Self::Process(_)) | None => Err(wrong(field, "Action:r---n")),
        }
    }
}

fn wrong(field: &str, form: &str) -> HookError {
    HookError::new(HookCode::InvalidId, format!("`{field}` is no id: it must be the base64 of `{form}`"))
}

/// A number from 1 as it is printed: digits, no leading zero.
fn counted(text: &str) -> Option<u64> {
    let fits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    // A store counts with signed numbers.
    text.parse().ok().filter(|number| fits && i64::try_from(*number).is_ok())
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(number) => write!(f, "Request:{number}"),
            Self::User(number) => write!(f, "User:{number}"),
            Self::Process(number) => write!(f, "Process:{number}"),
            Self::Action { request, action } => write!(f, "Action:{request}---{action}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_identifier() -> impl Strategy<Value = Identifier> {
        let number = 1_u64..=i64::MAX.unsigned_abs();
        prop_oneof![
            number.clone().prop_map(Identifier::Request),
            number.clone().prop_map(Identifier::User),
            number.clone().prop_map(Identifier::Process),
            (number.clone(), number).prop_map(|(request, action)| Identifier::Action { request, action }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(identifier in any_identifier()) {
            prop_assert_eq!(Identifier::decode(&identifier.encode()), Some(identifier));
        }

        #[test]
        fn one_thing_has_one_id(text in "(Request|User|Process|Action|):?[0-9+-]{0,22}") {
            let encoded = STANDARD.encode(&text);
            if let Some(identifier) = Identifier::decode(&encoded) {
                prop_assert_eq!(identifier.encode(), encoded);
            }
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            let _ = Identifier::decode(&text);
        }
    }

    #[test]
    fn each_field_takes_its_own_type() {
        let user = Identifier::User(1).encode();
        assert_eq!(Identifier::user("onBehalfOf", &user), Ok(1));
        let error = Identifier::request("id", &user).expect_err("another type");
        assert_eq!(error.code, HookCode::InvalidId);
        assert_eq!(error.message, "`id` is no id: it must be the base64 of `Request:n`");
        assert_eq!(Identifier::action("id", "QWN0aW9uOjEtLS0y"), Ok((1, 2)));
    }
}
