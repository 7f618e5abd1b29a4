//! Errors of unions.
//!
//! They are decided here rather than by the validator, whose "fits none of the branches" helps nobody: by the type of the
//! value, by a tag (a property that is `const` in the branches, such as a step's `type`), or by the fields given; then the
//! errors of that one branch are reported.

use std::collections::BTreeSet;

use jsonschema::ValidationError;
use serde_json::Value;

use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::schema::{self, property, property_names};
use super::super::schema_words::{listed, shown};
use super::{At, Place, Translation};

impl Translation<'_> {
    /// Reports a union by the one branch that was meant.
    pub(super) fn union(&mut self, keyword: &str, errors: &[Vec<ValidationError<'static>>], at: &At<'_>) {
        let root = self.context.schema;
        let branches = at.schema.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let branches: Vec<(usize, &Value)> = branches
            .iter()
            .enumerate()
            .filter(|(_, branch)| branch.get("type").and_then(Value::as_str) != Some("null"))
            .collect();
        let fitting: Vec<(usize, &Value)> =
            branches.iter().copied().filter(|(_, branch)| schema::accepts_type(root, branch, at.value)).collect();
        if fitting.is_empty() {
            if let Some(options) = options_of(root, &branches) {
                self.not_an_option(&options, &at.path, at);
            } else {
                let types = branches.iter().flat_map(|(_, branch)| schema::types(root, branch)).collect();
                self.wrong_type(&types, at);
            }
            return;
        }
        if let Some(options) = options_of(root, &fitting) {
            self.not_an_option(&options, &at.path, at);
        } else if let [(index, _)] = fitting.as_slice() {
            self.branch(*index, errors);
        } else if let Some(tag) = schema::tag(root, &fitting) {
            self.tagged(&tag, &fitting, errors, at);
        } else if at.value.is_object() {
            self.by_fields(&fitting, errors, at);
        } else {
            self.closest(&fitting, errors);
        }
    }

    fn branch(&mut self, index: usize, errors: &[Vec<ValidationError<'static>>]) {
        for error in errors.get(index).into_iter().flatten() {
            self.error(error);
        }
    }

    fn closest(&mut self, branches: &[(usize, &Value)], errors: &[Vec<ValidationError<'static>>]) {
        let fewest = branches
            .iter()
            .map(|(index, _)| *index)
            .min_by_key(|index| errors.get(*index).map_or(usize::MAX, Vec::len));
        if let Some(index) = fewest {
            self.branch(index, errors);
        }
    }

    fn tagged(
        &mut self,
        tag: &str,
        branches: &[(usize, &Value)],
        errors: &[Vec<ValidationError<'static>>],
        at: &At<'_>,
    ) {
        let root = self.context.schema;
        let constant = |branch| property(root, branch, tag).and_then(|schema| schema.get("const"));
        let options: Vec<&Value> = branches.iter().filter_map(|(_, branch)| constant(branch)).collect();
        let Some(written) = at.value.get(tag) else {
            let options: Vec<String> = options.iter().map(|option| shown(option)).collect();
            self.missing_field(tag, Some(format!("it is one of {}", listed(options.iter().map(String::as_str)))), at);
            return;
        };
        match branches.iter().find(|(_, branch)| constant(branch) == Some(written)) {
            Some((index, _)) => self.branch(*index, errors),
            None => self.not_an_option(&options, &at.path.key(tag), at),
        }
    }

    /// A union of maps without a tag: the branch is told by the fields that are there.
    fn by_fields(&mut self, branches: &[(usize, &Value)], errors: &[Vec<ValidationError<'static>>], at: &At<'_>) {
        let root = self.context.schema;
        let Some(map) = at.value.as_object() else { return };
        // Each branch requires one field of its own: exactly one of these is to be given.
        let choices: Option<Vec<&str>> =
            branches.iter().map(|(_, branch)| schema::only_required(root, branch)).collect();
        let choices =
            choices.filter(|list| list.iter().collect::<BTreeSet<_>>().len() == list.len()).unwrap_or_default();
        let given: Vec<&str> = map.keys().map(String::as_str).filter(|key| choices.contains(key)).collect();
        if let [_, second, ..] = given.as_slice() {
            let message = format!("only one of {} can be given", listed(given.iter().copied()));
            self.push(Diagnostic::error(Code::ExclusiveFields, message), &at.path.key(second), Place::Key);
            return;
        }
        let known: BTreeSet<&str> = branches.iter().flat_map(|(_, branch)| property_names(root, branch)).collect();
        if !map.keys().any(|key| known.contains(key.as_str())) {
            if map.is_empty() || known.is_empty() {
                let wanted = if choices.is_empty() { known.into_iter().collect() } else { choices };
                let message = format!("{} needs one of {}", self.name(&at.path), listed(wanted));
                self.push(Diagnostic::error(Code::ExclusiveFields, message), &at.path, Place::Key);
            } else {
                map.keys().for_each(|key| self.unknown_field(key, &known, at));
            }
            return;
        }
        let score = |branch| {
            let names = property_names(root, branch);
            map.keys().filter(|key| names.contains(key.as_str())).count()
        };
        let best = branches.iter().map(|(_, branch)| score(branch)).max();
        let best: Vec<(usize, &Value)> =
            branches.iter().copied().filter(|(_, branch)| Some(score(branch)) == best).collect();
        self.closest(&best, errors);
    }
}

/// The values there are to choose from, where every branch lists its own.
fn options_of<'s>(root: &'s Value, branches: &[(usize, &'s Value)]) -> Option<Vec<&'s Value>> {
    let lists: Option<Vec<_>> = branches.iter().map(|(_, branch)| schema::options(root, branch)).collect();
    lists.map(|lists| lists.concat())
}
