//! Findings as SARIF 2.1.0 (OASIS, errata 01), which code scanning services read.
//!
//! Locations are relative to the repository's root, columns count characters, and the end is exclusive, all as SARIF
//! has it. Rules carry the documentation of their codes.

use std::io::{self, BufWriter, Write};

use serde_json::{Map, Value, json};

use super::finding::{Finding, Place};
use super::visible;
use crate::base::diagnostic::Severity;
use crate::base::diagnostic_record::RelatedRecord;
use crate::manifest::PROJECT_FILE;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the log. `prefix` leads from the repository's root to the project's folder.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, findings: &[Finding], prefix: &str) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, &log(findings, prefix))?;
    writeln!(out)?;
    out.flush()
}

/// The log of these findings.
#[must_use]
pub fn log(findings: &[Finding], prefix: &str) -> Value {
    let mut rules: Vec<&Finding> = Vec::new();
    let mut results = Vec::new();
    for finding in findings {
        let known = rules.iter().position(|rule| rule.rule == finding.rule);
        let index = known.unwrap_or(rules.len());
        if known.is_none() {
            rules.push(finding);
        }
        results.push(result(finding, index, prefix));
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "trueup",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "The repository's root." } } },
            "results": results,
        }],
    })
}

fn rule(finding: &Finding) -> Value {
    let mut rule = Map::new();
    rule.insert("id".into(), finding.rule.as_str().into());
    let title = finding.title.map_or_else(|| format!("what {} says", finding.rule), str::to_owned);
    rule.insert("shortDescription".into(), message(&title));
    if let Some(explanation) = finding.explanation {
        rule.insert("fullDescription".into(), message(explanation));
        rule.insert("help".into(), message(explanation));
    }
    rule.insert("defaultConfiguration".into(), json!({ "level": level(finding.severity) }));
    Value::Object(rule)
}

fn result(finding: &Finding, index: usize, prefix: &str) -> Value {
    let Finding { severity, rule, title: _, explanation: _, message: said, help, address, place, related } = finding;
    let said = match help {
        Some(help) => format!("{said}; {help}"),
        None => said.clone(),
    };
    // Code scanning refuses a result without a place: what has none concerns the project.
    let project = Place { file: PROJECT_FILE.to_owned(), start: None, end: None };
    let mut location = location(place.as_ref().unwrap_or(&project), prefix);
    if let (Some(address), Some(location)) = (address, location.as_object_mut()) {
        location.insert("logicalLocations".into(), json!([{ "fullyQualifiedName": address, "kind": "object" }]));
    }
    let mut result = Map::new();
    result.insert("ruleId".into(), rule.as_str().into());
    result.insert("ruleIndex".into(), index.into());
    result.insert("level".into(), level(*severity).into());
    result.insert("message".into(), message(&said));
    result.insert("locations".into(), json!([location]));
    if !related.is_empty() {
        let related = related.iter().zip(1..).map(|(record, id): (_, u32)| related_location(record, id, prefix));
        result.insert("relatedLocations".into(), related.collect());
    }
    Value::Object(result)
}

fn location(place: &Place, prefix: &str) -> Value {
    let Place { file, start, end } = place;
    let mut physical = Map::new();
    physical.insert("artifactLocation".into(), json!({ "uri": uri(prefix, file), "uriBaseId": "%SRCROOT%" }));
    if let Some((line, column)) = start {
        let mut region = json!({ "startLine": line, "startColumn": column });
        if let (Some((end_line, end_column)), Some(region)) = (end, region.as_object_mut()) {
            region.insert("endLine".into(), (*end_line).into());
            region.insert("endColumn".into(), (*end_column).into());
        }
        physical.insert("region".into(), region);
    }
    json!({ "physicalLocation": physical })
}

fn related_location(record: &RelatedRecord, id: u32, prefix: &str) -> Value {
    let RelatedRecord { message: said, file, line, column } = record;
    let place = Place { file: file.clone(), start: Some((*line, *column)), end: None };
    let mut location = location(&place, prefix);
    if let Some(location) = location.as_object_mut() {
        location.insert("id".into(), id.into());
        location.insert("message".into(), message(said));
    }
    location
}

/// A plain text message. Braces stand for placeholders unless they are doubled (§3.11.5), and `[text](place)` is a link
/// (§3.11.6), which no text from outside is meant to be.
fn message(text: &str) -> Value {
    json!({ "text": visible::lines(text).replace('{', "{{").replace('}', "}}").replace("](", "] (") })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A relative reference (RFC 3986 §4.2): what is not unreserved is percent-encoded, slashes aside.
fn uri(prefix: &str, file: &str) -> String {
    let mut uri = String::new();
    for byte in prefix.bytes().chain(file.bytes()) {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_its_rule_its_place_and_no_markup() {
        let finding = Finding {
            severity: Severity::Warning,
            rule: "policy/https-only".into(),
            title: None,
            explanation: None,
            message: "[click](http://a.test) {0}".into(),
            help: Some("use https".into()),
            address: Some("Destination/d".into()),
            place: Some(Place { file: "a b.yaml".into(), start: Some((2, 7)), end: Some((2, 9)) }),
            related: vec![RelatedRecord { message: "here".into(), file: "b.yaml".into(), line: 1, column: 2 }],
        };
        let log = log(&[finding.clone(), finding], "teams/");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
        let result = &run["results"][1];
        assert_eq!(result["message"]["text"], "[click] (http://a.test) {{0}}; use https");
        let at = &result["locations"][0]["physicalLocation"];
        assert_eq!(at["artifactLocation"]["uri"], "teams/a%20b.yaml");
        assert_eq!(at["region"], json!({"startLine": 2, "startColumn": 7, "endLine": 2, "endColumn": 9}));
        assert_eq!(result["relatedLocations"][0]["id"], 1);
    }
}
