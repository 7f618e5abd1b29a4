//! `validate -o json`: all problems and their counts, as one document.

use std::io::{self, BufWriter, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::diagnostic_record::{DiagnosticRecord, records};
use crate::base::source::SourceMap;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidationV1 {
    /// `1.0`.
    pub format_version: String,
    /// Sorted by file, line, column, then code.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// The counts.
    pub summary: ValidationSummaryV1,
}

/// How many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ValidationSummaryV1 {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Manifests that were looked at.
    pub manifests: usize,
}

impl ValidationV1 {
    /// The document of these diagnostics.
    #[must_use]
    pub fn new(diagnostics: &[Diagnostic], sources: &SourceMap, manifests: usize) -> Self {
        let diagnostics = records(diagnostics, sources);
        let of = |severity| diagnostics.iter().filter(|record| record.severity == severity).count();
        let summary = ValidationSummaryV1 { errors: of(Severity::Error), warnings: of(Severity::Warning), manifests };
        Self { format_version: "1.0".to_owned(), diagnostics, summary }
    }
}

/// Writes the document, indented.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &SourceMap, manifests: usize) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, &ValidationV1::new(diagnostics, sources, manifests))?;
    writeln!(out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::code::Code;
    use crate::base::path::Path;
    use crate::base::source::Span;

    #[test]
    fn absent_values_are_null() {
        let mut sources = SourceMap::default();
        let file = sources.add("a.yaml", "kind: X\nspec: 1\n");
        let diagnostics = [
            Diagnostic::warning(Code::Unused, "nobody uses it").of("Destination/d"),
            Diagnostic::error(Code::UnreadableFile, "cannot be read").in_file("b.yaml"),
            Diagnostic::error(Code::WrongType, "`spec` is not a map")
                .at(Span { file, start: 14, end: 15 })
                .path(Path::keys("spec"))
                .help("write a map")
                .related("the kind", Span { file, start: 6, end: 7 }),
        ];
        let mut out = Vec::new();
        write(&mut out, &diagnostics, &sources, 2).unwrap();
        let found: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected = serde_json::json!({
            "format_version": "1.0",
            "diagnostics": [
                {"severity": "error", "code": "wrong-type", "message": "`spec` is not a map", "file": "a.yaml",
                 "line": 2, "column": 7, "end_line": 2, "end_column": 8, "address": null, "path": "spec",
                 "help": "write a map",
                 "related": [{"message": "the kind", "file": "a.yaml", "line": 1, "column": 7}]},
                {"severity": "error", "code": "unreadable-file", "message": "cannot be read", "file": "b.yaml",
                 "line": null, "column": null, "end_line": null, "end_column": null, "address": null, "path": null,
                 "help": null, "related": []},
                {"severity": "warning", "code": "unused", "message": "nobody uses it", "file": null,
                 "line": null, "column": null, "end_line": null, "end_column": null, "address": "Destination/d",
                 "path": null, "help": null, "related": []},
            ],
            "summary": {"errors": 2, "warnings": 1, "manifests": 2},
        });
        assert_eq!(found, expected);
    }
}
