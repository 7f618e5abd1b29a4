//! Values compared leaf by leaf, so that each difference has a place of its own.

use serde_json::Value;

use crate::base::path::{Path, Segment};

/// A leaf that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leaf {
    /// Where, below the values compared.
    pub(super) at: Vec<Segment>,
    /// What was expected; `None` for nothing.
    pub(super) expected: Option<Value>,
    /// What there is; `None` for nothing.
    pub(super) actual: Option<Value>,
}

impl Leaf {
    /// The path of the leaf below another.
    pub(super) fn below(&self, path: &Path) -> Path {
        self.at.iter().fold(path.clone(), |path, segment| path.with(segment.clone()))
    }

    /// The first key on the way to it.
    pub(super) fn first_key(&self) -> Option<&str> {
        match self.at.first()? {
            Segment::Key(key) => Some(key),
            Segment::Index(_) | Segment::Element(_) => None,
        }
    }
}

/// How much of a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// The keys that are named; of a text, whether it is contained.
    Part,
}

/// The leaves in which two values differ.
pub(super) fn differences(expected: &Value, actual: Option<&Value>, extent: Extent) -> Vec<Leaf> {
    let mut found = Vec::new();
    if let (Extent::Part, Value::String(part), Some(Value::String(text))) = (extent, expected, actual)
        && text.contains(part.as_str())
    {
        return found;
    }
    walk(expected, actual, extent, &mut Vec::new(), &mut found);
    found
}

fn walk(expected: &Value, actual: Option<&Value>, extent: Extent, at: &mut Vec<Segment>, found: &mut Vec<Leaf>) {
    match (expected, actual) {
        (Value::Object(wanted), Some(Value::Object(there))) => {
            for (key, value) in wanted {
                at.push(Segment::Key(key.as_str().into()));
                walk(value, there.get(key), extent, at, found);
                at.pop();
            }
            if extent == Extent::Whole {
                for (key, value) in there.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                    at.push(Segment::Key(key.as_str().into()));
                    found.push(Leaf { at: at.clone(), expected: None, actual: Some(value.clone()) });
                    at.pop();
                }
            }
        }
        (Value::Array(wanted), Some(Value::Array(there))) if wanted.len() == there.len() => {
            for (n, (wanted, there)) in wanted.iter().zip(there).enumerate() {
                at.push(Segment::Index(n));
                walk(wanted, Some(there), extent, at, found);
                at.pop();
            }
        }
        (expected, Some(actual)) if equal(expected, actual) => {}
        (expected, actual) => {
            found.push(Leaf { at: at.clone(), expected: Some(expected.clone()), actual: actual.cloned() });
        }
    }
}

/// Whether two scalars are the same: `3` and `3.0` are one number, as they are to a receiver.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

/// A body as it is compared with what is expected: with a text as it is sent, with anything else as JSON, if it is any.
pub(super) fn body_for(expected: &Value, body: Option<&str>) -> Option<Value> {
    let text = body?;
    let as_sent = || Value::String(text.to_owned());
    Some(if expected.is_string() { as_sent() } else { serde_json::from_str(text).unwrap_or_else(|_| as_sent()) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(expected: &Value, actual: &Value, extent: Extent) -> Vec<String> {
        differences(expected, Some(actual), extent).iter().map(|leaf| leaf.below(&Path::root()).to_string()).collect()
    }

    #[test]
    fn each_leaf_has_a_place() {
        let expected = json!({"a": 1, "b": {"c": [1, 2], "d": "x"}, "e": 1});
        let actual = json!({"a": 1.0, "b": {"c": [1, 3], "d": "x"}, "f": 2});
        assert_eq!(places(&expected, &actual, Extent::Whole), ["b.c[1]", "e", "f"]);
        assert_eq!(places(&expected, &actual, Extent::Part), ["b.c[1]", "e"]);
        assert_eq!(places(&json!([1, 2]), &json!([1]), Extent::Whole), [""]);
        assert_eq!(places(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64), Extent::Whole), [""]);
    }

    #[test]
    fn a_part_of_a_text_is_contained() {
        assert_eq!(places(&json!("na"), &json!("Ana"), Extent::Part), Vec::<String>::new());
        assert_eq!(places(&json!("na"), &json!("Ana"), Extent::Whole), [""]);
        assert_eq!(places(&json!({"a": "na"}), &json!({"a": "Ana"}), Extent::Part), ["a"]);
    }

    #[test]
    fn bodies_are_read_as_they_are_expected() {
        assert_eq!(body_for(&json!({}), Some("{\"a\":1}")), Some(json!({"a": 1})));
        assert_eq!(body_for(&json!("x"), Some("{\"a\":1}")), Some(json!("{\"a\":1}")));
        assert_eq!(body_for(&json!({}), Some("a=1")), Some(json!("a=1")));
        assert_eq!(body_for(&json!({}), None), None);
    }
}
