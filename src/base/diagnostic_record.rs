//! A diagnostic as other programs read it: the record of `validate -o json` and of a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::{Diagnostic, Severity};
use super::locator::Locator;
use super::source::{Location, SourceMap, Span};

/// One problem. Lines and columns count from 1, columns in characters; what is not known is `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DiagnosticRecord {
    /// Only errors change an exit code.
    pub severity: Severity,
    /// Stable; `trueup explain CODE` documents it.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Relative to the project's folder, with forward slashes.
    #[serde(default)]
    pub file: Option<String>,
    /// First line.
    #[serde(default)]
    pub line: Option<u32>,
    /// First column.
    #[serde(default)]
    pub column: Option<u32>,
    /// Line of the end.
    #[serde(default)]
    pub end_line: Option<u32>,
    /// Column one past the last character.
    #[serde(default)]
    pub end_column: Option<u32>,
    /// `Kind/name` of the manifest.
    #[serde(default)]
    pub address: Option<String>,
    /// Path within the manifest.
    #[serde(default)]
    pub path: Option<String>,
    /// What to do.
    #[serde(default)]
    pub help: Option<String>,
    /// Other places that have to do with it.
    #[serde(default)]
    pub related: Vec<RelatedRecord>,
}

/// Another place that has to do with a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RelatedRecord {
    /// What is there.
    pub message: String,
    /// Relative to the project's folder, with forward slashes.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// Its column.
    pub column: u32,
}

impl DiagnosticRecord {
    /// The record of a diagnostic that lies at `location`; `locate` finds the other places.
    #[must_use]
    pub fn new(
        diagnostic: &Diagnostic,
        location: Option<&Location>,
        mut locate: impl FnMut(Span) -> Option<Location>,
    ) -> Self {
        let Diagnostic { severity, code, message, span: _, file, address, path, help, related } = diagnostic;
        let related = related.iter().filter_map(|(message, span)| {
            let Location { file, line, column, .. } = locate(*span)?;
            Some(RelatedRecord { message: message.clone(), file: file.to_string(), line, column })
        });
        Self {
            severity: *severity,
            code: code.as_str().to_owned(),
            message: message.clone(),
            file: location.map(|location| location.file.to_string()).or_else(|| file.clone()),
            line: location.map(|location| location.line),
            column: location.map(|location| location.column),
            end_line: location.map(|location| location.end_line),
            end_column: location.map(|location| location.end_column),
            address: address.clone(),
            path: path.as_ref().map(ToString::to_string),
            help: help.clone(),
            related: related.collect(),
        }
    }
}

/// Located records, sorted by file, line, column, then code; those without a file last.
#[must_use]
pub fn records(diagnostics: &[Diagnostic], sources: &SourceMap) -> Vec<DiagnosticRecord> {
    let mut locator = Locator::new(sources);
    let mut elsewhere = Locator::new(sources);
    let mut found: Vec<&Diagnostic> = diagnostics.iter().collect();
    // In the order of the bytes, so that the locator never goes back within a long line.
    found.sort_by_key(|diagnostic| diagnostic.span);
    let mut records: Vec<DiagnosticRecord> = found
        .into_iter()
        .map(|diagnostic| {
            let location = diagnostic.span.and_then(|span| locator.locate(span));
            DiagnosticRecord::new(diagnostic, location.as_ref(), |span| elsewhere.locate(span))
        })
        .collect();
    records.sort_by(|a, b| {
        let key = |r: &DiagnosticRecord| (r.file.is_none(), r.line, r.column);
        (key(a).0, &a.file, key(a).1, key(a).2, &a.code, &a.message).cmp(&(
            key(b).0,
            &b.file,
            key(b).1,
            key(b).2,
            &b.code,
            &b.message,
        ))
    });
    records
}
