//! Finishing a map: duplicate keys are refused, merge keys (`<<`) are carried out.

use std::collections::{HashMap, HashSet};

use super::node::{Content, Entry, Node};
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;

/// Up to so many keys comparing each with each is faster than hashing, and needs no memory.
const FEW: usize = 16;

/// Removes entries whose key stands before them already, and reports each at its own key.
pub(super) fn refuse_duplicates(entries: &mut Vec<Entry>, diagnostics: &mut Vec<Diagnostic>) {
    let second: Vec<(usize, usize)> = if entries.len() <= FEW {
        let first_of = |at: usize| {
            let key = &entries.get(at)?.key;
            let first = entries.iter().position(|entry| entry.key == *key)?;
            (first < at).then_some((at, first))
        };
        (1..entries.len()).filter_map(first_of).collect()
    } else {
        let mut seen: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
        let mut second = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let first = *seen.entry(&entry.key).or_insert(at);
            if first < at {
                second.push((at, first));
            }
        }
        second
    };
    for (at, first) in &second {
        if let (Some(entry), Some(first)) = (entries.get(*at), entries.get(*first)) {
            diagnostics.push(duplicate(&entry.key, entry.key_span, first.key_span));
        }
    }
    if !second.is_empty() {
        let drop: HashSet<usize> = second.into_iter().map(|(at, _)| at).collect();
        let mut at = 0;
        entries.retain(|_| {
            at += 1;
            !drop.contains(&(at - 1))
        });
    }
}

/// The diagnostic of a key that stands twice.
pub(super) fn duplicate(key: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error(Code::DuplicateKey, format!("`{key}` stands twice in this map"))
        .at(span)
        .related("first here", first)
        .help("remove one of the two")
}

/// Adds what a merge key brings: keys of the map itself win, and of several maps the earlier.
pub(super) fn merge(entries: &mut Vec<Entry>, sources: Node, diagnostics: &mut Vec<Diagnostic>) {
    let span = sources.span;
    let maps = match sources.content {
        Content::Map(map) => vec![map],
        Content::List(elements) => {
            let mut maps = Vec::with_capacity(elements.len());
            for element in elements {
                match element.content {
                    Content::Map(map) => maps.push(map),
                    _ => diagnostics.push(not_a_map(element.span)),
                }
            }
            maps
        }
        _ => {
            diagnostics.push(not_a_map(span));
            return;
        }
    };
    // Owned keys, since the entries grow meanwhile; merge keys are rare enough.
    let mut present: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    for entry in maps.into_iter().flatten() {
        if present.insert(entry.key.clone()) {
            entries.push(entry);
        }
    }
}

fn not_a_map(span: Span) -> Diagnostic {
    Diagnostic::error(Code::YamlUnsupported, "a merge key `<<` takes a map or a list of maps")
        .at(span)
        .help("write `<<: *anchor`, or quote the key if it is meant as a text")
}
