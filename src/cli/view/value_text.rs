//! Values as people read them: on one line, or as indented lines much like YAML.

use serde_json::Value;

use super::visible;
use crate::base::secret::SecretRef;
use crate::plan::shown::{Personal, SecretState, Shown};

/// Longest text that is shown whole, in characters; what is left out is counted.
const TEXT_LIMIT: usize = 2_000;
/// The most elements of a list, and lines of a text, that are shown.
const LINES_LIMIT: usize = 200;

/// A value made ready for showing: guarded parts are words already, only texts still need quoting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A number, a boolean, or words of ours in brackets.
    Word(String),
    /// A text as it is.
    Text(String),
    /// A map.
    Map(Vec<(String, Node)>),
    /// A list.
    List(Vec<Node>),
}

impl Node {
    /// The node of a value. Personal data is in the open only with `show_personal`.
    #[must_use]
    pub fn new(shown: &Shown, show_personal: bool) -> Self {
        match shown {
            Shown::Plain(value) => Self::plain(value),
            Shown::Secret { state, reference } => {
                let state = match state {
                    SecretState::Changed => ", changed",
                    SecretState::Unchanged => ", unchanged",
                    SecretState::Unknown => ", compared at apply",
                };
                Self::secret(state, reference.as_ref())
            }
            Shown::Personal(value) if show_personal => Self::plain(value),
            Shown::Personal(value) => Self::Word(personal(&Personal::of(value))),
            Shown::PersonalMasked(masked) => Self::Word(personal(masked)),
            Shown::KnownAfterApply => Self::Word("(known after apply)".to_owned()),
            Shown::Map(map) => {
                Self::Map(map.iter().map(|(key, value)| (key.clone(), Self::within(value, show_personal))).collect())
            }
            Shown::List(list) => Self::List(list.iter().map(|value| Self::within(value, show_personal)).collect()),
        }
    }

    /// A part of a value that comes as a whole: that a secret in it changed goes without saying.
    fn within(shown: &Shown, show_personal: bool) -> Self {
        match shown {
            Shown::Secret { state: SecretState::Changed, reference } => Self::secret("", reference.as_ref()),
            other => Self::new(other, show_personal),
        }
    }

    fn secret(state: &str, reference: Option<&SecretRef>) -> Self {
        let reference = reference.map(|reference| format!(" {}", short(&reference.to_string())));
        Self::Word(format!("(secret{state}){}", reference.unwrap_or_default()))
    }

    pub(super) fn plain(value: &Value) -> Self {
        match value {
            Value::Null => Self::Word("null".to_owned()),
            Value::Bool(value) => Self::Word(value.to_string()),
            Value::Number(value) => Self::Word(value.to_string()),
            Value::String(value) => Self::Text(value.clone()),
            Value::Array(list) => Self::List(list.iter().map(Self::plain).collect()),
            Value::Object(map) => Self::Map(map.iter().map(|(key, value)| (key.clone(), Self::plain(value))).collect()),
        }
    }

    /// On one line; texts in quotation marks.
    #[must_use]
    pub fn inline(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Text(text) => quoted(text),
            Self::Map(map) => {
                let entry = |(k, v): &(String, Self)| format!("{}: {}", key(k), v.inline());
                format!("{{{}}}", some(map.iter().map(entry), map.len(), "entries"))
            }
            Self::List(list) => format!("[{}]", some(list.iter().map(Self::inline), list.len(), "elements")),
        }
    }

    /// Whether it takes more than a line by nature.
    #[must_use]
    pub fn is_block(&self) -> bool {
        match self {
            Self::Word(_) => false,
            Self::Text(text) => text.contains('\n'),
            Self::Map(map) => !map.is_empty(),
            Self::List(list) => !list.is_empty(),
        }
    }

    /// The lines of a block, each indented by `indent` columns and two more per level.
    #[must_use]
    pub fn block(&self, indent: usize) -> Vec<String> {
        let pad = " ".repeat(indent);
        match self {
            Self::Text(text) if text.contains('\n') => {
                let total = text.lines().count();
                let line = |line: &str| format!("{pad}{}", visible::own_line(&short(line)));
                let mut lines: Vec<String> = text.lines().take(LINES_LIMIT).map(line).collect();
                lines.extend(left_out(total, "lines").map(|more| format!("{pad}{more}")));
                lines
            }
            Self::Word(_) | Self::Text(_) => vec![format!("{pad}{}", self.scalar())],
            Self::Map(map) => map.iter().flat_map(|(name, value)| value.entry(&key(name), indent)).collect(),
            Self::List(list) => {
                let mut lines: Vec<String> = list.iter().take(LINES_LIMIT).flat_map(|v| v.element(indent)).collect();
                lines.extend(left_out(list.len(), "elements").map(|more| format!("{pad}{more}")));
                lines
            }
        }
    }

    /// `key: value`, or `key:` with the value below it.
    #[must_use]
    pub fn entry(&self, key: &str, indent: usize) -> Vec<String> {
        let pad = " ".repeat(indent);
        if !self.is_block() {
            return vec![format!("{pad}{key}: {}", self.scalar())];
        }
        let mark = if matches!(self, Self::Text(_)) { " |" } else { "" };
        let mut lines = vec![format!("{pad}{key}:{mark}")];
        lines.extend(self.block(indent + 2));
        lines
    }

    fn element(&self, indent: usize) -> Vec<String> {
        let pad = " ".repeat(indent);
        match self {
            Self::Map(map) if !map.is_empty() => {
                let mut lines = self.block(indent + 2);
                // The first key stands beside the hyphen.
                if let Some(first) = lines.first_mut() {
                    first.replace_range(..indent + 2, &format!("{pad}- "));
                }
                lines
            }
            Self::Text(text) if text.contains('\n') => {
                let mut lines = vec![format!("{pad}- |")];
                lines.extend(self.block(indent + 2));
                lines
            }
            Self::List(list) if !list.is_empty() => {
                let mut lines = vec![format!("{pad}-")];
                lines.extend(self.block(indent + 2));
                lines
            }
            Self::Word(_) | Self::Text(_) | Self::Map(_) | Self::List(_) => {
                vec![format!("{pad}- {}", self.scalar())]
            }
        }
    }

    /// As it stands behind a key: a text without quotation marks where nothing can be mistaken.
    fn scalar(&self) -> String {
        match self {
            Self::Text(text) if is_plain(text) => short(text),
            Self::Word(_) | Self::Text(_) | Self::Map(_) | Self::List(_) => self.inline(),
        }
    }
}

