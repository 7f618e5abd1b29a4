//! Annotations for a job of GitHub Actions: workflow commands on standard output, which GitHub shows beside the lines of
//! a pull request.
//!
//! GitHub keeps [`PER_STEP`] errors and as many warnings of a step, and 50 annotations of a job, and drops the rest
//! silently. So the errors come first, no more than it keeps are written, and one line says how many there are beyond.
//!
//! The form is `::error file=F,line=L,endLine=E,col=C,endColumn=D,title=T::MESSAGE`, the message with `%`, carriage
//! return and line feed as `%25`, `%0D`, `%0A`, a property also with `:` and `,` as `%3A`, `%2C`.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::finding::{Finding, Place};
use super::style::count;
use super::visible;
use crate::base::diagnostic::Severity;

/// Annotations of one severity that GitHub shows of a step.
pub const PER_STEP: usize = 10;

/// Writes the annotations. `prefix` leads from the repository's root to the project's folder.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, findings: &[Finding], prefix: &str) -> io::Result<()> {
    out.write_all(text(findings, prefix).as_bytes())
}

/// As [`write()`], for where a text is needed.
#[must_use]
pub fn text(findings: &[Finding], prefix: &str) -> String {
    let mut text = String::new();
    let mut beyond = Vec::new();
    for (severity, noun) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let of: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == severity).collect();
        for finding in of.iter().take(PER_STEP) {
            text.push_str(&command(noun, finding, prefix));
        }
        if of.len() > PER_STEP {
            beyond.push(count(of.len() - PER_STEP, noun));
        }
    }
    if !beyond.is_empty() {
        let message = format!("{} more than GitHub shows; the log and the report have all", beyond.join(" and "));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "::notice title=trueup::{}", data(&message));
    }
    text
}

fn command(noun: &str, finding: &Finding, prefix: &str) -> String {
    let Finding { severity: _, rule, title: _, explanation: _, message, help, address, place, related: _ } = finding;
    let mut properties = Vec::new();
    if let Some(Place { file, start, end }) = place {
        properties.push(("file", format!("{prefix}{file}")));
        if let Some((line, column)) = start {
            properties.push(("line", line.to_string()));
            // Columns are shown only of an annotation within one line.
            let end = end.filter(|end| end.0 == *line);
            properties.push(("endLine", line.to_string()));
            properties.push(("col", column.to_string()));
            properties.extend(end.map(|(_, end)| ("endColumn", end.to_string())));
        }
    }
    properties.push(("title", rule.clone()));
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    let mut message = message.clone();
    if let Some(address) = address {
        message = format!("{address}: {message}");
    }
    if let Some(help) = help {
        message = format!("{message}\nhelp: {help}");
    }
    format!("::{noun} {}::{}\n", properties.join(","), data(&message))
}

/// A message: line breaks stay, as GitHub writes them; nothing else that cannot be seen does.
fn data(text: &str) -> String {
    visible::lines(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    visible::line(text).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn finding(severity: Severity, message: &str, place: Option<Place>) -> Finding {
        Finding {
            severity,
            rule: "wrong-type".into(),
            title: None,
            explanation: None,
            message: message.into(),
            help: None,
            address: None,
            place,
            related: Vec::new(),
        }
    }

    #[test]
    fn a_place_is_named_from_the_repository_and_signs_are_escaped() {
        let place = Place { file: "a,b:c.yaml".into(), start: Some((3, 5)), end: Some((3, 9)) };
        let finding = Finding { help: Some("write 100 %".into()), ..finding(Severity::Error, "no\nmap", Some(place)) };
        let expected = "::error file=teams/a%2Cb%3Ac.yaml,line=3,endLine=3,col=5,endColumn=9,title=wrong-type\
            ::no%0Amap%0Ahelp: write 100 %25\n";
        assert_eq!(text(&[finding], "teams/"), expected);
    }

    #[test]
    fn what_github_would_drop_is_counted() {
        let mut findings = vec![finding(Severity::Warning, "w", None); 23];
        findings.extend(vec![finding(Severity::Error, "e", None); 11]);
        let text = text(&findings, "");
        let starting = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!((starting("::error "), starting("::warning ")), (10, 10));
        assert!(text.starts_with("::error "), "{text}");
        let last =
            "::notice title=trueup::1 error and 13 warnings more than GitHub shows; the log and the report have all";
        assert_eq!(text.lines().last(), Some(last));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_command_of_its_own(message in "[%:,\\r\\n#\\[\\]a-z\u{202e}\u{2028}]{0,40}", file in "[%:,\\r\\na-z]{0,12}") {
            let place = Place { file, start: Some((1, 1)), end: None };
            let text = text(&[finding(Severity::Error, &message, Some(place))], "");
            prop_assert_eq!(text.lines().count(), 1);
            let (properties, _) = text["::error ".len()..].split_once("::").expect("a message");
            // Each property is a name and a value, as many as were written.
            prop_assert_eq!(properties.split(',').count(), 5, "{}", properties);
            prop_assert!(!text.contains("##["));
        }
    }
}
