//! Values as they may be shown: secrecy and data class travel as types, so that no view has to search its output.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::secret::SecretRef;
use crate::kinds::{DataClass, FieldTree};

/// What is known of a secret's content against the target's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SecretState {
    /// Another content, or a new secret.
    Changed,
    /// The same content.
    Unchanged,
    /// It was not available; compared at apply.
    Unknown,
}

/// A value, with the guarded parts in types of their own.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// A text, number or boolean that anybody may see.
    Plain(Value),
    /// A secret; the content is not here.
    Secret {
        /// Compared with the target's.
        state: SecretState,
        /// Where it comes from.
        reference: Option<SecretRef>,
    },
    /// Personal data: in the open only on a terminal or with `--show-personal`.
    Personal(Value),
    /// Personal data of a plan that was read back: only what its file tells.
    PersonalMasked(Personal),
    /// A map, in order.
    Map(Vec<(String, Shown)>),
    /// A list.
    List(Vec<Shown>),
    /// Decided by the target during apply, such as the id of a new object.
    KnownAfterApply,
}

impl Shown {
    /// Sorts the parts of a value by the field table. `state` says what is known of the secrets in it.
    #[must_use]
    pub fn new(tree: Option<&FieldTree>, value: &Value, state: SecretState) -> Self {
        Self::with_states(tree, value, &|_| state)
    }

    /// As [`Shown::new`], where what is known differs from secret to secret.
    #[must_use]
    pub fn with_states(
        tree: Option<&FieldTree>,
        value: &Value,
        state: &dyn Fn(Option<&SecretRef>) -> SecretState,
    ) -> Self {
        let field = tree.and_then(FieldTree::field);
        if let Some(field) = field {
            if field.secret && !value.is_string() {
                let reference: Option<SecretRef> = serde_json::from_value(value.clone()).ok();
                return Self::Secret { state: state(reference.as_ref()), reference };
            }
            if field.class == DataClass::Personal && !is_placeholder(value) {
                return Self::Personal(value.clone());
            }
        }
        match value {
            Value::Object(map) => {
                let below = |key: &str| tree.and_then(|tree| tree.below_key(key));
                Self::Map(
                    map.iter().map(|(key, value)| (key.clone(), Self::with_states(below(key), value, state))).collect(),
                )
            }
            Value::Array(list) => {
                let below = tree.and_then(FieldTree::below_element);
                Self::List(list.iter().map(|value| Self::with_states(below, value, state)).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Self::Plain(value.clone()),
        }
    }

    /// As JSON. Secrets are `{"secret": state}`; personal data is counts and short hashes unless `show_personal`.
    #[must_use]
    pub fn to_json(&self, show_personal: bool) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Secret { state, reference: _ } => serde_json::json!({ "secret": state }),
            Self::Personal(value) if show_personal => value.clone(),
            Self::Personal(value) => Personal::of(value).to_json(),
            Self::PersonalMasked(personal) => personal.to_json(),
            Self::Map(map) => {
                Value::Object(map.iter().map(|(key, value)| (key.clone(), value.to_json(show_personal))).collect())
            }
            Self::List(list) => Value::Array(list.iter().map(|value| value.to_json(show_personal)).collect()),
            Self::KnownAfterApply => serde_json::json!({ "known": "after apply" }),
        }
    }
}

/// Whether a value is nothing but run-time placeholders (`{{manager}}`), which say nothing about anybody.
fn is_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let text = text.trim();
            text.starts_with("{{") && text.find("}}") == Some(text.len() - 2)
        }
        Value::Array(list) => !list.is_empty() && list.iter().all(is_placeholder),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Personal data reduced to what a reviewer needs: how many, and whether two are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// How many values.
    pub count: usize,
    /// The first eight hex digits of each one's SHA-256, in order; at most ten.
    pub hashes: Vec<String>,
}

impl Personal {
    /// The most hashes that are listed.
    pub const LISTED: usize = 10;

    /// Reduces a value: the elements of a list, or the value itself.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let values: &[Value] = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let hashes = values.iter().take(Self::LISTED).map(|value| Digest::of_json(value).short()).collect();
        Self { count: values.len(), hashes }
    }

    fn to_json(&self) -> Value {
        serde_json::json!({ "personal": { "count": self.count, "hashes": self.hashes } })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::field::field;

    #[test]
    fn guarded_parts_are_masked_wherever_they_stand() {
        let tree = FieldTree::new(&[
            field("spec.token").secret(),
            field("spec.members").class(DataClass::Personal),
            field("spec.headers.*").secret(),
        ]);
        let value = json!({"spec": {"token": {"fromEnv": "T"}, "members": ["ana"], "headers": {"A": "plain", "B": {"fromEnv": "B"}}}});
        let shown = Shown::new(Some(&tree), &value, SecretState::Changed);
        let text = shown.to_json(false).to_string();
        assert!(!text.contains("ana") && text.contains("plain"), "{text}");
        assert_eq!(text.matches(r#"{"secret":"changed"}"#).count(), 2, "{text}");
        assert!(shown.to_json(true).to_string().contains("ana"));
        let placeholder = json!({"spec": {"members": ["{{manager}}"]}});
        assert_eq!(Shown::new(Some(&tree), &placeholder, SecretState::Changed).to_json(false), placeholder);
        assert!(!is_placeholder(&json!("{{a}} and kim@acme.test {{b}}")) && !is_placeholder(&json!([])));
    }
}
