//! `test -o junit`: the JUnit XML that continuous integration reads, by the schema of the Jenkins xUnit plugin (which
//! the other readers accept as well). A Test is a `testsuite`, a case a `testcase`.
//!
//! That schema (junit-10.xsd) has a place for a file at a suite and none at a case, and none for a line: the line of a
//! case that fails stands in the text of its failure.
//!
//! There are no times in it: the same manifests give the same bytes.

use std::io::{self, BufWriter, Write};

use super::style::Style;
use super::test_text;
use crate::base::locator::Locator;
use crate::base::source::SourceMap;
use crate::review::test::report::{CaseResult, Counts, Outcome, TestReport, TestResult};

/// Writes the document.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, report: &TestReport, sources: &SourceMap) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut locator = Locator::new(sources);
    let counts = report.counts();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="trueup" {}>"#, numbers(counts))?;
    for test in &report.tests {
        let TestResult { name, span, cases } = test;
        let file = locator.locate(*span).map(|at| format!(r#" file="{}""#, escaped(&at.file))).unwrap_or_default();
        writeln!(out, r#"  <testsuite name="{}" {}{file}>"#, escaped(name.as_str()), numbers(Counts::of(cases)))?;
        for case in cases {
            write!(out, r#"    <testcase name="{}" classname="{}""#, escaped(&case.name), escaped(name.as_str()))?;
            match &case.outcome {
                Outcome::Passed => writeln!(out, "/>")?,
                Outcome::Failed(differences) => {
                    let first = differences.first().map(|difference| difference.path.to_string()).unwrap_or_default();
                    let more = match differences.len() {
                        0 | 1 => String::new(),
                        n => format!(" and {} more", n - 1),
                    };
                    let message = format!("not as expected: {first}{more}");
                    element(&mut out, "failure", &message, &details(test, case, sources))?;
                }
                Outcome::Error(error) => element(&mut out, "error", &error.message, &details(test, case, sources))?,
            }
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

fn numbers(counts: Counts) -> String {
    format!(r#"tests="{}" failures="{}" errors="{}""#, counts.total(), counts.failed, counts.errors)
}

fn element(out: &mut dyn Write, name: &str, message: &str, details: &str) -> io::Result<()> {
    writeln!(out, ">")?;
    let message = escaped(message);
    writeln!(out, r#"      <{name} message="{message}" type="{name}">{}</{name}>"#, escaped_text(details))?;
    writeln!(out, "    </testcase>")
}

/// The same words as on a terminal.
fn details(test: &TestResult, case: &CaseResult, sources: &SourceMap) -> String {
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let _ = test_text::write_case(&mut text, test, case, sources, Style::PLAIN);
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// A text within an attribute: one line, and nothing that ends it or that XML 1.0 has no place for.
fn escaped(text: &str) -> String {
    escape(text, true)
}

/// A text between tags, likewise; its line breaks stay.
fn escaped_text(text: &str) -> String {
    escape(text, false)
}

fn escape(text: &str, is_attribute: bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' if !is_attribute => out.push(c),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            // Not even as references are these allowed (XML 1.0 §2.2), so they are shown as escapes are elsewhere.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use quick_xml::escape::unescape;

    use super::*;

    #[test]
    fn hostile_texts_stay_texts() {
        let hostile = "]]></failure><x a='1' b=\"2\">&amp;\n\t\u{1b}[31m\u{ffff}\u{0}";
        for is_attribute in [true, false] {
            let escaped = escape(hostile, is_attribute);
            assert!(!escaped.contains(['<', '>', '"', '\'', '\u{1b}', '\u{0}', '\u{ffff}']), "{escaped}");
            let back = unescape(&escaped).expect("well-formed");
            assert_eq!(back, "]]></failure><x a='1' b=\"2\">&amp;\n\t\\u{1b}[31m\\u{ffff}\\u{0}");
        }
        assert!(!escaped(hostile).contains('\n'));
    }
}
