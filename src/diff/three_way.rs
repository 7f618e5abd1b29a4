//! Desired, live and last applied: drift told apart from intent (design §6).

use serde_json::Value;

use super::{Difference, differences};
use crate::kinds::FieldTree;

/// Why desired and live differ at a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The manifests changed; live is as it was last applied, or nothing was applied before.
    Change,
    /// Live changed; the manifests are as they were last applied.
    Drift,
    /// Both changed, differently: the change overwrites drift.
    ChangeOverDrift,
}

/// A difference with its cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The difference, from live to desired.
    pub difference: Difference,
    /// Its cause.
    pub cause: Cause,
    /// What was last applied at this field, where there was a last apply.
    pub applied: Option<Value>,
}

/// Differences from live to desired, each with its cause.
#[must_use]
pub fn judge(tree: &FieldTree, desired: &Value, live: &Value, applied: Option<&Value>) -> Vec<Judged> {
    differences(tree, live, desired)
        .into_iter()
        .map(|difference| {
            let Some(base) = applied else {
                return Judged { difference, cause: Cause::Change, applied: None };
            };
            let applied = difference.path.of(base).cloned();
            let of = |value: &Value| difference.path.of(value).cloned();
            // The order of a keyed list is compared as an order; the elements have differences of their own.
            let (desired_here, live_here, base_here) = if difference.order_only {
                let names = |value: Option<Value>| value.map(|value| order_of(&value));
                (names(of(desired)), names(of(live)), names(applied.clone()))
            } else {
                (of(desired), of(live), applied.clone())
            };
            let cause = if live_here == base_here {
                Cause::Change
            } else if desired_here == base_here {
                Cause::Drift
            } else {
                Cause::ChangeOverDrift
            };
            Judged { difference, cause, applied }
        })
        .collect()
}

fn order_of(list: &Value) -> Value {
    let name = |value: &Value| value.get("name").cloned().unwrap_or_else(|| value.clone());
    Value::Array(list.as_array().map(|list| list.iter().map(name).collect()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_of_the_design() {
        let tree = FieldTree::new(&[]);
        let cause = |desired: i32, live: i32, applied: Option<i32>| {
            let wrap = |n: i32| json!({"spec": {"n": n}});
            let judged = judge(&tree, &wrap(desired), &wrap(live), applied.map(wrap).as_ref());
            judged.first().map(|judged| judged.cause)
        };
        assert_eq!(cause(1, 1, Some(1)), None);
        assert_eq!(cause(1, 1, Some(2)), None, "brought into line by hand");
        assert_eq!(cause(2, 1, Some(1)), Some(Cause::Change));
        assert_eq!(cause(1, 2, Some(1)), Some(Cause::Drift));
        assert_eq!(cause(3, 2, Some(1)), Some(Cause::ChangeOverDrift));
        assert_eq!(cause(2, 1, None), Some(Cause::Change));
    }

    #[test]
    fn a_field_added_by_hand_is_drift() {
        let tree = FieldTree::new(&[]);
        let empty = json!({"spec": {}});
        let judged = judge(&tree, &empty, &json!({"spec": {"x": 1}}), Some(&empty));
        assert_eq!(judged.first().map(|j| j.cause), Some(Cause::Drift));
    }
}
