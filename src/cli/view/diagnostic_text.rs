//! Diagnostics the way a compiler shows them: code, place, the source line with the span underlined, help.

use std::fmt::Write as _;
use std::io::{self, Write};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::style::{Role, Style, count};
use super::visible;
use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::locator::Locator;
use crate::base::source::{Location, SourceMap, Span};

/// Characters of a source line that are shown before and after the first marked one. A scalar of megabytes on one
/// line would otherwise be printed as a whole.
const BEFORE: usize = 60;
const AFTER: usize = 120;
/// The most lines of a span that are shown; a span of a whole document is marked at its first lines.
const SPAN_LINES: u32 = 4;
/// Longest message, help or label, in characters.
const MESSAGE: usize = 2_000;

/// Writes all diagnostics, sorted by place, and a last line with their counts.
///
/// # Errors
/// When the writer fails.
pub fn write(
    out: &mut dyn Write,
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    manifests: usize,
    style: Style,
) -> io::Result<()> {
    write_diagnostics(out, diagnostics, sources, style)?;
    let of = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    writeln!(out, "{}", summary(of(Severity::Error), of(Severity::Warning), manifests))
}

/// Writes all diagnostics, sorted by place, each followed by an empty line.
///
/// # Errors
/// When the writer fails.
pub fn write_diagnostics(
    out: &mut dyn Write,
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    style: Style,
) -> io::Result<()> {
    let renderer = renderer(style);
    let mut locator = Locator::new(sources);
    // Source lines end up in logs that more people read than the file; a secret in one is not repeated there.
    let secrets: Vec<Span> =
        diagnostics.iter().filter(|d| d.code == Code::SecretLiteral).filter_map(|d| d.span).collect();
    for (diagnostic, location) in sorted(diagnostics, &mut locator) {
        writeln!(out, "{}\n", render(&renderer, diagnostic, location.as_ref(), &mut locator, &secrets))?;
    }
    Ok(())
}

/// One line each, for places where the sources are not at hand, such as a plan that was read back.
///
/// # Errors
/// When the writer fails.
pub fn write_records(out: &mut dyn Write, records: &[DiagnosticRecord], style: Style) -> io::Result<()> {
    for record in records {
        let (word, role) = match record.severity {
            Severity::Error => ("error", Role::Error),
            Severity::Warning => ("warning", Role::Warning),
        };
        let mut place = record.file.as_deref().map(|file| format!("{}: ", visible::line(file))).unwrap_or_default();
        if let (Some(file), Some(line), Some(column)) = (&record.file, record.line, record.column) {
            place = format!("{}:{line}:{column}: ", visible::line(file));
        }
        let code = style.paint(role, format_args!("{word}[{}]", visible::line(&record.code)));
        writeln!(out, "{place}{code}: {}", text(&record.message))?;
    }
    Ok(())
}

/// `2 errors, 1 warning in 12 manifests`.
#[must_use]
pub fn summary(errors: usize, warnings: usize, manifests: usize) -> String {
    let manifests = count(manifests, "manifest");
    match (errors, warnings) {
        (0, 0) => format!("no errors in {manifests}"),
        (0, warnings) => format!("{} in {manifests}", count(warnings, "warning")),
        (errors, 0) => format!("{} in {manifests}", count(errors, "error")),
        (errors, warnings) => format!("{}, {} in {manifests}", count(errors, "error"), count(warnings, "warning")),
    }
}

fn sorted<'d>(diagnostics: &'d [Diagnostic], locator: &mut Locator<'_>) -> Vec<(&'d Diagnostic, Option<Location>)> {
    let mut by_span: Vec<&Diagnostic> = diagnostics.iter().collect();
    by_span.sort_by_key(|diagnostic| diagnostic.span);
    let mut found: Vec<_> = by_span.into_iter().map(|d| (d, d.span.and_then(|span| locator.locate(span)))).collect();
    found.sort_by(|(a, a_at), (b, b_at)| {
        fn key<'k>(d: &'k Diagnostic, at: Option<&'k Location>) -> (bool, &'k str, Option<(u32, u32)>) {
            let file = at.map(|at| &*at.file).or(d.file.as_deref());
            (file.is_none(), file.unwrap_or_default(), at.map(|at| (at.line, at.column)))
        }
        let rest = |d: &Diagnostic| (d.code.as_str(), d.message.clone());
        key(a, a_at.as_ref()).cmp(&key(b, b_at.as_ref())).then_with(|| rest(a).cmp(&rest(b)))
    });
    found
}

fn render(
    renderer: &Renderer,
    d: &Diagnostic,
    location: Option<&Location>,
    locator: &mut Locator<'_>,
    secrets: &[Span],
) -> String {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut places = Vec::new();
    if let (Some(span), Some(location)) = (d.span, location) {
        places.push(Place::new(locator, span, location, String::new(), secrets));
    }
    for (label, span) in &d.related {
        if let Some(location) = locator.locate(*span) {
            places.push(Place::new(locator, *span, &location, text(label), secrets));
        }
    }
    let mut elements: Vec<Element<'_>> = Vec::new();
    if location.is_none()
        && let Some(file) = &d.file
    {
        elements.push(Origin::path(visible::line(file)).into());
    }
    for (n, place) in places.iter().enumerate() {
        let kind = if n == 0 && d.span.is_some() { AnnotationKind::Primary } else { AnnotationKind::Context };
        elements.push(place.origin().into());
        elements.push(place.snippet(kind).into());
    }
    if let (Some(address), None) = (&d.address, location) {
        elements.push(Level::NOTE.message(format!("in {}", visible::line(address))).into());
    }
    if let Some(help) = &d.help {
        elements.push(Level::HELP.message(text(help)).into());
    }
    let title = level.primary_title(text(&d.message)).id(d.code.as_str());
    frame(renderer, Group::with_title(title).elements(elements), places.is_empty())
}

