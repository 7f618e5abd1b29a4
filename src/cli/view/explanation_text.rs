//! `explain` for people: an explanation laid out for a terminal.

mod markdown;

use std::io::{self, Write};

use super::style::{Role, Style};
use crate::kinds::explain::{Allowed, Child, Explanation};

/// Writes it.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, explanation: &Explanation, style: Style) -> io::Result<()> {
    writeln!(out, "{}", style.paint(Role::Strong, &explanation.title))?;
    let facts = explanation.facts();
    if !facts.is_empty() {
        writeln!(out)?;
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in &facts {
            let name = style.paint(Role::Faint, format!("{name:width$}"));
            writeln!(out, "  {name}  {}", markdown::line(value, style))?;
        }
    }
    if !explanation.text.starts_with(&explanation.description) {
        writeln!(out)?;
        markdown::write(out, &explanation.description, style)?;
    }
    if !explanation.text.is_empty() {
        writeln!(out)?;
        markdown::write(out, &explanation.text, style)?;
    }
    if let Some(life_cycle) = explanation.life_cycle {
        writeln!(out)?;
        markdown::write(out, life_cycle, style)?;
    }
    values(out, &explanation.allowed, style)?;
    children(out, explanation, style)
}

fn values(out: &mut dyn Write, values: &[Allowed], style: Style) -> io::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", style.paint(Role::Strong, "Values"))?;
    let width = values.iter().map(|allowed| allowed.value.len()).max().unwrap_or_default();
    let mut group = "";
    for allowed in values {
        if allowed.group != group {
            group = &allowed.group;
            writeln!(out, "\n  {}", style.paint(Role::Faint, group))?;
        }
        columns(out, &allowed.value, width, &allowed.description, style)?;
    }
    Ok(())
}

fn children(out: &mut dyn Write, explanation: &Explanation, style: Style) -> io::Result<()> {
    let Some(first) = explanation.children.first() else { return Ok(()) };
    let width = explanation.children.iter().map(|child| child.name.len()).max().unwrap_or_default();
    if explanation.type_text.is_some() {
        writeln!(out, "\n{}", style.paint(Role::Strong, "Fields"))?;
        return explanation.children.iter().try_for_each(|child| field(out, child, width, style));
    }
    writeln!(out)?;
    let is_kind = first.type_text == "kind";
    explanation.children.iter().try_for_each(|child| {
        let Child { name, type_text, description, .. } = child;
        let about = if is_kind { description.clone() } else { format!("{type_text}, {description}") };
        columns(out, name, width, &about, style)
    })
}

fn field(out: &mut dyn Write, child: &Child, width: usize, style: Style) -> io::Result<()> {
    let Child { name, type_text, required, description, only_with } = child;
    let mut about = type_text.clone();
    if *required {
        about.push_str(", required");
    }
    if !only_with.is_empty() {
        about.push_str(", only with ");
        about.push_str(&only_with.join(", "));
    }
    if style.colour {
        about = about.replace('`', "");
    }
    let gap = " ".repeat(width - name.len());
    writeln!(out, "  {}{gap}  {}", style.paint(Role::Strong, name), style.paint(Role::Faint, about))?;
    markdown::wrapped(out, description, "      ", "      ", style)
}

/// A name, and words about it beside it.
fn columns(out: &mut dyn Write, name: &str, width: usize, about: &str, style: Style) -> io::Result<()> {
    if about.is_empty() {
        return writeln!(out, "  {}", style.paint(Role::Other, name));
    }
    let gap = " ".repeat(width - name.len());
    let indent = " ".repeat(width + 4);
    write!(out, "  {}{gap}  ", style.paint(Role::Other, name))?;
    markdown::beside(out, about, &indent, style)
}

#[cfg(test)]
mod tests;
