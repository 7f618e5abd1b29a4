//! The values of `${var.…}` and `${target.name}`, and putting them into texts.
//!
//! Precedence: `--var`, `--var-file` (a later file wins), the target's `variables`, the declaration's `default`.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::reference::{self, Part};
use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::positions::Resolved;
use crate::base::source::Span;

/// Bytes a text may have with its references replaced.
const TEXT_LIMIT: usize = 4 << 20;
/// Problems reported of one text: more say nothing new, and a hostile text could hold millions.
const PROBLEM_LIMIT: usize = 20;

/// The type of a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VariableType {
    /// A text.
    #[default]
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl VariableType {
    /// The type's name as written in a project file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }

    /// Whether a value has this type.
    #[must_use]
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
        }
    }

    /// Reads a text of the command line as this type; `None` when it is not one.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(text.into()),
            // JSON's grammar, less its maps and lists: what a manifest would take, too.
            Self::Number => serde_json::from_str::<Number>(text).ok().map(Value::Number),
            Self::Boolean => text.parse::<bool>().ok().map(Value::Bool),
        }
    }
}

/// A variable's value and where it was set.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) set_by: Arc<str>,
    pub(super) span: Option<Span>,
}

/// What variables that bring in too much are refused with.
pub(super) fn too_large(limit: usize) -> Diagnostic {
    let message = format!("variables would make this longer by more than {} MiB", limit >> 20);
    Diagnostic::error(Code::TooLarge, message).help("shorten the variables' values, or use them less often")
}

/// All that references can refer to, under their full names; `None` for what is declared and has no value.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(pub(super) BTreeMap<Arc<str>, Option<Setting>>);

/// A text with its references replaced.
#[derive(Debug, PartialEq)]
pub(super) struct Replaced {
    pub(super) value: Value,
    pub(super) variables: Vec<Resolved>,
}

/// A reference that has no value: which (its written form, and the how-manieth of that form), and what to say.
#[derive(Debug)]
pub(super) struct Unresolved {
    pub(super) written: String,
    pub(super) occurrence: usize,
    pub(super) diagnostic: Diagnostic,
}

impl Variables {
    /// Replaces the references of a text; a text that is nothing but one reference takes the variable's type.
    pub(super) fn replace(&self, text: &str) -> Result<Replaced, Vec<Unresolved>> {
        let parts = reference::parts(text);
        let mut result = String::with_capacity(text.len());
        let mut variables = Vec::new();
        let mut unresolved: Vec<Unresolved> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if unresolved.len() >= PROBLEM_LIMIT {
                break;
            }
            if result.len() > text.len() + TEXT_LIMIT {
                let diagnostic = too_large(TEXT_LIMIT);
                return Err(vec![Unresolved { written: String::new(), occurrence: usize::MAX, diagnostic }]);
            }
            match *part {
                Part::Literal(literal) => result.push_str(literal),
                Part::Escape => result.push_str("${"),
                Part::Reference { name, written } => match self.find(name) {
                    Ok((name, setting)) => {
                        let used = Resolved { name, set_by: Arc::clone(&setting.set_by), span: setting.span };
                        if parts.len() == 1 {
                            return Ok(Replaced { value: setting.value.clone(), variables: vec![used] });
                        }
                        match &setting.value {
                            Value::String(value) => result.push_str(value),
                            value => result.push_str(&value.to_string()),
                        }
                        variables.push(used);
                    }
                    Err(diagnostic) => {
                        let same = |part: &&Part<'_>| matches!(part, Part::Reference { written: other, .. } if *other == written);
                        let occurrence = parts.iter().take(at).filter(same).count();
                        unresolved.push(Unresolved { written: written.into(), occurrence, diagnostic: *diagnostic });
                    }
                },
                Part::Unclosed(rest) => {
                    let diagnostic = Diagnostic::error(Code::UnknownVariable, "`${` is never closed")
                        .help("write `${var.name}`, or `$${` for a literal `${`");
                    // The rest may go over folded lines, the two characters never do.
                    let before = text.get(..text.len() - rest.len()).unwrap_or_default();
                    let occurrence = before.matches("${").count();
                    unresolved.push(Unresolved { written: "${".into(), occurrence, diagnostic });
                }
            }
        }
        if unresolved.is_empty() { Ok(Replaced { value: result.into(), variables }) } else { Err(unresolved) }
    }

    fn find(&self, name: &str) -> Result<(Arc<str>, &Setting), Box<Diagnostic>> {
        match self.0.get_key_value(name) {
            Some((name, Some(setting))) => Ok((Arc::clone(name), setting)),
            Some((name, None)) => {
                let short = name.strip_prefix("var.").unwrap_or(name);
                let help = format!("give it a default or a value in the target, or pass --var {short}=…");
                Err(Box::new(Diagnostic::error(Code::UnsetVariable, format!("`{name}` has no value")).help(help)))
            }
            None => {
                let message = format!("`{name}` is not declared");
                let meant = nearest(name, self.0.keys().map(|name| &**name)).filter(|meant| is_slip(name, meant));
                let help = match meant {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "declare it under spec.variables in trueup.yaml, or write `$${` for a literal `${`".into(),
                };
                Err(Box::new(Diagnostic::error(Code::UnknownVariable, message).help(help)))
            }
        }
    }
}

