//! Lists with an order: elements known by a key, and elements known by their place.

use std::collections::HashMap;

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Difference, compare};
use crate::base::path::Path;
use crate::kinds::FieldTree;

/// Elements matched by their key field; a change of order alone is one difference at the list.
pub(super) fn keyed<'v>(
    tree: Option<&FieldTree>,
    at: &Path,
    key: &str,
    old: &'v [Value],
    new: &'v [Value],
    found: &mut Vec<Difference>,
) {
    let name = |value: &'v Value| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let below = tree.and_then(FieldTree::below_element);
    // Of several elements with one name the first counts.
    let by_name = |list: &'v [Value]| -> HashMap<&'v str, &'v Value> {
        list.iter().rev().map(|value| (name(value), value)).collect()
    };
    let (olds, news) = (by_name(old), by_name(new));
    for element in new {
        let here = at.element(name(element));
        match olds.get(name(element)) {
            Some(old) => compare(below, &here, old, element, found),
            None => found.push(Difference::change(&here, None, Some(element))),
        }
    }
    for element in old.iter().filter(|element| !news.contains_key(name(element))) {
        found.push(Difference::change(&at.element(name(element)), Some(element), None));
    }
    let common_old = old.iter().map(name).filter(|name| news.contains_key(name));
    let common_new = new.iter().map(name).filter(|name| olds.contains_key(name));
    if !common_old.eq(common_new) {
        let order = |list: &'v [Value]| Value::Array(list.iter().map(|value| name(value).into()).collect());
        found.push(Difference {
            path: at.clone(),
            before: Some(order(old)),
            after: Some(order(new)),
            order_only: true,
        });
    }
}

/// Elements matched by content; a permutation is one difference at the list.
pub(super) fn ordered(tree: Option<&FieldTree>, at: &Path, old: &[Value], new: &[Value], found: &mut Vec<Difference>) {
    let texts = |list: &[Value]| -> Vec<String> { list.iter().map(Value::to_string).collect() };
    let (old_texts, new_texts) = (texts(old), texts(new));
    let sorted = |texts: &[String]| {
        let mut texts = texts.to_vec();
        texts.sort();
        texts
    };
    if sorted(&old_texts) == sorted(&new_texts) {
        let whole = |list: &[Value]| Some(Value::Array(list.to_vec()));
        return found.push(Difference { path: at.clone(), before: whole(old), after: whole(new), order_only: true });
    }
    let below = tree.and_then(FieldTree::below_element);
    for op in capture_diff_slices(Algorithm::Myers, &old_texts, &new_texts) {
        match op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { old_index, old_len, .. } => {
                for (n, value) in old.iter().enumerate().skip(old_index).take(old_len) {
                    found.push(Difference::change(&at.index(n), Some(value), None));
                }
            }
            DiffOp::Insert { new_index, new_len, .. } => {
                for (n, value) in new.iter().enumerate().skip(new_index).take(new_len) {
                    found.push(Difference::change(&at.index(n), None, Some(value)));
                }
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let (olds, news) = (old.iter().skip(old_index).take(old_len), new.iter().enumerate().skip(new_index));
                let mut olds = olds.enumerate();
                for (n, value) in news.take(new_len) {
                    match olds.next() {
                        Some((_, before)) => compare(below, &at.index(n), before, value, found),
                        None => found.push(Difference::change(&at.index(n), None, Some(value))),
                    }
                }
                for (n, before) in olds {
                    found.push(Difference::change(&at.index(old_index + n), Some(before), None));
                }
            }
        }
    }
}
