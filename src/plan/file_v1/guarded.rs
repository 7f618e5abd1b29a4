//! Values with guarded parts as JSON, and back.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::secret::SecretRef;
use crate::plan::shown::{Personal, SecretState, Shown};

/// Which value of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Side {
    /// `before`.
    Before,
    /// `after`.
    After,
    /// `overwrites`.
    Overwrites,
}

/// What stands in place of, or is, a guarded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Guard {
    /// `{"secret": state}`.
    Secret,
    /// Personal data in the open (`--show-personal`).
    Personal,
    /// `{"personal": {"count": …, "hashes": […]}}`.
    PersonalMasked,
    /// `{"known": "after apply"}`.
    KnownAfterApply,
}

/// A place in a value that holds something else than a plain value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct GuardedV1 {
    /// Which value.
    pub side: Side,
    /// JSON pointer within it; empty for the whole.
    pub at: String,
    /// What stands there.
    pub guard: Guard,
    /// Where the secret comes from, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub reference: Option<SecretRef>,
}

/// The JSON of a value; its guarded places are added to `guarded`.
pub(super) fn write(shown: &Shown, side: Side, show_personal: bool, guarded: &mut Vec<GuardedV1>) -> Value {
    note(shown, side, &mut String::new(), show_personal, guarded);
    shown.to_json(show_personal)
}

fn note(shown: &Shown, side: Side, at: &mut String, show_personal: bool, guarded: &mut Vec<GuardedV1>) {
    let mut add = |guard, reference: Option<SecretRef>| {
        guarded.push(GuardedV1 { side, at: at.clone(), guard, reference });
    };
    match shown {
        Shown::Plain(_) => {}
        Shown::Secret { state: _, reference } => add(Guard::Secret, reference.clone()),
        Shown::Personal(_) if show_personal => add(Guard::Personal, None),
        Shown::Personal(_) | Shown::PersonalMasked(_) => add(Guard::PersonalMasked, None),
        Shown::KnownAfterApply => add(Guard::KnownAfterApply, None),
        Shown::Map(map) => {
            for (key, value) in map {
                below(at, &key.replace('~', "~0").replace('/', "~1"), |at| {
                    note(value, side, at, show_personal, guarded);
                });
            }
        }
        Shown::List(list) => {
            for (n, value) in list.iter().enumerate() {
                below(at, &n.to_string(), |at| note(value, side, at, show_personal, guarded));
            }
        }
    }
}

fn below<T>(at: &mut String, token: &str, then: impl FnOnce(&mut String) -> T) -> T {
    let length = at.len();
    at.push('/');
    at.push_str(token);
    let result = then(at);
    at.truncate(length);
    result
}

/// Rebuilds the values of one change.
#[derive(Debug)]
pub(super) struct Rebuild {
    places: HashMap<(Side, String), (Guard, Option<SecretRef>)>,
}

impl Rebuild {
    pub(super) fn new(guarded: Vec<GuardedV1>) -> Self {
        let place = |place: GuardedV1| ((place.side, place.at), (place.guard, place.reference));
        Self { places: guarded.into_iter().map(place).collect() }
    }

    /// The value of one side. The error says what does not fit.
    pub(super) fn value(&mut self, side: Side, value: Value) -> Result<Option<Shown>, String> {
        // A guarded null is a value; any other is the absence of one.
        if value.is_null() && !self.places.contains_key(&(side, String::new())) {
            return Ok(None);
        }
        let any = self.places.keys().any(|(of, _)| *of == side);
        if any { self.walk(side, &mut String::new(), value).map(Some) } else { Ok(Some(plain(value))) }
    }

    /// Every guarded place must have been met: one that was not belongs to another value.
    pub(super) fn finish(self) -> Result<(), String> {
        match self.places.keys().map(|(_, at)| at).min() {
            Some(at) => Err(format!("a guarded place `{}` does not exist", at.chars().take(80).collect::<String>())),
            None => Ok(()),
        }
    }

    fn walk(&mut self, side: Side, at: &mut String, value: Value) -> Result<Shown, String> {
        if let Some((guard, reference)) = self.places.remove(&(side, at.clone())) {
            return guarded(guard, reference, value);
        }
        match value {
            Value::Object(map) => map
                .into_iter()
                .map(|(key, value)| {
                    let token = key.replace('~', "~0").replace('/', "~1");
                    below(at, &token, |at| self.walk(side, at, value)).map(|value| (key, value))
                })
                .collect::<Result<_, _>>()
                .map(Shown::Map),
            Value::Array(list) => list
                .into_iter()
                .enumerate()
                .map(|(n, value)| below(at, &n.to_string(), |at| self.walk(side, at, value)))
                .collect::<Result<_, _>>()
                .map(Shown::List),
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(Shown::Plain(scalar)),
        }
    }
}

fn plain(value: Value) -> Shown {
    match value {
        Value::Object(map) => Shown::Map(map.into_iter().map(|(key, value)| (key, plain(value))).collect()),
        Value::Array(list) => Shown::List(list.into_iter().map(plain).collect()),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Shown::Plain(scalar),
    }
}

fn guarded(guard: Guard, reference: Option<SecretRef>, value: Value) -> Result<Shown, String> {
    let part = |key: &str| value.get(key).cloned().unwrap_or_default();
    match guard {
        Guard::Secret => {
            let state = serde_json::from_value::<SecretState>(part("secret"));
            let state = state.map_err(|_| "a guarded place does not hold a secret's state".to_owned())?;
            Ok(Shown::Secret { state, reference })
        }
        Guard::Personal => Ok(Shown::Personal(value)),
        Guard::PersonalMasked => {
            let masked = serde_json::from_value::<Personal>(part("personal"));
            let masked = masked.map_err(|_| "a guarded place does not hold masked personal data".to_owned())?;
            Ok(Shown::PersonalMasked(masked))
        }
        Guard::KnownAfterApply => Ok(Shown::KnownAfterApply),
    }
}
