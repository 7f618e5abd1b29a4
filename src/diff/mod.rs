//! Stage 4: pure comparison of canonical forms, guided by the field table.
//!
//! Two values in, a list of differences out; with what was last applied, each difference is told apart as a change by
//! the manifests or as drift.

pub mod list;
pub mod three_way;

use serde_json::Value;

use crate::base::path::Path;
use crate::kinds::FieldTree;
use crate::kinds::field::Compare;

pub use three_way::{Cause, Judged};

/// One field that is not alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// From the manifest's root.
    pub path: Path,
    /// `None` where there is nothing.
    pub before: Option<Value>,
    /// `None` where there will be nothing.
    pub after: Option<Value>,
    /// Only the order of a list's elements differs; before and after are the orders.
    pub order_only: bool,
}

/// All differences between two canonical forms of one kind, in document order of `after`, removals after them.
#[must_use]
pub fn differences(tree: &FieldTree, before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(Some(tree), &Path::root(), before, after, &mut found);
    found
}

fn compare(tree: Option<&FieldTree>, at: &Path, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    let field = tree.and_then(FieldTree::field);
    if field.is_some_and(|field| field.secret) {
        return found.push(Difference::change(at, Some(before), Some(after)));
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                let below = tree.and_then(|tree| tree.below_key(key));
                match old.get(key) {
                    Some(old) => compare(below, &at.key(key), old, value, found),
                    None => found.push(Difference::change(&at.key(key), None, Some(value))),
                }
            }
            for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
                found.push(Difference::change(&at.key(key), Some(value), None));
            }
        }
        (Value::Array(old), Value::Array(new)) => match field.map(|field| field.compare) {
            Some(Compare::Keyed(key)) => list::keyed(tree, at, key, old, new, found),
            Some(Compare::Set) => found.push(Difference::change(at, Some(before), Some(after))),
            Some(Compare::List | Compare::Scalar | Compare::Text | Compare::Map | Compare::Group) | None => {
                list::ordered(tree, at, old, new, found);
            }
        },
        _ => found.push(Difference::change(at, Some(before), Some(after))),
    }
}

impl Difference {
    fn change(path: &Path, before: Option<&Value>, after: Option<&Value>) -> Self {
        Self { path: path.clone(), before: before.cloned(), after: after.cloned(), order_only: false }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::field::field;

    fn found(before: Value, after: Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        let tree = FieldTree::new(&[
            field("spec.set").compare(Compare::Set),
            field("spec.list").compare(Compare::List),
            field("spec.steps").compare(Compare::Keyed("name")),
            field("spec.steps[].say"),
            field("spec.map").compare(Compare::Map),
        ]);
        let wrap = |value: Value| json!({ "spec": value });
        differences(&tree, &wrap(before), &wrap(after))
            .into_iter()
            .map(|d| (d.path.to_string(), d.before, d.after))
            .collect()
    }

    #[test]
    fn maps_are_compared_key_by_key_and_sets_as_wholes() {
        assert_eq!(
            found(json!({"map": {"a": 1, "b": 2}, "set": [1]}), json!({"map": {"a": 2, "c": 3}, "set": [1, 2]})),
            [
                ("spec.map.a".into(), Some(json!(1)), Some(json!(2))),
                ("spec.map.c".into(), None, Some(json!(3))),
                ("spec.map.b".into(), Some(json!(2)), None),
                ("spec.set".into(), Some(json!([1])), Some(json!([1, 2]))),
            ]
        );
    }

    #[test]
    fn keyed_lists_recognise_moves() {
        let ask = json!({"name": "ask", "say": "A"});
        let bye = json!({"name": "bye", "say": "B"});
        let order = found(json!({"steps": [ask, bye]}), json!({"steps": [bye, ask]}));
        assert_eq!(order, [("spec.steps".into(), Some(json!(["ask", "bye"])), Some(json!(["bye", "ask"])))]);
        let changed = found(json!({"steps": [ask]}), json!({"steps": [{"name": "ask", "say": "X"}, bye]}));
        assert_eq!(
            changed,
            [
                ("spec.steps[ask].say".into(), Some(json!("A")), Some(json!("X"))),
                ("spec.steps[bye]".into(), None, Some(bye)),
            ]
        );
    }

    #[test]
    fn ordered_lists_show_what_came_and_went() {
        assert_eq!(
            found(json!({"list": ["a", "b", "c"]}), json!({"list": ["a", "c"]})),
            [("spec.list[1]".into(), Some(json!("b")), None)]
        );
        assert_eq!(
            found(json!({"list": [{"v": 1}]}), json!({"list": [{"v": 2}]})),
            [("spec.list[0].v".into(), Some(json!(1)), Some(json!(2)))]
        );
        assert_eq!(
            found(json!({"list": [1, 2]}), json!({"list": [2, 1]})),
            [("spec.list".into(), Some(json!([1, 2])), Some(json!([2, 1])))]
        );
    }
}