/// Whether the part after `var.` itself is near: the prefix makes any two short names look alike.
fn is_slip(written: &str, meant: &str) -> bool {
    let short = |name: &str| name.rsplit_once('.').map_or(name, |(_, short)| short).to_lowercase();
    let (written, meant) = (short(written), short(meant));
    let length = written.chars().count();
    length >= 3 && strsim::damerau_levenshtein(&written, &meant) * 2 <= length
}

impl Unresolved {
    /// The diagnostic at the reference itself, if the value's source text shows it, else at the value.
    ///
    /// A value with escapes or folded lines may not show it, since spans are those of the source.
    pub(super) fn at(self, value: Span, source: Option<&str>) -> Diagnostic {
        let own = || {
            let shown = source?.get(value.start as usize..value.end as usize)?;
            let (offset, _) = shown.match_indices(&self.written).nth(self.occurrence)?;
            let start = value.start + u32::try_from(offset).ok()?;
            let end = start + u32::try_from(self.written.len()).ok()?;
            Some(Span { file: value.file, start, end })
        };
        let span = own().unwrap_or(value);
        self.diagnostic.at(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::FileId;
    use serde_json::json;

    fn variables() -> Variables {
        let set = |value: Value| Some(Setting { value, set_by: "default".into(), span: None });
        Variables(BTreeMap::from([
            ("var.host".into(), set("hooks.test".into())),
            ("var.port".into(), set(443.into())),
            ("var.on".into(), set(true.into())),
            ("var.unset".into(), None),
            ("target.name".into(), set("local".into())),
        ]))
    }

    fn replaced(text: &str) -> Value {
        variables().replace(text).unwrap().value
    }

    #[test]
    fn a_lone_reference_takes_the_type() {
        assert_eq!(replaced("${var.port}"), 443);
        assert_eq!(replaced("${var.on}"), true);
        assert_eq!(replaced("${var.host}"), "hooks.test");
        assert_eq!(replaced(" ${var.port}"), " 443");
    }

    #[test]
    fn references_are_replaced_inside_texts() {
        assert_eq!(replaced("https://${var.host}:${var.port}/${target.name}"), "https://hooks.test:443/local");
        assert_eq!(replaced("$${var.host} ###A### {{b}}"), "${var.host} ###A### {{b}}");
        let used = variables().replace("${var.host}${var.port}").unwrap().variables;
        assert_eq!(used.iter().map(|u| &*u.name).collect::<Vec<_>>(), ["var.host", "var.port"]);
    }

    #[test]
    fn what_has_no_value_is_reported_with_advice() {
        let all = variables().replace("${var.hots} ${var.unset} ${x} ${").unwrap_err();
        let codes: Vec<_> = all.iter().map(|u| u.diagnostic.code).collect();
        let unknown = Code::UnknownVariable;
        assert_eq!(codes, [unknown, Code::UnsetVariable, unknown, unknown]);
        assert_eq!(all[0].diagnostic.help.as_deref(), Some("did you mean `var.host`?"));
        assert!(all[1].diagnostic.help.as_deref().unwrap().contains("--var unset="));
    }

    #[test]
    fn the_place_is_the_reference_itself() {
        let source = "k: 'a ${var.x} ${var.x}'";
        let value = Span { file: FileId(0), start: 3, end: 24 };
        let places: Vec<_> = variables()
            .replace("a ${var.x} ${var.x}")
            .unwrap_err()
            .into_iter()
            .map(|u| u.at(value, Some(source)).span.unwrap())
            .map(|span| (span.start, span.end))
            .collect();
        assert_eq!(places, [(6, 14), (15, 23)]);
        let other = variables().replace("${var.x}").unwrap_err().remove(0).at(value, None);
        assert_eq!(other.span, Some(value));
    }

    #[test]
    fn short_names_are_nobodys_slip() {
        let help = |text: &str| variables().replace(text).unwrap_err().remove(0).diagnostic.help.unwrap();
        for text in ["${var.n}", "${var.ok}", "${var.xyz}"] {
            assert!(help(text).starts_with("declare it"), "{text}");
        }
        assert_eq!(help("${var.prt}"), "did you mean `var.port`?");
    }

    #[test]
    fn what_is_never_closed_is_shown_where_it_begins() {
        let source = "k: 'a $${ ${var.host} ${var\n  .x'";
        let value = Span { file: FileId(0), start: 3, end: 33 };
        let found = variables().replace("a $${ ${var.host} ${var .x").unwrap_err().remove(0).at(value, Some(source));
        assert_eq!(found.span.map(|span| (span.start, span.end)), Some((22, 24)));
    }

    #[test]
    fn a_text_cannot_grow_without_bound() {
        let long = Setting { value: "x".repeat(1 << 20).into(), set_by: "default".into(), span: None };
        let variables = Variables(BTreeMap::from([("var.a".into(), Some(long))]));
        let errors = variables.replace(&"${var.a}".repeat(1000)).unwrap_err();
        assert_eq!(errors.iter().map(|e| e.diagnostic.code).collect::<Vec<_>>(), [Code::TooLarge]);
        assert_eq!(variables.replace(&"${x}".repeat(100_000)).unwrap_err().len(), PROBLEM_LIMIT);
    }

    #[test]
    fn texts_of_the_command_line_become_the_type() {
        assert_eq!(VariableType::Number.parse("1.5"), Some(json!(1.5)));
        assert_eq!(VariableType::Number.parse("x"), None);
        assert_eq!(VariableType::Boolean.parse("true"), Some(json!(true)));
        assert_eq!(VariableType::Boolean.parse("yes"), None);
        assert_eq!(VariableType::String.parse("007"), Some(json!("007")));
    }
}
