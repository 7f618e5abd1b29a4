//! JSON Schema errors, said for people: each as a diagnostic at the value, key or parent it is about.
//!
//! What stands under a schema marked `x-trueup-secret` is never repeated in a message. Of a union only the branch that was
//! meant is told; see `unions`.

mod unions;

use std::collections::BTreeSet;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::code::Code;
use super::diagnostic::{self, Diagnostic, LISTED, Severity, nearest};
use super::ident::NAME_PATTERN;
use super::path::{Path, Segment};
use super::positions::{Note, Positions};
use super::schema::{self, property_names};
use super::schema_words::{brief, described, listed, rule, shown, type_names};

/// What the errors are about.
#[derive(Clone, Copy, Debug)]
pub struct SchemaContext<'c> {
    /// The schema the validator was made of.
    pub schema: &'c Value,
    /// The value that was validated.
    pub instance: &'c Value,
    /// Positions of the whole document.
    pub positions: &'c Positions,
    /// Where `instance` stands in the document; the root if it is all of it.
    pub base: &'c Path,
    /// `Kind/name`, when known.
    pub address: Option<&'c str>,
}

/// Turns validation errors into diagnostics, in the order of the errors and each only once.
pub fn schema_diagnostics<'e>(
    errors: impl IntoIterator<Item = ValidationError<'e>>,
    context: SchemaContext<'_>,
) -> Vec<Diagnostic> {
    let mut translation = Translation {
        context,
        done: Vec::new(),
        seen: BTreeSet::new(),
        meant: BTreeSet::new(),
        missing: Vec::new(),
        unlisted: 0,
    };
    for error in errors {
        translation.error(&error);
    }
    // A misspelt required field is one problem, not two.
    let Translation { mut done, meant, missing, unlisted, .. } = translation;
    let slips: BTreeSet<usize> =
        missing.into_iter().filter(|(_, field)| meant.contains(field)).map(|(at, _)| at).collect();
    let mut at = 0;
    done.retain(|_| {
        at += 1;
        !slips.contains(&(at - 1))
    });
    without_second_thoughts(&mut done);
    let last = done.last().map(|last| (last.code, last.span, last.address.clone()));
    if let Some((code, span, address)) = last
        && let Some(mut more) = diagnostic::unlisted(unlisted, Severity::Error, code)
    {
        (more.span, more.address) = (span, address);
        done.push(more);
    }
    done
}

/// A value of a wrong type, or a name that is none, breaks other rules as well: that says nothing more.
fn without_second_thoughts(done: &mut Vec<Diagnostic>) {
    let basic = |code| matches!(code, Code::WrongType | Code::InvalidName);
    let settled: BTreeSet<String> = done
        .iter()
        .filter(|found| basic(found.code))
        .filter_map(|found| Some(found.path.as_ref()?.to_string()))
        .collect();
    if !settled.is_empty() {
        done.retain(|found| {
            found.code != Code::InvalidValue
                || found.path.as_ref().is_none_or(|path| !settled.contains(&path.to_string()))
        });
    }
}

struct Translation<'c> {
    context: SchemaContext<'c>,
    done: Vec<Diagnostic>,
    seen: BTreeSet<(Code, String, String)>,
    /// Fields that misspelt ones were probably meant to be.
    meant: BTreeSet<Path>,
    /// Fields that are missing, with the place of their diagnostic in `done`.
    missing: Vec<(usize, Path)>,
    /// Problems beyond those listed.
    unlisted: usize,
}

/// Where an error is: the value, the schema that holds the failed keyword, and whether a secret is near.
struct At<'c> {
    path: Path,
    value: &'c Value,
    schema: &'c Value,
    /// Path of the secret the value is or belongs to.
    secret: Option<Path>,
}

