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

/// Characters of a message; no sentence of ours is as long.
const MESSAGE_LENGTH: usize = 2_000;

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

    fn new(severity: Severity, code: Code, mut message: String) -> Self {
        // A message may quote a value, and a value may have megabytes.
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_LENGTH) {
            message.truncate(end);
            message.push('…');
        }
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

/// Problems of one document that are listed, the rest being counted. People mend the first few and look again; finding
/// the place of each of a hundred thousand would take as long as reading the document that often.
pub const LISTED: usize = 1_000;

/// Says how many problems of a document are not listed, if any.
#[must_use]
pub fn unlisted(count: usize, severity: Severity, code: Code) -> Option<Diagnostic> {
    let problems = if count == 1 { "problem" } else { "problems" };
    let message = format!("{count} more {problems} of this document are not listed");
    (count > 0).then(|| Diagnostic::new(severity, code, message).help("mend those that are, and look again"))
}

/// Characters of what was written, beyond which it is no slip of something short.
const SLIP_LENGTH: usize = 128;
/// Candidates that are compared letter by letter, after the hopeless ones were left out.
const COMPARED: usize = 200;

/// The candidate nearest to what was written, if one is near enough to be a slip: for "did you mean".
///
/// Among very many candidates that look alike it may miss the nearest: every misspelt reference of a large project
/// asks, and comparing each with each has no end.
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let length = written.chars().take(SLIP_LENGTH + 1).count();
    if length > SLIP_LENGTH {
        return None;
    }
    let lower = written.to_lowercase();
    let letters = letters_of(&lower);
    let allowed = |candidate: usize| (length.max(candidate) / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| {
            // A character has at most four bytes: what is far too long need not be counted.
            let may_fit = !candidate.is_empty() && candidate.len() <= SLIP_LENGTH * 4;
            let count = if may_fit { candidate.chars().count() } else { return false };
            // Each edit brings in or takes away at most one letter, or exchanges one for another.
            let differing = (letters ^ letters_of(candidate)).count_ones() as usize;
            count.abs_diff(length) <= allowed(count) && differing <= 2 * allowed(count)
        })
        .take(COMPARED)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed(candidate.chars().count()))
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// Which letters and digits a text has, case aside; other characters do not count.
fn letters_of(text: &str) -> u64 {
    text.bytes().fold(0, |letters, byte| match byte.to_ascii_lowercase() {
        byte @ b'a'..=b'z' => letters | 1 << (byte - b'a'),
        byte @ b'0'..=b'9' => letters | 1 << (32 + byte - b'0'),
        _ => letters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        assert_eq!(nearest("timeoutSecond", ["timeoutSeconds", "retry"]), Some("timeoutSeconds"));
        assert_eq!(nearest("Methd", ["method", "url"]), Some("method"));
        assert_eq!(nearest("banana", ["method", "url"]), None);
        assert_eq!(nearest("Ürl", ["url", "method"]), Some("url"));
        let long = "x".repeat(10_000_000);
        assert_eq!(nearest(&long, [long.as_str(), "url"]), None);
    }
}
