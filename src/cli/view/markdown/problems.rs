//! What is wrong with manifests of which no plan could be made, as a comment.

use std::io::{self, Write};

use super::notes::diagnostic;
use super::parts::{LIMIT, Piece, assemble};
use super::{list, section};
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::diagnostic_record::records;
use crate::base::source::SourceMap;
use crate::cli::view::diagnostic_text::summary;

/// Writes the comment.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &SourceMap, manifests: usize) -> io::Result<()> {
    let records = records(diagnostics, sources);
    let of = |severity| records.iter().filter(move |record| record.severity == severity);
    let (errors, warnings) = (of(Severity::Error).count(), of(Severity::Warning).count());
    let head = format!("### trueup plan\n\n**There is no plan: {}.**\n\n", summary(errors, warnings, manifests));
    let mut pieces = vec![Piece::Fixed(head)];
    let lines = of(Severity::Error).chain(of(Severity::Warning)).map(diagnostic);
    pieces.extend(section("Problems", records.len(), list(lines, "problems")));
    out.write_all(assemble(&pieces, LIMIT).as_bytes())
}
