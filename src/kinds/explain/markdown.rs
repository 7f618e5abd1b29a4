//! Explanations as Markdown.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Allowed, Child, Explanation};
use crate::kinds::DataClass;

impl Explanation {
    /// The explanation as a Markdown text with a heading.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut page = format!("# {}\n", self.title);
        if !self.text.starts_with(&self.description) && !self.description.is_empty() && !self.is_kind() {
            paragraph(&mut page, &self.description);
        }
        let facts = self.facts();
        if !facts.is_empty() {
            paragraph(&mut page, &list(&facts));
        }
        if !self.text.is_empty() {
            paragraph(&mut page, &self.text);
        }
        if let Some(life_cycle) = self.life_cycle {
            paragraph(&mut page, life_cycle);
        }
        if !self.allowed.is_empty() {
            paragraph(&mut page, &allowed(&self.allowed));
        }
        if !self.children.is_empty() {
            let list = if self.type_text.is_some() { children(&self.children) } else { topics(&self.children) };
            paragraph(&mut page, &list);
        }
        page
    }

    fn is_kind(&self) -> bool {
        self.type_text.as_deref() == Some("kind")
    }

    /// What is known of a field in a word or two: name and Markdown. Empty for what is no field.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let Some(type_text) = self.type_text.as_ref().filter(|_| !self.is_kind()) else { return Vec::new() };
        let mut facts = vec![("Type", type_text.clone()), ("Required", yes(self.required).to_owned())];
        if let Some(default) = &self.default {
            facts.push(("Default", code(&value(default))));
        }
        if !self.only_with.is_empty() {
            facts.push(("Only with", self.only_with.join(", ")));
        }
        if let Some(kind) = self.reference {
            facts.push(("Refers to", kind.to_string()));
        }
        if self.immutable {
            facts.push(("Cannot be changed", String::new()));
        }
        if self.secret {
            facts.push(("Takes a secret", String::new()));
        }
        if let Some(class) = class(self.class) {
            facts.push(("Data class", class.to_owned()));
        }
        facts
    }
}

fn list(facts: &[(&'static str, String)]) -> String {
    let fact = |(name, value): &(&str, String)| match (*name, value.as_str()) {
        (name, "") => format!("- {name}"),
        ("Only with", value) => format!("- Only with {value}"),
        (name, value) => format!("- {name}: {value}"),
    };
    facts.iter().map(fact).collect::<Vec<_>>().join("\n")
}

fn allowed(values: &[Allowed]) -> String {
    let mut text = "Values:\n".to_owned();
    let mut group = "";
    for (n, allowed) in values.iter().enumerate() {
        if allowed.group != group {
            group = &allowed.group;
            let gap = if n == 0 { "" } else { "\n" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{gap}\n{group}:\n");
        }
        let colon = if allowed.description.is_empty() { "" } else { ": " };
        let _ = write!(text, "\n- {}{colon}{}", code(&allowed.value), allowed.description);
    }
    text
}

fn children(children: &[Child]) -> String {
    let mut rows = vec![["Field", "Type", "Required", "Description"].map(str::to_owned).to_vec()];
    rows.extend(children.iter().map(|child| {
        let words = with_tags(&child.description, &child.only_with);
        vec![code(&child.name), child.type_text.clone(), yes(child.required).to_owned(), words]
    }));
    table(&rows)
}

/// What can be asked for, where it is no field.
fn topics(children: &[Child]) -> String {
    children
        .iter()
        .map(|child| match child.type_text.as_str() {
            "kind" => format!("- {}: {}", code(&child.name), child.description),
            type_text => format!("- {}: {type_text}, {}", code(&child.name), child.description),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// A table; the first row is its head.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    let mut lines = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        lines.push(format!("| {} |", cells.join(" | ")));
        if n == 0 {
            lines.push(format!("|{}", "---|".repeat(row.len())));
        }
    }
    lines.join("\n")
}

/// A description, after the tags with which the field exists.
pub(super) fn with_tags(description: &str, only_with: &[String]) -> String {
    if only_with.is_empty() {
        return description.to_owned();
    }
    format!("*Only with {}.* {description}", only_with.join(", ")).trim_end().to_owned()
}

/// A value as it is written in a manifest on one line.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".into(),
        Value::Object(map) => {
            let fields = map.iter().map(|(key, field)| format!("{key}: {}", self::value(field)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other.to_string(),
    }
}

pub(super) fn code(text: &str) -> String {
    format!("`{text}`")
}

pub(super) fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// A class worth naming.
pub(super) fn class(class: DataClass) -> Option<&'static str> {
    match class {
        DataClass::Technical => None,
        DataClass::Content => Some("content"),
        DataClass::Personal => Some("personal"),
    }
}

pub(super) fn paragraph(page: &mut String, text: &str) {
    page.push('\n');
    page.push_str(text.trim_end());
    page.push('\n');
}
