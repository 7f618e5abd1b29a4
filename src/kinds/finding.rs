//! What a kind's checks find, by path; the desired stage turns it into diagnostics with positions.

use crate::base::code::Code;
use crate::base::diagnostic::Severity;
use crate::base::path::Path;

/// One problem of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// The code.
    pub code: Code,
    /// Where, from the manifest's root.
    pub path: Path,
    /// Point at the key instead of the value.
    pub at_key: bool,
    /// One sentence, no full stop.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Other places in the same manifest that belong to it.
    pub related: Vec<(String, Path)>,
}

impl Finding {
    /// Points at the key instead of the value.
    pub fn at_key(&mut self) -> &mut Self {
        self.at_key = true;
        self
    }

    /// Sets the advice.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// "did you mean `x`?", if there is something near.
    pub fn did_you_mean<'c>(&mut self, written: &str, candidates: impl IntoIterator<Item = &'c str>) -> &mut Self {
        if let Some(near) = crate::base::diagnostic::nearest(written, candidates) {
            self.help = Some(format!("did you mean `{near}`?"));
        }
        self
    }

    /// Adds another place in the same manifest.
    pub fn related(&mut self, label: impl Into<String>, path: Path) -> &mut Self {
        self.related.push((label.into(), path));
        self
    }
}

/// Collects findings.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds an error.
    pub fn error(&mut self, code: Code, path: Path, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, code, path, message.into())
    }

    /// Adds a warning.
    pub fn warning(&mut self, code: Code, path: Path, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Warning, code, path, message.into())
    }

    fn add(&mut self, severity: Severity, code: Code, path: Path, message: String) -> &mut Finding {
        let at = self.0.len();
        self.0.push(Finding { severity, code, path, at_key: false, message, help: None, related: Vec::new() });
        &mut self.0[at]
    }

    /// All of them, in the order they were found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Finding> {
        self.0
    }

    /// Looks at them.
    #[must_use]
    pub fn as_slice(&self) -> &[Finding] {
        &self.0
    }
}
