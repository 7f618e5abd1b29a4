//! What came of tests, for people: one line a test, failures in full, the counts in the last line.

use std::io::{self, BufWriter, Write};

use serde_json::Value;

use super::change_text::ChangeView;
use super::diagnostic_text::write_places;
use super::style::{Role, Style, count};
use super::value_text::{Node, quoted};
use super::visible;
use crate::base::locator::Locator;
use crate::base::source::{SourceMap, Span};
use crate::review::test::coverage::{Coverage, Covered, Missed};
use crate::review::test::report::{
    CaseError, CaseResult, Counts, Decider, Difference, Outcome, TestReport, TestResult,
};

/// Names of tests are padded to the longest, but no further than this.
const NAME_WIDTH: usize = 48;
/// Differences of one case that are shown.
const DIFFERENCES: usize = 20;
/// Lines of one value that are shown.
const VALUE_LINES: usize = 40;
/// Things that no case touches, of one sort, that are listed.
const MISSED: usize = 50;

/// Writes a report.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, report: &TestReport, sources: &SourceMap, style: Style) -> io::Result<()> {
    let out: &mut dyn Write = &mut BufWriter::new(out);
    let mut view = View { locator: Locator::new(sources), style };
    let longest = report.tests.iter().map(|test| test.name.as_str().len()).max().unwrap_or(0);
    for test in &report.tests {
        view.test(out, test, longest.min(NAME_WIDTH))?;
    }
    for (test, case) in report.cases() {
        view.case(out, test, case)?;
    }
    if let Some(coverage) = &report.coverage {
        view.coverage(out, coverage)?;
    }
    writeln!(out, "\n{}", last_line(report.counts()))?;
    out.flush()
}

/// Writes one case that is not as expected, in full; of any other nothing.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_case(
    out: &mut dyn Write,
    test: &TestResult,
    case: &CaseResult,
    sources: &SourceMap,
    style: Style,
) -> io::Result<()> {
    View { locator: Locator::new(sources), style }.case(out, test, case)
}

/// `Tests: 12 passed, 1 failed, 0 errors.`
#[must_use]
pub fn last_line(counts: Counts) -> String {
    let Counts { passed, failed, errors } = counts;
    format!("Tests: {passed} passed, {failed} failed, {}.", count(errors, "error"))
}

struct View<'s> {
    locator: Locator<'s>,
    style: Style,
}