/// Writes places, each with its label: file and line, and the source line with the span underlined.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_places(
    out: &mut dyn Write,
    places: &[(Span, String)],
    locator: &mut Locator<'_>,
    style: Style,
) -> io::Result<()> {
    let renderer = renderer(style);
    let located = places.iter().filter_map(|(span, label)| {
        let location = locator.locate(*span)?;
        Some(Place::new(locator, *span, &location, text(label), &[]))
    });
    let places: Vec<Place> = located.collect();
    if places.is_empty() {
        return Ok(());
    }
    let mut elements: Vec<Element<'_>> = Vec::new();
    for (n, place) in places.iter().enumerate() {
        let kind = if n == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        elements.push(place.origin().into());
        elements.push(place.snippet(kind).into());
    }
    writeln!(out, "{}", frame(&renderer, Group::with_level(Level::ERROR).elements(elements), false))
}

fn renderer(style: Style) -> Renderer {
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(style.width.max(BEFORE + AFTER + 20))
}

fn frame(renderer: &Renderer, group: Group<'_>, without_places: bool) -> String {
    let text = renderer.render(&[group]);
    // The place is given apart from its source, because the line shown may be a window whose columns are not the
    // file's. The renderer then puts an empty place line between the two.
    let is_empty_place = |line: &str| anstream::adapter::strip_str(line).to_string().trim() == ":::";
    // Nor is there a frame to draw around a message that points nowhere.
    let is_empty_frame = |line: &str| without_places && anstream::adapter::strip_str(line).to_string().trim() == "|";
    text.lines().filter(|line| !is_empty_place(line) && !is_empty_frame(line)).collect::<Vec<_>>().join("\n")
}

/// A message of ours or of a library, which may quote what a stranger wrote.
fn text(message: &str) -> String {
    let (shown, left_out) = visible::cut(message, MESSAGE);
    let mut shown = visible::lines(shown).into_owned();
    if left_out > 0 {
        let _ = write!(shown, "… ({left_out} more bytes)");
    }
    shown
}

/// The lines of one span, short and harmless, with the span moved along.
struct Place {
    file: String,
    line: u32,
    column: u32,
    source: String,
    mark: std::ops::Range<usize>,
    label: String,
}

impl Place {
    fn new(locator: &mut Locator<'_>, span: Span, location: &Location, label: String, secrets: &[Span]) -> Self {
        let mut place = Self {
            file: visible::line(&location.file).into_owned(),
            line: location.line,
            column: location.column,
            source: String::new(),
            mark: 0..0,
            label,
        };
        let whole: &str = locator.sources().file(span.file).map_or("", |file| &file.text);
        let start = floor(whole, span.start as usize);
        let end = floor(whole, span.end as usize).max(start);
        let secrets: Vec<_> = secrets.iter().filter(|secret| secret.file == span.file).collect();
        let hidden =
            |at: usize| secrets.iter().any(|secret| (secret.start as usize..secret.end as usize).contains(&at));
        let last_line = location.end_line.min(location.line.saturating_add(SPAN_LINES - 1));
        let mut started = false;
        for line in location.line..=last_line {
            let Some(range) = locator.line(span.file, line) else { break };
            // The span of a block ends at the start of the line after it, where nothing is to be marked.
            if started && end <= range.start {
                break;
            }
            if started {
                place.source.push('\n');
            }
            let marked = start.clamp(range.start, range.end)..end.clamp(range.start, range.end);
            let mark = push_line(whole, range, marked, &hidden, &mut place.source);
            place.mark = if started { place.mark.start..mark.end } else { mark };
            started = true;
        }
        place
    }

    fn origin(&self) -> Origin<'_> {
        Origin::path(self.file.as_str()).line(self.line as usize).char_column(self.column as usize)
    }

    fn snippet(&self, kind: AnnotationKind) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let label = (!self.label.is_empty()).then_some(self.label.as_str());
        Snippet::source(self.source.as_str())
            .line_start(self.line as usize)
            .fold(false)
            .annotation(kind.span(self.mark.clone()).label(label))
    }
}

/// Appends a window of one line around what is marked in it, with an ellipsis for what is hidden; returns where the
/// marked part then stands.
fn push_line(
    whole: &str,
    line: std::ops::Range<usize>,
    marked: std::ops::Range<usize>,
    hidden: &dyn Fn(usize) -> bool,
    out: &mut String,
) -> std::ops::Range<usize> {
    let before = whole.get(line.start..marked.start).unwrap_or_default();
    let from = before.char_indices().rev().nth(BEFORE).map_or(line.start, |(at, c)| line.start + at + c.len_utf8());
    if from > line.start {
        out.push('…');
    }
    let rest = whole.get(from..line.end).unwrap_or_default();
    let rest = rest.strip_suffix('\r').unwrap_or(rest);
    let (mut start, mut end) = (out.len(), None);
    let mut shown = 0;
    for (at, c) in rest.char_indices() {
        let at = from + at;
        if at == marked.start {
            start = out.len();
        }
        if at >= marked.end && end.is_none() {
            end = Some(out.len());
        }
        if at >= marked.start {
            shown += 1;
        }
        if shown > AFTER {
            end = end.or(Some(out.len()));
            out.push('…');
            return start..end.unwrap_or(start);
        }
        if hidden(at) {
            if at == from || !hidden(at - 1) {
                out.push('…');
            }
            continue;
        }
        if visible::is_hidden(c) && c != '\t' { visible::push_escape(c, out) } else { out.push(c) }
    }
    if marked.start >= from + rest.len() {
        start = out.len();
    }
    start..end.unwrap_or(out.len())
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests;
