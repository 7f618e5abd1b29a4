//! The little Markdown that documentation is written in, for a terminal: paragraphs, lists, headings, code.

use std::io::{self, Write};

use crate::cli::view::style::{Role, Style};

/// Writes a text of paragraphs, lists, headings and fenced code.
pub(super) fn write(out: &mut dyn Write, text: &str, style: Style) -> io::Result<()> {
    let mut paragraph = String::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            flush(out, &mut paragraph, style)?;
            in_code = !in_code;
        } else if in_code {
            writeln!(out, "  {}", style.paint(Role::Other, line))?;
        } else if let Some(heading) = line.strip_prefix('#') {
            flush(out, &mut paragraph, style)?;
            writeln!(out, "{}", style.paint(Role::Strong, heading.trim_start_matches('#').trim()))?;
        } else if line.trim().is_empty() {
            flush(out, &mut paragraph, style)?;
            writeln!(out)?;
        } else if line.starts_with('|') {
            flush(out, &mut paragraph, style)?;
            writeln!(out, "{line}")?;
        } else {
            if line.trim_start().starts_with("- ") {
                flush(out, &mut paragraph, style)?;
            } else if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(if paragraph.is_empty() { line.trim_end() } else { line.trim() });
        }
    }
    flush(out, &mut paragraph, style)
}

fn flush(out: &mut dyn Write, paragraph: &mut String, style: Style) -> io::Result<()> {
    let text = std::mem::take(paragraph);
    let item = text.trim_start().strip_prefix("- ");
    match item {
        Some(item) => wrapped(out, item, "  - ", "    ", style),
        None => wrapped(out, &text, "", "", style),
    }
}

/// Writes a paragraph within the width; nothing of an empty one.
pub(super) fn wrapped(out: &mut dyn Write, text: &str, first: &str, rest: &str, style: Style) -> io::Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    write!(out, "{first}")?;
    fill(out, text, first.len(), rest, style)
}

/// Goes on with a paragraph on a line that already has as much as `rest`.
pub(super) fn beside(out: &mut dyn Write, text: &str, rest: &str, style: Style) -> io::Result<()> {
    fill(out, text, rest.len(), rest, style)
}

fn fill(out: &mut dyn Write, text: &str, start: usize, rest: &str, style: Style) -> io::Result<()> {
    let mut column = start;
    let mut is_first = true;
    for word in words(text, style) {
        if is_first {
            column = start;
        } else if column + 1 + word.width > style.width {
            write!(out, "\n{rest}")?;
            column = rest.len();
        } else {
            write!(out, " ")?;
            column += 1;
        }
        is_first = false;
        write!(out, "{}", word.painted)?;
        column += word.width;
    }
    writeln!(out)
}

/// A short text on one line.
pub(super) fn line(text: &str, style: Style) -> String {
    words(text, style).into_iter().map(|word| word.painted).collect::<Vec<_>>().join(" ")
}

struct Word {
    painted: String,
    width: usize,
}

/// Words in their colours. Code and emphasis may span several; backticks stay where there is no colour to replace them.
fn words(text: &str, style: Style) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word = Word { painted: String::new(), width: 0 };
    let mut run = String::new();
    let (mut in_code, mut is_strong) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_emphasis = !in_code && c == '*' && chars.peek() == Some(&'*');
        if c != '`' && !is_emphasis && !c.is_whitespace() {
            run.push(c);
            continue;
        }
        add(&mut word, &mut run, in_code, is_strong, style);
        if c == '`' {
            in_code = !in_code;
            if !style.colour {
                run.push('`');
            }
        } else if is_emphasis {
            chars.next();
            is_strong = !is_strong;
        } else if word.width > 0 {
            words.push(std::mem::replace(&mut word, Word { painted: String::new(), width: 0 }));
        }
    }
    add(&mut word, &mut run, in_code, is_strong, style);
    if word.width > 0 {
        words.push(word);
    }
    words
}

fn add(word: &mut Word, run: &mut String, in_code: bool, is_strong: bool, style: Style) {
    let run = std::mem::take(run);
    if run.is_empty() {
        return;
    }
    word.width += run.chars().count();
    word.painted.push_str(&match (in_code, is_strong) {
        (true, _) => style.paint(Role::Other, run),
        (false, true) => style.paint(Role::Strong, run),
        (false, false) => run,
    });
}