/// A text in quotation marks, with escapes for what cannot be seen.
#[must_use]
pub fn quoted(text: &str) -> String {
    let (shown, left_out) = visible::cut(text, TEXT_LIMIT);
    let json = Value::from(shown).to_string();
    let quoted = visible::line(&json).into_owned();
    if left_out > 0 { format!("{quoted}… ({left_out} more bytes)") } else { quoted }
}

fn short(text: &str) -> String {
    let (shown, left_out) = visible::cut(text, TEXT_LIMIT);
    let line = visible::line(shown);
    if left_out > 0 { format!("{line}… ({left_out} more bytes)") } else { line.into_owned() }
}

fn key(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

/// Words of ours begin with a bracket or a digit, so a text that begins with a letter is never taken for one.
fn is_plain(text: &str) -> bool {
    let ambiguous = ["true", "false", "null", "yes", "no", "on", "off"];
    text.starts_with(|c: char| c.is_alphabetic() || c == '/')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(visible::is_hidden)
        && !ambiguous.contains(&text.to_lowercase().as_str())
}

fn some(parts: impl Iterator<Item = String>, total: usize, noun: &str) -> String {
    parts.take(LINES_LIMIT).chain(left_out(total, noun)).collect::<Vec<_>>().join(", ")
}

fn left_out(total: usize, noun: &str) -> Option<String> {
    total.checked_sub(LINES_LIMIT).filter(|more| *more > 0).map(|more| format!("… ({more} more {noun})"))
}

fn personal(personal: &Personal) -> String {
    let Personal { count, hashes } = personal;
    let mut listed: Vec<String> = hashes.iter().map(|hash| short(hash)).collect();
    if *count > hashes.len() {
        listed.push("…".to_owned());
    }
    match (count, listed.is_empty()) {
        (count, true) => super::style::count(*count, "value"),
        (1, false) => format!("1 value (hash {})", listed.join(", ")),
        (count, false) => format!("{count} values (hashes {})", listed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_that_could_be_mistaken_are_quoted() {
        let inline = |value: Value| Node::plain(&value).entry("k", 0).join("\n");
        assert_eq!(inline(json!("Slack")), "k: Slack");
        assert_eq!(inline(json!("https://a.test/x?y=1")), "k: https://a.test/x?y=1");
        for text in ["true", "No", "12", "(secret, changed)", "", " a", "a: b", "3 values (hashes x)", "- a"] {
            assert_eq!(inline(json!(text)), format!("k: \"{text}\""));
        }
        assert_eq!(inline(json!("a\u{1b}[31m")), "k: \"a\\u001b[31m\"");
        assert_eq!(inline(json!("a\u{202e}b\nc\u{9b}")), "k: |\n  a\\u{202e}b\n  c\\u{9b}");
    }

    #[test]
    fn large_values_are_counted_rather_than_shown() {
        let text = Node::Text("x".repeat(10_000_000)).inline();
        assert!(text.len() < 2_100 && text.ends_with("… (9998000 more bytes)"));
        let list = Node::List(vec![Node::Word("1".into()); 25_000]);
        assert_eq!(list.block(0).len(), LINES_LIMIT + 1);
        assert!(list.inline().ends_with("… (24800 more elements)]"));
    }
}
