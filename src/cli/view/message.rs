//! Single messages on standard error: what failed, what is worth knowing.

use std::io::{self, Write};

use super::style::{Role, Style};
use super::visible;

/// `error: …`, and `help: …` below it.
///
/// # Errors
/// When the writer fails.
pub fn error(out: &mut dyn Write, message: &str, help: Option<&str>, style: Style) -> io::Result<()> {
    writeln!(out, "{}: {}", style.paint(Role::Error, "error"), visible::lines(message))?;
    help.map_or(Ok(()), |help| writeln!(out, "  {}: {}", style.paint(Role::Strong, "help"), visible::lines(help)))
}

/// `warning: …`.
///
/// # Errors
/// When the writer fails.
pub fn warning(out: &mut dyn Write, message: &str, style: Style) -> io::Result<()> {
    writeln!(out, "{}: {}", style.paint(Role::Warning, "warning"), visible::lines(message))
}

/// A line that is no result, such as a question or what was done.
///
/// # Errors
/// When the writer fails.
pub fn note(out: &mut dyn Write, message: &str, style: Style) -> io::Result<()> {
    writeln!(out, "{}", style.paint(Role::Faint, visible::lines(message)))
}

/// A result of one line, on standard output.
///
/// # Errors
/// When the writer fails.
pub fn result(out: &mut dyn Write, message: &str) -> io::Result<()> {
    writeln!(out, "{}", visible::lines(message))
}
