//! What an author of manifests can mend: a code, a place, a message and advice.

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::path::Path;
use super::source::Span;

/// How bad it is. Only errors change an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// It can be used, and is probably not what was meant.
    Warning,
}

/// One problem, at the place where it is to be mended.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable, documented by `trueup explain CODE`.
    pub code: Code,
    /// One sentence, no full stop.
    pub message: String,
    /// The offending value, key or parent.
    pub span: Option<Span>,
    /// A file that has no position, such as one that could not be read.
    pub file: Option<String>,
    /// `Kind/name` of the manifest, when known.
    pub address: Option<String>,
    /// Path within the manifest.
    pub path: Option<Path>,
    /// What to do.
    pub help: Option<String>,
    /// Other places that belong to it, each with a label.
    pub related: Vec<(String, Span)>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message.into())
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message.into())
    }

    fn new(severity: Severity, code: Code, message: String) -> Self {
        Self {
            severity,
            code,
            message,
            span: None,
            file: None,
            address: None,
            path: None,
            help: None,
            related: Vec::new(),
        }
    }

    /// Sets the place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Names a file without a position.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<String>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Sets the advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, label: impl Into<String>, span: Span) -> Self {
        self.related.push((label.into(), span));
        self
    }

    /// Names the manifest.
    #[must_use]
    pub fn of(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Names the path in the manifest.
    #[must_use]
    pub fn path(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// Whether it is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The candidate nearest to what was written, if one is near enough to be a slip: for "did you mean".
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lower = written.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (written.chars().count().max(candidate.chars().count()) / 3).max(1) && !candidate.is_empty()
        })
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        assert_eq!(nearest("timeoutSecond", ["timeoutSeconds", "retry"]), Some("timeoutSeconds"));
        assert_eq!(nearest("Methd", ["method", "url"]), Some("method"));
        assert_eq!(nearest("banana", ["method", "url"]), None);
    }
}