impl<'c> Translation<'c> {
    fn error(&mut self, error: &ValidationError<'_>) {
        let at = self.at(error);
        if let Some(secret) = &at.secret
            && let Some(value) = secret.of(self.context.instance)
            && !value.is_object()
        {
            let message = format!("{} is a secret and may not be written out", self.name(secret));
            let help = "refer to it: { fromEnv: NAME }, { fromFile: path } or { fromCommand: [program, argument] }";
            let secret = secret.clone();
            self.push(Diagnostic::error(Code::SecretLiteral, message).help(help), &secret, Place::Value);
            return;
        }
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => self.unknown_fields(unexpected, &at),
            Kind::UnevaluatedProperties { unexpected } => {
                // When a branch of a union fails, the validator takes all its fields for unevaluated.
                let known = property_names(self.context.schema, at.schema);
                let unknown: Vec<String> =
                    unexpected.iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
                self.unknown_fields(&unknown, &at);
            }
            Kind::FalseSchema => {
                let message = format!("{} is not allowed here", self.name(&at.path));
                self.push(Diagnostic::error(Code::UnknownField, message), &at.path, Place::Key);
            }
            Kind::Required { property } => self.missing_field(property.as_str().unwrap_or_default(), None, &at),
            Kind::Type { kind } => self.wrong_type(&type_names(kind), &at),
            Kind::Enum { options } => {
                let options: Vec<&Value> = options.as_array().map(|list| list.iter().collect()).unwrap_or_default();
                self.not_an_option(&options, &at.path, &at);
            }
            Kind::Constant { expected_value } => self.not_an_option(&[expected_value], &at.path, &at),
            Kind::OneOfNotValid { context } => self.union("oneOf", context, &at),
            Kind::AnyOf { context } => self.union("anyOf", context, &at),
            Kind::OneOfMultipleValid { .. } => {
                let message = format!("{} can be understood in more than one way", self.name(&at.path));
                self.push(Diagnostic::error(Code::ExclusiveFields, message), &at.path, Place::Value);
            }
            Kind::PropertyNames { error } => self.bad_key(error, &at),
            Kind::Pattern { pattern } if pattern == NAME_PATTERN => {
                let message = format!("{} is not a name{}", self.name(&at.path), found(&at));
                let help = "use lower-case letters, digits and hyphens, at most 63, and no hyphen at either end";
                self.push(Diagnostic::error(Code::InvalidName, message).help(help), &at.path, Place::Value);
            }
            kind => {
                let rule = rule(kind).unwrap_or_else(|| format!("is not allowed: {}", error.masked_with("the value")));
                let message = format!("{} {rule}{}", self.name(&at.path), measured(kind, &at));
                self.push(Diagnostic::error(Code::InvalidValue, message), &at.path, Place::Value);
            }
        }
    }

    fn unknown_fields(&mut self, names: &[String], at: &At<'_>) {
        let known = property_names(self.context.schema, at.schema);
        for name in names {
            self.unknown_field(name, &known, at);
        }
    }

    fn unknown_field(&mut self, name: &str, known: &BTreeSet<&str>, at: &At<'_>) {
        let place = self.inside(&at.path);
        let mut diagnostic = Diagnostic::error(Code::UnknownField, format!("there is no field `{name}`{place}"));
        if let Some(meant) = nearest(name, known.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
            self.meant.insert(at.path.key(meant));
        } else if !known.is_empty() && known.len() <= 12 {
            diagnostic = diagnostic.help(format!("the fields are {}", listed(known.iter().copied())));
        }
        self.push(diagnostic, &at.path.key(name), Place::Key);
    }

    fn missing_field(&mut self, name: &str, help: Option<String>, at: &At<'_>) {
        let place = self.inside(&at.path);
        let mut diagnostic = Diagnostic::error(Code::MissingField, format!("`{name}` is missing{place}"));
        diagnostic.help = help;
        let before = self.done.len();
        if let Some(Note::Removed { target, fields }) = self.note(&at.path)
            && let Some((_, span)) = fields.iter().find(|(field, _)| &**field == name)
        {
            diagnostic = diagnostic.related(format!("a patch of target `{target}` removes it"), *span);
        }
        self.push(diagnostic, &at.path, Place::Key);
        if self.done.len() > before {
            self.missing.push((before, at.path.key(name)));
        }
    }

    fn wrong_type(&mut self, wanted: &BTreeSet<&str>, at: &At<'_>) {
        let wanted: Vec<&str> = wanted.iter().filter(|name| **name != "null").map(|name| described(name)).collect();
        let found = match at.value {
            Value::Number(number) if at.secret.is_none() && wanted.contains(&described("integer")) => {
                number.to_string()
            }
            value => described(schema::type_name(value)).to_owned(),
        };
        let message = format!("{} must be {}, found {found}", self.name(&at.path), wanted.join(" or "));
        let mut diagnostic = Diagnostic::error(Code::WrongType, message);
        if wanted.contains(&described("string")) && matches!(at.value, Value::Number(_) | Value::Bool(_)) {
            diagnostic = match self.note(&at.path) {
                Some(Note::Resolved { variables }) if let [variable] = variables.as_slice() => {
                    let kind = described(schema::type_name(at.value));
                    diagnostic.help(format!("`${{{}}}` is {kind}: declare it with `type: string`", variable.name))
                }
                Some(_) | None => diagnostic.help("put it in quotes"),
            };
        }
        self.push(diagnostic, &at.path, Place::Value);
    }

    fn not_an_option(&mut self, options: &[&Value], path: &Path, at: &At<'_>) {
        let options: Vec<String> = options.iter().map(|option| shown(option)).collect();
        let value = path.of(self.context.instance).unwrap_or(at.value);
        let found = if at.secret.is_some() { String::new() } else { format!(", found {}", brief(value)) };
        let one = if options.len() == 1 { "" } else { "one of " };
        let message = format!("{} must be {one}{}{found}", self.name(path), listed(options.iter().map(String::as_str)));
        let mut diagnostic = Diagnostic::error(Code::InvalidValue, message);
        let meant = value.as_str().and_then(|written| nearest(written, options.iter().map(String::as_str)));
        if let Some(meant) = meant {
            diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
        }
        self.push(diagnostic, path, Place::Value);
    }

    fn bad_key(&mut self, error: &ValidationError<'_>, at: &At<'_>) {
        let key = error.instance().as_str().unwrap_or_default().to_owned();
        let rule = rule(error.kind()).unwrap_or_else(|| "is not an allowed key".to_owned());
        let diagnostic = Diagnostic::error(Code::InvalidValue, format!("the key `{key}` {rule}"));
        self.push(diagnostic, &at.path.key(&key), Place::Key);
    }

    fn at(&self, error: &ValidationError<'_>) -> At<'c> {
        let (path, value) = walk_instance(self.context.instance, error.instance_path().as_str());
        let (schema, secret_depth) = schema::walk(self.context.schema, error.evaluation_path().as_str());
        let secret = secret_depth.map(|depth| path.segments().iter().take(depth).cloned().collect());
        At { path, value, schema, secret }
    }

    fn full(&self, path: &Path) -> Path {
        self.context.base.segments().iter().chain(path.segments()).cloned().collect()
    }

    /// ` in …`; nothing at the document's root.
    fn inside(&self, path: &Path) -> String {
        if self.full(path).segments().is_empty() { String::new() } else { format!(" in {}", self.name(path)) }
    }

    /// What people call the value at a path: its last key, with the place in a list if it is in one.
    fn name(&self, path: &Path) -> String {
        let full = self.full(path);
        let segments = full.segments();
        let last_key = segments.iter().rposition(|segment| matches!(segment, Segment::Key(_))).unwrap_or(0);
        let name: Path = segments.iter().skip(last_key).cloned().collect();
        if segments.is_empty() { "the document".to_owned() } else { format!("`{name}`") }
    }

    fn note(&self, path: &Path) -> Option<&'c Note> {
        self.context.positions.find(&self.full(path)).filter(|place| place.exact)?.note
    }

    fn push(&mut self, mut diagnostic: Diagnostic, path: &Path, place: Place) {
        if self.done.len() >= LISTED {
            self.unlisted += 1;
            return;
        }
        let path = self.full(path);
        if let Some(found) = self.context.positions.find(&path) {
            let span = match place {
                Place::Key => found.key.unwrap_or(found.value),
                Place::Value => found.value,
            };
            diagnostic = with_note(diagnostic.at(span), found.note);
        }
        if self.seen.insert((diagnostic.code, path.to_string(), diagnostic.message.clone())) {
            diagnostic.address = self.context.address.map(str::to_owned);
            self.done.push(diagnostic.path(path));
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    /// The key; the value where there is none.
    Key,
    Value,
}

fn with_note(diagnostic: Diagnostic, note: Option<&Note>) -> Diagnostic {
    match note {
        Some(Note::Patched { target, original: Some(span) }) => {
            diagnostic.related(format!("patched by target `{target}`; written here"), *span)
        }
        Some(Note::Aliased { used }) => diagnostic.related("used here", *used),
        Some(Note::Resolved { variables }) => {
            variables.iter().fold(diagnostic, |diagnostic, variable| match variable.span {
                Some(span) => diagnostic.related(format!("`{}` is set here", variable.name), span),
                None => diagnostic,
            })
        }
        Some(Note::Patched { original: None, .. } | Note::Removed { .. }) | None => diagnostic,
    }
}

fn walk_instance<'v>(root: &'v Value, pointer: &str) -> (Path, &'v Value) {
    let mut value = root;
    let mut segments = Vec::new();
    for token in schema::tokens(pointer) {
        let (segment, below) = match value {
            Value::Array(list) => {
                let index = token.parse().unwrap_or(0);
                (Segment::Index(index), list.get(index))
            }
            _ => (Segment::Key(token.as_ref().into()), value.get(token.as_ref())),
        };
        segments.push(segment);
        value = below.unwrap_or(&Value::Null);
    }
    (segments.into_iter().collect(), value)
}

/// What was found instead: the value, or its size where that is what the rule is about.
fn measured(kind: &Kind, at: &At<'_>) -> String {
    let size = match (kind, at.value) {
        (Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 }, _) => {
            return String::new();
        }
        (Kind::MaxLength { .. } | Kind::MinLength { .. }, Value::String(text)) => text.chars().count(),
        (_, Value::Array(list)) => list.len(),
        (_, Value::Object(map)) => map.len(),
        _ => return found(at),
    };
    format!(", found {size}")
}

fn found(at: &At<'_>) -> String {
    if at.secret.is_some() { String::new() } else { format!(", found {}", brief(at.value)) }
}

#[cfg(test)]
mod tests;
