//! What the policies say of a plan, for people: errors first, each with the place where it is mended.

use std::io::{self, Write};

use super::style::{Role, Style, count};
use super::visible;
use crate::kinds::policy::RuleSeverity;
use crate::plan::policy_finding::PolicyFinding;

/// Findings that are written out; a policy that everything breaks is one thing to mend.
const LISTED: usize = 100;

/// Writes the findings, which are in their order.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, findings: &[PolicyFinding], style: Style) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", style.paint(Role::Strong, "Policies:"))?;
    for PolicyFinding { policy, address, severity, message, location } in findings.iter().take(LISTED) {
        let (role, word) = match severity {
            RuleSeverity::Error => (Role::Error, "error"),
            RuleSeverity::Warning => (Role::Warning, "warning"),
        };
        let (word, address) = (style.paint(role, word), style.paint(Role::Strong, address));
        writeln!(out, "  {word}: {address}  {}", visible::line(message))?;
        let place =
            location.as_ref().map(|place| format!("{}:{}:{}", visible::line(&place.file), place.line, place.column));
        let place = place.unwrap_or_else(|| "only on the target".to_owned());
        writeln!(out, "      {}", style.paint(Role::Faint, format_args!("{place}  Policy/{policy}")))?;
    }
    if let Some(more) = findings.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let errors = findings.iter().skip(LISTED).filter(|finding| finding.severity == RuleSeverity::Error).count();
        writeln!(out, "  and {} more, {} of them; -o json lists all", count(more, "finding"), count(errors, "error"))?;
    }
    writeln!(out)
}