impl View<'_> {
    fn test(&self, out: &mut dyn Write, test: &TestResult, width: usize) -> io::Result<()> {
        let counts = Counts::of(&test.cases);
        let Counts { passed, failed, errors } = counts;
        let mark = match (failed, errors) {
            (0, 0) => self.style.paint(Role::Add, "ok    "),
            (0, _) => self.style.paint(Role::Error, "error "),
            (_, _) => self.style.paint(Role::Error, "failed"),
        };
        let parts = [
            (passed > 0).then(|| self.style.paint(Role::Faint, format_args!("{passed} passed"))),
            (failed > 0).then(|| self.style.paint(Role::Remove, format_args!("{failed} failed"))),
            (errors > 0).then(|| self.style.paint(Role::Remove, count(errors, "error"))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        writeln!(out, "{mark}  {:width$}  {}", test.name.as_str(), parts.join(", "))
    }

    fn case(&mut self, out: &mut dyn Write, test: &TestResult, case: &CaseResult) -> io::Result<()> {
        let name = format!("{}: {}", test.name, visible::line(&case.name));
        match &case.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Failed(differences) => {
                let word = self.style.paint(Role::Error, "failed:");
                writeln!(out, "\n{word} {}", self.style.paint(Role::Strong, name))?;
                self.place(out, case.span)?;
                for difference in differences.iter().take(DIFFERENCES) {
                    self.difference(out, difference)?;
                }
                let more = differences.len().saturating_sub(DIFFERENCES);
                if more > 0 {
                    writeln!(out, "\n  … and {}", count(more, "further difference"))?;
                }
                Ok(())
            }
            Outcome::Error(CaseError { message, help, decided }) => {
                let word = self.style.paint(Role::Error, "error:");
                writeln!(out, "\n{word} {}", self.style.paint(Role::Strong, name))?;
                self.place(out, case.span)?;
                writeln!(out, "\n  {}", visible::lines(message))?;
                if let Some(help) = help {
                    writeln!(out, "  {}: {}", self.style.paint(Role::Strong, "help"), visible::lines(help))?;
                }
                self.places(out, None, decided)
            }
        }
    }

    fn place(&mut self, out: &mut dyn Write, span: Span) -> io::Result<()> {
        let Some(at) = self.locator.locate(span) else { return Ok(()) };
        let place = format!("{}:{}:{}", visible::line(&at.file), at.line, at.column);
        writeln!(out, "  {} {place}", self.style.paint(Role::Other, "-->"))
    }

    fn difference(&mut self, out: &mut dyn Write, difference: &Difference) -> io::Result<()> {
        let Difference { path, span, expected, actual, decided } = difference;
        writeln!(out, "\n  {}", self.style.paint(Role::Strong, path))?;
        self.values(out, expected.as_ref(), actual.as_ref())?;
        self.places(out, *span, decided)
    }

    fn values(&self, out: &mut dyn Write, expected: Option<&Value>, actual: Option<&Value>) -> io::Result<()> {
        if let (Some(Value::String(expected)), Some(Value::String(actual))) = (expected, actual)
            && (expected.contains('\n') || actual.contains('\n'))
        {
            let view = ChangeView { style: self.style, show_personal: true, indent: 0, tell_drift: false };
            writeln!(out, "    {}", self.style.paint(Role::Faint, "- expected, + actual"))?;
            return view.unified(expected, actual).iter().try_for_each(|line| writeln!(out, "{line}"));
        }
        if let (Some(Value::String(expected)), Some(Value::String(actual))) = (expected, actual)
            && expected.len().max(actual.len()) < 1_000
        {
            let view = ChangeView { style: self.style, show_personal: true, indent: 0, tell_drift: false };
            let (expected, actual, carets) = view.words(&quoted(expected), &quoted(actual));
            writeln!(out, "    expected  {expected}\n    actual    {actual}")?;
            return carets.map_or(Ok(()), |carets| writeln!(out, "              {carets}"));
        }
        let room = self.style.width.saturating_sub(16);
        for (word, role, value) in [("expected", Role::Remove, expected), ("actual", Role::Add, actual)] {
            let lines = match value {
                None => vec!["nothing".to_owned()],
                Some(value) => {
                    let node = Node::plain(value);
                    let inline = node.inline();
                    if inline.chars().count() <= room || !node.is_block() { vec![inline] } else { node.block(0) }
                }
            };
            let left_out = lines.len().saturating_sub(VALUE_LINES);
            let mut lines = lines.iter().take(VALUE_LINES);
            let first = lines.next().map(String::as_str).unwrap_or_default();
            writeln!(out, "    {word:8}  {}", self.style.paint(role, first))?;
            lines.try_for_each(|line| writeln!(out, "              {}", self.style.paint(role, line)))?;
            if left_out > 0 {
                writeln!(out, "              … {}", count(left_out, "further line"))?;
            }
        }
        Ok(())
    }

    fn places(&mut self, out: &mut dyn Write, expected: Option<Span>, decided: &[Decider]) -> io::Result<()> {
        let expected = expected.map(|span| (span, "expected here".to_owned()));
        let places = decided.iter().filter_map(|decider| Some((decider.span?, decider.says.clone())));
        let places: Vec<(Span, String)> = expected.into_iter().chain(places).collect();
        write_places(out, &places, &mut self.locator, self.style)
    }

    fn coverage(&mut self, out: &mut dyn Write, coverage: &Coverage) -> io::Result<()> {
        let Coverage { webhooks, conditions, routes, placeholders } = coverage;
        writeln!(out, "\n{}", self.style.paint(Role::Strong, "Coverage"))?;
        for (name, covered) in [
            ("webhooks", webhooks),
            ("conditions", conditions),
            ("workflow routes", routes),
            ("placeholders", placeholders),
        ] {
            self.covered(out, name, covered)?;
        }
        Ok(())
    }

    fn covered(&mut self, out: &mut dyn Write, name: &str, covered: &Covered) -> io::Result<()> {
        let Covered { total, missed, one_sided } = covered;
        let touched = covered.touched();
        let role = if touched == *total { Role::Add } else { Role::Warning };
        let share = self.style.paint(role, format_args!("{touched} of {total}"));
        writeln!(out, "  {name:16} {share}")?;
        let missed = missed.iter().map(|missed| (missed, "not touched"));
        let one_sided =
            one_sided.iter().map(|(missed, held)| (missed, if *held { "always held" } else { "never held" }));
        let all: Vec<(&Missed, &str)> = missed.chain(one_sided).collect();
        for (Missed { address, what, span, path: _ }, how) in all.iter().take(MISSED) {
            let at = span.and_then(|span| self.locator.locate(span));
            let place = at.map(|at| format!("{}:{}:{}", visible::line(&at.file), at.line, at.column));
            let place = self.style.paint(Role::Faint, place.unwrap_or_default());
            let (what, _) = visible::cut(what.as_deref().unwrap_or_default(), 100);
            let what = if what.is_empty() { String::new() } else { format!(" {}", visible::line(what)) };
            writeln!(out, "    {how:11}  {address}{what}  {place}")?;
        }
        let more = all.len().saturating_sub(MISSED);
        if more > 0 {
            writeln!(out, "    … and {more} more")?;
        }
        Ok(())
    }
}
